/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * manager.h - what a service says to systemd, or to whatever else speaks its protocol (sd_notify(3),
 * sd_listen_fds(3)): a datagram to the socket that $NOTIFY_SOCKET names; descriptors from 3 on that
 * $LISTEN_FDS counts. Without a manager nothing is said, and there are none.
 */
#ifndef LIB_MANAGER_H
#define LIB_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "fail.h"

/* Is there somebody to tell, and to keep descriptors? */
bool manager_there(void);
/* Lines of KEY=VALUE. Who does not listen is not waited for without end. */
void manager_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a text that comes from elsewhere: it is one line of STATUS=, whatever is in it. */
void manager_status(const char *text);

/* Keep this descriptor for our next process, under a name that need not be the only one. */
int manager_keep(const char *name, int fd, struct fail *f);
/* Close all that are kept under this name. */
void manager_forget(const char *name);

struct manager_fd {
	const char *name;
	int fd; /* close-on-exec; whoever takes it leaves -1 here */
};
/*
 * What the manager handed to this process and to no other; *out_fds is NULL if there is nothing.
 * Once, at the start: what is in the environment goes. Names live as long as *out_fds does.
 */
int manager_fds(struct manager_fd **out_fds, size_t *out_len, struct fail *f);
/* Closes those that nobody took. */
void manager_fds_free(struct manager_fd *fds, size_t len);

#endif
