/* SPDX-License-Identifier: GPL-2.0-only */
/* victim.h - processes outside that tries are about. */
#ifndef VICTIM_H
#define VICTIM_H

#include "adversary.h"

/*
 * A shell that waits: the secret is among its arguments, in its environment (and so in its memory, at
 * number[1]) and in a deleted file, its descriptor 9; its directory is out. Its pid is number[0].
 */
int start_victim(struct world *world);
/* "/proc/PID/NAME" of the victim, in a static buffer of in()'s. */
const char *of_victim(const struct world *world, const char *name);

/*
 * One that notes in BASE/more/got that a signal reached it, instead of dying; leader of a group of
 * its own. Its pid is number[0].
 */
int start_noter(struct world *world);
/* Did it note one, or does it within a second? */
bool noted(const struct world *world);

#endif
