/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cg.h - one cgroup v2 per session: <cgroup2>/agent-lock/session-NAME. The only file that knows
 * libcgroup. Root only.
 */
#ifndef LIB_CG_H
#define LIB_CG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fail.h"

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
 * Make the cgroup; its id (kernfs node id) is what the kernel half knows it by. Fails with EEXIST
 * if it is there.
 */
int cg_create(struct cg *cg, const char *name, uint64_t *out_id, struct fail *f);
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
/* Calls each with the name of every session cgroup that is there. */
void cg_each(struct cg *cg, void (*each)(const char *name, void *data), void *data);

/* Is this process in a session's cgroup? Fails closed: unknown is true. */
bool cg_is_session_member(pid_t pid);

/* Is it in the cgroup of just this session? Unknown is false. */
bool cg_is_member_of(pid_t pid, const char *name);

#endif
