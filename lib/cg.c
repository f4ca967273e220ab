/* SPDX-License-Identifier: GPL-2.0-only */
/* cg.c - see cg.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <libcgroup.h>

#include "cg.h"
#include "mounts.h"
#include "util.h"

#define CG_ROOT "agent-lock"
#define CG_PREFIX "session-"
/* include/linux/proc_ns.h: the initial namespaces have fixed inode numbers. */
#define INIT_CGROUP_NS 0xEFFFFFFBU
#define INIT_PID_NS 0xEFFFFFFCU

struct cg {
	char *mount;
	int root; /* <mount>/agent-lock */
};

uint32_t cg_session_level(void)
{
	return 2; /* the root 0, agent-lock 1 */
}

static int in_initial_namespaces(struct fail *f)
{
	struct stat cgroup, pid;

	if (stat("/proc/self/ns/cgroup", &cgroup) || stat("/proc/self/ns/pid", &pid))
		return fail(f, errno, "cannot tell which namespaces this is in");
	if (cgroup.st_ino == INIT_CGROUP_NS && pid.st_ino == INIT_PID_NS)
		return 0;
	fail(f, 0,
	     "this is a container: neither a session's cgroup nor our own process can be named to "
	     "the kernel from in here");
	return fail_hint(f, "run agent-lockd on the host, or start the container with "
			    "--cgroupns=host --pid=host");
}

/*
 * libcgroup's own parse of the mount table; a failure only means that we make directories
 * ourselves.
 */
static void init_libcgroup(void)
{
	(void)cgroup_init();
}

int cg_open(struct cg **out_cg, struct fail *f)
{
	struct mounts mounts;
	const struct mount_entry *entry;
	struct cg *cg;
	int top;

	if (in_initial_namespaces(f) || mounts_read(&mounts, f))
		return -1;
	entry = mounts_of_type(&mounts, "cgroup2");
	if (!entry) {
		mounts_done(&mounts);
		fail(f, 0, "no cgroup v2 hierarchy is mounted");
		return fail_hint(f, "boot with systemd.unified_cgroup_hierarchy=1, or: mount -t "
				    "cgroup2 cgroup2 /sys/fs/cgroup");
	}
	cg = calloc(1, sizeof(*cg));
	if (cg)
		cg->mount = strdup(entry->point);
	mounts_done(&mounts);
	if (!cg || !cg->mount) {
		free(cg);
		return fail(f, ENOMEM, "cannot open the cgroup hierarchy");
	}
	top = open(cg->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(top, CG_ROOT, 0755) && errno != EEXIST)
		cg->root = -1;
	else
		cg->root = openat(top, CG_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cg->root < 0) {
		fail(f, errno, "cannot make the cgroup %s/%s", cg->mount, CG_ROOT);
		close(top);
		cg_close(cg);
		return -1;
	}
	close(top);
	init_libcgroup();
	*out_cg = cg;
	return 0;
}

void cg_close(struct cg *cg)
{
	if (!cg)
		return;
	if (cg->root >= 0)
		close(cg->root);
	free(cg->mount);
	free(cg);
}

int cg_directory(const struct cg *cg)
{
	return cg->root;
}

struct cg_name {
	char text[sizeof(CG_PREFIX) + 256];
};

static struct cg_name directory(const char *name)
{
	struct cg_name out;

	snprintf(out.text, sizeof(out.text), CG_PREFIX "%s", name);
	return out;
}

/*
 * Through libcgroup with each controller that the parent delegates. With none libcgroup 2.0.2
 * reports a cgroup as created that isn't: so the caller looks, and makes the directory itself.
 */
static void create_with_controllers(struct cg *cg, const char *name)
{
	char path[512], delegated[256] = "", *rest = delegated, *word;
	struct cgroup *group;

	if (read_text_at(cg->root, "cgroup.controllers", delegated, sizeof(delegated)) <= 1)
		return;
	snprintf(path, sizeof(path), CG_ROOT "/%s", directory(name).text);
	group = cgroup_new_cgroup(path);
	if (!group)
		return;
	while ((word = strsep(&rest, " \n")))
		if (*word && (strcmp(word, "pids") == 0 || strcmp(word, "memory") == 0 ||
			      strcmp(word, "cpu") == 0))
			(void)cgroup_add_controller(group, word);
	(void)cgroup_create_cgroup(group, 0);
	cgroup_free(&group);
}

uint64_t cg_id(struct cg *cg, const char *name)
{
	struct stat st;

	/* The inode number of a cgroup directory is its kernfs node id (64-bit kernels, since 5.5).
	 */
	return fstatat(cg->root, directory(name).text, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
}

int cg_create(struct cg *cg, const char *name, uint64_t *out_id, struct fail *f)
{
	if (cg_id(cg, name))
		return fail(f, EEXIST, "cannot make the cgroup of session '%s'", Q(name));
	create_with_controllers(cg, name);
	if (!cg_id(cg, name) && mkdirat(cg->root, directory(name).text, 0755))
		return fail(f, errno, "cannot make the cgroup of session '%s'", Q(name));
	*out_id = cg_id(cg, name);
	if (!*out_id)
		return fail(f, errno, "cannot find the cgroup of session '%s'", Q(name));
	return 0;
}

static int open_session(struct cg *cg, const char *name)
{
	return openat(cg->root, directory(name).text,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int cg_enter(struct cg *cg, const char *name, pid_t pid, struct fail *f)
{
	cleanup_fd int dir = open_session(cg, name);
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	if (dir < 0 || write_text_at(dir, "cgroup.procs", text))
		return fail(f, errno, "cannot move process %d into session '%s'", pid, Q(name));
	return 0;
}

/* Calls itself for each child cgroup of dir (owned here). Depth is the kernel's cgroup.max.depth.
 */
static long count_below(int dir)
{
	DIR *entries = fdopendir(dir);
	struct dirent *entry;
	FILE *procs;
	long count = 0;
	int fd, c;

	if (!entries)
		return 0;
	fd = openat(dirfd(entries), "cgroup.procs", O_RDONLY | O_CLOEXEC);
	procs = fd < 0 ? NULL : fdopen(fd, "r");
	while (procs && (c = getc(procs)) != EOF)
		count += c == '\n';
	if (procs)
		fclose(procs);
	while ((entry = readdir(entries))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(entries), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			count += count_below(fd);
	}
	closedir(entries);
	return count;
}

long cg_processes(struct cg *cg, const char *name)
{
	int dir = open_session(cg, name);

	return dir < 0 ? -1 : count_below(dir);
}

static bool populated(int dir)
{
	char events[256] = "";

	if (read_text_at(dir, "cgroup.events", events, sizeof(events)) < 0)
		return errno != ENOENT;
	return !strstr(events, "populated 0");
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

int cg_kill(struct cg *cg, const char *name, int timeout_ms, bool *out_empty, struct fail *f)
{
	cleanup_fd int dir = open_session(cg, name);
	cleanup_fd int events = -1;
	long end = now_ms() + timeout_ms;

	*out_empty = true;
	if (dir < 0)
		return errno == ENOENT
			       ? 0
			       : fail(f, errno, "cannot open the cgroup of session '%s'", Q(name));
	/* cgroup.kill (5.14) takes a fork bomb too: a child that is being made is killed as well. */
	if (write_text_at(dir, "cgroup.kill", "1"))
		return fail(f, errno, "cannot kill the processes of session '%s'", Q(name));
	events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	while (populated(dir)) {
		struct pollfd wait = {.fd = events, .events = POLLPRI};
		long left = end - now_ms();

		if (left <= 0) {
			*out_empty = false;
			return 0;
		}
		poll(&wait, 1, left > 50 ? 50 : (int)left);
	}
	return 0;
}

/* Children first; errors show at the last rmdir. */
static void remove_below(int dir)
{
	DIR *entries = fdopendir(dir);
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		int child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(dirfd(entries), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			remove_below(child);
		unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
	}
	closedir(entries);
}

int cg_remove(struct cg *cg, const char *name, struct fail *f)
{
	int dir = open_session(cg, name);

	if (dir < 0)
		return errno == ENOENT
			       ? 0
			       : fail(f, errno, "cannot open the cgroup of session '%s'", Q(name));
	remove_below(dir);
	/*
	 * Not cgroup_delete_cgroup(): it moves what is left inside to the parent, and out of the
	 * jail.
	 */
	if (unlinkat(cg->root, directory(name).text, AT_REMOVEDIR) && errno != ENOENT)
		return fail(f, errno, "cannot remove the cgroup of session '%s'", Q(name));
	return 0;
}

void cg_each(struct cg *cg, void (*each)(const char *name, void *data), void *data)
{
	int dir = openat(cg->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries)))
		if (entry->d_type == DT_DIR &&
		    strncmp(entry->d_name, CG_PREFIX, strlen(CG_PREFIX)) == 0)
			each(entry->d_name + strlen(CG_PREFIX), data);
	closedir(entries);
}

/*
 * The path of a process's cgroup in the v2 hierarchy: the line "0::PATH" of /proc/PID/cgroup. NULL
 * if nobody says.
 */
static char *cgroup_of(pid_t pid, char *text, size_t size)
{
	char name[64], *line;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	if (read_text_at(AT_FDCWD, name, text, size) < 0)
		return NULL;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	line = line ? strchr(line, '/') : NULL;
	if (line)
		line[strcspn(line, "\n")] = '\0';
	return line;
}

bool cg_is_session_member(pid_t pid)
{
	char text[4352], *path = cgroup_of(pid, text, sizeof(text));

	return !path || path_below(path, "/" CG_ROOT);
}

bool cg_is_member_of(pid_t pid, const char *name)
{
	char text[4352], wanted[512], *path = cgroup_of(pid, text, sizeof(text));

	snprintf(wanted, sizeof(wanted), "/" CG_ROOT "/%s", directory(name).text);
	return path && strcmp(path, wanted) == 0;
}
