/* SPDX-License-Identifier: GPL-2.0-only */
/* view.h - a user namespace of one's own, and in it a mount namespace: what many tries begin with. */
#ifndef VIEW_H
#define VIEW_H

#include <sys/types.h>

/*
 * Into new user and mount namespaces, and those of more (CLONE_NEWPID ...), as root there; nothing
 * that is mounted there shows elsewhere. 0 or an errno.
 */
int own_view(int more);

/* Run body in a child, 0 or an errno: the first process, if the view has a new pid namespace. */
int in_child(int (*body)(const void *data), const void *data);

#endif
