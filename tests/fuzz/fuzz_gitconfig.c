/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_gitconfig.c - any bytes as git's configuration: keys and values stay within their bounds, and the
 * reader comes to an end; a copy holds no secret and, read again, says the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/gitconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each(const char *key, const char *value, void *count)
{
	if (strlen(key) >= GITCONFIG_KEY || strlen(value) >= GITCONFIG_VALUE || !strchr(key, '.'))
		abort();
	++*(size_t *)count;
}

static const char *keep(const char *path, void *data)
{
	(void)data;
	return path[0] == 'x' ? NULL : path;
}

static void check_copy(const char *text, size_t size)
{
	struct gitconfig_includes includes = {.replace = keep, .dir = "/home/ana"};
	char name[GITCONFIG_KEY];
	size_t len, again_len, third_len;
	char *copy = gitconfig_filter(text, size, &includes, &len), *again, *third;

	if (!copy || strlen(copy) != len || gitconfig_has_secret(copy, len, name))
		abort();
	if (gitconfig_has_secret(text, size, name) && (!name[0] || strlen(name) >= GITCONFIG_KEY))
		abort();
	/* Comments are not copied again. */
	again = gitconfig_filter(copy, len, NULL, &again_len);
	third = again ? gitconfig_filter(again, again_len, NULL, &third_len) : NULL;
	if (!third || third_len != again_len || memcmp(third, again, again_len) != 0)
		abort();
	free(copy);
	free(again);
	free(third);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = 0;

	gitconfig_each((const char *)data, size, each, &count);
	if (count > size)
		abort();
	check_copy((const char *)data, size);
	return 0;
}
