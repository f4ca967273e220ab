/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_policy.c - what policy.h promises: rules in order, limits that refuse, patterns that match
 * what they say.
 */
#include <limits.h>
#include <linux/types.h>
#include <time.h>

#include "../../bpf/agent_lock.h"
#include "../../lib/policy.h"
#include "../../lib/util.h"
#include "../tap.h"

static void test_rights(void)
{
	static const struct {
		const char *name;
		enum policy_right right;
		uint32_t bits;
	} want[] = {
		{"rw", POLICY_RW, AL_READ | AL_WRITE | AL_EXEC},
		{"ro", POLICY_RO, AL_READ | AL_EXEC},
		{"list", POLICY_LIST, AL_READ | AL_SELF},
		{"connect", POLICY_CONNECT, AL_CONNECT},
		{"deny", POLICY_DENY, 0},
		{"hide", POLICY_HIDE, AL_HIDE},
		{"scratch", POLICY_SCRATCH, AL_READ | AL_WRITE | AL_EXEC | AL_SCRATCH},
		{"guard", POLICY_GUARD, AL_READ | AL_EXEC},
		{"state", POLICY_STATE, AL_READ | AL_WRITE | AL_EXEC},
	};
	static const char *const unknown[] = {"", "r", "RW", "rw ", "write", "denyx", "unknown"};
	enum policy_right right = POLICY_HIDE;

	ok(ARRAY_SIZE(want) == POLICY_NRIGHTS, "every right is tested");
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		is_str(policy_right_name(want[i].right), want[i].name, "the name of %s",
		       want[i].name);
		ok(policy_right_parse(want[i].name, &right) && right == want[i].right,
		   "%s is known", want[i].name);
		ok(policy_rights(want[i].right) == want[i].bits, "the bits of %s", want[i].name);
	}
	right = POLICY_CONNECT;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		ok(!policy_right_parse(unknown[i], &right) && right == POLICY_CONNECT,
		   "'%s' is no right", unknown[i]);
	ok(policy_rights(POLICY_NRIGHTS) == 0, "what is not a right gives none");
	ok(!(policy_rights(POLICY_RW) & AL_CONNECT),
	   "rw on a directory is no way to a socket in it");
}

static void test_add(void)
{
	char path[] = "/a", origin[] = "f:1";
	struct policy policy;
	struct fail why = {.no = 7, .msg = "untouched"};

	policy_init(&policy);
	ok(policy_add(&policy, POLICY_RO, path, origin, true, false, &why) == 0, "a rule is added");
	path[1] = origin[0] = 'X';
	is_str(policy.rules[0].path, "/a", "its path is a copy");
	is_str(policy.rules[0].origin, "f:1", "its origin too");
	ok(policy.rules[0].right == POLICY_RO && policy.rules[0].system &&
		   !policy.rules[0].optional,
	   "right and flags are kept");
	ok(policy_add(&policy, POLICY_DENY, "/a", NULL, false, true, &why) == 0,
	   "the same path again is another rule");
	ok(policy.len == 2 && policy.rules[1].right == POLICY_DENY, "behind the first");
	is_str(policy.rules[1].origin, "", "a missing origin is an empty one");
	ok(why.no == 7 && strcmp(why.msg, "untouched") == 0, "success leaves the failure alone");
	policy_done(&policy);
	ok(!policy.rules && !policy.len && !policy.sensitive && !policy.sensitive_len,
	   "policy_done leaves nothing");
	policy_done(&policy);
	ok(true, "policy_done may come twice");
}

static void test_add_refusals(void)
{
	static const char *const relative[] = {"", "a", "./a", "~/a", "${PROJECT}"};
	char path[PATH_MAX + 1];
	struct policy policy;
	struct fail why;

	policy_init(&policy);
	for (size_t i = 0; i < ARRAY_SIZE(relative); i++)
		ok(policy_add(&policy, POLICY_RW, relative[i], "x", false, false, &why) == -1,
		   "'%s' is refused", relative[i]);
	ok(policy_add(&policy, POLICY_RW, "a\n\x1b", "x", false, false, &why) == -1 &&
		   !strpbrk(why.msg, "\n\x1b"),
	   "the message shows it escaped: %s", why.msg);
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[PATH_MAX] = '\0';
	ok(policy_add(&policy, POLICY_RW, path, "x", false, false, &why) == -1,
	   "PATH_MAX bytes are refused");
	ok(policy_add(&policy, POLICY_RW, path, "x", false, false, NULL) == -1,
	   "nobody needs to ask why");
	ok(policy.len == 0, "nothing was added");
	path[PATH_MAX - 1] = '\0';
	ok(policy_add(&policy, POLICY_RW, path, "x", false, false, &why) == 0 &&
		   strcmp(policy.rules[0].path, path) == 0,
	   "PATH_MAX - 1 bytes are taken");
	while (policy.len < POLICY_MAX_RULES &&
	       policy_add(&policy, POLICY_RO, "/x", "x", false, false, &why) == 0)
		;
	ok(policy.len == POLICY_MAX_RULES, "%d rules fit", POLICY_MAX_RULES);
	ok(policy_add(&policy, POLICY_DENY, "/x", "x", false, false, &why) == -1 &&
		   policy.len == POLICY_MAX_RULES,
	   "one more does not: %s", why.msg);
	policy_done(&policy);
}

static void test_patterns(void)
{
	static const struct {
		const char *pattern;
		const char *path;
		bool match;
	} cases[] = {
		{"*.pem", "/a/b/key.pem", true},
		{"*.pem", "/a/.pem", true},
		{"*.pem", "/a/key.pem/b", false},
		{"*.pem", "/a/key.pem/", true},
		{".env", "/p/.env", true},
		{".env", "/p/.env.example", false},
		{".env", "/p/x.env", false},
		{"*_history", "/h/.bash_history", true},
		{"id_rsa*", "id_rsa.pub", true},
		{"*", "/any", true},
		{"/h/.ssh", "/h/.ssh", true},
		{"/h/.ssh", "/h/.ssh/id", true},
		{"/h/.ssh", "/h/.ssh/a/b/c", true},
		{"/h/.ssh", "/h/.sshx", false},
		{"/h/.ssh", "/h", false},
		{"/h/.ssh", "/x/h/.ssh", false},
		{"/h/.ssh//", "/h/.ssh/id", true},
		{"/h/*/key", "/h/a/key", true},
		{"/h/*/key", "/h/.a/key/x", true},
		{"/h/*/key", "/h/a/b/key", false},
		{"/h/?/key", "/h///key", false},
		{"/etc/shadow*", "/etc/shadow-", true},
		{"/h/a\\*b", "/h/a*b", true},
		{"/h/a\\*b", "/h/axb", false},
		{"/h/[", "/h/x", false},
		{"*.pem", "", false},
		{"/a", "", false},
		{"/a", "/", false},
		{"x\ny", "/a/x\ny", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy policy;

		policy_init(&policy);
		ok(policy_add_sensitive(&policy, cases[i].pattern, NULL) == 0 &&
			   policy_sensitive(&policy, cases[i].path) == cases[i].match,
		   "%s %s %s", Q(cases[i].pattern), cases[i].match ? "matches" : "does not match",
		   Q(cases[i].path));
		policy_done(&policy);
	}
}

static void test_pattern_refusals(void)
{
	static const char *const bad[] = {"", "/", "///", "a/b", ".aws/credentials", "*/x", "a/"};
	char text[PATH_MAX + 1];
	struct policy policy;
	struct fail why;

	policy_init(&policy);
	ok(!policy_sensitive(&policy, "/etc/shadow"), "without patterns nothing is sensitive");
	for (size_t i = 0; i < ARRAY_SIZE(bad) - 1; i++)
		ok(policy_add_sensitive(&policy, bad[i], &why) == -1,
		   "pattern '%s' could never match and is refused", bad[i]);
	ok(policy_add_sensitive(&policy, "a/", &why) == 0 && strcmp(policy.sensitive[0], "a") == 0,
	   "slashes at the end are dropped");
	memset(text, '*', sizeof(text));
	text[PATH_MAX] = '\0';
	ok(policy_add_sensitive(&policy, text, &why) == -1 && policy.sensitive_len == 1,
	   "PATH_MAX bytes are refused");
	while (policy.sensitive_len < POLICY_MAX_RULES &&
	       policy_add_sensitive(&policy, "x", &why) == 0)
		;
	ok(policy_add_sensitive(&policy, "x", &why) == -1 &&
		   policy.sensitive_len == POLICY_MAX_RULES,
	   "so are too many");
	policy_done(&policy);
}

/* Paths of any length, and patterns made to be slow, must not take a reader of the log down. */
static void test_pattern_hostile(void)
{
	static char path[3 * PATH_MAX];
	struct policy policy;
	clock_t start = clock();

	policy_init(&policy);
	policy_add_sensitive(&policy, "*a*a*a*a*a*a*a*a*a*a*a*a*b", NULL);
	policy_add_sensitive(&policy, "/*a*a*a*a*a*a*a*a*a*a*a*a*b/*/*/*/*/c", NULL);
	policy_add_sensitive(&policy, "*.key", NULL);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	ok(!policy_sensitive(&policy, path), "a path over PATH_MAX is answered for");
	strcpy(path + sizeof(path) - 9, "/its.key");
	ok(policy_sensitive(&policy, path), "by its end");
	path[PATH_MAX - 1] = '\0';
	ok(!policy_sensitive(&policy, path), "4095 bytes too");
	ok((clock() - start) / CLOCKS_PER_SEC < 5, "in time");
	policy_done(&policy);
}

/* A policy is what the kernel keeps of it, and back; other bits there are not the policy's. */
static void test_flags(void)
{
	static const uint32_t all = AL_AUDIT | AL_LOCALHOST | AL_USERNS;
	struct policy policy;

	policy_init(&policy);
	ok(policy_flags(&policy) == 0, "a new policy has no flags");
	for (uint32_t flags = 0; flags < 64; flags++) {
		policy_set_flags(&policy, flags);
		ok(policy_flags(&policy) == (flags & all) && policy.audit == !!(flags & AL_AUDIT) &&
			   policy.localhost == !!(flags & AL_LOCALHOST) &&
			   policy.userns == !!(flags & AL_USERNS),
		   "of flags %u the policy's come back, each with its meaning",
		   (unsigned int)flags);
	}
	policy_done(&policy);
}

/* What [session] is printed as, for flags. */
static void print_session(uint32_t flags, const char *want)
{
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct policy policy;

	policy_init(&policy);
	policy_set_flags(&policy, flags);
	policy_print(&policy, out);
	fclose(out);
	is_str(text, want, "printed: flags %u", (unsigned int)flags);
	policy_done(&policy);
}

#define NO_LIMITS "memory = none\npids = none\ncpu = none\n"

static void test_print(void)
{
	static const char want[] =
		"[session]\nmode = audit\nlocalhost = any\nuserns = allow\n"
		"memory = 4G\npids = none\ncpu = 150%\n"
		"\n[system]\nro = /usr\n"
		"\n[paths]\nrw = /p\\x20q\ndeny = /p\\x20q/\\x0a\\x1b[2J\\x5c\\x3d\\xff;#\n"
		"\n[optional]\nhide = /h-\\x24{UID}\\x24\n"
		"\n[system]\nlist = /proc\n"
		"\n[sensitive]\npath = *.pem\npath = \\x7e\npath = \\x3b;\npath = \\x23\npath = "
		"\\x24{PROJECT}\n";
	cleanup_free char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct policy policy;

	policy_init(&policy);
	policy.audit = policy.localhost = policy.userns = true;
	policy.limits = (struct limits){{4ULL << 30, 0, 150}};
	policy_add(&policy, POLICY_RO, "/usr", "o", true, true, NULL);
	policy_add(&policy, POLICY_RW, "/p q", "o", false, false, NULL);
	policy_add(&policy, POLICY_DENY, "/p q/\n\x1b[2J\\=\xff;#", "o", false, false, NULL);
	policy_add(&policy, POLICY_HIDE, "/h-${UID}$", "o", false, true, NULL);
	policy_add(&policy, POLICY_LIST, "/proc", "o", true, true, NULL);
	policy_add_sensitive(&policy, "*.pem", NULL);
	policy_add_sensitive(&policy, "~", NULL);
	policy_add_sensitive(&policy, ";;", NULL);
	policy_add_sensitive(&policy, "#", NULL);
	policy_add_sensitive(&policy, "${PROJECT}", NULL);
	policy_print(&policy, out);
	fclose(out);
	is_str(text, want, "a policy is printed in order, one rule a line, escaped");
	policy_done(&policy);
	print_session(0, "[session]\nmode = enforce\nlocalhost = own\nuserns = deny\n" NO_LIMITS);
	print_session(AL_AUDIT,
		      "[session]\nmode = audit\nlocalhost = own\nuserns = deny\n" NO_LIMITS);
	print_session(AL_LOCALHOST,
		      "[session]\nmode = enforce\nlocalhost = any\nuserns = deny\n" NO_LIMITS);
	print_session(AL_USERNS,
		      "[session]\nmode = enforce\nlocalhost = own\nuserns = allow\n" NO_LIMITS);
}

/* The later of two equal rules stays: what stands between them must not win. */
static void test_tidy(void)
{
	struct policy policy;

	policy_init(&policy);
	policy_add(&policy, POLICY_RW, "/a", "first", false, false, NULL);
	policy_add(&policy, POLICY_RO, "/a", "o", false, false, NULL);
	policy_add(&policy, POLICY_RW, "/b", "o", false, false, NULL);
	policy_add(&policy, POLICY_RW, "/a", "last", false, false, NULL);
	policy_add_sensitive(&policy, "*.pem", NULL);
	policy_add_sensitive(&policy, "*.key", NULL);
	policy_add_sensitive(&policy, "*.pem", NULL);
	policy_tidy(&policy);
	ok(policy.len == 3 && policy.rules[0].right == POLICY_RO, "of two equal rules one stays");
	is_str(policy.rules[2].origin, "last", "and it is the later one");
	ok(policy.sensitive_len == 2 && strcmp(policy.sensitive[0], "*.pem") == 0,
	   "of two equal patterns one stays");
	policy_tidy(&policy);
	ok(policy.len == 3 && policy.sensitive_len == 2, "a tidy policy stays as it is");
	policy_done(&policy);
}

int main(void)
{
	test_tidy();
	test_rights();
	test_add();
	test_add_refusals();
	test_patterns();
	test_pattern_refusals();
	test_pattern_hostile();
	test_flags();
	test_print();
	return tap_done();
}
