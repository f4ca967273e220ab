/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.c - see sockets.h */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sockets.h"
#include "util.h"

#define NAMED_MAX 65536 /* more are not looked at */

/* A unix socket, before it is known who is at its other end. */
struct unix_end {
	uint32_t inode;
	uint32_t peer; /* 0: none */
	char name[4 * sizeof(((struct sockaddr_un *)NULL)->sun_path) + 2];
};

struct listing {
	struct socket_end *ends;
	size_t len;
	struct unix_end *unix_ends;
	size_t unix_len;
};

/* Room for one element more; NULL: no memory, or enough of them. */
static void *grow(void **list, size_t *len, size_t size)
{
	void *more;

	if (*len >= NAMED_MAX)
		return NULL;
	/* In powers of two. */
	if ((*len & (*len - 1)) == 0) {
		more = reallocarray(*list, *len ? 2 * *len : 1, size);
		if (!more)
			return NULL;
		*list = more;
	}
	return memset((char *)*list + size * (*len)++, 0, size);
}

static struct socket_end *add_end(struct listing *listing, uint64_t inode)
{
	struct socket_end *end =
		grow((void **)&listing->ends, &listing->len, sizeof(*listing->ends));

	if (end)
		end->inode = inode;
	return end;
}

static void take_unix(struct listing *listing, const struct nlmsghdr *head)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(head);
	int len = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof(*msg)));
	struct unix_end *end =
		grow((void **)&listing->unix_ends, &listing->unix_len, sizeof(*listing->unix_ends));

	if (!end)
		return;
	end->inode = msg->udiag_ino;
	for (const struct rtattr *at = (const struct rtattr *)(msg + 1); RTA_OK(at, len);
	     at = RTA_NEXT(at, len)) {
		const char *data = RTA_DATA(at);
		size_t size = RTA_PAYLOAD(at);

		if (at->rta_type == UNIX_DIAG_PEER && size == sizeof(end->peer))
			memcpy(&end->peer, data, size);
		if (at->rta_type != UNIX_DIAG_NAME || !size)
			continue;
		/* An abstract name begins with a NUL. */
		if (!data[0])
			strcpy(end->name, "@");
		(void)escape(data + !data[0], strnlen(data + !data[0], size - !data[0]),
			     end->name + !data[0], sizeof(end->name) - 1);
	}
}

static void take_inet(struct listing *listing, const struct nlmsghdr *head)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(head);
	char address[INET6_ADDRSTRLEN];
	struct socket_end *end;

	if (msg->idiag_state != TCP_ESTABLISHED || !msg->idiag_inode ||
	    !inet_ntop(msg->idiag_family, msg->id.idiag_dst, address, sizeof(address)))
		return;
	end = add_end(listing, msg->idiag_inode);
	if (end)
		snprintf(end->text, sizeof(end->text), "connected to %s port %u", address,
			 ntohs(msg->id.idiag_dport));
}

typedef void take_fn(struct listing *listing, const struct nlmsghdr *head);

/* false: that was the last, or it cannot be had. */
static bool receive(int netlink, struct listing *listing, take_fn *take)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	ssize_t len = recv(netlink, buf, sizeof(buf), 0);

	if (len <= 0)
		return false;
	for (const struct nlmsghdr *head = (const struct nlmsghdr *)buf; NLMSG_OK(head, len);
	     head = NLMSG_NEXT(head, len)) {
		if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
			return false;
		if (head->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			take(listing, head);
	}
	return true;
}

static void ask(struct listing *listing, const void *question, size_t size, take_fn *take)
{
	cleanup_fd int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_Alignas(struct nlmsghdr) char buf[256] = "";
	struct nlmsghdr *head = (struct nlmsghdr *)buf;

	head->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	head->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(NLMSG_DATA(head), question, size);
	if (netlink < 0 || send(netlink, buf, head->nlmsg_len, 0) < 0)
		return;
	while (receive(netlink, listing, take))
		;
}

static void ask_inet(struct listing *listing, uint8_t family)
{
	const struct inet_diag_req_v2 question = {
		.sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U};

	ask(listing, &question, sizeof(question), take_inet);
}

/* Who is connected is nameless as a rule; the name is the other end's. */
static void name_peers(struct listing *listing)
{
	for (size_t i = 0; i < listing->unix_len; i++) {
		const struct unix_end *one = &listing->unix_ends[i];

		for (size_t j = 0; one->peer && j < listing->unix_len; j++) {
			const struct unix_end *other = &listing->unix_ends[j];
			struct socket_end *end;

			if (other->inode != one->peer || !other->name[0])
				continue;
			end = add_end(listing, one->inode);
			if (end)
				snprintf(end->text, sizeof(end->text), "connected to %.140s",
					 other->name);
			break;
		}
	}
}

void sockets_list(struct socket_end **out, size_t *out_len)
{
	const struct unix_diag_req question = {.sdiag_family = AF_UNIX,
					       .udiag_states = ~0U,
					       .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER};
	struct listing listing = {0};

	ask(&listing, &question, sizeof(question), take_unix);
	name_peers(&listing);
	ask_inet(&listing, AF_INET);
	ask_inet(&listing, AF_INET6);
	free(listing.unix_ends);
	*out = listing.ends;
	*out_len = listing.len;
}

const char *sockets_find(const struct socket_end *list, size_t len, uint64_t inode)
{
	for (size_t i = 0; i < len; i++)
		if (list[i].inode == inode)
			return list[i].text;
	return NULL;
}
