/* SPDX-License-Identifier: GPL-2.0-only */
/* network.c - N */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "N00", .what = "placeholder"},
};

const struct family network = {escapes, LEN(escapes)};
