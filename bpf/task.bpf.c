/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * task.bpf.c - other processes: nothing that changes one outside. What comes from outside in is
 * nobody's business here: a parent may signal its jailed child.
 *
 *   task_kill                       kill, tgkill, sigqueue, pidfd_send_signal; signal 0 as well
 *   file_set_fowner
 *   file_send_sigiotask             SIGIO and SIGURG, sent by whoever causes the event: judged by
 *                                   who asked for them
 *   ptrace_traceme                  making a parent outside the tracer
 *   cred_prepare                    no core dumps: a program outside would be started for them
 *   task_setnice task_setscheduler task_setioprio task_setrlimit task_movememory
 *   task_getscheduler task_getioprio task_getpgid task_getsid   and reading them; getpriority(2) and
 *                                   reading limits by prlimit(2) have no hook that names the process
 */
#include "judge.h"

#define SIGKILL 9

SEC("lsm/task_kill")
int BPF_PROG(al_task_kill, struct task_struct *p, void *info, int sig, const struct cred *cred,
	     int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || same_session(p, &jail))
		return ret;
	return refuse(AL_OP_SIGNAL, AL_LABEL_PROCESS, BPF_CORE_READ(p, tgid), &jail);
}

/*
 * Whose session asked for signals of this file: fown_struct -> cgroup id. Never taken out but by an
 * owner outside: there are as many as files were ever open at once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, u64);
	__type(value, u64);
} owners SEC(".maps");

struct fown_struct {
	int signum;
} __attribute__((preserve_access_index));

struct file___member {
	struct fown_struct f_owner;
} __attribute__((preserve_access_index));

struct file___pointer {
	struct fown_struct *f_owner;
} __attribute__((preserve_access_index));

/* A member of struct file up to 6.11, allocated apart since (commit 1934b212615d). */
static __always_inline u64 owner_of(struct file *file)
{
	struct file___pointer *apart = (void *)file;

	if (bpf_core_field_exists(apart->f_owner))
		return (u64)BPF_CORE_READ(apart, f_owner);
	return (u64)file + bpf_core_field_offset(struct file___member, f_owner);
}

/* Nothing can be refused here. So who finds the map full ends: its signals could not be told. */
SEC("lsm/file_set_fowner")
int BPF_PROG(al_set_fowner, struct file *file)
{
	u64 owner = owner_of(file);
	struct jail jail;

	if (!jailed(&jail))
		bpf_map_delete_elem(&owners, &owner);
	else if (bpf_map_update_elem(&owners, &owner, &jail.cgroup, BPF_ANY))
		bpf_send_signal(SIGKILL);
	return 0;
}

/* Whoever caused the event is current, or nobody: so nothing is counted or reported. */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(al_send_sigio, struct task_struct *tsk, struct fown_struct *fown, int sig, int ret)
{
	u64 owner = (u64)fown, *cgroup;
	struct al_session *session;

	if (ret)
		return ret;
	cgroup = bpf_map_lookup_elem(&owners, &owner);
	if (!cgroup || *cgroup == task_cgroup(tsk))
		return 0;
	session = bpf_map_lookup_elem(&sessions, cgroup);
	return session && (session->flags & AL_AUDIT) ? 0 : -EPERM;
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(al_ptrace_traceme, struct task_struct *parent, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || same_session(parent, &jail))
		return ret;
	return refuse(AL_OP_TRACE, AL_LABEL_PROCESS, BPF_CORE_READ(parent, tgid), &jail);
}

static __always_inline int touch(struct task_struct *p, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || same_session(p, &jail))
		return ret;
	return refuse(AL_OP_PRIORITY, AL_LABEL_PROCESS, BPF_CORE_READ(p, tgid), &jail);
}

#define TOUCH_HOOK(name, hook) \
	SEC("lsm/" hook) \
	int BPF_PROG(name, struct task_struct *p, int ret) \
	{ \
		return touch(p, ret); \
	}

TOUCH_HOOK(al_task_setscheduler, "task_setscheduler")
TOUCH_HOOK(al_task_movememory, "task_movememory")
TOUCH_HOOK(al_task_getscheduler, "task_getscheduler")
TOUCH_HOOK(al_task_getioprio, "task_getioprio")
TOUCH_HOOK(al_task_getpgid, "task_getpgid")
TOUCH_HOOK(al_task_getsid, "task_getsid")

SEC("lsm/task_setnice")
int BPF_PROG(al_task_setnice, struct task_struct *p, int nice, int ret)
{
	return touch(p, ret);
}

SEC("lsm/task_setioprio")
int BPF_PROG(al_task_setioprio, struct task_struct *p, int ioprio, int ret)
{
	return touch(p, ret);
}

SEC("lsm/task_setrlimit")
int BPF_PROG(al_task_setrlimit, struct task_struct *p, unsigned int resource, void *rlim, int ret)
{
	return touch(p, ret);
}

/*
 * A crash hands the memory of who crashed to the program in core_pattern, outside and as root, also
 * at a limit of 0. A dump begins with credentials of its own (do_coredump() in fs/coredump.c); whom a
 * signal ends already asks for them nowhere else. No attempt, so nothing to report.
 */
SEC("lsm/cred_prepare")
int BPF_PROG(al_cred_prepare, struct cred *new, const struct cred *old, unsigned int gfp, int ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct jail jail;

	if (ret || !(BPF_CORE_READ(task, flags) & PF_SIGNALED) || !jailed(&jail))
		return ret;
	return jail.flags & AL_AUDIT ? 0 : -EPERM;
}
