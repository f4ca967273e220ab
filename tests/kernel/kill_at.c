/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kill_at.c - kill_at PID NUMBER FILE: watches a process, all its threads, and kills it when it is
 * about to do a thing that would change something outside it, for the NUMBERth time; 0: never. Each
 * such thing is a line in FILE: its number, what it is and of what. It writes "watching" when it is. It
 * ends with 0 when it killed, with 1 when the process ended otherwise, and with 0 by SIGTERM if it was
 * never to kill; otherwise with 3: the process did fewer.
 *
 * Killed before the next change is the same as killed after the last: so the entries are enough.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

static volatile sig_atomic_t never;  /* it is not to kill */
static volatile sig_atomic_t killed; /* it did */

/* Whom it watches goes on: the end of its tracer lets it go. */
static void on_term(int signal)
{
	(void)signal;
	if (!killed)
		_exit(never ? 0 : 3);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "kill_at: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* The calls that change something by their number alone. */
static const struct {
	long number;
	const char *name;
	int path; /* which argument is one; -1: none */
} changes[] = {
	{SYS_rename, "rename", 1},	 {SYS_renameat, "rename", 3},
	{SYS_renameat2, "rename", 3},	 {SYS_mkdir, "mkdir", 0},
	{SYS_mkdirat, "mkdir", 1},	 {SYS_rmdir, "rmdir", 0},
	{SYS_unlink, "unlink", 0},	 {SYS_unlinkat, "unlink", 1},
	{SYS_symlink, "symlink", 1},	 {SYS_link, "link", 1},
	{SYS_chmod, "chmod", 0},	 {SYS_fchmodat, "chmod", 1},
	{SYS_chown, "chown", 0},	 {SYS_fchownat, "chown", 1},
	{SYS_truncate, "truncate", 0},	 {SYS_fchmod, "fchmod", -1},
	{SYS_fchown, "fchown", -1},	 {SYS_ftruncate, "ftruncate", -1},
	{SYS_sendmsg, "sendmsg", -1},	 {SYS_sendto, "sendmsg", -1},
	{SYS_write, "write", -1},	 {SYS_pwrite64, "write", -1},
	{SYS_writev, "write", -1},	 {SYS_pwritev, "write", -1},
	{SYS_fsetxattr, "setxattr", -1}, {SYS_inotify_add_watch, "watch", -1},
};

/* What a path of the watched process says, from its memory. */
static void path_of(pid_t pid, uint64_t address, char *out, size_t size)
{
	char name[64];
	ssize_t len;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : pread(fd, out, size - 1, (off_t)address);
	out[len < 0 ? 0 : len] = '\0';
	if (fd >= 0)
		close(fd);
}

static void file_of(pid_t pid, uint64_t fd, char *out, size_t size)
{
	char name[64];
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", pid, (int)fd);
	len = readlink(name, out, size - 1);
	out[len < 0 ? 0 : len] = '\0';
}

/* The id of the map behind a descriptor: a number that tells maps apart. */
static void map_of(pid_t pid, uint64_t fd, char *out, size_t size)
{
	char name[64], line[48];
	FILE *info;

	snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", pid, (int)fd);
	info = fopen(name, "re");
	snprintf(out, size, "map");
	while (info && fgets(line, sizeof(line), info)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "map_id:\t", 8) == 0)
			snprintf(out, size, "map %s", line + 8);
	}
	if (info)
		fclose(info);
}

static bool bpf_change(pid_t pid, const struct __ptrace_syscall_info *info, char *what, size_t size)
{
	const char *command = NULL;
	uint32_t map = 0;
	char name[64], of[64] = "";

	switch (info->entry.args[0]) {
	case BPF_MAP_UPDATE_ELEM:
		command = "update";
		break;
	case BPF_MAP_DELETE_ELEM:
		command = "delete";
		break;
	case BPF_OBJ_PIN:
		command = "pin";
		break;
	default:
		return false;
	}
	/* The first member of what both are given is the map's descriptor. */
	path_of(pid, info->entry.args[1], name, sizeof(map) + 1);
	memcpy(&map, name, sizeof(map));
	if (info->entry.args[0] != BPF_OBJ_PIN)
		map_of(pid, map, of, sizeof(of));
	snprintf(what, size, "bpf %s %s", command, of);
	return true;
}

/* Does it change anything? Then what is filled in. */
static bool changes_something(pid_t pid, const struct __ptrace_syscall_info *info, char *what,
			      size_t size)
{
	const uint64_t *args = info->entry.args;
	char of[512] = "";

	if (info->entry.nr == SYS_bpf)
		return bpf_change(pid, info, what, size);
	if (info->entry.nr == SYS_openat) {
		if (!(args[2] & (O_CREAT | O_TRUNC)))
			return false;
		path_of(pid, args[1], of, sizeof(of));
		snprintf(what, size, "create %s", of);
		return true;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		if ((long)info->entry.nr != changes[i].number)
			continue;
		if (changes[i].path >= 0)
			path_of(pid, args[changes[i].path], of, sizeof(of));
		else if (changes[i].number != SYS_inotify_add_watch)
			file_of(pid, args[0], of, sizeof(of));
		/* What it says of itself changes nothing. */
		if (changes[i].path < 0 && args[0] == STDERR_FILENO)
			return false;
		snprintf(what, size, "%s %s", changes[i].name, of);
		return true;
	}
	return false;
}

static void seize_all(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		die(path);
	while ((entry = readdir(tasks))) {
		pid_t task = atoi(entry->d_name);

		if (task <= 0)
			continue;
		if (ptrace(PTRACE_SEIZE, task, NULL, OPTIONS) ||
		    ptrace(PTRACE_INTERRUPT, task, NULL, NULL))
			die("seize");
	}
	closedir(tasks);
}

/* Until it ends. */
static void watch(pid_t pid, long number, FILE *out)
{
	struct __ptrace_syscall_info info;
	char what[640];
	long count = 0;
	int status;
	pid_t task;

	for (;;) {
		int signal = 0;

		task = waitpid(-1, &status, __WALL);
		if (task < 0 && errno == EINTR)
			continue;
		if (task < 0)
			return;
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, task, sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    changes_something(task, &info, what, sizeof(what))) {
			fprintf(out, "%ld %s\n", ++count, what);
			fflush(out);
			if (count == number) {
				killed = 1;
				kill(pid, SIGKILL);
			}
		} else if (status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signal = WSTOPSIG(status); /* one of its own, to be handed on */
		}
		ptrace(PTRACE_SYSCALL, task, NULL, signal);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term};
	long number;
	FILE *out;
	pid_t pid;

	if (argc != 4) {
		fputs("usage: kill_at PID NUMBER FILE\n", stderr);
		return 2;
	}
	pid = atoi(argv[1]);
	number = atol(argv[2]);
	out = fopen(argv[3], "we");
	if (!out)
		die(argv[3]);
	never = !number;
	sigaction(SIGTERM, &action, NULL);
	seize_all(pid);
	puts("watching");
	fflush(stdout);
	watch(pid, number, out);
	return killed ? 0 : 1;
}
