/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * network.c - N: services of this machine over TCP; and what has to work, a server and its client.
 * Other families and netlink: netlink.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"
#include "sockets.h"
#include "ring.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* An address as it is written, of either family. */
struct target {
	struct sockaddr_in6 address;
	socklen_t len;
};

static struct target target_at(const char *text, long port)
{
	struct target target = {.len = sizeof(struct sockaddr_in6)};
	struct sockaddr_in *four = (void *)&target.address;

	target.address.sin6_family = AF_INET6;
	target.address.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, text, &target.address.sin6_addr) == 1)
		return target;
	*four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	inet_pton(AF_INET, text, &four->sin_addr);
	target.len = sizeof(*four);
	return target;
}

static bool has_ipv6(void)
{
	struct target target = target_at("::1", 0);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = bind(fd, (struct sockaddr *)&target.address, target.len) == 0;

	close(fd);
	return has;
}

/* A listener for all of this machine's addresses or for one; its port. -1 with errno. */
static int tcp_bound(const char *address, long *port, bool shared)
{
	struct target target = target_at(address ? address : has_ipv6() ? "::" : "0.0.0.0", *port);
	int fd = socket(target.address.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&target.address, target.len) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&target.address, &target.len)) {
		close(fd);
		return -1;
	}
	*port = ntohs(target.address.sin6_port);
	return fd;
}

static int serve_at(struct world *world, const char *address, long port, bool shared)
{
	int type = SOCK_STREAM, fd;

	world->number[0] = port;
	fd = tcp_bound(address, &world->number[0], shared);
	if (fd < 0)
		return why_not("listen: %s", strerror(errno));
	return serve_outside(world, &fd, &type, 1);
}

static int n01_listen(struct world *world)
{
	return serve_at(world, NULL, 0, false);
}

enum how {
	CONNECT,
	FASTOPEN_SENDTO,
	FASTOPEN_SENDMSG,
	FASTOPEN_CONNECT,
	RECONNECT,
	MULTIPATH,
	RING, /* and the other ways of enum uring_how */
};

static int by_fastopen(int fd, struct target *target, enum how how)
{
	struct iovec text = {(char[]){"hello"}, 5};
	struct msghdr message = {&target->address, target->len, &text, 1, NULL, 0, 0};

	if (how == FASTOPEN_SENDTO)
		return result(sendto(fd, "hello", 5, MSG_FASTOPEN,
				     (struct sockaddr *)&target->address, target->len));
	if (how == FASTOPEN_SENDMSG)
		return result(sendmsg(fd, &message, MSG_FASTOPEN));
	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){1}, sizeof(int)))
		return why_not("TCP_FASTOPEN_CONNECT: %s", strerror(errno));
	return result(connect(fd, (struct sockaddr *)&target->address, target->len));
}

static int by_ring(int fd, struct target *target, enum how how)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_CONNECT,
				   .fd = fd,
				   .addr = (uintptr_t)&target->address,
				   .off = target->len};

	return uring_do(&sqe, (enum uring_how)(how - RING));
}

/* Connected elsewhere before: to a listener of our own. */
static int reconnect(int fd, struct target *target)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct target here;
	long port = 0;
	int listener = tcp_bound("127.0.0.1", &port, false);

	here = target_at("127.0.0.1", port);
	if (listener < 0 || connect(fd, (struct sockaddr *)&here.address, here.len) ||
	    connect(fd, &none, sizeof(none)))
		return why_not("a connection of one's own: %s", strerror(errno));
	return result(connect(fd, (struct sockaddr *)&target->address, target->len));
}

static int tcp_connect(int fd, struct target *target, enum how how)
{
	switch (how) {
	case CONNECT:
	case MULTIPATH:
		return result(connect(fd, (struct sockaddr *)&target->address, target->len));
	case RECONNECT:
		return reconnect(fd, target);
	case FASTOPEN_SENDTO:
	case FASTOPEN_SENDMSG:
	case FASTOPEN_CONNECT:
		return by_fastopen(fd, target, how);
	default:
		return by_ring(fd, target, how);
	}
}

/* Get the secret from there. A packet that is thrown away is missed: that takes its time. */
static int tcp_call(const char *address, long port, enum how how)
{
	const struct timeval patience = {.tv_sec = 3};
	struct target target = target_at(address, port);
	int fd = socket(target.address.sin6_family, SOCK_STREAM | SOCK_CLOEXEC,
			how == MULTIPATH ? IPPROTO_MPTCP : 0);
	int no;

	if (fd < 0)
		return why_not("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	no = tcp_connect(fd, &target, how);
	if (no == EINPROGRESS)
		no = ETIMEDOUT;
	if (!no)
		no = result(send(fd, "hello", 5, MSG_NOSIGNAL));
	if (!no)
		no = read_secret_fd(fd);
	close(fd);
	return no;
}

static int n01_one(const struct world *world, size_t i)
{
	static const char *const spellings[] = {"127.0.0.1", "127.9.9.9", "0.0.0.0",
						"::1",	     "::",	  "::ffff:127.0.0.1"};

	return tcp_call(spellings[i], world->number[0], CONNECT);
}

static int n01_connect(const struct world *world)
{
	return each_of(world, has_ipv6() ? 6 : 3, n01_one);
}

/*
 * An address that only the packet shows to be this machine's own. It is thrown away, and nobody is
 * told: who runs then need not be who sent it.
 */
#define LAN_ADDRESS "10.66.77.88"

static int n01_listen_lan(struct world *world)
{
	int no = add_address(LAN_ADDRESS);

	if (no && no != EEXIST)
		return why_not("an address: %s", strerror(no));
	return serve_at(world, NULL, 0, false);
}

static void n01_remove_lan(struct world *world)
{
	(void)world;
	remove_address(LAN_ADDRESS);
}

static int n01_connect_lan(const struct world *world)
{
	return tcp_call(LAN_ADDRESS, world->number[0], CONNECT);
}

/* The kernel spreads what comes to a port that two share: some of it is outside's. */
static int n01_listen_shared(struct world *world)
{
	return serve_at(world, "127.0.0.1", 0, true);
}

#define CALLS 32

static int count_secrets(struct pollfd *calls)
{
	int secrets = 0;

	for (int i = 0; i < CALLS; i++) {
		if (calls[i].revents & POLLIN)
			secrets += read_secret_fd(calls[i].fd) == 0;
		if (calls[i].revents) /* an error, too, is told but once */
			calls[i].fd = -1;
	}
	return secrets;
}

static int n01_connect_shared(const struct world *world)
{
	long port = world->number[0];
	struct target target = target_at("127.0.0.1", port);
	int listener = tcp_bound("127.0.0.1", &port, true);
	struct pollfd calls[CALLS];

	if (listener < 0)
		return why_not("the port cannot be shared: %s", strerror(errno));
	for (int i = 0; i < CALLS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const struct timeval patience = {.tv_usec = 100000};

		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		connect(fd, (struct sockaddr *)&target.address, target.len);
		(void)!send(fd, "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
		calls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	while (poll(calls, CALLS, 1000) > 0)
		if (count_secrets(calls))
			return 0;
	return EPERM;
}

/* N02: TCP Fast Open. */

static int n02_one(const struct world *world, size_t i)
{
	return tcp_call(i % 2 ? "::1" : "127.0.0.1", world->number[0],
			(enum how)(FASTOPEN_SENDTO + i / 2));
}

static int n02_fastopen(const struct world *world)
{
	if (!has_ipv6())
		return why_not("no IPv6");
	return each_of(world, 6, n02_one);
}

/* N04: io_uring. */

static int n04_one(const struct world *world, size_t i)
{
	return tcp_call("127.0.0.1", world->number[0], (enum how)(RING + i));
}

static int n04_ring(const struct world *world)
{
	return each_of(world, URING_HOWS, n04_one);
}

static int n05_multipath(const struct world *world)
{
	return tcp_call("127.0.0.1", world->number[0], MULTIPATH);
}

static int n06_reconnect(const struct world *world)
{
	return tcp_call("127.0.0.1", world->number[0], RECONNECT);
}

/* N09: the machine itself by ssh. */

static int n09_listen(struct world *world)
{
	return serve_at(world, "127.0.0.1", 22, false);
}

static int n09_connect(const struct world *world)
{
	return tcp_call("127.0.0.1", world->number[0], CONNECT);
}

/* N10: where a cloud's machine asks who it is, and gets its keys. */

#define METADATA "169.254.169.254"

static int n10_listen(struct world *world)
{
	int no = add_address(METADATA);

	if (no && no != EEXIST)
		return why_not("an address: %s", strerror(no));
	return serve_at(world, METADATA, 0, false);
}

static void n10_remove(struct world *world)
{
	(void)world;
	remove_address(METADATA);
}

static int n10_one(const struct world *world, size_t i)
{
	static const enum how hows[] = {CONNECT, CONNECT, FASTOPEN_SENDTO, RING};

	return tcp_call(i == 1 ? "::ffff:" METADATA : METADATA, world->number[0], hows[i]);
}

static int n10_connect(const struct world *world)
{
	return each_of(world, 4, n10_one);
}

/* N12: a server and its client in one session. */

static int serve_a_call(const char *address)
{
	long port = 0;
	int fd = tcp_bound(address, &port, false), no = fd < 0 ? errno : 0;
	pid_t pid = no ? -1 : answering(fd, SOCK_STREAM);

	if (!no)
		no = tcp_call(address, port, CONNECT);
	no_more(pid, fd);
	return no;
}

static int n12_tcp(const struct world *world)
{
	int no = serve_a_call("127.0.0.1");

	(void)world;
	if (!no && has_ipv6())
		no = serve_a_call("::1");
	return no;
}

static int n12_udp(const struct world *world)
{
	struct target target = target_at("127.0.0.1", 0);
	int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char said[8];

	(void)world;
	if (bind(server, (struct sockaddr *)&target.address, target.len) ||
	    getsockname(server, (struct sockaddr *)&target.address, &target.len) ||
	    sendto(client, "hello", 5, 0, (struct sockaddr *)&target.address, target.len) < 0)
		return errno;
	return recv(server, said, sizeof(said), 0) == 5 ? 0 : EBADMSG;
}

#define IN_LOG .logged = "connect"

static const struct escape escapes[] = {
	{"N01", "TCP to a service outside, however its address is spelled", IN_USERNS,
	 .prepare = n01_listen, .attempt = n01_connect, IN_LOG},
	{"N01", "TCP to this machine's own address on the network", ROOT_ONLY | GUEST_ONLY,
	 .prepare = n01_listen_lan, .attempt = n01_connect_lan, .cleanup = n01_remove_lan},
	{"N01", "share the port of a service outside", 0, .prepare = n01_listen_shared,
	 .attempt = n01_connect_shared, IN_LOG},
	{"N02", "TCP Fast Open, without connect()", 0, .prepare = n01_listen,
	 .attempt = n02_fastopen, IN_LOG},
	{"N03", "UDP", 0,
	 .reason = "no promise: of the network only TCP to this machine is held (README)"},
	{"N04", "TCP by io_uring: at once, by a worker, by a poller", 0, .prepare = n01_listen,
	 .attempt = n04_ring, IN_LOG},
	{"N05", "multipath TCP", 0, .prepare = n01_listen, .attempt = n05_multipath, IN_LOG},
	{"N06", "connect again a socket that was connected to one's own", 0, .prepare = n01_listen,
	 .attempt = n06_reconnect, IN_LOG},
	{"N09", "ssh to this machine", ROOT_ONLY | GUEST_ONLY, .prepare = n09_listen,
	 .attempt = n09_connect, IN_LOG},
	{"N10", "a cloud's metadata", ROOT_ONLY | GUEST_ONLY, .prepare = n10_listen,
	 .attempt = n10_connect, .cleanup = n10_remove, IN_LOG},
	{"N11", "listen where others come", 0, .reason = "no promise: who comes to it (README)"},
	{"N12", "a TCP server and its client", MUST_WORK, .attempt = n12_tcp},
	{"N12", "a UDP server and its client", MUST_WORK, .attempt = n12_udp},
};

const struct family network = {escapes, LEN(escapes)};
