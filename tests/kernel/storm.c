/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * storm.c - storm fork|exec NUMBER FILE: so many processes that open FILE over and over, each time in
 * a new child, or as a new program. It writes "storm" once it goes, and "got it" for each open that
 * worked. It ends when it is killed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void look(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(STDOUT_FILENO, "got it\n", 7);
	close(fd);
}

static void fork_for_ever(const char *file)
{
	for (;;) {
		if (fork() == 0) {
			look(file);
			/* The parent's place is taken by the child as often as not. */
			if (getpid() & 1)
				_exit(0);
		}
		/* As fast as it goes, and the kernel frees what ended more slowly than that: then there is no memory. */
		usleep(20000);
	}
}

int main(int argc, char **argv)
{
	const struct rlimit limit = {150, 150};
	int number = argc == 4 ? atoi(argv[2]) : 0;

	if (number < 1) {
		fputs("usage: storm fork|exec NUMBER FILE\n", stderr);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	setrlimit(RLIMIT_NPROC, &limit);
	for (int i = 1; i < number; i++)
		if (fork() == 0)
			break;
	look(argv[3]);
	if (strcmp(argv[1], "fork") == 0) {
		(void)!write(STDOUT_FILENO, "storm\n", 6);
		fork_for_ever(argv[3]);
	}
	/* "1": from here on each is one process. */
	if (number > 1)
		(void)!write(STDOUT_FILENO, "storm\n", 6);
	execl(argv[0], argv[0], argv[1], "1", argv[3], (char *)NULL);
	return 1;
}
