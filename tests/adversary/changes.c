/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.c - F: files outside, changed: made, removed, renamed, their mode, owner, times, attributes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../newer.h"
#include "adversary.h"

/* A system call that this kernel may not have. */
static int newer(long ret, const char *name)
{
	return ret < 0 && errno == ENOSYS ? why_not("the kernel has no %s", name) : result(ret);
}

/* Making. */

static int f04_create(const struct world *world)
{
	return result(open(in(world->out, "new"), O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int f04_create_reader(const struct world *world)
{
	return result(openat(handle(world->out), "new", O_RDONLY | O_CREAT, 0600));
}

static int f04_openat2(const struct world *world)
{
	struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0600};

	return result(syscall(SYS_openat2, handle(world->out), "new", &how, sizeof(how)));
}

static bool f04_is_there(const struct world *world)
{
	return access(in(world->out, "new"), F_OK) == 0;
}

static int f05_nameless(const struct world *world)
{
	return result(open(in(world->out, "d"), O_RDWR | O_TMPFILE, 0600));
}

static int f06_truncate(const struct world *world)
{
	return result(truncate(in(world->out, "f"), 1));
}

static int hand(struct world *world, int flags)
{
	world->handed = open(in(world->out, "f"), flags | O_CLOEXEC);
	return world->handed < 0 ? why_not("the file cannot be opened") : 0;
}

static int hand_writer(struct world *world)
{
	return hand(world, O_WRONLY);
}

static int hand_reader(struct world *world)
{
	return hand(world, O_RDONLY);
}

static int f08_truncate_handed(const struct world *world)
{
	(void)world;
	return result(ftruncate(0, 1));
}

static int f11_make_directory(const struct world *world)
{
	return result(mkdir(in(world->out, "new"), 0700));
}

static int f11_make_directory_at(const struct world *world)
{
	return result(mkdirat(handle(in(world->out, "d")), "new", 0700));
}

static int f12_fifo(const struct world *world)
{
	return result(mkfifo(in(world->out, "new"), 0600));
}

static int f12_socket(const struct world *world)
{
	return result(mknod(in(world->out, "new"), S_IFSOCK | 0600, 0));
}

static int f12_regular(const struct world *world)
{
	return result(mknod(in(world->out, "new"), S_IFREG | 0600, 0));
}

static int f13_symlink(const struct world *world)
{
	return result(symlink("/bin/false", in(world->out, "new")));
}

static int f13_symlink_at(const struct world *world)
{
	return result(symlinkat("/bin/false", handle(world->out), "new"));
}

static int f32_bind(const struct world *world)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "../out/new");
	(void)world;
	return result(bind(fd, (void *)&name, sizeof(name)));
}

/* Removing and renaming. */

static int f09_unlink(const struct world *world)
{
	return result(unlink(in(world->out, "f")));
}

static int f09_unlink_at(const struct world *world)
{
	return result(unlinkat(handle(world->out), "l", 0));
}

static int f10_rmdir(const struct world *world)
{
	return result(rmdir(in(world->out, "d")));
}

static int f10_remove_at(const struct world *world)
{
	return result(unlinkat(handle(world->out), "d", AT_REMOVEDIR));
}

static int move(const struct world *world, const char *from, const char *to, unsigned int flags)
{
	return result(
		renameat2(AT_FDCWD, in(world->out, from), AT_FDCWD, in(world->out, to), flags));
}

static int f14_rename(const struct world *world)
{
	return move(world, "f", "new", 0);
}

static int f14_replace(const struct world *world)
{
	return move(world, "f", "x", 0);
}

static int f14_directory(const struct world *world)
{
	return move(world, "d", "new", RENAME_NOREPLACE);
}

static int f14_exchange(const struct world *world)
{
	return move(world, "f", "d", RENAME_EXCHANGE);
}

static int f14_whiteout(const struct world *world)
{
	return move(world, "f", "new", RENAME_WHITEOUT);
}

/* Mode and owner. */

static int f15_chmod(const struct world *world)
{
	return result(chmod(in(world->out, "f"), 0777));
}

static int f15_chmod_directory(const struct world *world)
{
	return result(fchmodat(handle(world->out), "d", 0777, 0));
}

static int f15_fchmodat2(const struct world *world)
{
	return newer(syscall(SYS_fchmodat2, handle(world->out), "f", 0777, 0), "fchmodat2");
}

static int f15_chmod_handed(const struct world *world)
{
	(void)world;
	return result(fchmod(0, 0777));
}

/* Root gives it away; others to the group they are in, which is as much a change of owner. */
static gid_t other_group(void)
{
	return getegid() ? getegid() : 1;
}

static int f16_chown(const struct world *world)
{
	return result(chown(in(world->out, "f"), (uid_t)-1, other_group()));
}

static int f16_lchown(const struct world *world)
{
	return result(lchown(in(world->out, "l"), (uid_t)-1, other_group()));
}

static int f16_chown_at(const struct world *world)
{
	return result(fchownat(handle(world->out), "d", (uid_t)-1, other_group(), 0));
}

static int f16_chown_handed(const struct world *world)
{
	(void)world;
	return result(fchown(0, (uid_t)-1, other_group()));
}

/* Times. */

static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

static int f17_times(const struct world *world)
{
	return result(utimensat(AT_FDCWD, in(world->out, "f"), long_ago, 0));
}

static int f17_now(const struct world *world)
{
	return result(utimensat(AT_FDCWD, in(world->out, "d"), NULL, 0));
}

static int f17_link(const struct world *world)
{
	return result(utimensat(AT_FDCWD, in(world->out, "l"), long_ago, AT_SYMLINK_NOFOLLOW));
}

static int f17_futimesat(const struct world *world)
{
	const struct timeval times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

	return result(futimesat(handle(world->out), "f", times));
}

static int f17_handed(const struct world *world)
{
	(void)world;
	return result(futimens(0, long_ago));
}

/* Attributes. */

static int supported(long ret)
{
	return ret < 0 && errno == EOPNOTSUPP ? why_not("the file system has no such attributes")
					      : result(ret);
}

static int f18_set(const struct world *world)
{
	return supported(setxattr(in(world->out, "f"), "user.new", "1", 1, 0));
}

static int f18_replace(const struct world *world)
{
	return supported(lsetxattr(in(world->out, "f"), "user.mark", "2", 1, XATTR_REPLACE));
}

static int f18_directory(const struct world *world)
{
	return supported(setxattr(in(world->out, "d"), "user.new", "1", 1, XATTR_CREATE));
}

static int f18_remove(const struct world *world)
{
	return supported(removexattr(in(world->out, "f"), "user.mark"));
}

static int f18_handed(const struct world *world)
{
	(void)world;
	return supported(fsetxattr(0, "user.new", "1", 1, 0));
}

static int f18_set_at(const struct world *world)
{
	struct newer_xattr_args args = {.value = (uintptr_t) "1", .size = 1};

	return newer(syscall(SYS_setxattrat, handle(world->out), "f", 0, "user.new", &args,
			     sizeof(args)),
		     "setxattrat");
}

static int f18_remove_at(const struct world *world)
{
	return newer(syscall(SYS_removexattrat, handle(world->out), "f", 0, "user.mark"),
		     "removexattrat");
}

/*
 * A list with one name more than a mode has: user 1001 may read. The kernel's form of it,
 * linux/posix_acl_xattr.h.
 */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[5];
} acl = {
	.version = 2,
	.entries = {{0x01, 6, UINT32_MAX},
		    {0x02, 4, 1001},
		    {0x04, 4, UINT32_MAX},
		    {0x10, 4, UINT32_MAX},
		    {0x20, 4, UINT32_MAX}},
};

static int f19_set(const struct world *world)
{
	return supported(
		setxattr(in(world->out, "f"), "system.posix_acl_access", &acl, sizeof(acl), 0));
}

static int f19_set_default(const struct world *world)
{
	return supported(
		setxattr(in(world->out, "d"), "system.posix_acl_default", &acl, sizeof(acl), 0));
}

static int f19_give_list(struct world *world)
{
	int no = f19_set(world);

	return no ? why_not("no access control list can be set") : 0;
}

static int f19_remove(const struct world *world)
{
	return supported(removexattr(in(world->out, "f"), "system.posix_acl_access"));
}

static int set_flags(int fd)
{
	int flags = FS_NODUMP_FL, no = result(ioctl(fd, FS_IOC_SETFLAGS, &flags));

	return no == ENOTTY || no == EOPNOTSUPP ? why_not("the file system has no flags") : no;
}

static int f21_flags(const struct world *world)
{
	int fd = open(in(world->out, "f"), O_RDONLY);

	return fd < 0 ? errno : set_flags(fd);
}

static int f21_flags_handed(const struct world *world)
{
	(void)world;
	return set_flags(0);
}

static int f21_more_flags_handed(const struct world *world)
{
	struct fsxattr flags = {.fsx_xflags = FS_XFLAG_NODUMP};
	int no = result(ioctl(0, FS_IOC_FSSETXATTR, &flags));

	(void)world;
	return no == ENOTTY || no == EOPNOTSUPP ? why_not("the file system has no flags") : no;
}

struct file_attr_6_17 {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

static int f21_flags_by_name(const struct world *world)
{
	struct file_attr_6_17 attr = {.xflags = FS_XFLAG_NODUMP};

	return newer(
		syscall(SYS_file_setattr, AT_FDCWD, in(world->out, "f"), &attr, sizeof(attr), 0),
		"file_setattr");
}

static bool f21_is_set(const struct world *world)
{
	int flags = 0, fd = open(in(world->out, "f"), O_RDONLY | O_CLOEXEC);

	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	close(fd);
	return flags & FS_NODUMP_FL;
}

/* Reading metadata. */

static int f22_look(const struct world *world)
{
	char target[64];
	struct statfs fs;
	struct stat st;

	if (stat(in(world->out, "f"), &st) || lstat(in(world->out, "l"), &st) ||
	    statfs(world->out, &fs) || readlink(in(world->out, "l"), target, sizeof(target)) < 0)
		return errno;
	return result(access(world->base, X_OK));
}

static int f22_attribute(const struct world *world)
{
	char value[16];

	return supported(getxattr(in(world->out, "f"), "user.mark", value, sizeof(value)));
}

/*
 * The system's programs, which root could change by the rights of its user. place/f is there; each
 * leaves it for the next.
 */
#define PLACE "/usr/local/agent-lock-adversary"

static int f36_write(const struct world *world)
{
	(void)world;
	return result(open(PLACE "/f", O_WRONLY));
}

static int f36_chmod(const struct world *world)
{
	(void)world;
	return result(chmod(PLACE "/f", 0644));
}

static int f36_chown(const struct world *world)
{
	(void)world;
	return result(chown(PLACE "/f", 1, 1));
}

static int f36_times(const struct world *world)
{
	(void)world;
	return result(utimensat(AT_FDCWD, PLACE "/f", NULL, 0));
}

static int f36_truncate(const struct world *world)
{
	(void)world;
	return result(truncate(PLACE "/f", 0));
}

static int f36_create(const struct world *world)
{
	(void)world;
	return result(open(PLACE "/new", O_RDONLY | O_CREAT, 0600));
}

static int f36_make_directory(const struct world *world)
{
	(void)world;
	return result(mkdir(PLACE "/d", 0700));
}

static int f36_symlink(const struct world *world)
{
	(void)world;
	return result(symlink("f", PLACE "/s"));
}

static int f36_link(const struct world *world)
{
	(void)world;
	return result(link(PLACE "/f", PLACE "/g"));
}

static int f36_rename(const struct world *world)
{
	(void)world;
	return result(rename(PLACE "/f", PLACE "/h"));
}

static int f36_unlink(const struct world *world)
{
	(void)world;
	return result(unlink(world->inside ? PLACE "/f" : PLACE "/h"));
}

static int f36_change(const struct world *world)
{
	static const struct variant variants[] = {
		{"write", f36_write},	       {"chmod", f36_chmod},	   {"chown", f36_chown},
		{"utimes", f36_times},	       {"truncate", f36_truncate}, {"create", f36_create},
		{"mkdir", f36_make_directory}, {"symlink", f36_symlink},   {"link", f36_link},
		{"rename", f36_rename},	       {"unlink", f36_unlink},
	};

	return each(world, variants, LEN(variants));
}

static int f36_read(const struct world *world)
{
	(void)world;
	return read_secret(PLACE "/f");
}

static int f36_make_place(struct world *world)
{
	(void)world;
	mkdir(PLACE, 0755);
	return make_file(PLACE "/f", SECRET) ? why_not("/usr/local cannot be written") : 0;
}

static void f36_take_away(struct world *world)
{
	(void)world;
	unlink(PLACE "/f");
	unlink(PLACE "/new");
	unlink(PLACE "/s");
	unlink(PLACE "/g");
	rmdir(PLACE "/d");
	rmdir(PLACE);
}

/* The same for what is the user's own, and given to be read. */

#define READ_ONLY_OUT "[paths]\nro = ${PROJECT}/../out\n"

static int write_own(const struct world *world)
{
	return result(open(in(world->out, "f"), O_WRONLY));
}

static int steal_by_link(const struct world *world)
{
	return result(link(in(world->out, "f"), "stolen"));
}

static int steal_by_rename(const struct world *world)
{
	return result(rename(in(world->out, "x"), "stolen-too"));
}

static int f36_change_own(const struct world *world)
{
	static const struct variant variants[] = {
		{"write", write_own},	    {"create", f04_create},
		{"truncate", f06_truncate}, {"mkdir", f11_make_directory_at},
		{"chmod", f15_chmod},	    {"chown", f16_chown},
		{"utimes", f17_times},	    {"link to the project", steal_by_link},
		{"acl", f19_set},	    {"rename to the project", steal_by_rename},
		{"unlink", f09_unlink},
	};

	return each(world, variants, LEN(variants));
}

static int f36_read_own(const struct world *world)
{
	return read_secret(in(world->out, "f"));
}

static const struct escape escapes[] = {
	{"F04", "create", 0, .attempt = f04_create, .reached = f04_is_there, .logged = "create"},
	{"F04", "create, for reading", 0, .attempt = f04_create_reader, .reached = f04_is_there,
	 .logged = "create"},
	{"F04", "create, openat2", 0, .attempt = f04_openat2, .reached = f04_is_there,
	 .logged = "create"},
	{"F05", "a nameless file (O_TMPFILE)", 0, .attempt = f05_nameless, .logged = "write"},
	{"F06", "truncate", 0, .attempt = f06_truncate, .logged = "truncate"},
	{"F08", "truncate what was handed in", 0, .prepare = hand_writer,
	 .attempt = f08_truncate_handed, .logged = "truncate"},
	{"F09", "unlink", 0, .attempt = f09_unlink, .logged = "unlink"},
	{"F09", "unlink a symlink, from a handle", 0, .attempt = f09_unlink_at, .logged = "unlink"},
	{"F10", "rmdir", 0, .attempt = f10_rmdir, .logged = "rmdir"},
	{"F10", "rmdir, from a handle", 0, .attempt = f10_remove_at, .logged = "rmdir"},
	{"F11", "mkdir", 0, .attempt = f11_make_directory, .logged = "mkdir"},
	{"F11", "mkdir, from a handle", 0, .attempt = f11_make_directory_at, .logged = "mkdir"},
	{"F12", "make a FIFO", 0, .attempt = f12_fifo, .logged = "mknod"},
	{"F12", "make a socket's node", 0, .attempt = f12_socket, .logged = "mknod"},
	{"F12", "make a file by mknod", 0, .attempt = f12_regular, .logged = "create"},
	{"F13", "symlink", 0, .attempt = f13_symlink, .logged = "symlink"},
	{"F13", "symlink, from a handle", 0, .attempt = f13_symlink_at, .logged = "symlink"},
	{"F14", "rename", 0, .attempt = f14_rename, .logged = "rename"},
	{"F14", "rename over another", 0, .attempt = f14_replace, .logged = "rename"},
	{"F14", "rename a directory", 0, .attempt = f14_directory, .logged = "rename"},
	{"F14", "exchange", 0, .attempt = f14_exchange, .logged = "rename"},
	{"F14", "rename, leaving a whiteout", 0, .attempt = f14_whiteout, .logged = "rename"},
	{"F15", "chmod", 0, .attempt = f15_chmod, .logged = "chmod"},
	{"F15", "chmod a directory", 0, .attempt = f15_chmod_directory, .logged = "chmod"},
	{"F15", "fchmodat2", 0, .attempt = f15_fchmodat2, .logged = "chmod"},
	{"F15", "chmod what was handed in", 0, .prepare = hand_reader, .attempt = f15_chmod_handed,
	 .logged = "chmod"},
	{"F16", "chown", 0, .attempt = f16_chown, .logged = "chown"},
	{"F16", "chown a symlink", 0, .attempt = f16_lchown, .logged = "chown"},
	{"F16", "chown a directory", 0, .attempt = f16_chown_at, .logged = "chown"},
	{"F16", "chown what was handed in", 0, .prepare = hand_reader, .attempt = f16_chown_handed,
	 .logged = "chown"},
	{"F17", "set times", 0, .attempt = f17_times, .logged = "utimes"},
	{"F17", "set a directory's times to now", 0, .attempt = f17_now, .logged = "utimes"},
	{"F17", "set a symlink's times", 0, .attempt = f17_link, .logged = "utimes"},
	{"F17", "futimesat", 0, .attempt = f17_futimesat, .logged = "utimes"},
	{"F17", "set times of what was handed in", 0, .prepare = hand_reader, .attempt = f17_handed,
	 .logged = "utimes"},
	{"F18", "set an attribute", 0, .attempt = f18_set, .logged = "xattr"},
	{"F18", "replace an attribute", 0, .attempt = f18_replace, .logged = "xattr"},
	{"F18", "set a directory's attribute", 0, .attempt = f18_directory, .logged = "xattr"},
	{"F18", "remove an attribute", 0, .attempt = f18_remove, .logged = "xattr"},
	{"F18", "set an attribute of what was handed in", 0, .prepare = hand_reader,
	 .attempt = f18_handed, .logged = "xattr"},
	{"F18", "setxattrat", 0, .attempt = f18_set_at, .logged = "xattr"},
	{"F18", "removexattrat", 0, .attempt = f18_remove_at, .logged = "xattr"},
	{"F19", "set an access control list", 0, .attempt = f19_set, .logged = "acl"},
	{"F19", "set a default access control list", 0, .attempt = f19_set_default,
	 .logged = "acl"},
	{"F19", "remove an access control list", 0, .prepare = f19_give_list, .attempt = f19_remove,
	 .logged = "acl"},
	{"F21", "set flags", 0, .attempt = f21_flags, .reached = f21_is_set, .logged = "read"},
	{"F21", "set flags of what was handed in", 0, .prepare = hand_reader,
	 .attempt = f21_flags_handed, .reached = f21_is_set, .logged = "ioctl"},
	{"F21", "set more flags of what was handed in", 0, .prepare = hand_reader,
	 .attempt = f21_more_flags_handed, .reached = f21_is_set, .logged = "ioctl"},
	{"F21", "set flags by name", 0, .attempt = f21_flags_by_name, .reached = f21_is_set,
	 .logged = "chmod"},
	{"F22", "stat, statfs, readlink, access", MUST_WORK, .attempt = f22_look},
	{"F22", "read a user's attribute", 0, .attempt = f22_attribute, .logged = "xattr"},
	{"F23", "learn what is there",
	 .reason = "names and numbers of files can be seen from inside: see README"},
	{"F32", "bind a socket there", 0, .attempt = f32_bind, .logged = "mknod"},
	{"F36", "change what is the system's", ROOT_ONLY | GUEST_ONLY, .prepare = f36_make_place,
	 .attempt = f36_change, .cleanup = f36_take_away, .logged = "unlink"},
	{"F36", "read what is the system's", ROOT_ONLY | GUEST_ONLY | MUST_WORK,
	 .prepare = f36_make_place, .attempt = f36_read, .cleanup = f36_take_away},
	{"F36", "change what may be read only", 0, .attempt = f36_change_own, .logged = "unlink",
	 .policy = READ_ONLY_OUT},
	{"F36", "read what may be read only", MUST_WORK, .attempt = f36_read_own,
	 .policy = READ_ONLY_OUT},
};

const struct family changes = {escapes, LEN(escapes)};
