/* SPDX-License-Identifier: GPL-2.0-only */
/* util.c - see util.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

static const char HEX[] = "0123456789abcdef";

int write_all(int fd, const void *buf, size_t len)
{
	const char *at = buf;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t read_text_at(int dirfd, const char *name, char *buf, size_t len)
{
	cleanup_fd int fd = -1;
	size_t have = 0;

	if (!len) {
		errno = EINVAL;
		return -1;
	}
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	while (have < len - 1) {
		ssize_t n = read(fd, buf + have, len - 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	buf[have] = '\0';
	return (ssize_t)have;
}

int write_text_at(int dirfd, const char *name, const char *text)
{
	cleanup_fd int fd = -1;
	size_t len = strlen(text);
	ssize_t n;

	fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if ((size_t)n != len) {
		/* The rest in a second write would be a second command to a control file. */
		errno = EIO;
		return -1;
	}
	return 0;
}

int fd_path(int fd, char *buf, size_t len)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	ssize_t n;

	if (!len) {
		errno = EINVAL;
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, len);
	if (n < 0)
		return -1;
	if ((size_t)n == len) {
		/* readlink(2) cuts without a word; half a path is another path. */
		errno = ENAMETOOLONG;
		return -1;
	}
	buf[n] = '\0';
	return 0;
}

static bool is_plain(unsigned char c)
{
	/* Not isgraph(): what is printable must not depend on the locale. */
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '=';
}

size_t escape(const char *text, size_t len, char *out, size_t size)
{
	size_t need = 0, used = 0;
	bool full = size == 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t step = is_plain(c) ? 1 : 4;

		need += step;
		if (full || step >= size - used) {
			/* Once something did not fit, nothing after it may: no gaps. */
			full = true;
			continue;
		}
		if (step == 1) {
			out[used] = (char)c;
		} else {
			out[used] = '\\';
			out[used + 1] = 'x';
			out[used + 2] = HEX[c >> 4];
			out[used + 3] = HEX[c & 15];
		}
		used += step;
	}
	if (size)
		out[used] = '\0';
	return need;
}

/* The byte of an escape at text, or -1. */
static int parse_escape(const char *text, size_t len)
{
	const char *high, *low;

	if (len < 4 || text[1] != 'x' || !text[2] || !text[3])
		return -1;
	high = strchr(HEX, text[2]);
	low = strchr(HEX, text[3]);
	if (!high || !low)
		return -1;
	return (int)((high - HEX) * 16 + (low - HEX));
}

ssize_t unescape(const char *text, size_t len, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '\\') {
			c = parse_escape(text + i, len - i);
			/* One text, one spelling: what needs no escape must not have one. */
			if (c < 0 || is_plain((unsigned char)c))
				return -1;
			i += 3;
		} else if (!is_plain((unsigned char)c)) {
			return -1;
		}
		if (used + 1 >= size)
			return -1;
		out[used++] = (char)c;
	}
	if (!size)
		return -1;
	out[used] = '\0';
	return (ssize_t)used;
}

struct quoted quote(const char *text)
{
	static const char MORE[] = "...";
	struct quoted q = {""};
	size_t len = text ? strlen(text) : 0;

	if (escape(text, len, q.text, sizeof(q.text)) < sizeof(q.text))
		return q;
	(void)escape(text, len, q.text, sizeof(q.text) - strlen(MORE)); /* known not to fit */
	strcat(q.text, MORE);
	return q;
}
