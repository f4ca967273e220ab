/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * git_inside.h - what the files of git.h share: what lies where in a repository, by identity. Whatever is
 * read may have been put there by a session.
 */
#ifndef LIB_GIT_INSIDE_H
#define LIB_GIT_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#define GIT_ORIGIN "git"
#define GIT_DEPTH_MAX 6 /* submodules of submodules, names with slashes, files that include files */

/*
 * A small file of the caller's or root's, whole and without the newline at its end (owned); NULL with
 * errno. No link, no fifo: whoever put it there must not choose what is read, nor keep us waiting.
 */
char *git_read(int dir, const char *name, size_t max);
bool git_same(int a, int b);
/* O_PATH descriptors of directories, that the caller closes; -1 with errno. */
int git_open(int at, const char *path);
int git_open_below(int at, const char *name); /* no link */
/* Does dir lie in project, or is it that? */
bool git_lies_in(int dir, int project);
/* Is dir what its parent has under this name? */
bool git_is_named(int dir, const char *name);
/* Is gitdir REPOSITORY/worktrees/NAME, of a main repository? */
bool git_is_worktree_of(int gitdir, int repository);
/* Is it a repository at .../modules/NAME of a main one, of a work tree's or of a submodule's? depth: 0 */
bool git_is_submodule(int gitdir, int depth);

#endif
