/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * become.c - run a command as another user: become UID COMMAND [ARG]... Ten times as fast in a
 * guest as setpriv(1).
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uid_t uid;
	gid_t gid;

	if (argc < 3) {
		fputs("usage: become UID COMMAND [ARG]...\n", stderr);
		return 2;
	}
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	gid = (gid_t)uid;
	if (setgroups(1, &gid) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		fprintf(stderr, "become: cannot become user %s: %s\n", argv[1], strerror(errno));
		return 125;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "become: cannot run '%s': %s\n", argv[2], strerror(errno));
	return 127;
}
