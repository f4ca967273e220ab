/* SPDX-License-Identifier: GPL-2.0-only */
/* cg.c - see cg.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
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

/* Is this controller in a list such as cgroup.controllers? */
static bool lists(int dir, const char *file, const char *controller)
{
	char text[256] = "", *rest = text, *word;

	if (read_text_at(dir, file, text, sizeof(text)) <= 0)
		return false;
	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, controller) == 0)
			return true;
	return false;
}

/* What the machine's root cgroup was not told to hand down to us is for root to say, not for us. */
static int check_delegated(struct cg *cg, const struct limits *limits, struct fail *f)
{
	char names[64] = "", enable[64] = "", *name = names, *plus = enable;
	cleanup_fd int top = openat(cg->root, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (enum limit kind = 0; kind < LIMIT_KINDS; kind++) {
		const char *controller = limit_name(kind);

		if (!limits->of[kind] || lists(cg->root, "cgroup.controllers", controller))
			continue;
		if (!lists(top, "cgroup.controllers", controller)) {
			fail(f, 0, "cannot limit %s: cgroup v2 has no controller of that name here",
			     controller);
			return fail_hint(f,
					 "boot with systemd.unified_cgroup_hierarchy=1 and without "
					 "cgroup_disable=%s",
					 controller);
		}
		name += sprintf(name, "%s%s", name == names ? "" : ", ", controller);
		plus += sprintf(plus, "%s+%s", plus == enable ? "" : " ", controller);
	}
	if (name == names)
		return 0;
	fail(f, 0, "cannot limit %s: not enabled for the cgroups below %s", names, Q(cg->mount));
	return fail_hint(f, "as root: echo '%s' >%s/cgroup.subtree_control", enable, Q(cg->mount));
}

/*
 * Hand what we are given down to the sessions. One that nobody asked for may fail (cpu does while
 * there are realtime processes): then nothing is counted there.
 */
static int enable_controllers(struct cg *cg, const struct limits *limits, struct fail *f)
{
	if (check_delegated(cg, limits, f))
		return -1;
	for (enum limit kind = 0; kind < LIMIT_KINDS; kind++) {
		char enable[16];

		if (!lists(cg->root, "cgroup.controllers", limit_name(kind)) ||
		    lists(cg->root, "cgroup.subtree_control", limit_name(kind)))
			continue;
		snprintf(enable, sizeof(enable), "+%s", limit_name(kind));
		if (write_text_at(cg->root, "cgroup.subtree_control", enable) && limits->of[kind])
			return fail(f, errno, "cannot limit %s: cannot enable its controller",
				    limit_name(kind));
	}
	return 0;
}

static struct cgroup *group_of(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), CG_ROOT "/%s", directory(name).text);
	return cgroup_new_cgroup(path);
}

/*
 * Through libcgroup with each controller that sessions have. With none libcgroup 2.0.2 reports a
 * cgroup as created that isn't: so the caller looks, and makes the directory itself.
 */
static void create_with_controllers(struct cg *cg, const char *name)
{
	struct cgroup *group = group_of(name);
	bool any = false;

	for (enum limit kind = 0; group && kind < LIMIT_KINDS; kind++)
		if (lists(cg->root, "cgroup.subtree_control", limit_name(kind)))
			any |= cgroup_add_controller(group, limit_name(kind)) != NULL;
	if (any)
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

int cg_open_session(struct cg *cg, const char *name)
{
	return openat(cg->root, directory(name).text,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

#define CPU_PERIOD 100000 /* microseconds: the kernel's own default */

static int set_value(struct cgroup *group, enum limit kind, const char *file, const char *value)
{
	const char *name = limit_name(kind);
	struct cgroup_controller *controller = cgroup_get_controller(group, name);

	if (!controller)
		controller = cgroup_add_controller(group, name);
	return controller ? cgroup_set_value_string(controller, file, value) : ECGINVAL;
}

/*
 * Swap is none of it: what is limited to 4G has 4G, and a session that outgrows them is not to wear
 * down the machine's disk first. memory.oom.group stays 0: the kernel kills the largest process,
 * mostly the compiler or test that outgrew it, and an agent sees its command killed and can go on;
 * with 1 it would lose its work each time.
 */
static int set_values(struct cgroup *group, int dir, const struct limits *limits)
{
	char text[64];
	int ret = 0;

	if (limits->of[LIMIT_MEMORY]) {
		snprintf(text, sizeof(text), "%" PRIu64, limits->of[LIMIT_MEMORY]);
		ret = set_value(group, LIMIT_MEMORY, "memory.max", text);
		if (!ret && faccessat(dir, "memory.swap.max", F_OK, 0) == 0)
			ret = set_value(group, LIMIT_MEMORY, "memory.swap.max", "0");
	}
	if (!ret && limits->of[LIMIT_PIDS]) {
		snprintf(text, sizeof(text), "%" PRIu64, limits->of[LIMIT_PIDS]);
		ret = set_value(group, LIMIT_PIDS, "pids.max", text);
	}
	if (!ret && limits->of[LIMIT_CPU]) {
		snprintf(text, sizeof(text), "%" PRIu64 " %d",
			 limits->of[LIMIT_CPU] * (CPU_PERIOD / 100), CPU_PERIOD);
		ret = set_value(group, LIMIT_CPU, "cpu.max", text);
	}
	return ret;
}

/* The kernel counts memory in pages, and rounds down. */
static bool in_force(const struct limits *limits, const struct limits *got)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return limits->of[LIMIT_MEMORY] / page == got->of[LIMIT_MEMORY] / page &&
	       limits->of[LIMIT_PIDS] == got->of[LIMIT_PIDS] &&
	       limits->of[LIMIT_CPU] == got->of[LIMIT_CPU];
}

static int set_limits(struct cg *cg, const char *name, const struct limits *limits, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);
	struct cgroup *group = group_of(name);
	struct usage usage;
	int ret = ECGINVAL;

	if (group)
		ret = set_values(group, dir, limits);
	if (!ret)
		ret = cgroup_modify_cgroup(group);
	cgroup_free(&group);
	if (ret == ECGOTHER)
		return fail(f, cgroup_get_last_errno(), "cannot set the limits of session '%s'",
			    Q(name));
	if (ret)
		return fail(f, 0, "cannot set the limits of session '%s': %s", Q(name),
			    cgroup_strerror(ret));
	/* Believe the kernel, not libcgroup. */
	cg_usage(cg, name, &usage);
	if (!in_force(limits, &usage.limits))
		return fail(f, 0, "cannot set the limits of session '%s': the kernel has others",
			    Q(name));
	return 0;
}

static bool any_limit(const struct limits *limits)
{
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		if (limits->of[i])
			return true;
	return false;
}

int cg_create(struct cg *cg, const char *name, const struct limits *limits, uint64_t *out_id,
	      struct fail *f)
{
	if (cg_id(cg, name))
		return fail(f, EEXIST, "cannot make the cgroup of session '%s'", Q(name));
	if (enable_controllers(cg, limits, f))
		return -1;
	create_with_controllers(cg, name);
	if (!cg_id(cg, name) && mkdirat(cg->root, directory(name).text, 0755))
		return fail(f, errno, "cannot make the cgroup of session '%s'", Q(name));
	if (any_limit(limits) && set_limits(cg, name, limits, f)) {
		(void)cg_remove(cg, name, NULL); /* empty and new: nothing can hold it */
		return -1;
	}
	*out_id = cg_id(cg, name);
	if (!*out_id)
		return fail(f, errno, "cannot find the cgroup of session '%s'", Q(name));
	return 0;
}

int cg_enter(struct cg *cg, const char *name, pid_t pid, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	if (dir < 0 || write_text_at(dir, "cgroup.procs", text))
		return fail(f, errno, "cannot move process %d into session '%s'", pid, Q(name));
	return 0;
}

/*
 * Calls each for the cgroup dir (owned here) and all below it, parents first. Depth is the kernel's
 * cgroup.max.depth.
 */
static void each_below(int dir, void (*each)(int dir, void *data), void *data)
{
	DIR *entries = fdopendir(dir);
	struct dirent *entry;
	int child;

	if (!entries)
		return;
	each(dirfd(entries), data);
	while ((entry = readdir(entries))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(dirfd(entries), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			each_below(child, each, data);
	}
	closedir(entries);
}

static FILE *open_numbers(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

static void count_processes(int dir, void *count)
{
	cleanup_file FILE *processes = open_numbers(dir, "cgroup.procs");
	int c;

	while (processes && (c = getc(processes)) != EOF)
		*(long *)count += c == '\n';
}

long cg_processes(struct cg *cg, const char *name)
{
	int dir = cg_open_session(cg, name);
	long count = 0;

	if (dir < 0)
		return -1;
	each_below(dir, count_processes, &count);
	return count;
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

static void kill_threads(int dir, void *data)
{
	cleanup_file FILE *threads = open_numbers(dir, "cgroup.threads");
	pid_t thread;

	(void)data;
	while (threads && fscanf(threads, "%d", &thread) == 1)
		(void)kill(thread, SIGKILL); /* its process; fails if that is dead already */
}

/*
 * cgroup.kill (5.14) takes a fork bomb too: a child that is being made is killed as well. Root can
 * make a cgroup threaded, and then it has none (EOPNOTSUPP): frozen, nothing in it forks, or ends
 * and leaves its number to somebody else, while it is gone through. SIGKILL ends what is frozen;
 * what was not yet is found when this is asked again, for the cgroup stays as it is.
 */
static int kill_all(int dir)
{
	int below;

	if (write_text_at(dir, "cgroup.kill", "1") == 0)
		return 0;
	if ((errno != EOPNOTSUPP && errno != ENOENT) || write_text_at(dir, "cgroup.freeze", "1"))
		return -1;
	below = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (below < 0)
		return -1;
	each_below(below, kill_threads, NULL);
	return 0;
}

int cg_kill(struct cg *cg, const char *name, int timeout_ms, bool *out_empty, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);
	cleanup_fd int events = -1;
	long end = now_ms() + timeout_ms;

	*out_empty = true;
	if (dir < 0)
		return errno == ENOENT
			       ? 0
			       : fail(f, errno, "cannot open the cgroup of session '%s'", Q(name));
	if (kill_all(dir))
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
	int dir = cg_open_session(cg, name);

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
 * with errno if nobody says.
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
	else
		errno = ENODATA;
	return line;
}

int cg_is_session_member(pid_t pid)
{
	char text[4352], *path = cgroup_of(pid, text, sizeof(text));

	return path ? path_below(path, "/" CG_ROOT) : -1;
}

bool cg_session_of(pid_t pid, char *out, size_t size)
{
	static const char ABOVE[] = "/" CG_ROOT "/" CG_PREFIX;
	char text[4352], *path = cgroup_of(pid, text, sizeof(text));
	size_t len;

	if (!path || strncmp(path, ABOVE, strlen(ABOVE)) != 0)
		return false;
	path += strlen(ABOVE);
	len = strcspn(path, "/"); /* it may be in a child of its own making */
	if (len >= size)
		return false;
	snprintf(out, size, "%.*s", (int)len, path);
	return true;
}

bool cg_is_member_of(pid_t pid, const char *name)
{
	char text[4352], wanted[512], *path = cgroup_of(pid, text, sizeof(text));

	snprintf(wanted, sizeof(wanted), "/" CG_ROOT "/%s", directory(name).text);
	return path && strcmp(path, wanted) == 0;
}
