/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fsops.c - every operation on files that a session must decide, one function each, one line of
 * output each.
 *
 *   fsops --prepare DIR...     make what the operations need, in DIR/NAME for each operation NAME
 *   fsops DIR                  perform each in its DIR/NAME; print "NAME ok", "NAME EPERM" and such
 *   fsops DIR OTHER            the same in OTHER, and what has one end in DIR and one in OTHER
 *   fsops --root DIR [OTHER]   those for root; DIR: a place on that file system that may be opened
 *   fsops --only NAME DIR      one of them; inherited-* ask for a descriptor as standard input
 *   fsops --list               print the names
 *
 * No operation depends on another: each has its own objects and its own process. All are refused
 * out of bounds, once each, and allowed within; but those named free-* are allowed everywhere, for
 * they give nothing of a file but its name, and those named never-* are refused to the jailed
 * everywhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../newer.h"

/* Exit status of an operation's process that did not come as far as the operation. */
#define SETUP_FAILED 255

static char other[PATH_MAX]; /* OTHER/NAME, for operations across */
static char first[PATH_MAX]; /* DIR itself */

static int setup_failed(const char *what)
{
	fprintf(stderr, "fsops: cannot set up: %s: %s\n", what, strerror(errno));
	_exit(SETUP_FAILED);
}

/* 0, or the errno of the call that returned this. */
static int result(long ret)
{
	return ret < 0 ? errno : 0;
}

static int at_open(int dir, const char *path, int flags)
{
	int fd = openat(dir, path, flags, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_open(const char *path, int flags)
{
	return at_open(AT_FDCWD, path, flags);
}

/* A handle that gives no rights: opening it is no operation. */
static int handle(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW);

	return fd < 0 ? setup_failed(path) : fd;
}

/* The name in /proc of an own descriptor. */
static const char *proc_fd(int fd)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

/* OTHER/NAME/NAME2; no two are used at once. */
static const char *across(const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", other, name);
	return path;
}

/* Opening. */

static int open_read(void)
{
	return try_open("f", O_RDONLY);
}

static int open_write(void)
{
	return try_open("f", O_WRONLY);
}

static int open_append(void)
{
	return try_open("f", O_WRONLY | O_APPEND);
}

static int open_read_write(void)
{
	return try_open("f", O_RDWR);
}

static int open_truncate(void)
{
	return try_open("f", O_WRONLY | O_TRUNC);
}

static int open_read_truncate(void)
{
	return try_open("f", O_RDONLY | O_TRUNC);
}

/* Access mode 3: a descriptor for ioctl alone. */
static int open_neither(void)
{
	return try_open("f", O_ACCMODE);
}

static int open_create_existing(void)
{
	return try_open("f", O_RDWR | O_CREAT);
}

static int open_create(void)
{
	return try_open("new", O_RDWR | O_CREAT);
}

static int open_create_read(void)
{
	return try_open("new", O_RDONLY | O_CREAT);
}

static int open_exclusive(void)
{
	return try_open("new", O_WRONLY | O_CREAT | O_EXCL);
}

static int creat_existing(void)
{
	return result(creat("f", 0644));
}

static int open_tmpfile(void)
{
	return try_open(".", O_RDWR | O_TMPFILE);
}

static int open_fifo(void)
{
	return try_open("p", O_RDWR | O_NONBLOCK);
}

static int open_empty_directory(void)
{
	return try_open("e", O_RDONLY | O_DIRECTORY);
}

static int list_directory(void)
{
	DIR *dir = opendir("d");

	if (!dir)
		return errno;
	errno = 0;
	return readdir(dir) ? 0 : errno;
}

static int open_at_handle(void)
{
	return at_open(handle("d"), "f", O_RDONLY);
}

static int open_at_working_directory(void)
{
	return chdir("d") ? setup_failed("chdir") : try_open("f", O_RDONLY);
}

static int reopen_handle(void)
{
	return try_open(proc_fd(handle("f")), O_RDONLY);
}

static int reopen_handle_dev_fd(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/fd/%d", handle("f"));
	return try_open(path, O_RDWR);
}

static int open_absolute(void)
{
	char path[PATH_MAX + 2];

	if (!getcwd(path, PATH_MAX))
		setup_failed("getcwd");
	return try_open(strcat(path, "/f"), O_RDONLY);
}

static int open_proc_root(void)
{
	char path[PATH_MAX + 32] = "/proc/self/root";

	if (!getcwd(path + strlen(path), PATH_MAX))
		setup_failed("getcwd");
	return try_open(strcat(path, "/f"), O_RDONLY);
}

static int open_proc_cwd(void)
{
	return try_open("/proc/self/cwd/f", O_RDONLY);
}

static int open_proc_thread(void)
{
	return try_open("/proc/thread-self/cwd/f", O_RDWR);
}

static int open_dotdot(void)
{
	return try_open("d/../e/../f", O_RDONLY);
}

static int open_symlink(void)
{
	return try_open("l", O_RDONLY);
}

static int open_symlink_write(void)
{
	return try_open("l", O_WRONLY);
}

static int openat2_read(void)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};

	return result(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how)));
}

static int openat2_create(void)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CREAT, .mode = 0600, .resolve = RESOLVE_NO_SYMLINKS};

	return result(syscall(SYS_openat2, AT_FDCWD, "new", &how, sizeof(how)));
}

static int open_mmap(void)
{
	int fd = open("f", O_RDONLY);

	if (fd < 0)
		return errno;
	return mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0;
}

static int reopen_unlinked(void)
{
	int fd = handle("f");

	return unlink("f") ? errno : try_open(proc_fd(fd), O_RDWR);
}

static int deleted_directory(void)
{
	if (chdir("e"))
		setup_failed("chdir");
	return rmdir("../e") ? errno : try_open(".", O_RDONLY | O_DIRECTORY);
}

/* Executing. x exits with 0. */

static int exec_path(void)
{
	char *argv[] = {"x", "--true", NULL};

	execv("./x", argv);
	return errno;
}

static int exec_handle(void)
{
	char *argv[] = {"x", "--true", NULL}, *none[] = {NULL};

	syscall(SYS_execveat, handle("x"), "", argv, none, AT_EMPTY_PATH);
	return errno;
}

static int exec_at_handle(void)
{
	char *argv[] = {"x", "--true", NULL}, *none[] = {NULL};

	syscall(SYS_execveat, handle("."), "x", argv, none, 0);
	return errno;
}

/* Making. */

static int make_directory(void)
{
	return result(mkdir("new", 0755));
}

static int make_directory_at_handle(void)
{
	return result(mkdirat(handle("d"), "new", 0755));
}

static int mknod_fifo(void)
{
	return result(mkfifo("new", 0644));
}

static int mknod_socket(void)
{
	return result(mknod("new", S_IFSOCK | 0644, 0));
}

static int mknod_regular(void)
{
	return result(mknod("new", S_IFREG | 0644, 0));
}

static int bind_socket(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "new"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? setup_failed("socket") : result(bind(fd, (void *)&name, sizeof(name)));
}

static int make_symlink(void)
{
	return result(symlink("f", "new"));
}

/* Removing and renaming. */

static int unlink_file(void)
{
	return result(unlink("f"));
}

static int unlink_symlink(void)
{
	return result(unlink("l"));
}

static int unlink_at_handle(void)
{
	return result(unlinkat(handle("d"), "f", 0));
}

static int remove_directory(void)
{
	return result(rmdir("e"));
}

static int rename_file(void)
{
	return result(rename("f", "new"));
}

static int rename_directory(void)
{
	return result(rename("d", "new"));
}

static int rename_into_directory(void)
{
	return result(rename("f", "d/new"));
}

static int rename_over(void)
{
	return result(rename("f", "g"));
}

static int rename_over_directory(void)
{
	return result(rename("d", "e"));
}

static int rename_exchange(void)
{
	return result(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
}

static int rename_noreplace(void)
{
	return result(renameat2(AT_FDCWD, "f", AT_FDCWD, "new", RENAME_NOREPLACE));
}

static int rename_whiteout(void)
{
	return result(renameat2(AT_FDCWD, "f", AT_FDCWD, "new", RENAME_WHITEOUT));
}

static int link_file(void)
{
	return result(link("f", "new"));
}

static int link_symlink(void)
{
	return result(linkat(AT_FDCWD, "l", AT_FDCWD, "new", 0));
}

static int link_handle(void)
{
	return result(linkat(AT_FDCWD, proc_fd(handle("f")), AT_FDCWD, "new", AT_SYMLINK_FOLLOW));
}

/* Changing. */

static int truncate_path(void)
{
	return result(truncate("f", 1));
}

static int inherited_ftruncate(void)
{
	return result(ftruncate(STDIN_FILENO, 1));
}

static int inherited_reopen(void)
{
	return try_open(proc_fd(STDIN_FILENO), O_RDONLY);
}

static int inherited_open_at(void)
{
	return at_open(STDIN_FILENO, "f", O_RDONLY);
}

static int inherited_dnotify(void)
{
	return result(fcntl(STDIN_FILENO, F_NOTIFY, DN_MODIFY));
}

static int chmod_path(void)
{
	return result(chmod("f", 0600));
}

static int chmod_directory(void)
{
	return result(chmod("d", 0700));
}

static int chmod_handle(void)
{
	return result(chmod(proc_fd(handle("f")), 0600));
}

static int fchmodat2_handle(void)
{
	return result(syscall(SYS_fchmodat2, handle("f"), "", 0600, AT_EMPTY_PATH));
}

static int chown_path(void)
{
	return result(chown("f", (uid_t)-1, getegid()));
}

static int lchown_symlink(void)
{
	return result(lchown("l", (uid_t)-1, getegid()));
}

static int fchownat_handle(void)
{
	return result(fchownat(handle("f"), "", (uid_t)-1, getegid(), AT_EMPTY_PATH));
}

static const struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

static int utimes_now(void)
{
	return result(utimensat(AT_FDCWD, "f", NULL, 0));
}

static int utimes_given(void)
{
	return result(utimensat(AT_FDCWD, "f", long_ago, 0));
}

static int utimes_directory(void)
{
	return result(utimensat(AT_FDCWD, "d", long_ago, 0));
}

static int utimes_handle(void)
{
	return result(utimensat(handle("f"), "", long_ago, AT_EMPTY_PATH));
}

static int utimes_symlink(void)
{
	return result(utimensat(AT_FDCWD, "l", long_ago, AT_SYMLINK_NOFOLLOW));
}

static int setxattr_user(void)
{
	return result(setxattr("f", "user.new", "1", 1, 0));
}

static int setxattr_directory(void)
{
	return result(lsetxattr("d", "user.new", "1", 1, XATTR_CREATE));
}

static int setxattr_handle(void)
{
	return result(setxattr(proc_fd(handle("f")), "user.x", "2", 1, XATTR_REPLACE));
}

struct xattr_args_6_13 {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

static int setxattrat_at_handle(void)
{
	struct xattr_args_6_13 args = {.value = (uintptr_t) "3", .size = 1};

	return result(
		syscall(SYS_setxattrat, handle("."), "f", 0, "user.new", &args, sizeof(args)));
}

static int removexattr_user(void)
{
	return result(removexattr("f", "user.x"));
}

static int removexattrat_at_handle(void)
{
	return result(syscall(SYS_removexattrat, handle("."), "f", 0, "user.x"));
}

static int getxattr_user(void)
{
	char value[16];

	return result(getxattr("f", "user.x", value, sizeof(value)));
}

/*
 * A list with one name more than a mode has: user 1001 may read. The kernel's form of it,
 * linux/posix_acl_xattr.h.
 */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

static const struct {
	uint32_t version;
	struct acl_entry entries[5];
} acl = {
	.version = 2,
	.entries = {{0x01, 6, UINT32_MAX},
		    {0x02, 4, 1001},
		    {0x04, 4, UINT32_MAX},
		    {0x10, 4, UINT32_MAX},
		    {0x20, 4, UINT32_MAX}},
};

static int acl_set(void)
{
	return result(setxattr("f", "system.posix_acl_access", &acl, sizeof(acl), 0));
}

static int acl_set_default(void)
{
	return result(setxattr("d", "system.posix_acl_default", &acl, sizeof(acl), 0));
}

/* g has one: see prepare_objects(). */
static int acl_remove(void)
{
	return result(removexattr("g", "system.posix_acl_access"));
}

struct file_attr_6_17 {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

static int file_setattr_path(void)
{
	struct file_attr_6_17 attr = {.xflags = FS_XFLAG_NODUMP};

	return result(syscall(SYS_file_setattr, AT_FDCWD, "f", &attr, sizeof(attr), 0));
}

/* Watching, and a new root. */

static int watch_inotify(void)
{
	return result(inotify_add_watch(inotify_init1(0), "f", IN_ACCESS));
}

static int watch_inotify_directory(void)
{
	return result(inotify_add_watch(inotify_init1(0), ".", IN_CREATE));
}

static int watch_fanotify(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);

	return fd < 0 ? setup_failed("fanotify_init")
		      : result(fanotify_mark(fd, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "f"));
}

static int chroot_own_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? setup_failed("unshare") : result(chroot("d"));
}

/* What gives no content away and changes nothing. */

static int free_opath(void)
{
	return try_open("f", O_PATH);
}

static int free_stat(void)
{
	struct statfs fs;
	struct stat st;

	return stat("f", &st) || lstat("l", &st) || statfs("d", &fs) ? errno : 0;
}

static int free_readlink(void)
{
	char target[16];

	return result(readlink("l", target, sizeof(target)));
}

static int free_chdir(void)
{
	return result(chdir("d"));
}

/* What has no file system of anybody's below it. */

static int free_memfd(void)
{
	return try_open(proc_fd(memfd_create("memory", 0)), O_RDWR);
}

static int free_memfd_truncate(void)
{
	return result(ftruncate(memfd_create("memory", 0), 1));
}

static int free_memfd_chmod(void)
{
	return result(fchmod(memfd_create("memory", 0), 0600));
}

static int free_memfd_utimes(void)
{
	return result(futimens(memfd_create("memory", 0), NULL));
}

static int free_memfd_exec(void)
{
	char *argv[] = {"x", "--true", NULL}, *none[] = {NULL};
	int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		setup_failed("copy of the program");
	fexecve(to, argv, none);
	return errno;
}

static int free_pipe(void)
{
	int fds[2];

	return pipe(fds) ? errno : try_open(proc_fd(fds[0]), O_RDONLY | O_NONBLOCK);
}

static int free_pty(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL))
		return errno;
	return try_open(proc_fd(slave), O_RDWR | O_NOCTTY);
}

/* Across the border. */

static int cross_rename_out_in(void)
{
	return result(rename(across("f"), "new"));
}

static int cross_rename_in_out(void)
{
	return result(rename("f", across("new")));
}

static int cross_rename_directory_out_in(void)
{
	return result(rename(across("d"), "new"));
}

static int cross_rename_directory_in_out(void)
{
	return result(rename("d", across("new")));
}

static int cross_rename_over_in(void)
{
	return result(rename(across("f"), "f"));
}

static int cross_rename_over_out(void)
{
	return result(rename("f", across("f")));
}

static int cross_exchange(void)
{
	return result(renameat2(AT_FDCWD, "f", AT_FDCWD, across("f"), RENAME_EXCHANGE));
}

static int cross_exchange_back(void)
{
	return result(renameat2(AT_FDCWD, across("f"), AT_FDCWD, "f", RENAME_EXCHANGE));
}

static int cross_link_out_in(void)
{
	return result(link(across("f"), "new"));
}

static int cross_link_in_out(void)
{
	return result(link("f", across("new")));
}

static int cross_link_handle(void)
{
	return result(
		linkat(AT_FDCWD, proc_fd(handle(across("f"))), AT_FDCWD, "new", AT_SYMLINK_FOLLOW));
}

static int cross_link_symlink(void)
{
	return result(linkat(AT_FDCWD, across("l"), AT_FDCWD, "new", 0));
}

static int cross_link_tmpfile(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0644);

	if (fd < 0)
		return errno == EOPNOTSUPP ? errno : setup_failed("tmpfile");
	return result(linkat(AT_FDCWD, proc_fd(fd), AT_FDCWD, across("new"), AT_SYMLINK_FOLLOW));
}

static int cross_symlink(void)
{
	return symlink(across("f"), "new") ? setup_failed("symlink") : try_open("new", O_RDONLY);
}

static int cross_symlink_create(void)
{
	return symlink(across("new"), "new") ? setup_failed("symlink")
					     : try_open("new", O_WRONLY | O_CREAT);
}

/* DIR itself: its name belongs to the directory above. */
static int cross_rename_first(void)
{
	char moved[PATH_MAX + 8];

	snprintf(moved, sizeof(moved), "%s.moved", first);
	if (rename(first, moved))
		return errno;
	return result(rename(moved, first));
}

/* As root. */

static int never_mknod_character(void)
{
	return result(mknod("new", S_IFCHR | 0666, makedev(1, 3)));
}

static int never_mknod_block(void)
{
	return result(mknod("new", S_IFBLK | 0666, makedev(7, 0)));
}

static int root_chown(void)
{
	return result(chown("f", 1001, 1001));
}

/* trusted.* is for who rules the machine, which nobody does inside. */
static int never_setxattr_trusted(void)
{
	return result(setxattr("f", "trusted.new", "1", 1, 0));
}

static int never_setxattr_symlink(void)
{
	return result(lsetxattr("l", "trusted.new", "1", 1, 0));
}

static int root_chroot(void)
{
	return result(chroot("d"));
}

/* A group that may ask for anything: one more thing for who rules the machine. */
static int fanotify_group(unsigned int whole, const char *path)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);

	return fd < 0 ? errno
		      : result(fanotify_mark(fd, FAN_MARK_ADD | whole, FAN_MODIFY, AT_FDCWD, path));
}

static int never_watch_file(void)
{
	return fanotify_group(0, "f");
}

static int never_watch_mount(void)
{
	return fanotify_group(FAN_MARK_MOUNT, ".");
}

static int never_watch_filesystem(void)
{
	return fanotify_group(FAN_MARK_FILESYSTEM, ".");
}

static int never_open_by_handle(void)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} id = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount = open(*first ? first : ".", O_RDONLY | O_DIRECTORY), unused;

	if (mount < 0 || name_to_handle_at(AT_FDCWD, "f", &id.handle, &unused, 0))
		return errno;
	return result(open_by_handle_at(mount, &id.handle, O_RDONLY));
}

/* Their names begin with it, but for those of the first. */
enum kind { REFUSED, CROSS, FREE, ROOT, NEVER, INHERITED };

/*
 * needs: f g files, d directory with f in it, e empty directory, l symlink to f, p fifo, x program.
 */
static const struct operation {
	const char *name;
	int (*perform)(void);
	const char *needs;
	enum kind kind;
} operations[] = {
	{"open-read", open_read, "f", REFUSED},
	{"open-write", open_write, "f", REFUSED},
	{"open-append", open_append, "f", REFUSED},
	{"open-read-write", open_read_write, "f", REFUSED},
	{"open-truncate", open_truncate, "f", REFUSED},
	{"open-read-truncate", open_read_truncate, "f", REFUSED},
	{"open-neither", open_neither, "f", REFUSED},
	{"open-create-existing", open_create_existing, "f", REFUSED},
	{"open-create", open_create, "", REFUSED},
	{"open-create-read", open_create_read, "", REFUSED},
	{"open-exclusive", open_exclusive, "", REFUSED},
	{"creat-existing", creat_existing, "f", REFUSED},
	{"open-tmpfile", open_tmpfile, "", REFUSED},
	{"open-fifo", open_fifo, "p", REFUSED},
	{"open-empty-directory", open_empty_directory, "e", REFUSED},
	{"list-directory", list_directory, "d", REFUSED},
	{"open-at-handle", open_at_handle, "d", REFUSED},
	{"open-at-working-directory", open_at_working_directory, "d", REFUSED},
	{"reopen-handle", reopen_handle, "f", REFUSED},
	{"reopen-handle-dev-fd", reopen_handle_dev_fd, "f", REFUSED},
	{"open-absolute", open_absolute, "f", REFUSED},
	{"open-proc-root", open_proc_root, "f", REFUSED},
	{"open-proc-cwd", open_proc_cwd, "f", REFUSED},
	{"open-proc-thread", open_proc_thread, "f", REFUSED},
	{"open-dotdot", open_dotdot, "fde", REFUSED},
	{"open-symlink", open_symlink, "fl", REFUSED},
	{"open-symlink-write", open_symlink_write, "fl", REFUSED},
	{"openat2-read", openat2_read, "f", REFUSED},
	{"openat2-create", openat2_create, "", REFUSED},
	{"open-mmap", open_mmap, "f", REFUSED},
	{"reopen-unlinked", reopen_unlinked, "f", REFUSED},
	{"deleted-directory", deleted_directory, "e", REFUSED},
	{"exec-path", exec_path, "x", REFUSED},
	{"exec-handle", exec_handle, "x", REFUSED},
	{"exec-at-handle", exec_at_handle, "x", REFUSED},
	{"mkdir", make_directory, "", REFUSED},
	{"mkdir-at-handle", make_directory_at_handle, "d", REFUSED},
	{"mknod-fifo", mknod_fifo, "", REFUSED},
	{"mknod-socket", mknod_socket, "", REFUSED},
	{"mknod-regular", mknod_regular, "", REFUSED},
	{"bind-socket", bind_socket, "", REFUSED},
	{"symlink", make_symlink, "f", REFUSED},
	{"unlink", unlink_file, "f", REFUSED},
	{"unlink-symlink", unlink_symlink, "fl", REFUSED},
	{"unlink-at-handle", unlink_at_handle, "d", REFUSED},
	{"rmdir", remove_directory, "e", REFUSED},
	{"rename", rename_file, "f", REFUSED},
	{"rename-directory", rename_directory, "d", REFUSED},
	{"rename-into-directory", rename_into_directory, "fd", REFUSED},
	{"rename-over", rename_over, "fg", REFUSED},
	{"rename-over-directory", rename_over_directory, "de", REFUSED},
	{"rename-exchange", rename_exchange, "fd", REFUSED},
	{"rename-noreplace", rename_noreplace, "f", REFUSED},
	{"rename-whiteout", rename_whiteout, "f", REFUSED},
	{"link", link_file, "f", REFUSED},
	{"link-symlink", link_symlink, "fl", REFUSED},
	{"link-handle", link_handle, "f", REFUSED},
	{"truncate", truncate_path, "f", REFUSED},
	{"chmod", chmod_path, "f", REFUSED},
	{"chmod-directory", chmod_directory, "d", REFUSED},
	{"chmod-handle", chmod_handle, "f", REFUSED},
	{"fchmodat2-handle", fchmodat2_handle, "f", REFUSED},
	{"chown", chown_path, "f", REFUSED},
	{"lchown-symlink", lchown_symlink, "fl", REFUSED},
	{"fchownat-handle", fchownat_handle, "f", REFUSED},
	{"utimes-now", utimes_now, "f", REFUSED},
	{"utimes-given", utimes_given, "f", REFUSED},
	{"utimes-directory", utimes_directory, "d", REFUSED},
	{"utimes-handle", utimes_handle, "f", REFUSED},
	{"utimes-symlink", utimes_symlink, "fl", REFUSED},
	{"setxattr", setxattr_user, "f", REFUSED},
	{"setxattr-directory", setxattr_directory, "d", REFUSED},
	{"setxattr-handle", setxattr_handle, "f", REFUSED},
	{"setxattrat", setxattrat_at_handle, "f", REFUSED},
	{"removexattr", removexattr_user, "f", REFUSED},
	{"removexattrat", removexattrat_at_handle, "f", REFUSED},
	{"getxattr-user", getxattr_user, "f", REFUSED},
	{"acl-set", acl_set, "f", REFUSED},
	{"acl-set-default", acl_set_default, "d", REFUSED},
	{"acl-remove", acl_remove, "g", REFUSED},
	{"file-setattr", file_setattr_path, "f", REFUSED},
	{"watch-inotify", watch_inotify, "f", REFUSED},
	{"watch-inotify-directory", watch_inotify_directory, "", REFUSED},
	{"watch-fanotify", watch_fanotify, "f", REFUSED},
	{"chroot-own-namespace", chroot_own_namespace, "d", REFUSED},
	{"free-opath", free_opath, "f", FREE},
	{"free-stat", free_stat, "fld", FREE},
	{"free-readlink", free_readlink, "fl", FREE},
	{"free-chdir", free_chdir, "d", FREE},
	{"free-memfd", free_memfd, "", FREE},
	{"free-memfd-truncate", free_memfd_truncate, "", FREE},
	{"free-memfd-chmod", free_memfd_chmod, "", FREE},
	{"free-memfd-utimes", free_memfd_utimes, "", FREE},
	{"free-memfd-exec", free_memfd_exec, "", FREE},
	{"free-pipe", free_pipe, "", FREE},
	{"free-pty", free_pty, "", FREE},
	{"cross-rename-out-in", cross_rename_out_in, "f", CROSS},
	{"cross-rename-in-out", cross_rename_in_out, "f", CROSS},
	{"cross-rename-directory-out-in", cross_rename_directory_out_in, "d", CROSS},
	{"cross-rename-directory-in-out", cross_rename_directory_in_out, "d", CROSS},
	{"cross-rename-over-in", cross_rename_over_in, "f", CROSS},
	{"cross-rename-over-out", cross_rename_over_out, "f", CROSS},
	{"cross-exchange", cross_exchange, "f", CROSS},
	{"cross-exchange-back", cross_exchange_back, "f", CROSS},
	{"cross-link-out-in", cross_link_out_in, "f", CROSS},
	{"cross-link-in-out", cross_link_in_out, "f", CROSS},
	{"cross-link-handle", cross_link_handle, "f", CROSS},
	{"cross-link-symlink", cross_link_symlink, "fl", CROSS},
	{"cross-link-tmpfile", cross_link_tmpfile, "", CROSS},
	{"cross-symlink", cross_symlink, "f", CROSS},
	{"cross-symlink-create", cross_symlink_create, "", CROSS},
	{"cross-rename-first", cross_rename_first, "", CROSS},
	{"root-chown", root_chown, "f", ROOT},
	{"root-chroot", root_chroot, "d", ROOT},
	{"never-setxattr-trusted", never_setxattr_trusted, "f", NEVER},
	{"never-setxattr-symlink", never_setxattr_symlink, "fl", NEVER},
	{"never-watch-file", never_watch_file, "f", NEVER},
	{"never-open-by-handle", never_open_by_handle, "f", NEVER},
	{"never-mknod-character", never_mknod_character, "", NEVER},
	{"never-mknod-block", never_mknod_block, "", NEVER},
	{"never-watch-mount", never_watch_mount, "", NEVER},
	{"never-watch-filesystem", never_watch_filesystem, "", NEVER},
	{"inherited-ftruncate", inherited_ftruncate, "f", INHERITED},
	{"inherited-reopen", inherited_reopen, "f", INHERITED},
	{"inherited-open-at", inherited_open_at, "f", INHERITED},
	{"inherited-dnotify", inherited_dnotify, "f", INHERITED},
};

#define for_each_operation(o) \
	for (o = operations; o < operations + sizeof(operations) / sizeof(*operations); o++)

/* The fixture. */

static void make_file(int dir, const char *name, const char *content)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		setup_failed(name);
	/* Neither exists on every file system: the operations on them say so themselves. */
	(void)fsetxattr(fd, "user.x", "1", 1, 0);
	if (*name == 'g')
		(void)fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0);
	close(fd);
}

static void make_program(int dir)
{
	int from = open("/proc/self/exe", O_RDONLY),
	    to = openat(dir, "x", O_WRONLY | O_CREAT | O_EXCL, 0755);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size)
		setup_failed("x");
	close(from);
	close(to);
}

static void make_filled_directory(int dir)
{
	int fd;

	if (mkdirat(dir, "d", 0755) || (fd = openat(dir, "d", O_PATH)) < 0)
		setup_failed("d");
	make_file(fd, "f", "in a directory\n");
	close(fd);
}

static void prepare_object(int dir, char object)
{
	switch (object) {
	case 'f':
		make_file(dir, "f", "the content of f\n");
		return;
	case 'g':
		make_file(dir, "g", "the content of g\n");
		return;
	case 'x':
		make_program(dir);
		return;
	case 'd':
		make_filled_directory(dir);
		return;
	}
	if (object == 'e'   ? mkdirat(dir, "e", 0755)
	    : object == 'l' ? symlinkat("f", dir, "l")
			    : mkfifoat(dir, "p", 0644))
		setup_failed("e, l or p");
}

static void prepare(const char *path)
{
	const struct operation *o;
	const char *object;
	int top, dir;

	if ((mkdir(path, 0755) && errno != EEXIST) || (top = open(path, O_PATH)) < 0)
		setup_failed(path);
	for_each_operation(o)
	{
		if (mkdirat(top, o->name, 0755) || (dir = openat(top, o->name, O_PATH)) < 0)
			setup_failed(o->name);
		for (object = o->needs; *object; object++)
			prepare_object(dir, *object);
		close(dir);
	}
	close(top);
}

/* Where to go before an operation, and what its second place is. */
static void enter(const struct operation *o, const char *dir, const char *second)
{
	char path[PATH_MAX];

	if (second) {
		snprintf(first, sizeof(first), "%s", dir);
		snprintf(other, sizeof(other), "%s/%s", second, o->name);
	}
	snprintf(path, sizeof(path), "%s/%s", second && o->kind != CROSS ? second : dir, o->name);
	if (chdir(path))
		setup_failed(path);
}

struct call {
	const struct operation *operation;
	const char *dir, *second;
};

static int perform_call(void *data)
{
	const struct call *call = data;

	enter(call->operation, call->dir, call->second);
	return call->operation->perform();
}

/*
 * A process with its own working directory and descriptors but our memory: made in a quarter of the
 * time of another.
 */
static void perform(const struct operation *o, const char *dir, const char *second)
{
	static char stack[1 << 18] __attribute__((aligned(16)));
	struct call call = {.operation = o, .dir = dir, .second = second};
	const char *said = "ok";
	int status = 0;
	pid_t pid =
		clone(perform_call, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &call);

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		setup_failed("clone");
	if (!WIFEXITED(status))
		said = "killed";
	else if (WEXITSTATUS(status) == SETUP_FAILED)
		said = "setup";
	else if (WEXITSTATUS(status))
		said = strerrorname_np(WEXITSTATUS(status));
	printf("%s %s\n", o->name, said ? said : "unknown");
}

static void list(void)
{
	const struct operation *o;

	for_each_operation(o) puts(o->name);
}

/* Is it one of those that this command line asks for? */
static bool asked(const struct operation *o, const char *only, bool root, bool second)
{
	if (only)
		return strcmp(o->name, only) == 0;
	if (root)
		return o->kind == ROOT || o->kind == NEVER;
	return o->kind == REFUSED || o->kind == FREE || (second && o->kind == CROSS);
}

static int usage(void)
{
	fputs("usage: fsops [--root | --only NAME] DIR [OTHER] | --prepare DIR... | --list\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const struct operation *o;
	const char *only = NULL;
	bool root = false;
	int i = 1;

	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "--true") == 0)
		return 0;
	if (strcmp(argv[1], "--list") == 0)
		return list(), 0;
	if (strcmp(argv[1], "--prepare") == 0) {
		while (++i < argc)
			prepare(argv[i]);
		return 0;
	}
	if (strcmp(argv[i], "--root") == 0)
		root = i++;
	else if (strcmp(argv[i], "--only") == 0 && argc > 3)
		only = argv[(i += 2) - 1];
	if (i >= argc || *argv[i] == '-' || i + 2 < argc)
		return usage();
	for_each_operation(o) if (asked(o, only, root, argv[i + 1]))
		perform(o, argv[i], argv[i + 1]);
	return 0;
}
