/* SPDX-License-Identifier: GPL-2.0-only */
/* environment.c - see environment.h */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "secret.h"
#include "util.h"

#define TMPDIR_MARK "${TMPDIR}"
#define NAME_MAX_LEN 256 /* a longer name matches no pattern of people's */

static size_t name_len(const char *variable)
{
	return strcspn(variable, "=");
}

static bool is_set(const struct policy *policy, const char *variable)
{
	size_t len = name_len(variable) + 1;

	for (size_t i = 0; i < policy->variables_len; i++)
		if (policy->variables[i].kind == POLICY_SET &&
		    strncmp(policy->variables[i].text, variable, len) == 0)
			return true;
	return false;
}

static bool is_handed_in(const struct policy *policy, const char *variable)
{
	char name[NAME_MAX_LEN];
	size_t len = name_len(variable);

	if (!len || !variable[len] || len >= sizeof(name))
		return false;
	memcpy(name, variable, len);
	name[len] = '\0';
	for (size_t i = policy->variables_len; i-- > 0;) {
		const struct policy_variable *rule = &policy->variables[i];

		if (rule->kind != POLICY_SET && fnmatch(rule->text, name, 0) == 0)
			return rule->kind == POLICY_PASS;
	}
	return !secret_address(variable + len + 1);
}

/* The last of several that are set under one name counts. */
static bool is_set_later(const struct policy *policy, size_t index)
{
	struct policy rest = *policy;

	rest.variables += index + 1;
	rest.variables_len -= index + 1;
	return is_set(&rest, policy->variables[index].text);
}

/* Appends NAME=VALUE, with ${TMPDIR} replaced; returns what follows its NUL. */
static char *put(char *at, const char *text, const char *tmpdir)
{
	size_t name = name_len(text) + 1, mark = strlen(TMPDIR_MARK);

	at = mempcpy(at, text, name);
	text += name;
	if (tmpdir && strncmp(text, TMPDIR_MARK, mark) == 0) {
		at = stpcpy(at, tmpdir);
		text += mark;
	}
	return stpcpy(at, text) + 1;
}

static size_t block_size(const struct policy *policy, char *const *given, const char *tmpdir)
{
	size_t size = 0, entries = 2; /* TMPDIR, and the NULL */

	for (; given[entries - 2]; entries++)
		;
	for (size_t i = 0; i < policy->variables_len; i++, entries++)
		size += strlen(policy->variables[i].text) + (tmpdir ? strlen(tmpdir) : 0) + 1;
	return entries * sizeof(char *) + size + sizeof("TMPDIR=") + (tmpdir ? strlen(tmpdir) : 0);
}

char **environment_make(const struct policy *policy, char *const *given, const char *tmpdir,
			struct fail *f)
{
	char **block = malloc(block_size(policy, given, tmpdir));
	size_t len = 0, given_len = 0;
	char *text;

	if (!block)
		return fail(f, ENOMEM, "cannot make the environment"), NULL;
	for (; given[given_len]; given_len++)
		if (!is_set(policy, given[given_len]) && is_handed_in(policy, given[given_len]) &&
		    strncmp(given[given_len], "TMPDIR=", 7) != 0)
			block[len++] = given[given_len];
	text = (char *)(block + given_len + policy->variables_len + 2);
	if (tmpdir && !is_set(policy, "TMPDIR=")) {
		block[len++] = text;
		text = stpcpy(stpcpy(text, "TMPDIR="), tmpdir) + 1;
	}
	for (size_t i = 0; i < policy->variables_len; i++) {
		const char *set = policy->variables[i].text;

		if (policy->variables[i].kind != POLICY_SET || is_set_later(policy, i) ||
		    (!tmpdir &&
		     strncmp(strchr(set, '=') + 1, TMPDIR_MARK, strlen(TMPDIR_MARK)) == 0))
			continue;
		block[len++] = text;
		text = put(text, set, tmpdir);
	}
	block[len] = NULL;
	return block;
}

char *environment_left_out(const struct policy *policy, char *const *given)
{
	char *names = NULL;
	size_t size;
	FILE *out = open_memstream(&names, &size);
	const char *between = "";

	if (!out)
		return NULL;
	for (; *given; given++) {
		char name[4 * NAME_MAX_LEN + 1];
		size_t len = name_len(*given);

		if (!len || is_set(policy, *given) || is_handed_in(policy, *given))
			continue;
		(void)escape(*given, len < NAME_MAX_LEN ? len : NAME_MAX_LEN, name, sizeof(name));
		fprintf(out, "%s%s", between, name);
		between = ", ";
	}
	return fclose(out) ? NULL : names;
}
