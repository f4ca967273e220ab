/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resolve.h - from a policy's paths to objects: each opened O_PATH with the caller's own rights,
 * in its own namespaces. Nothing is decided by a path after this.
 */
#ifndef LIB_RESOLVE_H
#define LIB_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "policy.h"

struct object {
	int fd;		 /* O_PATH, owned; with AL_NAMES in rights the directory that path is in */
	uint32_t rights; /* AL_READ | ... as the kernel half wants them */
	uint32_t rule;	 /* index in the policy */
	uint64_t dev, ino; /* as stat(2) has them */
	char *path;	   /* what it is called, links resolved; for display */
};

struct objects {
	struct object *list;
	size_t len;
};

/* The last component of an object's path: the name that a rule with AL_NAMES is about. */
const char *object_name(const char *path);

/*
 * Resolve every rule, in order; later ones of the same object win. Besides the rules' own objects:
 *  - the roots of other file systems mounted below a rule's directory, with the same right (one
 *    that is mounted
 *    elsewhere as well is not: it needs a rule of its own);
 *  - the name that it has in its directory (AL_NAMES), for when it is replaced; and of an optional
 *    one that is missing, for when it comes to be;
 *  - the directories above a restricting rule, pinned: not to be renamed away from under it where a
 *    rule, now or later, makes them writable.
 * A path that is missing fails unless its rule is optional. On success the caller frees
 * *out_objects with objects_done().
 */
int objects_resolve(const struct policy *policy, struct objects *out_objects, struct fail *f);
void objects_done(struct objects *objects);

#endif
