/* SPDX-License-Identifier: GPL-2.0-only */
/* git.c - see git.h; the layout is that of gitrepository-layout(5). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git.h"
#include "gitconfig.h"
#include "util.h"

#define ORIGIN "git"
#define GITDIRS_MAX 256 /* submodules and work trees of one repository that are looked at */
#define DEPTH_MAX 6	/* submodules of submodules, and names with slashes */

/* Where a rule goes, and how much is left to look at. */
struct git {
	struct policy *policy;
	struct fail *f;
	unsigned int left;
};

static int add(struct git *git, enum policy_right right, const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s%s", dir, *name ? "/" : "", name) >=
	    (int)sizeof(path))
		return 0; /* too long to be opened */
	return policy_add(git->policy, right, path, ORIGIN, false, true, git->f);
}

/* What git would run, or be led by to what it would run, in a repository of its own or of a work tree. */
static int guard_part(struct git *git, const char *dir)
{
	static const char *const names[] = {"hooks", "config.worktree", "commondir", "gitdir"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (add(git, POLICY_GUARD, dir, names[i]))
			return -1;
	return 0;
}

static int guard(struct git *git, const char *dir)
{
	return guard_part(git, dir) || add(git, POLICY_GUARD, dir, "config") ? -1 : 0;
}

/*
 * A small file of the caller's or root's, whole and without the newline at its end; NULL with errno. No
 * link, no fifo: whoever put it there must not choose what is read, nor keep us waiting.
 */
static char *read_small(int dir, const char *name, size_t max)
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

static bool same(int a, int b)
{
	struct stat of_a, of_b;

	return a >= 0 && b >= 0 && fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 &&
	       of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static int open_dir(int at, const char *path)
{
	return openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Does dir lie in project, or is it that? */
static bool lies_in(int dir, int project)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 0), up;

	for (; at >= 0; at = up) {
		bool found = same(at, project), root;

		up = found ? -1 : open_dir(at, "..");
		root = same(at, up);
		close(at);
		if (root)
			close(up);
		if (found || root)
			return found;
	}
	return false;
}

static int guard_below(struct git *git, int at, const char *dir, const char *name, int depth);

/* Each entry of a directory that is a directory, no link; the list is bounded. */
static int each_below(struct git *git, int at, const char *dir,
		      int (*each)(struct git *git, int at, const char *dir, const char *name,
				  int depth),
		      int depth)
{
	DIR *entries = NULL;
	struct dirent *entry;
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd >= 0)
		entries = fdopendir(fd);
	if (!entries) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!ret && git->left && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		ret = each(git, fd, dir, entry->d_name, depth);
	}
	closedir(entries);
	return ret;
}

static int open_below(int at, const char *name)
{
	return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int guard_worktree(struct git *git, int at, const char *dir, const char *name, int depth)
{
	char path[PATH_MAX];

	(void)at;
	(void)depth;
	git->left--;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return guard(git, path);
}

/* The work trees and submodules of a repository. */
static int guard_parts(struct git *git, int gitdir, const char *dir, int depth)
{
	cleanup_fd int worktrees = open_below(gitdir, "worktrees");
	cleanup_fd int modules = open_below(gitdir, "modules");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/worktrees", dir);
	if (worktrees >= 0 && each_below(git, worktrees, path, guard_worktree, depth))
		return -1;
	snprintf(path, sizeof(path), "%s/modules", dir);
	return modules >= 0 ? each_below(git, modules, path, guard_below, depth) : 0;
}

/* A submodule's repository, or a directory that its name goes on in. */
static int guard_below(struct git *git, int at, const char *dir, const char *name, int depth)
{
	cleanup_fd int gitdir = open_below(at, name);
	char path[PATH_MAX];

	if (gitdir < 0 || depth == DEPTH_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	git->left--;
	if (faccessat(gitdir, "HEAD", F_OK, AT_SYMLINK_NOFOLLOW))
		return each_below(git, gitdir, path, guard_below, depth + 1);
	/* Not its configuration: `git submodule update` writes that each time, and fails if it cannot. */
	return guard_part(git, path) || guard_parts(git, gitdir, path, depth + 1) ? -1 : 0;
}

struct wanted {
	const char *key;
	char value[GITCONFIG_VALUE];
};

static void take_wanted(const char *key, const char *value, void *data)
{
	struct wanted *wanted = data;

	if (strcmp(key, wanted->key) == 0)
		snprintf(wanted->value, sizeof(wanted->value), "%s", value);
}

/* The last value of a key in dir's configuration, "" if there is none. */
static void value_of(int dir, const char *name, const char *key, struct wanted *out)
{
	cleanup_free char *text = read_small(dir, name, GITCONFIG_MAX);

	*out = (struct wanted){.key = key};
	if (text)
		gitconfig_each(text, strlen(text), take_wanted, out);
}

/* Hooks that are kept in the project itself. */
static int guard_hooks_path(struct git *git, int gitdir, const char *project)
{
	struct wanted hooks;

	value_of(gitdir, "config", "core.hookspath", &hooks);
	if (!hooks.value[0] || hooks.value[0] == '/' || hooks.value[0] == '~')
		return 0;
	return add(git, POLICY_GUARD, project, hooks.value);
}

static int granted(struct git *git, int gitdir, const char *dir)
{
	return add(git, POLICY_RW, dir, "") || guard(git, dir) || guard_parts(git, gitdir, dir, 0)
		       ? -1
		       : 0;
}

/*
 * The repository that a work tree belongs to, two levels above its own directory: git makes it no other
 * way, and a commondir that says otherwise could lead anywhere. What the main work tree alone has,
 * HEAD and index, is not this one's.
 */
static int grant_common(struct git *git, int gitdir, const char *dir)
{
	cleanup_free char *text = read_small(gitdir, "commondir", PATH_MAX);
	cleanup_fd int named = text ? open_dir(gitdir, text) : -1,
		       common = open_dir(gitdir, "../..");
	char path[PATH_MAX];

	if (!same(named, common) || fd_path(common, path, sizeof(path)))
		return 1;
	if (granted(git, common, path) || add(git, POLICY_GUARD, path, "HEAD") ||
	    add(git, POLICY_GUARD, path, "index"))
		return -1;
	/* Deeper than what was said of its parent: its own HEAD and index it may write. */
	return granted(git, gitdir, dir);
}

/* 0: granted; 1: it does not say that this is its work tree; -1 */
static int grant(struct git *git, int project, int gitfile, int gitdir, const char *dir)
{
	cleanup_free char *back = read_small(gitdir, "gitdir", PATH_MAX);
	struct wanted worktree;

	if (back) {
		cleanup_fd int file = openat(gitdir, back, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		return same(file, gitfile) ? grant_common(git, gitdir, dir) : 1;
	}
	value_of(gitdir, "config", "core.worktree", &worktree);
	if (worktree.value[0]) {
		cleanup_fd int tree = open_dir(gitdir, worktree.value);

		return same(tree, project) ? granted(git, gitdir, dir) : 1;
	}
	return 1;
}

static int doubt(char **out_doubt, const char *why, const char *what)
{
	if (asprintf(out_doubt, "%s '%s'", why, Q(what)) < 0)
		*out_doubt = NULL;
	return 0;
}

/* .git is a file: "gitdir: PATH". */
static int add_pointed(struct git *git, int project, int gitfile, char **out_doubt)
{
	static const char PREFIX[] = "gitdir: ";
	cleanup_free char *text = read_small(project, ".git", PATH_MAX + sizeof(PREFIX));
	cleanup_fd int gitdir = -1;
	char dir[PATH_MAX];
	int ret;

	if (!text || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return doubt(out_doubt, "git: not understood:", ".git");
	gitdir = open_dir(project, text + strlen(PREFIX));
	if (gitdir < 0 || fd_path(gitdir, dir, sizeof(dir)))
		return doubt(out_doubt,
			     "git: .git leads to what cannot be opened:", text + strlen(PREFIX));
	/* Then it is the session's own, whatever it says. */
	if (lies_in(gitdir, project))
		return guard(git, dir) || guard_parts(git, gitdir, dir, 0) ? -1 : 0;
	ret = grant(git, project, gitfile, gitdir, dir);
	return ret > 0 ? doubt(out_doubt,
			       "git: not granted, as it does not point back here (--rw if it is "
			       "meant):",
			       dir)
		       : ret;
}

int git_add_repository(int project, const char *path, struct policy *policy, char **out_doubt,
		       struct fail *f)
{
	struct git git = {.policy = policy, .f = f, .left = GITDIRS_MAX};
	cleanup_fd int there = openat(project, ".git", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int gitdir = -1;
	char dir[PATH_MAX];
	struct stat st;

	*out_doubt = NULL;
	if (there < 0 || fstat(there, &st))
		return 0;
	if (S_ISREG(st.st_mode))
		return add_pointed(&git, project, there, out_doubt);
	if (!S_ISDIR(st.st_mode))
		return doubt(out_doubt, "git: neither a directory nor a file:", ".git");
	gitdir = open_below(project, ".git");
	snprintf(dir, sizeof(dir), "%s/.git", path);
	return gitdir >= 0 && (guard_parts(&git, gitdir, dir, 0) ||
			       guard_hooks_path(&git, gitdir, path))
		       ? -1
		       : 0;
}

struct including {
	struct git *git;
	const char *home;
	int own[2];	 /* the home directory, and its .config */
	const char *dir; /* of the file that is read */
	int depth;
	int ret;
};

/* ~/ is the home directory, what is relative is so to the file that says it. */
static bool expand(const struct including *including, const char *value, char *out, size_t size)
{
	int len = value[0] == '~' && value[1] == '/'
			  ? snprintf(out, size, "%s%s", including->home, value + 1)
		  : value[0] == '/' ? snprintf(out, size, "%s", value)
				    : snprintf(out, size, "%s/%s", including->dir, value);

	return len > 0 && (size_t)len < size && value[0];
}

/* A place of the user's own, which no session has by default. */
static bool is_own(const struct including *including, int dir)
{
	return same(dir, including->own[0]) ||
	       (including->own[1] >= 0 && lies_in(dir, including->own[1]));
}

static void read_configuration(struct including *including, const char *file);

/*
 * What the user's configuration names may lie in a project, where a session could have put a link in its
 * place, or words of its own: so elsewhere no link is followed, and nothing that is said there.
 */
static void take_include(const char *key, const char *value, void *data)
{
	struct including *including = data;
	bool include = strcmp(key, "include.path") == 0 || strcmp(key, "includeif.path") == 0;
	bool hooks = strcmp(key, "core.hookspath") == 0 && strchr("~/", value[0]);
	char path[PATH_MAX], above[PATH_MAX];
	cleanup_fd int dir = -1;
	struct stat st;

	if (including->ret || !(include || hooks) || !including->git->left ||
	    !expand(including, value, path, sizeof(path)) || lstat(path, &st))
		return;
	*strrchr(strcpy(above, path), '/') = '\0';
	dir = open_dir(AT_FDCWD, *above ? above : "/");
	if (dir < 0 || (S_ISLNK(st.st_mode) && !is_own(including, dir)))
		return;
	including->git->left--;
	including->ret = policy_add(including->git->policy, POLICY_RO, path, ORIGIN, false, true,
				    including->git->f);
	if (include && is_own(including, dir))
		read_configuration(including, path);
}

/* Whatever condition an include has: which one holds depends on where git is run. */
static void read_configuration(struct including *including, const char *file)
{
	cleanup_free char *real = realpath(file, NULL);
	cleanup_free char *text = real ? read_small(AT_FDCWD, real, GITCONFIG_MAX) : NULL;
	struct including inner = *including;

	if (!text || including->ret || including->depth == DEPTH_MAX)
		return;
	*strrchr(real, '/') = '\0';
	inner.dir = real;
	inner.depth++;
	gitconfig_each(text, strlen(text), take_include, &inner);
	including->ret = inner.ret;
}

int git_add_configuration(const char *home, struct policy *policy, struct fail *f)
{
	struct git git = {.policy = policy, .f = f, .left = GITDIRS_MAX};
	struct including including = {.git = &git, .home = home};
	static const char *const names[] = {"/.gitconfig", "/.config/git/config"};
	char file[PATH_MAX];

	if (!home)
		return 0;
	snprintf(file, sizeof(file), "%s/.config", home);
	including.own[0] = open_dir(AT_FDCWD, home);
	including.own[1] = open_dir(AT_FDCWD, file);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(file, sizeof(file), "%s%s", home, names[i]);
		read_configuration(&including, file);
	}
	for (size_t i = 0; i < ARRAY_SIZE(including.own); i++)
		if (including.own[i] >= 0)
			close(including.own[i]);
	return including.ret;
}
