/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_util.c - what util.h promises: whole reads and writes, escaping that can be undone and never
 * overruns.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../lib/util.h"
#include "../tap.h"

#define BIG (1 << 20)

static void test_escape_bytes(void)
{
	static const char special[] = " \"'\\=";
	unsigned int wrong = 0;

	for (int c = 0; c < 256; c++) {
		char byte = (char)c, got[8], want[8];
		bool plain = c > 0x20 && c < 0x7f && !strchr(special, c);
		size_t need = escape(&byte, 1, got, sizeof(got));

		snprintf(want, sizeof(want), plain ? "%c" : "\\x%02x", c);
		if (need != strlen(want) || strcmp(got, want) != 0) {
			printf("# byte %d became %s\n", c, got);
			wrong++;
		}
	}
	ok(wrong == 0, "each of 256 bytes is escaped when it must be, and only then");
}

static void test_escape_hostile(void)
{
	static const char name[] = "a\n\x1b[2Jb\0c";
	char out[64];

	is_str((escape(name, sizeof(name) - 1, out, sizeof(out)), out), "a\\x0a\\x1b[2Jb\\x00c",
	       "newline, escape code and NUL are made harmless");
	ok(escape("", 0, out, sizeof(out)) == 0 && out[0] == '\0', "an empty text stays empty");
	ok(escape(NULL, 0, NULL, 0) == 0, "nothing is written when there is no room at all");
}

/* Each size of buffer: never over its end, never half an escape, always a prefix of the whole. */
static void test_escape_room(void)
{
	static const char text[] = "ab\ncd\xff";
	char whole[64], out[64];
	unsigned int wrong = 0;
	size_t need = escape(text, strlen(text), whole, sizeof(whole));

	ok(need == 12, "the room needed is reported (%zu)", need);
	for (size_t size = 1; size <= need + 2; size++) {
		size_t got, len;

		memset(out, '#', sizeof(out));
		got = escape(text, strlen(text), out, size);
		len = strnlen(out, sizeof(out));
		if (got != need || len >= size || strncmp(out, whole, len) != 0 || out[size] != '#')
			wrong++;
		if ((len > 2 && len < 6) || (len > 8 && len < 12))
			wrong++;
	}
	ok(wrong == 0, "a small buffer is never overrun and never ends in half an escape");
	/* "\x0a" needs four and does not fit; the 'b' behind it would, and must not be there. */
	escape("\nb", 2, out, 4);
	is_str(out, "", "what follows something that did not fit is left out too");
}

static void test_unescape_refusals(void)
{
	static const char *const bad[] = {
		"a b",	"a=b",	    "\"",    "'",     "\\",    "\\x",	  "\\x0",
		"\\n",	"\\x0g",    "\\x0A", "\\x41", "\\X0a", "\\\\x0a", "tab\there",
		"\x7f", "\xc3\xa9", "x\n",   "\\0a0", "\\xa",  "\\x7e",	  "\\x-1",
	};
	char out[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(unescape(bad[i], strlen(bad[i]), out, sizeof(out)) == -1,
		   "unescape refuses '%s'", Q(bad[i]));
	ok(unescape("\\x0", 3, out, sizeof(out)) == -1, "an escape cut by the length is refused");
	ok(unescape("\\x\0a", 4, out, sizeof(out)) == -1, "a NUL is not a hex digit");
	ok(unescape("abc", 3, out, 3) == -1, "no room for the NUL is a failure");
	ok(unescape("", 0, out, 0) == -1, "so is no room at all");
	ok(unescape("abc", 3, out, 4) == 3 && strcmp(out, "abc") == 0,
	   "just enough room is enough");
	ok(unescape("", 0, out, 1) == 0 && !*out, "an empty text comes back empty");
}

static void test_round_trip(void)
{
	static char text[4096], coded[4 * 4096 + 1], back[4096 + 1];
	unsigned int wrong = 0;

	srand(1);
	for (int i = 0; i < 300; i++) {
		size_t len = (size_t)rand() % sizeof(text);
		ssize_t n;

		for (size_t at = 0; at < len; at++)
			text[at] = (char)rand();
		n = (ssize_t)escape(text, len, coded, sizeof(coded));
		for (ssize_t at = 0; at < n; at++)
			wrong += coded[at] <= ' ' || coded[at] > '~';
		n = unescape(coded, (size_t)n, back, sizeof(back));
		if (n != (ssize_t)len || memcmp(text, back, len) != 0)
			wrong++;
		n = unescape(coded, strlen(coded), coded, sizeof(coded));
		if (n != (ssize_t)len || memcmp(text, coded, len) != 0)
			wrong++;
	}
	ok(wrong == 0, "random bytes survive escape and unescape, also in place");
}

static void test_quote(void)
{
	char text[4097], both[700];
	struct quoted q;

	is_str(Q("web\n"), "web\\x0a", "Q() escapes");
	is_str(Q(""), "", "Q() of nothing is nothing");
	is_str(Q(NULL), "", "Q() survives a null pointer");
	snprintf(both, sizeof(both), "%s %s", Q("a b"), Q("c d"));
	is_str(both, "a\\x20b c\\x20d", "two Q() in one expression do not share a buffer");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	q = quote(text);
	ok(strlen(q.text) == sizeof(q.text) - 1 && strcmp(q.text + strlen(q.text) - 4, "x...") == 0,
	   "4096 bytes are cut and end in ...");
	text[sizeof(q.text) - 1] = '\0';
	is_str(Q(text), text, "what just fits is not cut");
	memset(text, '\n', sizeof(text) - 1);
	q = quote(text);
	ok(strlen(q.text) % 4 == 3 && strcmp(q.text + strlen(q.text) - 7, "\\x0a...") == 0,
	   "a cut is never inside an escape");
}

struct pipe_end {
	int fd;
	size_t len;
	unsigned int sum;
};

/* A slow reader, so that the writer meets short counts, and signals before its first byte. */
static void *drain(void *data)
{
	struct pipe_end *end = data;
	unsigned char buf[777];
	ssize_t n;

	while ((n = read(end->fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			end->sum = end->sum * 31 + buf[i];
		if (end->len / 32768 != (end->len + (size_t)n) / 32768)
			usleep(3000);
		end->len += (size_t)n;
	}
	return NULL;
}

static void ignore_alarm(int signal)
{
	(void)signal; /* to be interrupted by it is all it is for */
}

static void test_write_all(void)
{
	struct sigaction action = {
		.sa_handler = ignore_alarm}; /* no SA_RESTART: write(2) fails with EINTR */
	static unsigned char data[BIG];
	unsigned int sum = 0;
	struct pipe_end end = {0};
	pthread_t thread;
	sigset_t alarms;
	int fds[2];

	for (size_t i = 0; i < sizeof(data); i++)
		sum = sum * 31 + (data[i] = (unsigned char)(i * 7));
	if (pipe(fds) < 0)
		return (void)ok(false, "pipe");
	end.fd = fds[0];
	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarms,
			NULL); /* inherited: the reader is not the one to be interrupted */
	pthread_create(&thread, NULL, drain, &end);
	pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
	ualarm(500, 500);
	ok(write_all(fds[1], data, sizeof(data)) == 0,
	   "write_all goes on after short counts and signals");
	ualarm(0, 0);
	close(fds[1]);
	pthread_join(thread, NULL);
	ok(end.len == sizeof(data) && end.sum == sum, "all of it arrives, in order");
	close(fds[0]);
	errno = 0;
	ok(write_all(-1, "x", 1) == -1 && errno == EBADF, "write_all reports errno");
	ok(write_all(-1, "", 0) == 0, "nothing to write is no error");
}

static void test_text_at(const char *dir)
{
	cleanup_fd int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	char buf[8];

	ok(write_text_at(dirfd, "f", "x") == -1 && errno == ENOENT, "write_text_at makes no file");
	close(openat(dirfd, "f", O_CREAT | O_WRONLY, 0600));
	ok(write_text_at(dirfd, "f", "abcdefgh") == 0, "write_text_at writes");
	ok(fstatat(dirfd, "f", &st, 0) == 0 && st.st_size == 8, "all of it");
	memset(buf, '#', sizeof(buf));
	ok(read_text_at(dirfd, "f", buf, sizeof(buf)) == 7 && strcmp(buf, "abcdefg") == 0,
	   "read_text_at leaves room for the NUL");
	ok(write_text_at(dirfd, "f", "12") == 0 && read_text_at(dirfd, "f", buf, 4) == 3 &&
		   strcmp(buf, "12c") == 0,
	   "write_text_at does not truncate");
	ok(read_text_at(dirfd, "f", buf, 1) == 0 && !buf[0],
	   "room for the NUL alone gives the empty text");
	errno = 0;
	ok(read_text_at(dirfd, "f", buf, 0) == -1 && errno == EINVAL, "no room is an error");
	ok(read_text_at(dirfd, "none", buf, sizeof(buf)) == -1 && errno == ENOENT,
	   "a missing file is ENOENT");
	ok(read_text_at(dirfd, ".", buf, sizeof(buf)) == -1 && errno == EISDIR,
	   "a directory is EISDIR, through the clean-up");
	unlinkat(dirfd, "f", 0);
}

static void test_fd_path(const char *dir)
{
	cleanup_fd int fd = open(dir, O_PATH | O_CLOEXEC);
	size_t len = strlen(dir);
	char buf[256];

	ok(fd_path(fd, buf, sizeof(buf)) == 0, "fd_path names an O_PATH descriptor");
	is_str(buf, dir, "by the name it was opened with");
	ok(fd_path(fd, buf, len + 1) == 0, "just enough room is enough");
	ok(fd_path(fd, buf, len) == -1 && errno == ENAMETOOLONG, "a cut name is an error");
	ok(fd_path(fd, buf, 0) == -1 && errno == EINVAL, "so is no room");
	ok(fd_path(-1, buf, sizeof(buf)) == -1 && errno == ENOENT, "so is no descriptor");
}

static int leave_with_errno(int fd)
{
	cleanup_fd int closing = fd;

	(void)closing;
	errno = EXDEV;
	return -1;
}

static void test_cleanup(void)
{
	int fds[2], taken;

	if (pipe(fds) < 0)
		return (void)ok(false, "pipe");
	leave_with_errno(fds[0]);
	ok(fcntl(fds[0], F_GETFD) == -1, "cleanup_fd closes");
	/* Closed already: the second close fails with EBADF. */
	errno = 0;
	ok(leave_with_errno(fds[0]) == -1 && errno == EXDEV,
	   "clean-up keeps errno even when close fails");
	taken = steal_fd(&fds[1]);
	ok(fds[1] == -1 && taken >= 0 && close(taken) == 0, "steal_fd hands on");
}

int main(void)
{
	char dir[] = "/tmp/test_util.XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	test_escape_bytes();
	test_escape_hostile();
	test_escape_room();
	test_unescape_refusals();
	test_round_trip();
	test_quote();
	test_write_all();
	test_text_at(dir);
	test_fd_path(dir);
	test_cleanup();
	rmdir(dir);
	return tap_done();
}
