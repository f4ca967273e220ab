/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c - agent-lock report: what was refused so far, how often, to whom. */
#include <getopt.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"json", no_argument, NULL, 'j'},
	{0},
};

int cmd_report(int argc, char **argv)
{
	struct event_style style = style_of(stdout);
	cleanup_fd int daemon = -1;
	struct report report;
	struct fail f = {0};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option != 'j')
			return usage();
		json = true;
	}
	if (optind + 1 != argc)
		return usage();
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_report(daemon, argv[optind], &report, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	if (json)
		report_json(&report, stdout);
	else
		report_text(&report, &style, stdout, width_of(stdout));
	report_done(&report);
	return EXIT_DONE;
}
