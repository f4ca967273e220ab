/* SPDX-License-Identifier: GPL-2.0-only */
/* exhaustion.c - Q */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "Q00", .what = "placeholder"},
};

const struct family exhaustion = {escapes, LEN(escapes)};
