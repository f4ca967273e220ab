/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.bpf.c - TCP to this machine itself: a debugger, docker's port, an IDE do what they are asked, as
 * a unix socket's owner does. The network beyond is not ours.
 *
 *   cgroup/connect4 connect6   connect(2), MSG_FASTOPEN, io_uring: loopback, to listeners of this
 *                              session alone; no link-local addresses (a cloud's metadata service)
 *   cgroup_skb/egress          the same for what gets by a name that connect cannot know: the
 *                              machine's own other addresses leave by the loopback device, too
 *
 * By identity: the listener is looked up as the kernel will, and asked for the cgroup it was made in.
 * No listener: nothing to refuse, and the error is the network's own. Attached to the cgroup above all
 * sessions: nobody else pays for it.
 */
#include "judge.h"

#include <bpf/bpf_endian.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#define SOCK_STREAM 1
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define LOOPBACK_IFINDEX 1 /* include/net/net_namespace.h: lo is the first of every namespace */
#define PORT_DNS 53	   /* the machine's resolver, for answers that are too long for UDP */

#define GO_ON 1
#define STOP 0

#define SHARERS_MAX 1024 /* of one port; what more of them share is refused */

struct sharing {
	struct sock_reuseport *group;
	u64 session;
	u32 len;
	bool own;
};

static __always_inline bool made_by(struct sock *sk, u64 session)
{
	return session_of_cgroup(BPF_CORE_READ(sk, sk_cgrp_data.cgroup)) == session;
}

static long ask_sharer(u32 index, void *context)
{
	struct sharing *sharing = context;
	struct sock *sk = NULL;

	if (index >= sharing->len)
		return 1;
	bpf_probe_read_kernel(&sk, sizeof(sk),
			      (void *)sharing->group +
				      bpf_core_field_offset(struct sock_reuseport, socks) +
				      index * sizeof(void *));
	sharing->own = sk && made_by(sk, sharing->session);
	return !sharing->own;
}

/*
 * SO_REUSEPORT: of those that share a port one is chosen, by a hash of what is not known yet or by a
 * filter that any of them sets. So all have to be the session's.
 */
static __always_inline bool all_own(struct sock *sk, u64 session)
{
	struct sock_reuseport *group = BPF_CORE_READ(sk, sk_reuseport_cb);
	struct sharing sharing = {.group = group, .session = session, .own = made_by(sk, session)};

	if (!group || !sharing.own)
		return sharing.own;
	sharing.len = BPF_CORE_READ(group, num_socks);
	if (sharing.len > SHARERS_MAX)
		return false;
	bpf_loop(SHARERS_MAX, ask_sharer, &sharing, 0);
	return sharing.own;
}

/* Does the listener there belong to this session? What nobody listens on does no harm. */
static __always_inline bool own_listener(void *ctx, struct bpf_sock_tuple *tuple, u32 size,
					 u64 session)
{
	struct bpf_sock *found = bpf_sk_lookup_tcp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	struct tcp_sock *listener;
	bool own = false;

	if (!found)
		return true;
	listener = bpf_skc_to_tcp_sock(found);
	if (listener)
		own = all_own((struct sock *)listener, session);
	bpf_sk_release(found);
	return own;
}

static __always_inline int refuse_port(u16 port, const struct jail *jail)
{
	struct attempt attempt = {
		.op = AL_OP_CONNECT, .want = AL_CONNECT, .label = AL_LABEL_PORT, .number = port};
	struct judged judged = NO_RIGHTS;

	return settle(&attempt, &judged, jail) ? STOP : GO_ON;
}

static __always_inline bool link_local4(u32 address)
{
	return (address & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000);
}

static __always_inline bool loopback4(u32 address)
{
	return !address || (address & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* address as in a packet; 0.0.0.0 stands for this machine (ip_route_connect()). */
static __always_inline int connect4(struct bpf_sock_addr *ctx, u32 address, u16 port,
				    const struct jail *jail)
{
	struct bpf_sock_tuple tuple = {};

	if (link_local4(address))
		return refuse_port(bpf_ntohs(port), jail);
	if (!loopback4(address) || port == bpf_htons(PORT_DNS))
		return GO_ON;
	tuple.ipv4.daddr = address ? address : bpf_htonl(0x7f000001);
	tuple.ipv4.dport = port;
	if (own_listener(ctx, &tuple, sizeof(tuple.ipv4), jail->cgroup))
		return GO_ON;
	return refuse_port(bpf_ntohs(port), jail);
}

SEC("cgroup/connect4")
int al_connect4(struct bpf_sock_addr *ctx)
{
	struct jail jail;

	if (ctx->type != SOCK_STREAM || !jailed(&jail) || (jail.flags & AL_LOCALHOST))
		return GO_ON;
	return connect4(ctx, ctx->user_ip4, (u16)ctx->user_port, &jail);
}

SEC("cgroup/connect6")
int al_connect6(struct bpf_sock_addr *ctx)
{
	u32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2], d = ctx->user_ip6[3];
	struct bpf_sock_tuple tuple = {};
	u16 port = (u16)ctx->user_port;
	struct jail jail;

	if (ctx->type != SOCK_STREAM || !jailed(&jail) || (jail.flags & AL_LOCALHOST))
		return GO_ON;
	if (!a && !b && c == bpf_htonl(0xffff)) /* ::ffff:127.0.0.1 */
		return connect4(ctx, d, port, &jail);
	if ((a & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000)) /* fe80::/10 */
		return refuse_port(bpf_ntohs(port), &jail);
	if (a || b || c || (d && d != bpf_htonl(1)) || port == bpf_htons(PORT_DNS))
		return GO_ON;
	tuple.ipv6.daddr[3] = bpf_htonl(1); /* :: stands for this machine, too */
	tuple.ipv6.dport = port;
	if (own_listener(ctx, &tuple, sizeof(tuple.ipv6), jail.cgroup))
		return GO_ON;
	return refuse_port(bpf_ntohs(port), &jail);
}

/* Whoever runs now may have nothing to do with the packet (a retransmission): counted, not told. */
static __always_inline int drop(const struct al_session *session)
{
	struct jail jail = {.slot = session->slot & (AL_MAX_SESSIONS - 1)};

	if (session->flags & AL_AUDIT)
		return GO_ON;
	count(&jail, AL_OP_CONNECT * AL_NVERDICTS + AL_REFUSED);
	count(&jail, AL_COUNT_OTHERS);
	return STOP;
}

/* A first segment, or one that cannot be read: what follows it needs no second decision. */
static __always_inline bool begins(struct __sk_buff *skb, u32 offset, struct tcphdr *out_tcp)
{
	return bpf_skb_load_bytes(skb, offset, out_tcp, sizeof(*out_tcp)) ||
	       (out_tcp->syn && !out_tcp->ack);
}

static __always_inline bool own_target4(struct __sk_buff *skb, u64 session)
{
	struct bpf_sock_tuple tuple = {};
	struct tcphdr tcp = {};
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	if (ip.protocol == IPPROTO_UDP || ip.protocol == IPPROTO_ICMP)
		return true;
	if (ip.protocol != IPPROTO_TCP)
		return false;
	if (!begins(skb, ip.ihl * 4, &tcp) || tcp.dest == bpf_htons(PORT_DNS))
		return true;
	tuple.ipv4.daddr = ip.daddr;
	tuple.ipv4.dport = tcp.dest;
	return own_listener(skb, &tuple, sizeof(tuple.ipv4), session);
}

static __always_inline bool own_target6(struct __sk_buff *skb, u64 session)
{
	struct bpf_sock_tuple tuple = {};
	struct tcphdr tcp = {};
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return false;
	if (ip.nexthdr == IPPROTO_UDP || ip.nexthdr == IPPROTO_ICMPV6)
		return true;
	if (ip.nexthdr !=
	    IPPROTO_TCP) /* extension headers take CAP_NET_RAW, which the jailed lack */
		return false;
	if (!begins(skb, sizeof(ip), &tcp) || tcp.dest == bpf_htons(PORT_DNS))
		return true;
	__builtin_memcpy(tuple.ipv6.daddr, &ip.daddr, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.dport = tcp.dest;
	return own_listener(skb, &tuple, sizeof(tuple.ipv6), session);
}

SEC("cgroup_skb/egress")
int al_egress(struct __sk_buff *skb)
{
	u64 id;
	struct al_session *session;
	bool own = true;

	if (skb->ifindex != LOOPBACK_IFINDEX)
		return GO_ON;
	id = bpf_skb_ancestor_cgroup_id(skb, session_level);
	session = bpf_map_lookup_elem(&sessions, &id);
	if (!session || (session->flags & AL_LOCALHOST))
		return GO_ON;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		own = own_target4(skb, id);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		own = own_target6(skb, id);
	return own ? GO_ON : drop(session);
}
