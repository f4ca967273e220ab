/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fingerprint.c - one line for each object below a directory: name, type and mode, owner, links,
 * size, times, extended attributes and content. Two equal fingerprints: nobody made, changed, moved
 * or removed anything in between. The time of the last change (ctime) is among them and nobody can
 * set that back.
 *
 *   fingerprint DIR...
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HASH_START 14695981039346656037ULL

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fingerprint: cannot read '%s': %s\n", what, strerror(errno));
	exit(1);
}

/* FNV-1a: no secret is kept by it. */
static uint64_t hash(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *byte = data;

	while (len--)
		sum = (sum ^ *byte++) * 1099511628211ULL;
	return sum;
}

static uint64_t content(const char *path, const struct stat *st)
{
	uint64_t sum = HASH_START;
	char buf[65536];
	ssize_t len = 0;
	int fd;

	if (S_ISLNK(st->st_mode)) {
		len = readlink(path, buf, sizeof(buf));
		return len < 0 ? die(path), 0 : hash(sum, buf, (size_t)len);
	}
	if (!S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		sum = hash(sum, buf, (size_t)len);
	if (len < 0)
		die(path);
	close(fd);
	return sum;
}

/*
 * Names and values, in the order in which the file system has them: it has no reason to change it.
 */
static uint64_t attributes(const char *path)
{
	char names[4096], value[4096], *name;
	ssize_t len = llistxattr(path, names, sizeof(names)), size;
	uint64_t sum = HASH_START;

	if (len < 0)
		return errno == ENOTSUP ? 0 : (die(path), 0);
	for (name = names; name < names + len; name += strlen(name) + 1) {
		size = lgetxattr(path, name, value, sizeof(value));
		sum = hash(sum, name, strlen(name));
		sum = hash(sum, value, size < 0 ? 0 : (size_t)size);
	}
	return sum;
}

static void object(const char *path, const struct stat *st)
{
	printf("%s %o %u:%u %ju %jd %jd.%09ld %jd.%09ld %016" PRIx64 " %016" PRIx64 "\n", path,
	       st->st_mode, st->st_uid, st->st_gid, (uintmax_t)st->st_nlink,
	       S_ISDIR(st->st_mode) ? 0 : (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec,
	       st->st_mtim.tv_nsec, (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
	       attributes(path), content(path, st));
}

static void tree(const char *path)
{
	struct dirent **entries;
	struct stat st;
	char *below;
	int i, len;

	if (lstat(path, &st))
		die(path);
	object(path, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	len = scandir(path, &entries, NULL, alphasort);
	if (len < 0)
		die(path);
	for (i = 0; i < len; i++) {
		if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..")) {
			if (asprintf(&below, "%s/%s", path, entries[i]->d_name) < 0)
				die(path);
			tree(below);
			free(below);
		}
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		tree(argv[i]);
	return 0;
}
