/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exhaustion.c - Q: floods and names; and T12, names that act on a terminal. What is looked at here
 * is what agent-lock says: each try has a session of its own, and with it a log.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adversary.h"

#define LOGS "/var/log/agent-lock"
#define FLOOD 6000 /* several times what finds room at once */
#define SECONDS 40 /* for the daemon to write it all down */
#define OWN_SESSION "[session]\nmode = enforce\n"
#define DEEP 30 /* directories; with their names, twice what an event has room for */

static const char *log_of(int number)
{
	static char path[128];

	snprintf(path, sizeof(path), LOGS "/adversary-%d-%d.log", getpid(), number);
	return path;
}

/* The number of the session that was made last, by which its log is known. */
static int last_session(void)
{
	int last = 0;

	/* The directory is not to be listed. One that could not be made leaves a gap. */
	for (int number = 0; number < last + 16; number++)
		if (access(log_of(number), F_OK) == 0)
			last = number;
	return last;
}

static int session_before; /* at prepare(): outside there comes none after it */

static int note_session(struct world *world)
{
	(void)world;
	session_before = last_session();
	return 0;
}

static bool outside(void)
{
	return last_session() == session_before;
}

static FILE *open_log(void)
{
	return fopen(log_of(last_session()), "re");
}

/* What `agent-lock report` says with this option. */
static FILE *open_report(const char *option)
{
	const char *program = getenv("AGENT_LOCK");
	char self[4096], command[8192];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len < 0 ? 0 : len] = '\0';
	if (!program && strrchr(self, '/'))
		strcpy(strrchr(self, '/'), "/agent-lock");
	snprintf(command, sizeof(command), "'%s' report %s adversary-%d-%d", program ?: self,
		 option, getpid(), last_session());
	return popen(command, "re");
}

/* The report as JSON, kept until the next; empty if there is none. */
static const char *whole_report(void)
{
	static char text[1 << 20];
	FILE *report = open_report("--json");
	size_t len = report ? fread(text, 1, sizeof(text) - 1, report) : 0;

	text[len] = '\0';
	if (report)
		pclose(report);
	return text;
}

/* The session's own count stands first, before those of each operation and target. */
static unsigned long counted(const char *report, const char *key)
{
	const char *at = strstr(report, key);

	return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static unsigned long refused_in_report(void)
{
	return counted(whole_report(), "\"refused\":");
}

/* Refusals that the log shows, one by one, as repeats, or as a number of those that found no room. */
static unsigned long told_of(void)
{
	static char line[65536];
	unsigned long sum = 0;
	FILE *log = open_log();

	while (log && fgets(line, sizeof(line), log)) {
		if (strstr(line, " refused "))
			sum += strstr(line, " repeat=") ? counted(line, " repeat=") : 1;
		else if (strstr(line, " lost "))
			sum += counted(line, " count=");
	}
	if (log)
		fclose(log);
	return sum;
}

/* Wait until the log is complete; false if it doesn't get so. */
static bool log_complete(unsigned long refused)
{
	for (int i = 0; i < SECONDS * 5; i++) {
		if (told_of() == refused)
			return true;
		usleep(200000);
	}
	return false;
}

static int q05_flood(const struct world *world)
{
	int no = 0;

	for (int i = 0; i < FLOOD; i++) {
		/* One that must not drown. */
		const char *path = in(world->out, i == FLOOD / 2 ? "x" : "f");
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		no = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
	return no;
}

/*
 * Miscounted? Or does neither the report name the one, nor say that names were lost? What found no
 * room is counted with its target, whose name is that of its first event which did find room.
 */
static bool q05_drowned(const struct world *world)
{
	const char *report;
	char one[1024];

	if (outside())
		return false;
	snprintf(one, sizeof(one), "\"path\":\"%s\"", in(world->out, "x"));
	report = whole_report();
	return counted(report, "\"refused\":") != FLOOD ||
	       (!strstr(report, one) && !counted(report, "\"lost\":")) || !log_complete(FLOOD);
}

/* Every byte that a name can have, and then some that want to be more than a name. */
static void hostile_name(unsigned int number, char *out, size_t size)
{
	static const char *const names[] = {
		"\033]0;owned\007",
		"\033[2J\033[1;1H",
		"x\n2026-01-01T00:00:00.000000Z allowed read session=x pid=1 comm=x path=y",
		"x\r2026-01-01T00:00:00.000000Z allowed",
		"\xe2\x80\xae"
		"txt.exe",
		"\x9b"
		"31m",
		"\xff\xfe",
		"x error=none rule=mine",
		"\\x41",
		"\"'`$(x)",
	};

	if (number < 255)
		snprintf(out, size, "n%c", (char)(number + 1));
	else
		snprintf(out, size, "n%s", names[number - 255]);
	/* Not possible in a name. */
	for (char *at = out; *at; at++)
		if (*at == '/')
			*at = '|';
}

#define HOSTILE (255 + 10)

static int make_names(struct world *world)
{
	char name[256];

	for (unsigned int i = 0; i < HOSTILE; i++) {
		hostile_name(i, name, sizeof(name));
		if (make_file(in(world->out, name), "x"))
			return why_not("no file of such a name: %s", strerror(errno));
	}
	return note_session(world);
}

static int q07_open(const struct world *world)
{
	char name[256];
	int no = 0, fd;

	prctl(PR_SET_NAME, "\033[31m\n\x9b refus");
	for (unsigned int i = 0; i < HOSTILE; i++) {
		hostile_name(i, name, sizeof(name));
		fd = open(in(world->out, name), O_RDONLY | O_CLOEXEC);
		no = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
	return no;
}

/* Printable ASCII and ends of lines, and something of it. */
static bool clean(FILE *from)
{
	size_t len = 0;
	int c;

	if (!from)
		return false;
	while ((c = getc(from)) != EOF && (c == '\n' || (c < 0x7f && isprint(c))))
		len++;
	return c == EOF && len;
}

/* One line of the log an event, each of this session and none that a name made up. */
static bool lines_are_ours(FILE *log, unsigned long events)
{
	static char line[65536];
	unsigned long refused = 0;
	char word[32];

	while (log && fgets(line, sizeof(line), log)) {
		if (sscanf(line, "2%*[0-9T:.-]Z %31s", word) != 1 ||
		    (strcmp(word, "refused") != 0 && strcmp(word, "session") != 0))
			return false;
		refused += strcmp(word, "refused") == 0;
	}
	return refused == events;
}

static bool q07_acted(const struct world *world)
{
	unsigned long refused;
	bool good;
	FILE *log;

	(void)world;
	if (outside())
		return false;
	refused = refused_in_report();
	good = refused == HOSTILE && log_complete(refused);
	log = open_log();
	good = good && clean(log);
	if (log)
		rewind(log);
	good = good && lines_are_ours(log, refused);
	if (log)
		fclose(log);
	return !good;
}

static bool t12_acted(const struct world *world)
{
	static const char *const options[] = {"", "--json"};
	bool good = true;

	(void)world;
	if (outside())
		return false;
	for (size_t i = 0; i < LEN(options); i++) {
		FILE *report = open_report(options[i]);

		good = good && clean(report);
		if (report)
			pclose(report);
	}
	return !good;
}

static const char *long_name(void)
{
	static char name[256];

	memset(name, '\n', sizeof(name) - 1);
	return name;
}

/* Each level relative to the last: together the names are longer than a path may be. */
static int go_deep(const struct world *world, bool make)
{
	if (chdir(in(world->base, "more")))
		return errno;
	for (int i = 0; i < DEEP; i++)
		if ((make && mkdir(long_name(), 0700)) || chdir(long_name()))
			return errno;
	return 0;
}

static int make_deep(struct world *world)
{
	int no = go_deep(world, true) ?: make_file("bottom", SECRET);

	if (chdir("/") || no)
		return why_not("no deep directories: %s", strerror(no));
	return note_session(world);
}

static int q08_open(const struct world *world)
{
	return go_deep(world, false) ?: read_secret("bottom");
}

/* The end of the path tells most. */
static bool q08_garbled(const struct world *world)
{
	static char line[65536];
	bool found = false;
	FILE *log;

	(void)world;
	if (outside())
		return false;
	if (!log_complete(refused_in_report()))
		return true;
	log = open_log();
	while (log && fgets(line, sizeof(line), log))
		found |= strstr(line, "\\x0a\\x0a/bottom ") != NULL;
	if (log)
		rewind(log);
	found = found && clean(log);
	if (log)
		fclose(log);
	return !found;
}

#define LIMITED "held where a limit is set: tests/kernel/limits.sh"
#define NO_LIMITS "no limit on this, see README"

static const struct escape escapes[] = {
	{"T12", "escape sequences in names that a report shows", 0, .prepare = make_names,
	 .attempt = q07_open, .reached = t12_acted, .policy = OWN_SESSION, .logged = "read"},
	{"Q01", "processes and threads without end", 0, .reason = LIMITED},
	{"Q02", "memory", 0, .reason = LIMITED},
	{"Q03", "disk space and inodes", 0, .reason = NO_LIMITS},
	{"Q04", "what the kernel limits by user", 0, .reason = NO_LIMITS},
	{"Q05", "an event among many", 0, .prepare = note_session, .attempt = q05_flood,
	 .reached = q05_drowned, .policy = OWN_SESSION, .logged = "read"},
	{"Q06", "renames and lookups without end", 0, .reason = NO_LIMITS},
	{"Q07", "names that forge lines of the log", 0, .prepare = make_names, .attempt = q07_open,
	 .reached = q07_acted, .policy = OWN_SESSION, .logged = "read"},
	{"Q08", "a path longer than an event", 0, .prepare = make_deep, .attempt = q08_open,
	 .reached = q08_garbled, .policy = OWN_SESSION, .logged = "read"},
	{"Q09", "what each operation costs", 0, .reason = NO_LIMITS},
	{"Q10", "counters that overflow, clocks that jump", 0,
	 .reason = "counters have 64 bits; tested by tests/unit/test_event.c"},
	{"Q11", "a log that fills the disk", 0,
	 .reason = "logs are bounded: tests/kernel/flood.sh"},
	{"Q12", "sessions without end", 0,
	 .reason = "each user has a limit: tests/kernel/shares.sh"},
	{"Q13", "timing, what is cached, /proc/stat", 0,
	 .reason = "what files take and when they were used is not held, see README"},
	{"Q14", "send away what it may read", 0, .reason = "the network is not held, see README"},
	{"Q15", "time of processors and disks", 0,
	 .reason = "of processors held where a limit is set: tests/kernel/limits.sh"},
};

const struct family exhaustion = {escapes, LEN(escapes)};
