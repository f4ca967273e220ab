/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm_kept.c - see lsm_kept.h */
#include <errno.h>
#include <stdlib.h>

#include "lsm_kept.h"

struct lsm_kept {
	struct al_name *list;
	size_t len;
	size_t cap;
};

struct lsm_kept *lsm_kept_new(void)
{
	return calloc(1, sizeof(struct lsm_kept));
}

void lsm_kept_free(struct lsm_kept *kept)
{
	if (!kept)
		return;
	free(kept->list);
	free(kept);
}

static int compare(const void *a, const void *b)
{
	const struct al_name *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Room for the three that stand for one. */
static int grow(struct lsm_kept *kept, struct fail *f)
{
	size_t cap = kept->cap ? kept->cap * 2 : 256;
	struct al_name *more;

	if (kept->len + 3 <= kept->cap)
		return 0;
	more = reallocarray(kept->list, cap, sizeof(*more));
	if (!more)
		return fail(f, ENOMEM, "cannot hold the sessions' rules");
	kept->list = more;
	kept->cap = cap;
	return 0;
}

int lsm_kept_add(struct lsm_kept *kept, const struct al_name *what, struct fail *f)
{
	if (grow(kept, f))
		return -1;
	kept->list[kept->len++] = *what;
	kept->list[kept->len++] = (struct al_name){.object = what->object, .slot = what->slot};
	kept->list[kept->len++] = (struct al_name){.object = what->object, .slot = LSM_ANY_SLOT};
	return 0;
}

void lsm_kept_sort(struct lsm_kept *kept)
{
	if (kept->len)
		qsort(kept->list, kept->len, sizeof(*kept->list), compare);
}

bool lsm_kept_has(const struct lsm_kept *kept, const struct al_name *what)
{
	return kept->len && bsearch(what, kept->list, kept->len, sizeof(*what), compare);
}
