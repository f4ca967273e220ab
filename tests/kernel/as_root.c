/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * as_root.c - run a command as root: as_root COMMAND [ARG]... For guests, where a copy is set-id:
 * what an ordinary user tries may have to be made possible by root first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: as_root COMMAND [ARG]...\n", stderr);
		return 2;
	}
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0)) {
		fprintf(stderr, "as_root: cannot become root: %s\n", strerror(errno));
		return 125;
	}
	execv(argv[1], argv + 1);
	fprintf(stderr, "as_root: cannot run '%s': %s\n", argv[1], strerror(errno));
	return 127;
}
