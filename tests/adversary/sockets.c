/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.c - U */
#include "adversary.h"

static const struct escape escapes[] = {
	{.id = "U00", .what = "placeholder"},
};

const struct family sockets = {escapes, LEN(escapes)};
