/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_event.c - the promises of lib/event.h: one event is one line, what is written is read back,
 * and nothing is forged.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <linux/types.h>

#include "../../lib/event.h"
#include "../../lib/fold.h"
#include "../../lib/session_list.h"
#include "../tap.h"

#define HEAD "2026-03-04T05:06:07.000008Z "
#define DECISION \
	HEAD "refused read session=web pid=812 comm=cat path=/home/ana/.ssh/id error=EPERM " \
	     "rule=no\\x20rule uid=1000 " \
	     "chain=bash:800,codex:790 sensitive=yes"
#define REPEATED \
	DECISION " repeat=3 first=2026-03-04T05:06:07.000009Z last=2026-03-04T05:06:07.000010Z"
#define LOST HEAD "lost - session=web count=37"
#define SESSION HEAD "session created session=web pid=1 comm=agent-lock"
#define ALARM HEAD "session oom-kill session=web pid=0 comm=kernel count=3"

static const struct event_style plain = {.home = "/home/ana"};

static void fill(struct event *event, enum event_kind kind)
{
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->time.tv_sec = 1772600767;
	event->time.tv_nsec = 8000;
	strcpy(event->session, "web");
	if (kind == EVENT_LOST) {
		event->count = 37;
		return;
	}
	if (kind == EVENT_SESSION) {
		strcpy(event->what, "created");
		event->pid = 1;
		strcpy(event->comm, "agent-lock");
		return;
	}
	event->pid = 812;
	strcpy(event->comm, "cat");
	event->uid = 1000;
	event->error = kind == EVENT_REFUSED ? 1 : 0;
	strcpy(event->rule, "no rule");
	event->sensitive = true;
	event->chain_len = 2;
	event->chain[0].pid = 800;
	strcpy(event->chain[0].comm, "bash");
	event->chain[1].pid = 790;
	strcpy(event->chain[1].comm, "codex");
	strcpy(event->path, "/home/ana/.ssh/id");
	event->path_len = strlen(event->path);
}

static void set_path(struct event *event, const void *path, size_t len)
{
	memset(event->path, 0, sizeof(event->path));
	memcpy(event->path, path, len);
	event->path_len = len;
}

static bool printable(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

/*
 * Strict enough for what is written here: strings with their escapes, and brackets that match; one
 * line.
 */
static bool sound_json(const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	char open[16];
	size_t depth = 0, i;
	bool string = false;

	if (len < 2 || text[len - 1] != '\n' || !printable(text, len - 1))
		return false;
	for (i = 0; i + 1 < len; i++) {
		char c = text[i];

		if (string && c == '\\') {
			c = text[++i];
			if (c == 'u' && (!strchr(hex, text[i + 1]) || !strchr(hex, text[i + 2]) ||
					 !strchr(hex, text[i + 3]) || !strchr(hex, text[i + 4])))
				return false;
			if (c != 'u' && c != '"' && c != '\\')
				return false;
		} else if (c == '"') {
			string = !string;
		} else if (!string && (c == '{' || c == '[')) {
			if (depth == sizeof(open))
				return false;
			open[depth++] = c;
		} else if (!string && (c == '}' || c == ']')) {
			if (depth == 0 || open[--depth] != (c == '}' ? '{' : '['))
				return false;
		}
	}
	return !string && depth == 0;
}

/* The forms that are not read back; the caller frees. */
static char *shown(const struct event *event, const struct event_style *style, size_t *out_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, out_len);

	if (style)
		event_pretty(event, style, out);
	else
		event_json(event, out);
	fclose(out);
	return text;
}

/*
 * Every form of an event: the line comes back as the event it was, and no form has a byte that
 * could do harm.
 */
static bool survives(const struct event *event)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_line(event, line), text_len;
	struct event back;
	struct fail f;
	char *text;
	bool good = len < sizeof(line) && printable(line, len) && line[len] == '\0';

	good = good && event_parse(line, len, &back, &f) == 0 &&
	       memcmp(&back, event, sizeof(back)) == 0;
	text = shown(event, &plain, &text_len);
	good = good && text_len > 1 && text[text_len - 1] == '\n' && printable(text, text_len - 1);
	free(text);
	text = shown(event, NULL, &text_len);
	good = good && sound_json(text, text_len);
	free(text);
	if (!good)
		printf("# did not survive: %.300s\n", line);
	return good;
}

static bool parses(const char *line)
{
	struct event event;
	struct fail f;

	return event_parse(line, strlen(line), &event, &f) == 0;
}

static void is_shown(const struct event *event, const struct event_style *style, const char *want,
		     const char *promise)
{
	size_t len;
	char *text = shown(event, style, &len);

	is_str(text, want, "%s", promise);
	free(text);
}

/* The names are the log's: who reads old ones must find them again. */
static void test_ops(void)
{
	static const char *const names[] = {
		"read",	    "write",	  "exec",   "list",    "create", "mkdir",    "mknod",
		"symlink",  "unlink",	  "rmdir",  "rename",  "link",	 "truncate", "chmod",
		"chown",    "utimes",	  "xattr",  "acl",     "chroot", "watch",    "receive",
		"cgroup",   "creds",	  "mount",  "connect", "send",	 "socket",   "signal",
		"priority", "capability", "userns", "bpf",     "perf",	 "module",   "system",
		"ipc",	    "key",	  "ioctl",  "trace",   "lock",	 "leave",
	};
	_Static_assert(sizeof(names) / sizeof(names[0]) == AL_NOPS, "every operation is tested");
	bool good = true, same = true;
	uint32_t op;

	for (op = 0; op < AL_NOPS; op++) {
		good = good && event_op_parse(event_op_name(op)) == op;
		same = same && strcmp(event_op_name(op), names[op]) == 0;
	}
	ok(good, "every operation has a name that leads back to it");
	ok(same, "and it is the one that it always had");
	is_str(event_op_name(AL_NOPS), "unknown", "an operation beyond the last is unknown");
	is_str(event_op_name(UINT32_MAX), "unknown", "and so is any other");
	ok(event_op_parse("unknown") == AL_NOPS && event_op_parse("") == AL_NOPS &&
		   event_op_parse("Read") == AL_NOPS,
	   "a name that no operation has");
}

static void test_golden(void)
{
	char line[EVENT_LINE_MAX];
	struct event event;

	fill(&event, EVENT_REFUSED);
	event_line(&event, line);
	is_str(line, DECISION, "the line of a refusal");
	is_shown(&event, &plain,
		 "05:06:07 REFUSED  read     ~/.ssh/id                          cat[812] < "
		 "bash[800] < codex[790]   "
		 "sensitive\n",
		 "a refusal for people");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"refused\",\"op\":"
		 "\"read\",\"session\":\"web\","
		 "\"pid\":812,\"comm\":\"cat\",\"path\":\"/home/ana/.ssh/"
		 "id\",\"error\":\"EPERM\",\"rule\":\"no rule\","
		 "\"uid\":1000,\"chain\":[{\"comm\":\"bash\",\"pid\":800},{\"comm\":\"codex\","
		 "\"pid\":790}],"
		 "\"sensitive\":true}\n",
		 "a refusal as JSON");
	strcpy(event.rule, "ro '/usr' (x.ini:12)");
	event.chain_len = 0;
	event.sensitive = false;
	is_shown(&event, &plain,
		 "05:06:07 REFUSED  read     ~/.ssh/id                          cat[812]   by 'ro "
		 "\\x27/usr\\x27 "
		 "(x.ini:12)'\n",
		 "a rule that decided is named");
	fill(&event, EVENT_LOST);
	event_line(&event, line);
	is_str(line, LOST, "the line of a loss");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"lost\",\"session\":"
		 "\"web\",\"count\":37}\n",
		 "a loss as JSON");
	fill(&event, EVENT_SESSION);
	event_line(&event, line);
	is_str(line, SESSION, "the line of a session");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"session\",\"op\":"
		 "\"created\",\"session\":"
		 "\"web\","
		 "\"pid\":1,\"comm\":\"agent-lock\"}\n",
		 "a session as JSON");
	strcpy(event.what, "denied");
	strcpy(event.rule, "deny /home/ana/.env (agent-lock deny)");
	event_line(&event, line);
	is_str(line,
	       HEAD "session denied session=web pid=1 comm=agent-lock "
		    "rule=deny\\x20/home/ana/.env\\x20(agent-lock\\x20deny)",
	       "the line of a rule that it got");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"session\",\"op\":"
		 "\"denied\",\"session\":\"web\",\"pid\":1,\"comm\":\"agent-lock\","
		 "\"rule\":\"deny /home/ana/.env (agent-lock deny)\"}\n",
		 "the same as JSON");
	event.rule[0] = '\0';
	strcpy(event.what, "oom-kill");
	strcpy(event.comm, "kernel");
	event.pid = 0;
	event.count = 3;
	event_line(&event, line);
	is_str(line, ALARM, "the line of what the kernel did");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"session\",\"op\":"
		 "\"oom-kill\",\"session\":\"web\",\"pid\":0,\"comm\":\"kernel\",\"count\":3}\n",
		 "the same as JSON");
	is_shown(&event, &plain,
		 "05:06:07 session  oom-kill web                                kernel[0]   3 "
		 "times\n",
		 "and for people");
}

static void fill_repeat(struct event *event)
{
	fill(event, EVENT_REFUSED);
	event->repeat = 3;
	event->first = event->last = event->time;
	event->first.tv_nsec += 1000;
	event->last.tv_nsec += 2000;
}

static void test_repeat(void)
{
	char line[EVENT_LINE_MAX];
	struct event event;

	fill_repeat(&event);
	event_line(&event, line);
	is_str(line, REPEATED, "the line of three refusals");
	is_shown(&event, &plain,
		 "05:06:07 REFUSED  read     ~/.ssh/id                          cat[812] < "
		 "bash[800] < codex[790]   sensitive   3 times more\n",
		 "three refusals for people");
	is_shown(&event, NULL,
		 "{\"time\":\"2026-03-04T05:06:07.000008Z\",\"verdict\":\"refused\",\"op\":"
		 "\"read\",\"session\":\"web\",\"pid\":812,\"comm\":\"cat\",\"path\":"
		 "\"/home/ana/.ssh/id\",\"error\":\"EPERM\",\"rule\":\"no rule\",\"uid\":1000,"
		 "\"chain\":[{\"comm\":\"bash\",\"pid\":800},{\"comm\":\"codex\",\"pid\":790}],"
		 "\"sensitive\":true,\"repeat\":3,\"first\":\"2026-03-04T05:06:07.000009Z\","
		 "\"last\":\"2026-03-04T05:06:07.000010Z\"}\n",
		 "three refusals as JSON");
	ok(event_weight(&event) == 3, "its line stands for three");
	event.repeat = 0;
	ok(event_weight(&event) == 1, "one without repeats for one");
	fill(&event, EVENT_LOST);
	ok(event_weight(&event) == 37, "one of a loss for what was lost");
	fill(&event, EVENT_SESSION);
	ok(event_weight(&event) == 1, "one of a session for one");
}

static void test_home(void)
{
	static const struct {
		const char *home, *path, *want;
	} cases[] = {
		{"/home/ana", "/home/ana", " ~ "},
		{"/home/ana", "/home/ana/", " ~/ "},
		{"/home/ana/", "/home/ana/x", " ~/x "},
		{"/home/ana", "/home/anabel/x", " /home/anabel/x "},
		{"/home/ana", "/home/an", " /home/an "},
		{"/home/ana", "/srv/home/ana/x", " /srv/home/ana/x "},
		{"/home/ana", "~/x", " \\x7e/x "},
		{"/home/ana", "/~/x", " /~/x "},
		{"/", "/x", " /x "},
		{"", "/x", " /x "},
		{NULL, "/home/ana/x", " /home/ana/x "},
		{"home", "home/x", " home/x "},
	};
	struct event_style style = {0};
	struct event event;
	size_t i, len;
	char *text;

	fill(&event, EVENT_REFUSED);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_path(&event, cases[i].path, strlen(cases[i].path));
		style.home = cases[i].home;
		text = shown(&event, &style, &len);
		if (!ok(strstr(text, cases[i].want), "home %s, path %s: shown as%s",
			cases[i].home ? cases[i].home : "(none)", cases[i].path, cases[i].want))
			printf("# got: %s", text);
		free(text);
	}
}

static void test_bytes(void)
{
	struct event event;
	bool path = true, comm = true, session = true, rule = true, what = true;
	int c;

	for (c = 0; c < 256; c++) {
		char text[4] = {'a', (char)c, 'b'};

		fill(&event, EVENT_REFUSED);
		set_path(&event, text, 3);
		path = path && survives(&event);
		set_path(&event, text + 1, 1);
		path = path && survives(&event);
		if (c == 0)
			continue;
		fill(&event, EVENT_WOULD_REFUSE);
		memcpy(event.comm, text, 4);
		memset(event.chain[0].comm, 0, AL_COMM);
		event.chain[0].comm[0] = (char)c;
		memset(event.chain[1].comm, c, AL_COMM);
		comm = comm && survives(&event);
		fill(&event, EVENT_ALLOWED);
		memset(event.session, c, SESSION_NAME_MAX);
		session = session && survives(&event);
		fill(&event, EVENT_REFUSED);
		memset(event.rule, c, sizeof(event.rule) - 1);
		rule = rule && survives(&event);
		fill(&event, EVENT_SESSION);
		memset(event.what, c, sizeof(event.what) - 1);
		memset(event.rule, c, sizeof(event.rule) - 1);
		what = what && survives(&event);
	}
	ok(path, "every byte survives in a path");
	ok(comm, "every byte survives in the names of processes");
	ok(session, "every byte survives in the name of a session");
	ok(rule, "every byte survives in a rule");
	ok(what, "every byte survives in what happened to a session");
}

static uint32_t noise(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

static void noise_text(uint32_t *state, char *out, size_t size)
{
	size_t i, len = noise(state) % (size + 1);

	memset(out, 0, size);
	for (i = 0; i < len; i++)
		out[i] = (char)(1 + noise(state) % 255);
}

static void test_random(void)
{
	struct event event;
	uint32_t state = 1, i;
	bool good = true;
	int round;

	for (round = 0; round < 1000; round++) {
		fill(&event, (enum event_kind)(round % 3));
		event.time.tv_sec = noise(&state);
		event.time.tv_nsec = noise(&state) % 1000000 * 1000L;
		event.op = noise(&state) % (AL_NOPS + 1);
		event.error = (int)(noise(&state) % 4096);
		event.pid = noise(&state);
		event.uid = UINT32_MAX - noise(&state);
		event.sensitive = noise(&state) % 2;
		noise_text(&state, event.session, SESSION_NAME_MAX);
		noise_text(&state, event.comm, AL_COMM);
		noise_text(&state, event.rule, sizeof(event.rule) - 1);
		memset(event.path, 0, sizeof(event.path));
		noise_text(&state, event.path, 1 + noise(&state) % 255);
		event.path_len = strlen(event.path);
		memset(event.chain, 0, sizeof(event.chain));
		event.chain_len = noise(&state) % (AL_CHAIN + 1);
		for (i = 0; i < event.chain_len; i++) {
			event.chain[i].pid = noise(&state);
			noise_text(&state, event.chain[i].comm, AL_COMM);
		}
		if (round % 2) {
			event.repeat = (uint64_t)noise(&state) << 40 | 1;
			event.first.tv_sec = noise(&state);
			event.last.tv_nsec = noise(&state) % 1000000 * 1000L;
		}
		good = good && survives(&event);
	}
	ok(good, "1000 random events survive");
}

/* A name on its way from the kernel's record through folding into lines, and back from them. */
struct journey {
	const struct session *session;
	const char *path;
	size_t len;
	const char *comm;
	uint64_t events; /* that the lines stand for */
	uint64_t lines;
	bool good;
};

static void arrive(const struct al_event *raw, uint64_t repeat, uint64_t first_ns, void *data)
{
	static struct sessions sessions;
	struct journey *journey = data;
	char line[EVENT_LINE_MAX], comm[AL_COMM + 1];
	struct event event, back;
	size_t len;

	session_event(&sessions, journey->session, raw, repeat, first_ns, &event);
	/* A line has microseconds. */
	event.time.tv_nsec -= event.time.tv_nsec % 1000;
	event.first.tv_nsec -= event.first.tv_nsec % 1000;
	event.last.tv_nsec -= event.last.tv_nsec % 1000;
	len = event_line(&event, line);
	snprintf(comm, sizeof(comm), "%.*s", AL_COMM, journey->comm);
	journey->lines++;
	journey->good = journey->good && survives(&event) && !memchr(line, '\n', len) &&
			event_parse(line, len, &back, NULL) == 0 && back.path_len == journey->len &&
			memcmp(back.path, journey->path, journey->len) == 0 &&
			strcmp(back.comm, comm) == 0 && strcmp(back.chain[0].comm, comm) == 0;
	journey->events += event_weight(&back);
}

/* So many refusals of one name: all are in the lines, and the name is what it was. */
static bool travels(const struct session *session, const char *path, size_t len, const char *comm,
		    unsigned int times)
{
	static struct al_event raw;
	struct journey journey = {session, path, len, comm, 0, 0, true};
	struct fold *fold = NULL;

	/* What the kernel half leaves of older records. */
	memset(&raw, 0xa5, sizeof(raw));
	raw.op = AL_OP_READ;
	raw.verdict = AL_REFUSED;
	raw.rule = AL_NO_RULE;
	raw.flags = 0;
	raw.error = 1;
	raw.chain_len = 2;
	raw.start = AL_PATH_MAX - (uint32_t)len;
	memcpy(raw.path + raw.start, path, len);
	for (int i = 0; i < 2; i++)
		strncpy(raw.chain[i].comm, comm, AL_COMM);
	for (unsigned int i = 0; i < times; i++) {
		raw.time_ns = i * 1000;
		fold_take(&fold, &raw, arrive, &journey);
	}
	fold_end(&fold, arrive, &journey);
	return journey.good && journey.events == times && journey.lines == (times > 1 ? 2 : 1);
}

static void test_names(void)
{
	struct session *session = session_new(1000, "/home/ana", 0);
	char path[AL_PATH_MAX], comm[AL_COMM + 1];
	bool single = true, random = true, longest;
	uint32_t state = 7;
	size_t len;

	for (int c = 0; c < 256; c++) {
		char name[3] = {'/', (char)c, 0}, said[2] = {(char)c, 0};

		single = single && travels(session, name, 2, said, 1) &&
			 travels(session, name + 1, 1, said, 2) &&
			 travels(session, name, 2, said, 1000);
	}
	ok(single, "256 names of one byte, in a path and in a comm, alone and folded");
	for (int i = 0; i < 1000; i++) {
		len = 1 + noise(&state) % 512;
		for (size_t at = 0; at < len; at++)
			path[at] = (char)noise(&state);
		noise_text(&state, comm, AL_COMM);
		comm[AL_COMM] = '\0';
		random = random && travels(session, path, len, comm, 1 + noise(&state) % 9);
	}
	ok(random, "1000 random names, alone and folded");
	memset(path, '\n', sizeof(path));
	longest = travels(session, path, AL_PATH_MAX, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 3);
	ok(longest, "the longest name of newlines");
	session_free(session);
}

static void test_limits(void)
{
	char line[EVENT_LINE_MAX];
	struct event event;
	uint32_t i;

	fill(&event, EVENT_REFUSED);
	memset(event.session, 0xff, SESSION_NAME_MAX);
	memset(event.comm, 0xff, AL_COMM);
	memset(event.rule, 0xff, sizeof(event.rule) - 1);
	memset(event.path, 0xff, AL_PATH_MAX);
	event.path_len = AL_PATH_MAX;
	event.pid = event.uid = UINT32_MAX;
	event.error = 4095;
	event.op = AL_NOPS;
	event.chain_len = AL_CHAIN;
	for (i = 0; i < AL_CHAIN; i++) {
		memset(event.chain[i].comm, i % 2 ? ':' : ',', AL_COMM);
		event.chain[i].pid = UINT32_MAX;
	}
	event.time.tv_sec = 253402300799;
	event.time.tv_nsec = 999999000;
	event.repeat = UINT64_MAX;
	event.first = event.last = event.time;
	ok(survives(&event), "an event with all at its largest survives");
	event.error = -1;
	ok(survives(&event), "an error that is none survives as unknown");

	memset(event.path, ' ', AL_PATH_MAX);
	ok(survives(&event), "4096 spaces survive");
	memset(&event, 0, sizeof(event));
	ok(survives(&event), "an event with nothing in it survives");
	event.kind = EVENT_SESSION;
	ok(survives(&event), "so does a session event with nothing in it");
	event.count = UINT64_MAX;
	ok(survives(&event), "and one that happened 2^64 - 1 times");
	event.kind = EVENT_LOST;
	event.count = UINT64_MAX;
	ok(survives(&event), "2^64 - 1 lost events survive");

	/* Not what the kernel sends; but none of it may be believed. */
	memset(&event, 0xff, sizeof(event));
	event.sensitive = false;
	event.time.tv_sec = -1;
	event.kind = EVENT_REFUSED;
	ok(event_line(&event, line) < sizeof(line) && parses(line),
	   "lengths that are too large and texts without an end");
	event.time.tv_sec = INT64_MAX;
	ok(event_line(&event, line) < sizeof(line) && parses(line), "a time beyond the year 9999");
}

static void test_forged(void)
{
	static const char *const paths[] = {
		"/x\n" DECISION,
		"/x\n" HEAD "allowed read session=web",
		"/x error=none rule=none uid=0 chain= sensitive=no",
		"/x\\x0a" DECISION,
		"/x\r\033[2K\033[1A",
		"/x   cat[1] < bash[2]   sensitive",
		"   ",
		" x",
		"x ",
		"\xe2\x80\xae"
		"drowssap",
		"\xc2\x9b"
		"31m",
		"\x9b"
		"31m",
		"\xf0\x9f\x94\xa5",
		"\xc0\xaf..\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82",
		"path=x",
		"\"'\\",
		"",
	};
	static const char *const comms[] = {
		"a:1,b:2", "x:1",	 ",", ":",	  "a b=c",	    "\n", "a\\x3a", "\\x2c",
		"\\",	   "[1] < init", "",  "\xff\xfe", "sh chain=init:1"};
	struct event event;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fill(&event, EVENT_REFUSED);
		set_path(&event, paths[i], strlen(paths[i]));
		ok(survives(&event), "hostile path %zu survives and forges nothing", i);
	}
	for (i = 0; i < sizeof(comms) / sizeof(comms[0]); i++) {
		fill(&event, EVENT_REFUSED);
		memset(event.comm, 0, sizeof(event.comm));
		memset(event.chain, 0, sizeof(event.chain));
		strcpy(event.comm, comms[i]);
		strcpy(event.chain[0].comm, comms[i]);
		strcpy(event.chain[1].comm, comms[sizeof(comms) / sizeof(comms[0]) - 1 - i]);
		event.chain[1].pid = UINT32_MAX;
		ok(survives(&event), "hostile comm %zu survives and forges nothing", i);
	}
	fill(&event, EVENT_REFUSED);
	set_path(&event, paths[5], strlen(paths[5]));
	text = shown(&event, &plain, &len);
	ok(strstr(text, " /x\\x20\\x20\\x20cat[1] < bash[2]\\x20\\x20\\x20sensitive   cat[812]"),
	   "a path can't make itself the columns behind it");
	free(text);
}

static void test_json_bytes(void)
{
	struct event event;
	size_t len;
	char *text;

	fill(&event, EVENT_REFUSED);
	set_path(&event, "/\xc3\xa9\xf0\x9f\x94\xa5", 7);
	text = shown(&event, NULL, &len);
	ok(strstr(text, "\"path\":\"/\\u00e9\\ud83d\\udd25\",\"error\""),
	   "JSON: UTF-8 is what it means");
	free(text);
	set_path(&event, "/\xe9", 2);
	strcpy(event.comm, "\xff");
	text = shown(&event, NULL, &len);
	ok(strstr(text, "\"path\":\"/\\u00e9\",\"path_bytes\":\"/\\\\xe9\",\"error\""),
	   "JSON: other bytes are there as bytes too");
	ok(strstr(text, "\"comm\":\"\\u00ff\",\"comm_bytes\":\"\\\\xff\",\"path\""),
	   "JSON: those of a comm likewise");
	free(text);
	set_path(&event, "\xc0\xaf", 2);
	text = shown(&event, NULL, &len);
	ok(strstr(text, "\"path\":\"\\u00c0\\u00af\",\"path_bytes\":\"\\\\xc0\\\\xaf\""),
	   "JSON: an overlong form is not UTF-8");
	free(text);
	set_path(&event, "\xed\xa0\x80", 3);
	text = shown(&event, NULL, &len);
	ok(strstr(text, "path_bytes"), "JSON: a surrogate is not UTF-8");
	free(text);
	event.error = 0;
	text = shown(&event, NULL, &len);
	ok(strstr(text, ",\"error\":null,"), "JSON: no error is null");
	free(text);
}

static void test_cut(void)
{
	struct event event;
	struct fail f = {0};
	bool cut = true, sane = true;
	size_t len;

	for (len = 0; len < strlen(DECISION); len++)
		cut = cut && event_parse(DECISION, len, &event, &f) < 0 && f.msg[0];
	ok(cut, "no prefix of a decision is an event");
	cut = true;
	for (len = strlen(DECISION) + 1; len < strlen(REPEATED); len++)
		cut = cut && event_parse(REPEATED, len, &event, &f) < 0 && f.msg[0];
	ok(cut, "nor is one that is cut where it says how often");
	/* Their last value has no end of its own, which is why event.h asks for whole lines. */
	for (len = 0; len < strlen(LOST); len++)
		sane = sane && (event_parse(LOST, len, &event, &f) < 0 || event.count == 3);
	for (len = 0; len < strlen(SESSION); len++)
		sane = sane && (event_parse(SESSION, len, &event, &f) < 0 ||
				strncmp("agent-lock", event.comm, strlen(event.comm)) == 0);
	ok(sane, "a prefix of the other lines is none, or lacks only the end of the last value");
	memset(&event, 0x5a, sizeof(event));
	ok(event_parse(DECISION "x", strlen(DECISION) + 1, &event, &f) < 0 &&
		   event.pid == 0x5a5a5a5a,
	   "a failure leaves the event alone");
	ok(event_parse(NULL, 0, &event, NULL) < 0,
	   "nothing at all is no event, and nobody need ask why");
}

static void test_refused_lines(void)
{
	static const char *const lines[] = {
		"",
		" ",
		" " DECISION,
		DECISION " ",
		DECISION "\n",
		DECISION "\r",
		DECISION "  x=y",
		DECISION " x",
		DECISION " x=\\x41",
		DECISION " x=\\xzz",
		DECISION " x=a=b",
		DECISION " =y",
		DECISION " X=y",
		DECISION " path=/etc/passwd",
		DECISION " repeat=0 first=2026-03-04T05:06:07.000009Z "
			 "last=2026-03-04T05:06:07.000010Z",
		DECISION " repeat=1 last=2026-03-04T05:06:07.000009Z "
			 "first=2026-03-04T05:06:07.000010Z",
		DECISION " repeat=1 first=x last=2026-03-04T05:06:07.000010Z",
		DECISION " repeat=-1 first=2026-03-04T05:06:07.000009Z "
			 "last=2026-03-04T05:06:07.000010Z",
		DECISION " first=2026-03-04T05:06:07.000009Z",
		DECISION " x=y repeat=1 first=2026-03-04T05:06:07.000009Z "
			 "last=2026-03-04T05:06:07.000010Z",
		REPEATED " repeat=1",
		LOST " repeat=1",
		SESSION " repeat=1",
		DECISION " count=1",
		LOST " count=2",
		HEAD,
		HEAD "refused",
		HEAD "Refused read session=web",
		HEAD "refused\tread session=web",
		HEAD "refused read  session=web pid=1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused jump session=web pid=1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read pid=1 session=web comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 path=/ comm=a error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "sensitive=no chain=",
		HEAD "refused read session=web pid=4294967296 comm=a path=/ error=none rule= uid=0 "
		     "chain= sensitive=no",
		HEAD "refused read session=web pid=-1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=+1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=01 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=0x1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid= comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=4096 rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=eperm rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=12345678901234567 path=/ error=none "
		     "rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a\\x00b path=/ error=none rule= uid=0 "
		     "chain= sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=\\x2 error=none rule= uid=0 "
		     "chain= sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/\"a\" error=none rule= uid=0 "
		     "chain= sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 chain=a "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 chain=a: "
		     "sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=a:1, sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=,a:1 sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=a:1:1 sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=a\\x3:1 sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=a:4294967296 sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 "
		     "chain=a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1 sensitive=no",
		HEAD "refused read session=web pid=1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=1",
		HEAD "refused - session=web pid=1 comm=a path=/ error=none rule= uid=0 chain= "
		     "sensitive=no",
		HEAD "lost read session=web count=1",
		HEAD "lost - session=web count=18446744073709551616",
		HEAD "lost - session=web count=99999999999999999999999999999",
		HEAD "lost - session=web",
		HEAD "session  session=web pid=1 comm=a",
		ALARM " count=3",
		SESSION " count=",
		SESSION " count=-1",
		SESSION " x=y count=1",
		HEAD "session a=b session=web pid=1 comm=a",
		HEAD "session 12345678901234567890123456789012 session=web pid=1 comm=a",
		"2026-03-04T05:06:07.00008Z lost - session=web count=1",
		"2026-03-04T05:06:07.000008 lost - session=web count=1",
		"2026-03-04T05:06:07+000008Z lost - session=web count=1",
		"2026-02-30T05:06:07.000008Z lost - session=web count=1",
		"2026-13-04T05:06:07.000008Z lost - session=web count=1",
		"2026-00-04T05:06:07.000008Z lost - session=web count=1",
		"2026-03-04T24:06:07.000008Z lost - session=web count=1",
		"2026-03-04T05:60:07.000008Z lost - session=web count=1",
		"2026-03-04T05:06:60.000008Z lost - session=web count=1",
		"1969-12-31T23:59:59.999999Z lost - session=web count=1",
		"12026-03-04T05:06:07.000008Z lost - session=web count=1",
	};
	char *line = malloc(EVENT_LINE_MAX * 2);
	struct event event;
	struct fail f;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ok(!parses(lines[i]), "not an event: line %zu", i);
	memset(line, 'a', EVENT_LINE_MAX * 2);
	memcpy(line, DECISION " x=", strlen(DECISION " x="));
	ok(event_parse(line, EVENT_LINE_MAX * 2, &event, &f) < 0,
	   "not an event: a line that is too long");
	ok(event_parse(line, EVENT_LINE_MAX - 1, &event, &f) == 0,
	   "the longest line that may be one");
	free(line);
	ok(event_parse("\033]0;x\007", 6, &event, &f) < 0 && printable(f.msg, strlen(f.msg)),
	   "messages are printable");
	ok(event_parse(HEAD "refused '\"", strlen(HEAD) + 10, &event, &f) < 0 &&
		   strstr(f.msg, "operation: expected ") && strstr(f.msg, "got '\\x27\\x22'"),
	   "a message says what it wants and quotes what it got");
}

static void test_accepted_lines(void)
{
	ok(parses(REPEATED) && parses(REPEATED " x=y"), "so is a repeated one, and more behind it");
	ok(parses(DECISION) && parses(LOST) && parses(SESSION) && parses(ALARM),
	   "the examples are events");
	ok(parses(DECISION " dev=8:1 x_y="), "keys of a later version are skipped");
	ok(parses(LOST " x=y") && parses(SESSION " x=y") && parses(ALARM " x=y"),
	   "behind the other lines too");
	ok(parses(HEAD "refused unknown session= pid=0 comm= path= error=unknown rule= uid=0 "
		       "chain=:0 sensitive=no"),
	   "unknown and empty values");
	ok(parses(HEAD "lost - session=web count=18446744073709551615"), "the largest number");
	ok(parses("9999-12-31T23:59:59.999999Z lost - session=web count=0"),
	   "the last time there is");
	ok(parses("2028-02-29T00:00:00.000000Z lost - session=web count=0"), "a leap day");
}

static void test_colour(void)
{
	static const struct event_style colour = {.colour = true};
	struct event event;
	size_t len;
	char *text;

	fill(&event, EVENT_REFUSED);
	text = shown(&event, &colour, &len);
	ok(strstr(text, " \033[31mREFUSED\033[0m  read ") &&
		   strstr(text, "\033[1;31msensitive\033[0m\n"),
	   "refused is red");
	free(text);
	fill(&event, EVENT_WOULD_REFUSE);
	text = shown(&event, &colour, &len);
	ok(strstr(text, " \033[33mWOULD-REFUSE\033[0m  read "), "would-refuse is yellow");
	free(text);
	fill(&event, EVENT_ALLOWED);
	text = shown(&event, &colour, &len);
	ok(strstr(text, " \033[32mallowed\033[0m  read "), "allowed is green");
	free(text);
}

int main(void)
{
	/* The form for people has local time. */
	setenv("TZ", "UTC", 1);
	test_ops();
	test_golden();
	test_repeat();
	test_home();
	test_bytes();
	test_random();
	test_names();
	test_limits();
	test_forged();
	test_json_bytes();
	test_cut();
	test_refused_lines();
	test_accepted_lines();
	test_colour();
	return tap_done();
}
