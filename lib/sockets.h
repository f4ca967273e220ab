/* SPDX-License-Identifier: GPL-2.0-only */
/* sockets.h - who is at the other end of other processes' sockets, as the kernel lists them (sock_diag(7)). */
#ifndef LIB_SOCKETS_H
#define LIB_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

struct socket_end {
	uint64_t inode; /* as fstat(2) has it */
	char text
		[160]; /* escaped: "connected to /run/dbus/socket", "connected to 127.0.0.1:5432" */
};

/*
 * All unix and TCP sockets of this network namespace that are connected to something with a name. What cannot be
 * asked is not in it. The caller frees *out, which is NULL when there are none.
 */
void sockets_list(struct socket_end **out, size_t *out_len);
/* What is said of the socket of this inode; NULL: nothing. */
const char *sockets_find(const struct socket_end *list, size_t len, uint64_t inode);

#endif
