/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm_events.c - what the programs emit, out of the rings; see lsm.h */
#include <errno.h>
#include <string.h>

#include "lsm_inside.h"

static void hand_over(struct lsm *lsm)
{
	if (!lsm->holds)
		return;
	lsm->holds = false;
	lsm->event(&lsm->held, lsm->event_data);
}

/*
 * Its place in the ring is given up after this: so what is handed over is the one before. A daemon that
 * is killed takes one with it, which is seen to be missing, rather than leave it to be told twice.
 */
static int on_record(void *context, void *record, size_t size)
{
	struct lsm *lsm = context;

	hand_over(lsm);
	lsm->holds = size >= sizeof(struct al_event);
	if (lsm->holds)
		memcpy(&lsm->held, record, sizeof(lsm->held));
	/*
	 * A negative value ends ring_buffer__consume() after this record; else it goes on as long
	 * as there is more.
	 */
	return --lsm->budget > 0 ? 0 : -EAGAIN;
}

int lsm_events_start(struct lsm *lsm, lsm_event_fn fn, void *data, struct fail *f)
{
	struct bpf_map *const maps[LSM_RINGS] = {lsm->skel->maps.refusals, lsm->skel->maps.floods,
						 lsm->skel->maps.opens};

	lsm->event = fn;
	lsm->event_data = data;
	for (int i = 0; i < LSM_RINGS; i++) {
		lsm->rings[i] = ring_buffer__new(bpf_map__fd(maps[i]), on_record, lsm, NULL);
		if (!lsm->rings[i])
			return fail(f, errno, "cannot read the event rings");
	}
	return 0;
}

int lsm_events_fd(struct lsm *lsm, int ring)
{
	return ring_buffer__epoll_fd(lsm->rings[ring]);
}

/* More than any ring has room for: what was there when this began, and no end is never. */
#define RING_EVENTS ((1 << 23) / (int)sizeof(struct al_event) + 1)

static void read_ring(struct lsm *lsm, int ring, int most)
{
	lsm->budget = most;
	/* Fails only if the callback does, which means: enough. */
	(void)ring_buffer__consume(lsm->rings[ring]);
	hand_over(lsm);
}

void lsm_events_read(struct lsm *lsm)
{
	read_ring(lsm, 0, RING_EVENTS);
	for (int i = 1; i < LSM_RINGS; i++)
		read_ring(lsm, i, LSM_EVENTS_AT_ONCE);
}

void lsm_events_drain(struct lsm *lsm)
{
	for (int i = 0; i < LSM_RINGS; i++)
		read_ring(lsm, i, RING_EVENTS);
}
