/* SPDX-License-Identifier: GPL-2.0-only */
/* view.c - see view.h */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"
#include "view.h"

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int no = fd < 0 ? errno : result(write(fd, text, strlen(text)));

	if (fd >= 0)
		close(fd);
	return no;
}

int own_view(int more)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];
	int no;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more))
		return errno;
	/* Who isn't privileged may map its group only when it has given up setgroups(2). */
	(void)write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	no = write_text("/proc/self/uid_map", map);
	if (no)
		return no;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	no = write_text("/proc/self/gid_map", map);
	if (no)
		return no;
	return result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

int in_child(int (*body)(const void *data), const void *data)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(body(data));
	if (waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}
