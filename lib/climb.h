/* SPDX-License-Identifier: GPL-2.0-only */
/* climb.h - where does something lie? By climbing from it by "..", never by its name. */
#ifndef LIB_CLIMB_H
#define LIB_CLIMB_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Calls meet for the directory behind fd and for each one above it, up to the root, until it returns
 * true. 1: it did; 0: the root was reached; -1 with errno: something on the way cannot be looked at,
 * so nobody knows.
 */
int climb(int fd, bool (*meet)(void *user, const struct stat *st), void *user);
/* Is the directory behind fd the directory dir, or below it? As climb(). */
int climb_meets(int fd, const struct stat *dir);
/* By number, which holds as long as both are held open. */
bool same_object(const struct stat *a, const struct stat *b);

#endif
