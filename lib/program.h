/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.h - the program that a session is made for: which file it is, and what it is installed with.
 */
#ifndef LIB_PROGRAM_H
#define LIB_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "fail.h"
#include "policy.h"

/*
 * The file that execvp(3) would run, by the caller's PATH and rights; not resolved. Returns false when
 * there is none.
 */
bool program_find(const char *command, char *out, size_t size);
/* Does the file lie in the directory, by climbing from it? */
bool program_in(const char *file, const struct stat *directory);
/*
 * Let the session read and run it, and what it is installed with: the node_modules that it lies in, and
 * its interpreter with what lies around that. Never a directory that holds what an agent is to be
 * kept from (exposure.h): then the file alone.
 */
int program_add_rules(const char *file, const char *home, struct policy *policy, struct fail *f);

#define SHEBANG_MAX 256 /* bytes of the first line that the kernel looks at (BINPRM_BUF_SIZE) */
/*
 * The interpreter that a script's first bytes name, as written, or as env(1) would look it up. Returns
 * false when they name none.
 */
bool program_interpreter(const char *text, size_t len, char out[SHEBANG_MAX]);

#endif
