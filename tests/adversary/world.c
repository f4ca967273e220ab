/* SPDX-License-Identifier: GPL-2.0-only */
/* world.c - what the tries are made on, and whether it is as it was. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "world.h"

#define SPAWNED_MAX 32
#define LEVELS 64 /* of directories that are opened at once, or compared */

static pid_t spawned[SPAWNED_MAX];
static size_t spawned_len;
static char reason[256];

int why_not(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	return NO_CONTROL;
}

const char *why_text(void)
{
	return reason;
}

const char *in(const char *directory, const char *name)
{
	static char paths[4][4096];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

int result(long ret)
{
	return ret < 0 ? errno : 0;
}

int make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t len = fd < 0 ? -1 : write(fd, text, strlen(text));
	int no = errno;

	if (fd >= 0)
		close(fd);
	return len < 0 ? no : 0;
}

int handle(const char *path)
{
	return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

const char *proc_fd(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

int run_program(const char *const *command)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execv(command[0], (char *const *)command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

int each(const struct world *world, const struct variant *variants, size_t len)
{
	int no = 0;

	for (size_t i = 0; i < len; i++) {
		no = variants[i].attempt(world);
		/* The first that is not as it must be. */
		if (!no != !world->inside) {
			printf("%s\n", variants[i].what);
			return no;
		}
	}
	return no;
}

int as_root(const char *format, ...)
{
	const char *helper = getenv("AGENT_LOCK_AS_ROOT");
	char line[4096] = "exec >/dev/null 2>&1; ";
	const char *command[] = {helper, "/bin/sh", "-c", line, NULL};
	size_t len = strlen(line);
	va_list ap;

	va_start(ap, format);
	vsnprintf(line + len, sizeof(line) - len, format, ap);
	va_end(ap);
	if (geteuid() != 0 && !helper)
		return why_not("only root can prepare it: %.150s", line + len);
	if (run_program(geteuid() ? command : command + 1))
		return why_not("it cannot be prepared: %.150s", line + len);
	return 0;
}

static struct {
	char path[96];
	char old[256];
} knobs[8];
static size_t knobs_len;

int set_knob(const char *path, const char *value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, knobs[knobs_len].old, sizeof(knobs[0].old) - 1);
	int no;

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return why_not("%s cannot be read", path);
	no = as_root("printf '%%s\\n' '%s' >%s", value, path);
	if (no)
		return no;
	knobs[knobs_len].old[len] = '\0';
	knobs[knobs_len].old[strcspn(knobs[knobs_len].old, "\n")] = '\0';
	snprintf(knobs[knobs_len++].path, sizeof(knobs[0].path), "%s", path);
	return 0;
}

void knobs_back(struct world *world)
{
	(void)world;
	while (knobs_len) {
		knobs_len--;
		as_root("printf '%%s\\n' '%s' >%s", knobs[knobs_len].old, knobs[knobs_len].path);
	}
}

int mount_new(const char *type, const char *directory)
{
	char script[PATH_MAX + 256];

	/* The image has no name any more once it is mounted, and goes with the mount. */
	snprintf(script, sizeof(script),
		 "exec >/dev/null 2>&1; i=$(mktemp) && truncate -s 320M $i && modprobe -q loop; "
		 "modprobe -q %s; mkfs.%s -q $i && mount -o loop $i '%s'; s=$?; rm $i; exit $s",
		 type, type, directory);
	return system(script) ? why_not("no %s can be made and mounted", type) : 0;
}

int read_secret_fd(int fd)
{
	char text[4096];
	ssize_t len = read(fd, text, sizeof(text) - 1);

	if (len < 0)
		return errno;
	/* memmem: environ and memory have NULs. */
	return memmem(text, (size_t)len, SECRET, strlen(SECRET)) ? 0 : EBADMSG;
}

int read_secret(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int no = fd < 0 ? errno : read_secret_fd(fd);

	if (fd >= 0)
		close(fd);
	return no;
}

pid_t spawn(int (*body)(const struct world *world, int ready_fd), const struct world *world)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (spawned_len == SPAWNED_MAX || pipe2(ready, O_CLOEXEC))
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		/* Not the handlers of the program's own: they tidy up. */
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		_exit(body(world, ready[1]));
	}
	close(ready[1]);
	if (pid > 0) {
		spawned[spawned_len++] = pid;
		(void)!read(ready[0], &byte, 1);
	}
	close(ready[0]);
	return pid;
}

static int sleep_on(const struct world *world, int ready_fd)
{
	(void)world;
	close(ready_fd);
	for (;;)
		pause();
	return 0;
}

void neighbour_ready(const struct world *world, size_t count, const long *numbers)
{
	FILE *to = fopen(in(in(world->base, "beside"), "numbers"), "we");

	for (size_t i = 0; to && i < count; i++)
		fprintf(to, "%ld\n", numbers[i]);
	if (to)
		fclose(to);
	(void)!write(STDOUT_FILENO, "", 1);
	for (;;)
		pause();
}

pid_t spawn_sleeper(void)
{
	return spawn(sleep_on, NULL);
}

bool alive(pid_t pid)
{
	siginfo_t info = {0};

	if (kill(pid, 0))
		return false;
	/* A stopped or dead child has something to tell; WNOWAIT leaves it to be told again. */
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) ||
	       info.si_pid == 0;
}

static void end_spawned(void)
{
	while (spawned_len) {
		pid_t pid = spawned[--spawned_len];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* A directory that a session was made for. */
static bool is_project(const char *name)
{
	return strcmp(name, "project") == 0 || strcmp(name, "beside") == 0;
}

/*
 * Remove what is in a directory, but for what is called keep. Does not follow links. What lies deep
 * is moved up to top, to be removed from there: each level takes a descriptor. Returns whether
 * something was moved so.
 */
static bool empty_directory(int fd, bool keep, int top, unsigned int depth)
{
	DIR *entries = fdopendir(dup(fd));
	static unsigned int moves;
	struct dirent *entry;
	bool moved = false;
	char name[32];

	while (entries && (entry = readdir(entries))) {
		int below;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    (keep && is_project(entry->d_name)) || unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		if (depth == LEVELS) {
			snprintf(name, sizeof(name), ".moved-up-%u", moves++);
			moved |= renameat(fd, entry->d_name, top, name) == 0;
			continue;
		}
		below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		moved |= empty_directory(below, false, top, depth + 1);
		close(below);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	if (entries)
		closedir(entries);
	return moved;
}

static void empty_path(const char *path, bool keep)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	while (empty_directory(fd, keep, fd, 0))
		lseek(fd, 0, SEEK_SET);
	close(fd);
}

static int copy_true(const char *path)
{
	char bytes[65536];
	int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	ssize_t len = 0;

	while (from >= 0 && to >= 0 && (len = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)len) != len)
			break;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return from < 0 || to < 0 || len ? EIO : 0;
}

int world_make(struct world *world)
{
	int no;

	end_spawned();
	memset(world->number, 0, sizeof(world->number));
	world->handed = 0;
	/* Projects stay the directories that sessions were made for; base empties around them. */
	empty_path(world->project, false);
	empty_path(in(world->base, "beside"), false);
	empty_path(world->base, true);
	if (mkdir(world->out, 0755) || mkdir(in(world->out, "d"), 0755) ||
	    mkdir(in(world->base, "more"), 0755) || symlink("f", in(world->out, "l")))
		return errno;
	no = make_file(in(world->out, "f"), SECRET);
	if (!no)
		no = copy_true(in(world->out, "x"));
	/* Not every file system has user attributes; those that try them say so. */
	(void)setxattr(in(world->out, "f"), "user.mark", "1", 1, 0);
	return no;
}

void world_end(struct world *world)
{
	end_spawned();
	empty_path(world->base, false);
	rmdir(world->base);
}

static void print_attributes(int fd, FILE *to)
{
	char names[4096], value[4096];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	for (char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(fd, name, value, sizeof(value));

		fprintf(to, " %s=", name);
		for (ssize_t i = 0; i < size; i++)
			fprintf(to, "%02x", (unsigned char)value[i]);
	}
}

static void print_content(int fd, const struct stat *st, FILE *to)
{
	unsigned long long sum = 14695981039346656037ULL; /* FNV-1a */
	unsigned char bytes[4096];
	ssize_t len;

	if (!S_ISREG(st->st_mode))
		return;
	while ((len = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < len; i++)
			sum = (sum ^ bytes[i]) * 1099511628211ULL;
	fprintf(to, " %016llx", sum);
}

/* One line for everything below parent but the project; sorted, so that two are equal or not. */
static void print_below(int parent, const char *name, const char *shown, const char *project,
			unsigned int depth, FILE *to)
{
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct dirent **entries;
	char target[4096] = "", below[4096];
	struct stat st;
	int len;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		st = (struct stat){0};
	if (S_ISLNK(st.st_mode))
		(void)!readlinkat(parent, name, target, sizeof(target) - 1);
	fprintf(to, "%s mode=%o uid=%u gid=%u links=%lu size=%ld mtime=%ld.%09ld %s", shown,
		st.st_mode, st.st_uid, st.st_gid, (unsigned long)st.st_nlink, (long)st.st_size,
		(long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, target);
	if (fd >= 0) {
		print_attributes(fd, to);
		print_content(fd, &st, to);
	}
	fputc('\n', to);
	len = fd < 0 || !S_ISDIR(st.st_mode) ? 0 : scandirat(fd, ".", &entries, NULL, alphasort);
	for (int i = 0; i < len; i++) {
		snprintf(below, sizeof(below), "%s/%s", shown, entries[i]->d_name);
		if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0 &&
		    strcmp(below, project) != 0 && depth < LEVELS)
			print_below(fd, entries[i]->d_name, below, project, depth + 1, to);
		free(entries[i]);
	}
	if (len > 0)
		free(entries);
	if (fd >= 0)
		close(fd);
}

char *world_print(const struct world *world)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	print_below(AT_FDCWD, world->base, world->base, world->project, 0, to);
	fclose(to);
	return text;
}
