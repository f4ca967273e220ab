/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * try.c - performs what it reads, line by line, each in its own process, and answers each line with
 * "ok" or the name of the error: "EPERM". A line is a verb and one or two paths.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int result(long ret)
{
	return ret < 0 ? errno : 0;
}

static int try_read(const char *path, const char *unused)
{
	char byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	ssize_t len = fd < 0 ? -1 : read(fd, &byte, 1);

	(void)unused;
	/* A terminal or pipe that has nothing to read was opened all the same. */
	return len < 0 && errno != EAGAIN ? errno : 0;
}

/*
 * Opens for reading and reads nothing: for what hangs, or answers a read with an error of its own.
 */
static int try_open(const char *path, const char *unused)
{
	(void)unused;
	return result(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

/* Opens for writing and writes nothing: nothing is changed where it is allowed. */
static int try_write(const char *path, const char *unused)
{
	(void)unused;
	return result(open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY));
}

static int try_create(const char *path, const char *unused)
{
	(void)unused;
	return result(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644));
}

static int try_list(const char *path, const char *unused)
{
	DIR *dir = opendir(path);

	(void)unused;
	return !dir || (errno = 0, !readdir(dir)) ? errno : 0;
}

static int try_exec(const char *path, const char *arg)
{
	execl(path, path, arg, NULL);
	return errno;
}

static int try_stat(const char *path, const char *unused)
{
	struct stat st;

	(void)unused;
	return result(stat(path, &st));
}

static int try_readlink(const char *path, const char *unused)
{
	char target[4096];

	(void)unused;
	return result(readlink(path, target, sizeof(target)));
}

static int try_mkdir(const char *path, const char *unused)
{
	(void)unused;
	return result(mkdir(path, 0755));
}

static int try_rmdir(const char *path, const char *unused)
{
	(void)unused;
	return result(rmdir(path));
}

static int try_unlink(const char *path, const char *unused)
{
	(void)unused;
	return result(unlink(path));
}

static int try_rename(const char *from, const char *to)
{
	return result(rename(from, to));
}

static int try_exchange(const char *from, const char *to)
{
	return result(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE));
}

static int try_link(const char *from, const char *to)
{
	return result(link(from, to));
}

/* The content first, as ln -s has it. */
static int try_symlink(const char *content, const char *path)
{
	return result(symlink(content, path));
}

static int try_chmod(const char *path, const char *unused)
{
	(void)unused;
	return result(chmod(path, 0700));
}

static int try_truncate(const char *path, const char *unused)
{
	(void)unused;
	return result(truncate(path, 0));
}

static int try_touch(const char *path, const char *unused)
{
	(void)unused;
	return result(utimensat(AT_FDCWD, path, NULL, 0));
}

static int try_watch(const char *path, const char *unused)
{
	(void)unused;
	return result(inotify_add_watch(inotify_init1(0), path, IN_ACCESS));
}

/* chdir there, then read what is named relative to it. */
static int try_read_from(const char *dir, const char *path)
{
	return chdir(dir) ? errno : try_read(path, NULL);
}

/* In an own user namespace, where everybody may: names then begin at dir. */
static int try_chroot_read(const char *dir, const char *path)
{
	return unshare(CLONE_NEWUSER) || chroot(dir) ? errno : try_read(path, NULL);
}

static const struct {
	const char *name;
	int (*perform)(const char *path, const char *second);
} verbs[] = {
	{"read", try_read},	    {"open", try_open},		  {"write", try_write},
	{"create", try_create},	    {"list", try_list},		  {"exec", try_exec},
	{"stat", try_stat},	    {"readlink", try_readlink},	  {"mkdir", try_mkdir},
	{"rmdir", try_rmdir},	    {"unlink", try_unlink},	  {"rename", try_rename},
	{"exchange", try_exchange}, {"link", try_link},		  {"symlink", try_symlink},
	{"chmod", try_chmod},	    {"truncate", try_truncate},	  {"touch", try_touch},
	{"watch", try_watch},	    {"read-from", try_read_from}, {"chroot-read", try_chroot_read},
};

#define NO_SUCH_VERB 255

static int perform(const char *verb, const char *path, const char *second)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verbs[i].name, verb) == 0)
			return verbs[i].perform(path, second);
	return NO_SUCH_VERB;
}

/* Without our standard input: a program that is tried must not read our lines. */
static const char *answer(const char *verb, const char *path, const char *second)
{
	const char *name;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDIN_FILENO);
		_exit(perform(verb, path, second));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "nothing";
	if (!WIFEXITED(status))
		return "killed";
	name = WEXITSTATUS(status) == NO_SUCH_VERB ? NULL : strerrorname_np(WEXITSTATUS(status));
	return WEXITSTATUS(status) ? name ? name : "unknown" : "ok";
}

int main(void)
{
	char verb[32], path[4096], second[4096], line[9000];

	while (fgets(line, sizeof(line), stdin)) {
		second[0] = '\0';
		if (sscanf(line, "%31s %4095s %4095s", verb, path, second) < 2)
			puts("unknown");
		else
			puts(answer(verb, path, second));
		fflush(stdout);
	}
	return 0;
}
