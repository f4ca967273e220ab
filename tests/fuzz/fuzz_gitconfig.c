/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_gitconfig.c - any bytes as git's configuration: keys and values stay within their bounds, and the
 * reader comes to an end. The first line of a script is read from the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/gitconfig.h"
#include "../../lib/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each(const char *key, const char *value, void *count)
{
	if (strlen(key) >= GITCONFIG_KEY || strlen(value) >= GITCONFIG_VALUE || !strchr(key, '.'))
		abort();
	++*(size_t *)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char interpreter[SHEBANG_MAX];
	size_t count = 0;

	gitconfig_each((const char *)data, size, each, &count);
	if (count > size)
		abort();
	if (program_interpreter((const char *)data, size, interpreter) &&
	    (!interpreter[0] || strlen(interpreter) >= SHEBANG_MAX))
		abort();
	return 0;
}
