/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deep.c - deep DIR LEVELS: goes down LEVELS directories below DIR, one at a time (no path is that
 * long), makes those that are missing, and opens the file at the bottom. Answers "ok" or the name
 * of the error of that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By handles: going there is no operation on anything. */
static int go(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY);

	if (fd < 0 && errno == ENOENT && mkdirat(dir, name, 0755) == 0)
		fd = openat(dir, name, O_PATH | O_DIRECTORY);
	if (fd < 0) {
		printf("setup %s\n", strerrorname_np(errno));
		exit(1);
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

int main(int argc, char **argv)
{
	int fd, levels;

	if (argc != 3) {
		fputs("usage: deep DIR LEVELS\n", stderr);
		return 2;
	}
	fd = go(AT_FDCWD, argv[1]);
	for (levels = atoi(argv[2]); levels > 0; levels--)
		fd = go(fd, "d");
	puts(openat(fd, "f", O_RDWR | O_CREAT, 0644) < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}
