/* SPDX-License-Identifier: GPL-2.0-only */
/* peer.c - see peer.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "peer.h"
#include "util.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Clock ticks since boot at which a process started: field 22 of /proc/PID/stat (proc(5)), behind a comm of any bytes. */
static int start_ticks(pid_t pid, unsigned long long *out_ticks)
{
	char name[64], text[1024], *at;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	if (read_text_at(AT_FDCWD, name, text, sizeof(text)) < 0)
		return -1;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", out_ticks) == 1 ? 0 : -1;
}

/* Called when the connection is accepted: a process that got the number later started later. */
static int open_by_number(pid_t pid)
{
	unsigned long long ticks;
	struct timespec now;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -1;
	clock_gettime(CLOCK_BOOTTIME, &now);
	if (start_ticks(pid, &ticks) == 0 &&
	    ticks <= (unsigned long long)now.tv_sec * (unsigned long long)sysconf(_SC_CLK_TCK) +
			     (unsigned long long)now.tv_nsec * (unsigned long long)sysconf(_SC_CLK_TCK) / 1000000000ULL)
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
		pidfd = errno == ENOPROTOOPT ? open_by_number(cred.pid) : -1;
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
	struct pollfd poll_it = { .fd = peer->pidfd, .events = POLLIN };

	return poll(&poll_it, 1, 0) == 0;
}
