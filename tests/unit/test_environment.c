/* SPDX-License-Identifier: GPL-2.0-only */
/* test_environment.c - what environment.h promises: no secret goes along, and all else does. */
#include <stdlib.h>
#include <string.h>

#include "../../lib/environment.h"
#include "../../lib/util.h"
#include "../tap.h"

static const char *find(char **variables, const char *name)
{
	size_t len = strlen(name);

	for (; *variables; variables++)
		if (strncmp(*variables, name, len) == 0 && (*variables)[len] == '=')
			return *variables + len + 1;
	return NULL;
}

static size_t count(char **variables, const char *name)
{
	size_t found = 0, len = strlen(name);

	for (; *variables; variables++)
		found += strncmp(*variables, name, len) == 0 && (*variables)[len] == '=';
	return found;
}

static void test_default(void)
{
	static char *given[] = {"TERM=xterm",
				"HOME=/home/ana",
				"A_KEY=secret",
				"EMPTY=",
				"PATH=/bin",
				"A_KEY_2=other",
				"PROXY=http://ana:pw@host/",
				"PLAIN=http://host:80/a@b",
				"ODD",
				"TMPDIR=/home/ana/tmp",
				"=nameless",
				"DEEP=x y://u:p@h",
				"AT=a@b:c",
				NULL};
	struct policy policy;
	cleanup_free char **made = NULL;
	cleanup_free char *names = NULL;

	policy_init(&policy);
	policy_add_variable(&policy, POLICY_DROP, "*KEY*", NULL);
	policy_add_variable(&policy, POLICY_PASS, "A_KEY_2", NULL);
	policy_add_variable(&policy, POLICY_SET, "SCRATCH=${TMPDIR}/x", NULL);
	policy_add_variable(&policy, POLICY_SET, "TERM=dumb", NULL);
	policy_add_variable(&policy, POLICY_SET, "TERM=vt100", NULL);
	made = environment_make(&policy, given, "/tmp/own", NULL);
	ok(made && !find(made, "A_KEY"), "what a pattern drops is not handed in");
	is_str(find(made, "A_KEY_2"), "other", "what a later one passes is");
	is_str(find(made, "HOME"), "/home/ana", "what none names is");
	is_str(find(made, "EMPTY"), "", "an empty one too");
	is_str(find(made, "TERM"), "vt100", "what is set replaces what there was, the last counts");
	ok(count(made, "TERM") == 1, "and is there once");
	is_str(find(made, "TMPDIR"), "/tmp/own", "TMPDIR is the session's");
	is_str(find(made, "SCRATCH"), "/tmp/own/x", "and may be part of what is set");
	ok(!find(made, "PROXY") && !find(made, "DEEP"),
	   "an address with a password in it is not handed in");
	ok(find(made, "PLAIN") && find(made, "AT"), "an address without one is");
	ok(count(made, "") == 0, "what has no name is not");
	names = environment_left_out(&policy, given);
	is_str(names, "A_KEY, PROXY, ODD, DEEP", "the names of what is left out, and no value");
	policy_done(&policy);
}

static void test_corners(void)
{
	static char *none[] = {NULL}, *one[] = {"TMPDIR=/x", "S_URL=a://b:c@d", NULL};
	char *longest = malloc(1 << 17), *given[] = {longest, NULL};
	struct policy policy;
	cleanup_free char **made = NULL, **all = NULL, **set = NULL, **large = NULL;

	policy_init(&policy);
	made = environment_make(&policy, none, NULL, NULL);
	ok(made && !made[0], "of nothing comes nothing");
	policy_add_variable(&policy, POLICY_PASS, "*", NULL);
	policy_add_variable(&policy, POLICY_SET, "IN=${TMPDIR}", NULL);
	all = environment_make(&policy, one, NULL, NULL);
	ok(all && !find(all, "TMPDIR") && !find(all, "IN") && find(all, "S_URL"),
	   "asked for, all goes along but a TMPDIR that is not the session's");
	policy_add_variable(&policy, POLICY_SET, "TMPDIR=/mine", NULL);
	set = environment_make(&policy, one, "/tmp/own", NULL);
	ok(set && count(set, "TMPDIR") == 1, "a TMPDIR that is set counts");
	is_str(find(set, "TMPDIR"), "/mine", "as it is");
	memset(longest, 'K', 1 << 17);
	longest[1000] = '=';
	longest[(1 << 17) - 1] = '\0';
	large = environment_make(&policy, given, NULL, NULL);
	ok(large && !large[1], "a name that is longer than any pattern is not handed in");
	free(longest);
	policy_done(&policy);
}

int main(void)
{
	test_default();
	test_corners();
	return tap_done();
}
