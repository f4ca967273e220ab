/* SPDX-License-Identifier: GPL-2.0-only */
/* processes.c - P: other processes, by ptrace and what is guarded like it, and by /proc. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"

#define pid_of(world) ((pid_t)(world)->number[0])

/* The Yama module may keep tracing to one's own children: then nothing of it is a control. */
static int start_traceable(struct world *world)
{
	char scope = '0';
	int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!read(fd, &scope, 1);
		close(fd);
	}
	if (scope > '2' || (scope > '0' && geteuid() != 0))
		return why_not("yama.ptrace_scope is %c", scope);
	return start_victim(world);
}

static int p01_attach(const struct world *world)
{
	if (ptrace(PTRACE_ATTACH, pid_of(world), NULL, NULL))
		return errno;
	waitpid(pid_of(world), NULL, 0);
	return result(ptrace(PTRACE_DETACH, pid_of(world), NULL, NULL));
}

static int p01_seize(const struct world *world)
{
	return result(ptrace(PTRACE_SEIZE, pid_of(world), NULL, NULL));
}

/* agent-lock leaves no parent of its own behind: the parent is who started it, outside. */
static int p02_traceme(const struct world *world)
{
	(void)world;
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int p03_read(const struct world *world)
{
	char text[64];
	struct iovec local = {text, sizeof(text)};
	struct iovec remote = {(void *)world->number[1], sizeof(text)};
	ssize_t len = process_vm_readv(pid_of(world), &local, 1, &remote, 1, 0);

	if (len < 0)
		return errno;
	return memmem(text, (size_t)len, SECRET, strlen(SECRET)) ? 0 : EBADMSG;
}

static int p03_write(const struct world *world)
{
	struct iovec local = {"X", 1}, remote = {(void *)world->number[1], 1};

	return result(process_vm_writev(pid_of(world), &local, 1, &remote, 1, 0));
}

static bool memory_changed(const struct world *world)
{
	int fd = open(of_victim(world, "mem"), O_RDONLY | O_CLOEXEC);
	char byte = 0;

	if (fd < 0 || pread(fd, &byte, 1, world->number[1]) != 1)
		return true;
	close(fd);
	return byte != 'M'; /* of MARK= */
}

static int p03_advise(const struct world *world)
{
	struct iovec page = {(void *)(world->number[1] & ~4095L), 4096};
	int fd = (int)syscall(SYS_pidfd_open, pid_of(world), 0);

	if (fd < 0)
		return errno;
	return result(syscall(SYS_process_madvise, fd, &page, 1, MADV_COLD, 0));
}

static int p04_read(const struct world *world)
{
	int fd = open(of_victim(world, "mem"), O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t len;

	if (fd < 0)
		return errno;
	len = pread(fd, text, sizeof(text), world->number[1]);
	if (len < 0)
		return errno;
	return memmem(text, (size_t)len, SECRET, strlen(SECRET)) ? 0 : EBADMSG;
}

static int p04_write(const struct world *world)
{
	int fd = open(of_victim(world, "mem"), O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : result(pwrite(fd, "X", 1, world->number[1]));
}

/*
 * Several of one kind: outside all that there are must open and be readable, inside none may. What
 * opened or failed otherwise is printed.
 */
static int each_file(const struct world *world, const char *directory, const char *const *names)
{
	char base[64];
	int last = ENOENT;

	snprintf(base, sizeof(base), "%s", directory);
	for (; *names; names++) {
		int fd = open(in(base, *names), O_RDONLY | O_NONBLOCK | O_CLOEXEC), no = errno;
		char bytes[64]; /* page maps are read in eights */

		if (fd >= 0) {
			no = result(read(fd, bytes, sizeof(bytes)));
			no = no == EISDIR || no == EAGAIN ? 0 : no;
			close(fd);
		}
		if (no == ENOENT)
			continue; /* not on this kernel */
		if (!no == world->inside) {
			printf("%s\n", *names);
			return no;
		}
		last = no;
	}
	return last;
}

static int p05_files(const struct world *world)
{
	static const char *const names[] = {
		"environ", "auxv",  "maps",	 "smaps",    "smaps_rollup", "numa_maps",
		"pagemap", "io",    "fdinfo",	 "fdinfo/9", "syscall",	     "personality",
		"timers",  "wchan", "map_files", "fd",	     "ns",	     NULL};

	return each_file(world, of_victim(world, ""), names);
}

static int p05_stack(const struct world *world)
{
	static const char *const names[] = {"stack", "timerslack_ns", NULL};

	return each_file(world, of_victim(world, ""), names);
}

static int p05_secret(const struct world *world)
{
	return read_secret(of_victim(world, "environ"));
}

/* The kernel itself asks nobody about these. */
static int p06_files(const struct world *world)
{
	static const char *const names[] = {"cmdline",	   "comm",
					    "stat",	   "status",
					    "statm",	   "limits",
					    "cgroup",	   "mountinfo",
					    "mounts",	   "mountstats",
					    "net/dev",	   "net/unix",
					    "net/tcp",	   "oom_score",
					    "oom_adj",	   "oom_score_adj",
					    "sched",	   "schedstat",
					    "sessionid",   "loginuid",
					    "cpuset",	   "autogroup",
					    "uid_map",	   "gid_map",
					    "setgroups",   "timens_offsets",
					    "arch_status", "coredump_filter",
					    "net",	   ".",
					    NULL};

	return each_file(world, of_victim(world, ""), names);
}

static int p06_secret(const struct world *world)
{
	return read_secret(of_victim(world, "cmdline"));
}

static int p06_score(const struct world *world)
{
	int fd = open(of_victim(world, "oom_score_adj"), O_WRONLY | O_CLOEXEC);

	return fd < 0 ? errno : result(write(fd, "777", 3));
}

static bool score_changed(const struct world *world)
{
	int fd = open(of_victim(world, "oom_score_adj"), O_RDONLY | O_CLOEXEC);
	char text[8] = "";

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strncmp(text, "777", 3) == 0;
}

static int p06_dump(const struct world *world)
{
	int fd = open(of_victim(world, "coredump_filter"), O_WRONLY | O_CLOEXEC);

	return fd < 0 ? errno : result(write(fd, "0xff", 4));
}

static int p07_directory(const struct world *world)
{
	return read_secret(of_victim(world, "cwd/f"));
}

static int p07_root(const struct world *world)
{
	char path[800];

	snprintf(path, sizeof(path), "root%s/f", world->out);
	return read_secret(of_victim(world, path));
}

static int p07_descriptor(const struct world *world)
{
	return read_secret(of_victim(world, "fd/9"));
}

static int p07_links(const struct world *world)
{
	static const char *const names[] = {"cwd", "root", "exe", "fd/9", "fd/0", "ns/mnt", NULL};
	char target[4096];
	int last = ENOENT;

	for (int i = 0; names[i]; i++) {
		last = result(readlink(of_victim(world, names[i]), target, sizeof(target)));
		if (!last == world->inside) {
			printf("%s\n", names[i]);
			return last;
		}
	}
	return last;
}

static int p07_program(const struct world *world)
{
	return result(open(of_victim(world, "exe"), O_RDONLY | O_CLOEXEC));
}

static int p09_tasks(const struct world *world)
{
	static const char *const names[] = {"",	       "comm",	   "stat", "cmdline",
					    "environ", "children", NULL};
	char task[64];

	snprintf(task, sizeof(task), "task/%d", pid_of(world));
	return each_file(world, of_victim(world, task), names);
}

static int p09_list(const struct world *world)
{
	return result(open(of_victim(world, "task"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int p11_compare(const struct world *world)
{
	return result(syscall(SYS_kcmp, getpid(), pid_of(world), KCMP_VM, 0, 0));
}

static int p11_robust_list(const struct world *world)
{
	void *head;
	size_t len;

	return result(syscall(SYS_get_robust_list, pid_of(world), &head, &len));
}

static int p11_pages(const struct world *world)
{
	void *page = (void *)(world->number[1] & ~4095L);
	int status, no = result(syscall(SYS_move_pages, pid_of(world), 1, &page, NULL, &status, 0));

	return no == ENOSYS ? why_not("this kernel knows no memory nodes") : no;
}

static int p11_migrate(const struct world *world)
{
	unsigned long node = 1;
	int no = result(syscall(SYS_migrate_pages, pid_of(world), 8, &node, &node));

	return no == ENOSYS ? why_not("this kernel knows no memory nodes") : no;
}

static int p11_core(const struct world *world)
{
	unsigned long cookie;
	int no = result(prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, pid_of(world), 0, &cookie));

	return no == ENODEV || no == EINVAL ? why_not("no hyperthreads to keep apart here") : no;
}

static int p11_perf(const struct world *world)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int no = result(syscall(SYS_perf_event_open, &attr, pid_of(world), -1, -1, 0));

	return (no == EACCES || no == EPERM) && !world->inside
		       ? why_not("perf_event_paranoid forbids it to ordinary users")
		       : no;
}

/* Files of root's: no capability is asked. They are opened, never written. */
static int p12_settings(const struct world *world)
{
	static const char *const names[] = {"kernel/core_pattern",
					    "kernel/modprobe",
					    "kernel/randomize_va_space",
					    "kernel/hostname",
					    "vm/overcommit_memory",
					    "vm/drop_caches",
					    "net/ipv4/ip_forward",
					    "fs/suid_dumpable",
					    "kernel/yama/ptrace_scope",
					    "fs/binfmt_misc/register",
					    NULL};
	int last = EPERM;

	for (int i = 0; names[i]; i++) {
		int no = result(open(in("/proc/sys", names[i]), O_WRONLY | O_CLOEXEC));

		if (no == ENOENT)
			continue; /* not on this kernel */
		if (!no == world->inside) {
			printf("%s\n", names[i]);
			return no;
		}
		last = no;
	}
	return last;
}

static int p13_kernel(const struct world *world)
{
	static const char *const names[] = {"keys",    "key-users", "interrupts", "locks",
					    "modules", "kallsyms",  "partitions", "diskstats",
					    "vmstat",  "zoneinfo",  NULL};

	return each_file(world, "/proc", names);
}

static int p13_root(const struct world *world)
{
	static const char *const names[] = {
		"kcore", "kpagecount", "kpageflags",  "timer_list",   "slabinfo", "vmallocinfo",
		"iomem", "ioports",    "kmsg",	      "driver",	      "irq",	  "bus",
		"scsi",	 "acpi",       "sched_debug", "pagetypeinfo", NULL};

	return each_file(world, "/proc", names);
}

static int p13_sysrq(const struct world *world)
{
	(void)world;
	return result(open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC));
}

/* What a node outside answers by listening for a debugger. */
static int p14_usr1(const struct world *world)
{
	return result(kill(pid_of(world), SIGUSR1));
}

static int p10_self(const struct world *world)
{
	static const char *const names[] = {
		"status", "maps", "environ", "mountinfo", "stat",    "cmdline", "cgroup", "limits",
		"fd",	  "task", "ns",	     "fdinfo/0",  "net/dev", "mem",	"io",	  NULL};
	int fd;

	(void)world;
	for (int i = 0; names[i]; i++) {
		fd = open(in("/proc/self", names[i]), O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			printf("%s\n", names[i]);
			return errno;
		}
		close(fd);
	}
	fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "other", 5) != 5)
		return errno;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	return fd < 0 ? errno : result(write(fd, "500", 3));
}

/* A child of one's own: /proc and ptrace as a debugger uses them. */
static int p16_child(const struct world *world)
{
	static char text[] = SECRET;
	char got[sizeof(text)], path[64];
	struct iovec local = {got, sizeof(got)}, remote = {text, sizeof(text)};
	pid_t pid = fork();
	int no = 0;

	(void)world;
	if (pid == 0)
		for (;;)
			pause();
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) || waitpid(pid, NULL, 0) != pid)
		no = errno;
	errno = 0;
	if (!no && ptrace(PTRACE_PEEKDATA, pid, text, NULL) == -1 && errno)
		no = errno;
	if (!no)
		no = result(ptrace(PTRACE_DETACH, pid, NULL, NULL));
	if (!no)
		no = result(process_vm_readv(pid, &local, 1, &remote, 1, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if (!no)
		no = result(open(path, O_RDWR | O_CLOEXEC));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return no;
}

static int to_its_end(const char *const *command)
{
	int status;
	pid_t pid;

	if (access(command[0], X_OK))
		return why_not("no %s here", command[0]);
	pid = fork();
	if (pid == 0) {
		close(STDOUT_FILENO);
		open("/dev/null", O_WRONLY);
		execv(command[0], (char *const *)command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

static int p16_strace(const struct world *world)
{
	static const char *const command[] = {"/usr/bin/strace", "-f", "-o",	      "trace",
					      "/bin/sh",	 "-c", "true & wait", NULL};

	(void)world;
	return to_its_end(command);
}

static int p16_gdb(const struct world *world)
{
	static const char *const command[] = {"/usr/bin/gdb", "-nx",	   "-batch", "-ex",
					      "break exit",   "-ex",	   "run",    "-ex",
					      "backtrace",    "/bin/true", NULL};

	(void)world;
	return to_its_end(command);
}

#define ON_VICTIM(try) \
	.prepare = start_victim, .attempt = \
	try
#define ON_TRACEABLE(try) .prepare = start_traceable, .attempt = try

static const struct escape escapes[] = {
	{"P01", "ptrace attach", 0, ON_TRACEABLE(p01_attach), .logged = "trace"},
	{"P01", "ptrace seize", 0, ON_TRACEABLE(p01_seize), .logged = "trace"},
	{"P02", "make the parent outside the tracer", 0, .attempt = p02_traceme, .logged = "trace"},
	{"P03", "process_vm_readv", 0, ON_TRACEABLE(p03_read), .logged = "trace"},
	{"P03", "process_vm_writev", 0, ON_TRACEABLE(p03_write), .reached = memory_changed,
	 .logged = "trace"},
	{"P03", "process_madvise", ROOT_ONLY, ON_VICTIM(p03_advise), .logged = "trace"},
	{"P04", "/proc/PID/mem, read", 0, ON_TRACEABLE(p04_read), .logged = "read"},
	{"P04", "/proc/PID/mem, written", 0, ON_TRACEABLE(p04_write), .reached = memory_changed,
	 .logged = "write"},
	{"P05", "/proc/PID: environ, maps, ...", 0, ON_VICTIM(p05_files), .logged = "read"},
	{"P05", "/proc/PID/environ", 0, ON_VICTIM(p05_secret), .logged = "read"},
	{"P05", "/proc/PID: stack, timerslack_ns", ROOT_ONLY, ON_VICTIM(p05_stack),
	 .logged = "read"},
	{"P06", "/proc/PID: stat, status, cgroup, ...", 0, ON_VICTIM(p06_files), .logged = "read"},
	{"P06", "/proc/PID/cmdline", 0, ON_VICTIM(p06_secret), .logged = "read"},
	{"P06", "/proc/PID/oom_score_adj, written", 0, ON_VICTIM(p06_score),
	 .reached = score_changed, .logged = "write"},
	{"P06", "/proc/PID/coredump_filter, written", 0, ON_VICTIM(p06_dump), .logged = "write"},
	{"P07", "through /proc/PID/cwd", 0, ON_VICTIM(p07_directory), .logged = "trace read"},
	{"P07", "through /proc/PID/root", 0, ON_VICTIM(p07_root), .logged = "trace read"},
	{"P07", "/proc/PID/fd of a deleted file", 0, ON_VICTIM(p07_descriptor),
	 .logged = "trace read"},
	{"P07", "/proc/PID/exe", 0, ON_VICTIM(p07_program), .logged = "trace read"},
	{"P07", "where /proc/PID's links lead", 0, ON_VICTIM(p07_links), .logged = "trace"},
	{"P09", "/proc/PID/task/TID", 0, ON_VICTIM(p09_tasks), .logged = "read list"},
	{"P09", "/proc/PID/task", 0, ON_VICTIM(p09_list), .logged = "list"},
	{"P10", "/proc/self", MUST_WORK, .attempt = p10_self},
	{"P11", "kcmp", 0, ON_VICTIM(p11_compare), .logged = "trace"},
	{"P11", "get_robust_list", 0, ON_VICTIM(p11_robust_list), .logged = "trace"},
	{"P11", "move_pages", 0, ON_VICTIM(p11_pages), .logged = "trace"},
	{"P11", "migrate_pages", 0, ON_VICTIM(p11_migrate), .logged = "trace"},
	{"P11", "core scheduling cookie", 0, ON_VICTIM(p11_core), .logged = "trace"},
	{"P11", "perf_event_open", 0, ON_VICTIM(p11_perf), .logged = "trace capability"},
	{"P12", "settings below /proc/sys, to write", ROOT_ONLY, .attempt = p12_settings,
	 .logged = "write"},
	{"P13", "the kernel's own files of /proc", 0, .attempt = p13_kernel, .logged = "read"},
	{"P13", "those that are root's", ROOT_ONLY, .attempt = p13_root, .logged = "read"},
	{"P13", "/proc/sysrq-trigger", ROOT_ONLY, .attempt = p13_sysrq, .logged = "write"},
	{"P14", "SIGUSR1", 0, .prepare = start_noter, .attempt = p14_usr1, .reached = noted,
	 .logged = "signal"},
	{"P16", "trace a child", MUST_WORK, .attempt = p16_child},
	{"P16", "strace", MUST_WORK, .attempt = p16_strace},
	{"P16", "gdb", MUST_WORK, .attempt = p16_gdb},
};

const struct family processes = {escapes, LEN(escapes)};
