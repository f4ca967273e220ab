/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile.c - what new and run know of the program that the session is for: --profile, or by the command
 * that run is given; caches by name; the ssh agent; who the users are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profile.h"
#include "program.h"
#include "util.h"
#include "verbs.h"

#define NO_PROFILE "none"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* As typed, else as what it leads to is called: ~/.local/bin/agent may be a link to codex. */
static int find_profile(const char *command, const char *file, const struct conf_context *context,
			char *out_name, struct fail *f)
{
	cleanup_free char *real = realpath(file, NULL);

	if (profile_find(base_name(command), context, out_name, f))
		return -1;
	return out_name[0] || !real ? 0 : profile_find(base_name(real), context, out_name, f);
}

/*
 * By its command, unless that lies in the project: a session may have put it there under a name that
 * brings an agent's state with it.
 */
static int add_for_command(struct creation *creation, const char *command, bool find,
			   const struct conf_context *context, const struct stat *project,
			   struct fail *f)
{
	char file[AL_PATH_MAX], name[PROFILE_NAME_MAX + 1];

	if (!program_find(command, file, sizeof(file)))
		return 0; /* exec has the better sentence */
	if (program_in(file, project)) {
		if (find && find_profile(command, file, context, name, f) == 0 && name[0])
			warn("no profile: '%s' lies in the project (--profile %s if it is meant)",
			     Q(command), name);
		return 0;
	}
	if (find && find_profile(command, file, context, name, f))
		return -1;
	if (find && name[0] &&
	    profile_read(PROFILES, name, context, &creation->policy, &creation->profile, f))
		return -1;
	return program_add_rules(file, context->home, &creation->policy, f);
}

int add_profiles(struct creation *creation, char *const *names, size_t len, const char *command,
		 const struct conf_context *context, const struct stat *project, struct fail *f)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(names[i], NO_PROFILE) != 0 &&
		    profile_read(PROFILES, names[i], context, &creation->policy, &creation->profile,
				 f))
			return -1;
	return command ? add_for_command(creation, command, !len, context, project, f) : 0;
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
