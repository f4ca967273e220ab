/* SPDX-License-Identifier: GPL-2.0-only */
/* processes.c - P */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "P00", .what = "placeholder"},
};

const struct family processes = {escapes, LEN(escapes)};
