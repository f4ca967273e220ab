/* SPDX-License-Identifier: GPL-2.0-only */
/* session_list.h - the inside of struct sessions, for session*.c, amend.c and restore.c alone. */
#ifndef LIB_SESSION_LIST_H
#define LIB_SESSION_LIST_H

#include "marks.h"
#include "mounts.h"
#include "session.h"
#include "store.h"

struct sessions {
	struct lsm *lsm;
	struct cg *cg;
	struct marks *marks;
	struct mounts_cache mounts;
	const struct log_limits *limits;
	const struct user_limits *users;
	struct ledger_entry *ledger; /* by slot */
	const struct store *store;   /* what an earlier daemon's manager kept, during restore */
	struct session *slots[AL_MAX_SESSIONS];
	bool stuck[AL_MAX_SESSIONS]; /* what an earlier daemon's session left cannot be cleared */
};

/*
 * A rule is kept by number too if losing its mark could give rights: whatever does not allow
 * everything. A mere pin gives or takes none.
 */
bool session_needs_number(uint32_t rights);

/* May the sessions of this user have so many rules more? */
int session_check_rules(const struct sessions *sessions, uid_t owner, size_t more, struct fail *f);

struct state;

/*
 * Mark the draft's objects and put them into a state, whose policy has the draft's rules from
 * first_rule on. session_unmark() undoes it, also when it failed.
 */
int session_mark(struct sessions *sessions, struct session *draft, uint32_t first_rule,
		 struct state *state, struct fail *f);
void session_unmark(struct sessions *sessions, struct session *draft);
/* Have the kernel's rules be those of the state. Those that it has besides stay. */
int session_apply(struct sessions *sessions, const struct state *state, struct fail *f);

/* Of its entry in the kernel; nothing is done where it has these. */
int session_set_flags(struct sessions *sessions, struct session *session, uint32_t flags,
		      struct fail *f);

/* Go on with the log of a session that was taken over. */
void session_resume_log(struct sessions *sessions, struct session *session);
/*
 * Have the service manager keep the session's objects, where there is one: what it cannot keep the
 * next daemon looks for by its path.
 */
void session_keep(struct sessions *sessions, struct session *session);

/* Open the session's alarms. */
int session_listen(struct sessions *sessions, struct session *session, struct fail *f);

#endif
