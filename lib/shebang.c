/* SPDX-License-Identifier: GPL-2.0-only */
/* shebang.c - see shebang.h; the kernel's reading is load_script() in fs/binfmt_script.c. */
#include <string.h>

#include "shebang.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static const char *skip_word(const char *at, const char *end)
{
	while (at < end && !is_blank(*at))
		at++;
	return at;
}

/* Shorter than the whole, which fits. */
static void copy(char *out, const char *from, const char *to)
{
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = '\0';
}

static bool has_any(const char *from, const char *to, const char *wanted)
{
	for (; from < to; from++)
		if (strchr(wanted, *from))
			return true;
	return false;
}

static bool begins(const char *at, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - at) >= len && memcmp(at, text, len) == 0;
}

/* The first word of env -S that is no assignment. */
static void find_split(const char *at, const char *end, char *out)
{
	while (at < end) {
		const char *word = skip_blanks(at, end);

		at = skip_word(word, end);
		if (word == at || *word == '-' || has_any(word, at, "'\"\\$#") ||
		    begins(word, at, "PATH="))
			return;
		if (has_any(word, at, "="))
			continue;
		copy(out, word, at);
		return;
	}
}

/* The kernel hands all that follows the interpreter to it as one argument. */
static void find_searched(const char *at, const char *end, char *out)
{
	if (begins(at, end, "-S"))
		find_split(at + strlen("-S"), end, out);
	else if (at < end && *at != '-' && !has_any(at, end, "="))
		copy(out, at, end);
}

bool shebang_parse(const char *text, size_t len, struct shebang *out)
{
	const char *end, *at, *word, *name;
	bool whole;

	if (len > SHEBANG_MAX)
		len = SHEBANG_MAX;
	end = memchr(text, '\n', len);
	whole = end || len < SHEBANG_MAX;
	if (!end)
		end = text + len;
	if (!begins(text, end, "#!"))
		return false;
	/* The kernel takes a NUL for the end, too. */
	at = memchr(text, '\0', (size_t)(end - text));
	if (at) {
		end = at;
		whole = true;
	}
	while (end > text + 2 && is_blank(end[-1]))
		end--;
	word = skip_blanks(text + 2, end);
	at = skip_word(word, end);
	/* A name that may go on behind these bytes is half a name. */
	if (word == end || *word != '/' || (at == end && !whole))
		return false;
	*out = (struct shebang){0};
	copy(out->interpreter, word, at);
	name = strrchr(out->interpreter, '/') + 1;
	if (whole && strcmp(name, "env") == 0)
		find_searched(skip_blanks(at, end), end, out->searched);
	return true;
}
