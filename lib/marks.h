/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * marks.h - the objects that sessions' rules are about, counted: one id an inode, shared by all
 * sessions. The O_PATH descriptors held here keep the inodes, and with them the marks, in memory.
 */
#ifndef LIB_MARKS_H
#define LIB_MARKS_H

#include <stdint.h>

#include "fail.h"
#include "lsm.h"

struct marks;

/* NULL when out of memory. */
struct marks *marks_new(struct lsm *lsm);
/* Closes the descriptors; the marks themselves stay as long as the inodes do. */
void marks_free(struct marks *marks);

/*
 * Mark the object behind fd, or find its mark: takes fd on success. The id counts one reference
 * more.
 */
int marks_take(struct marks *marks, int fd, uint32_t *out_id, struct fail *f);
/*
 * Take an object over that an earlier daemon marked with this id: takes fd on success. Fails if the
 * inode has another mark by now. One that lost its mark (evicted while nobody held it) gets it
 * again.
 */
int marks_adopt(struct marks *marks, int fd, uint32_t id, struct fail *f);
/* One that could not be taken over: its number goes with the last rule about it. */
int marks_miss(struct marks *marks, uint32_t id, struct fail *f);
/* Keep it by number too (lsm_number()). */
int marks_number(struct marks *marks, uint32_t id, struct fail *f);
/* The descriptor held for it, which stays ours; -1: it is no mark of anybody's. */
int marks_fd(struct marks *marks, uint32_t id);
/* One reference less; with the last one mark, number and descriptor go. */
void marks_drop(struct marks *marks, uint32_t id);

#endif
