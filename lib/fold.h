/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fold.h - repeats of one refusal made one line. The first of its kind goes out at once; those that
 * are equal to it in everything but the time are counted, and go out together when fold_flush() is
 * called next. So whoever calls that every second has lost no more than a second when it is killed.
 *
 * Records of the kernel half are compared as they are, before anything is made of them: a process
 * that asks for the same file a million times costs the daemon a memcmp each.
 */
#ifndef LIB_FOLD_H
#define LIB_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/agent_lock.h"

/*
 * Kinds of refusals of one session that are waited for at once; the one that was not seen for
 * longest makes room for another. Together FOLD_KINDS * sizeof(struct al_event): 36 KiB for a
 * session that was refused something within the last second, nothing for the others.
 */
#define FOLD_KINDS 8

/* Starts as NULL; fold_end() frees it. */
struct fold;

/* repeat: 0 for one event; else so many, the first at first_ns, the last at event->time_ns. */
typedef void (*fold_out)(const struct al_event *event, uint64_t repeat, uint64_t first_ns,
			 void *data);

/* out is called for what has to be written now: the event itself, or what it takes the place of. */
void fold_take(struct fold **fold, const struct al_event *event, fold_out out, void *data);
/* Write what was counted. Returns whether there is anything to wait for. */
bool fold_flush(struct fold **fold, fold_out out, void *data);
/* The same, and the end. */
void fold_end(struct fold **fold, fold_out out, void *data);

#endif
