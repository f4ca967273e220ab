/* SPDX-License-Identifier: GPL-2.0-only */
/* conf_file.c - configuration files: which one is meant, and is it to be trusted? See conf.h; conf.c reads them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "beside.h"
#include "conf.h"
#include "util.h"

#define ETC "/etc/agent-lock/"

/* A file that somebody else can write is somebody else's policy. */
static int check_file(const char *file, const struct stat *st, const struct stat *like,
		      struct fail *f)
{
	mode_t tolerated = like && like->st_uid == st->st_uid ? like->st_mode : 0;

	if (!S_ISREG(st->st_mode))
		return fail(f, 0, "cannot read policy '%s': it is not a regular file", Q(file));
	if (st->st_uid != 0 && st->st_uid != geteuid() && !tolerated) {
		fail(f, 0,
		     "cannot read policy '%s': it belongs to uid %u, neither to root nor to you",
		     Q(file), (unsigned int)st->st_uid);
		return fail_hint(f, "make a copy of your own, and read it before you use it");
	}
	/*
	 * With an access control list the group's bits are its mask, so this covers those who are
	 * named in one.
	 */
	if (st->st_mode & (S_IWGRP | S_IWOTH) & ~tolerated) {
		fail(f, 0, "cannot read policy '%s': others can write it", Q(file));
		return fail_hint(f, "chmod go-w '%s'", Q(file));
	}
	if (st->st_size > CONF_FILE_MAX)
		return fail(f, EFBIG, "cannot read policy '%s': over %d bytes", Q(file),
			    CONF_FILE_MAX);
	return 0;
}

/* All of a file of size bytes; -1 with errno if there are more or fewer by now. */
static int read_whole(int fd, char *buf, size_t size)
{
	size_t have = 0;

	while (have <= size) {
		ssize_t n = read(fd, buf + have, size + 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	if (have != size) {
		errno = EBUSY;
		return -1;
	}
	return 0;
}

int conf_read(const char *file, const struct conf_context *context, struct policy *policy,
	      struct fail *f)
{
	cleanup_free char *text = NULL;
	cleanup_fd int fd = -1;
	struct stat st;
	size_t size;

	/*
	 * Links are followed: /etc is full of them, and what counts is whose object it is.
	 * Non-blocking, or a fifo would hold us until somebody writes.
	 */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(f, errno, "cannot read policy '%s'", Q(file));
	if (check_file(file, &st, context->like, f) < 0)
		return -1;
	size = (size_t)st.st_size;
	text = malloc(size + 1);
	if (!text || read_whole(fd, text, size) < 0)
		return fail(f, errno, "cannot read policy '%s'", Q(file));
	return conf_parse(text, size, file, context, policy, f);
}

/* Where a file of that name is, the machine's own or the one that came with this program. */
static void path_beside(const char *name, char *out, size_t size)
{
	char relative[PATH_MAX];

	snprintf(out, size, ETC "%s", name);
	if (access(out, F_OK) == 0)
		return;
	snprintf(relative, sizeof(relative), "../conf/%s", name);
	if (beside_self(relative, out, size))
		return;
	snprintf(relative, sizeof(relative), "../share/agent-lock/%s", name);
	beside_self(relative, out, size);
}

int conf_read_beside(const char *name, const struct conf_context *context, struct policy *policy,
		     struct fail *f)
{
	struct conf_context here = *context;
	char path[AL_PATH_MAX + 64];
	cleanup_free char *real = NULL;
	struct stat program;

	path_beside(name, path, sizeof(path));
	here.like = strncmp(path, ETC, strlen(ETC)) != 0 && stat("/proc/self/exe", &program) == 0
			    ? &program
			    : NULL;
	real = realpath(path, NULL);
	return conf_read(real ? real : path, &here, policy, f);
}

int conf_read_base(const struct conf_context *context, struct policy *policy, struct fail *f)
{
	return conf_read_beside(CONF_BASE, context, policy, f);
}

static void each_in(const char *directory, void (*each)(const char *name, void *data), void *data)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		char *end = strrchr(entry->d_name, '.');

		if (!end || strcmp(end, ".ini") != 0)
			continue;
		*end = '\0';
		each(entry->d_name, data);
	}
	closedir(entries);
}

void conf_each_beside(const char *directory, void (*each)(const char *name, void *data), void *data)
{
	char path[AL_PATH_MAX + 64], relative[PATH_MAX];

	snprintf(path, sizeof(path), ETC "%s", directory);
	each_in(path, each, data);
	snprintf(relative, sizeof(relative), "../conf/%s", directory);
	if (!beside_self(relative, path, sizeof(path))) {
		snprintf(relative, sizeof(relative), "../share/agent-lock/%s", directory);
		beside_self(relative, path, sizeof(path));
	}
	each_in(path, each, data);
}
