/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_conf.c - libFuzzer target: any bytes as a policy file. What is refused must leave nothing
 * behind and a message of one printable line; what is accepted must, printed, be read back as the
 * same policy.
 *
 *   clang -g -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_conf.c lib/conf.c
 * lib/policy.c lib/util.c \ lib/fail.c -linih -o fuzz_conf && ./fuzz_conf -max_len=8192
 * tests/fuzz/corpus/conf
 */
#include <stdint.h>
#include <string.h>

#include "../../lib/conf.h"
#include "../../lib/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
	if (!good)
		abort();
}

static void compare(const struct policy *a, const struct policy *b)
{
	require(a->len == b->len && a->sensitive_len == b->sensitive_len && a->audit == b->audit);
	require(policy_flags(a) == policy_flags(b));
	require(memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0);
	for (size_t i = 0; i < a->len; i++) {
		const struct policy_rule *x = &a->rules[i], *y = &b->rules[i];

		require(x->right == y->right && x->system == y->system &&
			x->optional == y->optional);
		require(x->path[0] == '/' && strcmp(x->path, y->path) == 0);
	}
	for (size_t i = 0; i < a->sensitive_len; i++)
		require(strcmp(a->sensitive[i], b->sensitive[i]) == 0);
	require(a->variables_len == b->variables_len);
	for (size_t i = 0; i < a->variables_len; i++) {
		require(a->variables[i].kind == b->variables[i].kind);
		require(strcmp(a->variables[i].text, b->variables[i].text) == 0);
	}
}

static void check_refusal(const struct policy *policy, const struct fail *why)
{
	static const struct limits none;

	require(!policy->variables_len);
	require(!policy->len && !policy->sensitive_len && !policy_flags(policy) && why->msg[0]);
	require(memcmp(&policy->limits, &none, sizeof(none)) == 0);
	for (const char *at = why->msg; *at; at++)
		require(*at >= ' ' && *at < 0x7f);
}

static void check_printed(const struct policy *policy, const struct conf_context *context)
{
	cleanup_free char *text = NULL;
	struct policy again;
	struct fail why;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	require(out != NULL);
	policy_print(policy, out);
	require(fclose(out) == 0);
	policy_init(&again);
	require(conf_parse(text, len, "again", context, &again, &why) == 0);
	compare(policy, &again);
	(void)policy_sensitive(
		policy, "/home/ana/[x]/.ssh/id_rsa"); /* must come back; either answer will do */
	policy_done(&again);
}

static void check_settings(const struct settings *settings)
{
	require(settings->log.size >= LOGFILE_SIZE_MIN && settings->log.size <= LOGFILE_SIZE_MAX);
	require(settings->log.keep <= LOGFILE_KEEP_MAX);
	require(settings->log.ended <= LOGFILE_ENDED_MAX);
}

static void check_profile(struct profile *profile)
{
	for (size_t i = 0; i < profile->programs_len; i++)
		require(profile->programs[i][0] && !strchr(profile->programs[i], '/'));
	for (size_t i = 0; i < profile->hints_len; i++)
		require(profile->hints[i][0]);
	profile_done(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_context context = {.home = "/home/ana/[x]", .project = "/src/web"};
	struct settings settings;
	struct profile profile = {0};
	struct conf_context base = {.home = "/home/ana/[x]", .system = true, .settings = &settings};
	struct policy policy;
	struct fail why = {.msg = ""};

	policy_init(&policy);
	if (conf_parse((const char *)data, size, "fuzz\n", &context, &policy, &why) < 0)
		check_refusal(&policy, &why);
	else
		check_printed(&policy, &context);
	policy_done(&policy);
	policy_init(&policy);
	settings_init(&settings);
	base.profile = &profile;
	(void)conf_parse((const char *)data, size, "fuzz", &base, &policy, NULL);
	check_settings(&settings); /* whatever it said */
	check_profile(&profile);
	policy_done(&policy);
	return 0;
}
