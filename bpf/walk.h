/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - dentry -> rule: the decision, once. Up d_parent inside the object's own file system; the
 * first object with a rule for this session decides; root reached, bound reached, anything unknown:
 * no rights at all.
 *
 * Never walked: a dentry that may be negative. 6.12's verifier holds d_inode of any dentry for
 * never NULL and would delete the test for it; so hooks that make something walk from the
 * directory.
 */
#ifndef WALK_H
#define WALK_H

#include "born.h"

struct judged {
	u32 rights;
	u32 rule;
	u32 distance; /* levels between the object and the rule's object; 0: the object itself */
};

#define NO_RIGHTS ((struct judged){.rights = 0, .rule = AL_NO_RULE, .distance = AL_MAX_DEPTH})

static __always_inline struct al_rule *rule_for(u32 slot, u32 object)
{
	u64 key = (u64)slot << 32 | object;

	return bpf_map_lookup_elem(&rules, &key);
}

struct naming {
	const unsigned char *name;
	u64 hash;
};

/* A byte at a time from the kernel: a name on the stack would leave no room for the walk. */
static long hash_step(u32 index, void *context)
{
	struct naming *naming = context;
	u8 letter = 0;

	bpf_probe_read_kernel(&letter, sizeof(letter), naming->name + index);
	if (!letter)
		return 1;
	naming->hash = (naming->hash ^ letter) * AL_FNV_PRIME;
	return 0;
}

/* The name in memory: what is loaded from there is a plain address, whichever kernel looks at it. */
__weak u64 hash_name(const struct naming *given)
{
	struct naming naming = {.hash = AL_FNV_BASIS};

	if (!given)
		return 0;
	naming.name = given->name;
	bpf_loop(AL_NAME_MAX, hash_step, &naming, 0);
	return naming.hash;
}

/* The rule for a name in a directory whose mark is object, or NULL. */
static __always_inline struct al_rule *rule_of_name(const unsigned char *name, u32 object, u32 slot)
{
	struct al_name key = {.object = object, .slot = slot};
	struct naming naming = {.name = name};

	key.hash = hash_name(&naming);
	return bpf_map_lookup_elem(&names, &key);
}

/*
 * A mark goes when its inode is evicted, once nobody holds the daemon's descriptors any more. For
 * rules that restrict, the number remembers.
 */
static __always_inline bool refused_by_number(struct inode *inode, u32 slot,
					      struct judged *out_judged)
{
	struct al_number number = {
		.ino = inode->i_ino,
		.dev = inode->i_sb->s_dev,
		.generation = inode->i_generation,
	};
	u32 *object = bpf_map_lookup_elem(&numbers, &number);
	struct al_rule *rule = object ? rule_for(slot, *object) : NULL;

	if (!rule)
		return false;
	/* Allow by identity, deny by either: numbers collide, so they may only take away. */
	out_judged->rights = rule->rights & AL_HIDE;
	out_judged->rule = rule->id;
	return true;
}

struct climb {
	struct dentry *dentry, *start;
	const unsigned char *below; /* the name that the walk came from: read by probe only */
	u32 slot;
	u32 numbered;
	u32 begun;   /* at which step it was at start */
	u32 renames; /* rename_count() then */
	struct judged found;
	struct judged judged; /* for good */
};

#define CLIMB_STEPS (AL_MAX_DEPTH * 16) /* then the directories are moved all the time: refused */
#define AL_ALLOWS (AL_READ | AL_WRITE | AL_EXEC | AL_CONNECT)

/*
 * Of rename_lock (fs/dcache.c): no dentry gets another parent without it. Odd while a rename is under
 * way, or when it cannot be read: then no chain is ever whole.
 */
static __always_inline u32 rename_count(void)
{
	u32 count;

	return bpf_probe_read_kernel(&count, sizeof(count), (void *)rename_lock_at) ? 1 : count;
}

static __always_inline void decide(struct climb *climb, const struct al_rule *rule, u32 distance)
{
	/* Rights on the object itself, none on what lies below it. */
	if ((rule->rights & AL_SELF) && distance)
		return;
	climb->found.rights = rule->rights;
	climb->found.rule = rule->id;
	climb->found.distance = distance;
}

/* Is there a rule for this object, or for the name below it? It may be one that gives nothing here. */
static __always_inline bool decided(struct climb *climb, struct inode *inode, u32 level)
{
	struct al_mark *mark = bpf_inode_storage_get(&marks, inode, NULL, 0);
	struct al_rule *rule = mark ? rule_for(climb->slot, mark->object) : NULL, *named = NULL;

	climb->found = NO_RIGHTS;
	if (rule && level && (rule->rights & AL_NAMES))
		named = rule_of_name(climb->below, mark->object, climb->slot);
	if (named) {
		decide(climb, named, level - 1);
		/* Another directory under the name of a scratch one: nobody's was made in it yet. */
		if (named->rights & AL_SCRATCH)
			climb->found.rights = 0;
		return true;
	}
	if (rule && !(rule->rights & AL_PASS)) {
		decide(climb, rule, level);
		return true;
	}
	return climb->numbered && refused_by_number(inode, climb->slot, &climb->found);
}

/*
 * One level; returns 1 (stop) when it is decided. No lock holds the directories still meanwhile, and
 * somebody outside may carry one of them across the border: of a chain read half before and half
 * after, each link was true, and the whole never. So what allows counts only if nothing on the whole
 * machine was renamed since the start; else it is climbed again.
 */
static long climb_step(u32 step, void *context)
{
	struct climb *climb = context;
	struct dentry *dentry = climb->dentry, *parent = dentry->d_parent;
	struct inode *inode = dentry->d_inode;
	u32 level = step - climb->begun, renames;

	if (!inode) /* 7.x wants it asked; see the head of this file for 6.12 */
		return 1;
	if (decided(climb, inode, level)) {
		renames = rename_count();
		if (!(climb->found.rights & AL_ALLOWS) || !level ||
		    (renames == climb->renames && !(renames & 1))) {
			climb->judged = climb->found;
			return 1;
		}
		climb->dentry = climb->start;
		climb->begun = step + 1;
		climb->renames = renames;
		return 0;
	}
	climb->below = dentry->d_name.name;
	climb->dentry = parent;
	return parent == dentry || level >= AL_MAX_DEPTH - 1;
}

/* Does the rule for this very object say so? dentry is positive. */
static __always_inline bool rule_says(struct dentry *dentry, u32 right, const struct jail *jail)
{
	struct inode *inode = dentry->d_inode;
	struct al_mark *mark;
	struct al_rule *rule;

	if (!inode)
		return false;
	mark = bpf_inode_storage_get(&marks, inode, NULL, 0);
	rule = mark ? rule_for(jail->slot, mark->object) : NULL;
	return rule && (rule->rights & right);
}

/*
 * Of what lies in a scratch directory a session has what it put there itself, and all below that.
 * The directory itself gives nothing: listed, it tells of the others'. A global function: behind it
 * the verifier no longer knows which way it came, and goes on once.
 */
__weak u32 scratch_rights(u32 rights, bool own)
{
	return !(rights & AL_SCRATCH) || own ? rights : rights & (AL_SCRATCH | AL_SYSTEM);
}

struct own_climb {
	struct dentry *dentry;
	const struct jail *jail;
	bool own;
};

/* Up to what lies directly in a scratch directory. */
static long own_climb_step(u32 step, void *context)
{
	struct own_climb *climb = context;
	struct dentry *dentry = climb->dentry, *parent = dentry->d_parent;
	struct inode *inode = dentry->d_inode;

	(void)step;
	if (!inode || parent == dentry)
		return 1;
	if (rule_says(parent, AL_SCRATCH, climb->jail)) {
		climb->own = born_here(inode, climb->jail);
		return 1;
	}
	climb->dentry = parent;
	return 0;
}

/*
 * Did the session put there what this is, or lies below? Asked by a climb of its own: to carry the
 * level below along on each walk would be paid where no scratch is. It counts only if nothing was
 * renamed meanwhile, as in climb_step().
 */
static __noinline bool in_own_scratch(struct dentry *dentry, const struct jail *jail)
{
	struct own_climb climb = {.dentry = dentry, .jail = jail};
	u32 renames = rename_count();

	bpf_loop(AL_MAX_DEPTH, own_climb_step, &climb, 0);
	return climb.own && renames == rename_count() && !(renames & 1);
}

/*
 * A call of bpf_loop(), not a loop: with a counter in its registers no two rounds look alike to the
 * verifier, and 6.12 took a minute to compare them all. The callback's context is on this stack,
 * where a pointer keeps its type; dentry must be one that the verifier knows, or
 * bpf_inode_storage_get() refuses the inode. Non-sleepable programs only, for the same reason.
 */
static __always_inline void walk(struct dentry *dentry, const struct jail *jail,
				 struct judged *out_judged)
{
	struct climb climb = {
		.dentry = dentry,
		.start = dentry,
		.slot = jail->slot,
		.numbered = !attended_by && (jail->flags & AL_NUMBERED),
		.renames = rename_count(),
		.judged = NO_RIGHTS,
	};

	bpf_loop(CLIMB_STEPS, climb_step, &climb, 0);
	*out_judged = climb.judged;
	/* Twice: of two in a row somebody's rename spoils both once in a million times, if ever. */
	if (climb.judged.rights & AL_SCRATCH)
		out_judged->rights =
			scratch_rights(climb.judged.rights,
				       climb.judged.distance && (in_own_scratch(dentry, jail) ||
								 in_own_scratch(dentry, jail)));
}

/* The mark of a directory in which some names have rules; 0: there are none. dir is positive. */
static __always_inline u32 named_object(struct dentry *dir, const struct jail *jail)
{
	struct inode *inode = dir->d_inode;
	struct al_rule *rule;
	struct al_mark *mark;

	if (!inode)
		return 0;
	mark = bpf_inode_storage_get(&marks, inode, NULL, 0);
	rule = mark ? rule_for(jail->slot, mark->object) : NULL;
	return rule && (rule->rights & AL_NAMES) ? mark->object : 0;
}

/* The rule for a name that may not exist yet, in this directory; NULL if there is none. */
static __always_inline struct al_rule *rule_of_new_name(struct dentry *dir, struct dentry *dentry,
							const struct jail *jail)
{
	u32 object = named_object(dir, jail);

	return object ? rule_of_name(BPF_CORE_READ(dentry, d_name.name), object, jail->slot) : NULL;
}

static __always_inline struct al_rule *rule_of_hash(struct dentry *dir, u64 hash,
						    const struct jail *jail)
{
	struct al_name key = {.hash = hash, .object = named_object(dir, jail), .slot = jail->slot};

	return key.object ? bpf_map_lookup_elem(&names, &key) : NULL;
}

#endif
