/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook.h - refusals told to the model that leads an agent, in the form that agents take from their hooks:
 * so that it knows whom to ask, instead of trying again.
 */
#ifndef LIB_HOOK_H
#define LIB_HOOK_H

#include <stddef.h>
#include <stdio.h>

#define HOOK_SHOWN 5 /* refusals in one answer */

/*
 * Print one JSON object that tells of the refusals in these lines of a log, each kind once, the latest
 * HOOK_SHOWN of them; nothing if there is none. Lines that are none, and one without its end, are passed
 * over. hook: the agent's name for the moment (PostToolUse), which it wants to have back. Returns how
 * many bytes were whole lines.
 */
size_t hook_answer(const char *log, size_t len, const char *hook, FILE *out);

#endif
