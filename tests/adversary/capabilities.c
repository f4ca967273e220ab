/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capabilities.c - R02: what root's capabilities are for where no file is asked, a system call for
 * each that a session does not get. The rest of them: SYS_MODULE, SYS_BOOT, SYS_RAWIO with K10,
 * SYS_TIME, SYS_ADMIN, SYS_PACCT, SYS_TTY_CONFIG with K11, PERFMON with K08, BPF with K07, MKNOD
 * with D10.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"

#define OTHER_USER 1000
#define TID 31337 /* nobody's, most likely */

static int read_search(const struct world *world)
{
	union {
		struct file_handle head;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount, at = open(world->project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0 || make_file(in(world->project, "h"), "") ||
	    name_to_handle_at(at, "h", &handle.head, &mount, 0))
		return errno;
	return result(open_by_handle_at(at, &handle.head, O_RDONLY | O_CLOEXEC));
}

static int linux_immutable(const struct world *world)
{
	int fd, append, before;

	if (make_file(in(world->project, "i"), ""))
		return errno;
	fd = open(in(world->project, "i"), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &before))
		return errno;
	append = before | FS_APPEND_FL;
	return result(ioctl(fd, FS_IOC_SETFLAGS, &append))
		       ?: result(ioctl(fd, FS_IOC_SETFLAGS, &before));
}

static int net_broadcast(const struct world *world)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1;

	(void)world;
	return fd < 0 ? errno
		      : result(setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on,
					  sizeof(on)));
}

static int net_admin(const struct world *world)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1 << 16;

	(void)world;
	return fd < 0 ? errno
		      : result(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
}

static int net_raw(const struct world *world)
{
	(void)world;
	return result(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int ipc_lock(const struct world *world)
{
	const struct rlimit none = {0, 0};
	static char page[8192];

	(void)world;
	return result(setrlimit(RLIMIT_MEMLOCK, &none)) ?: result(mlock(page, sizeof(page)));
}

/* Another user, in the same session: makes a segment for itself alone and tells its number. */
static void own_segment(int told, int done)
{
	char byte;
	int id;

	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		_exit(1);
	id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	(void)!write(told, &id, sizeof(id));
	(void)!read(done, &byte, 1);
	shmctl(id, IPC_RMID, NULL);
	_exit(0);
}

static int ipc_owner(const struct world *world)
{
	int told[2], done[2], id, no;
	pid_t pid;

	(void)world;
	if (pipe(told) || pipe(done))
		return errno;
	pid = fork();
	if (pid == 0)
		own_segment(told[1], done[0]);
	if (read(told[0], &id, sizeof(id)) != sizeof(id) || id < 0)
		return why_not("no segment");
	no = shmat(id, NULL, SHM_RDONLY) == (void *)-1 ? errno : 0;
	(void)!write(done[1], "x", 1);
	waitpid(pid, NULL, 0);
	return no;
}

/* A process of another user in the same session. */
static int sys_ptrace(const struct world *world)
{
	int told[2], no;
	char byte;
	pid_t pid;

	(void)world;
	if (pipe(told))
		return errno;
	pid = fork();
	if (pid == 0) {
		if (setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0)
			(void)!write(told[1], "x", 1);
		for (;;)
			pause();
	}
	if (read(told[0], &byte, 1) != 1)
		return why_not("no process");
	no = result(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return no;
}

static int sys_nice(const struct world *world)
{
	(void)world;
	return result(setpriority(PRIO_PROCESS, 0, -5));
}

static int sys_resource(const struct world *world)
{
	struct rlimit limit = {64, 64}, more = {65, 65};

	(void)world;
	return result(setrlimit(RLIMIT_NOFILE, &limit)) ?: result(setrlimit(RLIMIT_NOFILE, &more));
}

static int lease(const struct world *world)
{
	const char *path = in(world->project, "lease");
	int fd;

	if (make_file(path, "") || chown(path, OTHER_USER, OTHER_USER))
		return errno;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? errno : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int audit_control(const struct world *world)
{
	struct nlmsghdr ask = {
		.nlmsg_len = sizeof(ask), .nlmsg_type = AUDIT_GET, .nlmsg_flags = NLM_F_REQUEST};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	(void)world;
	if (fd < 0)
		return why_not("no audit here: %s", strerror(errno));
	if (send(fd, &ask, sizeof(ask), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.head))
		return errno;
	return answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : 0;
}

static int audit_read(const struct world *world)
{
	struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = AUDIT_NLGRP_READLOG};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	(void)world;
	if (fd < 0)
		return why_not("no audit here: %s", strerror(errno));
	return result(bind(fd, (struct sockaddr *)&group, sizeof(group)));
}

static int closed_log(struct world *world)
{
	(void)world;
	return set_knob("/proc/sys/kernel/dmesg_restrict", "1");
}

static int read_log(const struct world *world)
{
	char text[64];

	(void)world;
	return result(syscall(SYS_syslog, 3, text, sizeof(text)));
}

static int wake_alarm(const struct world *world)
{
	(void)world;
	return result(timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC));
}

/* Who may not is not told: the flag is taken away. */
static int block_suspend(const struct world *world)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLWAKEUP};
	int fd = epoll_create1(EPOLL_CLOEXEC), ends[2];
	char path[64], line[256];
	unsigned int events = 0;
	FILE *info;

	(void)world;
	if (fd < 0 || pipe(ends) || epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event))
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "tfd: %*d events: %x", &events) == 1)
			break;
	return info && (events & EPOLLWAKEUP) ? 0 : EPERM;
}

static int checkpoint_restore(const struct world *world)
{
	pid_t tid = TID;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	(void)world;
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid((pid_t)pid, NULL, 0);
	return pid == TID ? 0 : EBADMSG;
}

#define CAPABILITY(name, function) \
	{ \
		"R02", name, ROOT_ONLY, .attempt = function, .logged = "capability" \
	}

static const struct escape escapes[] = {
	{"R02", "DAC_READ_SEARCH", ROOT_ONLY, .attempt = read_search,
	 .reason = "asked before each of root's reads: never reported"},
	CAPABILITY("LINUX_IMMUTABLE", linux_immutable),
	CAPABILITY("NET_BROADCAST", net_broadcast),
	CAPABILITY("NET_ADMIN", net_admin),
	CAPABILITY("NET_RAW", net_raw),
	CAPABILITY("IPC_LOCK", ipc_lock),
	CAPABILITY("IPC_OWNER", ipc_owner),
	CAPABILITY("SYS_PTRACE", sys_ptrace),
	CAPABILITY("SYS_NICE", sys_nice),
	CAPABILITY("SYS_RESOURCE", sys_resource),
	CAPABILITY("LEASE", lease),
	CAPABILITY("AUDIT_CONTROL", audit_control),
	CAPABILITY("AUDIT_READ", audit_read),
	{"R02", "SYSLOG", ROOT_ONLY | GUEST_ONLY, .prepare = closed_log, .attempt = read_log,
	 .cleanup = knobs_back, .logged = "capability"},
	CAPABILITY("WAKE_ALARM", wake_alarm),
	CAPABILITY("BLOCK_SUSPEND", block_suspend),
	CAPABILITY("CHECKPOINT_RESTORE", checkpoint_restore),
	{"R02", "MAC_ADMIN, MAC_OVERRIDE", 0,
	 .reason = "asked by security modules about files of theirs, which are refused: R08"},
};

const struct family capabilities = {escapes, LEN(escapes)};
