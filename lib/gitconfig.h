/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gitconfig.h - reads git's configuration files, as far as rules depend on them: no git is run, which
 * would obey what it reads. The text is anybody's.
 */
#ifndef LIB_GITCONFIG_H
#define LIB_GITCONFIG_H

#include <stddef.h>

#define GITCONFIG_MAX (1 << 20) /* bytes of a file */
#define GITCONFIG_KEY 64	/* bytes of "section.key", cut there */
#define GITCONFIG_VALUE 4096	/* bytes of a value, cut there */

/*
 * Call each for every key, as "section.key" in lower case and without the subsection, and its value: ""
 * for a key without one. What git would refuse ends it there.
 */
void gitconfig_each(const char *text, size_t len,
		    void (*each)(const char *key, const char *value, void *data), void *data);

#endif
