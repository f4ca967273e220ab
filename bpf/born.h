/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * born.h - what a session made: remembered on the inode, from birth on (born.bpf.c). Asked where no
 * rule tells the session's own from others': terminals, queues, scratch directories.
 */
#ifndef BORN_H
#define BORN_H

#include "session.h"

static __always_inline struct al_number number_of(struct inode *inode)
{
	struct al_number number = {
		.ino = BPF_CORE_READ(inode, i_ino),
		.dev = BPF_CORE_READ(inode, i_sb, s_dev),
		.generation = BPF_CORE_READ(inode, i_generation),
	};

	return number;
}

static __always_inline bool born_in(struct inode *inode, u64 cgroup)
{
	u64 *owner = bpf_inode_storage_get(&born, inode, NULL, 0);
	struct al_number number;

	if (owner)
		return *owner == cgroup;
	number = number_of(inode);
	if (!number.generation)
		return false;
	owner = bpf_map_lookup_elem(&born_numbers, &number);
	return owner && *owner == cgroup;
}

static __always_inline bool born_here(struct inode *inode, const struct jail *jail)
{
	return born_in(inode, jail->cgroup);
}

/* inode is not NULL: asked by a probe where the verifier would delete the test. */
static __always_inline void own(struct inode *inode, const struct jail *jail)
{
	u64 cgroup = jail->cgroup, *owner;

	owner = bpf_inode_storage_get(&born, inode, &cgroup, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (owner)
		*owner = cgroup;
}

/* The same for what is to outlive its inode's stay in memory. */
static __always_inline void own_for_good(struct inode *inode, const struct jail *jail)
{
	struct al_number number = number_of(inode);
	u64 cgroup = jail->cgroup;

	own(inode, jail);
	if (number.generation)
		bpf_map_update_elem(&born_numbers, &number, &cgroup, BPF_ANY);
}

#endif
