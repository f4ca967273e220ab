/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.c - N: which families of sockets there are, what is asked of the kernel by netlink, and of
 * others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netlink.h"
#include "sockets.h"

/* N07: every family but those that a session may have, as far as this machine has it. */

static bool for_sessions(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

/* A socket of this family, of whatever type it has; 0 or an errno. */
static int family_socket(int family)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
	int no = 0;

	for (int i = 0; i < 8; i++) {
		/* CAN and some others want a protocol. */
		int fd = socket(family, types[i / 2] | SOCK_CLOEXEC, i % 2);

		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (!no || errno == EPERM)
			no = errno;
	}
	return no;
}

static int n07_families(struct world *world)
{
	for (int family = 1; family < 63; family++)
		if (!for_sessions(family) && family_socket(family) == 0)
			world->number[0] |= 1L << family;
	return world->number[0] ? 0 : why_not("this kernel has no other family");
}

static int n07_one(const struct world *world, size_t family)
{
	if (world->number[0] >> family & 1)
		return family_socket((int)family);
	return world->inside ? EPERM : 0;
}

static int n07_socket(const struct world *world)
{
	return each_of(world, 63, n07_one);
}

/* N08: requests to the kernel. */

struct request {
	struct nlmsghdr header;
	unsigned char body[256];
};

static struct request request_of(int type, const void *body, size_t len)
{
	struct request request = {.header = {.nlmsg_len = (__u32)NLMSG_LENGTH(len),
					     .nlmsg_type = (__u16)type,
					     .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
					     .nlmsg_seq = 1}};

	memcpy(request.body, body, len);
	return request;
}

/* What the kernel answers: 0 or an errno. Whatever is no error counts as done. */
static int ask_by(int fd, const struct request *request)
{
	const struct sockaddr_nl to_kernel = {.nl_family = AF_NETLINK};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		unsigned char rest[8192];
	} reply;
	ssize_t len;

	if (sendto(fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&to_kernel,
		   sizeof(to_kernel)) < 0)
		return errno;
	len = recv(fd, &reply, sizeof(reply), 0);
	if (len < 0)
		return errno;
	return reply.header.nlmsg_type == NLMSG_ERROR ? -reply.error.error : 0;
}

static int ask(int protocol, const struct request *request)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), no;

	if (fd < 0)
		return errno;
	no = ask_by(fd, request);
	close(fd);
	return no;
}

static int change_address(const char *address, int type, int flags)
{
	struct {
		struct ifaddrmsg message;
		struct rtattr head;
		struct in_addr address;
	} body = {
		.message = {.ifa_family = AF_INET,
			    .ifa_prefixlen = 32,
			    .ifa_index = if_nametoindex("lo")},
		.head = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
	};
	struct request request;

	inet_pton(AF_INET, address, &body.address);
	request = request_of(type, &body, sizeof(body));
	request.header.nlmsg_flags |= (__u16)flags;
	return ask(NETLINK_ROUTE, &request);
}

int add_address(const char *address)
{
	return change_address(address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

int remove_address(const char *address)
{
	return change_address(address, RTM_DELADDR, 0);
}

#define ADDRESS "127.0.0.97"

static int n08_address(const struct world *world)
{
	(void)world;
	return add_address(ADDRESS);
}

static bool n08_has_address(const struct world *world)
{
	(void)world;
	return add_address(ADDRESS) == EEXIST;
}

static void n08_remove_address(struct world *world)
{
	(void)world;
	remove_address(ADDRESS);
}

/* An event of a device that there is not, for udev and others. */
static int n08_uevent(const struct world *world)
{
	static const char event[] = "add@/agent-lock\0ACTION=add\0DEVPATH=/agent-lock\0SUBSYSTEM=x";
	struct request request = request_of(NLMSG_MIN_TYPE, event, sizeof(event));

	(void)world;
	return ask(NETLINK_KOBJECT_UEVENT, &request);
}

static int n08_audit(const struct world *world)
{
	struct request request = request_of(AUDIT_GET, "", 0);
	int no;

	(void)world;
	no = ask(NETLINK_AUDIT, &request);
	return no == EPROTONOSUPPORT ? why_not("this kernel has no audit") : no;
}

/* A connection of outside's, ended: both its ends are outside, their ports in number[]. */
static int ends[2];

static int keep_connection(const struct world *world, int ready_fd)
{
	char byte;

	(void)!write(ready_fd, "", 1);
	if (read(ends[0], &byte, 1) <= 0)
		make_file(in(world->base, "more/ended"), "");
	return 0;
}

static int n08_connect(struct world *world)
{
	struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);

	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    connect(ends[0], (struct sockaddr *)&address, len))
		return why_not("a connection: %s", strerror(errno));
	ends[1] = accept(listener, NULL, NULL);
	world->number[0] = ntohs(address.sin_port);
	getsockname(ends[0], (struct sockaddr *)&address, &len);
	world->number[1] = ntohs(address.sin_port);
	spawn(keep_connection, world);
	close(listener);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static int n08_end_connection(const struct world *world)
{
	struct inet_diag_req_v2 diag = {
		.sdiag_family = AF_INET,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ~0U,
		.id = {.idiag_sport = htons((uint16_t)world->number[1]),
		       .idiag_dport = htons((uint16_t)world->number[0]),
		       .idiag_src = {htonl(INADDR_LOOPBACK)},
		       .idiag_dst = {htonl(INADDR_LOOPBACK)},
		       .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	struct request request = request_of(SOCK_DESTROY, &diag, sizeof(diag));
	int no = ask(NETLINK_SOCK_DIAG, &request);

	return no == EOPNOTSUPP ? why_not("this kernel ends no connections") : no;
}

/* Every fork, exec and end on the machine. */

static int come_and_go(const struct world *world, int ready_fd)
{
	(void)world;
	(void)!write(ready_fd, "", 1);
	for (;;) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		usleep(20000);
	}
}

static int n08_come_and_go(struct world *world)
{
	world->number[0] = spawn(come_and_go, world);
	return world->number[0] < 0 ? why_not("no process can be started") : 0;
}

static bool tells_of(const struct nlmsghdr *message, pid_t pid)
{
	const struct cn_msg *connector = NLMSG_DATA(message);
	const struct proc_event *event = (const void *)connector->data;

	return connector->id.idx == CN_IDX_PROC && event->what == PROC_EVENT_FORK &&
	       event->event_data.fork.parent_pid == pid;
}

static int n08_processes(const struct world *world)
{
	const struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
	struct {
		struct cn_msg message;
		enum proc_cn_mcast_op op;
	} body = {.message = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof(body.op)},
		  .op = PROC_CN_MCAST_LISTEN};
	struct request request = request_of(NLMSG_DONE, &body, sizeof(body));
	time_t end = time(NULL) + 5;
	unsigned char reply[8192];
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return errno;
	if (bind(fd, (const struct sockaddr *)&group, sizeof(group)) ||
	    send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return errno;
	while (time(NULL) < end)
		if (poll(&readable, 1, 1000) > 0 && recv(fd, reply, sizeof(reply), 0) > 0 &&
		    tells_of((const void *)reply, (pid_t)world->number[0]))
			return 0;
	return ETIMEDOUT;
}

/* Another process, directly: of all protocols only this one lets users do it. */

static int listen_fd;

static int hear(const struct world *world, int ready_fd)
{
	char said[64];

	(void)!write(ready_fd, "", 1);
	if (read(listen_fd, said, sizeof(said)) > 0)
		make_file(in(world->base, "more/talked-to"), "");
	return 0;
}

static int n08_hear(struct world *world)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(address);

	listen_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	if (bind(listen_fd, (struct sockaddr *)&address, len) ||
	    getsockname(listen_fd, (struct sockaddr *)&address, &len))
		return why_not("listen: %s", strerror(errno));
	world->number[0] = address.nl_pid;
	spawn(hear, world);
	close(listen_fd);
	return 0;
}

static int n08_tell(const struct world *world)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
					    .nl_pid = (__u32)world->number[0]};
	struct request request = request_of(NLMSG_MIN_TYPE, "hello", 5);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	if (fd < 0)
		return errno;
	return result(sendto(fd, &request, request.header.nlmsg_len, 0,
			     (const struct sockaddr *)&address, sizeof(address)));
}

/* What getaddrinfo() and others ask. */
static int n08_list(const struct world *world)
{
	struct ifaddrmsg body = {.ifa_family = AF_UNSPEC};
	struct request request = request_of(RTM_GETADDR, &body, sizeof(body));

	(void)world;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	return ask(NETLINK_ROUTE, &request);
}

static const struct escape escapes[] = {
	{"N07", "sockets of other families (vsock, AF_ALG, packet, ...)", IN_USERNS,
	 .prepare = n07_families, .attempt = n07_socket, .logged = "socket"},
	{"N08", "give the machine an address", ROOT_ONLY | GUEST_ONLY, .attempt = n08_address,
	 .reached = n08_has_address, .cleanup = n08_remove_address, .logged = "capability"},
	{"N08", "tell of a device that there is not", ROOT_ONLY | GUEST_ONLY, .attempt = n08_uevent,
	 .logged = "capability"},
	{"N08", "ask the audit system", ROOT_ONLY, .attempt = n08_audit, .logged = "capability"},
	{"N08", "end somebody else's connection", ROOT_ONLY, .prepare = n08_connect,
	 .attempt = n08_end_connection, .logged = "capability"},
	{"N08", "hear of every process on the machine", ROOT_ONLY, .prepare = n08_come_and_go,
	 .attempt = n08_processes, .logged = "socket"},
	{"N08", "a message to a process outside", 0, .prepare = n08_hear, .attempt = n08_tell,
	 .logged = "socket"},
	{"N08", "ask for the machine's addresses", MUST_WORK, .attempt = n08_list},
};

const struct family netlink = {escapes, LEN(escapes)};
