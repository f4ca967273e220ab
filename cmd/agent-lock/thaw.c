/* SPDX-License-Identifier: GPL-2.0-only */
/* thaw.c - agent-lock thaw: let a frozen session go on. */
#include "verbs.h"

int cmd_thaw(int argc, char **argv)
{
	return freeze_named(argc, argv, false);
}
