/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm_inside.h - the inside of struct lsm, for lsm.c, lsm_maps.c and lsm_events.c alone. */
#ifndef LIB_LSM_INSIDE_H
#define LIB_LSM_INSIDE_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent_lock.skel.h"
#include "lsm.h"

struct lsm {
	struct agent_lock *skel;
	struct agent_lock__data *globals; /* shared with the programs: skel's, or taken over */
	struct ring_buffer *rings[LSM_RINGS];
	int budget; /* events that are still handed over in this call */
	lsm_event_fn event;
	void *event_data;
	struct al_event held; /* taken from the ring, not handed over yet */
	bool holds;
	int cpus;
	uint64_t *zeros; /* a counter, on each of them */
};

/* FNV-1a of some bytes, going on from hash; begins with AL_FNV_BASIS. As the programs hash names. */
uint64_t lsm_hash(const void *bytes, size_t size, uint64_t hash);

#endif
