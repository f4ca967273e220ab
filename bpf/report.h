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
	u32 label;	  /* enum al_label, and the number that goes with it, for what is no file */
	u32 number;	  /* with a name or an address: what tells it from others in the tally */
	const char *name; /* the kernel's own text that takes the number's place, or NULL */
	struct unix_address *address; /* an abstract socket's, or NULL */
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
	} else {
		key.parent = attempt->label;
		key.name = attempt->number;
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

#define LABEL_LEN 16
#define LABEL_TEXT 96 /* with its NUL; less than AL_PATH_SLACK */

static const char al_labels[][LABEL_LEN] = {
	[AL_LABEL_NONE] = "",
	[AL_LABEL_PROCESS] = "process:",
	[AL_LABEL_CAPABILITY] = "capability:",
	[AL_LABEL_COMMAND] = "command:",
	[AL_LABEL_FAMILY] = "family:",
	[AL_LABEL_KEY] = "key:",
	[AL_LABEL_IPC] = "ipc:",
	[AL_LABEL_MODULE] = "module:",
	[AL_LABEL_FILESYSTEM] = "filesystem:",
	[AL_LABEL_PORT] = "tcp-port:",
};
#define NLABELS (sizeof(al_labels) / LABEL_LEN)

static const char al_named[] = "%s%s";
static const char al_numbered[] = "%s%u";

/* "process:812", "module:net-pf-38": into the slack, for its length is not known before. */
static __always_inline void label_text(struct al_event *event, const struct attempt *attempt)
{
	u32 label = attempt->label;
	u64 values[2];
	long len;

	if (!label || label >= NLABELS)
		return;
	values[0] = (u64)&al_labels[label];
	values[1] = attempt->name ? (u64)attempt->name : attempt->number;
	if (attempt->name)
		len = bpf_snprintf(&event->path[AL_PATH_MAX], LABEL_TEXT, al_named, values,
				   sizeof(values));
	else
		len = bpf_snprintf(&event->path[AL_PATH_MAX], LABEL_TEXT, al_numbered, values,
				   sizeof(values));
	if (len < 2 || len > LABEL_TEXT)
		return;
	event->start = AL_PATH_MAX - (u32)(len - 1);
	bpf_probe_read_kernel(&event->path[event->start & (AL_PATH_MAX - 1)], (len - 1) & 127,
			      &event->path[AL_PATH_MAX]);
}

/* sun_path: the kernel keeps a whole sockaddr_un behind the length (struct unix_address). */
static __always_inline const char *abstract_name(struct unix_address *address)
{
	return (void *)address + bpf_core_field_offset(struct unix_address, name) +
	       bpf_core_field_offset(struct sockaddr_un, sun_path);
}

/* "@name": an abstract socket's name, of any bytes, with its NUL in front shown as people write it. */
static __always_inline void address_text(struct al_event *event, struct unix_address *address)
{
	/* addr->len counts sun_family too; sun_path of an abstract name begins with NUL. */
	u32 len = (u32)BPF_CORE_READ(address, len) - 2;
	u32 start;

	if (len < 1 || len > 108)
		return;
	start = AL_PATH_MAX - len;
	bpf_probe_read_kernel(&event->path[start & (AL_PATH_MAX - 1)], len & 127,
			      abstract_name(address));
	event->path[start & (AL_PATH_MAX - 1)] = '@';
	event->start = start;
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
	else if (attempt->address)
		address_text(event, attempt->address);
	else
		label_text(event, attempt);
}

/* What was allowed, into this ring: opens, or where nothing else pushes it out. */
static __always_inline void report_allowed(void *ring, const struct attempt *attempt,
					   const struct outcome *outcome, const struct jail *jail)
{
	struct al_event *event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);

	if (!event) {
		count(jail, ring == &opens ? AL_COUNT_LOST_OPENS : AL_COUNT_LOST);
		return;
	}
	fill(event, attempt, outcome, jail);
	bpf_ringbuf_submit(event, 0);
}

/*
 * Room for a refusal. Of each session's refusals so many in a moment go into a ring that is read
 * first, the rest into one that is read when there is time and may be full: whoever is refused things
 * as fast as it can neither pushes out nor delays the refusals of others. NULL: count it as lost.
 */
static __always_inline struct al_event *reserve_refused(const struct jail *jail)
{
	struct al_share *share = bpf_map_lookup_elem(&shares, &jail->slot);
	u64 now = bpf_ktime_get_boot_ns() / AL_SHARE_NS;

	if (!share)
		return NULL;
	/* Two at once may both begin a new moment, and the session gets a few places more. */
	if (share->moment != now) {
		share->moment = now;
		share->used = 0;
	}
	if (__sync_fetch_and_add(&share->used, 1) < AL_SHARE)
		return bpf_ringbuf_reserve(&refusals, sizeof(struct al_event), 0);
	return bpf_ringbuf_reserve(&floods, sizeof(struct al_event), 0);
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
	event = reserve_refused(jail);
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
 * Turn rights into a verdict, count it, report it. Returns the error that the process is to see, or 0.
 * A global function, which the verifier goes through once and not once for each way to it; hence the
 * tests for NULL, which never is.
 */
__weak int conclude(const struct attempt *attempt, const struct judged *judged,
		    const struct jail *caller)
{
	struct outcome outcome = {};
	struct jail here, *jail = &here; /* 6.1 takes no key of a map from a caller's memory */

	if (!attempt || !judged || !caller)
		return EPERM;
	here = *caller;
	outcome.rule = judged->rule;
	if ((judged->rights & attempt->want) == attempt->want) {
		outcome.verdict = judged->rights & AL_SYSTEM ? AL_SYSTEM_USE : AL_IN_BOUNDS;
		count(jail, attempt->op * AL_NVERDICTS + outcome.verdict);
		if ((jail->flags & AL_TAILED) && outcome.verdict == AL_IN_BOUNDS)
			report_allowed(&opens, attempt, &outcome, jail);
		return 0;
	}
	outcome.error = judged->rights & AL_HIDE ? ENOENT : EPERM;
	outcome.verdict = jail->flags & AL_AUDIT ? AL_WOULD_REFUSE : AL_REFUSED;
	count(jail, attempt->op * AL_NVERDICTS + outcome.verdict);
	report_refused(attempt, &outcome, jail);
	return jail->flags & AL_AUDIT ? 0 : (int)outcome.error;
}

/*
 * What the hook returns, in constants: of a global function's result the verifier knows no range. The
 * one place where a jailed process is refused anything.
 */
static __always_inline int settle(const struct attempt *attempt, const struct judged *judged,
				  const struct jail *jail)
{
	int error = conclude(attempt, judged, jail);

	if (!error)
		return 0;
	return error == ENOENT ? -ENOENT : -EPERM;
}

#endif
