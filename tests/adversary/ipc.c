/* SPDX-License-Identifier: GPL-2.0-only */
/* ipc.c - I */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "I00", .what = "placeholder"},
};

const struct family ipc = {escapes, LEN(escapes)};
