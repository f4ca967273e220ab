/* SPDX-License-Identifier: GPL-2.0-only */
/* signals.c - S */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "S00", .what = "placeholder"},
};

const struct family signals = {escapes, LEN(escapes)};
