/* SPDX-License-Identifier: GPL-2.0-only */
/* amend.c - what allow and deny share: more rules for a session that is there. */
#include <errno.h>
#include <string.h>

#include "util.h"
#include "verbs.h"

/*
 * What a rule's path led to is what the rule is about and what is shown: whoever is in the session
 * may have put a link there.
 */
static int name_objects(struct policy *policy, const struct objects *objects, struct fail *f)
{
	for (size_t rule = 0; rule < policy->len; rule++) {
		const struct object *object = objects->list;
		char *path;

		/* The first one is the rule's own; there is one, for none is optional. */
		while (object->rule != rule)
			object++;
		path = strdup(object->path);
		if (!path)
			return fail(f, ENOMEM, "cannot hold the rules");
		free(policy->rules[rule].path);
		policy->rules[rule].path = path;
	}
	return 0;
}

static void print_rules(const struct policy *policy)
{
	for (size_t i = 0; i < policy->len; i++)
		printf("%s %s\n", policy_right_name(policy->rules[i].right),
		       Q(policy->rules[i].path));
}

static int make(int daemon, struct amendment *amendment, struct fail *f)
{
	struct objects objects;
	int ret;

	if (objects_resolve(&amendment->policy, &objects, f))
		return -1;
	ret = (!amendment->force && refuse_exposure(&objects, caller_home(), f)) ||
			      name_objects(&amendment->policy, &objects, f) ||
			      client_amend(daemon, amendment->session, &amendment->policy, &objects,
					   f)
		      ? -1
		      : 0;
	objects_done(&objects);
	return ret;
}

int amendment_make(struct amendment *amendment)
{
	cleanup_fd int daemon = daemon_connect();
	struct fail f = {0};

	if (daemon < 0)
		return EXIT_REFUSED;
	if (make(daemon, amendment, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	print_rules(&amendment->policy);
	return EXIT_DONE;
}
