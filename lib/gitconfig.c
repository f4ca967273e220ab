/* SPDX-License-Identifier: GPL-2.0-only */
/* gitconfig.c - see gitconfig.h; the grammar is that of git-config(1), "Syntax", and of git's config.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gitconfig.h"
#include "secret.h"
#include "util.h"

/* Letters as git takes them, whatever the locale. */
static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(int c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

static bool is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char lower(int c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

/* Each of the buffers has room for the whole text. */
struct reader {
	const char *at;
	const char *end;
	char *section;
	char *subsection;
	char *key;
	char *value;
	bool has_subsection;
	bool has_value;
	size_t header;
	void (*each)(const struct gitconfig_entry *entry, void *data);
	void *data;
};

/* CR LF is a newline, as is the end. */
static int next(struct reader *r)
{
	if (r->at >= r->end)
		return '\n';
	if (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n')
		r->at++;
	return (unsigned char)*r->at++;
}

static bool at_end(const struct reader *r)
{
	return r->at >= r->end;
}

static void give(struct reader *r, const char *comment)
{
	struct gitconfig_entry entry = {
		.section = r->section,
		.subsection = r->has_subsection ? r->subsection : NULL,
		.key = comment ? NULL : r->key,
		.value = !comment && r->has_value ? r->value : NULL,
		.comment = comment,
		.header = r->header,
	};

	r->each(&entry, r->data);
}

/* To the end of the line; what began it was read. A value is in its own buffer meanwhile. */
static bool take_comment(struct reader *r)
{
	size_t len = 0;
	cleanup_free char *comment = NULL;
	const char *start = r->at;

	while (!at_end(r) && next(r) != '\n')
		len++;
	comment = strndup(start, len);
	if (!comment)
		return false;
	give(r, comment);
	return true;
}

/* "anything but a newline"]; the blank before it was read. */
static bool take_subsection(struct reader *r, int c)
{
	size_t len = 0;

	while (is_space(c)) {
		if (c == '\n')
			return false;
		c = next(r);
	}
	if (c != '"')
		return false;
	while (!at_end(r) && (c = next(r)) != '"') {
		if (c == '\\')
			c = next(r);
		if (c == '\n')
			return false;
		r->subsection[len++] = (char)c;
	}
	r->subsection[len] = '\0';
	r->has_subsection = true;
	return c == '"' && !at_end(r) && next(r) == ']';
}

/* [name], [name.name] or [name "subsection"]; the bracket was read. */
static bool take_section(struct reader *r)
{
	size_t len = 0;

	r->has_subsection = false;
	r->header++;
	while (!at_end(r)) {
		int c = next(r);

		r->section[len] = '\0';
		if (c == ']')
			return len > 0;
		if (is_space(c))
			return take_subsection(r, c) && len > 0;
		if (!is_name(c) && c != '.')
			return false;
		r->section[len++] = lower(c);
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

/* To the end of the line; quotes, a backslash that continues it. A comment at its end is given first. */
static bool take_value(struct reader *r)
{
	bool quoted = false;
	size_t len = 0, kept = 0; /* kept: without the blanks at its end */

	for (;;) {
		int c = next(r);

		if (c == '\n')
			break;
		if (!quoted && is_space(c)) {
			if (len)
				r->value[len++] = (char)c;
			continue;
		}
		if (!quoted && (c == '#' || c == ';')) {
			if (!take_comment(r))
				return false;
			break;
		}
		if (c == '"') {
			quoted = !quoted;
		} else if (c == '\\') {
			c = next(r);
			if (c == '\n') {
				kept = len;
				continue;
			}
			c = escaped(c);
			if (c < 0)
				return false;
			r->value[len++] = (char)c;
		} else {
			r->value[len++] = (char)c;
		}
		kept = len;
	}
	r->value[kept] = '\0';
	return !quoted;
}

static bool take_key(struct reader *r)
{
	size_t len = 0;
	int c;

	while (is_name(c = next(r)))
		r->key[len++] = lower(c);
	r->key[len] = '\0';
	while (c == ' ' || c == '\t')
		c = next(r);
	r->has_value = c == '=';
	if (c != '\n' && (c != '=' || !take_value(r)))
		return false;
	give(r, NULL);
	return true;
}

static bool take_all(struct reader *r)
{
	while (!at_end(r)) {
		int c = (unsigned char)*r->at;

		if (is_letter(c)) {
			if (!take_key(r))
				return false;
			continue;
		}
		r->at++;
		if (c == '#' || c == ';' ? !take_comment(r)
		    : c == '['		 ? !take_section(r)
					 : !is_space(c))
			return false;
	}
	return true;
}

int gitconfig_read(const char *text, size_t len,
		   void (*each)(const struct gitconfig_entry *entry, void *data), void *data)
{
	static const char BOM[] = "\xef\xbb\xbf";
	size_t size = len + 1;
	cleanup_free char *buffers = calloc(4, size);
	struct reader r = {.at = text, .end = text + len, .each = each, .data = data};

	if (!buffers)
		return -1;
	r.section = buffers;
	r.subsection = r.section + size;
	r.key = r.subsection + size;
	r.value = r.key + size;
	if (len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0)
		r.at += strlen(BOM);
	return memchr(text, '\0', len) || !take_all(&r) ? -1 : 0;
}

struct plain {
	void (*each)(const char *key, const char *value, void *data);
	void *data;
};

static void give_plain(const struct gitconfig_entry *entry, void *data)
{
	const struct plain *plain = data;
	char key[GITCONFIG_KEY], value[GITCONFIG_VALUE];

	if (!entry->key || !entry->section[0])
		return;
	/* [section.sub], as of old. Nobody asks for a longer key. */
	if (snprintf(key, sizeof(key), "%.*s.%s", (int)strcspn(entry->section, "."), entry->section,
		     entry->key) >= (int)sizeof(key))
		return;
	snprintf(value, sizeof(value), "%s", entry->value ? entry->value : "");
	plain->each(key, value, plain->data);
}

void gitconfig_each(const char *text, size_t len,
		    void (*each)(const char *key, const char *value, void *data), void *data)
{
	struct plain plain = {.each = each, .data = data};

	/* What git would refuse ends it there. */
	(void)gitconfig_read(text, len, give_plain, &plain);
}

bool gitconfig_is_include(const struct gitconfig_entry *entry)
{
	return entry->key && strcmp(entry->key, "path") == 0 &&
	       (strcmp(entry->section, "include") == 0 || strcmp(entry->section, "includeif") == 0);
}

static bool is_switch(const char *value)
{
	static const char *const switches[] = {"",   "true", "false", "yes", "no",
					       "on", "off",  "0",     "1"};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (strcasecmp(value, switches[i]) == 0)
			return true;
	return false;
}

/* A comment may be a setting that was switched off. */
static bool is_secret_comment(const char *comment)
{
	cleanup_free char *copy = strdup(comment);
	char *equals = copy ? strchr(copy, '=') : NULL;

	if (!copy || secret_text(copy))
		return true;
	for (char *at = copy; *at; at++)
		*at = lower(*at);
	if (equals)
		*equals = '\0';
	return equals && secret_key(copy);
}

/* The name may hold one, too: url.https://user:token@host/.insteadOf. */
static bool is_secret(const struct gitconfig_entry *entry)
{
	if (entry->comment)
		return is_secret_comment(entry->comment);
	if (secret_text(entry->section) || (entry->subsection && secret_text(entry->subsection)))
		return true;
	return entry->value && !is_switch(entry->value) &&
	       (secret_key(entry->key) || secret_text(entry->value));
}

/* What may be said of it: a name may be a secret, too. */
static void name_of(const struct gitconfig_entry *entry, char *out)
{
	snprintf(out, GITCONFIG_KEY, "%s.%s", entry->section, entry->key ? entry->key : "comment");
	if (secret_text(out))
		snprintf(out, GITCONFIG_KEY, "a key");
}

struct search {
	char *out;
	bool found;
};

static void search(const struct gitconfig_entry *entry, void *data)
{
	struct search *found = data;

	if (found->found || !is_secret(entry))
		return;
	found->found = true;
	name_of(entry, found->out);
}

bool gitconfig_has_secret(const char *text, size_t len, char *out)
{
	struct search found = {.out = out};

	if (gitconfig_read(text, len, search, &found) && !found.found) {
		snprintf(out, GITCONFIG_KEY, "what git cannot read");
		return true;
	}
	return found.found;
}

struct copy {
	const struct gitconfig_includes *includes;
	FILE *out;
	size_t header; /* that was printed last */
};

static void print_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		switch (*text) {
		case '\n':
			fputs("\\n", out);
			continue;
		case '"':
		case '\\':
			fputc('\\', out);
		}
		fputc(*text, out);
	}
	fputc('"', out);
}

/* In a subsection a backslash stands for the next character, whatever that is. */
static void print_header(const struct copy *copy, const struct gitconfig_entry *entry)
{
	const char *sub = entry->subsection;
	size_t kind = sub ? strcspn(sub, ":") : 0;

	fprintf(copy->out, "[%s", entry->section);
	if (sub) {
		cleanup_free char *moved = NULL;

		/* It goes by where the file is that says it. */
		if (strcmp(entry->section, "includeif") == 0 && copy->includes &&
		    copy->includes->dir && strncmp(sub, "gitdir", 6) == 0 &&
		    strncmp(sub + kind, ":./", 3) == 0 &&
		    asprintf(&moved, "%.*s:%s%s", (int)kind, sub, copy->includes->dir,
			     sub + kind + 2) > 0)
			sub = moved;
		fputc(' ', copy->out);
		print_quoted(copy->out, sub);
	}
	fputs("]\n", copy->out);
}

static void copy_entry(const struct gitconfig_entry *entry, void *data)
{
	struct copy *copy = data;
	const char *value = entry->value;
	char name[GITCONFIG_KEY];

	if (!entry->key)
		return;
	if (value && copy->includes && gitconfig_is_include(entry))
		value = copy->includes->replace(value, copy->includes->data);
	if (is_secret(entry) || (entry->value && !value)) {
		name_of(entry, name);
		fprintf(copy->out, "# agent-lock: left out: %s\n", name);
		return;
	}
	if (entry->header != copy->header)
		print_header(copy, entry);
	copy->header = entry->header;
	fprintf(copy->out, "\t%s", entry->key);
	if (value) {
		fputs(" = ", copy->out);
		print_quoted(copy->out, value);
	}
	fputc('\n', copy->out);
}

char *gitconfig_filter(const char *text, size_t len, const struct gitconfig_includes *includes,
		       size_t *out_len)
{
	char *filtered = NULL;
	struct copy copy = {.includes = includes, .out = open_memstream(&filtered, out_len)};

	if (!copy.out)
		return NULL;
	if (gitconfig_read(text, len, copy_entry, &copy))
		fputs("# agent-lock: left out: what follows, which git cannot read\n", copy.out);
	if (fclose(copy.out)) {
		free(filtered);
		return NULL;
	}
	return filtered;
}
