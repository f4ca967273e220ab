/* SPDX-License-Identifier: GPL-2.0-only */
/* destroy.c - agent-lock destroy: kill all of a session, take it away, print the summary. */
#include <getopt.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"all", no_argument, NULL, 'a'},
	{0},
};

static int destroy(int daemon, const char *name)
{
	struct event_style style = style_of(stdout);
	struct report report;
	struct fail f = {0};

	if (client_destroy(daemon, name, &report, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	report_summary(&report, &style, stdout);
	report_done(&report);
	return EXIT_DONE;
}

/* A failed request ends the connection, so each session gets one of its own. */
static int destroy_one(const char *name)
{
	cleanup_fd int daemon = daemon_connect();

	return daemon < 0 ? EXIT_REFUSED : destroy(daemon, name);
}

static int destroy_all(void)
{
	cleanup_free struct list_entry *entries = NULL;
	cleanup_fd int daemon = daemon_connect();
	struct fail f = {0};
	int ret = EXIT_DONE;
	size_t len;

	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_list(daemon, &entries, &len, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < len; i++)
		if (destroy_one(entries[i].name))
			ret = EXIT_REFUSED;
	return ret;
}

int cmd_destroy(int argc, char **argv)
{
	bool all = false;
	int option, ret = EXIT_DONE;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'a')
			return usage();
		all = true;
	}
	if (all == (optind < argc))
		return usage();
	if (all)
		return destroy_all();
	for (int i = optind; i < argc; i++)
		if (destroy_one(argv[i]))
			ret = EXIT_REFUSED;
	return ret;
}
