/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git.h - the rules that make git work in a project, and keep what a session leaves in a repository
 * from running anything later. Nothing is run, and nothing is granted because a file in the project
 * says so: an earlier session may have written that.
 */
#ifndef LIB_GIT_H
#define LIB_GIT_H

#include "fail.h"
#include "policy.h"

/*
 * project: the directory (O_PATH), path its name. Of a linked work tree or a submodule's the repository
 * outside is granted if it says itself that this is its work tree; else *out_doubt (owned) says why it
 * was not, in one line, escaped. NULL: there is nothing to say.
 */
int git_add_repository(int project, const char *path, struct policy *policy, char **out_doubt,
		       struct fail *f);
/* The files that the user's own configuration includes, and the hooks that it names: to be read. */
int git_add_configuration(const char *home, struct policy *policy, struct fail *f);

#endif
