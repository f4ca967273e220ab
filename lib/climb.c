/* SPDX-License-Identifier: GPL-2.0-only */
/* climb.c - see climb.h */
#include <fcntl.h>

#include "climb.h"
#include "util.h"

bool same_object(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int climb(int fd, bool (*meet)(void *user, const struct stat *st), void *user)
{
	cleanup_fd int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, above;

	if (at < 0 || fstat(at, &st))
		return -1;
	for (;;) {
		int up;

		if (meet(user, &st))
			return 1;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -1;
		close(at);
		at = up;
		if (fstat(at, &above))
			return -1;
		if (same_object(&above, &st))
			return 0;
		st = above;
	}
}

static bool is_it(void *user, const struct stat *st)
{
	return same_object(user, st);
}

int climb_meets(int fd, const struct stat *dir)
{
	struct stat wanted = *dir;

	return climb(fd, is_it, &wanted);
}
