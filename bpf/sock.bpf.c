/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sock.bpf.c - sockets: the way to have somebody outside do it.
 *
 *   unix_stream_connect   stream and seqpacket, by path and abstract: to listeners of this session,
 *                         or where a rule grants connect on the socket's file
 *   unix_may_send         datagrams, connected or not: likewise; and on a pair that was handed in
 *   socket_create         no families but unix, inet, inet6 and netlink: the others are ways into
 *                         the kernel or to a host (AF_ALG, AF_VSOCK, AF_PACKET ...); of netlink
 *                         none that tells of all processes or leads to one
 */
#include "judge.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16

/*
 * Protocols of netlink that ask the kernel for what is the caller's or anybody's, and change what
 * capable() guards (include/uapi/linux/netlink.h): route, sock_diag, xfrm, selinux, audit, netfilter,
 * kobject_uevent, generic. Not: usersock, by which any process may be sent a message; connector,
 * which since 6.6 tells everybody of each fork and exec.
 */
#define NETLINK_ALLOWED                                                                            \
	(1U << 0 | 1U << 4 | 1U << 6 | 1U << 7 | 1U << 9 | 1U << 12 | 1U << 15 | 1U << 16)

/* The cgroup that a socket was made in (sk_alloc() in net/core/sock.c). */
static __always_inline bool own_socket(struct sock *sk, const struct jail *jail)
{
	return session_of_cgroup(BPF_CORE_READ(sk, sk_cgrp_data.cgroup)) == jail->cgroup;
}

/*
 * Two ends that are connected to each other: a socketpair that was handed in as stdin or stdout.
 * Connecting one's own end to another asks unix_may_send first, while it is not connected yet.
 */
static __always_inline bool handed_pair(struct sock *sock, struct sock *other)
{
	struct unix_sock *near = (void *)sock, *far = (void *)other; /* each begins with its sock */

	return BPF_CORE_READ(near, peer) == other && BPF_CORE_READ(far, peer) == sock;
}

static __always_inline int reach(u32 op, struct sock *other, const struct jail *jail)
{
	struct attempt attempt = {.op = op, .want = AL_CONNECT};
	struct judged judged = NO_RIGHTS;
	struct unix_sock *peer;
	struct dentry *dentry;

	if (own_socket(other, jail)) {
		judged.rights = AL_CONNECT | AL_SYSTEM;
		return settle(&attempt, &judged, jail);
	}
	peer = bpf_skc_to_unix_sock(other);
	if (peer) {
		struct unix_address *address = BPF_CORE_READ(peer, addr);

		dentry = peer->path.dentry;
		attempt.mnt = BPF_CORE_READ(peer, path.mnt);
		attempt.dentry = BPF_CORE_READ(peer, path.dentry);
		attempt.address = address;
		attempt.number = hash_of(abstract_name(address) + 1);
		if (attempt.dentry)
			walk(dentry, jail, &judged);
	}
	return settle(&attempt, &judged, jail);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(al_unix_connect, struct sock *sock, struct sock *other, struct sock *newsk, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return reach(AL_OP_CONNECT, other, &jail);
}

SEC("lsm/unix_may_send")
int BPF_PROG(al_unix_send, struct socket *sock, struct socket *other, int ret)
{
	struct sock *near = sock->sk, *far = other->sk;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	if (!near || !far) /* never seen; the verifier wants it asked */
		return refuse(AL_OP_SEND, 0, 0, &jail);
	return handed_pair(near, far) ? ret : reach(AL_OP_SEND, far, &jail);
}

static __always_inline bool for_sessions(int family, int protocol)
{
	if (family == AF_NETLINK)
		return (u32)protocol < 32 && (NETLINK_ALLOWED >> protocol & 1);
	return family == AF_UNIX || family == AF_INET || family == AF_INET6;
}

SEC("lsm/socket_create")
int BPF_PROG(al_socket_create, int family, int type, int protocol, int kern, int ret)
{
	struct jail jail;

	if (ret || kern || for_sessions(family, protocol) || !jailed(&jail))
		return ret;
	return refuse(AL_OP_SOCKET, AL_LABEL_FAMILY, family, &jail);
}
