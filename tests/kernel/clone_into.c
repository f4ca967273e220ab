/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clone_into.c - clone_into CGROUP-DIRECTORY: starts a process right in that cgroup, through a
 * handle that was never opened for anything. Answers "ok" or the name of the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int fd = argc == 2 ? open(argv[1], O_PATH | O_DIRECTORY) : -1;
	long pid;

	if (fd < 0) {
		fputs("usage: clone_into CGROUP-DIRECTORY\n", stderr);
		return 2;
	}
	args.cgroup = (uint64_t)fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	puts(pid < 0 ? strerrorname_np(errno) : "ok");
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return 0;
}
