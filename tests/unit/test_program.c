/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_program.c - what program.h and profile.h promise, in trees of a temporary directory: a program is
 * found with what it is installed with, and with no more than that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/profile.h"
#include "../../lib/program.h"
#include "../../lib/util.h"
#include "../tap.h"

static char home[] = "/tmp/test-program-XXXXXX";

/* Below home, with the directories above it. */
static const char *at(const char *path)
{
	static char full[8][512];
	static unsigned int next;
	char *out = full[next++ % 8];

	snprintf(out, sizeof(full[0]), "%s/%s", home, path);
	return out;
}

static void directories(const char *path)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
}

static void script(const char *path, const char *text)
{
	int fd;

	directories(at(path));
	fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ok(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		   fchmod(fd, 0755) == 0,
	   "made: %s", path);
	close(fd);
}

static void link_to(const char *target, const char *path)
{
	directories(at(path));
	ok(symlink(target, at(path)) == 0, "linked: %s", path);
}

/* The rules are just these, in this order; NULL ends. */
static void rules_of(const char *command, const char *const *want)
{
	char file[512];
	struct policy policy;
	struct fail f = {.msg = "none"};
	size_t i;

	policy_init(&policy);
	if (!ok(program_find(command, file, sizeof(file)) &&
			program_add_rules(file, home, &policy, &f) == 0,
		"%s is found (%s)", Q(command), f.msg))
		return;
	for (i = 0; i < policy.len && want[i]; i++)
		is_str(policy.rules[i].path, at(want[i]), "with %s", want[i]);
	if (!ok(i == policy.len && !want[i], "and with no more (%zu)", policy.len))
		for (; i < policy.len; i++)
			printf("# %s\n", policy.rules[i].path);
	policy_done(&policy);
}

static void test_installed(void)
{
	script(".npm-global/lib/node_modules/@openai/codex/bin/codex.js",
	       "#!/usr/bin/env -S A=1 node\n");
	link_to("../lib/node_modules/@openai/codex/bin/codex.js", ".npm-global/bin/codex");
	link_to("../../.npm-global/bin/codex", ".local/bin/codex");
	script(".nvm/versions/node/v22/bin/node", "\x7f"
						  "ELF");
	script(".local/share/claude/versions/2.1", "\x7f"
						   "ELF");
	link_to("../share/claude/versions/2.1", ".local/bin/claude");
	script(".local/pipx/venvs/aider/bin/aider", "#! \t/nowhere/python \n");
	link_to("../pipx/venvs/aider/bin/aider", ".local/bin/aider");
	script("solo/node_modules/.bin/tool", "#!/bin/sh\n");
	setenv("PATH", at(".local/bin"), 1);
	rules_of("claude", (const char *const[]){".local/share/claude/versions/2.1", NULL});
	rules_of("aider", (const char *const[]){".local/pipx/venvs/aider/bin/aider", NULL});
	rules_of("codex", (const char *const[]){".npm-global/lib/node_modules", NULL});
	rules_of(at("solo/node_modules/.bin/tool"),
		 (const char *const[]){"solo/node_modules", NULL});
}

static void test_interpreter(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s:%s", at(".local/bin"), at(".nvm/versions/node/v22/bin"));
	setenv("PATH", path, 1);
	rules_of("codex", (const char *const[]){".npm-global/lib/node_modules",
						".nvm/versions/node/v22", NULL});
	/* What is installed right below the home directory is shared with all else. */
	script(".bun/bin/bun", "\x7f"
			       "ELF");
	script("tools/run", "#!/usr/bin/env bun\n");
	snprintf(path, sizeof(path), "%s:%s", at("tools"), at(".bun/bin"));
	setenv("PATH", path, 1);
	rules_of("run", (const char *const[]){"tools/run", ".bun/bin/bun", NULL});
	script("node_modules/x/cli.js", "#!/bin/sh\n");
	snprintf(path, sizeof(path), "#!%s\n", at(".local/pipx/venvs/llm/bin/python"));
	script(".local/pipx/venvs/llm/bin/llm", path);
	link_to("/bin/sh", ".local/pipx/venvs/llm/bin/python");
	rules_of(at(".local/pipx/venvs/llm/bin/llm"),
		 (const char *const[]){".local/pipx/venvs/llm/bin/llm", ".local/pipx/venvs/llm",
				       NULL});
	rules_of(at("node_modules/x/cli.js"), (const char *const[]){"node_modules", NULL});
}

static void test_not_found(void)
{
	char file[512];

	setenv("PATH", at("solo"), 1);
	ok(!program_find("nothing", file, sizeof(file)), "what is not there is not found");
	ok(!program_find("", file, sizeof(file)), "nor is nothing");
	ok(!program_find(at("solo"), file, sizeof(file)), "nor a directory");
	unsetenv("PATH");
	ok(!program_find("codex", file, sizeof(file)), "nor anything without a PATH");
}

static void test_in_project(void)
{
	struct stat project;

	script("project/bin/codex", "#!/bin/sh\n");
	link_to("../../solo/node_modules/.bin/tool", "project/bin/out");
	link_to("../project/bin/codex", "solo/in");
	ok(stat(at("project"), &project) == 0, "a project");
	ok(program_in(at("project/bin/codex"), &project), "a program in it");
	ok(!program_in(at("project/bin/out"), &project),
	   "one that a link in it leads to is not in it");
	ok(program_in(at("solo/in"), &project), "one that a link leads to in it is");
	ok(!program_in(at("solo/nothing"), &project), "nor is one that is not there");
}

static void test_shebang(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{"#!/bin/sh\n", "/bin/sh"},
		{"#! /bin/sh -e\n", "/bin/sh"},
		{"#!/usr/bin/env node", "node"},
		{"#!/usr/bin/env -S node --x\n", "node"},
		{"#!/usr/bin/env -i A=b C= python3\n", "python3"},
		{"#!/usr/bin/env\n", NULL},
		{"#!\n", NULL},
		{"#! \t\n/bin/sh", NULL},
		{"#/bin/sh\n", NULL},
		{"", NULL},
		{"#!", NULL},
	};
	char out[SHEBANG_MAX], longest[1000];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = program_interpreter(cases[i].text, strlen(cases[i].text), out);

		ok(found == !!cases[i].want && (!found || strcmp(out, cases[i].want) == 0),
		   "the interpreter of '%s'", Q(cases[i].text));
	}
	ok(!program_interpreter("#!/bin\0/sh\n", 11, out), "none with a NUL in it");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "#!/", 3);
	ok(program_interpreter(longest, sizeof(longest), out) && strlen(out) == SHEBANG_MAX - 3,
	   "a long one is cut where the kernel cuts it");
}

/* The files that come with the program: each is read, and is chosen by its own program. */
static void test_profiles(void)
{
	static const char *const names[] = {"codex", "claude", "gemini", "opencode", "omp"};
	static const char *const bad[] = {"",	     "../agent-lock",
					  "CODEX",   "a b",
					  "nothing", "0123456789012345678901234567890123"};
	const struct conf_context context = {.home = "/home/ana", .project = "/src/web"};
	char found[PROFILE_NAME_MAX + 1];
	struct profile profile = {0};
	struct policy policy;
	struct fail f = {.msg = "none"};

	/* They are looked for beside the program: this one has a place of its own. */
	(void)symlink("../conf", "out/conf");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		f = (struct fail){.msg = "none"};
		ok(profile_find(names[i], &context, found, &f) == 0 && strcmp(found, names[i]) == 0,
		   "%s has a profile (%s)", names[i], f.msg);
	}
	ok(profile_find("sh\n", &context, found, &f) == 0 && !found[0], "sh has none");
	policy_init(&policy);
	ok(profile_read(PROFILES, "codex", &context, &policy, &profile, &f) == 0 && policy.len &&
		   profile.hints_len && profile.programs_len,
	   "one is read");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(profile_read(PROFILES, bad[i], &context, &policy, &profile, &f) == -1 &&
			   strstr(f.hint, "claude, codex"),
		   "'%s' is none: %s", Q(bad[i]), f.hint);
	ok(profile_read(CACHES, "npm", &context, &policy, NULL, &f) == 0, "a cache is read");
	ok(profile_read(PROFILES, "codex", &context, &policy, NULL, &f) == -1,
	   "[profile] is of profiles alone: %s", f.msg);
	policy_done(&policy);
	profile_done(&profile);
}

int main(void)
{
	char command[64];

	if (!mkdtemp(home))
		return 1;
	test_installed();
	test_interpreter();
	test_not_found();
	test_in_project();
	test_shebang();
	test_profiles();
	snprintf(command, sizeof(command), "rm -r %s", home);
	setenv("PATH", "/usr/bin:/bin", 1);
	return system(command) != 0 || tap_done();
}
