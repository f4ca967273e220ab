/* SPDX-License-Identifier: GPL-2.0-only */
/* path.h - dentry and mount -> text, for the report only: nothing is ever decided by it. */
#ifndef PATH_H
#define PATH_H

#include "kernel.h"
#include "agent_lock.h"

/*
 * Where the text begins so far is kept in the record, not here: what is loaded from there is
 * unknown to the verifier, so that one round of the loop looks like the next. On this stack it
 * would follow its range through hundreds of rounds.
 */
struct text {
	struct al_event *event;
	struct dentry *dentry;
	struct mount *mount; /* NULL: names end at the file system's root */
};

#define PATH_STEPS 2048 /* names and mounts; PATH_MAX holds no more names than that */

/* Put "/name" before what is there; returns 1 (stop) when it doesn't fit. */
static __always_inline long prepend(struct al_event *event, struct dentry *dentry)
{
	u32 len = BPF_CORE_READ(dentry, d_name.len) & 0xff;
	u32 start = event->start;

	if (start < len + 1 || start > AL_PATH_MAX) {
		event->flags |= AL_PATH_CUT;
		return 1;
	}
	start -= len;
	/*
	 * A rename may change length and name between the two reads. So the name is read to its NUL
	 * and no further, and one of another length than was made room for is no name: what lies
	 * around it is kernel memory, or an older event. AL_PATH_SLACK is for masked start plus
	 * masked length, which never leave the array.
	 */
	if (bpf_probe_read_kernel_str(&event->path[start & (AL_PATH_MAX - 1)], len + 1,
				      BPF_CORE_READ(dentry, d_name.name)) != (long)len + 1) {
		event->start = AL_PATH_MAX;
		event->flags |= AL_PATH_CUT;
		return 1;
	}
	if (start + len < AL_PATH_MAX) /* its NUL took the slash of the name behind it */
		event->path[(start + len) & (AL_PATH_MAX - 1)] = '/';
	start--;
	event->path[start & (AL_PATH_MAX - 1)] = '/';
	event->start = start;
	return 0;
}

static long path_step(u32 index, void *context)
{
	struct text *text = context;
	struct dentry *dentry = text->dentry, *parent;
	struct mount *mount = text->mount, *above;

	(void)index;
	if (mount && dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		above = BPF_CORE_READ(mount, mnt_parent);
		if (above == mount)
			return 1;
		text->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		text->mount = above;
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (!parent || parent == dentry) {
		text->event->flags |= AL_PATH_IN_FS;
		return 1;
	}
	if (prepend(text->event, dentry))
		return 1;
	text->dentry = parent;
	return 0;
}

/* Fill event->path, start, flags and dev. dentry may be negative; mnt may be NULL. */
static __always_inline void path_text(struct al_event *event, struct vfsmount *mnt,
				      struct dentry *dentry)
{
	struct text text = {
		.event = event,
		.dentry = dentry,
		.mount = mnt ? core_container_of(mnt, struct mount, mnt) : NULL,
	};

	event->start = AL_PATH_MAX;
	bpf_loop(PATH_STEPS, path_step, &text, 0);
	if (event->start == AL_PATH_MAX) {
		event->start = AL_PATH_MAX - 1;
		event->path[AL_PATH_MAX - 1] = '/';
	}
	event->dev = BPF_CORE_READ(dentry, d_sb, s_dev);
}

#endif
