/* SPDX-License-Identifier: GPL-2.0-only */
/* fold.c - see fold.h */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"

/* One refusal and how often it came again. Of the event only what event_copy() takes is there. */
struct kind {
	bool used;
	bool again;	   /* since the last flush */
	uint64_t repeat;   /* not written yet */
	uint64_t first_ns; /* of these */
	uint64_t seen;	   /* when, in takes: the smallest makes room */
	struct al_event event;
};

struct fold {
	uint64_t takes;
	struct kind kinds[FOLD_KINDS];
};

static uint32_t path_start(const struct al_event *event)
{
	return event->start < AL_PATH_MAX ? event->start : AL_PATH_MAX;
}

static uint32_t chain_len(const struct al_event *event)
{
	return event->chain_len < AL_CHAIN ? event->chain_len : AL_CHAIN;
}

/* What is before the path, and the path; what lies around it is whatever was in the ring before. */
static void event_copy(struct al_event *to, const struct al_event *from)
{
	uint32_t start = path_start(from);

	memcpy(to, from, offsetof(struct al_event, path));
	memcpy(to->path + start, from->path + start, AL_PATH_MAX - start);
}

static bool same_tasks(const struct al_event *a, const struct al_event *b)
{
	if (a->chain_len != b->chain_len)
		return false;
	for (uint32_t i = 0; i < chain_len(a); i++)
		if (a->chain[i].pid != b->chain[i].pid ||
		    strncmp(a->chain[i].comm, b->chain[i].comm, AL_COMM) != 0)
			return false;
	return true;
}

/* Equal in everything that a line shows, but the time. */
static bool same(const struct al_event *a, const struct al_event *b)
{
	uint32_t start = path_start(a);

	return a->op == b->op && a->verdict == b->verdict && a->rule == b->rule &&
	       a->flags == b->flags && a->uid == b->uid && a->dev == b->dev &&
	       a->error == b->error && a->start == b->start && same_tasks(a, b) &&
	       memcmp(a->path + start, b->path + start, AL_PATH_MAX - start) == 0;
}

static void write_out(struct kind *kind, fold_out out, void *data)
{
	/* One is one, and has its own time. */
	if (kind->repeat)
		out(&kind->event, kind->repeat > 1 ? kind->repeat : 0, kind->first_ns, data);
	kind->repeat = 0;
}

static void count(struct kind *kind, const struct al_event *event, uint64_t now)
{
	if (!kind->repeat)
		kind->first_ns = event->time_ns;
	kind->event.time_ns = event->time_ns;
	kind->repeat++;
	kind->again = true;
	kind->seen = now;
}

void fold_take(struct fold **fold, const struct al_event *event, fold_out out, void *data)
{
	struct kind *place = NULL;

	if (!*fold)
		*fold = calloc(1, sizeof(**fold));
	if (!*fold) {
		out(event, 0, 0, data);
		return;
	}
	(*fold)->takes++;
	for (size_t i = 0; i < FOLD_KINDS; i++) {
		struct kind *kind = &(*fold)->kinds[i];

		if (kind->used && same(&kind->event, event)) {
			count(kind, event, (*fold)->takes);
			return;
		}
		if (!place || (place->used && (!kind->used || kind->seen < place->seen)))
			place = kind;
	}
	write_out(place, out, data);
	place->used = place->again = true;
	place->seen = (*fold)->takes;
	event_copy(&place->event, event);
	out(event, 0, 0, data);
}

bool fold_flush(struct fold **fold, fold_out out, void *data)
{
	bool waiting = false;

	if (!*fold)
		return false;
	for (size_t i = 0; i < FOLD_KINDS; i++) {
		struct kind *kind = &(*fold)->kinds[i];

		write_out(kind, out, data);
		kind->used = kind->used && kind->again;
		kind->again = false;
		waiting = waiting || kind->used;
	}
	if (waiting)
		return true;
	free(*fold);
	*fold = NULL;
	return false;
}

void fold_end(struct fold **fold, fold_out out, void *data)
{
	(void)fold_flush(fold, out, data);
	free(*fold);
	*fold = NULL;
}
