/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.c - the log line and its parser, see event.h. The forms for people and programs are in
 * event_text.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <linux/types.h>

#include "event.h"
#include "event_text.h"
#include "util.h"

#define UNKNOWN "unknown"
#define MAX_ERRNO 4095	       /* the kernel's own bound */
#define TIME_LEN 27	       /* 2026-03-04T05:06:07.000008Z */
#define TIME_LAST 253402300799 /* the last second of the year 9999: no year has five digits */

static const char *const op_names[] = {
	[AL_OP_READ] = "read",	       [AL_OP_WRITE] = "write",
	[AL_OP_EXEC] = "exec",	       [AL_OP_LIST] = "list",
	[AL_OP_CREATE] = "create",     [AL_OP_MKDIR] = "mkdir",
	[AL_OP_MKNOD] = "mknod",       [AL_OP_SYMLINK] = "symlink",
	[AL_OP_UNLINK] = "unlink",     [AL_OP_RMDIR] = "rmdir",
	[AL_OP_RENAME] = "rename",     [AL_OP_LINK] = "link",
	[AL_OP_TRUNCATE] = "truncate", [AL_OP_CHMOD] = "chmod",
	[AL_OP_CHOWN] = "chown",       [AL_OP_UTIMES] = "utimes",
	[AL_OP_XATTR] = "xattr",       [AL_OP_ACL] = "acl",
	[AL_OP_CHROOT] = "chroot",     [AL_OP_WATCH] = "watch",
	[AL_OP_RECEIVE] = "receive",   [AL_OP_CGROUP] = "cgroup",
	[AL_OP_CREDS] = "creds",       [AL_OP_MOUNT] = "mount",
	[AL_OP_CONNECT] = "connect",   [AL_OP_SEND] = "send",
	[AL_OP_SOCKET] = "socket",     [AL_OP_SIGNAL] = "signal",
	[AL_OP_PRIORITY] = "priority", [AL_OP_CAPABILITY] = "capability",
	[AL_OP_USERNS] = "userns",     [AL_OP_BPF] = "bpf",
	[AL_OP_PERF] = "perf",	       [AL_OP_MODULE] = "module",
	[AL_OP_SYSTEM] = "system",     [AL_OP_IPC] = "ipc",
	[AL_OP_KEY] = "key",	       [AL_OP_IOCTL] = "ioctl",
	[AL_OP_TRACE] = "trace",       [AL_OP_LOCK] = "lock",
	[AL_OP_LEAVE] = "leave",
};
_Static_assert(ARRAY_SIZE(op_names) == AL_NOPS, "every operation has a name");

static const char *const verdict_names[] = {
	[EVENT_REFUSED] = "refused", [EVENT_WOULD_REFUSE] = "would-refuse",
	[EVENT_ALLOWED] = "allowed", [EVENT_LOST] = "lost",
	[EVENT_SESSION] = "session",
};

/* What a refused operation can return; strerrorname_np() is not in every C library. */
static const struct {
	int no;
	const char *name;
} errors[] = {
	{0, "none"},
	{EPERM, "EPERM"},
	{ENOENT, "ENOENT"},
	{EACCES, "EACCES"},
	{EBUSY, "EBUSY"},
	{EEXIST, "EEXIST"},
	{EXDEV, "EXDEV"},
	{ENODEV, "ENODEV"},
	{EINVAL, "EINVAL"},
	{EROFS, "EROFS"},
	{ELOOP, "ELOOP"},
	{EOPNOTSUPP, "EOPNOTSUPP"},
	{ECONNREFUSED, "ECONNREFUSED"},
	/* What a log can fail with. */
	{ENOSPC, "ENOSPC"},
	{EDQUOT, "EDQUOT"},
	{EFBIG, "EFBIG"},
	{EIO, "EIO"},
	{EAGAIN, "EAGAIN"},
	{-1, UNKNOWN},
};

const char *event_op_name(uint32_t op)
{
	return op < AL_NOPS ? op_names[op] : UNKNOWN;
}

uint32_t event_op_parse(const char *name)
{
	uint32_t op;

	for (op = 0; op < AL_NOPS; op++) {
		if (strcmp(op_names[op], name) == 0)
			break;
	}
	return op;
}

const char *text_verdict(enum event_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(verdict_names) ? verdict_names[kind] : UNKNOWN;
}

void text_time(const struct timespec *time, char out[TEXT_TIME])
{
	int64_t sec = time->tv_sec;
	unsigned long nsec = (unsigned long)time->tv_nsec % 1000000000UL;
	struct tm tm;
	time_t clamped;
	size_t len;

	if (sec < 0)
		sec = 0;
	if (sec > TIME_LAST)
		sec = TIME_LAST;
	clamped = (time_t)sec;
	gmtime_r(&clamped, &tm);
	len = strftime(out, TEXT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, TEXT_TIME - len, ".%06luZ", nsec / 1000);
}

void text_error(int error, char out[TEXT_ERROR])
{
	size_t i;

	if (error < 0 || error > MAX_ERRNO)
		error = -1;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].no == error) {
			snprintf(out, TEXT_ERROR, "%s", errors[i].name);
			return;
		}
	}
	snprintf(out, TEXT_ERROR, "%d", error);
}

void text_comm(const char *comm, char out[TEXT_COMM])
{
	escape(comm, strnlen(comm, AL_COMM), out, TEXT_COMM);
}

/*
 * The line while it grows. The assertion says that it always fits; the checks below hold should
 * that ever be wrong.
 */
struct line {
	char *buf;
	size_t len;
};
_Static_assert(EVENT_LINE_MAX >
		       4 * (sizeof((struct event *)0)->path + sizeof((struct event *)0)->rule +
			    SESSION_NAME_MAX + (AL_CHAIN + 1) * AL_COMM) +
			       12 * AL_CHAIN + 384,
	       "an event fits its line");

__attribute__((format(printf, 2, 3))) static void line_print(struct line *line, const char *fmt,
							     ...)
{
	size_t room = EVENT_LINE_MAX - line->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line->buf + line->len, room, fmt, ap);
	va_end(ap);
	if (len > 0)
		line->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void line_escape(struct line *line, const char *key, const char *text, size_t len)
{
	size_t room, need;

	line_print(line, " %s=", key);
	room = EVENT_LINE_MAX - line->len;
	need = escape(text, len, line->buf + line->len, room);
	line->len += need < room ? need : strlen(line->buf + line->len);
}

/*
 * A comm may hold ':' and ',', which escape() leaves alone and which separate the chain: they are
 * \xNN here.
 */
static void line_chain(struct line *line, const struct event *event)
{
	uint32_t i, len = event->chain_len < AL_CHAIN ? event->chain_len : AL_CHAIN;
	char comm[TEXT_COMM], *c;

	line_print(line, " chain=");
	for (i = 0; i < len; i++) {
		text_comm(event->chain[i].comm, comm);
		for (c = comm; *c; c++)
			line_print(line, *c == ':' || *c == ',' ? "\\x%02x" : "%c", *c);
		line_print(line, ":%" PRIu32 "%s", event->chain[i].pid, i + 1 < len ? "," : "");
	}
}

static void line_repeat(struct line *line, const struct event *event)
{
	char first[TEXT_TIME], last[TEXT_TIME];

	if (!event->repeat)
		return;
	text_time(&event->first, first);
	text_time(&event->last, last);
	line_print(line, " repeat=%" PRIu64 " first=%s last=%s", event->repeat, first, last);
}

static void line_decision(struct line *line, const struct event *event)
{
	size_t path_len = event->path_len < AL_PATH_MAX ? event->path_len : AL_PATH_MAX;
	char error[TEXT_ERROR];

	text_error(event->error, error);
	line_print(line, " pid=%" PRIu32, event->pid);
	line_escape(line, "comm", event->comm, strnlen(event->comm, AL_COMM));
	line_escape(line, "path", event->path, path_len);
	line_print(line, " error=%s", error);
	line_escape(line, "rule", event->rule, strnlen(event->rule, sizeof(event->rule) - 1));
	line_print(line, " uid=%" PRIu32, event->uid);
	line_chain(line, event);
	line_print(line, " sensitive=%s", event->sensitive ? "yes" : "no");
	line_repeat(line, event);
}

/* The third word of the line. A text that is not there is '-', for a word has to stand there. */
static void line_what(struct line *line, const struct event *event)
{
	char what[4 * sizeof(event->what)] = "";

	if (event->kind == EVENT_SESSION)
		escape(event->what, strnlen(event->what, sizeof(event->what) - 1), what,
		       sizeof(what));
	else if (event->kind != EVENT_LOST)
		snprintf(what, sizeof(what), "%s", event_op_name(event->op));
	line_print(line, " %s", what[0] ? what : "-");
}

size_t event_line(const struct event *event, char *buf)
{
	struct line line = {.buf = buf};
	char time[TEXT_TIME];

	text_time(&event->time, time);
	line_print(&line, "%s %s", time, text_verdict(event->kind));
	line_what(&line, event);
	line_escape(&line, "session", event->session, strnlen(event->session, SESSION_NAME_MAX));
	if (event->kind == EVENT_LOST) {
		line_print(&line, " count=%" PRIu64, event->count);
	} else if (event->kind == EVENT_SESSION) {
		line_print(&line, " pid=%" PRIu32, event->pid);
		line_escape(&line, "comm", event->comm, strnlen(event->comm, AL_COMM));
		if (event->count)
			line_print(&line, " count=%" PRIu64, event->count);
		if (event->rule[0])
			line_escape(&line, "rule", event->rule,
				    strnlen(event->rule, sizeof(event->rule) - 1));
	} else {
		line_decision(&line, event);
	}
	return line.len;
}

uint64_t event_weight(const struct event *event)
{
	if (event->kind == EVENT_LOST)
		return event->count;
	return event->kind != EVENT_SESSION && event->repeat ? event->repeat : 1;
}

/* A piece of the line that is parsed; at is NULL after the last one. */
struct span {
	const char *at;
	size_t len;
};

static int bad(struct fail *f, const char *key, const char *want, struct span got)
{
	char text[128];

	if (!got.at)
		return fail(f, 0, "log line: %s: expected %s, got the end of the line", key, want);
	escape(got.at, got.len, text, sizeof(text));
	return fail(f, 0, "log line: %s: expected %s, got '%s'", key, want, text);
}

static bool span_is(struct span span, const char *text)
{
	return span.at && span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

/* Cut off what stands before the next separator; rest->at is NULL when there was none. */
static struct span span_next(struct span *rest, char separator)
{
	struct span head = *rest;
	const char *end;

	if (!head.at)
		return head;
	end = memchr(head.at, separator, head.len);
	if (!end) {
		*rest = (struct span){0};
		return head;
	}
	head.len = (size_t)(end - head.at);
	rest->at = end + 1;
	rest->len -= head.len + 1;
	return head;
}

/* The value of the next word, which has to be key=VALUE. */
static int value_next(struct span *rest, const char *key, struct span *out_value, struct fail *f)
{
	struct span word = span_next(rest, ' ');
	size_t len = strlen(key);

	if (!word.at || word.len <= len || memcmp(word.at, key, len) != 0 || word.at[len] != '=')
		return bad(f, key, "this key", word);
	out_value->at = word.at + len + 1;
	out_value->len = word.len - len - 1;
	return 0;
}

/* Plain decimal digits as printf writes them: no sign, no leading zero, no overflow. */
static bool span_number(struct span span, uint64_t max, uint64_t *out_number)
{
	uint64_t number = 0, digit;
	size_t i;

	if (span.len == 0 || (span.len > 1 && span.at[0] == '0'))
		return false;
	for (i = 0; i < span.len; i++) {
		if (span.at[i] < '0' || span.at[i] > '9')
			return false;
		digit = (uint64_t)(span.at[i] - '0');
		if (number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*out_number = number;
	return true;
}

static int parse_number(struct span *rest, const char *key, uint64_t max, uint64_t *out_number,
			struct fail *f)
{
	struct span value;

	if (value_next(rest, key, &value, f) < 0)
		return -1;
	if (!span_number(value, max, out_number))
		return bad(f, key, "a number", value);
	return 0;
}

static int parse_u32(struct span *rest, const char *key, uint32_t *out_number, struct fail *f)
{
	uint64_t number;

	if (parse_number(rest, key, UINT32_MAX, &number, f) < 0)
		return -1;
	*out_number = (uint32_t)number;
	return 0;
}

/* Unescape into out, which gets a NUL; a NUL inside is for those who ask for the length. */
static bool span_text(struct span span, char *out, size_t size, size_t *out_len)
{
	ssize_t len = unescape(span.at, span.len, out, size);

	if (len < 0 || (size_t)len >= size)
		return false;
	out[len] = '\0';
	if (out_len)
		*out_len = (size_t)len;
	return out_len || !memchr(out, '\0', (size_t)len);
}

static int parse_text(struct span *rest, const char *key, char *out, size_t size, size_t *out_len,
		      struct fail *f)
{
	struct span value;

	if (value_next(rest, key, &value, f) < 0)
		return -1;
	if (!span_text(value, out, size, out_len))
		return bad(f, key, "escaped text", value);
	return 0;
}

static bool digits_match(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
			return false;
	}
	return true;
}

static int digits(const char *text, size_t len)
{
	int number = 0;

	while (len--)
		number = number * 10 + (*text++ - '0');
	return number;
}

static int parse_time(struct span word, struct timespec *out_time, struct fail *f)
{
	struct tm tm = {0};
	struct tm real;
	time_t sec;

	if (word.len != TIME_LEN || !digits_match(word.at, "0000-00-00T00:00:00.000000Z"))
		return bad(f, "time", "RFC 3339 in UTC with microseconds", word);
	tm.tm_year = digits(word.at, 4) - 1900;
	tm.tm_mon = digits(word.at + 5, 2) - 1;
	tm.tm_mday = digits(word.at + 8, 2);
	tm.tm_hour = digits(word.at + 11, 2);
	tm.tm_min = digits(word.at + 14, 2);
	tm.tm_sec = digits(word.at + 17, 2);
	real = tm;
	sec = timegm(&real);
	/*
	 * timegm() turns 30 February into 2 March: a date that it had to correct was never written
	 * by us.
	 */
	if (tm.tm_year < 70 || real.tm_mon != tm.tm_mon || real.tm_mday != tm.tm_mday ||
	    real.tm_hour != tm.tm_hour || real.tm_min != tm.tm_min || real.tm_sec != tm.tm_sec)
		return bad(f, "time", "a time since 1970", word);
	out_time->tv_sec = sec;
	out_time->tv_nsec = digits(word.at + 20, 6) * 1000L;
	return 0;
}

static int parse_verdict(struct span *rest, enum event_kind *out_kind, struct fail *f)
{
	struct span word = span_next(rest, ' ');
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verdict_names); i++) {
		if (span_is(word, verdict_names[i])) {
			*out_kind = (enum event_kind)i;
			return 0;
		}
	}
	return bad(f, "verdict", "refused, would-refuse, allowed, lost or session", word);
}

/* The third word: an operation, what happened to the session, or '-'. */
static int parse_op(struct span *rest, struct event *event, struct fail *f)
{
	struct span word = span_next(rest, ' ');

	if (event->kind == EVENT_LOST)
		return span_is(word, "-") ? 0 : bad(f, "operation", "'-'", word);
	if (event->kind == EVENT_SESSION) {
		if (span_is(word, "-"))
			return 0;
		if (word.len == 0 || !span_text(word, event->what, sizeof(event->what), NULL))
			return bad(f, "operation", "what happened to the session", word);
		return 0;
	}
	for (event->op = 0; event->op < AL_NOPS; event->op++) {
		if (span_is(word, op_names[event->op]))
			return 0;
	}
	return span_is(word, UNKNOWN) ? 0 : bad(f, "operation", "the name of one", word);
}

static int parse_error(struct span *rest, int *out_error, struct fail *f)
{
	struct span value;
	uint64_t number;
	size_t i;

	if (value_next(rest, "error", &value, f) < 0)
		return -1;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (span_is(value, errors[i].name)) {
			*out_error = errors[i].no;
			return 0;
		}
	}
	if (!span_number(value, MAX_ERRNO, &number))
		return bad(f, "error", "the name of one", value);
	*out_error = (int)number;
	return 0;
}

/* The comm in a chain: undo what line_chain() does on top of escape(), then that. */
static bool chain_comm(struct span span, char out[AL_COMM + 1])
{
	char text[TEXT_COMM];
	size_t i = 0, len = 0;

	if (span.len >= sizeof(text))
		return false;
	while (i < span.len) {
		size_t left = span.len - i;

		if (left >= 4 && (memcmp(span.at + i, "\\x3a", 4) == 0 ||
				  memcmp(span.at + i, "\\x2c", 4) == 0)) {
			text[len++] = span.at[i + 2] == '3' ? ':' : ',';
			i += 4;
		} else if (left >= 4 && span.at[i] == '\\') {
			/*
			 * Whole, or the end of one escape would be taken for the beginning of the
			 * next.
			 */
			memcpy(text + len, span.at + i, 4);
			len += 4;
			i += 4;
		} else {
			text[len++] = span.at[i++];
		}
	}
	return span_text((struct span){text, len}, out, AL_COMM + 1, NULL);
}

static int parse_chain(struct span *rest, struct event *event, struct fail *f)
{
	struct span value, task, comm;
	uint64_t pid;

	if (value_next(rest, "chain", &value, f) < 0)
		return -1;
	if (value.len == 0)
		return 0;
	while (value.at) {
		task = span_next(&value, ',');
		comm = span_next(&task, ':');
		if (event->chain_len == AL_CHAIN || !task.at ||
		    !span_number(task, UINT32_MAX, &pid) ||
		    !chain_comm(comm, event->chain[event->chain_len].comm))
			return bad(f, "chain", "at most 8 of COMM:PID", comm);
		event->chain[event->chain_len++].pid = (uint32_t)pid;
	}
	return 0;
}

static int parse_sensitive(struct span *rest, bool *out_sensitive, struct fail *f)
{
	struct span value;

	if (value_next(rest, "sensitive", &value, f) < 0)
		return -1;
	if (!span_is(value, "yes") && !span_is(value, "no"))
		return bad(f, "sensitive", "yes or no", value);
	*out_sensitive = span_is(value, "yes");
	return 0;
}

/*
 * What a later version may have added. One of our own keys a second time is no addition: whom
 * should one believe?
 */
static int parse_additions(struct span *rest, struct fail *f)
{
	static const char *const ours[] = {
		"session", "pid",   "comm",	 "path",   "error", "rule", "uid",
		"count",   "chain", "sensitive", "repeat", "first", "last",
	};
	char scratch[EVENT_LINE_MAX];
	struct span word, value, key;
	size_t i;

	while (rest->at) {
		word = value = span_next(rest, ' ');
		key = span_next(&value, '=');
		/* The line has no NUL: it is the '=' that ends strspn(). */
		if (!value.at || key.len == 0 ||
		    strspn(key.at, "abcdefghijklmnopqrstuvwxyz_") < key.len)
			return bad(f, "end of line", "key=value", word);
		for (i = 0; i < ARRAY_SIZE(ours); i++) {
			if (span_is(key, ours[i]))
				return bad(f, "end of line", "each key once and in order", word);
		}
		if (unescape(value.at, value.len, scratch, sizeof(scratch)) < 0)
			return bad(f, "end of line", "escaped text", word);
	}
	return 0;
}

/* Is the next word key=VALUE? */
static bool key_follows(struct span rest, const char *key)
{
	size_t len = strlen(key);

	return rest.at && rest.len > len && memcmp(rest.at, key, len) == 0 && rest.at[len] == '=';
}

/* Only lines that stand for several have it. */
static int parse_repeat(struct span *rest, struct event *event, struct fail *f)
{
	struct span first, last;

	if (!key_follows(*rest, "repeat"))
		return 0;
	if (parse_number(rest, "repeat", UINT64_MAX, &event->repeat, f) < 0)
		return -1;
	if (!event->repeat)
		return fail(f, 0, "log line: repeat: expected a number from 1, got '0'");
	if (value_next(rest, "first", &first, f) < 0 || parse_time(first, &event->first, f) < 0 ||
	    value_next(rest, "last", &last, f) < 0 || parse_time(last, &event->last, f) < 0)
		return -1;
	return 0;
}

static int parse_decision(struct span *rest, struct event *event, struct fail *f)
{
	if (parse_u32(rest, "pid", &event->pid, f) < 0 ||
	    parse_text(rest, "comm", event->comm, sizeof(event->comm), NULL, f) < 0 ||
	    parse_text(rest, "path", event->path, sizeof(event->path), &event->path_len, f) < 0 ||
	    parse_error(rest, &event->error, f) < 0 ||
	    parse_text(rest, "rule", event->rule, sizeof(event->rule), NULL, f) < 0 ||
	    parse_u32(rest, "uid", &event->uid, f) < 0 || parse_chain(rest, event, f) < 0 ||
	    parse_sensitive(rest, &event->sensitive, f) < 0 || parse_repeat(rest, event, f) < 0)
		return -1;
	return 0;
}

/* The last keys of a session line, where there are any. */
static int parse_details(struct span *rest, struct event *event, struct fail *f)
{
	if (key_follows(*rest, "count") &&
	    parse_number(rest, "count", UINT64_MAX, &event->count, f) < 0)
		return -1;
	if (!key_follows(*rest, "rule"))
		return 0;
	return parse_text(rest, "rule", event->rule, sizeof(event->rule), NULL, f);
}

static int parse_rest(struct span *rest, struct event *event, struct fail *f)
{
	if (parse_text(rest, "session", event->session, sizeof(event->session), NULL, f) < 0)
		return -1;
	if (event->kind == EVENT_LOST)
		return parse_number(rest, "count", UINT64_MAX, &event->count, f);
	if (event->kind != EVENT_SESSION)
		return parse_decision(rest, event, f);
	if (parse_u32(rest, "pid", &event->pid, f) < 0 ||
	    parse_text(rest, "comm", event->comm, sizeof(event->comm), NULL, f) < 0)
		return -1;
	return parse_details(rest, event, f);
}

int event_parse(const char *line, size_t len, struct event *out_event, struct fail *f)
{
	struct span rest = {line, len};
	struct event event;
	size_t i;

	if (len >= EVENT_LINE_MAX)
		return fail(f, 0, "log line: expected less than %d bytes, got %zu", EVENT_LINE_MAX,
			    len);
	for (i = 0; i < len; i++) {
		if (line[i] < ' ' || line[i] > '~')
			return fail(f, 0, "log line: expected printable ASCII, got byte 0x%02x",
				    line[i] & 0xff);
	}
	/* All of it, padding too: two events are equal when their bytes are. */
	memset(&event, 0, sizeof(event));
	if (parse_time(span_next(&rest, ' '), &event.time, f) < 0 ||
	    parse_verdict(&rest, &event.kind, f) < 0 || parse_op(&rest, &event, f) < 0 ||
	    parse_rest(&rest, &event, f) < 0 || parse_additions(&rest, f) < 0)
		return -1;
	memcpy(out_event, &event, sizeof(event));
	return 0;
}
