/* SPDX-License-Identifier: GPL-2.0-only */
/* git_layout.c - see git_inside.h; gitrepository-layout(5) */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git_inside.h"
#include "util.h"

/*
 * A small file of the caller's or root's, whole and without the newline at its end; NULL with errno. No
 * link, no fifo: whoever put it there must not choose what is read, nor keep us waiting.
 */
char *git_read(int dir, const char *name, size_t max)
{
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text;
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	errno = EINVAL;
	if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) ||
	    st.st_size > (off_t)max)
		return NULL;
	text = malloc(max + 1);
	len = text ? read(fd, text, max) : -1;
	if (len < 0 || memchr(text, '\0', (size_t)len)) {
		free(text);
		return NULL;
	}
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	text[len] = '\0';
	return text;
}

bool git_same(int a, int b)
{
	struct stat of_a, of_b;

	return a >= 0 && b >= 0 && fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 &&
	       of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

int git_open(int at, const char *path)
{
	return openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int git_open_below(int at, const char *name)
{
	return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Does dir lie in project, or is it that? */
bool git_lies_in(int dir, int project)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 0), up;

	for (; at >= 0; at = up) {
		bool found = git_same(at, project), root;

		up = found ? -1 : git_open(at, "..");
		root = git_same(at, up);
		close(at);
		if (root)
			close(up);
		if (found || root)
			return found;
	}
	return false;
}

/* Is dir what its parent has under this name? No link is followed. */
bool git_is_named(int dir, const char *name)
{
	cleanup_fd int above = git_open(dir, "..");
	cleanup_fd int there = above >= 0 ? git_open_below(above, name) : -1;

	return git_same(dir, there);
}

static bool is_private(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0);
}

static bool has(int dir, const char *name, mode_t type)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == type;
}

/*
 * Only a directory that holds a repository and nothing else: in one of its own a session can write all
 * the files that make one, and have what else is there granted to the next. A project has .git in it,
 * or does not bear the name of a repository.
 */
static bool is_repository(int dir)
{
	return is_private(dir) && has(dir, "HEAD", S_IFREG) && has(dir, "config", S_IFREG) &&
	       has(dir, "objects", S_IFDIR) && has(dir, "refs", S_IFDIR) &&
	       faccessat(dir, ".git", F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT;
}

static bool is_main_repository(int dir)
{
	char path[PATH_MAX];
	size_t len;

	if (!is_repository(dir) || fd_path(dir, path, sizeof(path)))
		return false;
	len = strlen(path);
	return (len > 4 && strcmp(path + len - 4, ".git") == 0) || git_is_named(dir, ".bare");
}

/* REPOSITORY/worktrees/NAME. */
bool git_is_worktree_of(int gitdir, int repository)
{
	cleanup_fd int worktrees = git_open(gitdir, ".."),
		       there = git_open_below(repository, "worktrees");

	return is_private(gitdir) && git_same(worktrees, there) && is_main_repository(repository);
}

/* .../modules/NAME, where a name may have slashes, of a repository, of its work tree or of a submodule. */
bool git_is_submodule(int gitdir, int depth)
{
	int at = git_open(gitdir, ".."), up;
	bool found = false;

	for (int level = 0; at >= 0 && level < GIT_DEPTH_MAX; level++, at = up) {
		up = git_open(at, "..");
		if (git_is_named(at, "modules")) {
			cleanup_fd int main = git_open(up, "../..");

			found = is_main_repository(up) ||
				(main >= 0 && git_is_worktree_of(up, main)) ||
				(depth < GIT_DEPTH_MAX && git_is_submodule(up, depth + 1));
		}
		close(at);
		if (found) {
			close(up);
			break;
		}
	}
	if (!found && at >= 0)
		close(at);
	return found && is_repository(gitdir);
}
