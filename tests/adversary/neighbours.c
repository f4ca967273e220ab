/* SPDX-License-Identifier: GPL-2.0-only */
/* neighbours.c - P15: two sessions of one user. What the one has made the other can't see or touch. */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "adversary.h"

/* What the neighbour tells: world->number[...]. */
enum { PID, SHM, QUEUE, MEMORY, TERMINAL, KEY };

static socklen_t address_of(const struct world *world, const char *name, struct sockaddr_un *out)
{
	const char *path = in(in(world->base, "beside"), "s");

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (name)
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1,
						    "%s", name));
	/* Relative to /proc/self/cwd and the like it would be shorter; a home is short enough. */
	snprintf(out->sun_path, sizeof(out->sun_path), "%s", path);
	return sizeof(*out);
}

static const char *abstract_name(const struct world *world)
{
	return strrchr(world->base, '/') + 1;
}

static int serve(const struct world *world, const char *name, int type)
{
	struct sockaddr_un address;
	socklen_t len = address_of(world, name, &address);
	int fd = socket(AF_UNIX, type, 0);

	if (bind(fd, (struct sockaddr *)&address, len))
		return errno;
	return type == SOCK_DGRAM ? 0 : result(listen(fd, 4));
}

static int live_beside(const struct world *world)
{
	static char memory[] = SECRET;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), unlock = 0, number = -1;
	int shm = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	char *shared = shmat(shm, NULL, 0);
	struct {
		long type;
		char text[sizeof(SECRET)];
	} message = {1, SECRET};
	long numbers[5];

	if (shared == (char *)-1 || msgsnd(queue, &message, sizeof(message.text), 0) ||
	    ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCGPTN, &number) ||
	    make_file(in(in(world->base, "beside"), "f"), SECRET) ||
	    serve(world, NULL, SOCK_STREAM) || serve(world, abstract_name(world), SOCK_DGRAM))
		return 1;
	strcpy(shared, SECRET);
	shmctl(shm, IPC_RMID, NULL); /* goes with its last user; until then it has its number */
	numbers[SHM - 1] = shm;
	numbers[QUEUE - 1] = queue;
	numbers[MEMORY - 1] = (long)memory;
	numbers[TERMINAL - 1] = number;
	numbers[KEY - 1] = syscall(SYS_add_key, "user", "adversary", SECRET, strlen(SECRET),
				   KEY_SPEC_SESSION_KEYRING);
	neighbour_ready(world, 5, numbers);
}

static void end_queue(struct world *world)
{
	msgctl((int)world->number[QUEUE], IPC_RMID, NULL);
}

static int by_signal(const struct world *world)
{
	return result(kill((pid_t)world->number[PID], SIGTERM));
}

static bool is_dead(const struct world *world)
{
	return !alive((pid_t)world->number[PID]);
}

static int by_ptrace(const struct world *world)
{
	return result(ptrace(PTRACE_SEIZE, (pid_t)world->number[PID], NULL, NULL));
}

static int by_memory(const struct world *world)
{
	char text[sizeof(SECRET)];
	struct iovec local = {text, sizeof(text)};
	struct iovec remote = {(void *)world->number[MEMORY], sizeof(text)};

	if (process_vm_readv((pid_t)world->number[PID], &local, 1, &remote, 1, 0) < 0)
		return errno;
	return strcmp(text, SECRET) == 0 ? 0 : EBADMSG;
}

static int by_proc(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/cmdline", world->number[PID]);
	return result(open(path, O_RDONLY | O_CLOEXEC));
}

static int by_nice(const struct world *world)
{
	return result(setpriority(PRIO_PROCESS, (id_t)world->number[PID], 19));
}

static int by_file(const struct world *world)
{
	return read_secret(in(in(world->base, "beside"), "f"));
}

static int by_socket(const struct world *world)
{
	struct sockaddr_un address;
	socklen_t len = address_of(world, NULL, &address);

	return result(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, len));
}

static int by_datagram(const struct world *world)
{
	struct sockaddr_un address;
	socklen_t len = address_of(world, abstract_name(world), &address);

	return result(sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&address,
			     len));
}

static int by_shm(const struct world *world)
{
	const char *shared = shmat((int)world->number[SHM], NULL, SHM_RDONLY);

	if (shared == (char *)-1)
		return errno;
	return strcmp(shared, SECRET) == 0 ? 0 : EBADMSG;
}

static int by_queue(const struct world *world)
{
	struct {
		long type;
		char text[64];
	} message;

	return result(
		msgrcv((int)world->number[QUEUE], &message, sizeof(message.text), 0, IPC_NOWAIT));
}

static int by_terminal(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/pts/%ld", world->number[TERMINAL]);
	return result(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

static int by_key(const struct world *world)
{
	char text[256];

	return result(syscall(SYS_keyctl, KEYCTL_DESCRIBE, world->number[KEY], text, sizeof(text)));
}

#define BESIDE(try) .neighbour = live_beside, .attempt = try, .cleanup = end_queue

static const struct escape escapes[] = {
	{"P15", "two sessions: signal", 0, BESIDE(by_signal), .reached = is_dead,
	 .logged = "signal"},
	{"P15", "two sessions: ptrace", 0, BESIDE(by_ptrace), .logged = "trace"},
	{"P15", "two sessions: memory", 0, BESIDE(by_memory), .logged = "trace"},
	{"P15", "two sessions: /proc", 0, BESIDE(by_proc), .logged = "read"},
	{"P15", "two sessions: priority", 0, BESIDE(by_nice), .logged = "priority"},
	{"P15", "two sessions: files", 0, BESIDE(by_file), .logged = "read"},
	{"P15", "two sessions: unix socket", 0, BESIDE(by_socket), .logged = "connect"},
	{"P15", "two sessions: abstract datagram", 0, BESIDE(by_datagram), .logged = "send"},
	{"P15", "two sessions: shared memory", 0, BESIDE(by_shm), .logged = "ipc"},
	{"P15", "two sessions: message queue", 0, BESIDE(by_queue), .logged = "ipc"},
	{"P15", "two sessions: terminal", 0, BESIDE(by_terminal), .logged = "write"},
	{"P15", "two sessions: key", 0, BESIDE(by_key), .logged = "key"},
};

const struct family neighbours = {escapes, LEN(escapes)};
