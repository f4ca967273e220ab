/* SPDX-License-Identifier: GPL-2.0-only */
/* session.h - which session is a task in? The first question of every hook. */
#ifndef SESSION_H
#define SESSION_H

#include "maps.h"

struct jail {
	u64 cgroup; /* id of the session's cgroup */
	u32 slot;
	u32 flags;
};

/*
 * Fill out_jail and return true if the current task is in a session. The ancestor at the session's
 * level is what counts, not the task's own cgroup: a child cgroup made at any time belongs to the
 * session.
 */
static __always_inline bool jailed(struct jail *out_jail)
{
	u64 cgroup = bpf_get_current_ancestor_cgroup_id(session_level);
	struct al_session *session = bpf_map_lookup_elem(&sessions, &cgroup);

	if (!session)
		return false;
	out_jail->cgroup = cgroup;
	out_jail->slot = session->slot & (AL_MAX_SESSIONS - 1);
	out_jail->flags = session->flags;
	return true;
}

/* The id of a cgroup's ancestor at the session's level, 0 if it has none there. */
static __always_inline u64 session_of_cgroup(struct cgroup *cgroup)
{
	struct cgroup *ancestor = NULL;

	/* ancestors[] has level + 1 entries, what lies behind them is not ours to read. */
	if ((u32)BPF_CORE_READ(cgroup, level) < session_level)
		return 0;
	/* A variable index into a kernel array is something the verifier refuses: hence by address.
	 */
	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
				      session_level * sizeof(void *));
	if (!ancestor)
		return 0;
	return BPF_CORE_READ(ancestor, kn, id);
}

static __always_inline u64 task_cgroup(struct task_struct *task)
{
	return session_of_cgroup(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline bool same_session(struct task_struct *task, const struct jail *jail)
{
	return task_cgroup(task) == jail->cgroup;
}

/*
 * A stacking file system (overlayfs) repeats the operation on its layer's inode in the same task,
 * under the mounter's credentials; the outer inode was decided. io_uring can make credentials look
 * the same: registered ones, which al_uring_creds refuses to the jailed; and those that a request
 * was queued with, when a worker runs it, or the task itself (a linked or drained one), after the
 * submitter changed its own. So neither a worker nor who ever used io_uring is believed: what such a
 * thread changes on overlayfs, attributes or a file that is to be copied up, is lost to that.
 */
__weak int on_behalf_of_a_mount(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(task, flags) & PF_IO_WORKER)
		return 0;
	if (bpf_core_field_exists(task->io_uring) && BPF_CORE_READ(task, io_uring))
		return 0;
	return BPF_CORE_READ(task, cred) != BPF_CORE_READ(task, real_cred);
}

#endif
