/* SPDX-License-Identifier: GPL-2.0-only */
/* signals.c - S: signals to outside, sent or left to be sent; priorities and limits. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "victim.h"
#include "view.h"

#define pid_of(world) ((pid_t)(world)->number[0])

static bool got_it(const struct world *world)
{
	return access(in(world->base, "more/got"), F_OK) == 0;
}

static int s01_none(const struct world *world)
{
	return result(kill(pid_of(world), 0));
}

static int s01_kill(const struct world *world)
{
	return result(kill(pid_of(world), SIGTERM));
}

static int s01_tkill(const struct world *world)
{
	return result(syscall(SYS_tkill, pid_of(world), SIGTERM));
}

static int s01_tgkill(const struct world *world)
{
	return result(syscall(SYS_tgkill, pid_of(world), pid_of(world), SIGTERM));
}

static int s01_queue(const struct world *world)
{
	siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_QUEUE};

	return result(syscall(SYS_rt_sigqueueinfo, pid_of(world), SIGTERM, &info));
}

static int s01_queue_thread(const struct world *world)
{
	siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_QUEUE};

	return result(syscall(SYS_rt_tgsigqueueinfo, pid_of(world), pid_of(world), SIGTERM, &info));
}

static int s01_pidfd(const struct world *world)
{
	int fd = (int)syscall(SYS_pidfd_open, pid_of(world), 0);

	return fd < 0 ? errno : result(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
}

static int start_sleeper(struct world *world)
{
	world->number[0] = spawn_sleeper();
	return world->number[0] > 0 ? 0 : why_not("no victim can be started");
}

static int s01_stop(const struct world *world)
{
	return result(kill(pid_of(world), SIGSTOP));
}

/* Asks for less than the others: no right at all among processes of one terminal session. */
static int s01_continue(const struct world *world)
{
	return result(kill(pid_of(world), SIGCONT));
}

static int s01_end(const struct world *world)
{
	return result(kill(pid_of(world), SIGKILL));
}

static bool is_dead(const struct world *world)
{
	return !alive(pid_of(world));
}

static int s02_group(const struct world *world)
{
	return result(kill(-pid_of(world), SIGTERM));
}

/* kill(-1) says 0 if there was anybody at all: so it is asked who got it. */
static int s02_all(const struct world *world)
{
	int no = result(kill(-1, SIGURG));

	return no ? no : noted(world) ? 0 : EPERM;
}

/* A signal when data arrive: whoever sends them has it sent, after all rights were asked for. */
static int sigio(const struct world *world, int fd, int writer)
{
	if (fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) || (writer >= 0 && write(writer, "x", 1) != 1))
		return errno;
	return noted(world) ? 0 : EPERM;
}

static int s03_owner(const struct world *world)
{
	int ends[2];

	if (pipe(ends) || fcntl(ends[0], F_SETOWN, pid_of(world)))
		return errno;
	return sigio(world, ends[0], ends[1]);
}

static int s03_group(const struct world *world)
{
	int ends[2];

	if (pipe(ends) || fcntl(ends[0], F_SETOWN, -pid_of(world)))
		return errno;
	return sigio(world, ends[0], ends[1]);
}

static int s03_owner_ex(const struct world *world)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = pid_of(world)};
	int ends[2];

	if (pipe(ends) || fcntl(ends[0], F_SETOWN_EX, &owner))
		return errno;
	return sigio(world, ends[0], ends[1]);
}

static int s03_any_signal(const struct world *world)
{
	int ends[2];

	if (pipe(ends) || fcntl(ends[0], F_SETOWN, pid_of(world)) ||
	    fcntl(ends[0], F_SETSIG, SIGTERM))
		return errno;
	return sigio(world, ends[0], ends[1]);
}

static int s03_socket(const struct world *world)
{
	int ends[2], pid = pid_of(world);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || ioctl(ends[0], FIOSETOWN, &pid))
		return errno;
	return sigio(world, ends[0], ends[1]);
}

/* The owner is told before the descriptor is copied, and after: it belongs to what is open. */
static int s03_inherited(const struct world *world)
{
	int ends[2], status;
	pid_t pid;

	if (pipe(ends))
		return errno;
	pid = fork();
	if (pid == 0)
		_exit(result(fcntl(ends[0], F_SETOWN, pid_of(world))));
	if (waitpid(pid, &status, 0) != pid || status)
		return EPERM;
	return sigio(world, ends[0], ends[1]);
}

/* A TCP connection to itself. */
static int connection(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    connect(ends[1], (struct sockaddr *)&address, len))
		return errno;
	ends[0] = accept(listener, NULL, NULL);
	return result(ends[0]);
}

static int s03_urgent(const struct world *world)
{
	int ends[2] = {-1, -1}, pid = pid_of(world), no = connection(ends);

	if (no)
		return no;
	if (ioctl(ends[0], SIOCSPGRP, &pid) || send(ends[1], "x", 1, MSG_OOB) != 1)
		return errno;
	return noted(world) ? 0 : EPERM;
}

static int feed(const struct world *world, int ready_fd)
{
	int fd = open(in(world->project, "fifo"), O_RDWR | O_CLOEXEC);

	close(ready_fd);
	for (;;) {
		(void)!write(fd, "x", 1);
		poll(NULL, 0, 50);
	}
	return 0;
}

static int start_feeder(struct world *world)
{
	if (mkfifo(in(world->project, "fifo"), 0600) || spawn(feed, world) < 0)
		return why_not("no fifo can be fed");
	return start_noter(world);
}

/* Here it is somebody outside who has it sent. */
static int s03_from_outside(const struct world *world)
{
	int fd = open(in(world->project, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fcntl(fd, F_SETOWN, pid_of(world)))
		return errno;
	return sigio(world, fd, -1);
}

/* Somebody outside who makes the terminal that it finds the name of its own. */
static int use_terminal(const struct world *world, int ready_fd)
{
	char name[64] = "";
	FILE *file = NULL;
	int fd;

	signal(SIGHUP, SIG_IGN);
	signal(SIGCONT, SIG_IGN);
	setsid();
	close(ready_fd);
	while (!file) {
		poll(NULL, 0, 10);
		file = fopen(in(world->project, "name"), "re");
		if (file && !fgets(name, sizeof(name), file)) {
			fclose(file);
			file = NULL;
		}
	}
	fclose(file);
	fd = open(name, O_RDWR); /* without a terminal: it gets this one */
	if (fd >= 0)
		make_file(in(world->project, "used"), "");
	for (;;)
		pause();
	return 0;
}

static int start_user(struct world *world)
{
	world->number[0] = spawn(use_terminal, world);
	return world->number[0] > 0 ? 0 : why_not("no victim can be started");
}

static int s04_signal(const struct world *world)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), number, unlock = 0;
	char name[64];

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return errno;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	if (make_file(in(world->project, "name"), name))
		return EIO;
	for (int i = 0; i < 500 && access(in(world->project, "used"), F_OK); i++)
		poll(NULL, 0, 10);
	return result(ioctl(master, TIOCSIG, SIGINT));
}

static int own_terminal(const struct world *world, int ready_fd)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number, unlock = 0;
	char name[64];

	setsid();
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number))
		return 1;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	if (open(name, O_RDWR) < 0 || make_file(in(world->project, "name"), name))
		return 1;
	close(ready_fd);
	for (;;)
		pause();
	return 0;
}

static int start_owner(struct world *world)
{
	world->number[0] = spawn(own_terminal, world);
	return access(in(world->project, "name"), F_OK) ? why_not("no terminal can be made") : 0;
}

static int steal(const void *name)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? errno : result(ioctl(fd, TIOCSCTTY, 1));
}

/* Root takes somebody's controlling terminal away from them. In a child: it leads no group yet. */
static int s04_steal(const struct world *world)
{
	char name[64] = "";
	FILE *file = fopen(in(world->project, "name"), "re");

	if (!file || !fgets(name, sizeof(name), file))
		return EIO;
	return in_child(steal, name);
}

static int s05_nice(const struct world *world)
{
	return result(setpriority(PRIO_PROCESS, (id_t)pid_of(world), 19));
}

static int s05_group(const struct world *world)
{
	return result(setpriority(PRIO_PGRP, (id_t)pid_of(world), 19));
}

static bool is_nice(const struct world *world)
{
	return getpriority(PRIO_PROCESS, (id_t)pid_of(world)) == 19;
}

static int s05_scheduler(const struct world *world)
{
	struct sched_param param = {0};

	return result(sched_setscheduler(pid_of(world), SCHED_IDLE, &param));
}

static bool is_idle(const struct world *world)
{
	return sched_getscheduler(pid_of(world)) != SCHED_OTHER;
}

static int s05_attributes(const struct world *world)
{
	struct {
		unsigned int size, policy;
		unsigned long flags;
		int nice;
		unsigned int priority;
		unsigned long runtime, deadline, period;
	} attr = {.size = 48, .policy = SCHED_BATCH};

	return result(syscall(SYS_sched_setattr, pid_of(world), &attr, 0));
}

static int s05_affinity(const struct world *world)
{
	cpu_set_t set;

	/* The last of one's own CPUs alone. */
	if (sched_getaffinity(0, sizeof(set), &set))
		return errno;
	for (int i = 0; CPU_COUNT(&set) > 1; i++)
		CPU_CLR(i, &set);
	return result(sched_setaffinity(pid_of(world), sizeof(set), &set));
}

static int s05_see_affinity(const struct world *world)
{
	cpu_set_t set;

	return result(sched_getaffinity(pid_of(world), sizeof(set), &set));
}

static int s05_io(const struct world *world)
{
	return result(
		syscall(SYS_ioprio_set, 1 /* a process */, pid_of(world), 3 << 13 /* idle */));
}

static int s05_see_io(const struct world *world)
{
	return result(syscall(SYS_ioprio_get, 1, pid_of(world)));
}

static int s05_limit(const struct world *world)
{
	struct rlimit limit = {.rlim_cur = 7, .rlim_max = 7};

	return result(prlimit(pid_of(world), RLIMIT_NOFILE, &limit, NULL));
}

static bool is_limited(const struct world *world)
{
	struct rlimit limit = {0};

	return prlimit(pid_of(world), RLIMIT_NOFILE, NULL, &limit) || limit.rlim_cur == 7;
}

static int s05_session(const struct world *world)
{
	return result(getsid(pid_of(world)));
}

/* What a shell does with its jobs. */
static int s08_job(const struct world *world)
{
	int status, no = 0;
	pid_t pid = fork();

	(void)world;
	if (pid == 0)
		for (;;)
			pause();
	if (setpgid(pid, pid) || kill(-pid, SIGSTOP) || waitpid(pid, &status, WUNTRACED) != pid ||
	    !WIFSTOPPED(status) || kill(pid, SIGCONT) || waitpid(pid, &status, WCONTINUED) != pid ||
	    setpriority(PRIO_PROCESS, (id_t)pid, 5))
		no = errno ? errno : EIO;
	if (kill(-pid, SIGTERM) || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		no = errno ? errno : EIO;
	return no;
}

/* Data arrive: one's own signal, asked for as the tries do for others. */
static volatile sig_atomic_t came;

static void on_io(int sig)
{
	(void)sig;
	came = 1;
}

static int s08_io(const struct world *world)
{
	int ends[2];

	(void)world;
	signal(SIGIO, on_io);
	if (pipe(ends) || fcntl(ends[0], F_SETOWN, getpid()) ||
	    fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) || write(ends[1], "x", 1) != 1)
		return errno;
	for (int i = 0; i < 100 && !came; i++)
		poll(NULL, 0, 10);
	return came ? 0 : ETIMEDOUT;
}

#define ON_NOTER(try) \
	.prepare = start_noter, .attempt = \
	try
#define LATER \
	.reason = "the signal is dropped where it would be sent: the one who asked for it isn't " \
		  "told"

static const struct escape escapes[] = {
	{"S01", "signal 0", 0, ON_NOTER(s01_none), .reached = got_it, .logged = "signal"},
	{"S01", "kill", 0, ON_NOTER(s01_kill), .reached = got_it, .logged = "signal"},
	{"S01", "tkill", 0, ON_NOTER(s01_tkill), .reached = got_it, .logged = "signal"},
	{"S01", "tgkill", 0, ON_NOTER(s01_tgkill), .reached = got_it, .logged = "signal"},
	{"S01", "rt_sigqueueinfo", 0, ON_NOTER(s01_queue), .reached = got_it, .logged = "signal"},
	{"S01", "rt_tgsigqueueinfo", 0, ON_NOTER(s01_queue_thread), .reached = got_it,
	 .logged = "signal"},
	{"S01", "pidfd_send_signal", 0, ON_NOTER(s01_pidfd), .reached = got_it, .logged = "signal"},
	{"S01", "SIGSTOP", 0, .prepare = start_sleeper, .attempt = s01_stop, .reached = is_dead,
	 .logged = "signal"},
	{"S01", "SIGCONT", 0, .prepare = start_sleeper, .attempt = s01_continue,
	 .logged = "signal"},
	{"S01", "SIGKILL", 0, .prepare = start_sleeper, .attempt = s01_end, .reached = is_dead,
	 .logged = "signal"},
	{"S02", "a process group", 0, ON_NOTER(s02_group), .reached = got_it, .logged = "signal"},
	{"S02", "everybody", GUEST_ONLY, ON_NOTER(s02_all), .reached = got_it, .logged = "signal"},
	{"S03", "SIGIO: F_SETOWN", 0, ON_NOTER(s03_owner), .reached = got_it, LATER},
	{"S03", "SIGIO: F_SETOWN of a group", 0, ON_NOTER(s03_group), .reached = got_it, LATER},
	{"S03", "SIGIO: F_SETOWN_EX", 0, ON_NOTER(s03_owner_ex), .reached = got_it, LATER},
	{"S03", "SIGIO: F_SETSIG", 0, ON_NOTER(s03_any_signal), .reached = got_it, LATER},
	{"S03", "SIGIO: FIOSETOWN", 0, ON_NOTER(s03_socket), .reached = got_it, LATER},
	{"S03", "SIGIO: asked for by a child", 0, ON_NOTER(s03_inherited), .reached = got_it,
	 LATER},
	{"S03", "SIGIO: caused outside", 0, .prepare = start_feeder, .attempt = s03_from_outside,
	 .reached = got_it, LATER},
	{"S03", "SIGURG: SIOCSPGRP", 0, ON_NOTER(s03_urgent), .reached = got_it, LATER},
	{"S04", "TIOCSIG to who uses one's terminal", 0, .prepare = start_user,
	 .attempt = s04_signal, .reached = is_dead, .logged = "ioctl"},
	{"S04", "TIOCSCTTY of somebody's terminal", ROOT_ONLY, .prepare = start_owner,
	 .attempt = s04_steal, .logged = "write"},
	{"S05", "setpriority", 0, ON_NOTER(s05_nice), .reached = is_nice, .logged = "priority"},
	{"S05", "setpriority of a group", 0, ON_NOTER(s05_group), .reached = is_nice,
	 .logged = "priority"},
	{"S05", "sched_setscheduler", 0, ON_NOTER(s05_scheduler), .reached = is_idle,
	 .logged = "priority"},
	{"S05", "sched_setattr", 0, ON_NOTER(s05_attributes), .reached = is_idle,
	 .logged = "priority"},
	{"S05", "sched_setaffinity", 0, ON_NOTER(s05_affinity), .logged = "priority"},
	{"S05", "sched_getaffinity", 0, ON_NOTER(s05_see_affinity), .logged = "priority"},
	{"S05", "ioprio_set", 0, ON_NOTER(s05_io), .logged = "priority"},
	{"S05", "ioprio_get", 0, ON_NOTER(s05_see_io), .logged = "priority"},
	{"S05", "prlimit", 0, ON_NOTER(s05_limit), .reached = is_limited, .logged = "priority"},
	{"S05", "getsid", 0, ON_NOTER(s05_session), .logged = "priority"},
	{"S07", "cgroup.kill of another cgroup",
	 .reason = "tried as G06: the same refusal of any write there"},
	{"S08", "job control", MUST_WORK, .attempt = s08_job},
	{"S08", "SIGIO of one's own", MUST_WORK, .attempt = s08_io},
};

const struct family signals = {escapes, LEN(escapes)};
