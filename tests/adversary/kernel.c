/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel.c - K */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "K00", .what = "placeholder"},
};

const struct family kernel = {escapes, LEN(escapes)};
