/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_shebang.c - libFuzzer target: any bytes as the beginning of a program. What is found is in the
 * first SHEBANG_MAX bytes, on one line, and short enough to be a path.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/shebang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

static void require_within(const char *found, const char *text, size_t size)
{
	require(strlen(found) < SHEBANG_MAX && !strpbrk(found, "\n"));
	require(memmem(text, size < SHEBANG_MAX ? size : SHEBANG_MAX, found, strlen(found)) !=
		NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct shebang found;

	if (!shebang_parse(text, size, &found))
		return 0;
	require(size >= 3 && memcmp(text, "#!", 2) == 0 && found.interpreter[0] == '/');
	require_within(found.interpreter, text, size);
	require_within(found.searched, text, size);
	return 0;
}
