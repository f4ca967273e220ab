/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gitconfig.h - reads git's configuration files, as far as rules depend on them, and copies one without the
 * secrets in it: no git is run, which would obey what it reads. The text is anybody's.
 */
#ifndef LIB_GITCONFIG_H
#define LIB_GITCONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define GITCONFIG_MAX (1 << 20) /* bytes of a file */
#define GITCONFIG_KEY 64	/* bytes of "section.key" */
#define GITCONFIG_VALUE 4096	/* bytes of a value, cut there */

/* A key, or a comment: then key is NULL. Valid during the call. */
struct gitconfig_entry {
	const char *section;	/* lower case; "" before the first one; with dots if written so */
	const char *subsection; /* NULL: none */
	const char *key;	/* lower case */
	const char *value;	/* NULL: none was given, which means true */
	const char *comment;	/* without its # or ; */
	size_t header;		/* the how-manyeth section of the file it is in */
};

/*
 * Call each for every key and comment, in order. 0; -1 where git would refuse the file (each was called
 * for what comes before), where it holds a NUL, or out of memory.
 */
int gitconfig_read(const char *text, size_t len,
		   void (*each)(const struct gitconfig_entry *entry, void *data), void *data);
/*
 * The same for keys that are in a section alone, as "section.key" in lower case and without the subsection,
 * and their value, "" for one without. Longer keys are left out.
 */
void gitconfig_each(const char *text, size_t len,
		    void (*each)(const char *key, const char *value, void *data), void *data);

/*
 * Does it hold what looks like a secret (secret.h), in a comment, too? Then out (GITCONFIG_KEY bytes) is
 * the first one's name, never its value. What cannot be read is taken for one.
 */
bool gitconfig_has_secret(const char *text, size_t len, char *out);

/* What becomes of the files that it includes. */
struct gitconfig_includes {
	/* What is put in place of a path, valid until the next call; NULL: the line is left out. */
	const char *(*replace)(const char *path, void *data);
	void *data;
	const char *dir; /* which gitdir:./ in the condition of an include stands for */
};

/*
 * The same configuration without its secrets and comments; in place of each secret a comment that names
 * it. It ends where git would refuse it. A string, owned, of *out_len bytes; NULL: out of memory. Of
 * what it returns gitconfig_has_secret() is false.
 */
char *gitconfig_filter(const char *text, size_t len, const struct gitconfig_includes *includes,
		       size_t *out_len);

/* Is it the path of an include, with a condition or without? */
bool gitconfig_is_include(const struct gitconfig_entry *entry);

#endif
