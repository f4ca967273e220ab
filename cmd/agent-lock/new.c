/* SPDX-License-Identifier: GPL-2.0-only */
/* new.c - agent-lock new: make a session, print its name. */
#include <unistd.h>

#include "util.h"
#include "verbs.h"

int cmd_new(int argc, char **argv)
{
	char name[SESSION_NAME_MAX + 1];
	struct creation creation;
	cleanup_fd int daemon = -1;
	int rest, ret;

	/* Before anything is given up: only root can start a daemon. */
	if (geteuid() == 0) {
		daemon = daemon_connect();
		if (daemon < 0)
			return EXIT_REFUSED;
		close(steal_fd(&daemon));
	}
	ret = creation_parse(argc, argv, false, &creation, &rest);
	if (ret)
		return ret;
	if (rest != argc) {
		creation_done(&creation);
		return usage();
	}
	daemon = daemon_connect();
	ret = daemon < 0 ? EXIT_REFUSED : creation_make(daemon, &creation, name);
	creation_done(&creation);
	if (ret == 0)
		puts(name);
	return ret;
}
