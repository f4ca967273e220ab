/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * descriptors.c - O: handles that give no rights, and what could make rights of them; descriptors that
 * come from elsewhere: inherited, handed in, received, taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../newer.h"
#include "adversary.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#endif

#define CANNOT_PREPARE why_not("cannot prepare: %s", strerrorname_np(errno))

static int out_handle(const struct world *world)
{
	return handle(in(world->out, "f"));
}

/* A handle: anybody may have one, nothing can be done with it. */

static int o01_handle(const struct world *world)
{
	struct stat st;
	int fd = out_handle(world);

	return fd < 0 || fstat(fd, &st) ? errno : 0;
}

static int o02_reopen(const struct world *world)
{
	return read_secret(proc_fd(out_handle(world)));
}

static int o02_reopen_to_write(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/fd/%d", out_handle(world));
	return result(open(path, O_RDWR));
}

static int o03_open_at(const struct world *world)
{
	int fd = openat(handle(world->out), "f", O_RDONLY);

	return fd < 0 ? errno : read_secret_fd(fd);
}

static int o04_execute(const struct world *world)
{
	char *argv[] = {"x", NULL}, *none[] = {NULL};

	syscall(SYS_execveat, handle(in(world->out, "x")), "", argv, none, AT_EMPTY_PATH);
	return errno;
}

static int o05_chmod(const struct world *world)
{
	return result(chmod(proc_fd(out_handle(world)), 0777));
}

/* A system call that this kernel may not have. */
static int newer(long ret, const char *name)
{
	return ret < 0 && errno == ENOSYS ? why_not("the kernel has no %s", name) : result(ret);
}

static int o05_fchmodat2(const struct world *world)
{
	return newer(syscall(SYS_fchmodat2, out_handle(world), "", 0777, AT_EMPTY_PATH),
		     "fchmodat2");
}

static int o05_chown(const struct world *world)
{
	return result(chown(proc_fd(out_handle(world)), (uid_t)-1, getegid()));
}

static int o05_fchownat(const struct world *world)
{
	return result(fchownat(out_handle(world), "", (uid_t)-1, getegid(), AT_EMPTY_PATH));
}

static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

static int o05_times(const struct world *world)
{
	return result(utimensat(AT_FDCWD, proc_fd(out_handle(world)), long_ago, 0));
}

static int o05_utimensat(const struct world *world)
{
	return result(utimensat(out_handle(world), "", long_ago, AT_EMPTY_PATH));
}

static int o05_attribute(const struct world *world)
{
	int no = result(setxattr(proc_fd(out_handle(world)), "user.new", "1", 1, 0));

	return no == EOPNOTSUPP ? why_not("the file system has no such attributes") : no;
}

static int o05_setxattrat(const struct world *world)
{
	struct newer_xattr_args args = {.value = (uintptr_t) "1", .size = 1};

	return newer(syscall(SYS_setxattrat, out_handle(world), "", AT_EMPTY_PATH, "user.new",
			     &args, sizeof(args)),
		     "setxattrat");
}

static int o05_truncate(const struct world *world)
{
	return result(truncate(proc_fd(out_handle(world)), 1));
}

static int o06_link(const struct world *world)
{
	if (linkat(AT_FDCWD, proc_fd(out_handle(world)), AT_FDCWD, "stolen", AT_SYMLINK_FOLLOW))
		return errno;
	return read_secret("stolen");
}

/* Up to 6.9 for who may read everything alone, from 6.10 on for who opened it. */
static int o06_link_empty_path(const struct world *world)
{
	if (linkat(out_handle(world), "", AT_FDCWD, "stolen", AT_EMPTY_PATH))
		return errno;
	return read_secret("stolen");
}

static int o08_listen(const struct world *world, int ready_fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "s");
	if (chdir(world->out) || bind(fd, (void *)&name, sizeof(name)) || listen(fd, 8))
		return 1;
	close(ready_fd);
	for (;;)
		pause();
	return 0;
}

static int o08_start_listener(struct world *world)
{
	pid_t pid = spawn(o08_listen, world);

	return pid < 0 || !alive(pid) ? CANNOT_PREPARE : 0;
}

static int o08_connect(const struct world *world)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", proc_fd(handle(in(world->out, "s"))));
	return result(connect(fd, (void *)&name, sizeof(name)));
}

/* Inherited: open when agent-lock is started, and not closed by who starts it. */

static int keep_open(struct world *world, int fd)
{
	/* Moved away from the numbers that everything opens first. */
	world->number[0] = fd < 0 ? -1 : fcntl(fd, F_DUPFD, 70);
	close(fd);
	return world->number[0] < 0 ? CANNOT_PREPARE : 0;
}

static void close_kept(struct world *world)
{
	close((int)world->number[0]);
}

static int o10_keep_file(struct world *world)
{
	return keep_open(world, open(in(world->out, "f"), O_RDONLY));
}

static int o10_read(const struct world *world)
{
	return read_secret_fd((int)world->number[0]);
}

static int o11_keep_directory(struct world *world)
{
	return keep_open(world, open(world->out, O_RDONLY | O_DIRECTORY));
}

static int o11_open_at_kept(const struct world *world)
{
	int fd = openat((int)world->number[0], "f", O_RDONLY);

	return fd < 0 ? errno : read_secret_fd(fd);
}

static int o11_hand_directory(struct world *world)
{
	world->handed = open(world->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return world->handed < 0 ? CANNOT_PREPARE : 0;
}

static int o11_open_at_handed(const struct world *world)
{
	int fd = openat(0, "f", O_RDONLY);

	(void)world;
	return fd < 0 ? errno : read_secret_fd(fd);
}

/* Its own standard input: what it was handed for writing gives no leave to read. */

static int o12_hand_writer(struct world *world)
{
	world->handed = open(in(world->out, "f"), O_WRONLY | O_APPEND | O_CLOEXEC);
	return world->handed < 0 ? CANNOT_PREPARE : 0;
}

static int o12_reopen_to_read(const struct world *world)
{
	(void)world;
	return read_secret("/dev/stdin");
}

static int o12_reopen_to_write(const struct world *world)
{
	(void)world;
	return result(open("/proc/self/fd/0", O_WRONLY | O_TRUNC));
}

static int o12_hand_pipe(struct world *world)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) || write(ends[1], SECRET, strlen(SECRET)) < 0)
		return CANNOT_PREPARE;
	close(ends[1]);
	world->handed = ends[0];
	return 0;
}

static int o12_reopen_pipe(const struct world *world)
{
	int fd = open("/dev/stdin", O_RDONLY);

	(void)world;
	return fd < 0 ? errno : read_secret_fd(fd);
}

/* Sent: the message waits in a socket that is handed in. */

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static int send_descriptor(int to, int fd)
{
	char byte = 0;
	struct iovec data = {&byte, 1};
	union control control = {.header = {.cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS,
					    .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &message, 0) < 0 ? errno : 0;
}

static int send_in(struct world *world, int type, const char *path, int flags)
{
	int pair[2], fd = open(path, flags | O_CLOEXEC), no;

	if (fd < 0 || socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair))
		return CANNOT_PREPARE;
	no = send_descriptor(pair[1], fd);
	close(fd);
	close(pair[1]);
	world->handed = pair[0];
	return no ? why_not("nothing can be sent: %s", strerrorname_np(no)) : 0;
}

/* Not installed: -1. */
static int receive(void)
{
	char byte;
	struct iovec data = {&byte, 1};
	union control control = {0};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(0, &message, 0) < 0 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int o13_send_reader(struct world *world)
{
	return send_in(world, SOCK_STREAM, in(world->out, "f"), O_RDONLY);
}

static int o13_send_datagram(struct world *world)
{
	return send_in(world, SOCK_DGRAM, in(world->out, "f"), O_RDONLY);
}

static int o13_send_directory(struct world *world)
{
	return send_in(world, SOCK_SEQPACKET, world->out, O_RDONLY | O_DIRECTORY);
}

static int o13_send_handle(struct world *world)
{
	return send_in(world, SOCK_STREAM, in(world->out, "f"), O_PATH);
}

static int o13_send_own(struct world *world)
{
	if (make_file(in(world->project, "f"), SECRET))
		return CANNOT_PREPARE;
	return send_in(world, SOCK_STREAM, in(world->project, "f"), O_RDONLY);
}

static int o13_read(const struct world *world)
{
	int fd = receive();

	(void)world;
	return fd < 0 ? EPERM : read_secret_fd(fd);
}

static int o13_have(const struct world *world)
{
	(void)world;
	return receive() < 0 ? EPERM : 0;
}

/* Somebody outside who holds things open, at numbers and an address that are known. */

#define HELD_FILE 50
#define HELD_DELETED 51
#define HELD_MEMORY 52
#define HELD_AT 0x10000000UL

static int hold(const struct world *world, int ready_fd)
{
	char path[700];
	int fd;

	/* Where yama asks for it: whoever wants may trace this one. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (dup2(open(in(world->out, "f"), O_RDONLY), HELD_FILE) < 0 ||
	    mmap((void *)HELD_AT, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, HELD_FILE,
		 0) == MAP_FAILED)
		return 1;
	snprintf(path, sizeof(path), "%s/more/deleted", world->base);
	if (make_file(path, SECRET) || dup2(open(path, O_RDONLY), HELD_DELETED) < 0 || unlink(path))
		return 1;
	fd = memfd_create("memory", 0);
	if (write(fd, SECRET, strlen(SECRET)) < 0 || dup2(fd, HELD_MEMORY) < 0)
		return 1;
	close(ready_fd);
	for (;;)
		pause();
	return 0;
}

static int start_holder(struct world *world)
{
	world->number[0] = spawn(hold, world);
	return world->number[0] < 0 || !alive((pid_t)world->number[0])
		       ? why_not("nobody holds anything")
		       : 0;
}

static int take(const struct world *world, int number)
{
	int pidfd = (int)syscall(SYS_pidfd_open, world->number[0], 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	if (pidfd < 0)
		return why_not("no pidfd: %d", errno);
	/* Its offset is shared: the first reader would leave nothing. */
	return fd < 0 || lseek(fd, 0, SEEK_SET) < 0 ? errno : read_secret_fd(fd);
}

static int o14_take_file(const struct world *world)
{
	return take(world, HELD_FILE);
}

static int o14_take_memory(const struct world *world)
{
	return take(world, HELD_MEMORY);
}

static int read_held(const struct world *world, int number)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", world->number[0], number);
	return read_secret(path);
}

static int o17_file(const struct world *world)
{
	return read_held(world, HELD_FILE);
}

static int o17_deleted(const struct world *world)
{
	return read_held(world, HELD_DELETED);
}

static int o17_memory(const struct world *world)
{
	return read_held(world, HELD_MEMORY);
}

static int o17_name(const struct world *world)
{
	char path[64], target[700];

	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", world->number[0], HELD_FILE);
	return result(readlink(path, target, sizeof(target)));
}

static int o17_mapped(const struct world *world)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%ld/map_files/%lx-%lx", world->number[0], HELD_AT,
		 HELD_AT + 4096);
	return read_secret(path);
}

/* A ring made outside acts on the files that were registered with it there. */
static int o16_keep_ring(struct world *world)
{
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 2, &params);

	if (fd < 0)
		return why_not("no io_uring here: %s", strerrorname_np(errno));
	return keep_open(world, fd);
}

static int o16_enter(const struct world *world)
{
	return result(syscall(SYS_io_uring_enter, world->number[0], 0, 0, 0, NULL, 0));
}

/* What has no name belongs to who has it. */

static int o18_execute_memory(const struct world *world)
{
	char *argv[] = {"true", NULL}, *none[] = {NULL};
	int from = open("/bin/true", O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	struct stat st;

	(void)world;
	if (from < 0 || to < 0 || fstat(from, &st) ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		return errno;
	fexecve(to, argv, none);
	return errno;
}

static int o18_reopen_memory(const struct world *world)
{
	int fd = memfd_create("memory", 0);

	(void)world;
	if (fd < 0 || write(fd, SECRET, strlen(SECRET)) < 0)
		return errno;
	return read_secret(proc_fd(fd));
}

static int o18_reopen_pipe(const struct world *world)
{
	int ends[2];

	(void)world;
	if (pipe(ends) || write(ends[1], SECRET, strlen(SECRET)) < 0)
		return errno;
	return read_secret(proc_fd(ends[0]));
}

static int o18_reopen_nameless(const struct world *world)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	(void)world;
	if (fd < 0)
		return errno == EOPNOTSUPP ? why_not("no nameless files here") : errno;
	if (write(fd, SECRET, strlen(SECRET)) < 0)
		return errno;
	return read_secret(proc_fd(fd));
}

/*
 * A flag of openat2() that has an empty name mean the descriptor itself. openat2() refuses flags that
 * it doesn't know, so that each bit can be asked for.
 */
static int o21_empty_path(const struct world *world)
{
	int at = out_handle(world), no = EINVAL;

	for (unsigned int bit = 23; bit < 48; bit++) {
		struct open_how how = {.flags = O_RDONLY | 1ULL << bit};
		int fd = (int)syscall(SYS_openat2, at, "", &how, sizeof(how));

		if (fd >= 0)
			return read_secret_fd(fd);
		if (errno != EINVAL && errno != ENOENT)
			no = errno;
	}
	return no == EINVAL ? why_not("the kernel has no O_EMPTYPATH") : no;
}

static const struct escape escapes[] = {
	{"O01", "have a handle", MUST_WORK, .attempt = o01_handle},
	{"O02", "reopen a handle", 0, .attempt = o02_reopen, .logged = "read"},
	{"O02", "reopen a handle for writing", 0, .attempt = o02_reopen_to_write,
	 .logged = "write"},
	{"O03", "open from a handle of the directory", 0, .attempt = o03_open_at, .logged = "read"},
	{"O04", "execute a handle", 0, .attempt = o04_execute, .logged = "exec"},
	{"O05", "chmod by a handle", 0, .attempt = o05_chmod, .logged = "chmod"},
	{"O05", "fchmodat2 by a handle", 0, .attempt = o05_fchmodat2, .logged = "chmod"},
	{"O05", "chown by a handle", 0, .attempt = o05_chown, .logged = "chown"},
	{"O05", "fchownat by a handle", 0, .attempt = o05_fchownat, .logged = "chown"},
	{"O05", "set times by a handle", 0, .attempt = o05_times, .logged = "utimes"},
	{"O05", "utimensat by a handle", 0, .attempt = o05_utimensat, .logged = "utimes"},
	{"O05", "set an attribute by a handle", 0, .attempt = o05_attribute, .logged = "xattr"},
	{"O05", "setxattrat by a handle", 0, .attempt = o05_setxattrat, .logged = "xattr"},
	{"O05", "truncate by a handle", 0, .attempt = o05_truncate, .logged = "truncate"},
	{"O06", "link a handle into the project", 0, .attempt = o06_link, .logged = "link"},
	/* Not logged up to 6.9: root asks for this capability whenever it reads. */
	{"O06", "linkat by a handle and no name", 0, .attempt = o06_link_empty_path},
	{"O08", "connect to a socket by its handle", 0, .prepare = o08_start_listener,
	 .attempt = o08_connect, .logged = "connect"},
	/* Not logged: closed at the start, there is nothing to refuse. */
	{"O10", "read an inherited file", 0, .prepare = o10_keep_file, .attempt = o10_read,
	 .cleanup = close_kept},
	{"O11", "open from an inherited directory", 0, .prepare = o11_keep_directory,
	 .attempt = o11_open_at_kept, .cleanup = close_kept},
	{"O11", "open from a directory as standard input", 0, .prepare = o11_hand_directory,
	 .attempt = o11_open_at_handed, .logged = "read"},
	{"O12", "reopen what was handed in for writing, to read", 0, .prepare = o12_hand_writer,
	 .attempt = o12_reopen_to_read, .logged = "read"},
	{"O12", "reopen what was handed in for appending, to truncate", 0,
	 .prepare = o12_hand_writer, .attempt = o12_reopen_to_write, .logged = "write"},
	{"O12", "reopen a pipe that was handed in", MUST_WORK, .prepare = o12_hand_pipe,
	 .attempt = o12_reopen_pipe},
	{"O13", "receive a file", 0, .prepare = o13_send_reader, .attempt = o13_read,
	 .logged = "receive"},
	{"O13", "receive a file in a datagram", 0, .prepare = o13_send_datagram,
	 .attempt = o13_read, .logged = "receive"},
	{"O13", "receive a directory", 0, .prepare = o13_send_directory, .attempt = o13_have,
	 .logged = "receive"},
	{"O13", "receive a handle", 0, .prepare = o13_send_handle, .attempt = o13_have,
	 .logged = "receive"},
	{"O13", "receive a file of the project", MUST_WORK, .prepare = o13_send_own,
	 .attempt = o13_read},
	{"O14", "take a file from a process outside", 0, .prepare = start_holder,
	 .attempt = o14_take_file, .logged = "trace"},
	{"O14", "take memory from a process outside", 0, .prepare = start_holder,
	 .attempt = o14_take_memory, .logged = "trace"},
	/* Not logged: closed at the start, there is nothing to refuse. */
	{"O16", "use an inherited ring", 0, .prepare = o16_keep_ring, .attempt = o16_enter,
	 .cleanup = close_kept},
	{"O17", "/proc/PID/fd/N: a file", 0, .prepare = start_holder, .attempt = o17_file,
	 .logged = "trace"},
	{"O17", "/proc/PID/fd/N: a removed file", 0, .prepare = start_holder,
	 .attempt = o17_deleted, .logged = "trace"},
	{"O17", "/proc/PID/fd/N: memory", 0, .prepare = start_holder, .attempt = o17_memory,
	 .logged = "trace"},
	{"O17", "/proc/PID/fd/N: its name", 0, .prepare = start_holder, .attempt = o17_name,
	 .logged = "trace"},
	{"O17", "/proc/PID/map_files", ROOT_ONLY, .prepare = start_holder, .attempt = o17_mapped,
	 .logged = "trace"},
	{"O18", "execute memory", MUST_WORK, .attempt = o18_execute_memory},
	{"O18", "reopen memory", MUST_WORK, .attempt = o18_reopen_memory},
	{"O18", "reopen a pipe", MUST_WORK, .attempt = o18_reopen_pipe},
	{"O18", "reopen a nameless file of the project", MUST_WORK, .attempt = o18_reopen_nameless},
	{"O19", "share descriptors or the working directory with a process outside",
	 .reason = "agent-lock exec goes in as a whole, by one process that shares nothing"},
	{"O20", "use what was opened before it left the project",
	 .reason = "what is open stays open: it was the session's when it was opened"},
	{"O21", "reopen a handle by an empty name", 0, .attempt = o21_empty_path, .logged = "read"},
};

const struct family descriptors = {escapes, LEN(escapes)};
