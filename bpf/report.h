/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what was decided: count first, tally what was refused, then emit an event if there is
 * room.
 */
#ifndef REPORT_H
#define REPORT_H

#include "path.h"
#include "session.h"

/* One operation of a jailed process on one object. */
struct attempt {
	u32 op;
	u32 want;
	struct vfsmount *mnt;  /* NULL where the hook gets none */
	struct dentry *dentry; /* what the text names; may be negative; NULL: no file */
};

struct outcome {
	u32 verdict;
	u32 rule;
	u32 error;
};

static __always_inline void count(const struct jail *jail, u32 counter)
{
	u32 index = jail->slot * AL_NCOUNTERS + counter;
	u64 *total = bpf_map_lookup_elem(&counters, &index);

	/*
	 * Atomic although per CPU: programs are preemptible, and one task may interrupt another's
	 * increment.
	 */
	if (total)
		__sync_fetch_and_add(total, 1);
}

struct lineage {
	struct al_event *event;
	struct task_struct *task;
	const struct jail *jail;
};

static long name_task(u32 index, void *context)
{
	struct lineage *lineage = context;
	struct task_struct *task = lineage->task;

	if (!task || index >= AL_CHAIN || (index && !same_session(task, lineage->jail)))
		return 1;
	lineage->event->chain[index].pid = BPF_CORE_READ(task, tgid);
	BPF_CORE_READ_STR_INTO(&lineage->event->chain[index].comm, task, comm);
	lineage->event->chain_len = index + 1;
	lineage->task = BPF_CORE_READ(task, real_parent, group_leader);
	return 0;
}

/* The processes from the one that tried up to the session's first. */
static __always_inline void chain_of_tasks(struct al_event *event, const struct jail *jail)
{
	struct lineage lineage = {
		.event = event, .task = (void *)bpf_get_current_task(), .jail = jail};

	event->chain_len = 0;
	bpf_loop(AL_CHAIN, name_task, &lineage, 0);
}

static __always_inline struct al_tally *tally_entry(const struct attempt *attempt,
						    const struct outcome *outcome,
						    const struct jail *jail)
{
	struct al_tally_key key = {
		.slot = (u16)jail->slot, .op = (u8)attempt->op, .verdict = (u8)outcome->verdict};
	struct dentry *dentry = attempt->dentry;
	struct al_tally *entry, *empty;
	u32 zero = 0, *used;

	if (dentry) {
		key.parent = BPF_CORE_READ(dentry, d_parent, d_inode, i_ino);
		key.name = BPF_CORE_READ(dentry, d_name.hash_len);
		key.dev = BPF_CORE_READ(dentry, d_sb, s_dev);
	}
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	entry = bpf_map_lookup_elem(&tally, &key);
	if (entry)
		return entry;
	empty = bpf_map_lookup_elem(&blank, &zero);
	used = bpf_map_lookup_elem(&tallied, &jail->slot);
	if (!empty || !used || *used >= AL_SESSION_TALLY)
		return NULL;
	/*
	 * Two at once: one makes it, both find it. Full: nobody does, and the caller counts
	 * 'others'.
	 */
	if (bpf_map_update_elem(&tally, &key, empty, BPF_NOEXIST) == 0)
		__sync_fetch_and_add(used, 1);
	return bpf_map_lookup_elem(&tally, &key);
}

/* The text of the first event that got room names the target for good. */
static __always_inline void tally_name(struct al_tally *entry, const struct al_event *event,
				       const struct outcome *outcome)
{
	const u32 offset = AL_PATH_MAX - AL_TALLY_PATH;

	if (entry->start)
		return;
	entry->first_ns = event->time_ns;
	entry->pid = event->chain[0].pid;
	entry->rule = outcome->rule;
	entry->dev = event->dev;
	entry->flags = event->flags;
	bpf_probe_read_kernel(entry->path, AL_TALLY_PATH, event->path + offset);
	if (event->start > offset) {
		entry->start = event->start - offset;
		return;
	}
	entry->flags |= AL_PATH_CUT;
	entry->path[0] = ' ';
	entry->start = 1;
}

static __always_inline void fill(struct al_event *event, const struct attempt *attempt,
				 const struct outcome *outcome, const struct jail *jail)
{
	event->time_ns = bpf_ktime_get_boot_ns();
	event->cgroup = jail->cgroup;
	event->op = attempt->op;
	event->verdict = outcome->verdict;
	event->rule = outcome->rule;
	event->flags = 0;
	event->uid = (u32)bpf_get_current_uid_gid();
	event->dev = 0;
	event->error = outcome->error;
	event->start = AL_PATH_MAX;
	event->unused = 0;
	chain_of_tasks(event, jail);
	if (attempt->dentry)
		path_text(event, attempt->mnt, attempt->dentry);
}

static __always_inline void report_allowed(const struct attempt *attempt,
					   const struct outcome *outcome, const struct jail *jail)
{
	struct al_event *event = bpf_ringbuf_reserve(&opens, sizeof(*event), 0);

	if (!event) {
		count(jail, AL_COUNT_LOST);
		return;
	}
	fill(event, attempt, outcome, jail);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void report_refused(const struct attempt *attempt,
					   const struct outcome *outcome, const struct jail *jail)
{
	struct al_tally *entry = tally_entry(attempt, outcome, jail);
	struct al_event *event;

	if (entry) {
		__sync_fetch_and_add(&entry->count, 1);
		entry->last_ns = bpf_ktime_get_boot_ns();
	} else {
		count(jail, AL_COUNT_OTHERS);
	}
	event = bpf_ringbuf_reserve(&refusals, sizeof(*event), 0);
	if (!event) {
		count(jail, AL_COUNT_LOST);
		return;
	}
	fill(event, attempt, outcome, jail);
	if (entry)
		tally_name(entry, event, outcome);
	bpf_ringbuf_submit(event, 0);
}

/*
 * Turn rights into a verdict, count it, report it. Returns what the hook returns: 0 or a negative
 * errno. The one place where a jailed process is refused anything.
 */
static __noinline int settle(const struct attempt *attempt, const struct judged *judged,
			     const struct jail *jail)
{
	struct outcome outcome = {.rule = judged->rule};

	if ((judged->rights & attempt->want) == attempt->want) {
		outcome.verdict = judged->rights & AL_SYSTEM ? AL_SYSTEM_USE : AL_IN_BOUNDS;
		count(jail, attempt->op * AL_NVERDICTS + outcome.verdict);
		if ((jail->flags & AL_TAILED) && outcome.verdict == AL_IN_BOUNDS)
			report_allowed(attempt, &outcome, jail);
		return 0;
	}
	outcome.error = judged->rights & AL_HIDE ? ENOENT : EPERM;
	outcome.verdict = jail->flags & AL_AUDIT ? AL_WOULD_REFUSE : AL_REFUSED;
	count(jail, attempt->op * AL_NVERDICTS + outcome.verdict);
	report_refused(attempt, &outcome, jail);
	return jail->flags & AL_AUDIT ? 0 : -(int)outcome.error;
}

#endif
