/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_fold.c - the promises of lib/fold.h: whatever comes in whatever order, what goes out stands
 * for exactly that, equal is equal in all that is shown, and nothing is held back over a flush.
 */
#include <stdlib.h>
#include <string.h>

#include "../../lib/fold.h"
#include "../tap.h"

#define PATHS 20

struct seen {
	uint64_t lines;
	uint64_t events;
	uint64_t by_path[PATHS];
	uint64_t repeat, first_ns, last_ns; /* of the last line */
	bool backwards;			    /* a line ends before it begins */
};

static void see(const struct al_event *event, uint64_t repeat, uint64_t first_ns, void *data)
{
	struct seen *seen = data;
	uint64_t events = repeat ? repeat : 1;

	seen->lines++;
	seen->events += events;
	seen->by_path[(unsigned char)event->path[AL_PATH_MAX - 1] % PATHS] += events;
	seen->repeat = repeat;
	seen->first_ns = first_ns;
	seen->last_ns = event->time_ns;
	seen->backwards = seen->backwards || (repeat && first_ns > event->time_ns) || repeat == 1;
}

static struct al_event sample(unsigned int path)
{
	struct al_event event;

	/* What is not the event's own may be anything. */
	memset(&event, rand(), sizeof(event));
	event.time_ns = 0;
	event.op = AL_OP_READ;
	event.verdict = AL_REFUSED;
	event.rule = 1;
	event.flags = event.uid = event.dev = 0;
	event.error = 1;
	event.chain_len = 1;
	event.chain[0].pid = 800;
	memcpy(event.chain[0].comm, "cat\0x", 5);
	event.start = AL_PATH_MAX - 3;
	event.path[event.start] = '/';
	event.path[event.start + 1] = 'a';
	event.path[event.start + 2] = (char)path;
	return event;
}

static void take(struct fold **fold, const struct al_event *event, uint64_t time_ns,
		 struct seen *seen)
{
	struct al_event timed = *event;

	timed.time_ns = time_ns;
	fold_take(fold, &timed, see, seen);
}

static void test_counts(void)
{
	struct al_event event = sample(0);
	struct fold *fold = NULL;
	struct seen seen = {0};

	take(&fold, &event, 10, &seen);
	ok(seen.lines == 1 && !seen.repeat, "the first goes out at once, as it is");
	for (uint64_t i = 0; i < 1000000; i++)
		take(&fold, &event, 20 + i, &seen);
	ok(seen.lines == 1, "a million more are counted");
	ok(fold_flush(&fold, see, &seen) && seen.lines == 2 && seen.repeat == 1000000 &&
		   seen.first_ns == 20 && seen.last_ns == 20 + 999999,
	   "and are one line, with the first and the last time");
	take(&fold, &event, 2000000, &seen);
	ok(seen.lines == 2, "one more after that waits for the next");
	ok(fold_flush(&fold, see, &seen) && seen.lines == 3 && !seen.repeat &&
		   seen.last_ns == 2000000,
	   "and is a line without a count, for it is one");
	ok(!fold_flush(&fold, see, &seen) && seen.lines == 3 && !fold,
	   "then nothing is held any more");
	take(&fold, &event, 3000000, &seen);
	ok(seen.lines == 4, "the next one is a first one again");
	take(&fold, &event, 3000001, &seen);
	fold_end(&fold, see, &seen);
	ok(seen.lines == 5 && seen.events == 1000004 && !fold, "the end holds nothing back");
	fold_end(&fold, see, &seen);
	ok(seen.lines == 5 && !fold_flush(&fold, see, &seen), "nothing has no end, and no flush");
}

/* Everything that a line shows tells two refusals apart. */
static void test_differences(void)
{
	static const char *const what[] = {"operation", "verdict", "rule",   "uid",
					   "error",	"process", "comm",   "chain",
					   "path",	"length",  "device", "flags"};
	struct al_event event = sample(0), others[12];
	struct fold *fold = NULL;
	struct seen seen = {0};

	for (size_t i = 0; i < 12; i++)
		others[i] = event;
	others[0].op++;
	others[1].verdict = AL_WOULD_REFUSE;
	others[2].rule = AL_NO_RULE;
	others[3].uid++;
	others[4].error = 2;
	others[5].chain[0].pid++;
	others[6].chain[0].comm[0] = 'b';
	others[7].chain_len = 2;
	others[8].path[AL_PATH_MAX - 2] = 'b';
	others[9].start--;
	others[10].dev++;
	others[11].flags = AL_PATH_IN_FS;
	for (size_t i = 0; i < 12; i++) {
		memset(&seen, 0, sizeof(seen));
		take(&fold, &event, 1, &seen);
		take(&fold, &others[i], 2, &seen);
		fold_end(&fold, see, &seen);
		ok(seen.lines == 2 && seen.events == 2, "told apart: another %s", what[i]);
	}
	memset(&seen, 0, sizeof(seen));
	others[0] = sample(0);
	others[0].chain[0].comm[5] = 'z';
	take(&fold, &event, 1, &seen);
	take(&fold, &others[0], 2, &seen);
	ok(seen.lines == 1, "what lies around them does not");
	fold_end(&fold, see, &seen);
}

static void test_strange(void)
{
	struct al_event event = sample(0);
	struct fold *fold = NULL;
	struct seen seen = {0};

	event.start = UINT32_MAX;
	event.chain_len = UINT32_MAX;
	take(&fold, &event, 1, &seen);
	take(&fold, &event, 2, &seen);
	fold_end(&fold, see, &seen);
	ok(seen.lines == 2 && seen.events == 2, "lengths that are too large");
}

/* Any order: each path's lines stand for just as many as came. */
static void test_sums(void)
{
	uint64_t made[PATHS] = {0}, time_ns = 0, before, folded = 0;
	struct al_event events[PATHS];
	struct fold *fold = NULL;
	struct seen seen = {0};

	for (unsigned int i = 0; i < PATHS; i++)
		events[i] = sample(i);
	for (int round = 0; round < 200000; round++) {
		unsigned int kinds = 1 + (unsigned int)(round / 1000) % PATHS;
		unsigned int path = (unsigned int)rand() % kinds;

		made[path]++;
		before = seen.lines;
		take(&fold, &events[path], ++time_ns, &seen);
		if (rand() % 500 == 0)
			(void)fold_flush(&fold, see, &seen);
		folded += kinds <= FOLD_KINDS ? seen.lines - before : 0;
	}
	fold_end(&fold, see, &seen);
	ok(seen.events == 200000 && memcmp(made, seen.by_path, sizeof(made)) == 0,
	   "200000 refusals of 20 kinds in any order: the sums are exact");
	ok(!seen.backwards, "no line ends before it begins, none has a count of one");
	ok(folded < 200000 * FOLD_KINDS / PATHS / 20,
	   "as long as there is room for all kinds they are folded");
}

int main(void)
{
	srand(1);
	test_counts();
	test_differences();
	test_strange();
	test_sums();
	return tap_done();
}
