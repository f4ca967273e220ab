/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules.c - L: rules about what is in the project, and what would take it from under them: new names,
 * other objects in their place, directories above them moved, pointers to elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adversary.h"

#define CANNOT_PREPARE why_not("cannot prepare: %s", strerrorname_np(errno))

/* git's own, which act by themselves when somebody uses git outside. */

#define GUARD "[paths]\nro = ${PROJECT}/.git/hooks\nro = ${PROJECT}/.git/config\n"

static int l31_prepare(struct world *world)
{
	return mkdir(in(world->project, ".git"), 0700) ||
			       mkdir(in(world->project, ".git/hooks"), 0700) ||
			       make_file(in(world->project, ".git/config"), "[core]\n")
		       ? CANNOT_PREPARE
		       : 0;
}

static int l31_create(const struct world *world)
{
	(void)world;
	return result(open(".git/hooks/pre-commit", O_WRONLY | O_CREAT, 0700));
}

static int l31_move_in(const struct world *world)
{
	(void)world;
	if (make_file("x", "true\n"))
		return why_not("a file cannot be made");
	return result(rename("x", ".git/hooks/pre-commit"));
}

static int l31_link_in(const struct world *world)
{
	(void)world;
	if (make_file("x", "true\n"))
		return why_not("a file cannot be made");
	return result(link("x", ".git/hooks/pre-commit"));
}

static int l32_replace(const struct world *world)
{
	(void)world;
	if (make_file(".git/config.lock", "[core]\n"))
		return why_not("a file cannot be made");
	return result(rename(".git/config.lock", ".git/config"));
}

static int l32_exchange(const struct world *world)
{
	(void)world;
	if (make_file("x", "[core]\n"))
		return why_not("a file cannot be made");
	return result(renameat2(AT_FDCWD, "x", AT_FDCWD, ".git/config", RENAME_EXCHANGE));
}

static int l32_unlink(const struct world *world)
{
	(void)world;
	return result(unlink(".git/config"));
}

static int l33_ancestor(const struct world *world)
{
	(void)world;
	return result(rename(".git", "g"));
}

static int l33_ancestor_exchanged(const struct world *world)
{
	(void)world;
	if (mkdir("g", 0700))
		return why_not("a directory cannot be made");
	return result(renameat2(AT_FDCWD, "g", AT_FDCWD, ".git", RENAME_EXCHANGE));
}

/* A session made when the project says that the rest of it is elsewhere. */
static int l34_point(struct world *world)
{
	char text[700];

	snprintf(text, sizeof(text), "gitdir: %s\n", world->out);
	return make_file(in(world->project, ".git"), text) ||
			       make_file(in(world->project, "commondir"), world->out) ||
			       symlink(world->out, in(world->project, "modules"))
		       ? CANNOT_PREPARE
		       : 0;
}

static int l34_follow(const struct world *world)
{
	return read_secret(in(world->out, "f"));
}

static const struct escape escapes[] = {
	{"L31", "create in a directory that may be read only", 0, .prepare = l31_prepare,
	 .attempt = l31_create, .logged = "create", .policy = GUARD},
	{"L31", "rename into a directory that may be read only", 0, .prepare = l31_prepare,
	 .attempt = l31_move_in, .logged = "rename", .policy = GUARD},
	{"L31", "link into a directory that may be read only", 0, .prepare = l31_prepare,
	 .attempt = l31_link_in, .logged = "link", .policy = GUARD},
	{"L31", "create what wasn't there to be protected",
	 .reason = "rules are about what is there when a session is made: see README"},
	{"L32", "rename over what may be read only", 0, .prepare = l31_prepare,
	 .attempt = l32_replace, .logged = "rename", .policy = GUARD},
	{"L32", "exchange what may be read only", 0, .prepare = l31_prepare,
	 .attempt = l32_exchange, .logged = "rename", .policy = GUARD},
	{"L32", "unlink what may be read only", 0, .prepare = l31_prepare, .attempt = l32_unlink,
	 .logged = "unlink", .policy = GUARD},
	{"L33", "rename a directory above it", 0, .prepare = l31_prepare, .attempt = l33_ancestor,
	 .logged = "rename", .policy = GUARD},
	{"L33", "exchange a directory above it", 0, .prepare = l31_prepare,
	 .attempt = l33_ancestor_exchanged, .logged = "rename", .policy = GUARD},
	{"L34", "follow what the project points at", 0, .prepare = l34_point, .attempt = l34_follow,
	 .logged = "read", .policy = ""},
};

const struct family rules = {escapes, LEN(escapes)};
