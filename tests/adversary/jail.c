/* SPDX-License-Identifier: GPL-2.0-only */
/* jail.c - J */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "J00", .what = "placeholder"},
};

const struct family jail = {escapes, LEN(escapes)};
