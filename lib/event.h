/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - one thing that happened in a session, and its three forms: the log line (also what
 * `tail` writes into a pipe), the line for people, and JSON Lines. The log line is the only form
 * that is parsed back.
 *
 *   TIME VERDICT OP session=NAME pid=N comm=STR path=STR error=NAME rule=STR uid=N
 * chain=COMM:PID,... sensitive=yes|no
 *
 * TIME is RFC 3339 UTC with microseconds; VERDICT is refused, would-refuse, allowed, lost or
 * session. In the latter two only the keys that apply are there: "lost - session=NAME count=N",
 * "session created|destroyed|entered|frozen|thawed session=NAME pid=N comm=STR", "session
 * oom-kill|fork-refused session=NAME pid=0 comm=kernel count=N". Order is fixed, new keys only
 * at the end. Every value goes through escape() (util.h): one event is one line, always. A COMM in
 * the chain has its ':' and ',' as \xNN too. An error without a name here is its number; without
 * an error: none.
 *
 * A refusal that repeats is written once, then at the latest a second later as one line more, the
 * same with "repeat=N first=TIME last=TIME" at its end: N further ones, the first and the last of
 * them then. So in a log that is whole each line is one event, but one with repeat N and one with
 * count N: the sum is exact.
 */
#ifndef LIB_EVENT_H
#define LIB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "../bpf/agent_lock.h"
#include "fail.h"

#define EVENT_LINE_MAX 20480 /* a path of 4096 bytes, all escaped, and the rest */
#define SESSION_NAME_MAX 64  /* bytes, without the NUL */

enum event_kind {
	EVENT_REFUSED,
	EVENT_WOULD_REFUSE,
	EVENT_ALLOWED,
	EVENT_LOST,    /* count events found no room, here or on their way here */
	EVENT_SESSION, /* what: created, entered, allowed, destroyed, oom-kill, ... */
};

struct event {
	enum event_kind kind;
	struct timespec time; /* CLOCK_REALTIME */
	char session[SESSION_NAME_MAX + 1];
	uint32_t op;		/* enum al_op */
	char what[32];		/* EVENT_SESSION */
	uint32_t pid;		/* the process that tried */
	char comm[AL_COMM + 1]; /* raw bytes, as the kernel has them */
	uint32_t uid;
	int error;	 /* errno it saw, 0 if allowed */
	uint64_t count;	 /* EVENT_LOST; EVENT_SESSION: how often, 0 where that is no question */
	uint64_t repeat; /* of a decision: this many in one line; 0: one, and no first and last */
	struct timespec first, last;
	/* "ro /usr (agent-lock.ini:12)", "no rule"; EVENT_SESSION: one that it got. */
	char rule[320];
	bool sensitive;
	uint32_t chain_len; /* the parents of pid, nearest first, up to the session's first process
			     */
	struct {
		uint32_t pid;
		char comm[AL_COMM + 1];
	} chain[AL_CHAIN];
	size_t path_len;
	char path[AL_PATH_MAX + 1]; /* raw bytes, and a NUL */
};

/*
 * Text for al_op / back; the name of an unknown op is "unknown", the op of an unknown name is
 * AL_NOPS.
 */
const char *event_op_name(uint32_t op);
uint32_t event_op_parse(const char *name);

/* Write the log line (without newline) into buf of EVENT_LINE_MAX bytes; returns its length. */
size_t event_line(const struct event *event, char *buf);
/* How many events its line stands for. */
uint64_t event_weight(const struct event *event);
/*
 * Parse what event_line() wrote. Never trusts the line: any byte sequence gives an event or a
 * failure, where *out_event stays as it was. Keys after the last one known are skipped. Give it
 * whole lines only, without their newline: a lost or session line that was cut inside its last
 * value is a line too.
 */
int event_parse(const char *line, size_t len, struct event *out_event, struct fail *f);

struct event_style {
	bool colour;
	const char *home; /* shown as ~, or NULL */
};
/*
 * One line for people: verdict first, then operation, path and who tried with the chain. Nothing
 * unescaped reaches out. Unlike in the log line single spaces and '=' in a path stay as they are
 * (event_text.h), so it isn't made to be parsed.
 */
void event_pretty(const struct event *event, const struct event_style *style, FILE *out);
/*
 * One JSON object on one line. Bytes of a path that are not UTF-8 become \u00NN and "path_bytes"
 * holds the escaped form. Whatever is not ASCII is \u-escaped as well, so that it can be looked at
 * on a terminal.
 */
void event_json(const struct event *event, FILE *out);

#endif
