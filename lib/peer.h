/* SPDX-License-Identifier: GPL-2.0-only */
/* peer.h - who is at the other end of a unix socket: as the kernel says, never as a message says.
 */
#ifndef LIB_PEER_H
#define LIB_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "fail.h"

struct peer {
	uid_t uid;
	pid_t pid;
	int pidfd; /* owned; peer_done() closes it */
};

/*
 * Ask the kernel. The pidfd names the process that connected even when its number was given away
 * since (SO_PEERPIDFD, 6.5). Before 6.5 it is opened by number, and must be of the user who
 * connected.
 */
int peer_of(int socket, struct peer *out_peer, struct fail *f);
void peer_done(struct peer *peer);
/* Is the process still there? Ask before and after anything that is done by its number. */
bool peer_alive(const struct peer *peer);

#endif
