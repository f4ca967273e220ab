/* SPDX-License-Identifier: GPL-2.0-only */
/* marks.c - see marks.h */
#include <errno.h>
#include <search.h>
#include <stdbool.h>

#include "marks.h"
#include "util.h"

struct marked {
	uint32_t id;
	uint32_t references;
	bool numbered;
	bool known; /* as what: an earlier daemon told nobody */
	struct al_number numbers[AL_NUMBERS_OF_ONE];
	int fd; /* -1: missed, there is only its number */
};

struct marks {
	struct lsm *lsm;
	void *tree; /* tsearch(3)'s, by id */
};

struct marks *marks_new(struct lsm *lsm)
{
	struct marks *marks = calloc(1, sizeof(*marks));

	if (!marks)
		return NULL;
	marks->lsm = lsm;
	return marks;
}

static void free_marked(void *marked)
{
	int fd = ((struct marked *)marked)->fd;

	if (fd >= 0)
		close(fd);
	free(marked);
}

void marks_free(struct marks *marks)
{
	if (!marks)
		return;
	tdestroy(marks->tree, free_marked);
	free(marks);
}

static int by_id(const void *a, const void *b)
{
	uint32_t one = ((const struct marked *)a)->id, other = ((const struct marked *)b)->id;

	return (one > other) - (one < other);
}

static struct marked *find(struct marks *marks, uint32_t id)
{
	struct marked **node = tfind(&(struct marked){.id = id}, &marks->tree, by_id);

	return node ? *node : NULL;
}

/* One that is not there yet, with one reference; it closes no descriptor of yours on failure. */
static struct marked *add(struct marks *marks, uint32_t id, int fd, struct fail *f)
{
	struct marked *marked = malloc(sizeof(*marked));

	if (marked)
		*marked = (struct marked){.id = id, .references = 1, .fd = fd};
	if (marked && tsearch(marked, &marks->tree, by_id))
		return marked;
	free(marked);
	fail(f, ENOMEM, "cannot hold the policy's objects");
	return NULL;
}

static void forget(struct marks *marks, struct marked *marked)
{
	tdelete(marked, &marks->tree, by_id);
	free(marked);
}

/* The same, and its inode gets the mark. */
static int add_marked(struct marks *marks, uint32_t id, int fd, struct fail *f)
{
	struct marked *marked = add(marks, id, fd, f);

	if (!marked)
		return -1;
	if (lsm_mark(marks->lsm, fd, id, f) == 0)
		return 0;
	forget(marks, marked);
	return -1;
}

int marks_take(struct marks *marks, int fd, uint32_t *out_id, struct fail *f)
{
	uint32_t id = lsm_object_of(marks->lsm, fd);
	struct marked *marked = id ? find(marks, id) : NULL;

	if (marked) {
		if (marked->fd < 0)
			marked->fd = fd; /* missed until now */
		else
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
	*out_id = id;
	return add_marked(marks, id, fd, f);
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
	if (!mark)
		return add_marked(marks, id, fd, f);
	return add(marks, id, fd, f) ? 0 : -1;
}

int marks_miss(struct marks *marks, uint32_t id, struct fail *f)
{
	struct marked *marked = find(marks, id);

	if (marked) {
		marked->references++;
		return 0;
	}
	marked = add(marks, id, -1, f);
	if (marked)
		marked->numbered = true;
	return marked ? 0 : -1;
}

int marks_number(struct marks *marks, uint32_t id, struct fail *f)
{
	struct marked *marked = find(marks, id);

	if (!marked || marked->numbered)
		return 0;
	if (lsm_number(marks->lsm, marked->fd, id, marked->numbers, f))
		return -1;
	marked->numbered = marked->known = true;
	return 0;
}

int marks_fd(struct marks *marks, uint32_t id)
{
	struct marked *marked = find(marks, id);

	return marked ? marked->fd : -1;
}

void marks_drop(struct marks *marks, uint32_t id)
{
	struct marked *marked = find(marks, id);

	if (!marked || --marked->references)
		return;
	if (marked->numbered && marked->known)
		lsm_unnumber(marks->lsm, id, marked->numbers);
	else if (marked->numbered)
		lsm_unnumber_all(marks->lsm, id);
	if (marked->fd >= 0) {
		lsm_unmark(marks->lsm, marked->fd);
		close(marked->fd);
	}
	forget(marks, marked);
}
