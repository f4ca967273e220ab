/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say.c - the one place that speaks to people about failures, and how output looks on this
 * terminal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "verbs.h"

void warn(const char *fmt, ...)
{
	va_list ap;

	fputs("agent-lock: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void warn_fail(const struct fail *f)
{
	warn("%s", f->msg[0] ? f->msg : "failed without a reason");
	if (f->hint[0])
		fprintf(stderr, "hint: %s\n", f->hint);
}

struct event_style style_of(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR"); /* https://no-color.org */

	return (struct event_style){
		.colour = isatty(fileno(out)) && !(no_colour && no_colour[0]),
		.home = caller_home(),
	};
}

int width_of(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) ? 0 : size.ws_col;
}
