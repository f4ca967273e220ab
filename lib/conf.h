/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - reads configuration and policy files (one format) into a struct policy.
 *
 *   [paths]      rw | ro | list | connect | deny | hide = PATH     absolute, ~/..., or
 *                ${PROJECT}/...
 *   [optional]   the same; a path that does not exist is no error
 *   [system]     the same as optional; allowed uses are not listed (the base configuration, in
 *                what policy_print() writes)
 *   [sensitive]  path = PATTERN                                    see policy_add_sensitive();
 *                ~/... and ${PROJECT}/... allowed
 *   [session]    mode = enforce | audit                            (in --policy files)
 *                localhost = own | any                             TCP to services of this machine
 *                userns = allow | deny                             user namespaces, mounts in them
 *
 * One KEY = VALUE or [SECTION] a line, no blanks before it. A comment begins with ; or # and has a
 * line of its own. In PATH and PATTERN any byte may be written \xNN, and must be when it is a
 * backslash, a control character, a blank at the end or a blank before ; or #. Blanks elsewhere
 * may stand as they are. A file with one error is not used at all, and the error is "FILE:LINE:
 * KEY: expected ..., got '...'". A file that is not root's or the caller's own, or that others can
 * write, is refused.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include <sys/stat.h>

#include "fail.h"
#include "policy.h"

#define CONF_FILE_MAX (1 << 20) /* bytes */
#define CONF_LINE_MAX 16500	/* bytes: a path of PATH_MAX, all escaped, and its key */

struct conf_context {
	const char *home;    /* what ~ means; NULL: a path with ~ is an error */
	const char *project; /* what ${PROJECT} means; NULL: likewise */
	bool system;	     /* rules are of the base configuration: system and optional */
	/*
	 * A file that is trusted anyway, such as the program: another of the same owner, and no more
	 * writable, is trusted too. Or NULL.
	 */
	const struct stat *like;
};

/* Append what file says to policy. On failure policy is as it was before the call. */
int conf_read(const char *file, const struct conf_context *context, struct policy *policy,
	      struct fail *f);
/* The same from memory: name is what messages call it. */
int conf_parse(const char *text, size_t len, const char *name, const struct conf_context *context,
	       struct policy *policy, struct fail *f);

#endif
