/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jail.c - J: agent-lock's own: its daemon, socket, log, configuration, programs and maps. Much of
 * this family is no way out but a weakness that a program of this kind may have: where a test of its
 * own shows that it has not, that test is named.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adversary.h"
#include "view.h"

#define RUN "/run/agent-lock"
#define PINS "/sys/fs/bpf/agent-lock"
#define LOGS "/var/log/agent-lock"

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static int control_socket(const char *path)
{
	return result(connect_to(path, SOCK_SEQPACKET));
}

static int j01_name(const struct world *world)
{
	if (prctl(PR_SET_NAME, "agent-lockd"))
		return errno;
	return read_secret(in(world->out, "f"));
}

/* A map or program of agent-lock's by its number, as prepare() finds it outside. */
static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The name of what fd is, a map's or a program's. */
static bool is_named(int fd, bool map, const char *name)
{
	struct bpf_map_info of_map = {0};
	struct bpf_prog_info of_program = {0};
	union bpf_attr attr = {.info.bpf_fd = (uint32_t)fd};

	attr.info.info_len = map ? sizeof(of_map) : sizeof(of_program);
	attr.info.info = map ? (uintptr_t)&of_map : (uintptr_t)&of_program;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	       strcmp(map ? of_map.name : of_program.name, name) == 0;
}

static int find_number(struct world *world, int next, int get, bool map, const char *name)
{
	union bpf_attr attr = {0};
	uint32_t id = 0;
	bool found = false;

	while (!found) {
		attr = (union bpf_attr){.start_id = id};
		if (bpf(next, &attr))
			return why_not("nothing of agent-lock's is found");
		id = attr.next_id;
		attr = (union bpf_attr){.map_id = id}; /* prog_id has the same place */
		int fd = (int)bpf(get, &attr);

		found = fd >= 0 && is_named(fd, map, name);
		if (fd >= 0)
			close(fd);
	}
	world->number[0] = id;
	return 0;
}

static int find_map(struct world *world)
{
	return find_number(world, BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, true, "sessions");
}

static int find_program(struct world *world)
{
	return find_number(world, BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, false,
			   "al_task_kill");
}

static int find_link(struct world *world)
{
	union bpf_attr attr = {0};

	if (bpf(BPF_LINK_GET_NEXT_ID, &attr))
		return why_not("no link is found");
	world->number[0] = attr.next_id;
	return 0;
}

static int by_number(const struct world *world, int get)
{
	union bpf_attr attr = {.map_id = (uint32_t)world->number[0]};

	return result(bpf(get, &attr));
}

static int j05_map(const struct world *world)
{
	return by_number(world, BPF_MAP_GET_FD_BY_ID);
}

static int j05_program(const struct world *world)
{
	return by_number(world, BPF_PROG_GET_FD_BY_ID);
}

static int j05_link(const struct world *world)
{
	return by_number(world, BPF_LINK_GET_FD_BY_ID);
}

static int j05_list(const struct world *world)
{
	(void)world;
	return result(open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int get_pinned(const char *path)
{
	union bpf_attr attr = {.pathname = (uintptr_t)path};

	return result(bpf(BPF_OBJ_GET, &attr));
}

/* Outside the pin's own name is looked for; inside that cannot be, so prepare() writes it down. */
static int find_pin(struct world *world)
{
	glob_t found;

	if (glob(PINS "/maps-*/sessions", 0, NULL, &found) || found.gl_pathc < 1)
		return why_not("no pins are found");
	make_file(in(world->project, "pin"), found.gl_pathv[0]);
	globfree(&found);
	return 0;
}

static int j05_pin(const struct world *world)
{
	char path[256] = "";
	int fd = open(in(world->project, "pin"), O_RDONLY | O_CLOEXEC);

	(void)!read(fd, path, sizeof(path) - 1);
	close(fd);
	return get_pinned(path);
}

/* A pin of the test's own, beside agent-lock's: to take one of those away would end the test. */
static const char *test_pin(pid_t pid)
{
	static char path[64];

	snprintf(path, sizeof(path), "/sys/fs/bpf/adversary-%d", pid);
	return path;
}

static int make_pin(struct world *world)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = (int)bpf(BPF_MAP_CREATE, &attr);

	world->number[0] = getpid();
	attr = (union bpf_attr){.pathname = (uintptr_t)test_pin(getpid()), .bpf_fd = (uint32_t)fd};
	if (fd < 0 || bpf(BPF_OBJ_PIN, &attr))
		return why_not("nothing can be pinned");
	close(fd);
	return 0;
}

static void remove_pin(struct world *world)
{
	(void)world;
	unlink(test_pin(getpid()));
}

static int j05_unpin(const struct world *world)
{
	return result(unlink(test_pin((pid_t)world->number[0])));
}

static bool unpinned(const struct world *world)
{
	(void)world;
	return access(test_pin(getpid()), F_OK) != 0;
}

static int link_in_project(struct world *world)
{
	return mkdir(in(world->project, "d"), 0755) ||
			       make_file(in(world->project, "d/f"), "in bounds") ||
			       symlink("d", in(world->project, "link"))
		       ? why_not("no link can be made")
		       : 0;
}

/* The policy's name was a link, and is another one now: the rule is about what it was. */
static int j14_swapped(const struct world *world)
{
	const char *link = in(world->project, "link");

	if (unlink(link) || symlink(world->out, link))
		return errno;
	return read_secret(in(link, "f"));
}

/* Listens outside, where a jailed process may not connect. */
static int listen_outside(const struct world *world, int ready_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(world->base, "more/s"));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 64))
		return 1;
	close(ready_fd);
	for (;;)
		close(accept(fd, NULL, NULL));
}

static int start_listener(struct world *world)
{
	world->number[0] = spawn(listen_outside, world);
	return access(in(world->base, "more/s"), F_OK) ? why_not("nobody can listen") : 0;
}

/* What one thread hands to the kernel another one changes meanwhile, between two names. */
static struct sockaddr_un flipping = {.sun_family = AF_UNIX};
static char names[2][sizeof(flipping.sun_path)];

static void *flip(void *unused)
{
	for (unsigned int i = 0;; i++)
		memcpy(flipping.sun_path, names[i & 1], sizeof(flipping.sun_path));
	return unused;
}

static int j16_race(const struct world *world)
{
	int own = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	time_t end = time(NULL) + 3;
	pthread_t thread;

	snprintf(names[0], sizeof(names[0]), "%s", in(world->base, "more/s"));
	snprintf(names[1], sizeof(names[1]), "%s", in(world->project, "s"));
	strcpy(flipping.sun_path, names[1]);
	if (bind(own, (struct sockaddr *)&flipping, sizeof(flipping)) || listen(own, 64) ||
	    pthread_create(&thread, NULL, flip, NULL))
		return errno;
	while (time(NULL) < end) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		struct ucred peer = {0};
		socklen_t len = sizeof(peer);

		if (connect(fd, (struct sockaddr *)&flipping, sizeof(flipping)) == 0 &&
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		    peer.pid == world->number[0])
			return 0;
		close(fd);
		fd = accept(own, NULL, NULL);
		if (fd >= 0)
			close(fd);
	}
	return EPERM;
}

static int j17_socket(const struct world *world)
{
	(void)world;
	return control_socket(RUN "/socket");
}

static int j17_by_symlink(const struct world *world)
{
	const char *link = in(world->project, "link");
	int no = result(symlink(RUN "/socket", link));

	return no ? no : control_socket(link);
}

static int j17_by_handle(const struct world *world)
{
	char path[64];
	int fd = open(RUN "/socket", O_PATH | O_CLOEXEC);

	(void)world;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? errno : control_socket(path);
}

static int j17_by_bind(const struct world *world)
{
	const char *x = in(world->project, "x");
	int no = result(mkdir(x, 0755));

	if (!no)
		no = own_view(0);
	if (!no)
		no = result(mount(RUN, x, NULL, MS_BIND, NULL));
	return no ? no : control_socket(in(x, "socket"));
}

/* Made outside: nobody inside can. */
static int make_hard_link(struct world *world)
{
	char path[64];

	world->number[0] = getpid();
	snprintf(path, sizeof(path), "/run/adversary-%d", getpid());
	return link(RUN "/socket", path) ? why_not("no hard link can be made") : 0;
}

static void remove_hard_link(struct world *world)
{
	char path[64];

	(void)world;
	snprintf(path, sizeof(path), "/run/adversary-%d", getpid());
	unlink(path);
}

static int j17_by_hard_link(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/adversary-%ld", world->number[0]);
	return control_socket(path);
}

/* The log of the session that is tried first, as main.c names it. */
static int find_log(struct world *world)
{
	char path[128];

	world->number[0] = getpid();
	snprintf(path, sizeof(path), LOGS "/adversary-%d-0.log", getpid());
	return access(path, F_OK) ? why_not("no log is found") : 0;
}

static const char *log_path(const struct world *world)
{
	static char path[128];

	snprintf(path, sizeof(path), LOGS "/adversary-%ld-0.log", world->number[0]);
	return path;
}

static int j17_log_write(const struct world *world)
{
	return result(open(log_path(world), O_WRONLY | O_APPEND | O_CLOEXEC));
}

static int j17_log_read(const struct world *world)
{
	return result(open(log_path(world), O_RDONLY | O_CLOEXEC));
}

/* To the size that it has. */
static int j17_log_truncate(const struct world *world)
{
	struct stat st;

	if (stat(log_path(world), &st))
		return errno;
	return result(truncate(log_path(world), st.st_size));
}

/* Beside the logs: to take away one of those would end the test. */
static const char *test_log(long pid)
{
	static char path[128];

	snprintf(path, sizeof(path), LOGS "/adversary-%ld.test", pid);
	return path;
}

static int make_log(struct world *world)
{
	world->number[0] = getpid();
	return make_file(test_log(getpid()), "") ? why_not("no file can be made there") : 0;
}

static void remove_log(struct world *world)
{
	(void)world;
	unlink(test_log(getpid()));
}

static int j17_log_unlink(const struct world *world)
{
	return result(unlink(test_log(world->number[0])));
}

static bool log_is_gone(const struct world *world)
{
	(void)world;
	return access(test_log(getpid()), F_OK) != 0;
}

/* A link that the daemon would follow when it opens a log of this name. */
static int j18_link(const struct world *world)
{
	char path[160];

	snprintf(path, sizeof(path), "%s.log", test_log(world->number[0]));
	return result(symlink("/etc/passwd", path));
}

static void j18_remove(struct world *world)
{
	char path[160];

	snprintf(path, sizeof(path), "%s.log", test_log(getpid()));
	unlink(path);
	(void)world;
}

static int j17_state(const struct world *world)
{
	(void)world;
	return result(open(RUN "/sessions", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int j17_lock(const struct world *world)
{
	(void)world;
	return result(open(RUN "/lock", O_RDWR | O_CLOEXEC));
}

/* Beside this program: agent-lock, the daemon, and above them the base policy. */
static const char *beside_self(const char *name)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);

	path[len < 0 ? 0 : len] = '\0';
	strcpy(strrchr(path, '/') + 1, name);
	return path;
}

static const char *configuration(void)
{
	const char *path = "/etc/agent-lock/agent-lock.ini";

	return access(path, F_OK) ? beside_self("../conf/agent-lock.ini") : path;
}

static int j17_configuration(const struct world *world)
{
	(void)world;
	return result(open(configuration(), O_WRONLY | O_APPEND | O_CLOEXEC));
}

/* To the mode that it has; to write a program that runs is refused anyway. */
static int j17_program(const struct world *world)
{
	struct stat st;

	(void)world;
	if (stat(beside_self("agent-lockd"), &st))
		return errno;
	return result(chmod(beside_self("agent-lockd"), st.st_mode & 07777));
}

/* Who serves the control socket. */
static int find_daemon(struct world *world)
{
	int fd = connect_to(RUN "/socket", SOCK_SEQPACKET);
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.pid <= 0)
		return why_not("the daemon is not found");
	close(fd);
	world->number[0] = peer.pid;
	return 0;
}

static const char *of_daemon(const struct world *world, const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/%s", world->number[0], name);
	return path;
}

static int j17_daemon_signal(const struct world *world)
{
	return result(kill((pid_t)world->number[0], 0));
}

static int j17_daemon_trace(const struct world *world)
{
	return result(ptrace(PTRACE_SEIZE, (pid_t)world->number[0], NULL, NULL));
}

static int j17_daemon_memory(const struct world *world)
{
	return result(open(of_daemon(world, "mem"), O_RDWR | O_CLOEXEC));
}

static int j17_daemon_root(const struct world *world)
{
	return read_secret(in(of_daemon(world, "root"), in(world->out, "f") + 1));
}

static int j17_daemon_descriptor(const struct world *world)
{
	int fd = (int)syscall(SYS_pidfd_open, world->number[0], 0);

	return fd < 0 ? errno : result(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

/* To what it is. */
static int j17_daemon_limit(const struct world *world)
{
	struct rlimit limit;

	if (prlimit((pid_t)world->number[0], RLIMIT_CORE, NULL, &limit))
		return errno;
	return result(prlimit((pid_t)world->number[0], RLIMIT_CORE, &limit, NULL));
}

static int agent_lock(const char *verb, const char *argument, const char *command)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* What it says is its own. */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		execl(beside_self("agent-lock"), "agent-lock", verb, argument,
		      command ? "--" : NULL, command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

static int j20_list(const struct world *world)
{
	(void)world;
	return agent_lock("list", NULL, NULL);
}

static int j20_show(const struct world *world)
{
	char name[64];

	snprintf(name, sizeof(name), "adversary-%ld-0", world->number[0]);
	return agent_lock("show", name, NULL);
}

/* A session in the session. */
static int j20_run(const struct world *world)
{
	return agent_lock("run", world->project, "/bin/true");
}

static int j20_exec(const struct world *world)
{
	char name[64];

	snprintf(name, sizeof(name), "adversary-%ld-1", world->number[0]);
	return agent_lock("exec", name, "/bin/true");
}

/* A name that would be another line of the log. */
static int j23_name(const struct world *world)
{
	if (prctl(PR_SET_NAME, "x\nallowed read"))
		return errno;
	return read_secret(in(world->out, "f"));
}

#define BY_TEST(id, what, test) \
	{ \
		id, what, .reason = "shown by tests/" test \
	}

static const struct escape escapes[] = {
	{"J01", "called as the daemon is", 0, .attempt = j01_name, .logged = "read"},
	{"J02", "no process numbers are kept",
	 .reason = "the cgroup decides: tried as G09, a thread whose leader is gone"},
	BY_TEST("J03", "entered before the command runs", "kernel/exec.sh"),
	BY_TEST("J04", "the daemon killed", "kernel/daemon.sh"),
	{"J05", "a map by its number", ROOT_ONLY, .prepare = find_map, .attempt = j05_map,
	 .logged = "bpf"},
	{"J05", "a program by its number", ROOT_ONLY, .prepare = find_program,
	 .attempt = j05_program, .logged = "bpf"},
	{"J05", "a link by its number", ROOT_ONLY, .prepare = find_link, .attempt = j05_link,
	 .logged = "bpf"},
	{"J05", "a map by its pin", ROOT_ONLY, .prepare = find_pin, .attempt = j05_pin,
	 .logged = "bpf"},
	{"J05", "the directory of pins", ROOT_ONLY, .attempt = j05_list, .logged = "list"},
	{"J05", "a pin taken away", ROOT_ONLY, .prepare = make_pin, .attempt = j05_unpin,
	 .reached = unpinned, .cleanup = remove_pin, .logged = "unlink"},
	BY_TEST("J06", "a hook that the kernel has not", "unit/test_lsm_kernel.c"),
	BY_TEST("J07", "a kernel without the BPF LSM", "kernel/unsupported.sh"),
	BY_TEST("J08", "names that do not exist yet", "kernel/file-operations.sh"),
	BY_TEST("J09", "deeper than the walk", "kernel/identity.sh"),
	{"J10", "a read in the kernel that fails",
	 .reason = "cannot be brought about; what is not read gives no right (bpf/walk.h)"},
	{"J11", "names cut short", .reason = "no name is asked for a verdict"},
	{"J12", "no memory for storage",
	 .reason = "nothing is allocated for a verdict: marks are made outside, beforehand"},
	{"J13", "a rename while it is decided", .reason = "tried as L20"},
	{"J14", "a link of the policy's, swapped", 0, .prepare = link_in_project,
	 .attempt = j14_swapped, .logged = "read", .policy = "[paths]\nro = ${PROJECT}/link"},
	BY_TEST("J15", "a project that is too wide", "kernel/new-errors.sh"),
	{"J16", "an address changed while it is used", 0, .prepare = start_listener,
	 .attempt = j16_race, .logged = "connect"},
	{"J17", "the control socket", 0, .attempt = j17_socket, .logged = "connect"},
	{"J17", "the control socket, by a symlink", 0, .attempt = j17_by_symlink,
	 .logged = "connect"},
	{"J17", "the control socket, by /proc/self/fd", 0, .attempt = j17_by_handle,
	 .logged = "connect"},
	{"J17", "the control socket, by a bind mount", IN_USERNS, .attempt = j17_by_bind,
	 .logged = "userns connect"},
	{"J17", "the control socket, by a hard link made outside", ROOT_ONLY,
	 .prepare = make_hard_link, .attempt = j17_by_hard_link, .cleanup = remove_hard_link,
	 .logged = "connect"},
	{"J17", "the log, to write", 0, .prepare = find_log, .attempt = j17_log_write,
	 .logged = "write"},
	{"J17", "its own log, to read", MUST_WORK, .prepare = find_log, .attempt = j17_log_read},
	{"J17", "the log, truncated", 0, .prepare = find_log, .attempt = j17_log_truncate,
	 .logged = "truncate"},
	{"J17", "a log taken away", ROOT_ONLY, .prepare = make_log, .attempt = j17_log_unlink,
	 .reached = log_is_gone, .cleanup = remove_log, .logged = "unlink"},
	{"J17", "the daemon's memory of sessions", ROOT_ONLY, .attempt = j17_state,
	 .logged = "list"},
	{"J17", "the daemon's lock", ROOT_ONLY, .attempt = j17_lock, .logged = "write"},
	{"J17", "the base policy, to write", ROOT_ONLY, .attempt = j17_configuration,
	 .logged = "write"},
	{"J17", "the daemon's program", ROOT_ONLY, .attempt = j17_program, .logged = "chmod"},
	{"J17", "the daemon: signal", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_signal, .logged = "signal"},
	{"J17", "the daemon: ptrace", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_trace, .logged = "trace"},
	{"J17", "the daemon: memory", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_memory, .logged = "write"},
	{"J17", "the daemon: through its root", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_root, .logged = "trace read"},
	{"J17", "the daemon: a descriptor of its", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_descriptor, .logged = "trace"},
	{"J17", "the daemon: limits", ROOT_ONLY, .prepare = find_daemon,
	 .attempt = j17_daemon_limit, .logged = "priority"},
	{"J18", "a link among the logs", ROOT_ONLY, .prepare = make_log, .attempt = j18_link,
	 .cleanup = j18_remove, .logged = "symlink"},
	{"J19", "verdicts by logged names", .reason = "only the kernel's side decides"},
	{"J20", "agent-lock inside: list", 0, .attempt = j20_list, .logged = "connect"},
	{"J20", "agent-lock inside: show", 0, .prepare = find_log, .attempt = j20_show,
	 .logged = "connect"},
	{"J20", "agent-lock inside: run", 0, .attempt = j20_run, .logged = "connect read list"},
	{"J20", "agent-lock inside: exec in another session", 0, .prepare = find_log,
	 .attempt = j20_exec, .logged = "connect"},
	BY_TEST("J21", "what is left at the end", "kernel/daemon.sh"),
	{"J22", "what the environment names",
	 .reason = "the environment is the command's own; sockets that it names are refused: U"},
	{"J23", "a name that looks like a line of the log", 0, .attempt = j23_name,
	 .logged = "read"},
	{"J24", "audit switched on from inside",
	 .reason = "it is in the map of sessions, which J05 tries"},
	BY_TEST("J25", "exit code, signals, input and output", "kernel/exec.sh"),
	{"J27", "orphans", .reason = "tried as G09"},
	BY_TEST("J29", "no unified cgroup hierarchy", "kernel/unsupported.sh"),
	{"J30", "the daemon held up by a session's limits",
	 .reason = "it is in no session's cgroup, and no other is written: G06"},
	{"J31", "the daemon or agent-lock as helper",
	 .reason = "outside they execute nothing but the daemon itself"},
};

const struct family jail = {escapes, LEN(escapes)};
