/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mounts.c - M: another view of the same files, by mounts and namespaces, as anybody may have one in
 * a user namespace; so nearly all is tried again in a session that may make one. What root does
 * without is in mounts_root.c, what has to work in mounts_work.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"
#include "view.h"

/* Newer than this C library's headers. */
#ifndef OPEN_TREE_NAMESPACE
#define OPEN_TREE_NAMESPACE 2
#endif
#define FSMOUNT_NAMESPACE_FLAG 2
#define UNSHARE_EMPTY_MNTNS_FLAG 0x00100000
#define CLONE_EMPTY_MNTNS_FLAG (1ULL << 37)
#define PIDFD_GET_MNT_NAMESPACE_COMMAND _IO(0xff, 3)
#define NSFS_ROOT (-10003)

/* Where a try puts what it mounts. */
static const char *place(const struct world *world)
{
	mkdir(in(world->project, "x"), 0755);
	return in(world->project, "x");
}

static int bind_to(const char *from, const char *to, unsigned long more)
{
	return result(mount(from, to, NULL, MS_BIND | more, NULL));
}

static int m01_directory(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = bind_to(world->out, x, 0);
	return no ? no : read_secret(in(x, "f"));
}

static int m01_above(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = bind_to(world->base, x, MS_REC);
	return no ? no : read_secret(in(x, "out/f"));
}

static int m01_file(const struct world *world)
{
	const char *y = in(world->project, "y");
	int no = make_file(y, "");

	if (!no)
		no = own_view(0);
	if (!no)
		no = bind_to(in(world->out, "f"), y, 0);
	return no ? no : read_secret(y);
}

static int m01_moved(const struct world *world)
{
	const char *x = place(world), *y = in(world->project, "y");
	int no = result(mkdir(y, 0755));

	if (!no)
		no = own_view(0);
	if (!no)
		no = bind_to(world->out, x, 0);
	if (!no)
		no = result(mount(x, y, NULL, MS_MOVE, NULL));
	return no ? no : read_secret(in(y, "f"));
}

/* A write through the other name. */
static int m01_write(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = bind_to(world->out, x, 0);
	return no ? no : make_file(in(x, "f"), "changed");
}

static int m01_unlink(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = bind_to(world->out, x, 0);
	return no ? no : result(unlink(in(x, "f")));
}

/* Lower layers alone: what is above one cannot be a stacking file system again. */
static void layers(const struct world *world, char *out, size_t size)
{
	mkdir(in(world->project, "layer"), 0755);
	snprintf(out, size, "%s:%s/layer", world->out, world->project);
}

static int m11_overlay(const struct world *world)
{
	const char *x = place(world);
	char lower[2048], options[2100];
	int no;

	layers(world, lower, sizeof(lower));
	snprintf(options, sizeof(options), "lowerdir=%s", lower);
	no = own_view(0);
	if (!no)
		no = result(mount("overlay", x, "overlay", 0, options));
	return no ? no : read_secret(in(x, "f"));
}

/* A mount that no name leads to; its descriptor, or -1. */
static int detached(const char *type, const char *key, const char *value, unsigned int flags)
{
	int context = fsopen(type, FSOPEN_CLOEXEC), fd;

	if (context < 0 || (key && fsconfig(context, FSCONFIG_SET_STRING, key, value, 0)) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	fd = fsmount(context, FSMOUNT_CLOEXEC | flags, 0);
	return fd;
}

static int read_in(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : read_secret_fd(fd);
}

static int m02_overlay(const struct world *world)
{
	char lower[2048];
	int no, fd;

	layers(world, lower, sizeof(lower));
	no = own_view(0);
	if (no)
		return no;
	fd = detached("overlay", "lowerdir", lower, 0);
	return fd < 0 ? errno : read_in(fd, "f");
}

/* No harm in a session that may make user namespaces: there it is memory of its own. */
static int m02_tmpfs(const struct world *world)
{
	int no = own_view(0), fd;

	(void)world;
	if (no)
		return no;
	fd = detached("tmpfs", NULL, NULL, 0);
	return fd < 0 ? errno : result(openat(fd, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int m03_clone(const struct world *world)
{
	int no = own_view(0), fd;

	if (no)
		return no;
	fd = open_tree(AT_FDCWD, world->out, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? errno : read_in(fd, "f");
}

static int m04_attach(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0), fd;

	if (no)
		return no;
	fd = open_tree(AT_FDCWD, world->out, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0 || move_mount(fd, "", AT_FDCWD, x, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	return read_secret(in(x, "f"));
}

static int m05_attributes(const struct world *world)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = bind_to(world->out, x, 0);
	if (!no)
		no = result(mount_setattr(AT_FDCWD, x, 0, &attr, sizeof(attr)));
	return no ? no : read_secret(in(x, "f"));
}

static int m08_chroot(const struct world *world)
{
	int no = own_view(0);

	if (!no)
		no = result(chroot(world->out));
	return no ? no : read_secret("/f");
}

static int m08_pivot(const struct world *world)
{
	int no;

	place(world);
	no = own_view(0);
	/* base becomes the root, the old root is put where the project was. */
	if (!no)
		no = bind_to(world->base, world->base, MS_REC);
	if (!no)
		no = result(chdir(world->base));
	if (!no)
		no = result(syscall(SYS_pivot_root, ".", "project/x"));
	return no ? no : read_secret("/out/f");
}

static int m09_unshare(const struct world *world)
{
	(void)world;
	return result(unshare(CLONE_NEWUSER));
}

static int m09_clone3(const struct world *world)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	(void)world;
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return result(pid);
}

/* All capabilities there are, in a namespace of one's own. */
static int m09_root(const struct world *world)
{
	int no = own_view(0);

	return no ? no : read_secret(in(world->out, "f"));
}

/* Somebody outside has namespaces of its own; the same user may enter them. */
static int live_apart(const struct world *world, int ready_fd)
{
	(void)world;
	if (own_view(0))
		return errno;
	close(ready_fd);
	for (;;)
		pause();
}

static int somebody_apart(struct world *world)
{
	char path[64];

	world->number[0] = spawn(live_apart, world);
	snprintf(path, sizeof(path), "/proc/%ld/ns/user", world->number[0]);
	if (access(path, F_OK))
		return why_not("no user namespaces for this user");
	return 0;
}

static int enter(const char *directory, const char *name, int type)
{
	int fd = open(in(directory, name), O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : result(setns(fd, type));
}

static int m10_by_name(const struct world *world)
{
	char ns[64];
	int no;

	snprintf(ns, sizeof(ns), "/proc/%ld/ns", world->number[0]);
	no = enter(ns, "user", CLONE_NEWUSER);
	return no ? no : enter(ns, "mnt", CLONE_NEWNS);
}

static int m10_by_pidfd(const struct world *world)
{
	int fd = (int)syscall(SYS_pidfd_open, world->number[0], 0);

	return fd < 0 ? errno : result(setns(fd, CLONE_NEWUSER | CLONE_NEWNS));
}

static int m10_by_ioctl(const struct world *world)
{
	int fd = (int)syscall(SYS_pidfd_open, world->number[0], 0);
	int no = fd < 0 ? errno : result(ioctl(fd, PIDFD_GET_MNT_NAMESPACE_COMMAND, 0));

	if (no == ENOTTY || no == EINVAL)
		return why_not("pidfds give no namespaces before Linux 6.11");
	return no;
}

static int m12_device(const struct world *world)
{
	int no = result(open("/dev/fuse", O_RDWR | O_CLOEXEC));

	(void)world;
	return no == ENOENT || no == ENODEV || no == ENXIO ? why_not("no /dev/fuse here") : no;
}

static int m12_mount(const struct world *world)
{
	const char *x = place(world);
	char options[128];
	int no = own_view(0), fd;

	if (no)
		return no;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV || errno == ENXIO
			       ? why_not("no /dev/fuse here")
			       : errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	return result(mount("fuse", x, "fuse", 0, options));
}

static int fusermount(const char *option, const char *directory, int socket)
{
	char number[16];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(number, sizeof(number), "%d", socket);
		setenv("_FUSE_COMMFD", number, 1);
		execl("/usr/bin/fusermount3", "fusermount3", option, directory, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The set-user-ID program mounts, and passes the device's descriptor back. */
static int m12_fusermount(const struct world *world)
{
	const char *x = place(world);
	int pair[2], status;

	if (access("/usr/bin/fusermount3", X_OK))
		return why_not("no fusermount3 here");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return errno;
	status = fusermount("--", x, pair[1]);
	return status == 127 ? ENOENT : status ? EPERM : 0;
}

static void m12_unmount(struct world *world)
{
	fusermount("-uqz", in(world->project, "x"), -1);
}

static int mount_of(const char *type, const char *at)
{
	return result(mount(type, at, type, 0, NULL));
}

static int m13_sysfs(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(CLONE_NEWNET);

	return no ? no : mount_of("sysfs", x);
}

static int m13_cgroup2(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(CLONE_NEWCGROUP);

	if (!no)
		no = mount_of("cgroup2", x);
	return no ? no : result(open(in(x, "cgroup.procs"), O_RDONLY | O_CLOEXEC));
}

static int m13_bpf(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(0);

	if (!no)
		no = mount_of("bpf", x);
	return no && !world->inside ? why_not("no bpffs in user namespaces here") : no;
}

static int write_sysctl(const void *data)
{
	const char *x = data;
	int no = mount_of("proc", x);

	return no ? no : result(open(in(x, "sys/kernel/core_pattern"), O_WRONLY | O_CLOEXEC));
}

/* Mapped to itself root owns the files of a procfs of its own as it does those of /proc. */
static int m13_sysctl(const struct world *world)
{
	const char *x = place(world);
	int no = own_view(CLONE_NEWPID);

	return no ? no : in_child(write_sysctl, x);
}

union handle {
	struct file_handle head;
	char space[sizeof(struct file_handle) + 128];
};

static int m14_prepare(struct world *world)
{
	union handle handle = {.head.handle_bytes = 128};
	char path[64];
	int mount_id, no = somebody_apart(world), fd;

	if (no)
		return no;
	snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", world->number[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH))
		return why_not("namespaces have no handles before Linux 6.18");
	close(fd);
	world->number[1] = handle.head.handle_type;
	world->number[2] = handle.head.handle_bytes;
	memcpy(&world->number[3], handle.head.f_handle, 2 * sizeof(long));
	return 0;
}

static int m14_handle(const struct world *world)
{
	union handle handle = {0};

	handle.head.handle_type = (int)world->number[1];
	handle.head.handle_bytes = (unsigned int)world->number[2];
	memcpy(handle.head.f_handle, &world->number[3], 2 * sizeof(long));
	return result(open_by_handle_at(NSFS_ROOT, &handle.head, O_RDONLY | O_CLOEXEC));
}

/* One call gives a namespace with a copy of the tree in it, past all hooks about mounts. */
static int m16_tree(const struct world *world)
{
	int no = own_view(0), fd;

	if (no)
		return no;
	fd = open_tree(AT_FDCWD, world->out, OPEN_TREE_NAMESPACE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return errno == EINVAL ? why_not("open_tree() makes no namespaces before Linux 7.0")
				       : errno;
	if (setns(fd, CLONE_NEWNS))
		return errno;
	return read_secret("/f");
}

static int m16_fsmount(const struct world *world)
{
	int no = own_view(0), fd;

	(void)world;
	if (no)
		return no;
	fd = detached("tmpfs", NULL, NULL, FSMOUNT_NAMESPACE_FLAG);
	if (fd < 0)
		return errno == EINVAL ? why_not("fsmount() makes no namespaces before Linux 7.1")
				       : errno;
	return result(setns(fd, CLONE_NEWNS));
}

static int m16_unshare(const struct world *world)
{
	int no = result(unshare(CLONE_NEWUSER | UNSHARE_EMPTY_MNTNS_FLAG));

	(void)world;
	return no == EINVAL ? why_not("no empty mount namespaces before Linux 7.1") : no;
}

static int m16_clone3(const struct world *world)
{
	struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_EMPTY_MNTNS_FLAG,
				  .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	int no = result(pid);

	(void)world;
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return no == EINVAL ? why_not("no empty mount namespaces before Linux 7.1") : no;
}

static const struct escape escapes[] = {
	{"M01", "bind a directory over the project's", IN_USERNS, .attempt = m01_directory,
	 .logged = "userns read"},
	{"M01", "bind what is above, with all below", IN_USERNS, .attempt = m01_above,
	 .logged = "userns read"},
	{"M01", "bind a file over the project's", IN_USERNS, .attempt = m01_file,
	 .logged = "userns read"},
	{"M01", "bind, and move the mount", IN_USERNS, .attempt = m01_moved,
	 .logged = "userns read"},
	{"M01", "bind, and write", IN_USERNS, .attempt = m01_write, .logged = "userns write"},
	{"M01", "bind, and unlink", IN_USERNS, .attempt = m01_unlink, .logged = "userns unlink"},
	{"M02", "fsopen tmpfs, its fsmount as a directory", 0, .attempt = m02_tmpfs,
	 .logged = "userns"},
	{"M02", "fsopen overlay, its fsmount as a directory", IN_USERNS, .attempt = m02_overlay,
	 .logged = "userns mount"},
	{"M03", "open_tree, cloned", IN_USERNS, .attempt = m03_clone, .logged = "userns read"},
	{"M04", "move_mount", IN_USERNS, .attempt = m04_attach, .logged = "userns read"},
	{"M05", "mount_setattr", IN_USERNS, .attempt = m05_attributes, .logged = "userns read"},
	{"M08", "chroot", IN_USERNS, .attempt = m08_chroot, .logged = "userns chroot"},
	{"M08", "pivot_root", IN_USERNS, .attempt = m08_pivot, .logged = "userns read"},
	{"M09", "unshare a user namespace", 0, .attempt = m09_unshare, .logged = "userns"},
	{"M09", "clone3 into a user namespace", 0, .attempt = m09_clone3, .logged = "userns"},
	{"M09", "root of a user namespace reads", IN_USERNS, .attempt = m09_root,
	 .logged = "userns read"},
	{"M10", "setns by /proc/PID/ns", IN_USERNS, .prepare = somebody_apart,
	 .attempt = m10_by_name, .logged = "trace"},
	{"M10", "setns by pidfd", IN_USERNS, .prepare = somebody_apart, .attempt = m10_by_pidfd,
	 .logged = "trace"},
	{"M10", "a namespace from a pidfd", IN_USERNS, .prepare = somebody_apart,
	 .attempt = m10_by_ioctl, .logged = "trace"},
	{"M11", "overlayfs over it", IN_USERNS, .attempt = m11_overlay, .logged = "userns mount"},
	{"M12", "the FUSE device", IN_USERNS, .attempt = m12_device, .logged = "write"},
	{"M12", "a FUSE mount", IN_USERNS, .attempt = m12_mount, .logged = "userns write"},
	{"M12", "a FUSE mount by fusermount3", GUEST_ONLY | IN_USERNS, .attempt = m12_fusermount,
	 .cleanup = m12_unmount, .logged = "write"},
	{"M13", "sysfs mounted anew", IN_USERNS, .attempt = m13_sysfs, .logged = "userns mount"},
	{"M13", "cgroup2 mounted anew", IN_USERNS, .attempt = m13_cgroup2,
	 .logged = "userns mount"},
	{"M13", "bpffs mounted anew", IN_USERNS, .attempt = m13_bpf, .logged = "userns mount"},
	{"M13", "sysctl in a procfs mounted anew", ROOT_ONLY | IN_USERNS, .attempt = m13_sysctl,
	 .logged = "userns write"},
	{"M14", "a namespace by its file handle", ROOT_ONLY | IN_USERNS, .prepare = m14_prepare,
	 .attempt = m14_handle, .reason = "the kernel asks for the right without saying for what"},
	{"M16", "open_tree with a namespace", IN_USERNS, .attempt = m16_tree,
	 .logged = "userns read"},
	{"M16", "fsmount with a namespace", 0, .attempt = m16_fsmount, .logged = "userns"},
	{"M16", "unshare an empty mount namespace", 0, .attempt = m16_unshare, .logged = "userns"},
	{"M16", "clone3 into an empty mount namespace", 0, .attempt = m16_clone3,
	 .logged = "userns"},
};

const struct family mounts = {escapes, LEN(escapes)};
