/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.c - what running processes hold open, for adopt: what is open stays usable, whoever is jailed
 * afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../../bpf/agent_lock.h"
#include "process.h"
#include "sockets.h"
#include "util.h"
#include "verbs.h"

#define LINK_MAX 64 /* bytes of what the kernel calls an anonymous inode */

/* Something that a process has open. */
struct held {
	int dir;		 /* /proc/PID */
	char link[NAME_MAX + 8]; /* in it: fd/3 */
	char info[NAME_MAX + 8]; /* fdinfo/3 */
};

/* Calls each for everything until it returns false; false when it did, or the process cannot be looked at. */
static bool each_held(const struct process *process,
		      bool (*each)(const struct held *held, void *data), void *data)
{
	cleanup_fd int dir = process_open(process->pid);
	int list = dir < 0 ? -1 : openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *fds = list < 0 ? NULL : fdopendir(list);
	struct held held = {.dir = dir};
	struct dirent *entry;
	bool goes_on = true;

	if (!fds)
		return errno == ENOENT || errno == ESRCH;
	while (goes_on && (entry = readdir(fds))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(held.link, sizeof(held.link), "fd/%s", entry->d_name);
		snprintf(held.info, sizeof(held.info), "fdinfo/%s", entry->d_name);
		goes_on = each(&held, data);
	}
	closedir(fds);
	return goes_on;
}

/* A number in a line of fdinfo that begins with key; what if there is none. */
static long info_number(const struct held *held, const char *key, int base, long what)
{
	char text[4096], *at;

	if (read_text_at(held->dir, held->info, text, sizeof(text)) < 0)
		return what;
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, base) : what;
}

struct leading_out {
	const struct process *process;
	const struct process *tree;
	size_t tree_len;
	const char *what; /* NULL: nothing does */
};

/* The thread that does an io_uring's requests is whoever's made it (IORING_SETUP_SQPOLL). */
static bool served_outside(const struct held *held, const struct leading_out *way)
{
	long thread = info_number(held, "SqThread:", 10, -1);
	cleanup_fd int dir = thread > 0 ? process_open((pid_t)thread) : -1;
	struct process server;

	if (thread <= 0)
		return false;
	if (dir < 0 || process_read(dir, &server))
		return true;
	for (size_t i = 0; i < way->tree_len; i++)
		if (way->tree[i].pid == server.pid)
			return false;
	return true;
}

static bool look_for_way(const struct held *held, void *data)
{
	struct leading_out *way = data;
	cleanup_fd int fd = openat(held->dir, held->link, O_PATH | O_CLOEXEC);
	char link[LINK_MAX] = "";
	struct statfs fs;

	if (fd < 0)
		return errno == ENOENT || errno == ESRCH; /* closed meanwhile */
	if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		way->what = "a file of a cgroup";
	else if (readlinkat(held->dir, held->link, link, sizeof(link) - 1) > 0 &&
		 strcmp(link, "anon_inode:[io_uring]") == 0 && served_outside(held, way))
		way->what = "an io_uring that a process outside serves";
	return !way->what;
}

int refuse_ways_out(const struct process *process, const struct process *tree, size_t tree_len,
		    struct fail *f)
{
	struct leading_out way = {process, tree, tree_len, NULL};

	if (each_held(process, look_for_way, &way))
		return 0;
	if (way.what)
		return fail(f, 0,
			    "cannot adopt process %d (%s): it has %s open, which leads out of any "
			    "session",
			    process->pid, Q(process->comm), way.what);
	return fail(f, errno ? errno : EPERM,
		    "cannot adopt process %d (%s): what it has open cannot be seen", process->pid,
		    Q(process->comm));
}

struct listing {
	int daemon;
	const char *session;
	const struct socket_end *ends;
	size_t ends_len;
	size_t sockets; /* of which nothing can be said */
	size_t others;
};

/* What a descriptor was opened for, in AL_* rights. */
static uint32_t used_for(const struct held *held)
{
	long flags = info_number(held, "flags:", 8, O_PATH);

	if (flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return AL_READ;
	case O_WRONLY:
		return AL_WRITE;
	default:
		return AL_READ | AL_WRITE;
	}
}

static void print_file(const struct listing *listing, const struct held *held, int fd)
{
	static const char *const uses[] = {"", "reads", "writes", "reads and writes"};
	uint32_t use = used_for(held) & (AL_READ | AL_WRITE);
	struct verdict verdict;
	char path[AL_PATH_MAX];

	if (!use || fd_path(fd, path, sizeof(path)))
		return;
	if (!client_why(listing->daemon, listing->session, fd, "", &verdict, NULL) &&
	    (verdict.rights & use) == use)
		return;
	printf("    %s %s\n", uses[use], Q(path));
}

static void print_socket(struct listing *listing, const struct stat *st)
{
	const char *end = sockets_find(listing->ends, listing->ends_len, st->st_ino);

	if (end)
		printf("    %s\n", end);
	else
		listing->sockets++;
}

static bool print_one(const struct held *held, void *data)
{
	struct listing *listing = data;
	cleanup_fd int fd = openat(held->dir, held->link, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return true;
	if (S_ISSOCK(st.st_mode))
		print_socket(listing, &st);
	else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode) ||
		 S_ISBLK(st.st_mode))
		print_file(listing, held, fd);
	else
		listing->others++;
	return true;
}

void print_held(int daemon, const char *session, const struct process *tree, size_t len)
{
	cleanup_free struct socket_end *ends = NULL;
	size_t ends_len;

	sockets_list(&ends, &ends_len);
	for (size_t i = 0; i < len; i++) {
		struct listing listing = {
			.daemon = daemon, .session = session, .ends = ends, .ends_len = ends_len};

		printf("%d %s\n", tree[i].pid, Q(tree[i].comm));
		(void)each_held(&tree[i], print_one, &listing);
		if (listing.sockets || listing.others)
			printf("    other sockets: %zu, pipes and the like: %zu\n", listing.sockets,
			       listing.others);
	}
	puts("What is listed stays usable; so is what is mapped, and in memory.");
}
