/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - reads configuration and policy files (one format) into a struct policy.
 *
 *   [paths]      rw | ro | list | connect | deny | hide            absolute, ~/..., or
 *                | scratch | guard | state = PATH                  ${PROJECT}/...; ${UID} in it is
 *                                                                  the caller's
 *   [optional]   the same; a path that does not exist is no error
 *   [missing]    the same, and not for a path that does exist when this is read
 *   [system]     the same as optional; allowed uses are not listed (the base configuration, in
 *                what policy_print() writes)
 *   [sensitive]  path = PATTERN                                    see policy_add_sensitive();
 *                ~/... and ${PROJECT}/... allowed
 *   [environment] pass | drop = PATTERN, set = NAME=VALUE          see policy_add_variable();
 *                                                                  VALUE may begin with ~ or
 *                                                                  ${PROJECT}
 *   [session]    mode = enforce | audit                            (in --policy files)
 *                localhost = own | any                             TCP to services of this machine
 *                userns = allow | deny                             user namespaces, mounts in them
 *                memory = SIZE, pids = NUMBER, cpu = PERCENT%      or none: see limit.h
 *   [log]        size = BYTES[K|M|G]                               of one file (base configuration
 *                keep = NUMBER                                     alone), and how many older ones;
 *                ended = NUMBER                                    sessions of a user that ended
 *   [users]      sessions = NUMBER                                 how much each of them but root
 *                rules = NUMBER                                    may have: see limit.h (base
 *                requests = NUMBER                                 configuration alone)
 *
 *   [profile]    program = NAME, hint = TEXT                       in profiles alone: see profile.h
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
#include "logfile.h"
#include "policy.h"

#define CONF_BASE "agent-lock.ini" /* the base configuration's name */
#define CONF_FILE_MAX (1 << 20)	   /* bytes */
#define CONF_LINE_MAX 16500	   /* bytes: a path of PATH_MAX, all escaped, and its key */

/* What the base configuration says to the daemon. */
struct settings {
	struct log_limits log;
	struct user_limits users;
};
void settings_init(struct settings *settings);

#define PROFILE_TEXTS 16 /* of each kind in a profile */

/* What a profile says of itself: whose it is, and what its user is to be told. */
struct profile {
	char *programs[PROFILE_TEXTS];
	size_t programs_len;
	char *hints[PROFILE_TEXTS];
	size_t hints_len;
};
void profile_done(struct profile *profile);

struct conf_context {
	const char *home;	   /* what ~ means; NULL: a path with ~ is an error */
	const char *project;	   /* what ${PROJECT} means; NULL: likewise */
	bool system;		   /* rules are of the base configuration: system and optional */
	struct settings *settings; /* of the base configuration; NULL: read, and thrown away */
	struct profile *profile;   /* where [profile] goes; NULL: it is an error */
	/*
	 * A file that is trusted anyway, such as the program: another of the same owner, and no more
	 * writable, is trusted too. Or NULL.
	 */
	const struct stat *like;
};

/* Append what file says to policy. On failure policy is as it was before the call. */
int conf_read(const char *file, const struct conf_context *context, struct policy *policy,
	      struct fail *f);
/*
 * The base configuration: the machine's in /etc, else the one that came with this program. That one
 * may be whose the program is: whoever could change it could change the program. context is for it
 * but for its like.
 */
int conf_read_base(const struct conf_context *context, struct policy *policy, struct fail *f);
/*
 * The same for another file that came with it: name is relative to where the base configuration is,
 * such as "profiles/codex.ini". One that is nowhere is ENOENT.
 */
int conf_read_beside(const char *name, const struct conf_context *context, struct policy *policy,
		     struct fail *f);
/*
 * Calls each for every name of DIRECTORY/NAME.ini that conf_read_beside() would read; in no order, and
 * twice if it is in both places.
 */
void conf_each_beside(const char *directory, void (*each)(const char *name, void *data),
		      void *data);
/* The same from memory: name is what messages call it. */
int conf_parse(const char *text, size_t len, const char *name, const struct conf_context *context,
	       struct policy *policy, struct fail *f);

#endif
