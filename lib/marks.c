/* SPDX-License-Identifier: GPL-2.0-only */
/* marks.c - see marks.h */
#include <errno.h>
#include <stdbool.h>

#include "marks.h"
#include "util.h"

struct marked {
	uint32_t id;
	uint32_t references;
	bool numbered;
	int fd;
};

struct marks {
	struct lsm *lsm;
	struct marked *list;
	size_t len;
	size_t cap;
};

struct marks *marks_new(struct lsm *lsm)
{
	struct marks *marks = calloc(1, sizeof(*marks));

	if (!marks)
		return NULL;
	marks->lsm = lsm;
	return marks;
}

void marks_free(struct marks *marks)
{
	if (!marks)
		return;
	for (size_t i = 0; i < marks->len; i++)
		close(marks->list[i].fd);
	free(marks->list);
	free(marks);
}

static struct marked *find(struct marks *marks, uint32_t id)
{
	for (size_t i = marks->len; i-- > 0;)
		if (marks->list[i].id == id)
			return &marks->list[i];
	return NULL;
}

static int grow(struct marks *marks, struct fail *f)
{
	struct marked *more;
	size_t cap = marks->cap ? marks->cap * 2 : 64;

	if (marks->len < marks->cap)
		return 0;
	more = reallocarray(marks->list, cap, sizeof(*more));
	if (!more)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	marks->list = more;
	marks->cap = cap;
	return 0;
}

int marks_take(struct marks *marks, int fd, uint32_t *out_id, struct fail *f)
{
	uint32_t id = lsm_object_of(marks->lsm, fd);
	struct marked *marked = id ? find(marks, id) : NULL;

	if (marked) {
		close(fd); /* the one that is held keeps the inode as well */
		marked->references++;
		*out_id = id;
		return 0;
	}
	/*
	 * A mark that nobody here knows of is left from before: its id may stand in no rule any
	 * more, so it gets a new one.
	 */
	id = lsm_new_object(marks->lsm);
	if (!id)
		return fail(f, EOVERFLOW, "cannot number another object");
	if (grow(marks, f) || lsm_mark(marks->lsm, fd, id, f))
		return -1;
	marks->list[marks->len++] = (struct marked){.id = id, .references = 1, .fd = fd};
	*out_id = id;
	return 0;
}

int marks_adopt(struct marks *marks, int fd, uint32_t id, struct fail *f)
{
	uint32_t mark = lsm_object_of(marks->lsm, fd);
	struct marked *marked = find(marks, id);

	if (mark && mark != id)
		return fail(f, 0, "its inode has another mark");
	if (marked) {
		if (!mark)
			return fail(f, 0, "its mark is on another inode");
		close(fd);
		marked->references++;
		return 0;
	}
	if (grow(marks, f) || (!mark && lsm_mark(marks->lsm, fd, id, f)))
		return -1;
	marks->list[marks->len++] = (struct marked){.id = id, .references = 1, .fd = fd};
	return 0;
}

int marks_number(struct marks *marks, uint32_t id, struct fail *f)
{
	struct marked *marked = find(marks, id);

	if (!marked || marked->numbered)
		return 0;
	if (lsm_number(marks->lsm, marked->fd, id, f))
		return -1;
	marked->numbered = true;
	return 0;
}

void marks_drop(struct marks *marks, uint32_t id)
{
	struct marked *marked = find(marks, id);

	if (!marked || --marked->references)
		return;
	lsm_unmark(marks->lsm, marked->fd);
	if (marked->numbered)
		lsm_unnumber(marks->lsm, id);
	close(marked->fd);
	*marked = marks->list[--marks->len];
}
