/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - what happened in a session so far, as text and as JSON: the output of `report`, and the
 * few lines at the end of `run` and `destroy`. Plain structs in, text out.
 */
#ifndef LIB_REPORT_H
#define LIB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "event.h"

#define REPORT_COMMS 8	/* programs named per target */
#define REPORT_SHOWN 20 /* targets in report_text(); JSON has all */
#define REPORT_TOP 5	/* targets in report_summary() */

/* A program that tried. */
struct report_comm {
	char comm[AL_COMM + 1]; /* raw bytes */
	uint32_t pid;		/* of the first of that name */
	uint64_t count;
};

/* Something out of bounds that was reached for. */
struct report_target {
	char *path; /* raw bytes and a NUL, owned */
	size_t path_len;
	uint32_t op;		 /* enum al_op */
	enum al_verdict verdict; /* AL_REFUSED or AL_WOULD_REFUSE */
	uint64_t count;
	char rule[320]; /* as in struct event */
	bool sensitive;
	struct timespec first; /* CLOCK_REALTIME */
	struct timespec last;
	bool comms_cut; /* there were more programs than comms */
	uint32_t comms_len;
	struct report_comm comms[REPORT_COMMS];
};

struct report {
	char name[SESSION_NAME_MAX + 1];
	char directory[AL_PATH_MAX + 1];
	char state[16]; /* "running", "idle", "frozen", "destroyed" */
	bool audit;
	uint64_t counts[AL_NOPS][AL_NVERDICTS];
	uint64_t lost;	 /* events that nobody could be shown */
	uint64_t others; /* refusals that are in counts but in no target */
	uint64_t age;	 /* seconds */
	uint64_t processes;
	uint32_t owner;	   /* uid */
	uint32_t unmarked; /* rules whose object was not found again: it is refused */
	struct report_target *targets;
	size_t len;
	size_t cap;
};

/*
 * Append a target that has this path (its last AL_PATH_MAX bytes) and nothing else yet; NULL when
 * out of memory.
 */
struct report_target *report_add(struct report *report, const char *path, size_t len);
/* Frees the contents; a zeroed report is fine. */
void report_done(struct report *report);
/*
 * The kernel counts per program: make one target of those with the same path, operation and
 * verdict, and sort by count (most first), then path. Call it before the functions below, which
 * show targets in the order they are in.
 */
void report_merge(struct report *report);
/* All operations of one verdict; UINT64_MAX when it would be more. */
uint64_t report_total(const struct report *report, enum al_verdict verdict);
/*
 * How many of so many cells show part, the rest showing rest: at least one for what is not 0, none
 * for what is.
 */
size_t report_bar(uint64_t part, uint64_t rest, size_t cells);

/*
 * What `report` prints for people; width is the terminal's, 0 when there is none. No colour unless
 * style says so.
 */
void report_text(const struct report *report, const struct event_style *style, FILE *out,
		 int width);
/* One JSON object on one line. */
void report_json(const struct report *report, FILE *out);
/* The end of a session in a few lines. */
void report_summary(const struct report *report, const struct event_style *style, FILE *out);

#endif
