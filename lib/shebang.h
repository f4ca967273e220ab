/* SPDX-License-Identifier: GPL-2.0-only */
/* shebang.h - what runs a script, by its first line: bytes of whoever wrote it. */
#ifndef LIB_SHEBANG_H
#define LIB_SHEBANG_H

#include <stdbool.h>
#include <stddef.h>

#define SHEBANG_MAX 256 /* bytes of a file that the kernel looks at (BINPRM_BUF_SIZE) */

struct shebang {
	char interpreter[SHEBANG_MAX]; /* absolute */
	char searched[SHEBANG_MAX];    /* what env(1) is to find in PATH, or "" */
};

/*
 * Read the beginning of a file, at most SHEBANG_MAX bytes of it, as the kernel and env(1) do. False
 * if it is no script, or its interpreter has no absolute name that ends within these bytes. What
 * env(1) would change first (its options but -S, quotes, PATH=) is not followed: searched is "".
 */
bool shebang_parse(const char *text, size_t len, struct shebang *out);

#endif
