/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * links.c - L: links, renames and aliases: the same file by another name, in another place, through
 * another file system. Rules are in rules.c, races in races.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "adversary.h"

#define CANNOT_PREPARE why_not("cannot prepare: %s", strerrorname_np(errno))

/* Symlinks: to make one is free, to open what it names is not. */

static int through(const char *target, const char *path)
{
	return symlink(target, "link") ? why_not("symlink: %d", errno) : read_secret(path);
}

static int l01_absolute(const struct world *world)
{
	return through(in(world->out, "f"), "link");
}

static int l01_relative(const struct world *world)
{
	(void)world;
	return through("../out/f", "link");
}

static int l01_directory(const struct world *world)
{
	return through(world->out, "link/f");
}

static int l01_upwards(const struct world *world)
{
	return through(in(world->out, "d"), "link/../f");
}

/* As many as the kernel follows. */
static int l01_chain(const struct world *world)
{
	char name[16], target[700];

	snprintf(target, sizeof(target), "%s/f", world->out);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "link-%d", i);
		if (symlink(target, name))
			return why_not("symlink: %d", errno);
		snprintf(target, sizeof(target), "%s", name);
	}
	return read_secret(target);
}

static int l01_create(const struct world *world)
{
	if (symlink(in(world->out, "new"), "link"))
		return why_not("symlink: %d", errno);
	return result(open("link", O_WRONLY | O_CREAT, 0600));
}

/* procfs's own links lead to objects, not to names. */

static int l02_root(const struct world *world)
{
	char path[800];

	snprintf(path, sizeof(path), "/proc/self/root%s/f", world->out);
	return read_secret(path);
}

static int l02_thread_root(const struct world *world)
{
	char path[800];

	snprintf(path, sizeof(path), "/proc/thread-self/root%s/f", world->out);
	return read_secret(path);
}

static int l02_task_root(const struct world *world)
{
	char path[800];

	snprintf(path, sizeof(path), "/proc/self/task/%d/root%s/f", getpid(), world->out);
	return read_secret(path);
}

static int l02_working_directory(const struct world *world)
{
	(void)world;
	return read_secret("/proc/self/cwd/../out/f");
}

static int l02_descriptor(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/fd/%d/f", handle(world->out));
	return read_secret(path);
}

/* Hard links. */

static int stolen(long ret)
{
	return ret < 0 ? errno : read_secret("stolen");
}

static int l03_link(const struct world *world)
{
	return stolen(link(in(world->out, "f"), "stolen"));
}

static int l03_through_symlink(const struct world *world)
{
	if (symlink(in(world->out, "f"), "link"))
		return why_not("symlink: %d", errno);
	return stolen(linkat(AT_FDCWD, "link", AT_FDCWD, "stolen", AT_SYMLINK_FOLLOW));
}

static int l03_symlink(const struct world *world)
{
	return result(link(in(world->out, "l"), "stolen"));
}

static int l04_plant(const struct world *world)
{
	if (make_file("mine", "planted"))
		return why_not("a file cannot be made");
	return result(link("mine", in(world->out, "planted")));
}

static int l05_plant_nameless(const struct world *world)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	if (fd < 0)
		return why_not("no nameless files here: %d", errno);
	return result(linkat(AT_FDCWD, proc_fd(fd), AT_FDCWD, in(world->out, "planted"),
			     AT_SYMLINK_FOLLOW));
}

/* Renames across the border. */

static int l06_file(const struct world *world)
{
	return stolen(rename(in(world->out, "f"), "stolen"));
}

static int l06_directory(const struct world *world)
{
	return result(rename(in(world->out, "d"), "stolen"));
}

static int l06_over(const struct world *world)
{
	if (make_file("stolen", "mine"))
		return why_not("a file cannot be made");
	return stolen(rename(in(world->out, "f"), "stolen"));
}

static int l07_file(const struct world *world)
{
	if (make_file("mine", "planted"))
		return why_not("a file cannot be made");
	return result(rename("mine", in(world->out, "f")));
}

static int l07_new(const struct world *world)
{
	if (make_file("mine", "planted"))
		return why_not("a file cannot be made");
	return result(rename("mine", in(world->out, "new")));
}

static int l07_directory(const struct world *world)
{
	if (mkdir("mine", 0700))
		return why_not("a directory cannot be made");
	return result(rename("mine", in(world->out, "d")));
}

static int exchange(const char *from, const char *to)
{
	if (make_file("mine", "planted"))
		return why_not("a file cannot be made");
	return result(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE));
}

static int l08_in_out(const struct world *world)
{
	return exchange("mine", in(world->out, "f"));
}

static int l08_out_in(const struct world *world)
{
	return exchange(in(world->out, "d"), "mine");
}

/* And back: the world stays where it is looked for. */
static int there_and_back(const char *path)
{
	char moved[700];

	snprintf(moved, sizeof(moved), "%s.moved", path);
	return rename(path, moved) ? errno : result(rename(moved, path));
}

static int l10_project(const struct world *world)
{
	return there_and_back(world->project);
}

static int l10_ancestor(const struct world *world)
{
	return there_and_back(world->base);
}

/* Mounts that somebody outside made. */

static int mount_on_project(struct world *world, const char *type, const char *options)
{
	if (mkdir(in(world->project, "m"), 0700) ||
	    mount(world->out, in(world->project, "m"), type, type ? 0 : MS_BIND, options))
		return CANNOT_PREPARE;
	return 0;
}

static int l13_bind(struct world *world)
{
	return mount_on_project(world, NULL, NULL);
}

static void unmount(struct world *world)
{
	umount2(in(world->project, "m"), MNT_DETACH);
}

static int read_mounted(const struct world *world)
{
	(void)world;
	return read_secret("m/f");
}

static int l27_tmpfs(struct world *world)
{
	if (mount_on_project(world, "tmpfs", "mode=755"))
		return NO_CONTROL;
	return make_file(in(world->project, "m/f"), SECRET) ? CANNOT_PREPARE : 0;
}

/* The same files on another superblock; as the one below it, it is nobody's in the session. */
static int l27_overlay(struct world *world)
{
	char options[2200];

	if (mkdir(in(world->base, "more/upper"), 0700) || mkdir(in(world->base, "more/work"), 0700))
		return CANNOT_PREPARE;
	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=%s/more/upper,workdir=%s/more/work", world->out, world->base,
		 world->base);
	return mount_on_project(world, "overlay", options);
}

static int l26_overlay(struct world *world)
{
	char options[2200];

	if (mkdir(in(world->base, "more/upper"), 0700) ||
	    mkdir(in(world->base, "more/work"), 0700) ||
	    mkdir(in(world->base, "more/lower"), 0700) ||
	    make_file(in(world->base, "more/lower/f"), SECRET))
		return CANNOT_PREPARE;
	snprintf(options, sizeof(options),
		 "lowerdir=%s/more/lower,upperdir=%s/more/upper,workdir=%s/more/work", world->base,
		 world->base, world->base);
	return mount("overlay", world->project, "overlay", 0, options) ? CANNOT_PREPARE : 0;
}

static int l26_work(const struct world *world)
{
	int no = read_secret("f");

	(void)world;
	if (!no)
		no = result(open("f", O_WRONLY | O_APPEND)); /* copies it up */
	if (!no)
		no = make_file("new", "new");
	return no || rename("new", "newer") ? errno : result(unlink("newer"));
}

static int l25_subvolume(struct world *world)
{
	struct btrfs_ioctl_vol_args args = {.name = "sub"};
	int fd, no = mount_new("btrfs", world->project);

	if (no)
		return no;
	fd = open(world->project, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	no = ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args) ? CANNOT_PREPARE : 0;
	close(fd);
	return no;
}

static int l25_work(const struct world *world)
{
	int no = make_file("sub/f", SECRET);

	(void)world;
	return no ? no : read_secret("sub/f");
}

static void unmount_project(struct world *world)
{
	umount2(world->project, MNT_DETACH);
}

/* Views of one's own. */

static int l14_bind(const struct world *world)
{
	if (mkdir("m", 0700))
		return why_not("mkdir: %d", errno);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || mount(world->out, "m", NULL, MS_BIND, NULL))
		return errno;
	return read_secret("m/f");
}

static int l15_make_tmp(struct world *world)
{
	return mkdir(in(world->out, "tmp"), 0755) || make_file(in(world->out, "tmp/f"), SECRET)
		       ? CANNOT_PREPARE
		       : 0;
}

static int l15_chroot(const struct world *world)
{
	return chroot(world->out) ? errno : read_secret("/tmp/f");
}

static int l15_chroot_in_userns(const struct world *world)
{
	return unshare(CLONE_NEWUSER) ? errno : l15_chroot(world);
}

/* The project's own root is one that it may have. */
static int l15_outside_new_root(const struct world *world)
{
	int fd = handle(world->out);

	if (unshare(CLONE_NEWUSER) || chroot("."))
		return errno;
	fd = openat(fd, "f", O_RDONLY);
	return fd < 0 ? errno : read_secret_fd(fd);
}

static int l16_make_sibling(struct world *world)
{
	char path[700];

	snprintf(path, sizeof(path), "%s-evil", world->project);
	return mkdir(path, 0755) || make_file(in(path, "f"), SECRET) ? CANNOT_PREPARE : 0;
}

static int l16_sibling(const struct world *world)
{
	(void)world;
	return read_secret("../project-evil/f");
}

/* Deeper than any path is long: one level at a time, by handles. Down from top; -1: see errno. */
static int descend(const char *top, long levels, bool make)
{
	int fd = handle(top);

	while (fd >= 0 && levels-- > 0) {
		int below;

		if (make && mkdirat(fd, "d", 0755))
			return -1;
		below = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = below;
	}
	return fd;
}

static int dig(struct world *world, const char *top, long levels)
{
	int bottom = (mkdir(top, 0755), descend(top, levels, true));
	int fd = openat(bottom, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	world->number[0] = levels;
	if (bottom < 0 || fd < 0 || write(fd, SECRET, strlen(SECRET)) < 0)
		return CANNOT_PREPARE;
	close(fd);
	close(bottom);
	return 0;
}

static int l17_25(struct world *world)
{
	return dig(world, in(world->out, "deep"), 25);
}

static int l17_300(struct world *world)
{
	return dig(world, in(world->out, "deep"), 300);
}

static int l17_3000(struct world *world)
{
	return dig(world, in(world->out, "deep"), 3000);
}

static int l17_4200(struct world *world)
{
	return dig(world, in(world->out, "deep"), 4200);
}

static int l17_denied(struct world *world)
{
	return dig(world, in(world->project, "deep"), 3000);
}

static int l17_denied_4200(struct world *world)
{
	return dig(world, in(world->project, "deep"), 4200);
}

static int l17_in_bounds(struct world *world)
{
	return dig(world, in(world->project, "deep"), 300);
}

static int read_at_bottom(const struct world *world, const char *top)
{
	int bottom = descend(top, world->number[0], false), fd;

	if (bottom < 0)
		return why_not("cannot go down: %d", errno);
	fd = openat(bottom, "f", O_RDONLY);
	return fd < 0 ? errno : read_secret_fd(fd);
}

static int l17_read(const struct world *world)
{
	return read_at_bottom(world, in(world->out, "deep"));
}

static int l17_read_inside(const struct world *world)
{
	return read_at_bottom(world, in(world->project, "deep"));
}

#define DENY_DEEP "[paths]\ndeny = ${PROJECT}/deep\n"

/* Without a name. */

static int l18_reopen_deleted(const struct world *world)
{
	int fd;

	(void)world;
	if (make_file("f", SECRET))
		return errno;
	fd = handle("f");
	return unlink("f") ? errno : read_secret(proc_fd(fd));
}

static int l18_deleted_directory(const struct world *world)
{
	(void)world;
	if (mkdir("d", 0700) || chdir("d") || rmdir("../d"))
		return errno;
	return result(open(".", O_RDONLY | O_DIRECTORY));
}

static int l18_hand_deleted(struct world *world)
{
	world->handed = handle(in(world->out, "f"));
	return unlink(in(world->out, "f")) ? CANNOT_PREPARE : 0;
}

static int read_handed(const struct world *world)
{
	(void)world;
	return read_secret("/proc/self/fd/0");
}

/*
 * Found by a handle when nothing of it is cached, a file has no directory that the kernel knows of:
 * there is nothing to climb.
 */
static int l28_hand_disconnected(struct world *world)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} id = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int unused, mount = open(world->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC), caches;

	if (name_to_handle_at(AT_FDCWD, in(world->out, "f"), &id.handle, &unused, 0))
		return why_not("no file handles here");
	sync();
	caches = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	(void)!write(caches, "2", 1);
	close(caches);
	world->handed = open_by_handle_at(mount, &id.handle, O_PATH | O_CLOEXEC);
	close(mount);
	return world->handed < 0 ? CANNOT_PREPARE : 0;
}

/* The device below the file system holds all its files. */
static int l29_device(const struct world *world)
{
	char link[64], target[512], path[64];
	struct stat st;
	ssize_t len;

	if (stat(world->base, &st))
		return errno;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return why_not("the file system lies on no device");
	target[len] = '\0';
	snprintf(path, sizeof(path), "/dev/%.40s", strrchr(target, '/') + 1);
	return result(open(path, O_RDONLY));
}

static const struct escape escapes[] = {
	{"L01", "a symlink", 0, .attempt = l01_absolute, .logged = "read"},
	{"L01", "a relative symlink", 0, .attempt = l01_relative, .logged = "read"},
	{"L01", "a symlink to a directory", 0, .attempt = l01_directory, .logged = "read"},
	{"L01", ".. behind a symlink", 0, .attempt = l01_upwards, .logged = "read"},
	{"L01", "40 symlinks", 0, .attempt = l01_chain, .logged = "read"},
	{"L01", "create through a symlink", 0, .attempt = l01_create, .logged = "create"},
	{"L02", "/proc/self/root", 0, .attempt = l02_root, .logged = "read"},
	{"L02", "/proc/thread-self/root", 0, .attempt = l02_thread_root, .logged = "read"},
	{"L02", "/proc/self/task/TID/root", 0, .attempt = l02_task_root, .logged = "read"},
	{"L02", "/proc/self/cwd", 0, .attempt = l02_working_directory, .logged = "read"},
	{"L02", "/dev/fd/N/NAME", 0, .attempt = l02_descriptor, .logged = "read"},
	{"L03", "a hard link in the project", 0, .attempt = l03_link, .logged = "link"},
	{"L03", "a hard link, found by a symlink", 0, .attempt = l03_through_symlink,
	 .logged = "link"},
	{"L03", "a hard link to a symlink", 0, .attempt = l03_symlink, .logged = "link"},
	{"L04", "a hard link planted outside", 0, .attempt = l04_plant, .logged = "link"},
	{"L05", "a nameless file linked outside", 0, .attempt = l05_plant_nameless,
	 .logged = "link"},
	{"L06", "rename into the project", 0, .attempt = l06_file, .logged = "rename"},
	{"L06", "rename a directory into the project", 0, .attempt = l06_directory,
	 .logged = "rename"},
	{"L06", "rename over a file of the project", 0, .attempt = l06_over, .logged = "rename"},
	{"L07", "rename over a file outside", 0, .attempt = l07_file, .logged = "rename"},
	{"L07", "rename out of the project", 0, .attempt = l07_new, .logged = "rename"},
	{"L07", "rename over a directory outside", 0, .attempt = l07_directory, .logged = "rename"},
	{"L08", "exchange", 0, .attempt = l08_in_out, .logged = "rename"},
	{"L08", "exchange, from outside", 0, .attempt = l08_out_in, .logged = "rename"},
	{"L10", "rename the project", 0, .attempt = l10_project, .logged = "rename"},
	{"L10", "rename the directory above it", 0, .attempt = l10_ancestor, .logged = "rename"},
	{"L11", "write to a file outside by a hard link made before",
	 .reason = "what was linked to the project before is in the project: see README"},
	{"L12", "read a file outside by a hard link made before",
	 .reason = "what was linked to the project before is in the project: see README"},
	{"L13", "bound into the project before the session", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l13_bind, .attempt = read_mounted, .cleanup = unmount, .logged = "read",
	 .policy = ""},
	{"L13", "bound into the project meanwhile", ROOT_ONLY | GUEST_ONLY, .prepare = l13_bind,
	 .attempt = read_mounted, .cleanup = unmount, .logged = "read"},
	{"L14", "bind over a directory of the project in namespaces of its own", IN_USERNS,
	 .attempt = l14_bind, .logged = "userns read"},
	{"L15", "a root in which it looks like /tmp", ROOT_ONLY, .prepare = l15_make_tmp,
	 .attempt = l15_chroot, .logged = "chroot"},
	{"L15", "a root in which it looks like /tmp, in a user namespace", IN_USERNS,
	 .prepare = l15_make_tmp, .attempt = l15_chroot_in_userns, .logged = "userns chroot"},
	{"L15", "from a handle, outside of a new root", IN_USERNS, .attempt = l15_outside_new_root,
	 .logged = "userns read"},
	{"L16", "a name that begins like the project's", 0, .prepare = l16_make_sibling,
	 .attempt = l16_sibling, .logged = "read"},
	{"L17", "25 directories down", 0, .prepare = l17_25, .attempt = l17_read, .logged = "read"},
	{"L17", "300 directories down", 0, .prepare = l17_300, .attempt = l17_read,
	 .logged = "read"},
	{"L17", "3000 directories down", 0, .prepare = l17_3000, .attempt = l17_read,
	 .logged = "read"},
	{"L17", "4200 directories down: further than is climbed", 0, .prepare = l17_4200,
	 .attempt = l17_read, .logged = "read"},
	{"L17", "3000 directories below a denied one", 0, .prepare = l17_denied,
	 .attempt = l17_read_inside, .logged = "read", .policy = DENY_DEEP},
	{"L17", "4200 directories below a denied one", 0, .prepare = l17_denied_4200,
	 .attempt = l17_read_inside, .logged = "read", .policy = DENY_DEEP},
	{"L17", "300 directories down in the project", MUST_WORK, .prepare = l17_in_bounds,
	 .attempt = l17_read_inside},
	{"L18", "reopen a file of the project that was removed", MUST_WORK,
	 .attempt = l18_reopen_deleted},
	{"L18", "open a directory of the project that was removed", MUST_WORK,
	 .attempt = l18_deleted_directory},
	{"L18", "reopen a file outside that was removed", 0, .prepare = l18_hand_deleted,
	 .attempt = read_handed, .logged = "read"},
	{"L25", "a project with a btrfs subvolume", ROOT_ONLY | GUEST_ONLY | MUST_WORK,
	 .prepare = l25_subvolume, .attempt = l25_work, .cleanup = unmount_project, .policy = ""},
	{"L26", "a project on overlayfs", ROOT_ONLY | GUEST_ONLY | MUST_WORK,
	 .prepare = l26_overlay, .attempt = l26_work, .cleanup = unmount_project, .policy = ""},
	{"L27", "a file system mounted in the project meanwhile", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l27_tmpfs, .attempt = read_mounted, .cleanup = unmount, .logged = "read"},
	{"L27", "through overlayfs, mounted in the project meanwhile", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l27_overlay, .attempt = read_mounted, .cleanup = unmount, .logged = "read"},
	{"L28", "a file that no directory is known of", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l28_hand_disconnected, .attempt = read_handed, .logged = "read"},
	{"L29", "the device below the file system", ROOT_ONLY, .attempt = l29_device,
	 .logged = "read"},
};

const struct family links = {escapes, LEN(escapes)};
