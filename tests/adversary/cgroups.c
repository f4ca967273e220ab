/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroups.c - G: leaving the session's cgroup, which is what makes it one; and what cgroups do to
 * processes outside. For an ordinary user the controls need a cgroup that is delegated to it, as
 * systemd gives one to each user.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"
#include "view.h"

#define CGROUPS "/sys/fs/cgroup"

/* The directory of the cgroup that a process is in. */
static void cgroup_of(const char *pid, char *out, size_t size)
{
	char path[64], line[1024] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file) && strncmp(line, "0::", 3) != 0)
		;
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	snprintf(out, size, CGROUPS "%s", strncmp(line, "0::", 3) == 0 ? line + 3 : "");
}

/* What prepare() made, by the name that it left in the project. */
static const char *other(const struct world *world)
{
	static char name[1100];
	FILE *file = fopen(in(world->project, "cgroup"), "re");

	name[0] = '\0';
	if (file) {
		(void)!fgets(name, sizeof(name), file);
		fclose(file);
	}
	return name;
}

static int write_in(const char *cgroup, const char *name, const char *text)
{
	int fd = open(in(cgroup, name), O_WRONLY | O_CLOEXEC);
	int no = fd < 0 ? errno : result(write(fd, text, strlen(text)));

	if (fd >= 0)
		close(fd);
	return no;
}

/* Another cgroup below this program's own, where a sleeper is: number[0]. */
static int make_other(struct world *world)
{
	char own[1024], name[1100], pid[24];

	cgroup_of("self", own, sizeof(own));
	snprintf(name, sizeof(name), "%s/adversary-%d", own, getpid());
	if (mkdir(name, 0755) && errno != EEXIST)
		return why_not("no cgroup is delegated to this user");
	make_file(in(world->project, "cgroup"), name);
	world->number[0] = spawn_sleeper();
	snprintf(pid, sizeof(pid), "%ld", world->number[0]);
	if (write_in(name, "cgroup.procs", pid))
		return why_not("no process can be moved by this user");
	return 0;
}

/* Whoever is left in it goes back up first: a try that worked, or this program's victim. */
static void remove_other(struct world *world)
{
	char own[1024], name[1100];

	cgroup_of("self", own, sizeof(own));
	snprintf(name, sizeof(name), "%s/adversary-%d", own, getpid());
	write_in(name, "cgroup.freeze", "0");
	kill((pid_t)world->number[0], SIGKILL);
	for (int i = 0; i < 100 && rmdir(name) && errno == EBUSY; i++)
		poll(NULL, 0, 10);
}

static int g01_procs(const struct world *world)
{
	return write_in(other(world), "cgroup.procs", "0");
}

/* Where it may stay in one resource domain, a thread goes alone. */
static int g02_threads(const struct world *world)
{
	char parent[1100];

	snprintf(parent, sizeof(parent), "%s", other(world));
	*strrchr(parent, '/') = '\0';
	return write_in(parent, "cgroup.threads", "0");
}

static int g03_child(const struct world *world)
{
	char own[1024];
	int no;

	(void)world;
	cgroup_of("self", own, sizeof(own));
	no = result(mkdir(in(own, "adversary-child"), 0755));
	if (!no)
		no = write_in(in(own, "adversary-child"), "cgroup.procs", "0");
	return no;
}

static void g03_remove(struct world *world)
{
	char own[1024];

	cgroup_of("self", own, sizeof(own));
	for (int i = 0; i < 100 && rmdir(in(own, "adversary-child")) && errno == EBUSY; i++)
		poll(NULL, 0, 10);
	remove_other(world);
}

/* Through a handle that was never opened for anything. */
static int g04_clone_into(const struct world *world)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int fd = open(other(world), O_PATH | O_DIRECTORY | O_CLOEXEC);
	long pid;

	if (fd < 0)
		return errno;
	args.cgroup = (uint64_t)fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return result(pid);
}

static int g06_freeze(const struct world *world)
{
	return write_in(other(world), "cgroup.freeze", "1");
}

static bool is_frozen(const struct world *world)
{
	char text[256] = "";
	int fd = open(in(other(world), "cgroup.freeze"), O_RDONLY | O_CLOEXEC);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return text[0] == '1';
}

static int g06_kill(const struct world *world)
{
	return write_in(other(world), "cgroup.kill", "1");
}

static bool is_dead(const struct world *world)
{
	return !alive((pid_t)world->number[0]);
}

static int g06_limit(const struct world *world)
{
	return write_in(other(world), "cgroup.max.descendants", "0");
}

static int g06_remove(const struct world *world)
{
	int no = result(rmdir(other(world)));

	return no == EBUSY ? 0 : no; /* it may, and there is somebody in it */
}

/* Somebody outside who hands over what it may write: the opener's rights are those that count. */
static int hand_over(const struct world *world, int ready_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = open(in(other(world), "cgroup.procs"), O_WRONLY | O_CLOEXEC);
	int to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte = 'x', space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(world->project, "s"));
	close(ready_fd);
	while (connect(to, (struct sockaddr *)&address, sizeof(address)))
		poll(NULL, 0, 10);
	sendmsg(to, &message, 0);
	for (;;)
		pause();
	return 0;
}

static int make_giver(struct world *world)
{
	int no = make_other(world);

	if (no)
		return no;
	return spawn(hand_over, world) > 0 ? 0 : why_not("nobody can be started");
}

static int g07_received(const struct world *world)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), from, fd = -1;
	char byte, space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(world->project, "s"));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1))
		return errno;
	from = accept(listener, NULL, NULL);
	if (from < 0 || recvmsg(from, &message, MSG_CMSG_CLOEXEC) < 0)
		return errno;
	if (!CMSG_FIRSTHDR(&message))
		return EPERM; /* the kernel let it fall */
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return result(write(fd, "0", 1));
}

/* Each of these asks whether it is still jailed: for what F01 is refused. */
static int read_it(const void *data)
{
	const struct world *world = data;

	return read_secret(in(world->out, "f"));
}

static int g09_namespace(const struct world *world)
{
	int no = own_view(CLONE_NEWCGROUP);

	return no ? no : read_it(world);
}

/* In a session of its own, and nobody's child: what it finds comes through a pipe. */
static int g09_orphan(const struct world *world)
{
	int ends[2];
	unsigned char no = EIO;
	pid_t pid, first = getpid();

	if (pipe(ends))
		return errno;
	pid = fork();
	if (pid == 0) {
		setsid();
		if (fork())
			_exit(0);
		for (int i = 0; i < 500 && getppid() == first; i++)
			poll(NULL, 0, 10);
		no = (unsigned char)read_it(world);
		(void)!write(ends[1], &no, 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close(ends[1]);
	(void)!read(ends[0], &no, 1);
	return no;
}

/* Its memory is this process's. */
static int g09_vfork(const struct world *world)
{
	static volatile int no;
	pid_t pid = vfork();

	if (pid == 0) {
		no = read_it(world);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid < 0 ? errno : no;
}

static void *read_alone(void *data)
{
	poll(NULL, 0, 100); /* the leader is gone by then */
	_exit(read_it(data));
}

/* A thread goes on when the process's first one has ended. */
static int g09_leader_gone(const struct world *world)
{
	pthread_t thread;
	int no = pthread_create(&thread, NULL, read_alone, (void *)(uintptr_t)world);

	if (no)
		return no;
	syscall(SYS_exit, 0);
	return 0;
}

/* A child of the parent outside, a sibling of this process. */
static int g09_sibling(const struct world *world)
{
	unsigned char no = EIO;
	int ends[2];
	long pid;

	if (pipe(ends))
		return errno;
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid == 0) {
		no = (unsigned char)read_it(world);
		(void)!write(ends[1], &no, 1);
		_exit(0);
	}
	if (pid < 0)
		return errno;
	close(ends[1]);
	(void)!read(ends[0], &no, 1);
	return no;
}

#define ON_OTHER(try) .prepare = make_other, .attempt = try, .cleanup = remove_other

static const struct escape escapes[] = {
	{"G01", "into another cgroup", 0, ON_OTHER(g01_procs), .logged = "write"},
	{"G02", "a thread into another cgroup", 0, ON_OTHER(g02_threads), .logged = "write"},
	{"G03", "into a child cgroup of one's own", 0, .prepare = make_other, .attempt = g03_child,
	 .cleanup = g03_remove, .logged = "mkdir"},
	{"G04", "a child born in another cgroup", 0, ON_OTHER(g04_clone_into), .logged = "cgroup"},
	{"G05", "have systemd move it",
	 .reason = "systemd is asked through its socket: connecting is refused, see U"},
	{"G06", "freeze another cgroup", 0, ON_OTHER(g06_freeze), .reached = is_frozen,
	 .logged = "write"},
	{"G06", "kill another cgroup", 0, ON_OTHER(g06_kill), .reached = is_dead,
	 .logged = "write"},
	{"G06", "limit another cgroup", 0, ON_OTHER(g06_limit), .logged = "write"},
	{"G06", "remove another cgroup", 0, ON_OTHER(g06_remove), .logged = "rmdir"},
	{"G07", "a descriptor of another's cgroup.procs, received", 0, .prepare = make_giver,
	 .attempt = g07_received, .cleanup = remove_other, .logged = "receive"},
	{"G09", "a cgroup namespace", IN_USERNS, .attempt = g09_namespace, .logged = "userns read"},
	{"G09", "an orphan with a session of its own", 0, .attempt = g09_orphan, .logged = "read"},
	{"G09", "a vfork", 0, .attempt = g09_vfork, .logged = "read"},
	{"G09", "a thread whose leader is gone", 0, .attempt = g09_leader_gone, .logged = "read"},
	{"G09", "a child of the parent's", 0, .attempt = g09_sibling, .logged = "read"},
	{"G10", "somebody outside moves it",
	 .reason = "that is their right; it is logged: tests/kernel/leave.sh"},
	{"G11", "sockets made before it was entered",
	 .reason = "exec closes all but three descriptors: tests/kernel/exec.sh"},
};

const struct family cgroups = {escapes, LEN(escapes)};
