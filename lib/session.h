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
#include "fold.h"
#include "list.h"
#include "logfile.h"
#include "lsm.h"
#include "policy.h"
#include "report.h"
#include "resolve.h"

/* What the kernel counts in a session: see cg.h. */
struct session_alarm {
	int fd;		   /* -1: nothing is counted */
	uint64_t told;	   /* how many are in the log */
	int64_t quiet_for; /* its owner was told: not again before this, ms of CLOCK_MONOTONIC */
};

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
	bool kept;	  /* by the service manager: see store.h */
	bool internal;	  /* the daemon's own: no log, and a name that nobody else can have */
	bool broken; /* the kernel's rules are neither those before session_amend() nor after */
	struct logfile log;
	struct fold *fold;   /* refusals that were not written yet */
	uint64_t opens_lost; /* allowed operations without an event that the tails know of */
	unsigned int tails;  /* how many follow it */
	struct session_alarm alarms[CG_ALARMS];
	int population; /* of an ephemeral one: see cg_population_open(); else -1 */
	bool ending;	/* its last process is gone, and the rest is still dying */
};

struct sessions;
struct store;

/* limits: of all logs; users: of each of them; kept, not copied. */
int sessions_open(struct lsm *lsm, struct cg *cg, const struct log_limits *limits,
		  const struct user_limits *users, struct sessions **out_sessions, struct fail *f);
/* Forget them; what is published goes on being enforced. */
void sessions_close(struct sessions *sessions);

/*
 * Take over what an earlier daemon left: sessions whose state, cgroup and kernel entry agree.
 * Everything else that looks like a session is killed and removed, never adopted. Calls note for
 * each with what became of it. store: descriptors that were kept meanwhile.
 */
int sessions_restore(struct sessions *sessions, const struct store *store,
		     void (*note)(const char *name, const char *what), struct fail *f);
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
/*
 * Add the draft's rules, of which the later count. They are in force when this returns; on failure
 * all is as it was. The draft stays the caller's, without its objects.
 */
int session_amend(struct sessions *sessions, struct session *session, struct session *draft,
		  struct fail *f);
/* Move a process in. Not into a frozen one: it would stand still there, and its caller with it. */
int session_enter(struct sessions *sessions, struct session *session, pid_t pid, struct fail *f);
/*
 * Of an ephemeral one, as long as it is watched: was anything ever in it, and is nothing in it now?
 * Remembered with the kernel's entry: whether another daemon finds it empty before the first
 * process, or after the last, makes the difference.
 */
bool session_over(struct sessions *sessions, struct session *session);
/* Stop all that runs in it, or let it go on; *out_done says whether all have. Ask again. */
int session_freeze(struct sessions *sessions, struct session *session, bool freeze, bool *out_done,
		   struct fail *f);
bool session_frozen(struct sessions *sessions, const struct session *session);
/* Bring policy.limits up to what is in force. */
void session_update_limits(struct sessions *sessions, struct session *session);
/* Kill all; *out_empty says whether all are gone already. They die in their own time: ask again. */
int session_kill(struct sessions *sessions, struct session *session, bool *out_empty,
		 struct fail *f);
/*
 * Kill, remove the cgroup, take the rules away. Afterwards it is the caller's, to session_free();
 * on failure it is as it was.
 */
int session_end(struct sessions *sessions, struct session *session, struct fail *f);
/* After the end of one: remove the oldest logs of this owner's that are too many. */
void session_prune_logs(struct sessions *sessions, uid_t owner);
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

/*
 * What may it do with the object behind fd, or with a name that is missing in that directory (NULL: the
 * object itself)? Rights, and the rule as session_rule() has it; decided by the kernel half.
 */
int session_ask(struct sessions *sessions, const struct session *session, int fd, const char *child,
		uint32_t *out_rights, char *out_rule, size_t size, struct fail *f);
/* What `list` and `report` say of it. */
void session_entry(struct sessions *sessions, const struct session *session,
		   struct list_entry *out_entry);
int session_report(struct sessions *sessions, const struct session *session,
		   struct report *out_report, struct fail *f);
/* A rule of its policy as events have it; room for them. */
void session_rule(const struct session *session, uint32_t rule, char *out, size_t size);
/* An event of the kernel half as people read it; repeat and first_ns as in fold_out. */
void session_event(struct sessions *sessions, const struct session *session,
		   const struct al_event *raw, uint64_t repeat, uint64_t first_ns,
		   struct event *out_event);
/*
 * Refusals that found no room in the ring since session_lost_told() last said that they are in the
 * log. Kept in the kernel with the counts: another daemon goes on where this one ended.
 */
uint64_t session_lost(struct sessions *sessions, const struct session *session);
void session_lost_told(struct sessions *sessions, const struct session *session, uint64_t more);
/*
 * Refusals that neither the log tells of nor anybody is about to: an earlier daemon was killed with
 * them in its hands. To be asked when the last process is gone and all events were handed over.
 */
uint64_t session_untold(struct sessions *sessions, const struct session *session);
/* Allowed operations that found no room, since it was last asked. */
uint64_t session_opens_lost(struct sessions *sessions, struct session *session);

#endif
