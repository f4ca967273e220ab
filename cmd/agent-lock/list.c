/* SPDX-License-Identifier: GPL-2.0-only */
/* list.c - agent-lock list: which sessions there are. */
#include <getopt.h>
#include <time.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"json", no_argument, NULL, 'j'},
	{0},
};

int cmd_list(int argc, char **argv)
{
	cleanup_free struct list_entry *entries = NULL;
	cleanup_fd int daemon = -1;
	struct fail f = {0};
	bool json = false;
	size_t len;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return usage();
		json = true;
	}
	if (optind != argc)
		return usage();
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_list(daemon, &entries, &len, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	(json ? list_json : list_text)(entries, len, time(NULL), stdout);
	return EXIT_DONE;
}
