/* SPDX-License-Identifier: GPL-2.0-only */
/* mounts_work.c - M: what goes on working, above all in a session that may make user namespaces. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"
#include "view.h"

#define SYS_LISTMOUNT 458

static int can_read(const char *path)
{
	char byte[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int no = fd < 0 ? errno : result(read(fd, byte, sizeof(byte)));

	if (no)
		printf("%s ", path);
	return no;
}

static const char *place(const struct world *world)
{
	mkdir(in(world->project, "x"), 0755);
	return in(world->project, "x");
}

static int m15_mountinfo(const struct world *world)
{
	(void)world;
	return can_read("/proc/self/mountinfo");
}

static int m15_listmount(const struct world *world)
{
	struct {
		uint32_t size, spare;
		uint64_t mount, param;
	} request = {.size = 24, .mount = UINT64_MAX /* LSMT_ROOT */};
	uint64_t ids[16];
	int no = result(syscall(SYS_LISTMOUNT, &request, ids, LEN(ids), 0));

	(void)world;
	return no == ENOSYS ? why_not("no listmount before Linux 6.8") : no;
}

/* A tmpfs there, in a view of its own. */
static int tmpfs_at(const char *x)
{
	int no = own_view(0);

	return no ? no : result(mount("tmpfs", x, "tmpfs", 0, NULL));
}

static int m09_tmpfs(const struct world *world)
{
	const char *x = place(world);
	int no = tmpfs_at(x);

	if (!no)
		no = result(chdir(x));
	if (!no)
		no = result(mkdir("d", 0755));
	if (!no)
		no = make_file("d/f", SECRET);
	if (!no)
		no = result(rename("d/f", "g"));
	if (!no)
		no = result(link("g", "h"));
	if (!no)
		no = read_secret("h");
	if (!no)
		no = result(unlink("h"));
	if (!no)
		no = result(rmdir("d"));
	if (!no)
		no = result(chdir(world->project));
	return no ? no : result(umount("x"));
}

static int m09_project(const struct world *world)
{
	const char *x = place(world);
	int no = tmpfs_at(x);

	if (!no)
		no = result(mkdir(in(x, "p"), 0755));
	if (!no)
		no = result(mount(world->project, in(x, "p"), NULL, MS_BIND, NULL));
	if (!no)
		no = make_file(in(x, "p/new"), SECRET);
	return no ? no : read_secret(in(world->project, "new"));
}

static int look_at_processes(const void *data)
{
	static const char *const names[] = {"1/stat",	 "1/cmdline",	 "self/status",
					    "self/maps", "self/environ", "meminfo",
					    "cpuinfo",	 "stat",	 "uptime"};
	int no = result(mount("proc", data, "proc", 0, NULL));

	if (!no)
		no = result(chdir(data));
	if (!no)
		no = result(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	for (size_t i = 0; !no && i < LEN(names); i++)
		no = can_read(names[i]);
	return no;
}

static int m09_processes(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(CLONE_NEWPID);

	return no ? no : in_child(look_at_processes, x);
}

static int m09_terminals(const struct world *world)
{
	const char *x = place(world);
	char slave[64];
	int no = own_view(0), master, number, unlock = 0;

	if (!no)
		no = result(mount("devpts", x, "devpts", 0, "newinstance,ptmxmode=0666"));
	if (no)
		return no;
	master = open(in(x, "ptmx"), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return errno;
	snprintf(slave, sizeof(slave), "%d", number);
	return result(open(in(x, slave), O_RDWR | O_NOCTTY | O_CLOEXEC));
}

static int m09_queues(const struct world *world)
{
	const char *x = place(world);
	mqd_t queue;
	int no = own_view(CLONE_NEWIPC);

	if (!no)
		no = result(mount("mqueue", x, "mqueue", 0, NULL));
	if (no)
		return no;
	queue = mq_open("/adversary", O_RDWR | O_CREAT, 0600, NULL);
	if (queue == (mqd_t)-1 || mq_send(queue, "x", 1, 0))
		return errno;
	no = can_read(in(x, "adversary"));
	return no ? no : result(mq_unlink("/adversary"));
}

/* Enough of a root for a program: what bubblewrap does. */
static int m09_new_root(const struct world *world)
{
	const char *x = place(world);
	int no = tmpfs_at(x);

	if (!no)
		no = result(chdir(x));
	if (!no)
		no = result(mkdir("usr", 0755) || mkdir("p", 0755) || mkdir("old", 0755));
	if (!no)
		no = result(mount("/usr", "usr", NULL, MS_BIND | MS_REC, NULL));
	if (!no)
		no = result(mount(world->project, "p", NULL, MS_BIND, NULL));
	if (!no)
		no = result(syscall(SYS_pivot_root, ".", "old"));
	if (!no)
		no = result(umount2("/old", MNT_DETACH));
	if (!no)
		no = make_file("/p/new", SECRET);
	return no ? no : can_read("/usr/bin/env");
}

/* A program to its end; its status as an errno, with the last word it had to say. */
static int to_its_end(const char *const *command)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv(command[0], (char *const *)command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	if (!WIFEXITED(status))
		return EINTR;
	return WEXITSTATUS(status) == 127 ? ENOENT : WEXITSTATUS(status) ? EPERM : 0;
}

#define BWRAP "/usr/bin/bwrap"

static int m09_bwrap(const struct world *world)
{
	const char *const command[] = {
		BWRAP,
		"--unshare-all",
		"--bind",
		world->project,
		"/p",
		"--ro-bind",
		"/usr",
		"/usr",
		"--proc",
		"/proc",
		"--dev",
		"/dev",
		"--tmpfs",
		"/tmp",
		"--symlink",
		"usr/bin",
		"/bin",
		"--symlink",
		"usr/lib64",
		"/lib64",
		"--symlink",
		"usr/lib",
		"/lib",
		"--chdir",
		"/p",
		"sh",
		"-c",
		"echo x >new && echo x >/tmp/new && cat new /proc/self/stat >/dev/null && "
		"ls / /proc >/dev/null && head -c 1 /dev/urandom >/dev/null",
		NULL};

	return access(BWRAP, X_OK) ? why_not("no bwrap here") : to_its_end(command);
}

static int m09_unshare(const struct world *world)
{
	static const char *const command[] = {"/usr/bin/unshare", "-Urmpf", "--mount-proc", "true",
					      NULL};

	(void)world;
	return access(command[0], X_OK) ? why_not("no unshare(1) here") : to_its_end(command);
}

static const struct escape escapes[] = {
	{"M09", "unshare -Urmpf --mount-proc", MUST_WORK | USERNS_ONLY, .attempt = m09_unshare},
	{"M09", "a tmpfs of one's own", MUST_WORK | USERNS_ONLY, .attempt = m09_tmpfs},
	{"M09", "the project bound elsewhere", MUST_WORK | USERNS_ONLY, .attempt = m09_project},
	{"M09", "a procfs of one's own", MUST_WORK | USERNS_ONLY, .attempt = m09_processes},
	{"M09", "terminals of one's own", MUST_WORK | USERNS_ONLY, .attempt = m09_terminals},
	{"M09", "queues of one's own", MUST_WORK | USERNS_ONLY, .attempt = m09_queues},
	{"M09", "a root of one's own", MUST_WORK | USERNS_ONLY, .attempt = m09_new_root},
	{"M09", "bubblewrap", MUST_WORK | USERNS_ONLY, .attempt = m09_bwrap},
	{"M15", "mountinfo", MUST_WORK, .attempt = m15_mountinfo},
	{"M15", "listmount", MUST_WORK, .attempt = m15_listmount},
};

const struct family mounts_work = {escapes, LEN(escapes)};
