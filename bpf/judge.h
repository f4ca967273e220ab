/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judge.h - the rights of the current session on an object: by rule, else by what it is; devices,
 * when opened, by number.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "pseudo.h"
#include "report.h"

/*
 * dentry must be positive and of a type that the verifier knows (walk.h). mnt is only read by
 * probe, may be NULL.
 */
static __always_inline void judge_open(struct vfsmount *mnt, struct dentry *dentry,
				       const struct jail *jail, struct judged *out_judged)
{
	struct inode *inode = dentry->d_inode;
	u32 type;

	*out_judged = NO_RIGHTS;
	if (!inode)
		return;
	type = inode->i_mode & S_IFMT;
	if (type == S_IFCHR || type == S_IFBLK) {
		out_judged->rights = device_rights(dentry, inode, jail);
		return;
	}
	walk(dentry, jail, out_judged);
	if (out_judged->rule == AL_NO_RULE)
		out_judged->rights = pseudo_rights(mnt, dentry, inode, jail);
}

/*
 * The same for what is done to the object itself: who may use a device may not change its node. A
 * pseudo terminal born in the session is all the session's.
 */
static __always_inline void judge(struct vfsmount *mnt, struct dentry *dentry,
				  const struct jail *jail, struct judged *out_judged)
{
	struct inode *inode = dentry->d_inode;

	*out_judged = NO_RIGHTS;
	if (!inode)
		return;
	walk(dentry, jail, out_judged);
	if (out_judged->rule != AL_NO_RULE)
		return;
	if (BPF_CORE_READ(dentry, d_sb, s_magic) == MAGIC_DEVPTS)
		out_judged->rights = born_here(inode, jail) ? PSEUDO_ALL : PSEUDO_READ;
	else
		out_judged->rights = pseudo_rights(mnt, dentry, inode, jail);
}

/* Refuse what is no file, naming it by label and number. */
static __always_inline int refuse(u32 op, u32 label, u32 number, const struct jail *jail)
{
	struct attempt attempt = {.op = op, .want = AL_WRITE, .label = label, .number = number};
	struct judged judged = NO_RIGHTS;

	return settle(&attempt, &judged, jail);
}

/* Enough to tell names apart in the tally; no more is asked of it. */
static __always_inline u32 hash_of(const char *name)
{
	char text[32] = {0};
	u32 hash = 2166136261U, i; /* FNV-1a */

	bpf_probe_read_kernel_str(text, sizeof(text), name);
	for (i = 0; i < sizeof(text); i++)
		hash = (hash ^ (u8)text[i]) * 16777619U;
	return hash;
}

/* The same for what has a name of the kernel's; name may be NULL. */
static __always_inline int refuse_name(u32 op, u32 label, const char *name, const struct jail *jail)
{
	struct attempt attempt = {
		.op = op, .want = AL_WRITE, .label = label, .number = hash_of(name), .name = name};
	struct judged judged = NO_RIGHTS;

	return settle(&attempt, &judged, jail);
}

/* The whole of a hook that asks one thing of one object that exists. */
static __always_inline int judge_and_settle(u32 op, u32 want, struct vfsmount *mnt,
					    struct dentry *dentry, const struct jail *jail)
{
	struct attempt attempt = {.op = op, .want = want, .mnt = mnt, .dentry = dentry};
	struct judged judged;

	judge(mnt, dentry, jail, &judged);
	return settle(&attempt, &judged, jail);
}

#endif
