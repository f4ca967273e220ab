/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.bpf.c - what would take a process out of its session, or its operations out of our sight.
 *
 *   task_alloc            CLONE_INTO_CGROUP: reaches a cgroup through an O_PATH descriptor, so no
 *                         open is seen
 *   uring_override_creds  registered credentials: operations under them look like a stacking file
 *                         system's own
 *   cgroup_attach_task    (a function, not a hook) who moves a process out from outside may; it is told
 *   sched_process_exit    (a tracepoint) notices that the daemon died, before its descriptors are
 *                         closed
 *   ptrace_access_check   processes outside, and with them /proc/PID/{fd,cwd,root,map_files} and
 *                         pidfd_getfd
 */
#include "judge.h"

SEC("lsm/task_alloc")
int BPF_PROG(al_task_alloc, struct task_struct *task, u64 clone_flags, int ret)
{
	struct jail jail;

	if (ret || !(clone_flags & CLONE_INTO_CGROUP) || !jailed(&jail))
		return ret;
	return refuse(AL_OP_CGROUP, 0, 0, &jail);
}

SEC("?lsm/uring_override_creds")
int BPF_PROG(al_uring_creds, const struct cred *new, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_CREDS, 0, 0, &jail);
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
	return refuse(AL_OP_TRACE, AL_LABEL_PROCESS, BPF_CORE_READ(child, tgid), &jail);
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

/*
 * Between the two the session that a task is moved out of: task -> cgroup id. The tracepoint of this
 * name comes after the fact, when the old cgroup is no longer to be seen.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} moving SEC(".maps");

SEC("?fentry/cgroup_attach_task")
int BPF_PROG(al_moving, struct cgroup *dst, struct task_struct *leader, bool threadgroup)
{
	u64 task = (u64)leader, from = task_cgroup(leader);

	if (from && from != session_of_cgroup(dst) && bpf_map_lookup_elem(&sessions, &from))
		bpf_map_update_elem(&moving, &task, &from, BPF_ANY);
	return 0;
}

SEC("?fexit/cgroup_attach_task")
int BPF_PROG(al_moved, struct cgroup *dst, struct task_struct *leader, bool threadgroup, int ret)
{
	u64 task = (u64)leader, *from = bpf_map_lookup_elem(&moving, &task);
	struct attempt attempt = {.op = AL_OP_LEAVE, .label = AL_LABEL_PROCESS};
	struct outcome outcome = {.verdict = AL_IN_BOUNDS, .rule = AL_NO_RULE};
	struct al_session *session;
	struct jail jail;

	if (!from)
		return 0;
	jail.cgroup = *from;
	bpf_map_delete_elem(&moving, &task);
	session = bpf_map_lookup_elem(&sessions, &jail.cgroup);
	if (ret || !session)
		return 0;
	jail.slot = session->slot & (AL_MAX_SESSIONS - 1);
	jail.flags = session->flags;
	attempt.number = BPF_CORE_READ(leader, tgid);
	count(&jail, AL_OP_LEAVE * AL_NVERDICTS + AL_IN_BOUNDS);
	report_allowed(&refusals, &attempt, &outcome, &jail);
	return 0;
}
