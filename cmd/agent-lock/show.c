/* SPDX-License-Identifier: GPL-2.0-only */
/* show.c - agent-lock show: a session's policy, in the form that --policy reads. */
#include "util.h"
#include "verbs.h"

int cmd_show(int argc, char **argv)
{
	cleanup_fd int daemon = -1;
	struct fail f = {0};

	if (argc != 2)
		return usage();
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_show(daemon, argv[1], stdout, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}
