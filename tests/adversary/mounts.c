/* SPDX-License-Identifier: GPL-2.0-only */
/* mounts.c - M */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "M00", .what = "placeholder"},
};

const struct family mounts = {escapes, LEN(escapes)};
