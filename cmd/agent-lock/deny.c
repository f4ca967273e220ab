/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deny.c - agent-lock deny: refuse a session that is there what it could use. Root does it as root:
 * nothing is given by it.
 */
#include <getopt.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"hide", no_argument, NULL, POLICY_HIDE},
	{0},
};

int cmd_deny(int argc, char **argv)
{
	struct amendment amendment = {0};
	struct fail f = {0};
	enum policy_right right = POLICY_DENY;
	int option, ret = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != POLICY_HIDE)
			return usage();
		right = POLICY_HIDE;
	}
	if (argc - optind < 2)
		return usage();
	policy_init(&amendment.policy);
	amendment.session = argv[optind];
	for (int i = optind + 1; i < argc && !ret; i++)
		ret = add_typed(&amendment.policy, right, argv[i], "agent-lock deny", &f);
	if (ret) {
		warn_fail(&f);
		ret = EXIT_REFUSED;
	} else {
		ret = amendment_make(&amendment);
	}
	policy_done(&amendment.policy);
	return ret;
}
