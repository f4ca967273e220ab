/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood.c - flood COUNT PATH [FILES]: opens PATH for reading COUNT times, as fast as it can; with
 * FILES PATH0, PATH1 ... in turn. Prints how many of the opens were refused with EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long count, files, refused = 0;
	char path[4096];

	if (argc < 3)
		return 2;
	count = strtoul(argv[1], NULL, 10);
	files = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	snprintf(path, sizeof(path), "%s", argv[2]);
	for (unsigned long i = 0; i < count; i++) {
		int fd;

		if (files)
			snprintf(path, sizeof(path), "%s%lu", argv[2], i % files);
		fd = open(path, O_RDONLY);
		refused += fd < 0 && errno == EPERM;
		if (fd >= 0)
			close(fd);
	}
	printf("%lu\n", refused);
	return 0;
}
