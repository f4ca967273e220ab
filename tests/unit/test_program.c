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

/* What a session would be made with: the project to write, one more directory, what is sensitive. */
static struct policy plain;
static int project = -1;

static void make_policy(void)
{
	directories(at("project/"));
	directories(at("shared/"));
	policy_add(&plain, POLICY_RO, "/usr", "t", true, true, NULL);
	policy_add(&plain, POLICY_RW, at("project"), "project", false, false, NULL);
	policy_add(&plain, POLICY_RO, at("project/fixed"), "--ro", false, true, NULL);
	policy_add(&plain, POLICY_RW, at("shared"), "--rw", false, false, NULL);
	policy_add(&plain, POLICY_DENY, at("denied"), "--deny", false, true, NULL);
	policy_add_sensitive(&plain, at("vault"), NULL);
	policy_add_sensitive(&plain, at("tools/*/token*"), NULL);
	project = open(at("project"), O_PATH | O_DIRECTORY);
	ok(plain.len == 5 && plain.sensitive_len == 2 && project >= 0, "a policy");
}

/* Its rules with the program are just these, in this order; NULL ends. note is in what is said; or NULL. */
static void rules_of(const char *command, const char *const *want, const char *note)
{
	struct places places;
	struct program_context context = {.places = &places,
					  .policy = &plain,
					  .home = home,
					  .search = getenv("PATH"),
					  .start = project,
					  .project = project};
	struct program program;
	struct policy policy;
	struct lines notes = {0};
	struct fail f = {.msg = "none"};
	size_t i;

	policy_init(&policy);
	if (!ok(program_find(command, context.search, project, &program), "%s is found",
		Q(command)))
		return;
	ok(places_open(&plain, &places, &f) == 0 && !program_planted(&program, project, &places) &&
		   program_grant(&program, &context, &policy, &notes, &f) == 0,
	   "it is nobody's else (%s)", f.msg);
	for (i = 0; i < policy.len && want[i]; i++)
		is_str(policy.rules[i].path, at(want[i]), "with %s", want[i]);
	if (!ok(i == policy.len && !want[i], "and with no more (%zu)", policy.len))
		for (; i < policy.len; i++)
			printf("# %s\n", policy.rules[i].path);
	ok(note ? notes.len == 1 && strstr(notes.list[0], note) : !notes.len, "what is said: %s",
	   notes.len ? notes.list[0] : "nothing");
	lines_done(&notes);
	places_done(&places);
	program_done(&program);
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
	script("solo/node_modules/x/node_modules/.bin/tool", "#!/bin/sh\n");
	script("node_modules/x/cli.js", "#!/bin/sh\n");
	setenv("PATH", at(".local/bin"), 1);
	rules_of("claude", (const char *const[]){".local/share/claude/versions/2.1", NULL}, NULL);
	rules_of("aider", (const char *const[]){".local/pipx/venvs/aider/bin/aider", NULL}, NULL);
	rules_of("codex", (const char *const[]){".npm-global/lib/node_modules", NULL}, NULL);
	rules_of(at("solo/node_modules/x/node_modules/.bin/tool"),
		 (const char *const[]){"solo/node_modules", NULL}, NULL);
	rules_of(at("node_modules/x/cli.js"), (const char *const[]){"node_modules", NULL}, NULL);
	rules_of("/bin/true", (const char *const[]){NULL}, NULL);
	script("denied/tool", "\x7f"
			      "ELF");
	rules_of(at("denied/tool"), (const char *const[]){NULL}, NULL);
}

static void test_interpreter(void)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s:%s", at(".local/bin"), at(".nvm/versions/node/v22/bin"));
	setenv("PATH", path, 1);
	rules_of("codex",
		 (const char *const[]){".npm-global/lib/node_modules", ".nvm/versions/node/v22",
				       NULL},
		 NULL);
	script(".bun/bin/bun", "\x7f"
			       "ELF");
	script("one/run", "#!/usr/bin/env bun\n");
	snprintf(path, sizeof(path), "%s:%s", at("one"), at(".bun/bin"));
	setenv("PATH", path, 1);
	rules_of("run", (const char *const[]){"one/run", ".bun", NULL}, NULL);
	/* A virtual environment is where the link is, and has its mark. */
	snprintf(path, sizeof(path), "#!%s\n", at(".local/pipx/venvs/llm/bin/python"));
	script(".local/pipx/venvs/llm/bin/llm", path);
	link_to("/bin/sh", ".local/pipx/venvs/llm/bin/python");
	rules_of(at(".local/pipx/venvs/llm/bin/llm"),
		 (const char *const[]){".local/pipx/venvs/llm/bin/llm", NULL}, NULL);
	script(".local/pipx/venvs/llm/pyvenv.cfg", "home = /usr/bin\n");
	rules_of(at(".local/pipx/venvs/llm/bin/llm"),
		 (const char *const[]){".local/pipx/venvs/llm/bin/llm", ".local/pipx/venvs/llm",
				       NULL},
		 NULL);
	/* A script that runs itself. */
	snprintf(path, sizeof(path), "#!%s\n", at("one/itself"));
	script("one/itself", path);
	rules_of(at("one/itself"), (const char *const[]){"one/itself", NULL}, NULL);
}

/* The interpreter PREFIX/bin/NAME of PREFIX/bin/run: which rules, and what is said. */
static void prefix(const char *dir, const char *const *want, const char *note)
{
	char name[128], text[600];

	snprintf(name, sizeof(name), "%s/bin/it", dir);
	script(name, "\x7f"
		     "ELF");
	snprintf(text, sizeof(text), "#!%s\n", at(name));
	snprintf(name, sizeof(name), "%s/bin/run", dir);
	script(name, text);
	rules_of(at(name), want, note);
}

static void test_exposed(void)
{
	script(".config/gcloud/x", "");
	script("vault/x", "");
	prefix("tools/a", (const char *const[]){"tools/a/bin/run", "tools/a", NULL}, NULL);
	script("tools/b/token.json", "");
	prefix("tools/b", (const char *const[]){"tools/b/bin/run", "tools/b/bin/it", NULL},
	       "is or holds secrets");
	prefix("vault/sub", (const char *const[]){"vault/sub/bin/run", "vault/sub/bin/it", NULL},
	       "is or holds secrets");
	prefix(".local", (const char *const[]){".local/bin/run", ".local/bin/it", NULL},
	       "what other programs keep");
	prefix(".config", (const char *const[]){".config/bin/run", ".config/bin/it", NULL},
	       "what no agent is to have");
	prefix(".", (const char *const[]){"bin/run", "bin/it", NULL}, "the project");
}

static bool found(const char *command, const char *search)
{
	struct program program;

	if (!program_find(command, search, project, &program))
		return false;
	program_done(&program);
	return true;
}

static void test_found(void)
{
	char path[600], longest[5000];
	struct program program;

	setenv("PATH", at("one"), 1);
	ok(!found("nothing", getenv("PATH")), "what is not there is not found");
	ok(!found("", getenv("PATH")), "nor is nothing");
	ok(!found(at("one"), NULL), "nor a directory");
	ok(!found("codex", NULL) && found("sh", NULL), "without a PATH it is the system's");
	ok(!found("codex", ""), "an empty one is the working directory");
	ok(mkfifo(at("one/fifo"), 0755) == 0 && !found(at("one/fifo"), NULL), "nor is a fifo one");
	script("two/tool", "x");
	script("one/tool", "x");
	chmod(at("one/tool"), 0644);
	snprintf(path, sizeof(path), "%s:/nowhere:%s:%s", at("one"), at("two/tool"), at("two"));
	ok(program_find("tool", path, project, &program) &&
		   strcmp(program.file, at("two/tool")) == 0,
	   "what cannot be executed is passed over");
	program_done(&program);
	link_to("loop", "one/loop");
	ok(!found(at("one/loop"), NULL), "a link to itself ends");
	for (unsigned int i = 0; i < 41; i++) {
		char from[32], to[32];

		snprintf(from, sizeof(from), "chain/%u", i);
		snprintf(to, sizeof(to), "%u", i + 1);
		link_to(to, from);
	}
	script("chain/41", "x");
	ok(found(at("chain/1"), NULL) && !found(at("chain/0"), NULL), "forty links are followed");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ok(!found(longest, getenv("PATH")) && !found("x", longest), "a name too long is none");
	longest[0] = '/';
	ok(!found(longest, NULL), "nor is a path");
	script("one/a\nb", "x");
	ok(program_find("a\nb", getenv("PATH"), project, &program) &&
		   strcmp(program.name, "a\nb") == 0 &&
		   strcmp(program_real_name(&program), "a\nb") == 0,
	   "a name with a newline is a name");
	program_done(&program);
	rules_of("a\nb", (const char *const[]){"one/a\nb", NULL}, NULL);
	/* Relative is relative to where the command starts, not to where its user stands. */
	script("project/bin/inner", "x");
	ok(found("bin/inner", NULL) && found("./bin/inner", NULL) && found("inner", "bin") &&
		   !found("inner", ""),
	   "relative names are the project's");
	snprintf(path, sizeof(path), "%s/bin:", at("project"));
	ok(found("inner", path) && found("../one/itself", NULL), "also out of it");
}

static void planted(const char *command, const char *search, bool want)
{
	struct places places;
	struct program program;

	if (!ok(program_find(command, search, project, &program) &&
			places_open(&plain, &places, NULL) == 0,
		"found: %s", Q(command)))
		return;
	ok(program_planted(&program, project, &places) == want, "%s: %s", Q(command),
	   want ? "a session could have put it there" : "no session could");
	places_done(&places);
	program_done(&program);
}

static void test_planted(void)
{
	script("project/bin/codex", "#!/bin/sh\n");
	script("project/fixed/codex", "#!/bin/sh\n");
	script("shared/bin/codex", "#!/bin/sh\n");
	link_to("../../one/itself", "project/bin/out");
	link_to("../../one", "project/bin/dir");
	link_to("../project/bin/codex", "solo/in");
	link_to("../project/bin/out", "solo/through");
	link_to("../project/bin/dir", "solo/dir");
	link_to("../project/bin", "solo/bin");
	planted(at("one/itself"), NULL, false);
	planted("/bin/sh", NULL, false);
	planted(at("project/bin/codex"), NULL, true);
	planted("bin/codex", NULL, true);
	planted("codex", at("project/bin"), true);
	planted("codex", "bin", true);
	planted(at("project/fixed/codex"), NULL, true);
	planted(at("shared/bin/codex"), NULL, true);
	planted(at("project/bin/out"), NULL, true);
	planted(at("project/bin/dir/itself"), NULL, true);
	planted(at("project/bin/../../one/itself"), NULL, true);
	planted(at("solo/in"), NULL, true);
	planted(at("solo/through"), NULL, true);
	planted(at("solo/dir/itself"), NULL, true);
	planted("out", at("solo/bin"), true);
	planted("../one/itself", NULL, true);
}

/* An interpreter that a session could have put there has no rule, and nothing behind it. */
static void test_planted_interpreter(void)
{
	char path[1100];

	link_to("../../tools/a/bin/it", "project/bin/node");
	snprintf(path, sizeof(path), "%s:%s", at("project/bin"), at(".npm-global/bin"));
	setenv("PATH", path, 1);
	unlink(at("project/bin/codex"));
	rules_of("codex", (const char *const[]){".npm-global/lib/node_modules", NULL},
		 "is in reach of a session");
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
			   strstr(f.hint, "claude, claude-sandbox, codex"),
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
	make_policy();
	test_installed();
	test_interpreter();
	test_found();
	test_planted();
	test_exposed();
	test_planted_interpreter();
	test_profiles();
	snprintf(command, sizeof(command), "rm -r %s", home);
	setenv("PATH", "/usr/bin:/bin", 1);
	policy_done(&plain);
	return system(command) != 0 || tap_done();
}
