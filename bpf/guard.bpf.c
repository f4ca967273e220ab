/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.bpf.c - what would take a process out of its session, or its operations out of our sight.
 *
 *   task_alloc            CLONE_INTO_CGROUP: reaches a cgroup through an O_PATH descriptor, so no open is seen
 *   uring_override_creds  registered credentials: operations under them look like a stacking file system's own
 *   ptrace_access_check   processes outside, and with them /proc/PID/{fd,cwd,root,map_files} and pidfd_getfd
 */
#include "judge.h"

static __always_inline int refuse(u32 op, const struct jail *jail)
{
	struct attempt attempt = { .op = op, .want = AL_WRITE };
	struct judged judged = NO_RIGHTS;

	return settle(&attempt, &judged, jail);
}

SEC("lsm/task_alloc")
int BPF_PROG(al_task_alloc, struct task_struct *task, u64 clone_flags, int ret)
{
	struct jail jail;

	if (ret || !(clone_flags & CLONE_INTO_CGROUP) || !jailed(&jail))
		return ret;
	return refuse(AL_OP_CGROUP, &jail);
}

SEC("?lsm/uring_override_creds")
int BPF_PROG(al_uring_creds, const struct cred *new, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_CREDS, &jail);
}

/* /proc asks without an attempt behind it (NOAUDIT), for each process that ps looks at: refused, not reported. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(al_ptrace_access_check, struct task_struct *child, unsigned int mode, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || same_session(child, &jail))
		return ret;
	if (mode & PTRACE_MODE_NOAUDIT)
		return jail.flags & AL_AUDIT ? 0 : -EPERM;
	return refuse(AL_OP_TRACE, &jail);
}
