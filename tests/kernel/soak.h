/* SPDX-License-Identifier: GPL-2.0-only */
/* soak.h - what soak.c and the soaker that it has jailed count together, in a file of the project. */
#ifndef SOAK_H
#define SOAK_H

#include <stdatomic.h>
#include <stdint.h>

#define SOAK_QUIT UINT64_MAX

/* Each number is written by one side alone. begun before an open, refused after it: killed between. */
struct tally {
	_Atomic uint64_t asked; /* soak: how many orders it gave */
	_Atomic uint64_t order; /* soak: so many outside opens, and as many inside; or SOAK_QUIT */
	_Atomic uint64_t answered; /* soaker: how many orders are done */
	_Atomic uint64_t begun;
	_Atomic uint64_t refused;
	_Atomic uint64_t breaches; /* outside opens that worked, or failed in another way */
	_Atomic uint64_t broken;   /* inside opens that did not work */
	_Atomic uint64_t ready;
};

#endif
