/* SPDX-License-Identifier: GPL-2.0-only */
/* mounts.c - see mounts.h. Format: Documentation/filesystems/proc.rst, 3.5 /proc/<pid>/mountinfo.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "mounts.h"
#include "util.h"

/* mountinfo writes blank, tab, newline and backslash as \ooo. Undo it in place. */
static void undo_octal(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' &&
		    at[3] >= '0' && at[3] <= '7') {
			*to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 3;
			continue;
		}
		*to++ = *at;
	}
	*to = '\0';
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG]... - TYPE SOURCE OPTIONS" */
static int parse_line(char *line, struct mount_entry *out_entry)
{
	char *fields[6], *rest, *type;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i] || !line)
			return -1;
	}
	rest = *line == '-' ? line - 1 : strstr(line, " - ");
	if (!rest)
		return -1;
	rest += 3;
	type = strsep(&rest, " ");
	if (sscanf(fields[2], "%u:%u", &out_entry->major, &out_entry->minor) != 2)
		return -1;
	undo_octal(fields[3]);
	undo_octal(fields[4]);
	out_entry->root = strdup(fields[3]);
	out_entry->point = strdup(fields[4]);
	out_entry->type = strdup(type);
	return 0;
}

int mounts_parse(const char *text, struct mounts *out_mounts, struct fail *f)
{
	struct mounts mounts = {0};
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *line;

	while (copy && (line = strsep(&rest, "\n"))) {
		struct mount_entry entry = {0}, *more;

		if (!*line)
			continue;
		if (parse_line(line, &entry)) {
			mounts_done(&mounts);
			return fail(f, EINVAL, "cannot understand the mount table");
		}
		more = reallocarray(mounts.entries, mounts.len + 1, sizeof(*more));
		if (more) {
			mounts.entries = more;
			mounts.entries[mounts.len++] = entry;
		}
		if (!more || !entry.root || !entry.point || !entry.type) {
			mounts_done(&mounts);
			return fail(f, ENOMEM, "cannot read the mount table");
		}
	}
	if (!copy)
		return fail(f, ENOMEM, "cannot read the mount table");
	*out_mounts = mounts;
	return 0;
}

int mounts_read(struct mounts *out_mounts, struct fail *f)
{
	cleanup_file FILE *file = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *text = NULL;
	size_t size = 0;

	/* procfs has no NUL in it: one "line" is the whole. */
	if (!file || getdelim(&text, &size, '\0', file) < 0)
		return fail(f, errno, "cannot read /proc/self/mountinfo");
	return mounts_parse(text, out_mounts, f);
}

void mounts_done(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->len; i++) {
		free(mounts->entries[i].root);
		free(mounts->entries[i].point);
		free(mounts->entries[i].type);
	}
	free(mounts->entries);
	mounts->entries = NULL;
	mounts->len = 0;
}

/* Did it change since this was asked last? proc(5): POLLPRI says so, once. */
static bool changed(int fd)
{
	struct pollfd poll_for = {.fd = fd, .events = POLLPRI};

	return poll(&poll_for, 1, 0) != 0;
}

const struct mounts *mounts_now(struct mounts_cache *cache)
{
	if (cache->fd <= 0) {
		cache->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		mounts_done(&cache->mounts);
	}
	if (cache->fd <= 0)
		return NULL;
	if (changed(cache->fd))
		mounts_done(&cache->mounts);
	if (!cache->mounts.len && mounts_read(&cache->mounts, NULL))
		return NULL;
	return &cache->mounts;
}

void mounts_cache_done(struct mounts_cache *cache)
{
	if (cache->fd > 0)
		close(cache->fd);
	mounts_done(&cache->mounts);
	cache->fd = 0;
}

const struct mount_entry *mounts_at(const struct mounts *mounts, const char *point)
{
	for (size_t i = mounts->len; i-- > 0;)
		if (strcmp(mounts->entries[i].point, point) == 0)
			return &mounts->entries[i];
	return NULL;
}

const struct mount_entry *mounts_of_type(const struct mounts *mounts, const char *type)
{
	for (size_t i = mounts->len; i-- > 0;)
		if (strcmp(mounts->entries[i].type, type) == 0)
			return &mounts->entries[i];
	return NULL;
}

const struct mount_entry *mounts_of_device(const struct mounts *mounts, uint32_t dev)
{
	for (size_t i = 0; i < mounts->len; i++) {
		const struct mount_entry *entry = &mounts->entries[i];

		if (entry->major << 20 == (dev & 0xfff00000) && entry->minor == (dev & 0xfffff) &&
		    strcmp(entry->root, "/") == 0)
			return entry;
	}
	return NULL;
}

bool path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path[0] == '/' && path[1] != '\0';
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}
