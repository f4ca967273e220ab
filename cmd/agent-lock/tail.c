/* SPDX-License-Identifier: GPL-2.0-only */
/* tail.c - agent-lock tail: the last lines of a session's log, then everything as it happens. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "logfile.h"
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

/* What --denied is for; what was lost may have been one. */
static bool is_denied(const struct event *event)
{
	return event->kind == EVENT_REFUSED || event->kind == EVENT_WOULD_REFUSE ||
	       event->kind == EVENT_LOST;
}

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
	if (view->denied && !is_denied(&event))
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

	return !view->denied ||
	       (event_parse(line, strlen(line), &event, NULL) == 0 && is_denied(&event));
}

/* The files of a log, the latest first, open: so that they stay what they are when they are rotated. */
struct files {
	FILE *list[LOGFILE_KEEP_MAX + 1];
	size_t len;
	uint64_t end;  /* of list[0]: what comes behind it is told by the daemon */
	uint64_t file; /* inode number of that one, 0: all are whole */
};

static void files_done(struct files *files)
{
	while (files->len)
		fclose(files->list[--files->len]);
}

/* Take it unless it is there already, or newer than the one that has an end. */
static void add_file(struct files *files, FILE *log)
{
	struct stat st, last;

	if (fstat(fileno(log), &st) ||
	    (files->len && fstat(fileno(files->list[files->len - 1]), &last) == 0 &&
	     st.st_ino == last.st_ino) ||
	    (!files->len && files->file && st.st_ino != files->file)) {
		fclose(log);
		return;
	}
	files->list[files->len++] = log;
}

/*
 * While it is looked for a file may be rotated: then it is met again under its next name, or its name
 * is free for a moment. So one that is missing is no end, two are.
 */
static int open_files(const char *session, struct files *files)
{
	char name[LOGFILE_NAME], path[sizeof(PROTO_LOG_DIR) + LOGFILE_NAME];
	int missing = 0, error = 0;

	for (unsigned int i = 0; i <= LOGFILE_KEEP_MAX && missing < 2; i++) {
		FILE *log;

		logfile_name(session, i, name);
		snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s", name);
		log = fopen(path, "re");
		if (log) {
			add_file(files, log);
			missing = 0;
			continue;
		}
		missing++;
		if (!error && errno != ENOENT)
			error = errno;
		if (error) {
			warn("cannot read '%s': %s", Q(path), strerror(error));
			return -1;
		}
	}
	return 0;
}

/* The lines of one file that are wanted: counted, or, but for the first skip, shown. */
static long read_file(const struct view *view, const struct files *files, size_t index, long skip,
		      bool print)
{
	FILE *log = files->list[index];
	uint64_t end = index == 0 && files->file ? files->end : UINT64_MAX;
	cleanup_free char *line = NULL;
	size_t size = 0;
	ssize_t len;
	long total = 0;

	rewind(log);
	while ((uint64_t)ftello(log) < end && (len = getline(&line, &size, log)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!wanted(view, line))
			continue;
		if (print && total >= skip)
			show(view, line);
		total++;
	}
	return total;
}

/* Where the last lines begin: reads once to count, so that memory doesn't grow with the log. */
static int show_log(const struct view *view, const char *session, struct files *files)
{
	long missing = view->lines, skip = 0;
	size_t first = 0;

	if (open_files(session, files))
		return EXIT_REFUSED;
	while (first < files->len && missing > 0) {
		long found = read_file(view, files, first++, 0, false);

		skip = found > missing ? found - missing : 0;
		missing -= found;
	}
	while (first) {
		read_file(view, files, --first, skip, true);
		skip = 0;
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
	struct files files = {0};
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
	if (client_tail(daemon, argv[optind], &files.end, &files.file, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	ret = show_log(&view, argv[optind], &files);
	files_done(&files);
	return ret == EXIT_DONE && view.follow ? follow(&view, daemon) : ret;
}
