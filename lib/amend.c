/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * amend.c - rules that a session gets while it is there: all of them, or none.
 *
 * The new state is written beside the old one, then the kernel's rules are changed, then the new
 * state counts. Until then every failure goes back to the old one, and a daemon that starts after a
 * crash does the same (restore.c); from then on it goes on to the new one. So a rule that was
 * acknowledged holds, and one that was not is there as a whole or not at all.
 */
#include <errno.h>
#include <poll.h>

#include "session_list.h"
#include "state.h"
#include "util.h"

static int add_rules(struct policy *policy, const struct policy *more, struct fail *f)
{
	for (size_t i = 0; i < more->len; i++) {
		const struct policy_rule *rule = &more->rules[i];

		if (policy_add(policy, rule->right, rule->path, rule->origin, rule->system,
			       rule->optional, f))
			return -1;
	}
	return 0;
}

static bool has_id(const struct state *state, uint32_t id)
{
	for (size_t i = 0; i < state->len; i++)
		if (state->objects[i].id == id)
			return true;
	return false;
}

/* What only the new state knows of. */
static void drop_new_rules(struct sessions *sessions, const struct state *old,
			   const struct state *new)
{
	for (size_t i = 0; i < new->len; i++) {
		const struct state_object *object = &new->objects[i];

		if (state_find(old, object->id, object->rights, object->path))
			continue;
		if (object->rights & AL_NAMES)
			lsm_name_drop(sessions->lsm, new->slot, object->id,
				      object_name(object->path));
		if (!has_id(old, object->id))
			lsm_rule_drop(sessions->lsm, new->slot, object->id);
	}
}

#define PATIENCE 100 /* times 1 ms */

/*
 * Only memory can be missing for this, and what is there already needs little. If it is missing for
 * good nothing may run on under rules that nobody asked for.
 */
static void go_back(struct sessions *sessions, struct session *session, const struct state *old,
		    const struct state *new)
{
	bool empty;

	drop_new_rules(sessions, old, new);
	for (int i = 0; session_apply(sessions, old, NULL); i++) {
		if (i == PATIENCE) {
			session->broken = true;
			(void)session_kill(sessions, session, &empty, NULL);
			return;
		}
		poll(NULL, 0, 1);
	}
}

static int put_in_force(struct sessions *sessions, struct session *session, const struct state *old,
			const struct state *new, struct fail *f)
{
	/* Looked up by number too from now on, if a rule wants that. */
	uint32_t flags = session->flags | (new->flags &AL_NUMBERED);

	if (session_set_flags(sessions, session, flags, f) == 0 &&
	    session_apply(sessions, new, f) == 0 && state_commit(session->name, f) == 0)
		return 0;
	go_back(sessions, session, old, new);
	state_abandon(session->name);
	return -1;
}

/* The session holds what the draft held; its policy is the new state's. */
static void take_over(struct session *session, struct session *draft, struct state *new)
{
	for (size_t i = 0; i < draft->ids_len; i++)
		session->ids[session->ids_len++] = draft->ids[i];
	draft->ids_len = 0;
	new->policy.limits = session->policy.limits;
	policy_set_flags(&new->policy, new->flags);
	policy_done(&session->policy);
	session->policy = new->policy;
	policy_init(&new->policy);
}

static int amend(struct sessions *sessions, struct session *session, struct session *draft,
		 const struct state *old, struct state *new, struct fail *f)
{
	uint32_t *ids =
		reallocarray(session->ids, session->ids_len + draft->objects.len + 1, sizeof(*ids));

	if (!ids)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	session->ids = ids;
	if (session_check_rules(sessions, session->owner, draft->objects.len, f) ||
	    add_rules(&new->policy, &draft->policy, f) ||
	    session_mark(sessions, draft, (uint32_t)old->policy.len, new, f) ||
	    state_write(session->name, new, f) || put_in_force(sessions, session, old, new, f)) {
		session_unmark(sessions, draft);
		return -1;
	}
	take_over(session, draft, new);
	session_keep(sessions, session);
	return 0;
}

int session_amend(struct sessions *sessions, struct session *session, struct session *draft,
		  struct fail *f)
{
	struct state old, new;
	int ret;

	if (state_load(session->name, &old, f))
		return -1;
	if (state_load(session->name, &new, f)) {
		state_done(&old);
		return -1;
	}
	ret = amend(sessions, session, draft, &old, &new, f);
	state_done(&old);
	state_done(&new);
	return ret;
}
