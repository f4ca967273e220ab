/* SPDX-License-Identifier: GPL-2.0-only */
/* files.c - F: files outside, head on. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "adversary.h"

static int f01_read(const struct world *world)
{
	return read_secret(in(world->out, "f"));
}

static int f04_create(const struct world *world)
{
	return result(open(in(world->out, "new"), O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static bool f04_is_there(const struct world *world)
{
	return access(in(world->out, "new"), F_OK) == 0;
}

static const struct escape escapes[] = {
	{"F01", "read", 0, .attempt = f01_read, .logged = "read"},
	{"F04", "create", 0, .attempt = f04_create, .reached = f04_is_there, .logged = "create"},
};

const struct family files = {escapes, LEN(escapes)};
