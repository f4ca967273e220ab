/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile.h - ready pieces of policy by name: what an agent needs (profiles/NAME.ini), where a tool
 * keeps what it fetched (caches/NAME.ini). They are files of the machine's or of the program's own,
 * never of a project's.
 */
#ifndef LIB_PROFILE_H
#define LIB_PROFILE_H

#include "conf.h"

#define PROFILES "profiles"
#define CACHES "caches"
#define PROFILE_NAME_MAX 32

/*
 * Append what the one of this name says to policy; it fails with the names that there are. out_profile
 * is the caller's, to profile_done() in any case; NULL: a [profile] section is an error.
 */
int profile_read(const char *directory, const char *name, const struct conf_context *context,
		 struct policy *policy, struct profile *out_profile, struct fail *f);
/*
 * The profile of a program of this name; out_name (PROFILE_NAME_MAX + 1 bytes) is "" if there is none.
 * One that cannot be read is a failure: it might be the one. So are two of them.
 */
int profile_find(const char *program, const struct conf_context *context, char *out_name,
		 struct fail *f);

#endif
