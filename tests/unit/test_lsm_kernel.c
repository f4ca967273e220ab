/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that lacks one of the hooks, or has it in a shape that we don't know, is refused by name
 * before anything is loaded; one whose other hooks cover it is not. Kernels are made up here from
 * the types that they would have.
 */
#include "../tap.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "lsm_kernel.h"

/* The hook with so many arguments, unless there is one of that name already. */
static void add_hook(struct btf *btf, const char *hook, int args)
{
	char name[80];
	int proto, integer = btf__find_by_name(btf, "int");

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	if (btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0)
		return;
	proto = btf__add_func_proto(btf, integer);
	for (int i = 0; i < args; i++)
		btf__add_func_param(btf, "argument", integer);
	btf__add_func(btf, name, BTF_FUNC_GLOBAL, proto);
}

/* A kernel with the first shape of each hook, but for one: without it, or with so many arguments more. */
static struct btf *kernel(const char *but, int more)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	btf__add_struct(btf, "file", 4);
	btf__add_field(btf, "f_path", integer, 0, 0);
	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		const struct lsm_program *program = &lsm_programs[i];
		bool other = but && strcmp(program->hook, but) == 0;

		if (!other)
			add_hook(btf, program->hook, program->args);
		else if (more)
			add_hook(btf, program->hook, program->args + more);
	}
	return btf;
}

static bool complete(const char *but, int more, struct fail *f)
{
	struct btf *btf = kernel(but, more);
	bool good = lsm_hooks_complete(btf, f) == 0;

	btf__free(btf);
	return good;
}

/* Can any program of this hook do without it? */
static bool covered(const char *hook)
{
	for (unsigned int i = 0; i < lsm_programs_len; i++)
		if (strcmp(lsm_programs[i].hook, hook) == 0 && lsm_programs[i].covered)
			return true;
	return false;
}

static void one_missing(void)
{
	unsigned int needed = 0, refused = 0, named = 0, spared = 0, passed = 0;

	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		const char *hook = lsm_programs[i].hook;
		struct fail f = {0};
		bool good = complete(hook, 0, &f);

		if (covered(hook)) {
			spared++;
			passed += good;
			continue;
		}
		needed++;
		refused += !good;
		named += strstr(f.msg, hook) && strstr(f.msg, "missing");
	}
	ok(needed > 60 && refused == needed, "a kernel without a hook is refused: %u of %u",
	   refused, needed);
	ok(named == needed, "and the hook is named: %u of %u", named, needed);
	ok(spared && passed == spared, "but for those that others cover: %u of %u", passed, spared);
}

/* Ten arguments more are a shape that no kernel has. */
static void one_of_another_shape(void)
{
	unsigned int refused = 0, named = 0;

	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		struct fail f = {0};

		refused += !complete(lsm_programs[i].hook, 10, &f);
		named += strstr(f.msg, lsm_programs[i].hook) && strstr(f.msg, "unknown shape");
	}
	ok(refused == lsm_programs_len, "a kernel with a hook of another shape is refused");
	ok(named == lsm_programs_len, "and the hook is named, covered or not");
}

int main(void)
{
	struct fail f = {0};

	if (ok(complete(NULL, 0, &f), "control: a kernel with all of them is taken")) {
		one_missing();
		one_of_another_shape();
	}
	return tap_done();
}
