/* SPDX-License-Identifier: GPL-2.0-only */
/* tail.c - agent-lock tail: the last lines of a session's log, then everything as it happens. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"
#include "verbs.h"

static const struct option options[] = {
	{"no-follow", no_argument, NULL, 'F'},
	{"denied", no_argument, NULL, 'd'},
	{"json", no_argument, NULL, 'j'},
	{0},
};

struct view {
	long lines;
	bool follow;
	bool denied;
	bool json;
	bool people; /* stdout is a terminal */
	struct event_style style;
};

/*
 * A line of the log, in the form that was asked for. What is no line of ours is escaped: the log is
 * its owner's to write.
 */
static void show(const struct view *view, const char *line)
{
	static struct event event;

	if (event_parse(line, strlen(line), &event, NULL)) {
		puts(Q(line));
		return;
	}
	if (view->denied && event.kind != EVENT_REFUSED && event.kind != EVENT_WOULD_REFUSE)
		return;
	if (view->json)
		event_json(&event, stdout);
	else if (view->people)
		event_pretty(&event, &view->style, stdout);
	else
		puts(line);
	fflush(stdout);
}

/* Does the line count for -n? */
static bool wanted(const struct view *view, const char *line)
{
	static struct event event;

	return !view->denied || (event_parse(line, strlen(line), &event, NULL) == 0 &&
				 (event.kind == EVENT_REFUSED || event.kind == EVENT_WOULD_REFUSE));
}

/* Where the last lines begin: reads once to count, so that memory doesn't grow with the log. */
static int show_log(const struct view *view, const char *session, uint64_t end)
{
	char path[AL_PATH_MAX];
	cleanup_file FILE *log = NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;
	ssize_t len;
	long total = 0, skip;

	snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s.log", session);
	log = fopen(path, "re");
	if (!log) {
		warn("cannot read '%s': %s", Q(path), strerror(errno));
		return EXIT_REFUSED;
	}
	for (int pass = 0; pass < 2; pass++) {
		skip = total > view->lines ? total - view->lines : 0;
		rewind(log);
		while ((uint64_t)ftello(log) < end && (len = getline(&line, &size, log)) > 0) {
			line[strcspn(line, "\n")] = '\0';
			if (!wanted(view, line))
				continue;
			if (pass == 0)
				total++;
			else if (skip-- <= 0)
				show(view, line);
		}
	}
	return EXIT_DONE;
}

static int follow(const struct view *view, int daemon)
{
	static char line[PROTO_MAX];
	struct fail f = {0};
	int got;

	while ((got = client_tail_next(daemon, line, sizeof(line), &f)) > 0)
		show(view, line);
	if (got < 0)
		warn_fail(&f);
	return got < 0 ? EXIT_REFUSED : EXIT_DONE;
}

static int parse_lines(const char *text, long *out_lines)
{
	char *end;

	errno = 0;
	*out_lines = strtol(text, &end, 10);
	if (!errno && *text && !*end && *out_lines >= 0)
		return 0;
	warn("-n: expected a number of lines, got '%s'", Q(text));
	return -1;
}

int cmd_tail(int argc, char **argv)
{
	struct view view = {.lines = 10,
			    .follow = true,
			    .people = isatty(STDOUT_FILENO),
			    .style = style_of(stdout)};
	struct fail f = {0};
	cleanup_fd int daemon = -1;
	uint64_t logged;
	int option, ret;

	while ((option = getopt_long(argc, argv, "+n:", options, NULL)) != -1) {
		if (option == 'n' && parse_lines(optarg, &view.lines))
			return EXIT_USAGE;
		if (option == '?')
			return usage();
		view.follow &= option != 'F';
		view.denied |= option == 'd';
		view.json |= option == 'j';
	}
	if (optind + 1 != argc)
		return usage();
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_REFUSED;
	if (client_tail(daemon, argv[optind], &logged, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	ret = show_log(&view, argv[optind], logged);
	return ret == EXIT_DONE && view.follow ? follow(&view, daemon) : ret;
}
