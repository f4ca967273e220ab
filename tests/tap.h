/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - the whole test framework for C: each check is one TAP line, a failed one says where and
 * what. Include in exactly one file of a test program; end main() with `return tap_done();`.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned int tap_count, tap_failed;

__attribute__((format(printf, 4, 5))) static inline bool tap_check(bool good, const char *file,
								   int line, const char *fmt, ...)
{
	va_list ap;

	printf("%s %u - ", good ? "ok" : "not ok", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good) {
		tap_failed++;
		printf("# at %s:%d\n", file, line);
	}
	return good;
}

/* ok(condition, "promise ...", ...) */
#define ok(good, ...) tap_check((good), __FILE__, __LINE__, __VA_ARGS__)
/* is_str(got, want, "promise"): shows both when they differ. */
#define is_str(got, want, ...) \
	do { \
		const char *tap_got = (got), *tap_want = (want); \
		if (!ok(tap_got && strcmp(tap_got, tap_want) == 0, __VA_ARGS__)) \
			printf("#  got: %s\n# want: %s\n", tap_got ? tap_got : "(null)", \
			       tap_want); \
	} while (0)

static inline int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
