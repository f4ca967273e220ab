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

#include "../bpf/agent_lock.h"
#include "git.h"
#include "git_inside.h"
#include "gitconfig.h"
#include "util.h"

/* Each takes up to ten descriptors while a session is made, of 1024 that a process has by default. */
#define GITDIRS_MAX 64	 /* submodules and work trees of one repository that are looked at */
#define ENTRIES_MAX 8192 /* names of its directories */
#define GIT_DEPTH_MAX 6	 /* submodules of submodules, and names with slashes */

/* Where a rule goes, and how much is left to look at. */
struct git {
	struct policy *policy;
	struct fail *f;
	unsigned int left;    /* of GITDIRS_MAX */
	unsigned int entries; /* of ENTRIES_MAX */
	int project;
	const char *path; /* the project's name */
	const char *home;
	int linked; /* of a linked work tree its own directory in the repository; else -1 */
	struct git_granted *granted;
	bool crowded; /* not all of it was looked at */
};

static int add(struct git *git, enum policy_right right, const char *dir, const char *name)
{
	char path[PATH_MAX];

	/* Too long for a path, it can still be reached by a relative one: not to be left open. */
	if (snprintf(path, sizeof(path), "%s%s%s", dir, *name ? "/" : "", name) >=
	    (int)sizeof(path))
		return fail(git->f, ENAMETOOLONG, "cannot guard the repository '%s'", Q(dir));
	return policy_add(git->policy, right, path, GIT_ORIGIN, false, right != POLICY_RW, git->f);
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

static int guard_parts(struct git *git, int gitdir, const char *dir, int depth);
static int guard_below(struct git *git, int at, const char *dir, const char *name, int depth);

/*
 * Each entry of a directory. What is more than is looked at, or cannot be listed, is guarded as a whole: a
 * session could have filled it up so that what matters is left out.
 */
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
		return add(git, POLICY_GUARD, dir, "");
	}
	while (!ret && (entry = readdir(entries))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!git->left || !git->entries) {
			git->crowded = true;
			ret = add(git, POLICY_GUARD, dir, "");
			break;
		}
		git->entries--;
		ret = each(git, fd, dir, entry->d_name, depth);
	}
	closedir(entries);
	return ret;
}

static int guard_worktree(struct git *git, int at, const char *dir, const char *name, int depth)
{
	cleanup_fd int own = git_open_below(at, name);
	char path[PATH_MAX];

	if (own < 0)
		return 0;
	if (depth == GIT_DEPTH_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return add(git, POLICY_GUARD, dir, "");
	git->left--;
	if (guard(git, path) || guard_parts(git, own, path, depth + 1))
		return -1;
	/* What another work tree alone has is not this one's; of its own directory it needs both. */
	if (git->linked < 0 || git_same(own, git->linked))
		return 0;
	return add(git, POLICY_GUARD, path, "HEAD") || add(git, POLICY_GUARD, path, "index") ? -1
											     : 0;
}

static int guard_part_of(struct git *git, int gitdir, const char *dir, const char *name,
			 int (*each)(struct git *git, int at, const char *dir, const char *name,
				     int depth),
			 int depth)
{
	cleanup_fd int part = git_open_below(gitdir, name);
	char path[PATH_MAX];

	if (part < 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return add(git, POLICY_GUARD, dir, "");
	return each_below(git, part, path, each, depth);
}

/* The work trees and submodules of a repository. */
static int guard_parts(struct git *git, int gitdir, const char *dir, int depth)
{
	return guard_part_of(git, gitdir, dir, "worktrees", guard_worktree, depth) ||
			       guard_part_of(git, gitdir, dir, "modules", guard_below, depth)
		       ? -1
		       : 0;
}

/* What lies beside a HEAD that a session may have put where the names of submodules only go on. */
static int guard_beside(struct git *git, int at, const char *dir, const char *name, int depth)
{
	static const char *const parts[] = {"objects", "refs",	"logs",	   "info",     "hooks",
					    "lfs",     "index", "modules", "worktrees"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(name, parts[i]) == 0)
			return 0;
	return guard_below(git, at, dir, name, depth);
}

/* A submodule's repository, or a directory that its name goes on in. */
static int guard_below(struct git *git, int at, const char *dir, const char *name, int depth)
{
	cleanup_fd int gitdir = git_open_below(at, name);
	char path[PATH_MAX];

	if (gitdir < 0)
		return 0;
	if (depth == GIT_DEPTH_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return add(git, POLICY_GUARD, dir, name);
	git->left--;
	if (faccessat(gitdir, "HEAD", F_OK, AT_SYMLINK_NOFOLLOW))
		return each_below(git, gitdir, path, guard_below, depth + 1);
	/* Not its configuration: `git submodule update` writes that each time, and fails if it cannot. */
	return guard_part(git, path) || guard_parts(git, gitdir, path, depth + 1) ||
			       each_below(git, gitdir, path, guard_beside, depth + 1)
		       ? -1
		       : 0;
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
	cleanup_free char *text = git_read(dir, name, GITCONFIG_MAX);

	*out = (struct wanted){.key = key};
	if (text)
		gitconfig_each(text, strlen(text), take_wanted, out);
}

/*
 * A repository's configuration may say that hooks, or more configuration, are kept in the work tree: what
 * is there is run, or obeyed, as if it were in .git. Guarded and not granted: the text may be a session's.
 */
struct local {
	struct git *git;
	const char *dir; /* of the file that is read */
	int depth;
	int ret;
};

static int guard_named(struct git *git, const char *base, const char *value)
{
	char path[PATH_MAX];

	if (value[0] == '~' && value[1] == '/' && git->home)
		return add(git, POLICY_GUARD, git->home, value + 2);
	if (value[0] == '/')
		return add(git, POLICY_GUARD, value, "");
	/* It names nothing that could be opened. */
	if (!value[0] || snprintf(path, sizeof(path), "%s/%s", base, value) >= (int)sizeof(path))
		return 0;
	return add(git, POLICY_GUARD, path, "");
}

static void read_local(struct local *local, int at, const char *name);

static void take_local(const char *key, const char *value, void *data)
{
	struct local *local = data;
	char path[PATH_MAX];

	if (local->ret || !local->git->left)
		return;
	if (strcmp(key, "core.hookspath") == 0) {
		local->git->left--;
		local->ret = guard_named(local->git, local->git->path, value);
	}
	if (strcmp(key, "include.path") != 0 && strcmp(key, "includeif.path") != 0)
		return;
	local->git->left--;
	local->ret = guard_named(local->git, local->dir, value);
	if (value[0] != '/' && value[0] != '~' && !local->ret &&
	    snprintf(path, sizeof(path), "%s/%s", local->dir, value) < (int)sizeof(path))
		read_local(local, AT_FDCWD, path);
}

static void read_local(struct local *local, int at, const char *name)
{
	cleanup_free char *text = git_read(at, name, GITCONFIG_MAX);
	cleanup_free char *dir = at == AT_FDCWD ? strdup(name) : NULL;
	struct local inner = *local;

	if (!text || local->depth == GIT_DEPTH_MAX)
		return;
	if (dir) {
		*strrchr(dir, '/') = '\0';
		inner.dir = dir;
	}
	inner.depth++;
	gitconfig_each(text, strlen(text), take_local, &inner);
	local->ret = inner.ret;
}

static int guard_named_in(struct git *git, int gitdir, const char *dir)
{
	struct local local = {.git = git, .dir = dir};

	read_local(&local, gitdir, "config");
	return local.ret;
}

/* What git would run or obey there, granted or not: --rw may grant it. */
static int guard_all(struct git *git, int gitdir, const char *dir)
{
	return guard(git, dir) || guard_parts(git, gitdir, dir, 0) ||
			       guard_named_in(git, gitdir, dir)
		       ? -1
		       : 0;
}

static int granted(struct git *git, int gitdir, const char *dir)
{
	struct git_granted *granted = git->granted;
	struct stat st;

	if (fstat(gitdir, &st))
		return fail(git->f, errno, "cannot look at the repository '%s'", Q(dir));
	granted->dev[granted->len] = st.st_dev;
	granted->ino[granted->len++] = st.st_ino;
	return add(git, POLICY_RW, dir, "") || guard_all(git, gitdir, dir) ? -1 : 0;
}

/*
 * The repository that a work tree belongs to, two levels above its own directory: git makes it no other
 * way, and a commondir that says otherwise could lead anywhere. What the main work tree alone has,
 * HEAD and index, is not this one's.
 */
static int grant_common(struct git *git, int gitdir)
{
	cleanup_free char *text = git_read(gitdir, "commondir", PATH_MAX);
	cleanup_fd int named = text ? git_open(gitdir, text) : -1,
		       common = git_open(gitdir, "../..");
	char path[PATH_MAX];

	if (!git_same(named, common) || !git_is_worktree_of(gitdir, common) ||
	    fd_path(common, path, sizeof(path)))
		return 1;
	git->linked = gitdir;
	if (granted(git, common, path) || add(git, POLICY_GUARD, path, "HEAD") ||
	    add(git, POLICY_GUARD, path, "index"))
		return -1;
	return 0;
}

/* 0: granted; 1: it does not say that this is its work tree; -1 */
static int grant(struct git *git, int gitfile, int gitdir, const char *dir)
{
	cleanup_free char *back = git_read(gitdir, "gitdir", PATH_MAX);
	struct wanted worktree;

	if (back) {
		cleanup_fd int file = openat(gitdir, back, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		return git_same(file, gitfile) ? grant_common(git, gitdir) : 1;
	}
	value_of(gitdir, "config", "core.worktree", &worktree);
	if (worktree.value[0]) {
		cleanup_fd int tree = git_open(gitdir, worktree.value);

		return git_same(tree, git->project) && git_is_submodule(gitdir, 0)
			       ? granted(git, gitdir, dir)
			       : 1;
	}
	return 1;
}

static void doubt(char **out_doubt, const char *why, const char *what)
{
	if (asprintf(out_doubt, "git: %s '%s'", why, Q(what)) < 0)
		*out_doubt = NULL;
}

/* Nothing is granted; what --rw may grant is guarded all the same. */
static int doubt_pointed(struct git *git, int gitdir, const char *dir, char **out_doubt)
{
	cleanup_fd int worktrees = git_open(gitdir, "..");
	cleanup_fd int common =
		git_is_named(worktrees, "worktrees") ? git_open(gitdir, "../..") : -1;
	char path[PATH_MAX];

	if (guard_all(git, gitdir, dir))
		return -1;
	if (common < 0 || fd_path(common, path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", dir);
	else if (guard_all(git, common, path))
		return -1;
	doubt(out_doubt,
	      "not given, as it does not point back here (--rw if it is meant): the "
	      "repository",
	      path);
	return 0;
}

/* .git is a file: "gitdir: PATH". A session that replaced it would choose what the next git obeys. */
static int add_pointed(struct git *git, int gitfile, char **out_doubt)
{
	static const char PREFIX[] = "gitdir: ";
	cleanup_free char *text = git_read(git->project, ".git", PATH_MAX + sizeof(PREFIX));
	cleanup_fd int gitdir = -1;
	char dir[PATH_MAX];
	int ret;

	if (add(git, POLICY_GUARD, git->path, ".git"))
		return -1;
	if (!text || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return doubt(out_doubt, "not understood:", ".git"), 0;
	gitdir = git_open(git->project, text + strlen(PREFIX));
	if (gitdir < 0 || fd_path(gitdir, dir, sizeof(dir)))
		return doubt(out_doubt,
			     ".git leads to what cannot be opened:", text + strlen(PREFIX)),
		       0;
	/* Then it is the session's own, whatever it says. */
	if (git_lies_in(gitdir, git->project))
		return guard_all(git, gitdir, dir);
	ret = grant(git, gitfile, gitdir, dir);
	return ret > 0 ? doubt_pointed(git, gitdir, dir, out_doubt) : ret;
}

static int add_repository(struct git *git, char **out_doubt)
{
	cleanup_fd int there = openat(git->project, ".git", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int gitdir = -1;
	char dir[PATH_MAX];
	struct stat st;

	if (there < 0 || fstat(there, &st))
		return 0;
	if (S_ISREG(st.st_mode))
		return add_pointed(git, there, out_doubt);
	if (!S_ISDIR(st.st_mode)) {
		doubt(out_doubt,
		      "neither a directory nor a file (--rw what it leads to if it is meant):",
		      ".git");
		return add(git, POLICY_GUARD, git->path, ".git");
	}
	gitdir = git_open_below(git->project, ".git");
	if (gitdir < 0 || snprintf(dir, sizeof(dir), "%s/.git", git->path) >= (int)sizeof(dir))
		return fail(git->f, errno, "cannot open the repository of '%s'", Q(git->path));
	return guard_all(git, gitdir, dir);
}

int git_add_repository(int project, const char *path, const char *home, struct policy *policy,
		       struct git_granted *out_granted, char **out_doubt, struct fail *f)
{
	struct git git = {.policy = policy,
			  .f = f,
			  .left = GITDIRS_MAX,
			  .entries = ENTRIES_MAX,
			  .project = project,
			  .path = path,
			  .home = home,
			  .linked = -1,
			  .granted = out_granted};

	*out_granted = (struct git_granted){0};
	*out_doubt = NULL;
	if (add_repository(&git, out_doubt))
		return -1;
	if (git.crowded && !*out_doubt)
		doubt(out_doubt,
		      "more submodules and work trees than are looked at: the rest of them is "
		      "read only:",
		      path);
	return 0;
}

/* What the rule led to: the object that was appended first for it. */
static const struct object *object_of(const struct objects *objects, size_t rule)
{
	for (size_t i = 0; i < objects->len; i++)
		if (objects->list[i].rule == rule && !(objects->list[i].rights & AL_NAMES))
			return &objects->list[i];
	return NULL;
}

static bool is_granted(const struct git_granted *granted, const struct object *object)
{
	for (size_t i = 0; object && i < granted->len; i++)
		if (granted->dev[i] == object->dev && granted->ino[i] == object->ino)
			return true;
	return false;
}

int git_check(const struct git_granted *granted, const struct policy *policy,
	      const struct objects *objects, struct fail *f)
{
	for (size_t i = 0; i < policy->len; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->right != POLICY_RW || strcmp(rule->origin, GIT_ORIGIN) != 0 ||
		    is_granted(granted, object_of(objects, i)))
			continue;
		fail(f, 0, "the repository '%s' was replaced meanwhile", Q(rule->path));
		return fail_hint(f, "does a session write there? try again");
	}
	return 0;
}
