/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * places.h - what a policy says of an object, before there is a session: the nearest rule above it,
 * found by climbing as the kernel half does (which decides; this only tells what is to be asked of
 * it).
 */
#ifndef LIB_PLACES_H
#define LIB_PLACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "fail.h"
#include "policy.h"

struct place {
	int fd; /* O_PATH, owned: its number is not used again meanwhile */
	dev_t dev;
	ino_t ino;
	enum policy_right right;
};

struct places {
	struct place *list; /* in the policy's order */
	size_t len;
};

/* Open what the policy's rules name, with the caller's rights; what is not there is left out. */
int places_open(const struct policy *policy, struct places *out_places, struct fail *f);
void places_done(struct places *places);
/*
 * The right of the nearest rule about the file behind fd in the directory behind dir; fd may be -1:
 * about the directory. False: none, or something above cannot be looked at.
 */
bool places_decide(const struct places *places, int fd, int dir, enum policy_right *out_right);
/*
 * May the session write the file, its directory or one above it, whatever a rule in between says?
 * Also true when nobody knows.
 */
bool places_writable(const struct places *places, int fd, int dir);

#endif
