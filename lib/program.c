/* SPDX-License-Identifier: GPL-2.0-only */
/* program.c - see program.h; what belongs to it is in program_grant.c */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "../bpf/agent_lock.h"
#include "climb.h"
#include "program.h"
#include "util.h"

#define LINKS_MAX 40 /* on one way, as the kernel has it (MAXSYMLINKS) */

/* A way through the file system, name by name, so that each directory on it can be looked at. */
struct walk {
	int dir; /* owned */
	int links;
	char rest[2 * PATH_MAX]; /* names to go */
	bool (*visit)(void *user, int dir);
	void *user;
};

/* What a link says comes before what follows it. errno is 0 then. */
static int follow(struct walk *walk, int link, const char *rest)
{
	char target[2 * PATH_MAX];
	ssize_t len = readlinkat(link, "", target, PATH_MAX);
	size_t more = strlen(rest);

	if (len < 0)
		return -1;
	errno = ++walk->links > LINKS_MAX ? ELOOP : ENAMETOOLONG;
	if (walk->links > LINKS_MAX || len == PATH_MAX ||
	    (size_t)len + more + 1 >= sizeof(walk->rest))
		return -1;
	target[len++] = '/';
	memcpy(target + len, rest, more + 1);
	if (!more)
		target[len - 1] = '\0';
	strcpy(walk->rest, target);
	errno = 0;
	return 0;
}

static int move_to(struct walk *walk, int dir)
{
	if (dir < 0)
		return -1;
	close(walk->dir);
	walk->dir = dir;
	return 0;
}

/* Take the first of the names that are left. Returns what it names; -1: go on, or errno says why. */
static int step(struct walk *walk)
{
	cleanup_fd int fd = -1;
	char name[NAME_MAX + 1];
	char *rest = walk->rest;
	struct stat st;
	size_t len;

	errno = 0;
	if (rest[0] == '/' && move_to(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)))
		return -1;
	rest += strspn(rest, "/");
	len = strcspn(rest, "/");
	errno = len ? ENAMETOOLONG : EISDIR;
	if (!len || len > NAME_MAX)
		return -1;
	memcpy(name, rest, len);
	name[len] = '\0';
	rest += len;
	rest += strspn(rest, "/");
	errno = EPERM;
	if (walk->visit && walk->visit(walk->user, walk->dir))
		return -1;
	fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	errno = 0;
	if (S_ISLNK(st.st_mode)) {
		(void)follow(walk, fd, rest); /* errno says it all */
		return -1;
	}
	if (!*rest)
		return steal_fd(&fd);
	memmove(walk->rest, rest, strlen(rest) + 1);
	(void)move_to(walk, steal_fd(&fd)); /* the next name is looked up there, or fails */
	return -1;
}

/*
 * Open what path names for one who stands in start, and the directory that it is in. visit is called
 * for each directory in which a name is looked up; true from it ends the walk with EPERM.
 */
static int walk_open(int start, const char *path, bool (*visit)(void *user, int dir), void *user,
		     int *out_dir)
{
	struct walk walk = {.visit = visit, .user = user};
	int fd;

	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(walk.rest, path);
	walk.dir = openat(start, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk.dir < 0)
		return -1;
	do
		fd = step(&walk);
	while (fd < 0 && !errno);
	if (fd < 0 || !out_dir)
		close(walk.dir);
	else
		*out_dir = walk.dir;
	return fd;
}

/* Is what path names this very object? */
static bool names(int start, const char *path, int fd)
{
	cleanup_fd int other = openat(start, path, O_PATH | O_CLOEXEC);
	struct stat a, b;

	return other >= 0 && fstat(other, &a) == 0 && fstat(fd, &b) == 0 && same_object(&a, &b);
}

void program_done(struct program *program)
{
	if (program->fd >= 0)
		close(program->fd);
	if (program->dir >= 0)
		close(program->dir);
	free(program->name);
	free(program->file);
	free(program->path);
	*program = (struct program){.fd = -1, .dir = -1};
}

const char *program_real_name(const struct program *program)
{
	return strrchr(program->path, '/') + 1;
}

/* What execve(2) would take. */
static bool executable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

/*
 * The links of procfs lead where their text does not, and an object may have no name here: what the
 * kernel opens has to be what we looked at, and to have the name that a rule would give it.
 */
static bool try_file(const char *file, int start, struct program *out_program)
{
	struct program program = {.fd = -1, .dir = -1};
	char path[AL_PATH_MAX + 1];

	program.fd = walk_open(start, file, NULL, NULL, &program.dir);
	if (program.fd < 0 || !executable(program.fd) || !names(start, file, program.fd) ||
	    fd_path(program.fd, path, sizeof(path)) || path[0] != '/' ||
	    !names(start, path, program.fd)) {
		program_done(&program);
		return false;
	}
	program.file = strdup(file);
	program.path = strdup(path);
	if (!program.file || !program.path) {
		program_done(&program);
		return false;
	}
	*out_program = program;
	return true;
}

static bool find_file(const char *typed, const char *search, int start, struct program *out)
{
	const char *entry = search ? search : "/bin:/usr/bin";

	if (strchr(typed, '/'))
		return try_file(typed, start, out);
	for (;; entry++) {
		size_t len = strcspn(entry, ":");
		char file[2 * PATH_MAX];

		/* An empty one is the working directory. */
		if (len < PATH_MAX && strlen(typed) <= NAME_MAX) {
			snprintf(file, sizeof(file), "%.*s/%s", len ? (int)len : 1,
				 len ? entry : ".", typed);
			if (try_file(file, start, out))
				return true;
		}
		entry += len;
		if (!*entry)
			return false;
	}
}

bool program_find(const char *typed, const char *search, int start, struct program *out_program)
{
	const char *slash = strrchr(typed, '/');
	struct program program;

	if (!*typed || !find_file(typed, search, start, &program))
		return false;
	program.name = strdup(slash ? slash + 1 : typed);
	if (!program.name) {
		program_done(&program);
		return false;
	}
	*out_program = program;
	return true;
}

static bool in_reach(void *user, int dir)
{
	return places_writable(user, -1, dir);
}

bool program_planted(const struct program *program, int start, const struct places *places)
{
	struct places all = *places;
	cleanup_fd int fd = -1;

	if (places_writable(places, program->fd, program->dir))
		return true;
	fd = walk_open(start, program->file, in_reach, &all, NULL);
	return fd < 0 || !names(start, program->path, fd);
}
