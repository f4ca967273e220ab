/* SPDX-License-Identifier: GPL-2.0-only */
/* descriptors.c - O */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "O00", .what = "placeholder"},
};

const struct family descriptors = {escapes, LEN(escapes)};
