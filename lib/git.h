/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git.h - the rules that make git work in a project, and keep what a session leaves in a repository
 * from running anything later. Nothing is run, and nothing is granted because a file in the project
 * says so: an earlier session may have written that.
 */
#ifndef LIB_GIT_H
#define LIB_GIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fail.h"
#include "policy.h"
#include "resolve.h"

#define GIT_GRANTED_MAX 1

/* The repositories outside the project that were granted, by what they are. */
struct git_granted {
	size_t len;
	dev_t dev[GIT_GRANTED_MAX];
	ino_t ino[GIT_GRANTED_MAX];
};

/*
 * project: the directory (O_PATH), path its name; home may be NULL. Of a linked work tree or a submodule
 * the repository outside is granted if it says itself that this is its work tree, and if it is one that
 * no project could pass for; else *out_doubt (owned) says why it was not, in one line, escaped. NULL:
 * there is nothing to say. out_granted is for git_check().
 */
int git_add_repository(int project, const char *path, const char *home, struct policy *policy,
		       struct git_granted *out_granted, char **out_doubt, struct fail *f);
/*
 * After objects_resolve(), which opens by name: does each rule that grants a repository lead to the one
 * that was looked at? A session that is at work there could have put a link in its place.
 */
int git_check(const struct git_granted *granted, const struct policy *policy,
	      const struct objects *objects, struct fail *f);
/*
 * The user's own configuration as git reads it: what GIT_CONFIG_GLOBAL names, else ~/.config/git/config
 * and ~/.gitconfig; and what they include.
 */
struct git_user_file {
	char *path; /* as git names it; absolute */
	char *text;
	size_t len;
	unsigned int depth; /* 0: not included */
	bool own;	    /* in a place of the user's that no session has: what it says counts */
	bool secret;	    /* holds what looks like one */
};

struct git_user {
	const char *home;
	struct git_user_file *files;
	size_t len;
	char first_secret[256]; /* for people: which key in which file; "": none */
};

/* home is the caller's and must live as long; NULL: there is nothing. git_user_done() in any case. */
int git_user_read(const char *home, struct git_user *out_user, struct fail *f);
/* Overwrites what was read. */
void git_user_done(struct git_user *user);
/*
 * The files, and what they name that git does not do without, are readable; but those with a secret are
 * refused, and sessions get copies in their TMPDIR. git that cannot open a configuration that is there
 * does nothing at all: refusing them alone would not do.
 */
int git_user_add_rules(const struct git_user *user, struct policy *policy, struct fail *f);

/* Copies without secrets, to be written from inside. */
struct git_copies {
	struct git_copy {
		char *text;
		size_t len;
	} * list; /* the first is the one that includes the others */
	size_t len;
};

/* Does a session with these variables get copies? */
bool git_copies_wanted(const struct policy *policy);
/* Before a session is entered: whoever is inside must not find in this process what was left out. */
int git_copies_make(const struct git_user *user, struct git_copies *out_copies, struct fail *f);
/* Inside. */
int git_copies_write(const struct git_copies *copies, const char *tmpdir, struct fail *f);
void git_copies_done(struct git_copies *copies);

#endif
