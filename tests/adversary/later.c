/* SPDX-License-Identifier: GPL-2.0-only */
/* later.c - X */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "X00", .what = "placeholder"},
};

const struct family later = {escapes, LEN(escapes)};
