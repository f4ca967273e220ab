/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - what a session is made of, kept in /run/agent-lock/sessions/NAME while it exists: so
 * that the next daemon can take it over. Written whole and renamed: a crash leaves the old or the
 * new. Only root writes or reads it.
 */
#ifndef LIB_STATE_H
#define LIB_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "fail.h"
#include "policy.h"

struct state_object {
	uint32_t id;
	uint32_t rights;
	uint32_t rule;
	uint64_t dev; /* as stat(2) has them: is it still the same one? */
	uint64_t ino;
	char *path; /* owned */
};

struct state {
	uint32_t owner;
	uint64_t cgroup;
	uint32_t slot;
	uint32_t flags;
	int64_t created;
	char *directory; /* owned */
	struct policy policy;
	struct state_object *objects;
	size_t len;
};

void state_init(struct state *state);
/* Frees the contents. */
void state_done(struct state *state);

/*
 * The rule about this object; with AL_NAMES in rights that about this name in the directory that id
 * marks. NULL if there is none.
 */
struct state_object *state_find(const struct state *state, uint32_t id, uint32_t rights,
				const char *path);
/*
 * In the place of what there was about the same, or as one more, for which there must be room. Takes
 * the path.
 */
void state_put(struct state *state, const struct state_object *object);
void state_drop_objects(struct state *state);

/*
 * First write it beside the one that counts, then have it count: this is a rename and needs no room.
 * No fsync(2): it is there for the next process, not for after a crash of the machine, which no
 * session outlives (and /run is a tmpfs).
 */
int state_write(const char *name, const struct state *state, struct fail *f);
int state_commit(const char *name, struct fail *f);
/* It is not to count. */
void state_abandon(const char *name);
/* What can be read and makes no sense is a failure without an errno. */
int state_load(const char *name, struct state *out_state, struct fail *f);
/* One that is not there is fine. */
void state_remove(const char *name);
/* Calls each with every name that there is a state of. */
int state_each(void (*each)(const char *name, void *data), void *data, struct fail *f);

/* The text itself, for tests and fuzzing. */
void state_print(const struct state *state, FILE *out);
int state_parse(char *text, struct state *out_state, struct fail *f);

#endif
