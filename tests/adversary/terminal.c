/* SPDX-License-Identifier: GPL-2.0-only */
/* terminal.c - T */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "T00", .what = "placeholder"},
};

const struct family terminal = {escapes, LEN(escapes)};
