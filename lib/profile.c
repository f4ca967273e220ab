/* SPDX-License-Identifier: GPL-2.0-only */
/* profile.c - see profile.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "util.h"

/* Part of a path: so no slash and no dot. */
static bool good_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len && len <= PROFILE_NAME_MAX && !name[len];
}

struct names {
	char **list;
	size_t len;
};

static void add_name(const char *name, void *data)
{
	struct names *names = data;
	char **more, *copy;

	for (size_t i = 0; i < names->len; i++)
		if (strcmp(names->list[i], name) == 0)
			return;
	more = good_name(name) ? reallocarray(names->list, names->len + 1, sizeof(*more)) : NULL;
	if (!more)
		return;
	names->list = more;
	copy = strdup(name);
	if (copy)
		more[names->len++] = copy;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct names names_of(const char *directory)
{
	struct names names = {0};

	conf_each_beside(directory, add_name, &names);
	if (names.len)
		qsort(names.list, names.len, sizeof(*names.list), by_name);
	return names;
}

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->len; i++)
		free(names->list[i]);
	free(names->list);
}

static int unknown(const char *directory, const char *name, struct fail *f)
{
	struct names names = names_of(directory);
	char list[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < names.len && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 names.list[i]);
	names_done(&names);
	fail(f, 0, "there is none of the name '%s' in %s", Q(name), directory);
	return fail_hint(f, "there are: %s", list[0] ? list : "none");
}

int profile_read(const char *directory, const char *name, const struct conf_context *context,
		 struct policy *policy, struct profile *out_profile, struct fail *f)
{
	struct conf_context here = *context;
	char file[sizeof(PROFILES) + PROFILE_NAME_MAX + sizeof("/.ini")];
	struct fail why;

	if (!good_name(name))
		return unknown(directory, name, f);
	here.profile = out_profile;
	snprintf(file, sizeof(file), "%s/%s.ini", directory, name);
	if (conf_read_beside(file, &here, policy, &why) == 0)
		return 0;
	if (why.no == ENOENT)
		return unknown(directory, name, f);
	if (f)
		*f = why;
	return -1;
}

static bool is_for(const struct profile *profile, const char *program)
{
	for (size_t i = 0; i < profile->programs_len; i++)
		if (strcmp(profile->programs[i], program) == 0)
			return true;
	return false;
}

static int two(const char *program, const char *one, const char *other, struct fail *f)
{
	fail(f, 0, "two profiles are for '%s': %s and %s", Q(program), one, other);
	return fail_hint(f, "--profile %s, or the other one", one);
}

int profile_find(const char *program, const struct conf_context *context, char *out_name,
		 struct fail *f)
{
	struct names names = names_of(PROFILES);
	int ret = 0;

	out_name[0] = '\0';
	for (size_t i = 0; i < names.len && !ret; i++) {
		struct profile profile = {0};
		struct policy unused;

		policy_init(&unused);
		ret = profile_read(PROFILES, names.list[i], context, &unused, &profile, f);
		if (!ret && is_for(&profile, program) && out_name[0])
			ret = two(program, out_name, names.list[i], f);
		else if (!ret && is_for(&profile, program))
			strcpy(out_name, names.list[i]);
		policy_done(&unused);
		profile_done(&profile);
	}
	names_done(&names);
	return ret;
}
