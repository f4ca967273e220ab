/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - the daemon as a command sees it: no verb knows a socket or a message's layout but
 * through this.
 */
#ifndef LIB_CLIENT_H
#define LIB_CLIENT_H

#include <stdint.h>
#include <stdio.h>

#include "fail.h"
#include "list.h"
#include "policy.h"
#include "proto.h"
#include "report.h"
#include "resolve.h"

/* Connect to the daemon's socket; a descriptor that the caller closes. */
int client_connect(struct fail *f);
/* The same for a process in a session, which may ask why about its own and nothing else. */
int client_connect_inside(struct fail *f);

/*
 * Make a session; an ephemeral one ends with its last process. name: what the user asked for, or NULL to have one made from directory. The
 * session's name is written to out_name (SESSION_NAME_MAX + 1 bytes).
 */
int client_new(int daemon, const char *name, const char *directory, const struct policy *policy,
	       bool ephemeral, const struct objects *objects, char *out_name, struct fail *f);
/* Give a session that exists more rules; they are in force when this returns. */
int client_amend(int daemon, const char *name, const struct policy *policy,
		 const struct objects *objects, struct fail *f);
/* What whoever enters a session has to know first. */
struct entry_plan {
	struct policy policy; /* its variables alone; owned */
	char directory[AL_PATH_MAX + 1];
	char tmpdir[AL_PATH_MAX + 1]; /* to be made in its scratch directory; "": it has none */
};
int client_prepare(int daemon, const char *name, struct entry_plan *out_plan, struct fail *f);
/* Have the calling process moved into a session, and make sure that it was. */
int client_enter(int daemon, const char *name, struct fail *f);
/*
 * Have running processes moved into a session, in this order: descriptors of /proc/PID (process.h), which stay
 * the caller's. One that has ended is passed over. After a failure those before it are in the session.
 */
int client_adopt(int daemon, const char *name, const int *dirs, size_t len, struct fail *f);
/* All sessions that the caller may see; *out_entries is the caller's. */
int client_list(int daemon, struct list_entry **out_entries, size_t *out_len, struct fail *f);
/* What happened in a session so far (merged and sorted); the caller frees it with report_done(). */
int client_report(int daemon, const char *name, struct report *out_report, struct fail *f);
/* End a session; the report is the last one. */
int client_destroy(int daemon, const char *name, struct report *out_report, struct fail *f);
/* Stop all that runs in a session and wait until it stands still; or let it go on. */
int client_freeze(int daemon, const char *name, bool freeze, struct fail *f);
/* What the kernel half would decide. */
struct verdict {
	uint32_t rights; /* AL_READ | ... */
	char rule[320];	 /* as events have it */
	bool audit;
};
/*
 * About the object behind fd (O_PATH; stays the caller's), or about a name that is missing in that
 * directory; child "": the object itself.
 */
int client_why(int daemon, const char *name, int fd, const char *child, struct verdict *out_verdict,
	       struct fail *f);
/* Print a session's policy. */
int client_show(int daemon, const char *name, FILE *out, struct fail *f);
/*
 * Begin to follow. All earlier lines are in the log: in the file of this inode number up to
 * *out_logged, and in those that were rotated away from it; 0: in these alone.
 */
int client_tail(int daemon, const char *name, uint64_t *out_logged, uint64_t *out_file,
		struct fail *f);
/* The next line (without newline, NUL-terminated, of PROTO_MAX bytes at most): 1, 0 at the end, -1.
 */
int client_tail_next(int daemon, char *line, size_t size, struct fail *f);

#endif
