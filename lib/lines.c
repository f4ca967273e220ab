/* SPDX-License-Identifier: GPL-2.0-only */
/* lines.c - see lines.h */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

int lines_add(struct lines *lines, const char *fmt, ...)
{
	char **list = reallocarray(lines->list, lines->len + 1, sizeof(*list));
	va_list ap;
	char *text;
	int len;

	if (!list)
		return -1;
	lines->list = list;
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -1;
	list[lines->len++] = text;
	return 0;
}

bool lines_have(const struct lines *lines, const char *text)
{
	for (size_t i = 0; i < lines->len; i++)
		if (strcmp(lines->list[i], text) == 0)
			return true;
	return false;
}

void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->len; i++)
		free(lines->list[i]);
	free(lines->list);
	*lines = (struct lines){0};
}
