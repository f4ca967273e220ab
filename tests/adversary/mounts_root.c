/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mounts_root.c - M: what root does to the machine's own mounts, without a namespace of its own. What
 * is mounted lies below BASE/more/p, a private mount: nothing of it shows elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adversary.h"

struct mnt_ns_info {
	uint32_t size;
	uint32_t mounts;
	uint64_t id;
};
#define NS_MNT_GET_NEXT_COMMAND _IOR(0xb7, 11, struct mnt_ns_info)

/* p, a private tmpfs; in it m, another, over a directory with the secret; and n, empty. */
static int mount_them(struct world *world)
{
	const char *p = in(world->base, "more/p");

	if (mkdir(p, 0755) || mount("tmpfs", p, "tmpfs", 0, NULL) ||
	    mount(NULL, p, NULL, MS_PRIVATE, NULL) || mkdir(in(world->base, "more/p/m"), 0755) ||
	    mkdir(in(world->base, "more/p/n"), 0755) ||
	    make_file(in(world->base, "more/p/m/f"), SECRET) ||
	    mount("tmpfs", in(world->base, "more/p/m"), "tmpfs", 0, NULL))
		return why_not("it cannot be mounted");
	return 0;
}

static void unmount_them(struct world *world)
{
	while (umount2(in(world->project, "x"), MNT_DETACH) == 0)
		;
	umount2(in(world->base, "more/p/n"), MNT_DETACH);
	umount2(in(world->base, "more/p/m"), MNT_DETACH);
	umount2(in(world->base, "more/p"), MNT_DETACH);
}

static const char *place(const struct world *world)
{
	mkdir(in(world->project, "x"), 0755);
	return in(world->project, "x");
}

static int m01_bind(const struct world *world)
{
	const char *x = place(world);
	int no = result(mount(world->out, x, NULL, MS_BIND, NULL));

	return no ? no : read_secret(in(x, "f"));
}

static int m01_tmpfs(const struct world *world)
{
	return result(mount("tmpfs", place(world), "tmpfs", 0, NULL));
}

static int m13_bpf(const struct world *world)
{
	return result(mount("bpf", place(world), "bpf", 0, NULL));
}

/* All processes, and sysctl with them, under names that no rule knows. */
static int m01_proc(const struct world *world)
{
	const char *x = place(world);
	int no = result(mount("proc", x, "proc", 0, NULL));

	return no ? no : result(open(in(x, "1/environ"), O_RDONLY | O_CLOEXEC));
}

static int m01_move(const struct world *world)
{
	return result(mount(in(world->base, "more/p/m"), in(world->base, "more/p/n"), NULL, MS_MOVE,
			    NULL));
}

static int m01_remount(const struct world *world)
{
	return result(mount(NULL, in(world->base, "more/p"), NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

static int m01_rebind(const struct world *world)
{
	return result(mount(NULL, in(world->base, "more/p"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			    NULL));
}

static bool is_readonly(const struct world *world)
{
	struct statvfs st;

	return statvfs(in(world->base, "more/p"), &st) == 0 && (st.f_flag & ST_RDONLY);
}

static int m01_propagation(const struct world *world)
{
	return result(mount(NULL, in(world->base, "more/p"), NULL, MS_SHARED, NULL));
}

static int m02_fsmount(const struct world *world)
{
	int context = fsopen("tmpfs", FSOPEN_CLOEXEC), fd;

	(void)world;
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? errno : result(openat(fd, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int m03_open_tree(const struct world *world)
{
	int fd = open_tree(AT_FDCWD, world->out, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), file;

	if (fd < 0)
		return errno;
	file = openat(fd, "f", O_RDONLY | O_CLOEXEC);
	return file < 0 ? errno : read_secret_fd(file);
}

static int m04_move_mount(const struct world *world)
{
	return result(move_mount(AT_FDCWD, in(world->base, "more/p/m"), AT_FDCWD,
				 in(world->base, "more/p/n"), 0));
}

static int m05_setattr(const struct world *world)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return result(mount_setattr(AT_FDCWD, in(world->base, "more/p"), 0, &attr, sizeof(attr)));
}

static int m06_reconfigure(const struct world *world)
{
	int fd = fspick(AT_FDCWD, in(world->base, "more/p"), FSPICK_CLOEXEC);

	if (fd < 0 || fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0))
		return errno;
	return result(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static int m07_umount(const struct world *world)
{
	return result(umount2(in(world->base, "more/p/m"), MNT_DETACH));
}

static bool m07_uncovered(const struct world *world)
{
	return access(in(world->base, "more/p/m/f"), F_OK) == 0;
}

static int m08_chroot(const struct world *world)
{
	int no = result(chroot(world->out));

	return no ? no : read_secret("/f");
}

static int m10_of_init(const struct world *world)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

	(void)world;
	return fd < 0 ? errno : result(setns(fd, CLONE_NEWNS));
}

static int live_apart(const struct world *world, int ready_fd)
{
	(void)world;
	if (unshare(CLONE_NEWNS))
		return errno;
	close(ready_fd);
	for (;;)
		pause();
}

static int somebody_apart(struct world *world)
{
	return spawn(live_apart, world) > 0 ? 0 : why_not("nobody can be started");
}

/* From one's own mount namespace to the next one that there is. */
static int m10_next(const struct world *world)
{
	struct mnt_ns_info info = {.size = sizeof(info)};
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int no = fd < 0 ? errno : result(ioctl(fd, NS_MNT_GET_NEXT_COMMAND, &info));

	(void)world;
	return no == ENOTTY ? why_not("mount namespaces have no next one before Linux 6.12") : no;
}

#define ON_MOUNTS(shape) \
	GUEST_ONLY | ROOT_ONLY, .prepare = mount_them, .attempt = shape, .cleanup = unmount_them

static const struct escape escapes[] = {
	{"M01", "root: bind", ON_MOUNTS(m01_bind), .logged = "mount"},
	{"M01", "root: tmpfs", ON_MOUNTS(m01_tmpfs), .logged = "mount"},
	{"M01", "root: proc", ON_MOUNTS(m01_proc), .logged = "mount"},
	{"M01", "root: move", ON_MOUNTS(m01_move), .reached = m07_uncovered, .logged = "mount"},
	{"M01", "root: remount", ON_MOUNTS(m01_remount), .reached = is_readonly, .logged = "mount"},
	{"M01", "root: remount a bind", ON_MOUNTS(m01_rebind), .reached = is_readonly,
	 .logged = "mount"},
	{"M01", "root: propagation", ON_MOUNTS(m01_propagation), .logged = "mount"},
	{"M02", "root: fsopen, its fsmount as a directory", ROOT_ONLY, .attempt = m02_fsmount,
	 .logged = "capability"},
	{"M03", "root: open_tree, cloned", ROOT_ONLY, .attempt = m03_open_tree,
	 .logged = "capability"},
	{"M04", "root: move_mount", ON_MOUNTS(m04_move_mount), .reached = m07_uncovered,
	 .logged = "capability"},
	{"M05", "root: mount_setattr", ON_MOUNTS(m05_setattr), .reached = is_readonly,
	 .logged = "capability"},
	{"M06", "root: fspick and reconfigure", ON_MOUNTS(m06_reconfigure), .reached = is_readonly,
	 .logged = "capability"},
	{"M07", "root: umount what covers a file", ON_MOUNTS(m07_umount), .reached = m07_uncovered,
	 .logged = "capability"},
	{"M08", "root: chroot", ROOT_ONLY | IN_USERNS, .attempt = m08_chroot, .logged = "chroot"},
	{"M10", "root: setns into init's", ROOT_ONLY | IN_USERNS, .attempt = m10_of_init,
	 .logged = "trace"},
	{"M10", "root: the next mount namespace", ROOT_ONLY | IN_USERNS, .prepare = somebody_apart,
	 .attempt = m10_next, .reason = "the kernel asks for the right without saying for what"},
	{"M13", "root: bpffs", ON_MOUNTS(m13_bpf), .logged = "mount"},
};

const struct family mounts_root = {escapes, LEN(escapes)};
