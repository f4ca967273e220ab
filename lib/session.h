/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session.h - the sessions of this machine: made in order (cgroup, marks, rules, then published),
 * undone in reverse. Holds the O_PATH descriptors that keep marks alive. Used by the daemon alone,
 * from one thread.
 */
#ifndef LIB_SESSION_H
#define LIB_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "cg.h"
#include "event.h"
#include "fail.h"
#include "lsm.h"
#include "policy.h"
#include "report.h"
#include "resolve.h"

struct session {
	char name[SESSION_NAME_MAX + 1];
	char *directory;
	uid_t owner;
	uint64_t cgroup;
	uint32_t slot;
	uint32_t flags; /* AL_AUDIT | ... */
	time_t created; /* CLOCK_REALTIME */
	struct policy policy;
	struct objects
		objects; /* while it is being made: descriptors; afterwards ids[] stands for them */
	uint32_t *ids;	 /* object ids that this session holds a reference on */
	size_t ids_len;
	uint32_t
		unmarked; /* objects that could not be taken over from an earlier daemon: refused */
	bool internal;	  /* the daemon's own: no log, and a name that nobody else can have */
	int log;	  /* descriptor of its log, -1: none */
	bool log_failed;
	unsigned int tails; /* how many follow it */
};

struct sessions;

int sessions_open(struct lsm *lsm, struct cg *cg, struct sessions **out_sessions, struct fail *f);
/* Forget them; what is published goes on being enforced. */
void sessions_close(struct sessions *sessions);

/*
 * Take over what an earlier daemon left: sessions whose state, cgroup and kernel entry agree.
 * Everything else that looks like a session is killed and removed, never adopted. Calls note for
 * each with what became of it.
 */
int sessions_restore(struct sessions *sessions, void (*note)(const char *name, const char *what),
		     struct fail *f);
/* Does this process hold every object that a rule is about? */
bool sessions_complete(struct sessions *sessions);

/*
 * A session that is not in force yet; owner's. flags: see policy_flags(). Free it with session_free() unless session_start()
 * took it.
 */
struct session *session_new(uid_t owner, const char *directory, uint32_t flags);
void session_free(struct session *session);

/*
 * Put it in force: everything is there before the one update that publishes it, and nothing is left
 * if anything fails. wanted: its name, or NULL to derive one from the directory. On success
 * sessions owns it.
 */
int session_start(struct sessions *sessions, struct session *session, const char *wanted,
		  struct fail *f);
/* Move a process in. */
int session_enter(struct sessions *sessions, struct session *session, pid_t pid, struct fail *f);
/* Kill all; *out_empty says whether all are gone already. They die in their own time: ask again. */
int session_kill(struct sessions *sessions, struct session *session, bool *out_empty,
		 struct fail *f);
/*
 * Kill, remove the cgroup, take the rules away. Afterwards it is the caller's, to session_free();
 * on failure it is as it was.
 */
int session_end(struct sessions *sessions, struct session *session, struct fail *f);
/* Emit allowed operations too, or not. */
int session_tailed(struct sessions *sessions, struct session *session, bool tailed, struct fail *f);

/*
 * The session of this name if this uid may have it (its own; root: all). Says the same of others'
 * sessions and of none.
 */
struct session *session_find(struct sessions *sessions, const char *name, uid_t uid,
			     struct fail *f);
struct session *session_by_cgroup(struct sessions *sessions, uint64_t cgroup);
/* The next one after slot *at (begin with 0); NULL at the end. */
struct session *session_next(struct sessions *sessions, uint32_t *at);

/* What `list` and `report` say of it. */
void session_entry(struct sessions *sessions, const struct session *session,
		   struct list_entry *out_entry);
int session_report(struct sessions *sessions, const struct session *session,
		   struct report *out_report, struct fail *f);
/* An event of the kernel half as people read it. */
void session_event(const struct session *session, const struct al_event *raw,
		   struct event *out_event);

#endif
