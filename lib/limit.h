/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit.h - how much of the machine a session may use: the numbers, and their one form as text for
 * options, policy files and what `show` prints.
 */
#ifndef LIB_LIMIT_H
#define LIB_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum limit {
	LIMIT_MEMORY, /* bytes */
	LIMIT_PIDS,   /* processes and threads */
	LIMIT_CPU,    /* percent of one CPU */
	LIMIT_KINDS,
};

struct limits {
	uint64_t of[LIMIT_KINDS]; /* 0: no limit */
};

#define USAGE_UNKNOWN UINT64_MAX /* nobody counts it */

/* What is used now, and what may be. Of CPU time only the latter is known. */
struct usage {
	uint64_t now[LIMIT_KINDS];
	struct limits limits;
};

/* The name of the key, of the option (after --), and of the cgroup controller: they are one. */
const char *limit_name(enum limit kind);
/* Returns false when name is none of theirs. */
bool limit_find(const char *name, enum limit *out_kind);
/* What a value looks like, for messages: "a size ...". */
const char *limit_expected(enum limit kind);
/*
 * Memory as a number of bytes or of K, M, G, T (1024 each); pids as a number; cpu as a percentage,
 * 100% being one CPU; or "none", which is 0. False for anything else, and *out_value stays.
 */
bool limit_parse(enum limit kind, const char *text, uint64_t *out_value);
/* Is it a number that limit_parse() gives? */
bool limit_valid(enum limit kind, uint64_t value);

/* How much of the daemon each user but root may have. */
struct user_limits {
	uint64_t sessions;
	uint64_t rules;	   /* in the kernel, of all their sessions: one or two for a path */
	uint64_t requests; /* connections that are open at the same time, a `tail` being one */
};

/* What is left is root's, who has to come in when all others are at their limit. */
#define USER_SESSIONS_MAX 496
#define USER_RULES_MAX 131072
#define USER_REQUESTS_MAX 240
#define USER_LIMITS_DEFAULT ((struct user_limits){.sessions = 256, .rules = 65536, .requests = 48})

#define LIMIT_TEXT 24

/* The shortest text that limit_parse() makes the same number of. */
void limit_text(enum limit kind, uint64_t value, char out[LIMIT_TEXT]);
/* Bytes for people, rounded: 812K, 3.4G. */
void limit_size_text(uint64_t bytes, char out[LIMIT_TEXT]);

#endif
