/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * environment.h - what a command in a session gets of its caller's environment: all but what carries
 * a secret or the address of a service outside, as the policy says (policy_add_variable()).
 */
#ifndef LIB_ENVIRONMENT_H
#define LIB_ENVIRONMENT_H

#include "fail.h"
#include "policy.h"

/*
 * The environment for a command: NULL-terminated, one block to free(3); the strings are given's, but for
 * those that the policy sets, which are in the block. Of all patterns that match a name the last
 * counts. What none names is handed in, unless its value is an address with a password in it
 * (https://user:password@host). tmpdir: what TMPDIR is to be, and ${TMPDIR} at the start of a value
 * that is set; NULL leaves both out.
 */
char **environment_make(const struct policy *policy, char *const *given, const char *tmpdir,
			struct fail *f);
/* The names of what is left out, escaped, ", " between them; "" if that is nothing. Owned. */
char *environment_left_out(const struct policy *policy, char *const *given);

#endif
