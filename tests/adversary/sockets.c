/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.c - U: how a unix socket of outside can be spoken to. Who listens there: deputies.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"
#include "ring.h"

int unix_address(const struct world *world, const char *name, struct sockaddr_un *out,
		 socklen_t *out_len)
{
	int len;

	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (*name == '@')
		len = snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1, "%s", name + 1) + 1;
	else
		len = snprintf(out->sun_path, sizeof(out->sun_path), "%s%s%s",
			       *name == '/' ? "" : world->base, *name == '/' ? "" : "/", name);
	if ((size_t)len >= sizeof(out->sun_path))
		return ENAMETOOLONG;
	*out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
	return 0;
}

int unix_bound(const struct world *world, const struct place *place)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd = -1, no = unix_address(world, place->name, &address, &len);

	if (!no)
		fd = socket(AF_UNIX, place->type | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, len) ||
			(place->type != SOCK_DGRAM && listen(fd, 8)))) {
		no = errno;
		close(fd);
		fd = -1;
	}
	errno = no;
	return fd;
}

/* The directories above base/name. */
static void make_above(const struct world *world, const char *name)
{
	char path[sizeof(world->base) + 128];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%s/%.*s", world->base, (int)(slash - name), name);
		mkdir(path, 0755);
	}
}

static const int *listeners, *listener_types;
static size_t listeners_len;

static void answer(int listener, int type)
{
	char asked[64];
	int fd = type == SOCK_DGRAM ? dup(listener) : accept(listener, NULL, NULL);

	(void)!read(fd, asked, sizeof(asked));
	if (type != SOCK_DGRAM)
		(void)!write(fd, SECRET, strlen(SECRET));
	close(fd);
}

pid_t answering(int listener, int type)
{
	pid_t pid = fork();

	if (pid == 0) {
		answer(listener, type);
		_exit(0);
	}
	return pid;
}

void no_more(pid_t pid, int listener)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (listener >= 0)
		close(listener);
}

static int serve(const struct world *world, int ready_fd)
{
	struct pollfd ready[PLACES_MAX];

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < listeners_len; i++)
		ready[i] = (struct pollfd){.fd = listeners[i], .events = POLLIN};
	(void)!write(ready_fd, "", 1);
	while (poll(ready, listeners_len, -1) > 0) {
		make_file(in(world->base, "more/talked-to"), "");
		for (size_t i = 0; i < listeners_len; i++)
			if (ready[i].revents)
				answer(listeners[i], listener_types[i]);
	}
	return 0;
}

int serve_outside(const struct world *world, const int *sockets_, const int *types, size_t len)
{
	pid_t pid;

	listeners = sockets_;
	listener_types = types;
	listeners_len = len;
	pid = spawn(serve, world);
	while (len)
		close(sockets_[--len]);
	return pid < 0 ? why_not("no process can be started") : 0;
}

int unix_listen(const struct world *world, const struct place *places, size_t len)
{
	int fds[PLACES_MAX], types[PLACES_MAX];

	for (size_t i = 0; i < len; i++) {
		if (*places[i].name != '@')
			make_above(world, places[i].name);
		types[i] = places[i].type;
		fds[i] = unix_bound(world, &places[i]);
		if (fds[i] < 0)
			return why_not("%s: %s", places[i].name, strerror(errno));
	}
	return serve_outside(world, fds, types, len);
}

int unix_call(const struct world *world, const struct place *place)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd, no = unix_address(world, place->name, &address, &len);

	if (no)
		return no;
	fd = socket(AF_UNIX, place->type | SOCK_CLOEXEC, 0);
	no = result(fd);
	if (!no)
		no = result(connect(fd, (struct sockaddr *)&address, len));
	if (!no)
		no = result(send(fd, "hello", 5, MSG_NOSIGNAL));
	if (!no && place->type != SOCK_DGRAM)
		no = read_secret_fd(fd);
	if (fd >= 0)
		close(fd);
	return no;
}

int each_of(const struct world *world, size_t len, int (*one)(const struct world *world, size_t i))
{
	for (size_t i = 0; i < len; i++) {
		int no = one(world, i);

		if (no == (world->inside ? EPERM : 0) || (world->inside && no == EACCES))
			continue;
		printf("variant %zu: %s\n", i, no == NO_CONTROL ? "not tried" : strerror(no));
		return no && world->inside ? NO_CONTROL : no;
	}
	return world->inside ? EPERM : 0;
}

static const struct place *calling;

static int call_one(const struct world *world, size_t i)
{
	return unix_call(world, &calling[i]);
}

int unix_call_each(const struct world *world, const struct place *places, size_t len)
{
	calling = places;
	return each_of(world, len, call_one);
}

/* U12, U13: stream and seqpacket, by path and abstract; datagrams. */

#define ABSTRACT "@agent-lock-adversary/"

static const struct place abstract[] = {
	{SOCK_STREAM, "@/containerd-shim/agent-lock-adversary.sock"},
	{SOCK_STREAM, ABSTRACT "stream"},
	{SOCK_SEQPACKET, ABSTRACT "seqpacket"},
};

static int u12_listen(struct world *world)
{
	return unix_listen(world, abstract, LEN(abstract));
}

static int u12_call(const struct world *world)
{
	return unix_call_each(world, abstract, LEN(abstract));
}

static const struct place datagrams[] = {
	{SOCK_DGRAM, "more/systemd/notify"},
	{SOCK_DGRAM, "more/dev-log"},
	{SOCK_DGRAM, "more/systemd/journal/socket"},
	{SOCK_DGRAM, ABSTRACT "datagrams"},
};

static int u13_listen(struct world *world)
{
	return unix_listen(world, datagrams, LEN(datagrams));
}

static int u13_connect(const struct world *world)
{
	return unix_call_each(world, datagrams, LEN(datagrams));
}

enum { SENDTO, SENDMSG, SENDMMSG, NSENDS };

static int send_by(int how, int fd, struct sockaddr_un *address, socklen_t len)
{
	struct iovec text = {(char[]){"hello"}, 5};
	struct mmsghdr message = {.msg_hdr = {address, len, &text, 1, NULL, 0, 0}};

	if (how == SENDTO)
		return result(
			sendto(fd, "hello", 5, MSG_NOSIGNAL, (struct sockaddr *)address, len));
	if (how == SENDMSG)
		return result(sendmsg(fd, &message.msg_hdr, MSG_NOSIGNAL));
	return result(sendmmsg(fd, &message, 1, MSG_NOSIGNAL));
}

/* Without connect(), each way to each place. */
static int send_one(const struct world *world, size_t i)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), no;
	struct sockaddr_un address;
	socklen_t len;

	no = unix_address(world, datagrams[i / NSENDS].name, &address, &len);
	if (!no)
		no = send_by((int)(i % NSENDS), fd, &address, len);
	close(fd);
	return no;
}

static int u13_send(const struct world *world)
{
	return each_of(world, LEN(datagrams) * NSENDS, send_one);
}

/* An end of a pair, aimed at somebody else: by connect, and by an address with the message. */
static int reaim_one(const struct world *world, size_t i)
{
	struct sockaddr_un address;
	socklen_t len;
	int ends[2], no;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		return errno;
	no = unix_address(world, datagrams[i / 2].name, &address, &len);
	if (!no && i % 2)
		no = send_by(SENDTO, ends[0], &address, len);
	else if (!no)
		no = result(connect(ends[0], (struct sockaddr *)&address, len));
	if (!no && i % 2 == 0)
		no = result(send(ends[0], "hello", 5, MSG_NOSIGNAL));
	close(ends[0]);
	close(ends[1]);
	return no;
}

static int u13_reaim(const struct world *world)
{
	return each_of(world, LEN(datagrams) * 2, reaim_one);
}

/*
 * A server outside that connects its socket to ours and talks to us, as the other end of a pair
 * would have: that makes it nobody whom we were given.
 */
static const struct place theirs = {SOCK_DGRAM, "more/server"};
static const struct place ours = {SOCK_DGRAM, "project/client"};

static int talk_to_client(const struct world *world, int ready_fd)
{
	int fd = unix_bound(world, &theirs);
	struct sockaddr_un address;
	socklen_t len;
	char said[16];

	unix_address(world, ours.name, &address, &len);
	(void)!write(ready_fd, "", 1);
	while (connect(fd, (struct sockaddr *)&address, len))
		usleep(10000);
	(void)!write(fd, "hello", 5);
	if (read(fd, said, sizeof(said)) > 0)
		make_file(in(world->base, "more/talked-to"), "");
	return 0;
}

static int u13_server(struct world *world)
{
	return spawn(talk_to_client, world) < 0 ? why_not("no process can be started") : 0;
}

static int u13_answer(const struct world *world)
{
	int fd = unix_bound(world, &ours), no;
	struct sockaddr_un address;
	socklen_t len = sizeof(address);
	char said[16];

	if (fd < 0 || recvfrom(fd, said, sizeof(said), 0, (struct sockaddr *)&address, &len) < 0)
		return why_not("the server was not heard: %s", strerror(errno));
	no = send_by(SENDTO, fd, &address, len);
	if (world->inside && no == EPERM) /* nor by connecting back */
		no = result(connect(fd, (struct sockaddr *)&address, len));
	close(fd);
	return no;
}

/* A pair whose other end is outside, handed in as stdin: for that other end, and nobody else. */

static int other_end;

static int talk_to_stdin(const struct world *world, int ready_fd)
{
	char said[16];

	(void)world;
	(void)!write(ready_fd, "", 1);
	while (read(other_end, said, sizeof(said)) > 0)
		(void)!write(other_end, SECRET, strlen(SECRET));
	return 0;
}

static int u13_hand_in(struct world *world)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends))
		return why_not("no pair: %s", strerror(errno));
	world->handed = ends[0];
	other_end = ends[1];
	if (spawn(talk_to_stdin, world) < 0)
		return why_not("no process can be started");
	close(other_end);
	return unix_listen(world, datagrams, LEN(datagrams));
}

static int u13_talk_by_stdin(const struct world *world)
{
	(void)world;
	return write(0, "hello", 5) < 0 ? errno : read_secret_fd(0);
}

static int reaim_stdin_one(const struct world *world, size_t i)
{
	struct sockaddr_un address;
	socklen_t len;
	int no = unix_address(world, datagrams[i / 2].name, &address, &len);

	if (no)
		return no;
	if (i % 2 == 0)
		return send_by(SENDTO, 0, &address, len);
	no = result(connect(0, (struct sockaddr *)&address, len));
	return no ? no : result(send(0, "hello", 5, MSG_NOSIGNAL));
}

static int u13_reaim_stdin(const struct world *world)
{
	return each_of(world, LEN(datagrams) * 2, reaim_stdin_one);
}

/* U15: what has to work, among processes of a session. */

static const struct place inside[] = {
	{SOCK_STREAM, "project/stream"},
	{SOCK_SEQPACKET, "project/seqpacket"},
	{SOCK_DGRAM, "project/datagrams"},
	{SOCK_STREAM, ABSTRACT "inside-stream"},
	{SOCK_SEQPACKET, ABSTRACT "inside-seqpacket"},
	{SOCK_DGRAM, ABSTRACT "inside-datagrams"},
};

/* A child serves, this process calls. */
static int serve_a_call(const struct world *world, const struct place *place)
{
	int fd = unix_bound(world, place), no = fd < 0 ? errno : 0;
	pid_t pid = no ? -1 : answering(fd, place->type);

	if (!no)
		no = unix_call(world, place);
	no_more(pid, fd);
	return no;
}

static int u15_listen(const struct world *world)
{
	int no = 0;

	for (size_t i = 0; i < LEN(inside) && !no; i++) {
		no = serve_a_call(world, &inside[i]);
		if (no)
			printf("%s\n", inside[i].name);
	}
	return no;
}

static int u15_pair(const struct world *world)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	(void)world;
	for (size_t i = 0; i < LEN(types); i++) {
		int ends[2], no = 0;
		pid_t pid;

		if (socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, ends))
			return errno;
		pid = fork();
		if (pid == 0)
			_exit(write(ends[1], SECRET, strlen(SECRET)) < 0);
		no = read_secret_fd(ends[0]);
		if (!no)
			no = result(send(ends[0], "hello", 5, MSG_NOSIGNAL));
		waitpid(pid, NULL, 0);
		close(ends[0]);
		close(ends[1]);
		if (no)
			return no;
	}
	return 0;
}

/* U16: names that lie in the project and are outside's sockets all the same. */

static const struct place target[] = {{SOCK_STREAM, "more/target"}};

static int u16_plant(struct world *world)
{
	if (symlink(in(world->base, target->name), in(world->project, "link")) ||
	    symlink("link", in(world->project, "link-to-link")))
		return why_not("no link can be made: %s", strerror(errno));
	return unix_listen(world, target, LEN(target));
}

static int u16_symlink(const struct world *world)
{
	static const struct place links_[] = {{SOCK_STREAM, "project/link"},
					      {SOCK_STREAM, "project/link-to-link"}};

	return unix_call_each(world, links_, LEN(links_));
}

static int u16_plant_hard(struct world *world)
{
	int no = unix_listen(world, target, LEN(target));

	if (!no && link(in(world->base, target->name), in(world->project, "hard")))
		no = why_not("no link can be made: %s", strerror(errno));
	return no;
}

static int u16_hard_link(const struct world *world)
{
	const struct place hard = {SOCK_STREAM, "project/hard"};

	return unix_call(world, &hard);
}

/* In the project, and yet not the project's: who listens there is outside. */
static const struct place in_project[] = {
	{SOCK_STREAM, "project/stream"},
	{SOCK_SEQPACKET, "project/sub/seqpacket"},
	{SOCK_DGRAM, "project/sub/datagrams"},
};

static int u16_in_project(struct world *world)
{
	return unix_listen(world, in_project, LEN(in_project));
}

static int u16_call_in_project(const struct world *world)
{
	return unix_call_each(world, in_project, LEN(in_project));
}

static int u16_opath(const struct world *world)
{
	int fd = open(in(world->base, target->name), O_PATH | O_CLOEXEC);
	struct place by_descriptor = {.type = SOCK_STREAM};
	char name[64];

	if (fd < 0)
		return why_not("O_PATH: %s", strerror(errno));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	by_descriptor.name = name;
	return unix_call(world, &by_descriptor);
}

static int u16_relative(const struct world *world)
{
	const struct sockaddr_un address = {AF_UNIX, "../more/target"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), no;

	(void)world;
	no = result(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	if (!no)
		no = result(send(fd, "hello", 5, MSG_NOSIGNAL));
	return no ? no : read_secret_fd(fd);
}

/* By io_uring: at once, by a worker, and by a thread that polls the queue. */

static const struct place by_ring[] = {{SOCK_STREAM, "more/stream"},
				       {SOCK_DGRAM, "more/datagrams"}};

static int u16_ring_listen(struct world *world)
{
	return unix_listen(world, by_ring, LEN(by_ring));
}

static int ring_one(const struct world *world, size_t i)
{
	struct iovec text = {(char[]){"hello"}, 5};
	struct sockaddr_un address;
	struct msghdr message = {.msg_name = &address, .msg_iov = &text, .msg_iovlen = 1};
	struct io_uring_sqe sqe = {.addr = (uintptr_t)&address};
	const struct place *place = &by_ring[i % 2];
	socklen_t len;
	int no = unix_address(world, place->name, &address, &len);

	sqe.fd = socket(AF_UNIX, place->type | SOCK_CLOEXEC, 0);
	message.msg_namelen = len;
	sqe.opcode = place->type == SOCK_DGRAM ? IORING_OP_SENDMSG : IORING_OP_CONNECT;
	if (place->type == SOCK_DGRAM) {
		sqe.addr = (uintptr_t)&message;
		sqe.len = 1;
	} else {
		sqe.off = len;
	}
	if (!no)
		no = uring_do(&sqe, (enum uring_how)(i / 2));
	if (!no && place->type == SOCK_STREAM)
		no = result(send(sqe.fd, "hello", 5, MSG_NOSIGNAL));
	if (!no && place->type == SOCK_STREAM)
		no = read_secret_fd(sqe.fd);
	close(sqe.fd);
	return no;
}

static int u16_ring(const struct world *world)
{
	return each_of(world, LEN(by_ring) * URING_HOWS, ring_one);
}

/* A listener of another session of the same user. */

static const struct place beside[] = {
	{SOCK_STREAM, "beside/stream"},
	{SOCK_DGRAM, "beside/datagrams"},
	{SOCK_STREAM, ABSTRACT "beside"},
};

static int listen_beside(const struct world *world)
{
	for (size_t i = 0; i < LEN(beside); i++)
		if (unix_bound(world, &beside[i]) < 0)
			printf("%s: %s\n", beside[i].name, strerror(errno));
	neighbour_ready(world, 0, NULL);
}

static int reach_beside_one(const struct world *world, size_t i)
{
	struct sockaddr_un address;
	socklen_t len;
	int no = unix_address(world, beside[i].name, &address, &len);
	int fd = socket(AF_UNIX, beside[i].type | SOCK_CLOEXEC, 0);

	if (!no)
		no = result(connect(fd, (struct sockaddr *)&address, len));
	close(fd);
	return no;
}

static int u15_beside(const struct world *world)
{
	return each_of(world, LEN(beside), reach_beside_one);
}

/* U17: agent-lock's own. */
static int u17_daemon(const struct world *world)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd, no = unix_address(world, "/run/agent-lock/socket", &address, &len);

	if (no)
		return no;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	no = result(connect(fd, (struct sockaddr *)&address, len));
	close(fd);
	return no;
}

/* U18: a name that others will trust, taken before they do. */
static const struct place squat = {SOCK_STREAM, "out/agent.1"};

static int u18_bind(const struct world *world)
{
	return unix_bound(world, &squat) < 0 ? errno : 0;
}

static bool u18_is_there(const struct world *world)
{
	return access(in(world->base, squat.name), F_OK) == 0;
}

static const struct escape escapes[] = {
	{"U12", "abstract sockets, stream and seqpacket", 0, .prepare = u12_listen,
	 .attempt = u12_call, .logged = "connect"},
	{"U13", "datagrams to a socket that was connected to", 0, .prepare = u13_listen,
	 .attempt = u13_connect, .logged = "send"},
	{"U13", "datagrams with an address: sendto, sendmsg, sendmmsg", 0, .prepare = u13_listen,
	 .attempt = u13_send, .logged = "send"},
	{"U13", "one end of a pair aimed at somebody else", 0, .prepare = u13_listen,
	 .attempt = u13_reaim, .logged = "send"},
	{"U13", "answer a server that connected to ours", 0, .prepare = u13_server,
	 .attempt = u13_answer, .logged = "send"},
	{"U13", "talk to the other end of a pair that was handed in", MUST_WORK,
	 .prepare = u13_hand_in, .attempt = u13_talk_by_stdin},
	{"U13", "a pair that was handed in, aimed at somebody else", 0, .prepare = u13_hand_in,
	 .attempt = u13_reaim_stdin, .logged = "send"},
	{"U14", "sockets that name services need", 0,
	 .reason = "granted by the base policy; tested by tests/kernel/deputies.sh"},
	{"U15", "listen and be called, by path and abstract", MUST_WORK, .attempt = u15_listen},
	{"U15", "pairs of all types", MUST_WORK, .attempt = u15_pair},
	{"U15", "listeners of another session", 0, .neighbour = listen_beside,
	 .attempt = u15_beside, .logged = "connect"},
	{"U16", "through symlinks in the project", 0, .prepare = u16_plant, .attempt = u16_symlink,
	 .logged = "connect"},
	{"U16", "through a hard link in the project", 0, .prepare = u16_plant_hard,
	 .attempt = u16_hard_link, .logged = "connect"},
	{"U16", "a socket of outside's in the project", 0, .prepare = u16_in_project,
	 .attempt = u16_call_in_project, .logged = "connect"},
	{"U16", "through /proc/self/fd of an O_PATH descriptor", 0, .prepare = u16_plant,
	 .attempt = u16_opath, .logged = "connect"},
	{"U16", "by a relative path", IN_USERNS, .prepare = u16_plant, .attempt = u16_relative,
	 .logged = "connect"},
	{"U16", "by io_uring: at once, by a worker, by a poller", 0, .prepare = u16_ring_listen,
	 .attempt = u16_ring, .logged = "connect"},
	{"U17", "agent-lock's own socket", 0, .attempt = u17_daemon, .logged = "connect"},
	{"U18", "bind a name outside", 0, .attempt = u18_bind, .reached = u18_is_there,
	 .logged = "mknod"},
	{"U18", "bind an abstract name, or one in /tmp, that others trust", 0,
	 .reason = "no promise: who comes to it (README)"},
};

const struct family sockets = {escapes, LEN(escapes)};
