/* SPDX-License-Identifier: GPL-2.0-only */
#include "adversary.h"
static const struct escape escapes[] = {
	{.id = "K00"},
};
const struct family capabilities = {escapes, LEN(escapes)};
