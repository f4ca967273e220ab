/* SPDX-License-Identifier: GPL-2.0-only */
/* thaw.c - agent-lock thaw: let a frozen session go on. */
#include <unistd.h>

#include "util.h"
#include "verbs.h"

/* A failed request ends the connection, so each session gets one of its own. */
static int thaw(const char *name)
{
	cleanup_fd int daemon = daemon_connect();
	struct fail f = {0};

	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_freeze(daemon, name, false, &f) == 0)
		return EXIT_DONE;
	warn_fail(&f);
	return EXIT_REFUSED;
}

int cmd_thaw(int argc, char **argv)
{
	int ret = EXIT_DONE;

	if (getopt(argc, argv, "+") != -1 || optind == argc)
		return usage();
	for (int i = optind; i < argc; i++)
		if (thaw(argv[i]))
			ret = EXIT_REFUSED;
	return ret;
}
