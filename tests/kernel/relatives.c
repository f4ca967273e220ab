/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * relatives.c - relatives PATH: opens PATH in every kind of task that a process can make, and
 * prints "KIND ok" or "KIND" and the name of the error: its threads, their children, a thread that
 * outlives the first one, a daemon that belongs to init.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static pthread_t leader;

/* One write: the others have the same pipe. */
static void try_as(const char *kind)
{
	int fd = open(path, O_RDONLY), error = errno;
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %s\n", kind,
			   fd < 0 ? strerrorname_np(error) : "ok");

	if (fd >= 0)
		close(fd);
	if (write(STDOUT_FILENO, line, (size_t)len) != len)
		_exit(1);
}

static void in_child(const char *kind)
{
	pid_t pid = fork();

	if (pid == 0) {
		try_as(kind);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Renamed like the process outside that started it all: a name is nothing to go by. */
static void renamed(void)
{
	prctl(PR_SET_NAME, "init");
	try_as("renamed");
}

/* Its parents are gone: it is init's child. */
static void daemonized(void)
{
	int gone[2];
	char byte;
	pid_t pid;

	if (pipe(gone))
		_exit(1);
	pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() == 0) {
			close(gone[1]);
			(void)!read(gone[0], &byte, 1);
			try_as("daemon");
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(gone[0]);
	close(gone[1]);
}

static void *thread(void *unused)
{
	(void)unused;
	try_as("thread");
	in_child("child-of-thread");
	renamed();
	daemonized();
	pthread_join(leader, NULL);
	try_as("after-leader");
	in_child("child-after-leader");
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t other;

	if (argc != 2) {
		fputs("usage: relatives PATH\n", stderr);
		return 2;
	}
	path = argv[1];
	leader = pthread_self();
	try_as("process");
	in_child("child");
	if (pthread_create(&other, NULL, thread, NULL))
		return 1;
	pthread_exit(NULL);
}
