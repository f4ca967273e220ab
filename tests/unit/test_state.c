/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session's state is read back as it was written; one that is cut short or changed is not read at
 * all.
 */
#include "../tap.h"

#include <stdlib.h>

#include "proto.h"
#include "state.h"
#include "util.h"

static char *printed(const struct state *state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	state_print(state, out);
	fclose(out);
	return text;
}

static void fill(struct state *state)
{
	state_init(state);
	state->owner = 1000;
	state->cgroup = 1ULL << 63;
	state->slot = AL_MAX_SESSIONS - 1;
	state->flags = AL_AUDIT | AL_NUMBERED | AL_USERNS | AL_LOCALHOST;
	state->created = 1800000000;
	state->directory = strdup("/home/ana/a b\nend\n=\\\x1b[2J\xff");
	policy_add(&state->policy, POLICY_RW, "/home/ana/a b\nend", "project", false, false, NULL);
	policy_add(&state->policy, POLICY_RO, "/usr", "agent-lock.ini:3", true, true, NULL);
	policy_add_sensitive(&state->policy, "*.pem", NULL);
	policy_add_variable(&state->policy, POLICY_SET, "A= b\nend\n", NULL);
	policy_add_variable(&state->policy, POLICY_PASS, "*_KEY", NULL);
	state->objects = calloc(2, sizeof(*state->objects));
	state->objects[0] = (struct state_object){
		.id = 1, .rights = 7, .rule = 0, .dev = 1, .ino = 2, .path = strdup("/x\ny")};
	state->objects[1] = (struct state_object){
		.id = UINT32_MAX,
		.rights = UINT32_MAX,
		.rule = 1,
		.dev = UINT64_MAX,
		.ino = UINT64_MAX,
		.path = strdup("/usr"),
	};
	state->len = 2;
}

static void comes_back(void)
{
	struct state state, back;
	struct fail f = {0};
	cleanup_free char *text = NULL, *again = NULL, *copy = NULL;

	fill(&state);
	text = printed(&state);
	copy = strdup(text);
	if (ok(state_parse(copy, &back, &f) == 0, "a state is read back (%s)", f.msg)) {
		again = printed(&back);
		is_str(again, text, "and is the same in every byte");
		is_str(back.directory, state.directory, "a hostile directory name comes back");
		ok(back.flags == state.flags, "and so do the flags");
		state_done(&back);
	}
	state_done(&state);
}

/* Every prefix: a state without its last line is never believed. */
static void cut_short(void)
{
	struct state state, back;
	cleanup_free char *text = NULL;
	size_t len, believed = 0;

	fill(&state);
	text = printed(&state);
	len = strlen(text);
	for (size_t i = 0; i < len - strlen("\n"); i++) {
		char *copy = strndup(text, i);

		if (state_parse(copy, &back, NULL) == 0) {
			believed += strcmp(text + i, "\n") != 0;
			state_done(&back);
		}
		free(copy);
	}
	ok(believed == 0, "none of %zu states that were cut short is believed", len);
	state_done(&state);
}

static void nonsense(void)
{
	static const char *const bad[] = {
		"",
		"agent-lock-state 2\nend\n",
		"agent-lock-state 1\nend\n",
		"agent-lock-state 1\nsession 1 2 512 0 0 /\nend\n",
		"agent-lock-state 1\nsession 4294967296 2 3 0 0 /\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nsession 1 2 3 0 0 /\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nobject 1 2 0 4 5 /x\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nrule 9 0 0 /x y\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nrule 0 0 0 x y\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 / more\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nvariable 3 A\nend\n",
		"agent-lock-state 1\nsession 1 2 3 0 0 /\nvariable 2 A\nend\n",
		"agent-lock-state 1\nsession -1 2 3 0 0 /x\\\nend\n",
		"agent-lock-state 1\nwhat\nsession 1 2 3 0 0 /\nend\n",
	};
	struct state back;
	struct fail f;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *copy = strdup(bad[i]);

		memset(&f, 0, sizeof(f));
		ok(state_parse(copy, &back, &f) == -1 && f.msg[0],
		   "nonsense %zu is refused with a reason", i);
		free(copy);
	}
}

int main(void)
{
	comes_back();
	cut_short();
	nonsense();
	return tap_done();
}
