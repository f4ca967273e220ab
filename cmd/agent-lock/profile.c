/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile.c - what new and run know of the program that the session is for: --profile, or by the command
 * that run is given; caches by name; the ssh agent; who the users are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"
#include "profile.h"
#include "program.h"
#include "util.h"
#include "verbs.h"

#define NO_PROFILE "none"

int add_profiles(struct creation *creation, char *const *names, size_t len,
		 const struct conf_context *context, struct fail *f)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(names[i], NO_PROFILE) == 0 && len > 1)
			return fail(f, 0, "--profile " NO_PROFILE ": and a profile as well");
		if (strcmp(names[i], NO_PROFILE) != 0 &&
		    profile_read(PROFILES, names[i], context, &creation->policy, &creation->profile,
				 f))
			return -1;
	}
	return 0;
}

/* The program of run's command, where it was found, and from where. */
struct seen {
	struct program program;
	int start; /* the directory that the command starts in */
	char *search;
};

/* The PATH that the command gets: execvp(3) would look there, inside. Owned; NULL: none. */
static char *path_of(const struct policy *policy)
{
	cleanup_free char **variables = environment_make(policy, environ, NULL, NULL);

	for (char **at = variables; at && *at; at++)
		if (strncmp(*at, "PATH=", 5) == 0)
			return strdup(*at + 5);
	return NULL;
}

/* By this policy; also when that cannot be told. */
static bool is_planted(const struct seen *seen, const struct policy *policy)
{
	struct places places;
	bool planted;

	if (places_open(policy, &places, NULL))
		return true;
	planted = program_planted(&seen->program, seen->start, &places);
	places_done(&places);
	return planted;
}

/* As typed, else as what it leads to is called: ~/.local/bin/agent may be a link to codex. */
static int find_profile(const struct seen *seen, const struct conf_context *context, char *out_name,
			struct fail *f)
{
	if (profile_find(seen->program.name, context, out_name, f))
		return -1;
	return out_name[0] ? 0
			   : profile_find(program_real_name(&seen->program), context, out_name, f);
}

/*
 * Under the name of an agent a session may have put something else, which would get that agent's state.
 * What the profile itself lets a session write counts too: an earlier one had it.
 */
static int choose(struct creation *creation, const struct composition *composition,
		  const struct seen *seen, const char *command, size_t *own, struct fail *f)
{
	char name[PROFILE_NAME_MAX + 1];

	if (find_profile(seen, &composition->context, name, f))
		return -1;
	if (!name[0])
		return 0;
	if (!is_planted(seen, &creation->policy)) {
		if (compose(creation, composition, name, own, f))
			return -1;
		if (!is_planted(seen, &creation->policy))
			return 0;
		if (compose(creation, composition, NULL, own, f))
			return -1;
	}
	warn("no profile: '%s' lies where a session may write (--profile %s if it is meant)",
	     Q(command), name);
	return 0;
}

/* What was appended from there on goes before what is later and so counts more. */
static int move_rules(struct policy *policy, size_t from, size_t to, struct fail *f)
{
	size_t len = policy->len - from, size = sizeof(*policy->rules);
	cleanup_free struct policy_rule *moved = calloc(len + 1, size);

	if (!moved)
		return fail(f, ENOMEM, "cannot hold the rules of a program");
	memcpy(moved, policy->rules + from, len * size);
	memmove(policy->rules + to + len, policy->rules + to, (from - to) * size);
	memcpy(policy->rules + to, moved, len * size);
	return 0;
}

static int grant(struct creation *creation, const struct composition *composition,
		 const struct seen *seen, const struct places *places, size_t own, struct fail *f)
{
	const struct program_context context = {
		.places = places,
		.policy = &creation->policy,
		.home = composition->context.home,
		.search = seen->search,
		.start = seen->start,
		.project = composition->project,
	};
	size_t from = creation->policy.len;
	struct lines notes = {0};
	int ret = program_grant(&seen->program, &context, &creation->policy, &notes, f) ||
				  move_rules(&creation->policy, from, own, f)
			  ? -1
			  : 0;

	for (size_t i = 0; i < notes.len && !ret; i++)
		warn("%s", notes.list[i]);
	lines_done(&notes);
	return ret;
}

static int adopt(struct creation *creation, const struct composition *composition,
		 const struct seen *seen, const char *command, size_t own, struct fail *f)
{
	struct places places;
	int ret = 0;

	if (!composition->profiles_len && choose(creation, composition, seen, command, &own, f))
		return -1;
	if (places_open(&creation->policy, &places, f))
		return -1;
	if (!program_planted(&seen->program, seen->start, &places))
		ret = grant(creation, composition, seen, &places, own, f);
	places_done(&places);
	creation->program = strdup(seen->program.file);
	return creation->program || ret ? ret : fail(f, ENOMEM, "cannot hold the program's name");
}

int adopt_program(struct creation *creation, const struct composition *composition,
		  const char *command, size_t own, struct fail *f)
{
	bool here = starts_inside(creation->directory);
	cleanup_fd int start = openat(here ? AT_FDCWD : composition->project, ".",
				      O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *search = path_of(&creation->policy);
	struct seen seen = {.start = start, .search = search};
	int ret;

	if (start < 0)
		return fail(f, errno, "cannot open the directory that the command starts in");
	if (!program_find(command, search, start, &seen.program))
		return 0; /* exec has the better sentence */
	ret = adopt(creation, composition, &seen, command, own, f);
	program_done(&seen.program);
	return ret;
}

void say_hints(const struct profile *profile)
{
	for (size_t i = 0; i < profile->hints_len; i++)
		fprintf(stderr, "agent-lock: %s\n", profile->hints[i]);
}

int add_caches(struct policy *policy, const char *list, const struct conf_context *context,
	       struct fail *f)
{
	cleanup_free char *copy = strdup(list);
	char *rest = copy, *name;

	if (!copy)
		return fail(f, ENOMEM, "cannot read --cache");
	while ((name = strsep(&rest, ",")))
		if (profile_read(CACHES, name, context, policy, NULL, f))
			return -1;
	return 0;
}

int add_ssh_agent(struct policy *policy, struct fail *f)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	struct stat st;

	if (!path || path[0] != '/')
		return fail(f, 0, "--ssh-agent: SSH_AUTH_SOCK names no socket");
	if (stat(path, &st))
		return fail(f, errno, "--ssh-agent: cannot look at '%s'", Q(path));
	if (!S_ISSOCK(st.st_mode))
		return fail(f, 0, "--ssh-agent: '%s' is no socket", Q(path));
	return policy_add(policy, POLICY_CONNECT, path, "--ssh-agent", false, false, f) ||
			       policy_add_variable(policy, POLICY_PASS, "SSH_AUTH_SOCK", f)
		       ? -1
		       : 0;
}

int add_identity(struct policy *policy, struct fail *f)
{
	return policy_add(policy, POLICY_RO, "/etc/passwd", "--identity", false, false, f) ||
			       policy_add(policy, POLICY_RO, "/etc/group", "--identity", false,
					  false, f)
		       ? -1
		       : 0;
}
