/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * files.c - F: files outside, head on: reading, writing, executing, watching, and what is left behind
 * or held up without a name being changed. Changes are in changes.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"

/* Reading. */

static int f01_read(const struct world *world)
{
	return read_secret(in(world->out, "f"));
}

static int f01_read_from_root(const struct world *world)
{
	int fd = openat(handle("/"), in(world->out, "f") + 1, O_RDONLY);

	return fd < 0 ? errno : read_secret_fd(fd);
}

static int f01_read_upwards(const struct world *world)
{
	(void)world;
	return read_secret("../out/f");
}

static int f01_openat2(const struct world *world)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, in(world->out, "f"), &how, sizeof(how));

	return fd < 0 ? errno : read_secret_fd(fd);
}

static int list_directory(const char *path)
{
	DIR *dir = opendir(path);

	if (!dir)
		return errno;
	errno = 0;
	return readdir(dir) ? 0 : errno;
}

static int f02_list(const struct world *world)
{
	return list_directory(world->out);
}

static int f02_list_home(const struct world *world)
{
	return list_directory(in(world->base, ".."));
}

static int f02_list_root(const struct world *world)
{
	(void)world;
	return list_directory("/");
}

/* Writing into what is there. */

static int write_byte(const struct world *world, int flags)
{
	int fd = open(in(world->out, "f"), flags);

	return result(fd < 0 ? fd : write(fd, "x", 1));
}

static int f03_overwrite(const struct world *world)
{
	return write_byte(world, O_WRONLY);
}

static int f03_append(const struct world *world)
{
	return write_byte(world, O_WRONLY | O_APPEND);
}

static int f03_read_and_write(const struct world *world)
{
	return write_byte(world, O_RDWR);
}

static int f03_truncating(const struct world *world)
{
	return result(open(in(world->out, "f"), O_WRONLY | O_TRUNC));
}

static int f03_truncating_reader(const struct world *world)
{
	return result(open(in(world->out, "f"), O_RDONLY | O_TRUNC));
}

static int f03_creat(const struct world *world)
{
	return result(creat(in(world->out, "f"), 0600));
}

/* Access mode 3: a descriptor for ioctl alone. */
static int f03_neither(const struct world *world)
{
	return result(open(in(world->out, "f"), O_ACCMODE));
}

/* Copying without read(2): into "copy" in the project, where the secret then is. */

static int open_both(const struct world *world, int *out_from, int *out_to)
{
	*out_to = open("copy", O_RDWR | O_CREAT, 0600);
	*out_from = open(in(world->out, "f"), O_RDONLY);
	return *out_from < 0 || *out_to < 0 ? errno : 0;
}

static int copied(long ret)
{
	return ret < 0 ? errno : read_secret("copy");
}

static int f24_copy_file_range(const struct world *world)
{
	int from, to, no = open_both(world, &from, &to);

	return no ? no : copied(copy_file_range(from, NULL, to, NULL, strlen(SECRET), 0));
}

static int f24_sendfile(const struct world *world)
{
	int from, to, no = open_both(world, &from, &to);

	return no ? no : copied(sendfile(to, from, NULL, strlen(SECRET)));
}

static int f24_splice(const struct world *world)
{
	int ends[2], from, to, no = open_both(world, &from, &to);

	if (no)
		return no;
	if (pipe(ends) || splice(from, NULL, ends[1], NULL, strlen(SECRET), 0) < 0)
		return errno;
	return copied(splice(ends[0], NULL, to, NULL, strlen(SECRET), 0));
}

static int f24_clone(const struct world *world)
{
	int from, to, no = open_both(world, &from, &to);

	no = no ? no : copied(ioctl(to, FICLONE, from));
	return no == EOPNOTSUPP ? why_not("the file system shares no blocks") : no;
}

/* Says whether the secret is what one guessed. */
static int f24_dedupe(const struct world *world)
{
	union {
		struct file_dedupe_range range;
		char space[sizeof(struct file_dedupe_range) +
			   sizeof(struct file_dedupe_range_info)];
	} ask = {.range = {.src_length = strlen(SECRET), .dest_count = 1}};
	int from, to, no = make_file("copy", SECRET);

	no = no ? no : open_both(world, &from, &to);
	if (no)
		return no;
	ask.range.info[0].dest_fd = to;
	if (ioctl(from, FIDEDUPERANGE, &ask))
		return errno == EOPNOTSUPP ? why_not("the file system shares no blocks") : errno;
	return ask.range.info[0].status == FILE_DEDUPE_RANGE_SAME ? 0 : EBADMSG;
}

/* Executing. */

static int f25_execute(const struct world *world)
{
	execl(in(world->out, "x"), "x", NULL);
	return errno;
}

static int f25_execute_at(const struct world *world)
{
	char *argv[] = {"x", NULL}, *none[] = {NULL};

	syscall(SYS_execveat, handle(world->out), "x", argv, none, 0);
	return errno;
}

static int f25_loader(const struct world *world)
{
	static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2",
					      "/lib/ld-linux-aarch64.so.1"};

	for (size_t i = 0; i < LEN(loaders); i++) {
		const char *command[] = {loaders[i], in(world->out, "x"), NULL};

		if (access(loaders[i], X_OK) == 0)
			return run_program(command);
	}
	return why_not("no loader where it is expected");
}

static int f25_make_script(struct world *world)
{
	return make_file(in(world->out, "script"), "exit 0\n")
		       ? why_not("a script cannot be written")
		       : 0;
}

static int f25_shell(const struct world *world)
{
	const char *command[] = {"/bin/sh", in(world->out, "script"), NULL};

	return run_program(command);
}

static int f25_interpreter(const struct world *world)
{
	char first_line[1100];

	snprintf(first_line, sizeof(first_line), "#!%s/x\n", world->out);
	if (strlen(first_line) > 250)
		return why_not("the path is too long for a first line");
	if (make_file("script", first_line) || chmod("script", 0700))
		return why_not("a script cannot be written");
	execl("script", "script", NULL);
	return errno;
}

/* File handles: an inode without any path. */

union id {
	struct file_handle handle;
	char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static int f26_by_handle(const struct world *world)
{
	union id id = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int fd, mount = open(".", O_RDONLY | O_DIRECTORY), unused;

	if (mount < 0 || name_to_handle_at(AT_FDCWD, in(world->out, "f"), &id.handle, &unused, 0))
		return why_not("no file handles here");
	fd = open_by_handle_at(mount, &id.handle, O_RDONLY);
	return fd < 0 ? errno : read_secret_fd(fd);
}

/* Root of namespaces of its own, in which its user is root. 0 or an errno. */
static int become_root(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[32];
	int no = result(unshare(CLONE_NEWUSER | CLONE_NEWNS));

	no = no ? no : make_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	no = no ? no : make_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return no ? no : make_file("/proc/self/gid_map", map);
}

/*
 * From 6.11 on root of a user namespace may, for directories of its users below the one given: the
 * working directory, which needs no open.
 */
static int f26_by_handle_in_userns(const struct world *world)
{
	union id id = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int no, unused;

	if (name_to_handle_at(AT_FDCWD, world->out, &id.handle, &unused, 0))
		return why_not("no file handles here");
	no = become_root();
	if (no || chdir(world->base))
		return no ? no : errno;
	return result(open_by_handle_at(AT_FDCWD, &id.handle, O_RDONLY | O_DIRECTORY));
}

/* Watching. */

static int f27_inotify(const struct world *world)
{
	return result(inotify_add_watch(inotify_init1(0), in(world->out, "f"), IN_ACCESS));
}

static int f27_inotify_directory(const struct world *world)
{
	return result(inotify_add_watch(inotify_init1(0), world->out, IN_CREATE | IN_OPEN));
}

static int f27_fanotify(const struct world *world)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);

	if (fd < 0)
		return why_not("fanotify is not for this user here");
	return result(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, in(world->out, "f")));
}

static int f27_hand_directory(struct world *world)
{
	world->handed = open(world->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return world->handed < 0 ? why_not("a directory cannot be opened") : 0;
}

static int f27_dnotify(const struct world *world)
{
	int no;

	(void)world;
	no = result(fcntl(0, F_NOTIFY, DN_MODIFY));
	return no == EINVAL ? why_not("the kernel has no dnotify") : no;
}

/* An event brings an open descriptor of what it is about. */
static int f29_event_descriptor(const struct world *world)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	struct fanotify_event_metadata event;
	pid_t pid;

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, in(world->out, "f")))
		return errno;
	pid = fork();
	if (pid == 0)
		_exit(open(in(world->out, "f"), O_RDONLY) < 0);
	waitpid(pid, NULL, 0);
	if (read(fd, &event, sizeof(event)) < 0)
		return errno;
	return event.fd < 0 ? EPERM : read_secret_fd(event.fd);
}

/* Going there. */

static int f30_go(const struct world *world)
{
	char path[4096];

	return chdir(world->out) || !getcwd(path, sizeof(path)) ? errno : 0;
}

static int f30_go_and_read(const struct world *world)
{
	return chdir(world->out) ? why_not("chdir: %d", errno) : read_secret("f");
}

static int f31_look_at_pattern(struct world *world)
{
	char pattern[128] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	(void)world;
	(void)!read(fd, pattern, sizeof(pattern) - 1);
	close(fd);
	if (!*pattern || strchr("|/@", *pattern))
		return why_not("core_pattern is no name in the working directory");
	return 0;
}

static int f31_core(const struct world *world)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	int status;
	pid_t pid;

	if (chdir(world->out))
		return why_not("chdir: %d", errno);
	pid = fork();
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &all); /* refused: then what the limit is holds */
		abort();
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return why_not("the process did not die of its abort");
	return WCOREDUMP(status) ? 0 : EPERM;
}

/* Holding up whoever writes, with no more than leave to read. */

#define READ_ONLY_OUT "[paths]\nro = ${PROJECT}/../out\n"

static int f35_lock_system(const struct world *world)
{
	int fd = open("/etc/hosts", O_RDONLY);

	(void)world;
	return fd < 0 ? why_not("/etc/hosts: %d", errno) : result(flock(fd, LOCK_EX | LOCK_NB));
}

static int f35_open(const struct world *world)
{
	return open(in(world->out, "f"), O_RDONLY);
}

static int f35_lock(const struct world *world)
{
	int fd = f35_open(world);

	return fd < 0 ? why_not("open: %d", errno) : result(flock(fd, LOCK_EX | LOCK_NB));
}

static int f35_lease(const struct world *world)
{
	int fd = f35_open(world);

	return fd < 0 ? why_not("open: %d", errno) : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int f35_share(const struct world *world)
{
	return result(flock(f35_open(world), LOCK_SH | LOCK_NB));
}

/* Secrets of the system's, root's to read. */

static int f37_shadow(const struct world *world)
{
	(void)world;
	return result(open("/etc/shadow", O_RDONLY));
}

/* Denied, below a directory that may be read. */
static int f37_private_keys(const struct world *world)
{
	(void)world;
	return list_directory("/etc/ssl/private");
}

static const struct escape escapes[] = {
	{"F01", "read", 0, .attempt = f01_read, .logged = "read"},
	{"F01", "read, from a handle of /", 0, .attempt = f01_read_from_root, .logged = "read"},
	{"F01", "read, by ..", 0, .attempt = f01_read_upwards, .logged = "read"},
	{"F01", "read, openat2", 0, .attempt = f01_openat2, .logged = "read"},
	{"F02", "list a directory", 0, .attempt = f02_list, .logged = "list"},
	{"F02", "list the home directory", 0, .attempt = f02_list_home, .logged = "list"},
	{"F02", "list /", 0, .attempt = f02_list_root, .logged = "list"},
	{"F03", "overwrite", 0, .attempt = f03_overwrite, .logged = "write"},
	{"F03", "append", 0, .attempt = f03_append, .logged = "write"},
	{"F03", "write, open for both", 0, .attempt = f03_read_and_write, .logged = "write"},
	{"F03", "O_TRUNC", 0, .attempt = f03_truncating, .logged = "write"},
	{"F03", "O_TRUNC, for reading", 0, .attempt = f03_truncating_reader, .logged = "write"},
	{"F03", "creat what is there", 0, .attempt = f03_creat, .logged = "write"},
	{"F03", "open for neither", 0, .attempt = f03_neither, .logged = "write"},
	{"F24", "copy_file_range", 0, .attempt = f24_copy_file_range, .logged = "read"},
	{"F24", "sendfile", 0, .attempt = f24_sendfile, .logged = "read"},
	{"F24", "splice", 0, .attempt = f24_splice, .logged = "read"},
	{"F24", "FICLONE", 0, .attempt = f24_clone, .logged = "read"},
	{"F24", "FIDEDUPERANGE", 0, .attempt = f24_dedupe, .logged = "read"},
	{"F25", "execute", 0, .attempt = f25_execute, .logged = "exec"},
	{"F25", "execute, from a handle", 0, .attempt = f25_execute_at, .logged = "exec"},
	{"F25", "have the loader run it", 0, .attempt = f25_loader, .logged = "read"},
	{"F25", "have the shell run it", 0, .prepare = f25_make_script, .attempt = f25_shell,
	 .logged = "read"},
	{"F25", "as a script's interpreter", 0, .attempt = f25_interpreter, .logged = "exec"},
	/* Not logged: root asks for this capability whenever it reads. */
	{"F26", "open by a file handle", ROOT_ONLY, .attempt = f26_by_handle},
	{"F26", "open by a file handle in a user namespace", IN_USERNS,
	 .attempt = f26_by_handle_in_userns, .logged = "userns list"},
	{"F27", "inotify on a file", 0, .attempt = f27_inotify, .logged = "watch"},
	{"F27", "inotify on a directory", 0, .attempt = f27_inotify_directory, .logged = "watch"},
	{"F27", "fanotify on a file", 0, .attempt = f27_fanotify, .logged = "watch"},
	{"F27", "dnotify on a directory handed in", 0, .prepare = f27_hand_directory,
	 .attempt = f27_dnotify, .logged = "watch"},
	{"F29", "the descriptor of a fanotify event", ROOT_ONLY, .attempt = f29_event_descriptor,
	 .logged = "capability"},
	{"F30", "change to a directory outside", MUST_WORK, .attempt = f30_go},
	{"F30", "... and read what is in it", 0, .attempt = f30_go_and_read, .logged = "read"},
	/* Not logged: the limit of core files holds, there is nothing to refuse. */
	{"F31", "dump core there", 0, .prepare = f31_look_at_pattern, .attempt = f31_core},
	{"F35", "lock a file of the system's for good", 0, .attempt = f35_lock_system,
	 .logged = "lock"},
	{"F35", "lock what may be read only", 0, .attempt = f35_lock, .logged = "lock",
	 .policy = READ_ONLY_OUT},
	{"F35", "a lease on what may be read only", 0, .attempt = f35_lease, .logged = "lock",
	 .policy = READ_ONLY_OUT},
	{"F35", "share a lock on what may be read", MUST_WORK, .attempt = f35_share,
	 .policy = READ_ONLY_OUT},
	{"F37", "read /etc/shadow", ROOT_ONLY, .attempt = f37_shadow, .logged = "read"},
	{"F37", "list the system's private keys", ROOT_ONLY, .attempt = f37_private_keys,
	 .logged = "list"},
};

const struct family files = {escapes, LEN(escapes)};
