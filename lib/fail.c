/* SPDX-License-Identifier: GPL-2.0-only */
/* fail.c - see fail.h */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"

int fail(struct fail *f, int no, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (!f)
		return -1;
	f->no = no;
	f->hint[0] = '\0';
	va_start(ap, fmt);
	len = vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	va_end(ap);
	if (no && len >= 0 && (size_t)len < sizeof(f->msg))
		snprintf(f->msg + len, sizeof(f->msg) - (size_t)len, ": %s", strerror(no));
	return -1;
}

int fail_hint(struct fail *f, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return -1;
	va_start(ap, fmt);
	vsnprintf(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
	return -1;
}
