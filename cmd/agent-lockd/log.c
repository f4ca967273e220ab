/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c - what the daemon says about itself. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon.h"

void say(int priority, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/*
	 * systemd sets JOURNAL_STREAM where stderr is the journal, which understands <N>
	 * (sd-daemon(3)).
	 */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>", priority);
	fprintf(stderr, "agent-lockd: %s\n", text);
}

void say_fail(int priority, const struct fail *f)
{
	say(priority, "%s", f->msg);
	if (f->hint[0])
		say(priority, "hint: %s", f->hint);
}
