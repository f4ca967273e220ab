/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.h - the program that a command names: which file that is, whether a session could have put
 * it there, and what of the file system belongs to it.
 */
#ifndef LIB_PROGRAM_H
#define LIB_PROGRAM_H

#include "fail.h"
#include "lines.h"
#include "places.h"
#include "policy.h"

struct program {
	int fd;	    /* O_PATH, owned: a regular file that the caller may execute */
	int dir;    /* O_PATH, owned: the directory that it is in */
	char *name; /* as typed, without directories */
	char *file; /* for execve(2), by one who stands in start: what was typed, or found in PATH */
	char *path; /* absolute, links resolved */
};

/*
 * Find it as execvp(3) would in PATH search (NULL: there is none), with the caller's rights, from the
 * directory behind start. False when there is none; else the caller frees *out_program with
 * program_done().
 */
bool program_find(const char *typed, const char *search, int start, struct program *out_program);
void program_done(struct program *program);
/* Its name with links resolved. */
const char *program_real_name(const struct program *program);

/*
 * Could a session with these rules have put it there? Asked of the file and of each directory in
 * which a name or a link on the way to it was looked up.
 */
bool program_planted(const struct program *program, int start, const struct places *places);

/* What decides how much is given. */
struct program_context {
	const struct places *places; /* of the whole policy */
	const struct policy *policy; /* the same; its patterns say what is sensitive */
	const char *home;	     /* or NULL */
	const char *search;	     /* PATH */
	int start;		     /* where it starts */
	int project;		     /* descriptors of directories */
};

/*
 * Append rules (ro, origin "program NAME") to policy for what the program needs and what the policy
 * does not speak of: the file; when that is in a node_modules directory, the outermost; what runs it
 * if it is a script, with its prefix. Never a directory that is or holds the home, the project or a
 * secret: then the file alone, and a sentence for people in notes. Not for one that is planted.
 */
int program_grant(const struct program *program, const struct program_context *context,
		  struct policy *policy, struct lines *notes, struct fail *f);

#endif
