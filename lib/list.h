/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list.h - which sessions there are, as text and as JSON: the output of `list`. Plain structs in,
 * text out.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"
#include "limit.h"

struct list_entry {
	char name[SESSION_NAME_MAX + 1];
	char state[16];
	bool audit;
	char directory[AL_PATH_MAX + 1];
	uint64_t processes;
	uint64_t opens; /* in bounds */
	uint64_t refused;
	int64_t created;      /* seconds, CLOCK_REALTIME */
	uint32_t owner;	      /* uid */
	int log_error;	      /* why its log is not written, an errno; 0: it is */
	uint64_t log_missing; /* events that are not in the log for that reason */
	uint32_t unmarked;    /* rules whose object was not found again: it is refused */
	struct usage usage;
};

/*
 * One line a session below a line of titles. Every column is one word (escape(), '-' for an empty
 * one), so cut and awk can have it. now is in seconds, CLOCK_REALTIME.
 */
void list_text(const struct list_entry *entries, size_t len, int64_t now, FILE *out);
/* A JSON array on one line. */
void list_json(const struct list_entry *entries, size_t len, int64_t now, FILE *out);

#endif
