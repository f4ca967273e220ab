/* SPDX-License-Identifier: GPL-2.0-only */
/* process.c - see process.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "process.h"
#include "util.h"

int process_open(pid_t pid)
{
	char path[32];
	int dir;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		errno = ESRCH;
	return dir;
}

/* Another instance may number the processes otherwise. */
static bool is_of_proc(int dir)
{
	struct stat own, st;

	return stat("/proc", &own) == 0 && fstat(dir, &st) == 0 && own.st_dev == st.st_dev;
}

/* The numbers behind "\nKEY:"; false if there are not so many. The kernel escapes a newline in a name. */
static bool numbers(const char *status, const char *key, long *out, size_t len)
{
	const char *at = strstr(status, key);
	char *end;

	for (at = at ? at + strlen(key) : NULL; at && len; len--, at = end) {
		*out++ = strtol(at, &end, 10);
		if (end == at)
			return false;
	}
	return at != NULL;
}

/* Fields of /proc/PID/stat, by their numbers in proc_pid_stat(5), and a flag of the kernel's (sched.h). */
enum {
	STAT_STATE = 3,
	STAT_FLAGS = 9,
	STAT_THREADS = 20,
	STAT_START = 22,
};
#define PF_KTHREAD 0x00200000U

/* A process whose first thread has ended is one as long as it has others. */
static int read_stat(int dir, struct process *out)
{
	char text[1024], *at, *word, state = 0;
	unsigned long long threads = 0, flags = 0;

	if (read_text_at(dir, "stat", text, sizeof(text)) < 0)
		return -1;
	/* The name before it may hold anything, a parenthesis too. */
	at = strrchr(text, ')');
	for (int field = STAT_STATE; at && field <= STAT_START; field++) {
		word = strsep(&at, " ");
		if (field == STAT_STATE)
			word = strsep(&at, " ");
		if (!word)
			break;
		if (field == STAT_STATE)
			state = word[0];
		else if (field == STAT_FLAGS)
			flags = strtoull(word, NULL, 10);
		else if (field == STAT_THREADS)
			threads = strtoull(word, NULL, 10);
		else if (field == STAT_START)
			out->start = strtoull(word, NULL, 10);
	}
	out->kernel = flags & PF_KTHREAD;
	if ((state == 'Z' || state == 'X') && threads <= 1) {
		errno = ESRCH;
		return -1;
	}
	return 0;
}

/* Raw bytes; the kernel adds a newline. */
static void read_comm(int dir, struct process *out)
{
	ssize_t len = read_text_at(dir, "comm", out->comm, sizeof(out->comm));

	if (len > 0 && out->comm[len - 1] == '\n')
		out->comm[len - 1] = '\0';
}

int process_read(int dir, struct process *out)
{
	char status[4096];
	long pid, parent, uids[4];

	if (!is_of_proc(dir)) {
		errno = EBADF;
		return -1;
	}
	if (read_text_at(dir, "status", status, sizeof(status)) < 0) {
		/* Of one that has ended not even the names are left. */
		errno = errno == ENOENT ? ESRCH : errno;
		return -1;
	}
	if (!numbers(status, "\nTgid:", &pid, 1) || !numbers(status, "\nPPid:", &parent, 1) ||
	    !numbers(status, "\nUid:", uids, 4)) {
		errno = EBADF;
		return -1;
	}
	*out = (struct process){.pid = (pid_t)pid, .parent = (pid_t)parent};
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		out->uids[i] = (uid_t)uids[i];
	read_comm(dir, out);
	return read_stat(dir, out);
}

/* The process of the thread that traces this one: what the kernel names is a thread. -1: nobody does. */
static pid_t tracer_of(int threads, const char *thread)
{
	char name[NAME_MAX + 8], status[4096];
	cleanup_fd int dir = -1;
	struct process tracer;
	long number;

	snprintf(name, sizeof(name), "%s/status", thread);
	if (read_text_at(threads, name, status, sizeof(status)) < 0)
		return -1; /* it has ended */
	if (!numbers(status, "\nTracerPid:", &number, 1))
		return 0;
	if (!number)
		return -1;
	dir = process_open((pid_t)number);
	if (dir >= 0 && process_read(dir, &tracer) == 0)
		return tracer.pid;
	return errno == ESRCH ? -1 : 0;
}

bool process_each_tracer(int dir, bool (*each)(pid_t tracer, void *data), void *data)
{
	int list = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *threads = list < 0 ? NULL : fdopendir(list);
	struct dirent *entry;
	bool met = false;

	if (!threads)
		return errno != ENOENT && errno != ESRCH && each(0, data);
	while (!met && (entry = readdir(threads))) {
		pid_t tracer = entry->d_name[0] == '.' ? -1 : tracer_of(list, entry->d_name);

		met = tracer >= 0 && each(tracer, data);
	}
	closedir(threads);
	return met;
}

bool process_is_of(const struct process *process, uid_t uid)
{
	for (size_t i = 0; i < ARRAY_SIZE(process->uids); i++)
		if (process->uids[i] != uid)
			return false;
	return true;
}

/* All there are. One that ends meanwhile is left out. */
static int read_all(struct process **out, size_t *out_len, struct fail *f)
{
	DIR *entries = opendir("/proc");
	struct process *all = NULL, *more;
	size_t len = 0, cap = 0;
	struct dirent *entry;

	if (!entries)
		return fail(f, errno, "cannot list the processes");
	while ((entry = readdir(entries))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		cleanup_fd int dir = pid > 0 && !*end ? process_open((pid_t)pid) : -1;

		if (dir < 0)
			continue;
		if (len == cap) {
			cap = cap ? 2 * cap : 256;
			more = reallocarray(all, cap, sizeof(*all));
			if (!more) {
				free(all);
				closedir(entries);
				return fail(f, ENOMEM, "cannot list the processes");
			}
			all = more;
		}
		len += process_read(dir, &all[len]) == 0;
	}
	closedir(entries);
	*out = all;
	*out_len = len;
	return 0;
}

/* Move those of all[*found..len) that one of all[0..*found) started to its end; true if there were any. */
static bool find_children(struct process *all, size_t len, size_t *found)
{
	size_t parents = *found;

	for (size_t i = parents; i < len; i++) {
		struct process child = all[i];

		for (size_t j = 0; j < parents; j++) {
			if (all[j].pid != child.parent)
				continue;
			all[i] = all[*found];
			all[(*found)++] = child;
			break;
		}
	}
	return *found > parents;
}

int process_tree(const pid_t *roots, size_t len, struct process **out, size_t *out_len,
		 struct fail *f)
{
	size_t all_len = 0, found = 0;
	struct process *all = NULL, root;

	if (read_all(&all, &all_len, f))
		return -1;
	for (size_t i = 0; i < all_len && len; i++) {
		root = all[i];
		for (size_t j = 0; j < len; j++) {
			if (roots[j] != root.pid)
				continue;
			all[i] = all[found];
			all[found++] = root;
			break;
		}
	}
	while (len && find_children(all, all_len, &found))
		;
	*out = all;
	*out_len = len ? found : all_len;
	return 0;
}
