/* SPDX-License-Identifier: GPL-2.0-only */
/* world.h - the world of one try: made, looked at, taken away. For main.c alone. */
#ifndef WORLD_H
#define WORLD_H

#include "adversary.h"

/* Make out anew and empty the project; ends what spawn() started. 0 or an errno. */
int world_make(struct world *world);
/* Remove base and all in it. */
void world_end(struct world *world);
/* Everything below base but the project as text, to be compared; the caller frees it. */
char *world_print(const struct world *world);
/* What why_not() was last told. */
const char *why_text(void);

#endif
