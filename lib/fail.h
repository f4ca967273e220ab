/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail.h - errors as values: a function that fails returns -1 and fills the caller's struct fail
 * with an errno and one sentence; on success it leaves it alone. Nothing in lib/ prints.
 */
#ifndef LIB_FAIL_H
#define LIB_FAIL_H

struct fail {
	int no;		/* an errno, or 0 when none fits */
	char msg[512];	/* lower case, no full stop, user text already escaped */
	char hint[512]; /* one thing to do about it, or "" */
};

/* Fill f and return -1. The sentence ends in ": strerror(no)" when no is not 0. f may be NULL. */
int fail(struct fail *f, int no, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Add the cure to a failure that is there already; returns -1. */
int fail_hint(struct fail *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
