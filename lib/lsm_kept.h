/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lsm_kept.h - of what is in the kernel's maps, what sessions have: to tell it from what an earlier
 * daemon left. Collected, then asked for one by one.
 */
#ifndef LIB_LSM_KEPT_H
#define LIB_LSM_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/agent_lock.h"
#include "fail.h"

#define LSM_ANY_SLOT UINT32_MAX

struct lsm_kept;

/* NULL when out of memory. */
struct lsm_kept *lsm_kept_new(void);
void lsm_kept_free(struct lsm_kept *kept);
/* A session is {slot}; its object {slot, object}; a name in that {slot, object, hash}. */
int lsm_kept_add(struct lsm_kept *kept, const struct al_name *what, struct fail *f);
/* Once, before the first question. */
void lsm_kept_sort(struct lsm_kept *kept);
/* With LSM_ANY_SLOT: does any session have this object? */
bool lsm_kept_has(const struct lsm_kept *kept, const struct al_name *what);

#endif
