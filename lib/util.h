/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * util.h - what every file here may need: clean-up by attribute, I/O that survives EINTR and short
 * counts, text of other people made safe to print.
 */
#ifndef LIB_UTIL_H
#define LIB_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Clean-up attributes: the variable is released when it goes out of scope; steal_* hands it on.
 * They run on the way out of functions that report errno, so they keep it.
 */
static inline void cleanup_freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}
static inline void cleanup_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}
static inline void cleanup_fclosep(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}
#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_fd __attribute__((cleanup(cleanup_closep)))
#define cleanup_file __attribute__((cleanup(cleanup_fclosep)))

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Whole reads and writes; 0 or -1 with errno. */
int write_all(int fd, const void *buf, size_t len);
/*
 * Read at most len - 1 bytes of a small file at dirfd and end them with NUL; length or -1 with
 * errno.
 */
ssize_t read_text_at(int dirfd, const char *name, char *buf, size_t len);
/*
 * Write text to an existing file at dirfd in one write(2), as cgroupfs and procfs want it; 0 or -1
 * with errno.
 */
int write_text_at(int dirfd, const char *name, const char *text);
/* What an O_PATH descriptor's name is now, for display; 0 or -1 with errno. */
int fd_path(int fd, char *buf, size_t len);

/*
 * Escape text of unknown origin: bytes outside printable ASCII, space, quotes, backslash and '='
 * become \xNN. Writes at most size - 1 bytes and NUL, never half an escape; returns the bytes that
 * the whole text needs.
 */
size_t escape(const char *text, size_t len, char *out, size_t size);
/*
 * The reverse; returns the length, or -1 when text is not what escape() writes or size has no room
 * for it and a NUL, which is written behind it. out may be text itself.
 */
ssize_t unescape(const char *text, size_t len, char *out, size_t size);
/*
 * escape() of a NUL-terminated text into a buffer that lives as long as the full expression. Long
 * texts are cut with "...".
 */
struct quoted {
	char text[320];
};
struct quoted quote(const char *text);
#define Q(string) (quote(string).text)

#endif
