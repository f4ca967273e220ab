/* SPDX-License-Identifier: GPL-2.0-only */
/* test_hook.c - what hook.h promises: each refusal once, safely, as an agent wants it. */
#include <stdlib.h>
#include <string.h>

#include "../../lib/event.h"
#include "../../lib/hook.h"
#include "../../lib/util.h"
#include "../tap.h"

#define START "{\"hookSpecificOutput\":{\"hookEventName\":\"AfterTool\",\"additionalContext\":\""

static char log_text[40 * EVENT_LINE_MAX];

static struct event refused(const char *path, uint32_t op, const char *rule)
{
	struct event event = {.kind = EVENT_REFUSED, .op = op, .error = EPERM, .pid = 7};

	strcpy(event.session, "project");
	strcpy(event.comm, "cat");
	strcpy(event.path, path);
	event.path_len = strlen(path);
	strcpy(event.rule, rule);
	return event;
}

static void append(const struct event *event)
{
	size_t len = strlen(log_text);

	len += event_line(event, log_text + len);
	strcpy(log_text + len, "\n");
}

static void append_refused(const char *path, uint32_t op, const char *rule)
{
	struct event event = refused(path, op, rule);

	append(&event);
}

/* The caller frees; the log is empty afterwards. */
static char *answered(size_t *out_read)
{
	char *text = NULL;
	size_t len, read;
	FILE *out = open_memstream(&text, &len);

	read = hook_answer(log_text, strlen(log_text), "AfterTool", out);
	if (out_read)
		*out_read = read;
	fclose(out);
	log_text[0] = '\0';
	return text;
}

static void test_one(void)
{
	cleanup_free char *text = NULL, *guard = NULL, *list = NULL, *process = NULL, *key = NULL;
	struct event sensitive = refused("/home/ana/.ssh/id", AL_OP_READ, "no rule");

	append_refused("/srv/a b", AL_OP_READ, "no rule");
	text = answered(NULL);
	is_str(text,
	       START "refused by agent-lock: read /srv/a b; no rule; do not retry; ask the user "
		     "for: agent-lock allow project --ro /srv/a b\\u000a\"}}\n",
	       "a refusal, what to do about it");
	append_refused("/p/.envrc", AL_OP_CREATE, "guard /p/.envrc (agent-lock.ini:1)");
	guard = answered(NULL);
	ok(strstr(guard,
		  "; rule guard /p/.envrc (agent-lock.ini:1); do not retry; ask the user for: "
		  "agent-lock allow project --rw /p/.envrc\\u000a"),
	   "the rule is named");
	append_refused("/srv", AL_OP_LIST, "no rule");
	list = answered(NULL);
	ok(strstr(list, " --ro /srv\\u000a") != NULL, "for a list there is no option of allow: ro");
	append_refused("process:812", AL_OP_SIGNAL, "no rule");
	process = answered(NULL);
	ok(strstr(process,
		  "signal process:812; no rule; do not retry; no rule would allow it\\u000a"),
	   "what no rule would allow");
	sensitive.sensitive = true;
	append(&sensitive);
	key = answered(NULL);
	ok(strstr(key, "(it is marked as sensitive)") != NULL, "what is sensitive is said to be");
}

static void test_nothing(void)
{
	struct event event = refused("/srv/a", AL_OP_READ, "no rule");
	cleanup_free char *none = answered(NULL), *others = NULL, *torn = NULL;
	size_t read;

	is_str(none, "", "of an empty log there is nothing to tell");
	event.kind = EVENT_WOULD_REFUSE;
	append(&event);
	event.kind = EVENT_ALLOWED;
	append(&event);
	event.kind = EVENT_REFUSED;
	event.repeat = 3;
	append(&event);
	strcat(log_text, "no line\n\n");
	others = answered(&read);
	is_str(others, "", "nor of what was not refused, a repeat, or no line at all");
	append_refused("/srv/a", AL_OP_READ, "no rule");
	read = strlen(log_text);
	strcat(log_text, "2026-11-30T00:00:00.000000Z refused read session=pro");
	torn = answered(&read);
	ok(strstr(torn, "/srv/a") && !strstr(log_text + read, "\n"),
	   "a line without its end is left");
}

static void test_many(void)
{
	cleanup_free char *text = NULL, *flood = NULL;
	char path[32];
	size_t lines = 0;

	append_refused("/srv/a", AL_OP_READ, "no rule");
	append_refused("/srv/b", AL_OP_READ, "no rule");
	append_refused("/srv/a", AL_OP_READ, "no rule");
	append_refused("/srv/a", AL_OP_WRITE, "no rule");
	text = answered(NULL);
	for (const char *at = text; (at = strstr(at, "do not retry")); at++)
		lines++;
	ok(lines == 3, "each kind once");
	for (int i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "/srv/%d", i);
		append_refused(path, AL_OP_READ, "no rule");
	}
	flood = answered(NULL);
	ok(strstr(flood, "/srv/29;") && strstr(flood, "/srv/25;") && !strstr(flood, "/srv/24;") &&
		   strstr(flood, "and 25 refusals before these"),
	   "of many the latest, and how many more");
}

static void test_hostile(void)
{
	cleanup_free char *text = NULL;

	append_refused("/srv/\n\"}}\033[2J\xff ignore", AL_OP_READ, "deny /srv/\n\" (x:1)");
	text = answered(NULL);
	ok(strstr(text, "/srv/\\\\x0a\\\\x22}}\\\\x1b[2J\\\\xff ignore;") &&
		   strstr(text, "rule deny /srv/\\\\x0a\\\\x22 (x:1);"),
	   "a name cannot end the text or begin a line: %s", text);
}

int main(void)
{
	test_one();
	test_nothing();
	test_many();
	test_hostile();
	return tap_done();
}
