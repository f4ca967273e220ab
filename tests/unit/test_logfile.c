/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_logfile.c - the promises of lib/logfile.h: never more than size * (keep + 1) bytes, never half
 * a line, nothing forgotten that is not counted, and nobody loses a line to somebody else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/logfile.h"
#include "../../lib/util.h"
#include "../tap.h"

#define SIZE LOGFILE_SIZE_MIN

static char dir[] = "/tmp/agent-lock-log-XXXXXX";
static struct log_limits limits = {.size = SIZE, .keep = 2, .ended = 2};

static void path_in(const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

/* The size of one, -1 if it is not there. */
static off_t size_of(const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	path_in(name, path);
	return stat(path, &st) ? -1 : st.st_size;
}

static void each_file(void (*what)(const char *path, const struct stat *st, void *data), void *data)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;

	while ((entry = readdir(entries))) {
		path_in(entry->d_name, path);
		if (entry->d_name[0] != '.' && lstat(path, &st) == 0)
			what(path, &st, data);
	}
	closedir(entries);
}

struct sum {
	off_t bytes;
	off_t largest;
	unsigned int files;
};

static void add(const char *path, const struct stat *st, void *data)
{
	struct sum *sum = data;

	(void)path;
	sum->bytes += st->st_size;
	sum->largest = sum->largest < st->st_size ? st->st_size : sum->largest;
	sum->files++;
}

static struct sum on_disk(void)
{
	struct sum sum = {0};

	each_file(add, &sum);
	return sum;
}

static void remove_one(const char *path, const struct stat *st, void *data)
{
	(void)st;
	(void)data;
	unlink(path);
}

static void clear(void)
{
	each_file(remove_one, NULL);
}

static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *out;

	path_in(name, path);
	out = fopen(path, "w");
	fputs(text, out);
	fclose(out);
}

static bool holds(const char *name, const char *want)
{
	char path[PATH_MAX], text[256] = "";
	FILE *in;
	size_t len;

	path_in(name, path);
	in = fopen(path, "r");
	if (!in)
		return false;
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	return strcmp(text, want) == 0;
}

static struct logfile begin(const char *name)
{
	struct fail f = {.msg = "none"};
	struct logfile log;

	logfile_init(&log);
	if (logfile_begin(&log, dir, &limits, name, geteuid(), &f))
		printf("# %s\n", f.msg);
	return log;
}

static void write_text(struct logfile *log, const char *text)
{
	logfile_write(log, text, strlen(text), 1, 0);
}

static void test_bound(void)
{
	static char line[EVENT_LINE_MAX];
	struct logfile log = begin("web");
	uint64_t last = 0, events = 0;
	bool bounded = true;
	struct sum sum;
	size_t len;

	for (uint64_t i = 0; i < 20000; i++) {
		/* Mostly short ones, some as long as a line can be. */
		len = i % 50 ? (size_t)rand() % 400 : (size_t)rand() % (EVENT_LINE_MAX - 1);
		memset(line, 'x', len);
		logfile_write(&log, line, len, 1, 0);
		events++;
		sum = on_disk();
		bounded = bounded && sum.bytes <= (off_t)(SIZE * (limits.keep + 1)) &&
			  sum.largest <= SIZE && sum.files <= limits.keep + 1;
		last = (uint64_t)sum.bytes;
	}
	ok(bounded, "20000 lines of any length: never more than size * (keep + 1)");
	ok(last > SIZE * limits.keep - EVENT_LINE_MAX * limits.keep, "and hardly less");
	ok(!log.error && !log.missing && size_of("web.log") > 0 && size_of("web.log.1") > 0 &&
		   size_of("web.log.2") > 0 && size_of("web.log.3") < 0,
	   "in keep + 1 files");
	memset(line, 'y', EVENT_LINE_MAX);
	logfile_write(&log, line, EVENT_LINE_MAX, 1, 0);
	ok(!log.error, "the longest line there is fits");
	logfile_write(&log, line, EVENT_LINE_MAX + 1, 3, 0);
	ok(log.error && log.missing == 3, "one that is longer is counted as missing");
	logfile_close(&log);
	clear();
	limits.keep = 0;
	log = begin("web");
	for (int i = 0; i < 1000; i++)
		logfile_write(&log, line, 1000, 1, 0);
	sum = on_disk();
	ok(sum.files == 1 && sum.bytes <= SIZE, "keep = 0: one file");
	logfile_close(&log);
	limits.keep = 2;
	clear();
}

static void test_order(void)
{
	struct logfile log;

	for (int i = 0; i < 4; i++) {
		char text[2] = {(char)('a' + i), 0};

		log = begin("web");
		write_text(&log, text);
		logfile_close(&log);
	}
	ok(holds("web.log", "d\n") && holds("web.log.1", "c\n") && holds("web.log.2", "b\n") &&
		   size_of("web.log.3") < 0,
	   "a new session of a name rotates what is there");
	log = begin("web");
	logfile_drop(&log);
	log = begin("web");
	logfile_drop(&log);
	ok(size_of("web.log") < 0 && holds("web.log.1", "d\n") && holds("web.log.2", "c\n"),
	   "sessions that did not come to be rotate nothing more than once");
	log = begin("web");
	write_text(&log, "e");
	logfile_close(&log);
	put("web.log.7", "old\n");
	logfile_resume(&log, dir, &limits, "web", geteuid());
	write_text(&log, "f");
	ok(!log.error && holds("web.log", "e\nf\n") && holds("web.log.1", "d\n"),
	   "another daemon goes on where the last one ended");
	ok(size_of("web.log.7") < 0, "what is beyond keep by now is removed");
	logfile_close(&log);
	put("web.log", "e\nhalf");
	logfile_resume(&log, dir, &limits, "web", geteuid());
	write_text(&log, "g");
	ok(holds("web.log", "e\nhalf\ng\n"), "half a line is ended before the next");
	logfile_close(&log);
	clear();
	/* Killed in the middle of a rotation: one is missing. */
	put("web.log", "c\n");
	put("web.log.2", "a\n");
	log = begin("web");
	ok(holds("web.log.1", "c\n") && holds("web.log.2", "a\n"),
	   "a gap is filled, and nothing is pushed out for it");
	logfile_close(&log);
	clear();
	put("web.log.1", "b\n");
	logfile_resume(&log, dir, &limits, "web", geteuid());
	write_text(&log, "c");
	ok(holds("web.log", "c\n") && holds("web.log.1", "b\n"), "a file that is missing is made");
	logfile_close(&log);
	clear();
}

/* The disk is full: as a limit on the size of files, which any user can have. */
static void test_full(void)
{
	struct rlimit whole, small;
	struct logfile log = begin("web");
	char want[256];
	struct event event = {0};

	getrlimit(RLIMIT_FSIZE, &whole);
	small = whole;
	small.rlim_cur = 25;
	signal(SIGXFSZ, SIG_IGN);
	write_text(&log, "0123456789");
	setrlimit(RLIMIT_FSIZE, &small);
	write_text(&log, "0123456789abcdef");
	ok(log.error == EFBIG && log.missing == 1 && holds("web.log", "0123456789\n"),
	   "a line that does not fit whole is not there in part");
	logfile_write(&log, "x", 1, 41, 0);
	ok(log.missing == 42 && holds("web.log", "0123456789\n"),
	   "after that none is, not even a shorter one, and all are counted");
	logfile_retry(&log);
	ok(log.error && log.missing == 42, "as long as there is no room, that is how it stays");
	setrlimit(RLIMIT_FSIZE, &whole);
	write_text(&log, "y");
	ok(log.missing == 43, "it begins again when it is asked to");
	logfile_retry(&log);
	write_text(&log, "z");
	ok(!log.error && !log.missing, "with room it goes on");
	{
		char path[PATH_MAX], line[EVENT_LINE_MAX];
		FILE *in;

		path_in("web.log", path);
		in = fopen(path, "r");
		for (int i = 0; i < 2; i++)
			if (!fgets(line, sizeof(line), in))
				line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		ok(event_parse(line, strlen(line), &event, NULL) == 0 && event.kind == EVENT_LOST &&
			   event.count == 43 && strcmp(event.session, "web") == 0,
		   "and says how many are missing");
		if (!fgets(want, sizeof(want), in))
			want[0] = '\0';
		is_str(want, "z\n", "before the next line");
		fclose(in);
	}
	logfile_close(&log);
	clear();
}

static void test_unwritable(void)
{
	char path[PATH_MAX];
	struct logfile log;
	struct fail f = {0};

	path_in("web.log", path);
	ok(symlink("/etc/passwd", path) == 0 &&
		   logfile_begin(&log, dir, &limits, "web", geteuid() + 0, &f) == 0 &&
		   size_of("web.log") == 0,
	   "a link in its place is rotated away, not followed");
	logfile_close(&log);
	clear();
	logfile_init(&log);
	ok(logfile_begin(&log, "/nonexistent", &limits, "web", geteuid(), &f) < 0 &&
		   strstr(f.msg, "cannot make the log /nonexistent/web.log: No such file"),
	   "a directory that is not there: the reason");
	write_text(&log, "x");
	logfile_retry(&log);
	logfile_drop(&log);
	logfile_close(&log);
	ok(!log.error && !log.missing, "then there is no log, and all may be done with it");
	logfile_resume(&log, "/nonexistent", &limits, "web", geteuid());
	write_text(&log, "x");
	logfile_retry(&log);
	ok(log.error == ENOENT && log.missing == 1, "one that cannot be taken over is no failure");
	logfile_close(&log);
}

static bool is_alive(const char *name, uid_t owner, void *data)
{
	return owner == geteuid() && strcmp(name, data) == 0;
}

static void test_prune(void)
{
	static const char *const names[] = {"a", "b.log.uid5", "c", "d", "e"};
	struct timespec times[2] = {{0}};
	char file[64], path[PATH_MAX], alive[] = "a";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		times[1].tv_sec = times[0].tv_sec = 1000 + (time_t)i;
		snprintf(file, sizeof(file), "%s.log", names[i]);
		put(file, "x\n");
		path_in(file, path);
		utimensat(AT_FDCWD, path, times, 0);
		snprintf(file, sizeof(file), "%s.log.1", names[i]);
		put(file, "y\n");
	}
	put("c.log.uid7", "z\n");
	put("notes", "mine\n");
	logfile_prune(dir, &limits, geteuid(), is_alive, alive);
	ok(size_of("a.log") > 0 && size_of("a.log.1") > 0, "a session that lives keeps its log");
	ok(size_of("b.log.uid5.log") < 0 && size_of("b.log.uid5.log.1") < 0 &&
		   size_of("c.log") < 0 && size_of("c.log.1") < 0 && size_of("d.log") < 0,
	   "of the others the oldest go, whole");
	ok(size_of("e.log") > 0 && size_of("e.log.1") > 0 && size_of("c.log.uid7") > 0,
	   "the latest stay, those put away too");
	ok(size_of("notes") > 0, "what is no log is left alone");
	clear();
	put("a.log", "x\n");
	logfile_prune(dir, &limits, geteuid() + 1, is_alive, alive);
	limits.ended = 0;
	alive[0] = 'x';
	ok(size_of("a.log") > 0, "nobody else's are touched");
	logfile_prune(dir, &limits, geteuid(), is_alive, alive);
	ok(size_of("a.log") < 0, "ended = 0: none stays");
	limits.ended = 2;
	clear();
}

/* Two users take a name in turns. */
static void test_owners(void)
{
	static const uid_t users[] = {12345, 0, 54321};
	bool good = true;
	struct logfile log;
	char text[32];

	if (geteuid() != 0) {
		ok(true, "two users, one name # SKIP not root");
		return;
	}
	for (unsigned int i = 0; i < 9; i++) {
		logfile_init(&log);
		good = good && logfile_begin(&log, dir, &limits, "web", users[i % 3], NULL) == 0;
		snprintf(text, sizeof(text), "%u", i);
		write_text(&log, text);
		logfile_close(&log);
	}
	ok(good && holds("web.log", "8\n") && holds("web.log.1", "5\n") &&
		   holds("web.log.2", "2\n"),
	   "the last of three users has its own logs, all");
	ok(holds("web.log.uid12345", "6\n") && holds("web.log.uid12345.1", "3\n") &&
		   holds("web.log.uid12345.2", "0\n"),
	   "so has the first");
	ok(holds("web.log.uid0", "7\n") && holds("web.log.uid0.1", "4\n") &&
		   holds("web.log.uid0.2", "1\n"),
	   "so has root");
	ok(on_disk().files == 9, "and there is nothing else");
	clear();
}

int main(void)
{
	if (!mkdtemp(dir))
		return 99;
	srand(1);
	test_bound();
	test_order();
	test_full();
	test_unwritable();
	test_prune();
	test_owners();
	clear();
	rmdir(dir);
	return tap_done();
}
