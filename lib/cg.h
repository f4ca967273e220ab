/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cg.h - one cgroup v2 per session: <cgroup2>/agent-lock/session-NAME. Root only. cg.c is the only
 * file that knows libcgroup.
 */
#ifndef LIB_CG_H
#define LIB_CG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fail.h"
#include "limit.h"

struct cg;

/*
 * Find the cgroup v2 hierarchy (mountinfo; unified or hybrid) and make our directory in it. Refuses
 * where levels and ids cannot be known: no cgroup v2, or this process in a cgroup namespace of its
 * own (a container). On success *out_cg is the caller's.
 */
int cg_open(struct cg **out_cg, struct fail *f);
void cg_close(struct cg *cg);

/* The directory above all sessions; stays ours. */
int cg_directory(const struct cg *cg);

/* The cgroup level of a session, the root being 0, as bpf_get_current_ancestor_cgroup_id() counts.
 */
uint32_t cg_session_level(void);

/*
 * Make the cgroup, with its limits in force; its id (kernfs node id) is what the kernel half knows
 * it by. Fails with EEXIST if it is there, and leaves nothing when it fails.
 */
int cg_create(struct cg *cg, const char *name, const struct limits *limits, uint64_t *out_id,
	      struct fail *f);
/* The id of one that is there; 0 with errno if not. */
uint64_t cg_id(struct cg *cg, const char *name);
/* Move a whole process in. */
int cg_enter(struct cg *cg, const char *name, pid_t pid, struct fail *f);
/* Processes in it and in its children; -1 if there is no such cgroup. */
long cg_processes(struct cg *cg, const char *name);
/* Kill all in it at once and wait until it is empty, timeout_ms at most; *out_empty: it is. */
int cg_kill(struct cg *cg, const char *name, int timeout_ms, bool *out_empty, struct fail *f);
/* Remove an empty one with its children. One that is not there is fine. */
int cg_remove(struct cg *cg, const char *name, struct fail *f);
/* A descriptor of its directory; -1 with errno. */
int cg_open_session(struct cg *cg, const char *name);
/* What it uses and may use, as the kernel has it just now. */
void cg_usage(struct cg *cg, const char *name, struct usage *out_usage);

/*
 * Stop all that is in it, or let it go on. They stop in their own time: *out_done says whether all
 * have.
 */
int cg_freeze(struct cg *cg, const char *name, bool freeze, bool *out_done, struct fail *f);
/* Was it told to stop? What enters then stops before it does anything. */
bool cg_frozen(struct cg *cg, const char *name);

/* What the kernel counts in it that somebody should hear of. */
enum cg_alarm {
	CG_OOM_KILL,	 /* processes that were killed for want of memory */
	CG_FORK_REFUSED, /* forks refused for too many processes */
	CG_ALARMS,
};
/*
 * A descriptor that poll(2) finds POLLPRI on when there was one more since it was read;
 * *out_fd is -1 where the controller is not there.
 */
int cg_alarm_open(struct cg *cg, const char *name, enum cg_alarm alarm, int *out_fd,
		  struct fail *f);
/* How many there were since the cgroup was made. */
uint64_t cg_alarm_count(int fd, enum cg_alarm alarm);
/*
 * Of how many somebody was told. This is kept with the cgroup, so that another daemon goes on where
 * this one ended.
 */
uint64_t cg_alarm_told(int fd);
void cg_alarm_tell(int fd, uint64_t count);

/*
 * A descriptor that poll(2) finds POLLPRI on when there was a first process in it, or the last one
 * went, since it was read with cg_populated(). -1 with the reason.
 */
int cg_population_open(struct cg *cg, const char *name, struct fail *f);
/* Is anything in it, or in its children? *out_populated; -1 with errno when the cgroup is gone. */
int cg_populated(int fd, bool *out_populated);

/* Calls each with the name of every session cgroup that is there. */
void cg_each(struct cg *cg, void (*each)(const char *name, void *data), void *data);

/* Is this process in a session's cgroup? 1 or 0; -1 with errno if nobody can tell: do not trust it. */
int cg_is_session_member(pid_t pid);
/* The name of the session that a process is in; false if it is in none, or nobody can tell. */
bool cg_session_of(pid_t pid, char *out, size_t size);

/* Is it in the cgroup of just this session? Unknown is false. */
bool cg_is_member_of(pid_t pid, const char *name);

#endif
