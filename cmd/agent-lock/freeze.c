/* SPDX-License-Identifier: GPL-2.0-only */
/* freeze.c - agent-lock freeze: stop all that runs in a session, where it stands; and its reverse. */
#include <unistd.h>

#include "util.h"
#include "verbs.h"

/* A failed request ends the connection, so each session gets one of its own. */
static int set_frozen(const char *name, bool freeze)
{
	cleanup_fd int daemon = daemon_connect();
	struct fail f = {0};

	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_freeze(daemon, name, freeze, &f) == 0)
		return EXIT_DONE;
	warn_fail(&f);
	return EXIT_REFUSED;
}

int freeze_named(int argc, char **argv, bool freeze)
{
	int ret = EXIT_DONE;

	if (getopt(argc, argv, "+") != -1 || optind == argc)
		return usage();
	for (int i = optind; i < argc; i++)
		if (set_frozen(argv[i], freeze))
			ret = EXIT_REFUSED;
	return ret;
}

int cmd_freeze(int argc, char **argv)
{
	return freeze_named(argc, argv, true);
}
