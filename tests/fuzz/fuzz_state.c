/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_state.c - libFuzzer target for state_parse(): what it takes for a state is printed and read
 * back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const struct state *state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	state_print(state, out);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *first, *copy, *second;
	struct state state, again;

	if (state_parse(text, &state, NULL) == 0) {
		first = printed(&state);
		copy = strdup(first);
		if (state_parse(copy, &again, NULL))
			abort();
		second = printed(&again);
		if (strcmp(first, second) != 0)
			abort();
		state_done(&again);
		state_done(&state);
		free(first);
		free(second);
		free(copy);
	}
	free(text);
	return 0;
}
