/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - a session's policy as text: an ordered list of (right, path), later entries winning
 * over earlier ones for the same object and deeper ones over shallower ones. Made from
 * conf/agent-lock.ini, --policy files and flags; printed by `show` in the form that `new --policy`
 * reads.
 */
#ifndef LIB_POLICY_H
#define LIB_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fail.h"
#include "limit.h"

enum policy_right {
	POLICY_RW,	/* read, list, exec, write; not connect */
	POLICY_RO,	/* read, list, exec */
	POLICY_LIST,	/* list this directory; nothing below it */
	POLICY_CONNECT, /* connect to this unix socket */
	POLICY_DENY,	/* EPERM */
	POLICY_HIDE,	/* ENOENT */
	POLICY_SCRATCH, /* rw, of what the session itself put in this directory; the rest is refused */
	POLICY_GUARD, /* ro, and nobody inside makes it where it is missing */
	POLICY_STATE, /* rw; a directory that is made if it is missing */
	POLICY_NRIGHTS,
};

/* What becomes of the environment of a command that enters; of all that match, the last counts. */
enum policy_variable_kind {
	POLICY_PASS, /* variables whose name matches this fnmatch(3) pattern are handed in */
	POLICY_DROP, /* or are not */
	POLICY_SET,  /* NAME=VALUE, whatever there was */
	POLICY_NVARIABLES,
};

struct policy_variable {
	enum policy_variable_kind kind;
	char *text;
};

#define POLICY_OWN_LOG "its log" /* the origin of a rule that each session gets for itself */
#define POLICY_MAX_RULES 4096	 /* of one session; as many patterns */

struct policy_rule {
	enum policy_right right;
	bool system;   /* from the base configuration: its allowed uses are not listed */
	bool optional; /* a path that does not exist is no error (base configuration) */
	char *path;    /* absolute, ~ and ${PROJECT} expanded */
	char *origin;  /* "FILE:LINE" or "--rw", for messages */
};

struct policy {
	struct policy_rule *rules;
	size_t len;
	char **sensitive; /* patterns, ~ expanded */
	size_t sensitive_len;
	struct policy_variable *variables;
	size_t variables_len;
	bool audit;
	bool localhost; /* TCP to this machine's own services is allowed */
	bool userns;	/* user namespaces, and mounts in them, are allowed */
	struct limits limits;
};

void policy_init(struct policy *policy);
/* Frees the contents. */
void policy_done(struct policy *policy);
/*
 * Append one rule (strings are copied). Fails on a relative path, one over PATH_MAX - 1 bytes, or
 * when full.
 */
int policy_add(struct policy *policy, enum policy_right right, const char *path, const char *origin,
	       bool system, bool optional, struct fail *f);
/*
 * Append one fnmatch(3) pattern. Without a slash (*.pem) it is compared with a path's last
 * component. With slashes it must be absolute (/home/ana/.ssh) and is compared with the path and
 * with each directory above it; * and ? stand for no slash. A dot at the start of a name is a
 * letter like others; slashes at the end of a pattern are dropped. Fails as policy_add().
 */
int policy_add_sensitive(struct policy *policy, const char *pattern, struct fail *f);
/*
 * Append what is to become of an environment variable. Fails on a name that is none (letters, digits
 * and _, in a pattern * ? and [] too), a value of PATH_MAX bytes or more, or when full.
 */
int policy_add_variable(struct policy *policy, enum policy_variable_kind kind, const char *text,
			struct fail *f);
const char *policy_variable_name(enum policy_variable_kind kind);
/*
 * Drop what is said again later: of rules with the same right and path the last one stays, since
 * the last one decides; of equal patterns the first. So a policy that was printed and read over its
 * own base is the same again.
 */
void policy_tidy(struct policy *policy);
/* Is this path one of those that hold keys, credentials or history? For display only. */
bool policy_sensitive(const struct policy *policy, const char *path);
/* What the kernel side keeps for the session as a whole: AL_AUDIT | AL_LOCALHOST | AL_USERNS; and back. */
uint32_t policy_flags(const struct policy *policy);
void policy_set_flags(struct policy *policy, uint32_t flags);
/* The rights bits (AL_READ | ...) that the kernel side keeps for a right. */
uint32_t policy_rights(enum policy_right right);
const char *policy_right_name(enum policy_right right);
/* Returns false when name is no right. */
bool policy_right_parse(const char *name, enum policy_right *out_right);
/*
 * Print in the form that conf_read() accepts. What it reads is the same policy but for the origins, and
 * for the session's own log; a rule that is system is optional too.
 */
void policy_print(const struct policy *policy, FILE *out);
/* One line of it. */
void policy_print_path(enum policy_right right, const char *path, FILE *out);

#endif
