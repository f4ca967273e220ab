/* SPDX-License-Identifier: GPL-2.0-only */
/* allow.c - agent-lock allow: have a session that is there use more. */
#include <getopt.h>
#include <unistd.h>

#include "util.h"
#include "verbs.h"

enum {
	OPT_FORCE = POLICY_NRIGHTS,
	OPT_ROOT,
};

static const struct option options[] = {
	{"ro", required_argument, NULL, POLICY_RO},
	{"rw", required_argument, NULL, POLICY_RW},
	{"connect", required_argument, NULL, POLICY_CONNECT},
	{"force", no_argument, NULL, OPT_FORCE},
	{"root", no_argument, NULL, OPT_ROOT},
	{0},
};

/* 0, or an exit code that was explained. */
static int parse(int argc, char **argv, struct amendment *amendment, bool *out_root)
{
	struct fail f = {0};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case '?':
			return usage();
		case OPT_FORCE:
			amendment->force = true;
			break;
		case OPT_ROOT:
			*out_root = true;
			break;
		default:
			if (add_typed(&amendment->policy, (enum policy_right)option, optarg,
				      "agent-lock allow", &f)) {
				warn_fail(&f);
				return EXIT_REFUSED;
			}
		}
	}
	if (optind + 1 != argc || !amendment->policy.len)
		return usage();
	amendment->session = argv[optind];
	return 0;
}

int cmd_allow(int argc, char **argv)
{
	struct amendment amendment = {0};
	struct fail f = {0};
	bool root = false;
	int ret;

	policy_init(&amendment.policy);
	ret = parse(argc, argv, &amendment, &root);
	if (!ret && !root && caller_become(&f)) {
		warn_fail(&f);
		ret = EXIT_REFUSED;
	}
	if (!ret)
		ret = amendment_make(&amendment);
	policy_done(&amendment.policy);
	return ret;
}
