/* SPDX-License-Identifier: GPL-2.0-only */
/* test_shebang.c - what shebang.h promises, and that nothing beyond the given bytes is read. */
#include <stdlib.h>

#include "../../lib/shebang.h"
#include "../../lib/util.h"
#include "../tap.h"

/* From a copy that ends where it ends, for the sanitizer. */
static bool parse(const char *text, size_t len, struct shebang *out)
{
	char *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, text, len);
	good = shebang_parse(copy, len, out);
	free(copy);
	return good;
}

static void reads(const char *text, const char *interpreter, const char *searched)
{
	struct shebang found;

	if (!ok(parse(text, strlen(text), &found), "a script: %s", Q(text)))
		return;
	is_str(found.interpreter, interpreter, "run by %s", interpreter);
	is_str(found.searched, searched, "which looks for '%s'", searched);
}

static void is_none(const char *text, size_t len)
{
	struct shebang found;

	ok(!parse(text, len, &found), "no script, %zu bytes: %s", len, Q(text));
}

static void test_lines(void)
{
	reads("#!/bin/sh\n", "/bin/sh", "");
	reads("#!/bin/sh", "/bin/sh", "");
	reads("#! \t/bin/sh -e \t\nrest", "/bin/sh", "");
	reads("#!/usr/bin/env node\n", "/usr/bin/env", "node");
	reads("#!/usr/bin/env\tnode\r\n", "/usr/bin/env", "node\r");
	reads("#!/usr/bin/env", "/usr/bin/env", "");
	reads("#!/usr/bin/env node --flag\n", "/usr/bin/env", "node --flag");
	reads("#!/usr/bin/env -S node --flag\n", "/usr/bin/env", "node");
	reads("#!/usr/bin/env -Snode\n", "/usr/bin/env", "node");
	reads("#!/usr/bin/env -S A=1 B=2 bun run\n", "/usr/bin/env", "bun");
	reads("#!/usr/bin/env -S A=1\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -S PATH=/tmp node\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -S -i node\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -i\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env A=1\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -S \"node\"\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -S ${HOME}/node\n", "/usr/bin/env", "");
	reads("#!/usr/bin/env -S\n", "/usr/bin/env", "");
	reads("#!/opt/env/node x\n", "/opt/env/node", "");
	reads("#!/\n", "/", "");
}

static void test_none(void)
{
	static const char *const none[] = {"",	    "#",      "#!",	"#!\n",	    "#! \t \n",
					   "# !/x", "\n#!/x", "#!sh\n", "#!./sh\n", "\177ELF"};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		is_none(none[i], strlen(none[i]));
}

static void test_bounds(void)
{
	static const char nul[] = "#!/bin/sh\0/x\n";
	char text[SHEBANG_MAX + 64] = {0};
	struct shebang found;

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "#!/", 3);
	is_none(text, sizeof(text) - 1);
	is_none(text, SHEBANG_MAX);
	ok(parse(text, SHEBANG_MAX - 1, &found) && strlen(found.interpreter) == SHEBANG_MAX - 1 - 2,
	   "a name that ends with the file is whole");
	text[SHEBANG_MAX - 1] = '\n';
	ok(parse(text, sizeof(text), &found) && strlen(found.interpreter) == SHEBANG_MAX - 3,
	   "or with the last byte");
	memcpy(text, "#!/usr/bin/env ", 15);
	text[SHEBANG_MAX - 1] = 'x';
	ok(parse(text, sizeof(text), &found) && !found.searched[0], "half a name is not searched");
	ok(parse(nul, sizeof(nul) - 1, &found), "a NUL ends it");
	is_str(found.interpreter, "/bin/sh", "as it does for the kernel");
}

int main(void)
{
	test_lines();
	test_none();
	test_bounds();
	return tap_done();
}
