/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exposure.h - which places that matter would a project directory give away? Asked before a session
 * is made.
 */
#ifndef LIB_EXPOSURE_H
#define LIB_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Write what lies at or below the directory behind fd, and should never be an agent's, into out:
 * "~/.ssh, /etc/agent-lock". By identity (climbing from each such place upwards), not by name.
 * Returns how many there are.
 */
size_t exposure(int fd, const char *home, char *out, size_t size);
/* Does place, a path, lie at or below the directory dir? Likewise by identity. */
bool exposure_holds(const struct stat *dir, const char *place);

#endif
