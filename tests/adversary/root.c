/* SPDX-License-Identifier: GPL-2.0-only */
/* root.c - R */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "R00", .what = "placeholder"},
};

const struct family root = {escapes, LEN(escapes)};
