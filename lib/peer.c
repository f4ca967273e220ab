/* SPDX-License-Identifier: GPL-2.0-only */
/* peer.c - see peer.h */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "peer.h"
#include "util.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/*
 * Before 6.5 by number, when the connection is accepted: the one who connected may have died and
 * its number been given to somebody else. That somebody must at least be of the same user: nobody
 * gets hold of another user's process.
 */
static int open_by_number(pid_t pid, uid_t uid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char name[64];
	struct stat st;

	if (pidfd < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	if (stat(name, &st) == 0 && st.st_uid == uid)
		return pidfd;
	close(pidfd);
	errno = ESRCH;
	return -1;
}

int peer_of(int socket, struct peer *out_peer, struct fail *f)
{
	struct ucred cred;
	socklen_t len = sizeof(cred), pidfd_len = sizeof(int);
	int pidfd = -1;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return fail(f, errno, "cannot tell who is asking");
	if (cred.pid <= 0)
		return fail(f, 0, "cannot serve a process of another pid namespace");
	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &pidfd_len))
		pidfd = errno == ENOPROTOOPT ? open_by_number(cred.pid, cred.uid) : -1;
	if (pidfd < 0)
		return fail(f, errno, "cannot tell who is asking");
	out_peer->uid = cred.uid;
	out_peer->pid = cred.pid;
	out_peer->pidfd = pidfd;
	return 0;
}

void peer_done(struct peer *peer)
{
	if (peer->pidfd >= 0)
		close(peer->pidfd);
	peer->pidfd = -1;
}

bool peer_alive(const struct peer *peer)
{
	struct pollfd poll_it = {.fd = peer->pidfd, .events = POLLIN};

	return poll(&poll_it, 1, 0) == 0;
}
