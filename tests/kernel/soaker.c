/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * soaker.c - soaker TALLY PATH...: jailed by soak.c, does what it is asked to in TALLY: opens the
 * PATHs in turn, which lie outside and must be refused, and TALLY, which must not. Counts itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "soak.h"

static void reach_out(struct tally *tally, const char *path)
{
	int fd;

	atomic_fetch_add(&tally->begun, 1);
	fd = open(path, O_RDONLY);
	if (fd < 0 && errno == EPERM)
		atomic_fetch_add(&tally->refused, 1);
	else
		atomic_fetch_add(&tally->breaches, 1);
	if (fd >= 0)
		close(fd);
}

static void stay_in(struct tally *tally, const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		atomic_fetch_add(&tally->broken, 1);
	else
		close(fd);
}

int main(int argc, char **argv)
{
	struct tally *tally;
	uint64_t order;
	int fd;

	if (argc < 3)
		return 2;
	fd = open(argv[1], O_RDWR);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || tally == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	tally->ready = 1;
	for (;;) {
		while (tally->asked == tally->answered)
			usleep(1000);
		order = tally->order;
		if (order == SOAK_QUIT)
			return 0;
		for (uint64_t i = 0; i < order; i++) {
			reach_out(tally, argv[2 + tally->begun % (uint64_t)(argc - 2)]);
			stay_in(tally, argv[1]);
		}
		tally->answered++;
	}
}
