/* SPDX-License-Identifier: GPL-2.0-only */
/* gitconfig.c - see gitconfig.h; the grammar is that of git-config(1), "Syntax". */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "gitconfig.h"

struct reader {
	const char *at;
	const char *end;
};

static int next(struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at++ : -1;
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at++ != '\n')
		;
}

/* Letters, digits, - and . in lower case; what finds no room is cut. */
static void take_name(struct reader *r, char *out, size_t size)
{
	size_t len = strlen(out);

	for (; r->at < r->end && (isalnum((unsigned char)*r->at) || *r->at == '-' || *r->at == '.');
	     r->at++)
		if (len + 1 < size)
			out[len++] = (char)tolower((unsigned char)*r->at);
	out[len] = '\0';
}

/* [name], [name "anything but a newline"]; the bracket was read. */
static bool take_section(struct reader *r, char *out, size_t size)
{
	bool quoted = false;
	int c;

	out[0] = '\0';
	take_name(r, out, size);
	while ((c = next(r)) >= 0 && c != '\n') {
		if (quoted && c == '\\')
			next(r);
		else if (c == '"')
			quoted = !quoted;
		else if (c == ']' && !quoted)
			return out[0];
	}
	return false;
}

/* One letter after a backslash; -1: none that may stand there. */
static int escaped(int c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case '"':
	case '\\':
		return c;
	}
	return -1;
}

/* To the end of the line; quotes, comments, a backslash that continues it. */
static bool take_value(struct reader *r, char *out, size_t size)
{
	bool quoted = false, comment = false;
	size_t len = 0, kept = 0; /* kept: without the blanks at its end */
	int c;

	skip_blanks(r);
	while ((c = next(r)) >= 0 && c != '\n') {
		bool blank = !quoted && (c == ' ' || c == '\t' || c == '\r');

		if (comment || (!quoted && (c == '#' || c == ';'))) {
			comment = true;
			continue;
		}
		if (c == '"') {
			quoted = !quoted;
			kept = len;
			continue;
		}
		if (c == '\\') {
			c = next(r);
			if (c == '\n')
				continue;
			c = escaped(c);
			if (c < 0)
				return false;
		}
		if (len + 1 < size)
			out[len++] = (char)c;
		if (!blank)
			kept = len;
	}
	out[kept] = '\0';
	return !quoted;
}

static bool take_key(struct reader *r, char *key, char *value)
{
	size_t section = strlen(key);

	take_name(r, key, GITCONFIG_KEY);
	if (!key[section])
		return false;
	skip_blanks(r);
	value[0] = '\0';
	if (r->at < r->end && *r->at == '=') {
		r->at++;
		return take_value(r, value, GITCONFIG_VALUE);
	}
	skip_line(r);
	return true;
}

void gitconfig_each(const char *text, size_t len,
		    void (*each)(const char *key, const char *value, void *data), void *data)
{
	struct reader r = {.at = text, .end = text + len};
	char section[GITCONFIG_KEY] = "", key[GITCONFIG_KEY], value[GITCONFIG_VALUE];

	while (r.at < r.end) {
		int c = *r.at;

		if (isspace((unsigned char)c)) {
			r.at++;
		} else if (c == '#' || c == ';') {
			skip_line(&r);
		} else if (c == '[') {
			r.at++;
			if (!take_section(&r, section, sizeof(section) - 1))
				return;
			section[strcspn(section, ".")] = '\0'; /* [section.sub], as of old */
			strcat(section, ".");
		} else {
			if (!section[0] || !take_key(&r, strcpy(key, section), value))
				return;
			each(key, value, data);
		}
	}
}
