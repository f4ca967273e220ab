/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroups.c - G */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "G00", .what = "placeholder"},
};

const struct family cgroups = {escapes, LEN(escapes)};
