/* SPDX-License-Identifier: GPL-2.0-only */
/* devices.c - D */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "D00", .what = "placeholder"},
};

const struct family devices = {escapes, LEN(escapes)};
