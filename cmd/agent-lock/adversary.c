/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adversary.c - agent-lock doctor --adversary: the ways out that are known, tried here, as the user who
 * asks; those alone that would do no harm if they worked.
 */
#include <errno.h>
#include <string.h>

#include "beside.h"
#include "util.h"
#include "verbs.h"

#define NAME "agent-lock-adversary"

int adversary(int ids_len, char **ids)
{
	char program[AL_PATH_MAX + 64], self[AL_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	cleanup_free char **arguments = calloc((size_t)ids_len + 3, sizeof(*arguments));
	static char name[] = NAME, harmless[] = "--harmless";
	struct fail f = {0};
	int daemon;

	if (!arguments)
		return EXIT_REFUSED;
	arguments[0] = name;
	arguments[1] = harmless;
	for (int i = 0; i < ids_len; i++)
		arguments[i + 2] = ids[i];

	self[len < 0 ? 0 : len] = '\0';
	if (!beside_self(NAME, program, sizeof(program)) &&
	    !beside_self("../libexec/agent-lock/" NAME, program, sizeof(program))) {
		warn("cannot find " NAME);
		fprintf(stderr, "hint: make test-helpers\n");
		return EXIT_REFUSED;
	}
	daemon = daemon_connect(); /* as root still, who can start one */
	if (daemon < 0)
		return EXIT_REFUSED;
	close(daemon);
	if (caller_become(&f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	if (setenv("AGENT_LOCK", self, 1) == 0)
		execv(program, arguments);
	warn("cannot execute '%s': %s", Q(program), strerror(errno));
	return EXIT_REFUSED;
}
