/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * born.bpf.c - decides nothing: remembers what a session makes, where that is asked later.
 *
 *   d_instantiate   pseudo terminals and POSIX queues that it opens, and what it makes directly in a
 *                   scratch directory. What it makes without a name (O_TMPFILE) is remembered by
 *                   file_open, what it links or moves there by path_link and path_rename.
 */
#include "judge.h"

/*
 * A dentry that is hashed and negative becomes a file: its maker found it so under the directory's
 * lock, and is in the middle of making it. A lookup that finds a file has a dentry that is not hashed
 * yet (d_splice_alias() in fs/dcache.c insists on it): else whoever looks another's file up would
 * own it.
 */
static __always_inline bool being_made(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_hash.pprev) && !BPF_CORE_READ(dentry, d_inode);
}

/*
 * devpts makes the slave's dentry while ptmx is being opened, in the opener's own call: that
 * session owns it. The inode may be NULL (a negative dentry), whatever the verifier believes: so
 * it is probed before it is used.
 */
SEC("lsm/d_instantiate")
int BPF_PROG(al_d_instantiate, struct dentry *dentry, struct inode *inode)
{
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	bool nameless = magic == MAGIC_DEVPTS || magic == MAGIC_MQUEUE;
	struct jail jail;

	if (!magic || (!nameless && !being_made(dentry)) || !jailed(&jail))
		return 0;
	if (nameless)
		own(inode, &jail);
	else if (rule_says(dentry->d_parent, AL_SCRATCH, &jail))
		own_for_good(inode, &jail);
	return 0;
}
