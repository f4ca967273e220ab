/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_text.c - an event for people and as JSON, and the pieces that report.c shares with it; see
 * event_text.h.
 */
#include <inttypes.h>
#include <string.h>

#include <linux/types.h>

#include "event.h"
#include "event_text.h"
#include "util.h"

#define PATH_COLUMN \
	32 /* wide enough for most paths below ~, so that the columns after it stand still */

/* A buffer that takes pieces as long as they fit, and counts them all. */
struct sink {
	char *out;
	size_t size;
	size_t need;
	bool full;
};

static void sink_put(struct sink *sink, const char *text, size_t len)
{
	if (sink->need + len >= sink->size)
		sink->full = true;
	if (!sink->full) {
		memcpy(sink->out + sink->need, text, len);
		sink->out[sink->need + len] = '\0';
	}
	sink->need += len;
}

static bool literal(const char *text, size_t len, size_t i)
{
	if (text[i] == ' ')
		return i > 0 && i + 1 < len && text[i - 1] != ' ' && text[i + 1] != ' ';
	return text[i] > ' ' && text[i] <= '~' && !strchr("\"'\\", text[i]);
}

/*
 * How much of path is home; 0 if it is not below it. Only whole components: /home/ann is not the
 * home of /home/anna.
 */
static size_t home_prefix(const char *path, size_t len, const char *home)
{
	size_t prefix = home && home[0] == '/' ? strlen(home) : 0;

	while (prefix > 0 && home[prefix - 1] == '/')
		prefix--;
	if (prefix == 0 || len < prefix || memcmp(path, home, prefix) != 0)
		return 0;
	return len == prefix || path[prefix] == '/' ? prefix : 0;
}

size_t text_path(const char *path, size_t len, const char *home, char *out, size_t size)
{
	struct sink sink = {.out = out, .size = size};
	size_t i = home_prefix(path, len, home);
	char hex[5];

	if (size > 0)
		out[0] = '\0';
	if (i > 0)
		sink_put(&sink, "~", 1);
	for (; i < len; i++) {
		if (literal(path, len, i) && !(i == 0 && path[i] == '~')) {
			sink_put(&sink, path + i, 1);
			continue;
		}
		snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)path[i]);
		sink_put(&sink, hex, 4);
	}
	return sink.need;
}

/*
 * One character of strict UTF-8 (no overlong form, no surrogate, nothing beyond U+10FFFF); its
 * length, or 0.
 */
static size_t utf8_next(const char *text, size_t len, uint32_t *out_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text[0];
	size_t i, need = first < 0x80	? 1
			 : first < 0xc0 ? 0
			 : first < 0xe0 ? 2
			 : first < 0xf0 ? 3
			 : first < 0xf8 ? 4
					: 0;
	uint32_t code;

	if (need == 0 || need > len)
		return 0;
	code = need == 1 ? first : first & (0x7fU >> need);
	for (i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out_code = code;
	return need;
}

bool text_utf8(const char *text, size_t len)
{
	size_t i, n;
	uint32_t code;

	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &code);
		if (n == 0)
			return false;
	}
	return true;
}

void text_json(const char *text, size_t len, FILE *out)
{
	size_t i, n;
	uint32_t code;

	putc('"', out);
	for (i = 0; i < len; i += n) {
		n = utf8_next(text + i, len - i, &code);
		if (n == 0) {
			code = (unsigned char)text[i];
			n = 1;
		}
		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else if (code >= ' ' && code <= '~')
			putc((int)code, out);
		else if (code < 0x10000)
			fprintf(out, "\\u%04" PRIx32, code);
		else
			fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32,
				0xd800 + ((code - 0x10000) >> 10),
				0xdc00 + ((code - 0x10000) & 0x3ff));
	}
	putc('"', out);
}

void text_json_bytes(const char *key, const char *text, size_t len, FILE *out)
{
	char escaped[TEXT_PATH];

	fprintf(out, "\"%s\":", key);
	text_json(text, len, out);
	if (text_utf8(text, len))
		return;
	escape(text, len, escaped, sizeof(escaped));
	fprintf(out, ",\"%s_bytes\":", key);
	text_json(escaped, strlen(escaped), out);
}

static size_t event_path_len(const struct event *event)
{
	return event->path_len < AL_PATH_MAX ? event->path_len : AL_PATH_MAX;
}

static uint32_t event_chain_len(const struct event *event)
{
	return event->chain_len < AL_CHAIN ? event->chain_len : AL_CHAIN;
}

static void pretty_verdict(const struct event *event, const struct event_style *style, FILE *out)
{
	static const struct {
		const char *label;
		const char *colour;
	} verdicts[] = {
		[EVENT_REFUSED] = {"REFUSED", TEXT_RED},
		[EVENT_WOULD_REFUSE] = {"WOULD-REFUSE", TEXT_YELLOW},
		[EVENT_ALLOWED] = {"allowed", TEXT_GREEN},
		[EVENT_LOST] = {"LOST", TEXT_RED},
		[EVENT_SESSION] = {"session", ""},
	};
	const char *label = (size_t)event->kind < ARRAY_SIZE(verdicts) ? verdicts[event->kind].label
								       : "unknown";
	const char *colour =
		(size_t)event->kind < ARRAY_SIZE(verdicts) ? verdicts[event->kind].colour : "";
	bool paint = style->colour && colour[0];

	fprintf(out, "%s%-7s%s  ", paint ? colour : "", label, paint ? TEXT_PLAIN : "");
}

static void pretty_decision(const struct event *event, const struct event_style *style, FILE *out)
{
	char path[TEXT_PATH], comm[TEXT_COMM], rule[4 * sizeof(event->rule)];
	uint32_t i, chain_len = event_chain_len(event);

	text_path(event->path, event_path_len(event), style->home, path, sizeof(path));
	text_comm(event->comm, comm);
	fprintf(out, "%-8s %-*s   %s[%" PRIu32 "]", event_op_name(event->op), PATH_COLUMN, path,
		comm, event->pid);
	for (i = 0; i < chain_len; i++) {
		text_comm(event->chain[i].comm, comm);
		fprintf(out, " < %s[%" PRIu32 "]", comm, event->chain[i].pid);
	}
	if (event->sensitive)
		fprintf(out, "   %ssensitive%s", style->colour ? TEXT_ALARM : "",
			style->colour ? TEXT_PLAIN : "");
	/*
	 * A rule is worth its room when it surprises: not for what is allowed, nor where there is
	 * none.
	 */
	if (event->kind != EVENT_ALLOWED && event->rule[0] && strcmp(event->rule, "no rule") != 0) {
		text_path(event->rule, strnlen(event->rule, sizeof(event->rule) - 1), NULL, rule,
			  sizeof(rule));
		fprintf(out, "   by '%s'", rule);
	}
	if (event->repeat)
		fprintf(out, "   %" PRIu64 " time%s more", event->repeat,
			event->repeat == 1 ? "" : "s");
}

/* Escaped but for the blanks between them. */
static void pretty_words(const char *words, FILE *out)
{
	fputs("  ", out);
	while (*words) {
		char escaped[4 * sizeof(((struct event *)0)->rule)];
		size_t len = strcspn(words, " ");

		escape(words, len, escaped, sizeof(escaped));
		fprintf(out, " %s", escaped);
		words += len + (words[len] == ' ');
	}
}

void event_pretty(const struct event *event, const struct event_style *style, FILE *out)
{
	char name[TEXT_SESSION], comm[TEXT_COMM], what[4 * sizeof(event->what)],
		clock[16] = "--:--:--";
	struct tm tm;

	/*
	 * Whoever looks at a terminal looks at the clock on the wall too: local time here, UTC in
	 * the log.
	 */
	if (localtime_r(&event->time.tv_sec, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(out, "%s ", clock);
	pretty_verdict(event, style, out);
	escape(event->session, strnlen(event->session, SESSION_NAME_MAX), name, sizeof(name));
	if (event->kind == EVENT_LOST) {
		fprintf(out,
			"%" PRIu64
			" event%s of %s found no room: decided and counted, but not shown",
			event->count, event->count == 1 ? "" : "s", name);
	} else if (event->kind == EVENT_SESSION) {
		escape(event->what, strnlen(event->what, sizeof(event->what) - 1), what,
		       sizeof(what));
		text_comm(event->comm, comm);
		fprintf(out, "%-8s %-*s   %s[%" PRIu32 "]", what, PATH_COLUMN, name, comm,
			event->pid);
		if (event->count)
			fprintf(out, "   %" PRIu64 " time%s", event->count,
				event->count == 1 ? "" : "s");
		if (event->rule[0])
			pretty_words(event->rule, out);
	} else {
		pretty_decision(event, style, out);
	}
	putc('\n', out);
}

static void json_decision(const struct event *event, FILE *out)
{
	char error[TEXT_ERROR], first[TEXT_TIME], last[TEXT_TIME];
	uint32_t i, chain_len = event_chain_len(event);

	putc(',', out);
	text_json_bytes("path", event->path, event_path_len(event), out);
	text_error(event->error, error);
	if (event->error)
		fprintf(out, ",\"error\":\"%s\",\"rule\":", error);
	else
		fputs(",\"error\":null,\"rule\":", out);
	text_json(event->rule, strnlen(event->rule, sizeof(event->rule) - 1), out);
	fprintf(out, ",\"uid\":%" PRIu32 ",\"chain\":[", event->uid);
	for (i = 0; i < chain_len; i++) {
		fputs(i ? ",{" : "{", out);
		text_json_bytes("comm", event->chain[i].comm,
				strnlen(event->chain[i].comm, AL_COMM), out);
		fprintf(out, ",\"pid\":%" PRIu32 "}", event->chain[i].pid);
	}
	fprintf(out, "],\"sensitive\":%s", event->sensitive ? "true" : "false");
	if (event->repeat) {
		text_time(&event->first, first);
		text_time(&event->last, last);
		fprintf(out, ",\"repeat\":%" PRIu64 ",\"first\":\"%s\",\"last\":\"%s\"",
			event->repeat, first, last);
	}
}

static void json_details(const struct event *event, FILE *out)
{
	if (event->count)
		fprintf(out, ",\"count\":%" PRIu64, event->count);
	if (!event->rule[0])
		return;
	fputs(",\"rule\":", out);
	text_json(event->rule, strnlen(event->rule, sizeof(event->rule) - 1), out);
}

void event_json(const struct event *event, FILE *out)
{
	char time[TEXT_TIME];

	text_time(&event->time, time);
	fprintf(out, "{\"time\":\"%s\",\"verdict\":\"%s\"", time, text_verdict(event->kind));
	if (event->kind == EVENT_SESSION) {
		fputs(",\"op\":", out);
		text_json(event->what, strnlen(event->what, sizeof(event->what) - 1), out);
	} else if (event->kind != EVENT_LOST) {
		fprintf(out, ",\"op\":\"%s\"", event_op_name(event->op));
	}
	fputs(",\"session\":", out);
	text_json(event->session, strnlen(event->session, SESSION_NAME_MAX), out);
	if (event->kind == EVENT_LOST) {
		fprintf(out, ",\"count\":%" PRIu64, event->count);
	} else {
		fprintf(out, ",\"pid\":%" PRIu32 ",", event->pid);
		text_json_bytes("comm", event->comm, strnlen(event->comm, AL_COMM), out);
		if (event->kind != EVENT_SESSION)
			json_decision(event, out);
		else
			json_details(event, out);
	}
	fputs("}\n", out);
}

void text_age(uint64_t age, char out[TEXT_AGE])
{
	if (age < 60)
		snprintf(out, TEXT_AGE, "%" PRIu64 "s", age);
	else if (age < 3600)
		snprintf(out, TEXT_AGE, "%" PRIu64 "m", age / 60);
	else if (age < 86400)
		snprintf(out, TEXT_AGE, "%" PRIu64 "h%02" PRIu64 "m", age / 3600, age % 3600 / 60);
	else
		snprintf(out, TEXT_AGE, "%" PRIu64 "d%02" PRIu64 "h", age / 86400,
			 age % 86400 / 3600);
}

void text_json_session(const char *name, const char *state, size_t state_size, bool audit,
		       const char *directory, FILE *out)
{
	fputs("{\"session\":", out);
	text_json(name, strnlen(name, SESSION_NAME_MAX), out);
	fputs(",\"state\":", out);
	text_json(state, strnlen(state, state_size - 1), out);
	fprintf(out, ",\"mode\":\"%s\",", audit ? "audit" : "enforce");
	text_json_bytes("directory", directory, strnlen(directory, AL_PATH_MAX), out);
}
