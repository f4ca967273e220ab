/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store.h - the descriptors of sessions' objects, kept by the service manager while no daemon runs:
 * an object that was moved is still found, and one that nobody else holds stays in memory, mark and
 * all. What comes back is believed nothing: restore.c compares.
 *
 * The manager is not given the objects one by one: it looks through all that it has for each one
 * more (systemd's same_fd(), a system call each), and their names must fit in one variable of the
 * environment, else it can start nothing any more. Instead it gets sockets, in each of which a
 * message with up to STORE_FDS of one session's objects waits to be read: 512 sessions with 131072
 * rules are a thousand sockets.
 */
#ifndef LIB_STORE_H
#define LIB_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "manager.h"

#define STORE_FDS 253 /* SCM_MAX_FD: the kernel's bound for one message */

struct store_object {
	uint32_t id;
	int fd;
};

/* A socket that carries them, at most STORE_FDS; the objects stay the caller's. -1 with f. */
int store_pack(const struct store_object *objects, size_t len, struct fail *f);
/*
 * What a socket carries; it goes on carrying it. Returns how many, their descriptors the caller's;
 * -1 if it is no such socket.
 */
int store_unpack(int socket, struct store_object out_objects[STORE_FDS]);

/* Have objects of the session in this slot kept, more of them each time. */
int store_put(uint32_t slot, const struct store_object *objects, size_t len, struct fail *f);
/* No longer any of this slot's. */
void store_drop(uint32_t slot);

struct store;

/*
 * What was kept for us, out of what the manager handed over; it takes those that are ours. Sockets
 * that cannot be read are dropped. On success *out_store is the caller's.
 */
int store_open(struct manager_fd *fds, size_t len, struct store **out_store, struct fail *f);
void store_close(struct store *store);
/* A descriptor, the caller's, of what was kept as the object of this id; -1: nothing was. */
int store_get(const struct store *store, uint32_t id);
/* Drop what is kept for slots without a session. */
void store_sweep(const struct store *store, bool (*used)(uint32_t slot, void *data), void *data);

#endif
