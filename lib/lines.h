/* SPDX-License-Identifier: GPL-2.0-only */
/* lines.h - a list of texts that grows: names, or sentences for people. */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	char **list;
	size_t len;
};

/* Append one; 0, or -1 with errno ENOMEM and nothing appended. */
int lines_add(struct lines *lines, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool lines_have(const struct lines *lines, const char *text);
/* Frees the contents; the list is empty then. */
void lines_done(struct lines *lines);

#endif
