/* SPDX-License-Identifier: GPL-2.0-only */
/* limit.c - see limit.h */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "limit.h"
#include "util.h"

static const char UNITS[] = "KMGT";

/*
 * The bounds are what is of use and what the kernel takes: below a megabyte not even a shell starts
 * (and 512 was meant to be 512M); PID_MAX_LIMIT; a quota of 1 to 10^10 microseconds.
 */
static const struct {
	const char *name;
	uint64_t min, max;
	const char *expected;
} LIMITS[] = {
	[LIMIT_MEMORY] = {"memory", 1ULL << 20, 1ULL << 50,
			  "a size from 1M to 1024T, such as 4G, or none"},
	[LIMIT_PIDS] = {"pids", 1, 4194304,
			"a number of processes and threads from 1 to 4194304, or none"},
	[LIMIT_CPU] = {"cpu", 1, 10000000,
		       "a percentage from 1% to 10000000%, 100% being one CPU, or none"},
};
_Static_assert(ARRAY_SIZE(LIMITS) == LIMIT_KINDS, "each limit has a name");

const char *limit_name(enum limit kind)
{
	return LIMITS[kind].name;
}

const char *limit_expected(enum limit kind)
{
	return LIMITS[kind].expected;
}

bool limit_find(const char *name, enum limit *out_kind)
{
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		if (strcmp(name, LIMITS[i].name) != 0)
			continue;
		*out_kind = (enum limit)i;
		return true;
	}
	return false;
}

bool limit_valid(enum limit kind, uint64_t value)
{
	return value == 0 || (value >= LIMITS[kind].min && value <= LIMITS[kind].max);
}

/* Digits only: no sign, no blank, as strtoull() would take them. Returns what follows, or NULL. */
static const char *parse_digits(const char *text, uint64_t *out_number)
{
	const char *at = text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return NULL;
		number = number * 10 + digit;
	}
	*out_number = number;
	return at == text ? NULL : at;
}

/* The bits to shift by for K, M, G, T; 0 for no unit, -1 for what is none. */
static int unit_shift(const char *unit)
{
	const char *known = *unit ? strchr(UNITS, *unit) : NULL;

	if (!*unit)
		return 0;
	return known && !unit[1] ? (int)(known - UNITS + 1) * 10 : -1;
}

bool limit_parse(enum limit kind, const char *text, uint64_t *out_value)
{
	uint64_t number;
	const char *unit;
	int shift = 0;

	if (strcmp(text, "none") == 0) {
		*out_value = 0;
		return true;
	}
	unit = parse_digits(text, &number);
	if (!unit)
		return false;
	if (kind == LIMIT_MEMORY)
		shift = unit_shift(unit);
	else if (strcmp(unit, kind == LIMIT_CPU ? "%" : "") != 0)
		return false;
	if (shift < 0 || number > UINT64_MAX >> shift)
		return false;
	number <<= shift;
	/* 0 is how no limit is kept. */
	if (!number || !limit_valid(kind, number))
		return false;
	*out_value = number;
	return true;
}

void limit_text(enum limit kind, uint64_t value, char out[LIMIT_TEXT])
{
	size_t unit = 0;

	if (!value) {
		snprintf(out, LIMIT_TEXT, "none");
		return;
	}
	while (kind == LIMIT_MEMORY && unit < strlen(UNITS) && value % 1024 == 0) {
		value /= 1024;
		unit++;
	}
	snprintf(out, LIMIT_TEXT, "%" PRIu64 "%.*s%s", value, unit ? 1 : 0,
		 unit ? &UNITS[unit - 1] : "", kind == LIMIT_CPU ? "%" : "");
}

void limit_size_text(uint64_t bytes, char out[LIMIT_TEXT])
{
	uint64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
	size_t unit = 0;

	while (tenths >= 10240 && unit + 1 < strlen(UNITS)) {
		tenths /= 1024;
		unit++;
	}
	if (tenths < 100 && tenths % 10)
		snprintf(out, LIMIT_TEXT, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
			 UNITS[unit]);
	else
		snprintf(out, LIMIT_TEXT, "%" PRIu64 "%c", tenths / 10, UNITS[unit]);
}
