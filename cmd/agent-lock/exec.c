/* SPDX-License-Identifier: GPL-2.0-only */
/* exec.c - agent-lock exec: run a command in a session. */
#include <getopt.h>
#include <string.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"root", no_argument, NULL, 'r'},
	{"env", required_argument, NULL, 'e'},
	{"keep-env", no_argument, NULL, 'k'},
	{0},
};

/* 0, or that it was explained what is wrong. */
static int parse(int argc, char **argv, bool *out_root, struct policy *more)
{
	struct fail f = {0};
	int option, ret = 0;

	while (!ret && (option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			*out_root = true;
			break;
		case 'e':
			ret = add_variable(more, optarg, &f);
			break;
		case 'k':
			ret = keep_environment(more, &f);
			break;
		default:
			usage();
			return -1;
		}
	}
	if (ret)
		warn_fail(&f);
	return ret;
}

/* Returns only if that failed. */
static int become(const char *session, bool root, const struct policy *more, char **command)
{
	int daemon = daemon_connect();
	struct fail f = {0};

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
	return enter_and_exec(daemon, session, more, NULL, command);
}

int cmd_exec(int argc, char **argv)
{
	bool root = false;
	struct policy more;
	char **command;
	int ret;

	policy_init(&more);
	ret = parse(argc, argv, &root, &more);
	command = argv + optind + 1;
	if (!ret && argc - optind >= 2 && strcmp(command[0], "--") == 0)
		command++;
	if (!ret && (argc - optind < 2 || !command[0]))
		ret = usage();
	ret = ret ? EXIT_SELF : become(argv[optind], root, &more, command);
	policy_done(&more);
	return ret;
}
