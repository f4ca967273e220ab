/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.h - unix sockets of outside, and calls on them. For the families that try sockets. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <sys/socket.h>
#include <sys/un.h>

#include "adversary.h"

/* Where a listener is: "@name" in the abstract namespace, "/name", or below the world's base. */
struct place {
	int type; /* SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM */
	const char *name;
};

#define PLACES_MAX 8

/* The address of a name, its length in out_len; 0 or ENAMETOOLONG. */
int unix_address(const struct world *world, const char *name, struct sockaddr_un *out,
		 socklen_t *out_len);
/* A socket bound and, if it has a type that does, listening there. -1 with errno. */
int unix_bound(const struct world *world, const struct place *place);
/*
 * One process outside that serves all these places: whoever talks to it gets SECRET, and is noted
 * in base/more. 0, or NO_CONTROL.
 */
int unix_listen(const struct world *world, const struct place *places, size_t len);
/* The same for sockets that listen already, of these types; it closes them here. */
int serve_outside(const struct world *world, const int *sockets, const int *types, size_t len);
/* A child that answers one caller as such a process does; -1 with errno. */
pid_t answering(int listener, int type);
/* Ends it, if there is one, and closes what it listened on, if it is open. */
void no_more(pid_t pid, int listener);
/* Get the secret from there, or have a datagram taken. 0 or an errno. */
int unix_call(const struct world *world, const struct place *place);
int unix_call_each(const struct world *world, const struct place *places, size_t len);

/*
 * Variants of one way: outside all of them have to work, inside each has to be refused with EPERM
 * (EACCES: what the kernel makes of it in some places). Else the row proves nothing and says so.
 */
int each_of(const struct world *world, size_t len, int (*one)(const struct world *world, size_t i));

#endif
