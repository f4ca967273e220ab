/* SPDX-License-Identifier: GPL-2.0-only */
/* session_list.h - the inside of struct sessions, for session.c and restore.c alone. */
#ifndef LIB_SESSION_LIST_H
#define LIB_SESSION_LIST_H

#include "marks.h"
#include "session.h"

struct sessions {
	struct lsm *lsm;
	struct cg *cg;
	struct marks *marks;
	struct session *slots[AL_MAX_SESSIONS];
};

/*
 * A rule is kept by number too if losing its mark could give rights: whatever does not allow
 * everything.
 */
bool session_needs_number(uint32_t rights);

#endif
