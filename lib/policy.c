/* SPDX-License-Identifier: GPL-2.0-only */
/* policy.c - see policy.h */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/agent_lock.h"
#include "policy.h"
#include "util.h"

static const struct {
	const char *name;
	uint32_t rights;
} RIGHTS[] = {
	/* No connect in rw: writing a directory must not be a way to the docker or D-Bus socket in
	   it. */
	[POLICY_RW] = {"rw", AL_READ | AL_WRITE | AL_EXEC},
	[POLICY_RO] = {"ro", AL_READ | AL_EXEC},
	[POLICY_LIST] = {"list", AL_READ | AL_SELF},
	[POLICY_CONNECT] = {"connect", AL_CONNECT},
	[POLICY_DENY] = {"deny", 0},
	[POLICY_HIDE] = {"hide", AL_HIDE},
	[POLICY_SCRATCH] = {"scratch", AL_READ | AL_WRITE | AL_EXEC | AL_SCRATCH},
	[POLICY_GUARD] = {"guard", AL_READ | AL_EXEC},
	[POLICY_STATE] = {"state", AL_READ | AL_WRITE | AL_EXEC},
};
_Static_assert(ARRAY_SIZE(RIGHTS) == POLICY_NRIGHTS, "each right has a name");

static const char *const VARIABLE_KINDS[] = {
	[POLICY_PASS] = "pass",
	[POLICY_DROP] = "drop",
	[POLICY_SET] = "set",
};
_Static_assert(ARRAY_SIZE(VARIABLE_KINDS) == POLICY_NVARIABLES, "each kind has a name");

void policy_init(struct policy *policy)
{
	*policy = (struct policy){0};
}

void policy_done(struct policy *policy)
{
	for (size_t i = 0; i < policy->len; i++) {
		free(policy->rules[i].path);
		free(policy->rules[i].origin);
	}
	for (size_t i = 0; i < policy->sensitive_len; i++)
		free(policy->sensitive[i]);
	for (size_t i = 0; i < policy->variables_len; i++)
		free(policy->variables[i].text);
	free(policy->rules);
	free(policy->sensitive);
	free(policy->variables);
	policy_init(policy);
}

int policy_add(struct policy *policy, enum policy_right right, const char *path, const char *origin,
	       bool system, bool optional, struct fail *f)
{
	cleanup_free char *path_copy = NULL, *origin_copy = NULL;
	struct policy_rule *rules;

	if (path[0] != '/')
		return fail(f, EINVAL, "cannot add rule '%s': expected an absolute path", Q(path));
	if (strlen(path) >= PATH_MAX)
		return fail(f, ENAMETOOLONG, "cannot add rule '%s'", Q(path));
	if (policy->len >= POLICY_MAX_RULES)
		return fail(f, 0, "cannot add rule '%s': a session has at most %d", Q(path),
			    POLICY_MAX_RULES);
	path_copy = strdup(path);
	origin_copy = strdup(origin ? origin : "");
	rules = reallocarray(policy->rules, policy->len + 1, sizeof(*rules));
	if (rules)
		policy->rules = rules;
	if (!path_copy || !origin_copy || !rules)
		return fail(f, ENOMEM, "cannot add rule '%s'", Q(path));
	rules[policy->len++] = (struct policy_rule){
		.right = right,
		.system = system,
		.optional = optional,
		.path = path_copy,
		.origin = origin_copy,
	};
	path_copy = origin_copy = NULL;
	return 0;
}

int policy_add_sensitive(struct policy *policy, const char *pattern, struct fail *f)
{
	size_t len = strlen(pattern);
	char **sensitive;
	char *copy;

	/* A path has no slash at its end, so a pattern with one would never match. */
	while (len && pattern[len - 1] == '/')
		len--;
	if (!len || (pattern[0] != '/' && memchr(pattern, '/', len)))
		return fail(f, EINVAL,
			    "cannot add pattern '%s': expected a name or an absolute path",
			    Q(pattern));
	if (len >= PATH_MAX)
		return fail(f, ENAMETOOLONG, "cannot add pattern '%s'", Q(pattern));
	if (policy->sensitive_len >= POLICY_MAX_RULES)
		return fail(f, 0, "cannot add pattern '%s': a session has at most %d", Q(pattern),
			    POLICY_MAX_RULES);
	sensitive = reallocarray(policy->sensitive, policy->sensitive_len + 1, sizeof(*sensitive));
	if (sensitive)
		policy->sensitive = sensitive;
	copy = sensitive ? strndup(pattern, len) : NULL;
	if (!copy)
		return fail(f, ENOMEM, "cannot add pattern '%s'", Q(pattern));
	sensitive[policy->sensitive_len++] = copy;
	return 0;
}

/* POSIX asks for no digit in front, and = ends a name. */
static bool good_variable(enum policy_variable_kind kind, const char *text)
{
	static const char LETTERS[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t len = strspn(text, LETTERS);

	if (kind == POLICY_SET)
		return len && text[len] == '=' && !(text[0] >= '0' && text[0] <= '9');
	while (text[len] && strchr("*?[]!-", text[len]))
		len += 1 + strspn(text + len + 1, LETTERS);
	return len && !text[len];
}

int policy_add_variable(struct policy *policy, enum policy_variable_kind kind, const char *text,
			struct fail *f)
{
	struct policy_variable *variables;
	char *copy;

	if (!good_variable(kind, text))
		return fail(f, EINVAL, "cannot add variable '%s': expected %s", Q(text),
			    kind == POLICY_SET ? "NAME=VALUE" : "a name or a pattern of names");
	if (strlen(text) >= PATH_MAX)
		return fail(f, ENAMETOOLONG, "cannot add variable '%s'", Q(text));
	if (policy->variables_len >= POLICY_MAX_RULES)
		return fail(f, 0, "cannot add variable '%s': a session has at most %d", Q(text),
			    POLICY_MAX_RULES);
	variables = reallocarray(policy->variables, policy->variables_len + 1, sizeof(*variables));
	if (variables)
		policy->variables = variables;
	copy = variables ? strdup(text) : NULL;
	if (!copy)
		return fail(f, ENOMEM, "cannot add variable '%s'", Q(text));
	variables[policy->variables_len++] = (struct policy_variable){.kind = kind, .text = copy};
	return 0;
}

static bool said_later(const struct policy *policy, size_t index)
{
	const struct policy_rule *rule = &policy->rules[index];

	for (size_t i = index + 1; i < policy->len; i++)
		if (policy->rules[i].right == rule->right &&
		    strcmp(policy->rules[i].path, rule->path) == 0)
			return true;
	return false;
}

static bool said_before(const struct policy *policy, size_t kept, const char *pattern)
{
	for (size_t i = 0; i < kept; i++)
		if (strcmp(policy->sensitive[i], pattern) == 0)
			return true;
	return false;
}

static bool variable_said_later(const struct policy *policy, size_t index)
{
	const struct policy_variable *variable = &policy->variables[index];

	for (size_t i = index + 1; i < policy->variables_len; i++)
		if (policy->variables[i].kind == variable->kind &&
		    strcmp(policy->variables[i].text, variable->text) == 0)
			return true;
	return false;
}

static void tidy_variables(struct policy *policy)
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->variables_len; i++) {
		if (variable_said_later(policy, i))
			free(policy->variables[i].text);
		else
			policy->variables[kept++] = policy->variables[i];
	}
	policy->variables_len = kept;
}

void policy_tidy(struct policy *policy)
{
	size_t kept = 0;

	tidy_variables(policy);

	for (size_t i = 0; i < policy->len; i++) {
		if (said_later(policy, i)) {
			free(policy->rules[i].path);
			free(policy->rules[i].origin);
			continue;
		}
		policy->rules[kept++] = policy->rules[i];
	}
	policy->len = kept;
	kept = 0;
	for (size_t i = 0; i < policy->sensitive_len; i++) {
		if (said_before(policy, kept, policy->sensitive[i]))
			free(policy->sensitive[i]);
		else
			policy->sensitive[kept++] = policy->sensitive[i];
	}
	policy->sensitive_len = kept;
}

/* Does pattern match path or a directory above it? Cuts path for each try and mends it. */
/* No wildcards: most patterns have none, and fnmatch(3) is slow. */
static bool is_literal(const char *pattern)
{
	return !strpbrk(pattern, "*?[\\");
}

static bool is_ancestor(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return strncmp(dir, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool matches_ancestor(const char *pattern, char *path)
{
	if (is_literal(pattern))
		return is_ancestor(pattern, path);
	for (char *at = path + 1; *path; at++) {
		char cut = *at;
		bool match;

		if (cut != '/' && cut != '\0')
			continue;
		*at = '\0';
		match = fnmatch(pattern, path, FNM_PATHNAME) == 0;
		*at = cut;
		if (match || !cut)
			return match;
	}
	return false;
}

static bool matches_name(const char *pattern, const char *name)
{
	return is_literal(pattern) ? strcmp(pattern, name) == 0 : fnmatch(pattern, name, 0) == 0;
}

bool policy_sensitive(const struct policy *policy, const char *path)
{
	char copy[PATH_MAX];
	size_t len = strlen(path);
	const char *name;

	/* Of what the kernel cannot name in full the end is kept: that is where the name is. */
	if (len >= sizeof(copy)) {
		path += len - (sizeof(copy) - 1);
		len = sizeof(copy) - 1;
	}
	while (len > 1 && path[len - 1] == '/')
		len--;
	memcpy(copy, path, len);
	copy[len] = '\0';
	name = strrchr(copy, '/');
	name = name ? name + 1 : copy;
	for (size_t i = 0; i < policy->sensitive_len; i++) {
		const char *pattern = policy->sensitive[i];

		if (strchr(pattern, '/') ? matches_ancestor(pattern, copy)
					 : matches_name(pattern, name))
			return true;
	}
	return false;
}

uint32_t policy_flags(const struct policy *policy)
{
	return (policy->audit ? AL_AUDIT : 0) | (policy->localhost ? AL_LOCALHOST : 0) |
	       (policy->userns ? AL_USERNS : 0);
}

void policy_set_flags(struct policy *policy, uint32_t flags)
{
	policy->audit = flags & AL_AUDIT;
	policy->localhost = flags & AL_LOCALHOST;
	policy->userns = flags & AL_USERNS;
}

uint32_t policy_rights(enum policy_right right)
{
	/* 0 is deny: what is not a right gives none. */
	return right < POLICY_NRIGHTS ? RIGHTS[right].rights : 0;
}

const char *policy_right_name(enum policy_right right)
{
	return right < POLICY_NRIGHTS ? RIGHTS[right].name : "unknown";
}

const char *policy_variable_name(enum policy_variable_kind kind)
{
	return kind < POLICY_NVARIABLES ? VARIABLE_KINDS[kind] : "unknown";
}

bool policy_right_parse(const char *name, enum policy_right *out_right)
{
	for (size_t i = 0; i < ARRAY_SIZE(RIGHTS); i++) {
		if (strcmp(name, RIGHTS[i].name) != 0)
			continue;
		*out_right = (enum policy_right)i;
		return true;
	}
	return false;
}

/* What follows is read as it is. */
static void print_text(const char *value, FILE *out)
{
	char text[4 * PATH_MAX];

	/*
	 * A pattern may begin with what conf_read() would take for a comment, a home directory or a
	 * variable.
	 */
	if (*value && strchr(";#~$", *value))
		fprintf(out, "\\x%02x", (unsigned int)*value++);
	(void)escape(value, strlen(value), text,
		     sizeof(text)); /* fits: the policy_add*() refuse PATH_MAX bytes */
	/* Nor is a variable in it one. */
	for (const char *at = text; *at; at++)
		fputs(*at == '$' ? "\\x24" : (char[]){*at, '\0'}, out);
	putc('\n', out);
}

static void print_value(const char *key, const char *value, FILE *out)
{
	fprintf(out, "%s = ", key);
	print_text(value, out);
}

void policy_print_path(enum policy_right right, const char *path, FILE *out)
{
	print_value(policy_right_name(right), path, out);
}

static void print_variables(const struct policy *policy, FILE *out)
{
	if (policy->variables_len)
		fprintf(out, "\n[environment]\n");
	for (size_t i = 0; i < policy->variables_len; i++) {
		const struct policy_variable *variable = &policy->variables[i];
		const char *name = policy_variable_name(variable->kind), *value = variable->text;

		if (variable->kind != POLICY_SET) {
			fprintf(out, "%s = %s\n", name, value);
			continue;
		}
		value = strchr(value, '=') + 1;
		fprintf(out, "%s = %.*s", name, (int)(value - variable->text), variable->text);
		print_text(value, out);
	}
}

void policy_print(const struct policy *policy, FILE *out)
{
	const char *section = NULL;

	fprintf(out, "[session]\nmode = %s\nlocalhost = %s\nuserns = %s\n",
		policy->audit ? "audit" : "enforce", policy->localhost ? "any" : "own",
		policy->userns ? "allow" : "deny");
	/* Those that are not there too: they may be in the base that this is read over. */
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		char text[LIMIT_TEXT];

		limit_text((enum limit)i, policy->limits.of[i], text);
		fprintf(out, "%s = %s\n", limit_name((enum limit)i), text);
	}
	for (size_t i = 0; i < policy->len; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		const char *wants = rule->system ? "system" : rule->optional ? "optional" : "paths";

		if (strcmp(rule->origin, POLICY_OWN_LOG) == 0)
			continue;
		/* Order has a meaning, so rules are not sorted by section. */
		if (!section || strcmp(section, wants) != 0)
			fprintf(out, "\n[%s]\n", wants);
		section = wants;
		policy_print_path(rule->right, rule->path, out);
	}
	print_variables(policy, out);
	if (policy->sensitive_len)
		fprintf(out, "\n[sensitive]\n");
	for (size_t i = 0; i < policy->sensitive_len; i++)
		print_value("path", policy->sensitive[i], out);
}
