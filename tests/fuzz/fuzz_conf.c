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
	require(a->len == b->len && a->sensitive_len == b->sensitive_len && a->audit == b->audit &&
		a->localhost == b->localhost && a->userns == b->userns);
	for (size_t i = 0; i < a->len; i++) {
		const struct policy_rule *x = &a->rules[i], *y = &b->rules[i];

		require(x->right == y->right && x->system == y->system &&
			x->optional == y->optional);
		require(x->path[0] == '/' && strcmp(x->path, y->path) == 0);
	}
	for (size_t i = 0; i < a->sensitive_len; i++)
		require(strcmp(a->sensitive[i], b->sensitive[i]) == 0);
}

static void check_refusal(const struct policy *policy, const struct fail *why)
{
	require(!policy->len && !policy->sensitive_len && !policy->audit && !policy->localhost &&
		!policy->userns && why->msg[0]);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_context context = {.home = "/home/ana/[x]", .project = "/src/web"};
	struct policy policy;
	struct fail why = {.msg = ""};

	policy_init(&policy);
	if (conf_parse((const char *)data, size, "fuzz\n", &context, &policy, &why) < 0)
		check_refusal(&policy, &why);
	else
		check_printed(&policy, &context);
	policy_done(&policy);
	return 0;
}
