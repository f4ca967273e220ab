/* SPDX-License-Identifier: GPL-2.0-only */
/* What sessions have is told from what they have not: rules, names, objects of any of them. */
#include "../tap.h"

#include "lsm_kept.h"

static bool has(struct lsm_kept *kept, uint32_t slot, uint32_t object, uint64_t hash)
{
	return lsm_kept_has(kept, &(struct al_name){.slot = slot, .object = object, .hash = hash});
}

int main(void)
{
	struct lsm_kept *kept = lsm_kept_new(), *none = lsm_kept_new();
	struct fail f = {0};
	bool all = true;

	for (uint32_t slot = 3; slot < 500; slot += 2)
		for (uint32_t object = 900; object; object -= 9)
			all &= !lsm_kept_add(kept,
					     &(struct al_name){.slot = slot,
							       .object = object,
							       .hash = object % 2 ? slot : 0},
					     &f);
	ok(all, "many are collected");
	lsm_kept_sort(kept);
	lsm_kept_sort(none);
	ok(has(kept, 3, 9, 0) && has(kept, 499, 900, 0), "the first and the last are there");
	ok(has(kept, 5, 9, 5), "a name is");
	ok(!has(kept, 5, 9, 6), "another in the same directory is not");
	ok(!has(kept, 5, 18, 5), "nor the same in another");
	ok(!has(kept, 4, 9, 0) && !has(kept, 5, 10, 0), "nor other sessions and objects");
	ok(has(kept, LSM_ANY_SLOT, 891, 0), "an object of any of them is");
	ok(!has(kept, LSM_ANY_SLOT, 890, 0), "one of none is not");
	ok(!has(none, 0, 0, 0), "where nothing was collected there is nothing");
	lsm_kept_free(kept);
	lsm_kept_free(none);
	return tap_done();
}
