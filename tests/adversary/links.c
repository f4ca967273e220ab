/* SPDX-License-Identifier: GPL-2.0-only */
/* links.c - L */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "L00", .what = "placeholder"},
};

const struct family links = {escapes, LEN(escapes)};
