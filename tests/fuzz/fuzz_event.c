/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_event.c - libFuzzer target for event_parse(): what it takes for an event must come back the
 * same from the line that is made of it, and no form of it may hold a byte that does something to a
 * terminal or to the log.
 *
 *   clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_event.c
 * lib/event.c lib/event_text.c \ lib/util.c lib/fail.c -o fuzz_event && ./fuzz_event -max_len=4096
 * tests/fuzz/corpus/event
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "../../lib/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			abort();
	}
}

static void check_shown(const struct event *event, const struct event_style *style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (style)
		event_pretty(event, style, out);
	else
		event_json(event, out);
	if (fclose(out) != 0 || len == 0 || text[len - 1] != '\n')
		abort();
	check_printable(text, len - 1);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct event_style style = {.home = "/home/ana"};
	static char line[EVENT_LINE_MAX];
	static struct event first, second;
	struct fail f = {0};
	size_t len;

	if (event_parse((const char *)data, size, &first, &f) < 0) {
		check_printable(f.msg, strlen(f.msg));
		return 0;
	}
	len = event_line(&first, line);
	check_printable(line, len);
	if (event_parse(line, len, &second, &f) < 0 || memcmp(&first, &second, sizeof(first)) != 0)
		abort();
	check_shown(&first, &style);
	check_shown(&first, NULL);
	return 0;
}
