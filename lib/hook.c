/* SPDX-License-Identifier: GPL-2.0-only */
/* hook.c - see hook.h */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "event_text.h"
#include "hook.h"
#include "suggest.h"
#include "util.h"

/* The latest kinds of refusals, in the order in which they came. */
struct latest {
	struct event *events[HOOK_SHOWN];
	size_t len;
	size_t more; /* kinds that had no room */
};

static bool same_kind(const struct event *a, const struct event *b)
{
	return a->op == b->op && strcmp(a->path, b->path) == 0 && strcmp(a->rule, b->rule) == 0;
}

/* Takes the event. */
static void take(struct latest *latest, struct event *event)
{
	size_t at = 0;

	while (at < latest->len && !same_kind(latest->events[at], event))
		at++;
	if (at == HOOK_SHOWN) {
		latest->more++;
		at = 0;
	}
	if (at < latest->len) {
		free(latest->events[at]);
		latest->len--;
		memmove(&latest->events[at], &latest->events[at + 1],
			(latest->len - at) * sizeof(event));
	}
	latest->events[latest->len++] = event;
}

static void read_line(struct latest *latest, const char *line, size_t len)
{
	struct event *event = malloc(sizeof(*event));
	struct fail f;

	/* A repeat was told of with the line that it repeats. */
	if (event && !event_parse(line, len, event, &f) && event->kind == EVENT_REFUSED &&
	    !event->repeat)
		take(latest, event);
	else
		free(event);
}

/* What the user could do about it. */
static void put_cure(const struct event *event, const char *path, FILE *out)
{
	enum policy_right right = suggest_right(event->op);

	if (right == POLICY_LIST)
		right = POLICY_RO;
	if (right == POLICY_NRIGHTS || path[0] != '/')
		fprintf(out, "no rule would allow it");
	else
		fprintf(out, "ask the user for: agent-lock allow %s --%s %s", event->session,
			policy_right_name(right), path);
	if (event->sensitive)
		fputs(" (it is marked as sensitive)", out);
}

static void put_event(const struct event *event, FILE *out)
{
	char path[TEXT_PATH], rule[4 * sizeof(event->rule)];

	text_path(event->path, event->path_len, NULL, path, sizeof(path));
	text_path(event->rule, strlen(event->rule), NULL, rule, sizeof(rule));
	fprintf(out, "refused by agent-lock: %s %s; %s%s; do not retry; ", event_op_name(event->op),
		path, strcmp(rule, "no rule") == 0 ? "" : "rule ", rule);
	put_cure(event, path, out);
	putc('\n', out);
}

static char *text_of(const struct latest *latest, size_t *out_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, out_len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < latest->len; i++)
		put_event(latest->events[i], out);
	if (latest->more)
		fprintf(out, "and %zu refusals before these\n", latest->more);
	return fclose(out) ? free(text), NULL : text;
}

size_t hook_answer(const char *log, size_t len, const char *hook, FILE *out)
{
	struct latest latest = {0};
	size_t at = 0, text_len = 0;
	const char *end;
	cleanup_free char *text = NULL;

	while ((end = memchr(log + at, '\n', len - at))) {
		read_line(&latest, log + at, (size_t)(end - log) - at);
		at = (size_t)(end - log) + 1;
	}
	if (latest.len)
		text = text_of(&latest, &text_len);
	if (text) {
		fputs("{\"hookSpecificOutput\":{\"hookEventName\":", out);
		text_json(hook, strlen(hook), out);
		fputs(",\"additionalContext\":", out);
		text_json(text, text_len, out);
		fputs("}}\n", out);
	}
	for (size_t i = 0; i < latest.len; i++)
		free(latest.events[i]);
	return at;
}
