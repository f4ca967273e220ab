/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.c - agent-lock exec: run a command in a session. */
#include <getopt.h>
#include <string.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"root", no_argument, NULL, 'r'},
	{0},
};

int cmd_exec(int argc, char **argv)
{
	struct fail f = {0};
	bool root = false;
	int option, daemon;
	char **command;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'r') {
			usage();
			return EXIT_SELF;
		}
		root = true;
	}
	if (argc - optind < 2) {
		usage();
		return EXIT_SELF;
	}
	command = argv + optind + 1;
	if (strcmp(command[0], "--") == 0)
		command++;
	if (!command[0]) {
		usage();
		return EXIT_SELF;
	}
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_SELF;
	/*
	 * Connected as root, who may enter any session; then the user for good, before it is
	 * inside.
	 */
	if (!root && caller_become(&f)) {
		warn_fail(&f);
		return EXIT_SELF;
	}
	return enter_and_exec(daemon, argv[optind], command);
}
