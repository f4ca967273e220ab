/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench.c - bench DIR REFUSED: what the kernel does for a system call, in units of its clock: in a guest whose
 * clock counts instructions (ci/vm --icount), instructions. One line each: operation, a blank, the count of one.
 * DIR is empty and writable; REFUSED is a file to be opened, whatever comes of that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 5     /* the cheapest of them counts: in the others a timer went off */
#define ENTRIES 1000 /* that readdir reads */

static const char *self, *refused;
static int listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int ret, const char *what)
{
	if (ret < 0)
		die(what);
}

static void open_close(void)
{
	int fd = open("file", O_RDONLY);

	must(fd, "open");
	close(fd);
}

static void open_refused(void)
{
	int fd = open(refused, O_RDONLY);

	if (fd >= 0)
		close(fd);
}

static void stat_it(void)
{
	struct stat st;

	must(stat("file", &st), "stat");
}

static void create_unlink(void)
{
	int fd = open("new", O_CREAT | O_EXCL | O_WRONLY, 0600);

	must(fd, "create");
	close(fd);
	must(unlink("new"), "unlink");
}

static void rename_back(void)
{
	must(rename("file", "other"), "rename");
	must(rename("other", "file"), "rename");
}

static void mkdir_rmdir(void)
{
	must(mkdir("dir", 0700), "mkdir");
	must(rmdir("dir"), "rmdir");
}

static void link_unlink(void)
{
	must(link("file", "hard"), "link");
	must(unlink("hard"), "unlink");
}

static void connect_close(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other;

	must(connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	other = accept(listener, NULL, NULL);
	close(other);
	close(fd);
}

static void start_program(void)
{
	char *argv[] = {(char *)self, NULL}, *env[] = {NULL};
	pid_t pid;
	int status;

	errno = posix_spawn(&pid, self, NULL, NULL, argv, env);
	if (errno)
		die("start");
	must(waitpid(pid, &status, 0), "wait");
}

static void read_directory(void)
{
	DIR *dir = opendir("many");
	size_t seen = 0;

	if (!dir)
		die("opendir");
	while (readdir(dir))
		seen++;
	closedir(dir);
	if (seen != ENTRIES + 2)
		die("readdir");
}

static const struct {
	const char *name;
	void (*run)(void);
	int rounds; /* in a block */
} operations[] = {
	{"open", open_close, 500},    {"refused", open_refused, 500},
	{"stat", stat_it, 500},	      {"create", create_unlink, 100},
	{"rename", rename_back, 100}, {"mkdir", mkdir_rmdir, 100},
	{"link", link_unlink, 100},   {"connect", connect_close, 100},
	{"exec", start_program, 20},  {"readdir", read_directory, 10},
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void prepare(const char *dir)
{
	char name[32];

	must(chdir(dir), dir);
	must(close(open("file", O_CREAT | O_WRONLY, 0600)), "file");
	must(mkdir("many", 0700), "many");
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		must(close(open(name, O_CREAT | O_WRONLY, 0600)), name);
	}
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(listener, (struct sockaddr *)&address, sizeof(address)), "bind");
	must(listen(listener, 8), "listen");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 0; /* started by itself */
	if (argc != 3) {
		fputs("usage: bench DIR REFUSED\n", stderr);
		return 2;
	}
	self = realpath("/proc/self/exe", NULL);
	refused = argv[2];
	prepare(argv[1]);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		long long least = 0;

		for (int block = 0; block < BLOCKS; block++) {
			long long began = now(), took;

			for (int round = 0; round < operations[i].rounds; round++)
				operations[i].run();
			took = now() - began;
			if (!block || took < least)
				least = took;
		}
		printf("%s %lld\n", operations[i].name, least / operations[i].rounds);
	}
	return 0;
}
