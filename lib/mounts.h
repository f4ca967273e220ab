/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mounts.h - what is mounted where, from mountinfo: for rules that cover file systems below them,
 * and for display.
 */
#ifndef LIB_MOUNTS_H
#define LIB_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"

struct mount_entry {
	uint32_t major, minor; /* the superblock's device, s_dev */
	char *root;	       /* what of the file system is mounted, seen from its own root */
	char *point;	       /* where */
	char *type;
};

struct mounts {
	struct mount_entry *entries;
	size_t len;
};

/* Read this process's own table. The caller frees it with mounts_done(). */
int mounts_read(struct mounts *out_mounts, struct fail *f);
void mounts_done(struct mounts *mounts);
/* The table as it is now, read again only when something was mounted or unmounted. */
struct mounts_cache {
	int fd; /* of mountinfo, to be told; 0: not yet */
	struct mounts mounts;
};
/* NULL if it can't be read. */
const struct mounts *mounts_now(struct mounts_cache *cache);
void mounts_cache_done(struct mounts_cache *cache);
/* The same from a text in mountinfo's format, for tests. */
int mounts_parse(const char *text, struct mounts *out_mounts, struct fail *f);

/* The last mounted one at exactly this place, or of this type; NULL if there is none. */
const struct mount_entry *mounts_at(const struct mounts *mounts, const char *point);
const struct mount_entry *mounts_of_type(const struct mounts *mounts, const char *type);
/*
 * Where the whole of a device is mounted; dev in the kernel's own encoding (major << 20 | minor).
 * NULL: nowhere.
 */
const struct mount_entry *mounts_of_device(const struct mounts *mounts, uint32_t dev);
/* Is path strictly below dir? By components. */
bool path_below(const char *path, const char *dir);

#endif
