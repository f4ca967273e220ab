/* SPDX-License-Identifier: GPL-2.0-only */
/* environment.c - --env and --keep-env, and what is said of what a session does not get. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "util.h"
#include "verbs.h"

int add_variable(struct policy *policy, const char *given, struct fail *f)
{
	struct fail why;

	/* A name alone hands in what it has at each exec. */
	if (policy_add_variable(policy, strchr(given, '=') ? POLICY_SET : POLICY_PASS, given,
				&why) == 0)
		return 0;
	return fail(f, 0, "--env: %s", why.msg);
}

int keep_environment(struct policy *policy, struct fail *f)
{
	return policy_add_variable(policy, POLICY_PASS, "*", f);
}

void say_left_out(const struct policy *policy)
{
	cleanup_free char *names = environment_left_out(policy, environ);

	if (names && *names)
		fprintf(stderr,
			"agent-lock: not handed in: %s (--env NAME hands one in, --keep-env all)\n",
			names);
}
