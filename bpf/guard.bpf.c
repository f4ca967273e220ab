/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.bpf.c - what would take a process out of its session, or its operations out of our sight.
 *
 *   task_alloc            CLONE_INTO_CGROUP: reaches a cgroup through an O_PATH descriptor, so no
 *                         open is seen
 *   sb_alloc_security sb_mount move_mount   new file systems and mounts
 *   uring_override_creds  registered credentials: operations under them look like a stacking file
 *                         system's own
 *   sched_process_exit    (a tracepoint) notices that the daemon died, before its descriptors are
 *                         closed
 *   ptrace_access_check   processes outside, and with them /proc/PID/{fd,cwd,root,map_files} and
 *                         pidfd_getfd
 */
#include "judge.h"

static __always_inline int refuse(u32 op, const struct jail *jail)
{
	struct attempt attempt = {.op = op, .want = AL_WRITE};
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

/*
 * No mounts of any kind by the jailed: a stacking one works on directories that it is only told of
 * (overlayfs empties its workdir without any path hook). The new mount interface makes its
 * superblock without sb_mount, but not without this.
 */
SEC("lsm/sb_alloc_security")
int BPF_PROG(al_sb_alloc, void *sb, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_MOUNT, &jail);
}

SEC("lsm/sb_mount")
int BPF_PROG(al_sb_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags, void *data, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_MOUNT, &jail);
}

SEC("lsm/move_mount")
int BPF_PROG(al_move_mount, const struct path *from_path, const struct path *to_path, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_MOUNT, &jail);
}

SEC("?lsm/uring_override_creds")
int BPF_PROG(al_uring_creds, const struct cred *new, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_CREDS, &jail);
}

/*
 * /proc asks without an attempt behind it (NOAUDIT), for each process that ps looks at: refused,
 * not reported.
 */
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

/*
 * do_exit() comes here before exit_files(): from the first moment that a mark may go, numbers are
 * asked.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(al_exit, struct task_struct *task)
{
	u64 id = bpf_get_current_pid_tgid();

	if (attended_by && (u32)id == attended_by && (u32)(id >> 32) == attended_by)
		attended_by = 0;
	return 0;
}
