/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - processes by what procfs says of them. A descriptor of /proc/PID (O_PATH) stands for one
 * process and no later one of its number: when it has ended, nothing can be read there any more
 * (fs/proc/base.c: each file looks the task up by its struct pid).
 */
#ifndef LIB_PROCESS_H
#define LIB_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../bpf/agent_lock.h"
#include "fail.h"

struct process {
	pid_t pid;	/* of the thread group */
	pid_t parent;	/* 0: none that can be seen */
	uint64_t start; /* in clock ticks since boot: with pid, who it is */
	bool kernel;	/* a thread of the kernel's */
	uid_t uids[4];
	char comm[AL_COMM + 1]; /* raw bytes */
};

/* Open /proc/PID; the caller closes it. -1 with errno, ESRCH: there is none. */
int process_open(pid_t pid);
/*
 * What process is behind a descriptor? It must be of /proc/PID of the procfs that is mounted at /proc here. 0, or
 * -1 with errno: ESRCH when it has ended (a zombie has) or is none, EBADF when it is of no such procfs.
 */
int process_read(int dir, struct process *out);
/*
 * Calls each with every process that traces a thread of the one behind dir, until it returns true; returns
 * whether it did. A tracer that cannot be looked at is given as 0.
 */
bool process_each_tracer(int dir, bool (*each)(pid_t tracer, void *data), void *data);
/* All four ids are this one. */
bool process_is_of(const struct process *process, uid_t uid);

/*
 * These processes and all that descend from them, parents first, as they are now; or with len 0 all there
 * are. The caller frees *out.
 */
int process_tree(const pid_t *roots, size_t len, struct process **out, size_t *out_len,
		 struct fail *f);

#endif
