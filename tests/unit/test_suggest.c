/* SPDX-License-Identifier: GPL-2.0-only */
/* test_suggest.c - what suggest.h promises: few rules, nothing sensitive, and `new --policy` reads them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "../../lib/conf.h"
#include "../../lib/suggest.h"
#include "../../lib/util.h"
#include "../tap.h"

static struct report_target *add(struct report *report, const char *path, uint32_t op)
{
	struct report_target *made = report_add(report, path, strlen(path));

	if (!made)
		abort();
	made->op = op;
	made->verdict = AL_REFUSED;
	made->count = 2;
	strcpy(made->rule, "no rule");
	made->comms_len = 1;
	strcpy(made->comms[0].comm, "ca\nt");
	return made;
}

static uint32_t rights(const char *path, void *data)
{
	(void)data;
	if (strncmp(path, "/proc/", 6) == 0)
		return SUGGEST_FIXED;
	return strcmp(path, "/opt/granted") == 0 ? AL_READ : 0;
}

static bool whole(const char *path, void *data)
{
	(void)data;
	return strcmp(path, "/opt") != 0 && strcmp(path, "/home/ana") != 0 &&
	       strcmp(path, "/home") != 0 && strcmp(path, "/opt/holds") != 0;
}

static const struct suggest_machine machine = {rights, whole, NULL};

/* What is suggested; the rules of it, read back, go to out_read. The caller frees. */
static char *suggested(struct report *report, struct policy *out_read)
{
	const struct conf_context context = {0};
	struct policy policy;
	struct fail f = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	policy_init(&policy);
	policy_init(out_read);
	policy_add_sensitive(&policy, "*.pem", NULL);
	policy_add_sensitive(&policy, "/home/ana/.ssh", NULL);
	policy_add_sensitive(&policy, "/srv/app/conf/secret", NULL);
	strcpy(report->name, "project");
	report_merge(report);
	ok(!suggest(report, &policy, &machine, out, &f), "a policy is made");
	fclose(out);
	ok(!conf_parse(text, len, "suggested", &context, out_read, &f), "it can be read back: %s",
	   f.msg);
	policy_done(&policy);
	report_done(report);
	return text;
}

static bool has(const struct policy *policy, enum policy_right right, const char *path)
{
	for (size_t i = 0; i < policy->len; i++)
		if (policy->rules[i].right == right && strcmp(policy->rules[i].path, path) == 0)
			return policy->rules[i].optional && !policy->rules[i].system;
	return false;
}

static void test_rights(void)
{
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = NULL;

	add(&report, "/opt/a/file", AL_OP_READ);
	add(&report, "/opt/b/prog", AL_OP_EXEC);
	add(&report, "/opt/b/prog", AL_OP_READ);
	add(&report, "/opt/c", AL_OP_LIST);
	add(&report, "/opt/d/new", AL_OP_CREATE);
	add(&report, "/opt/d/new", AL_OP_READ);
	add(&report, "/opt/granted", AL_OP_READ);
	add(&report, "/opt/e", AL_OP_MKDIR);
	add(&report, "/opt/e/f", AL_OP_READ);
	add(&report, "/home/ana", AL_OP_LIST);
	add(&report, "/", AL_OP_LIST);
	text = suggested(&report, &read);
	ok(has(&read, POLICY_RO, "/opt/a/file"), "what was read is ro");
	ok(has(&read, POLICY_RO, "/opt/b/prog"), "what was executed and read is ro, once");
	ok(has(&read, POLICY_LIST, "/opt/c"), "what was listed is listed");
	ok(has(&read, POLICY_RW, "/opt/d/new"), "what was made is rw");
	ok(has(&read, POLICY_RW, "/opt/e"), "a directory that was made is rw");
	ok(has(&read, POLICY_LIST, "/home/ana"), "a home that was listed is listed, nothing more");
	ok(has(&read, POLICY_LIST, "/"), "and so is the root");
	ok(read.len == 7, "and nothing else: what is held, or granted meanwhile, is not there");
	policy_done(&read);
}

static void test_directories(void)
{
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = NULL;

	add(&report, "/opt/tool/bin/a", AL_OP_EXEC);
	add(&report, "/opt/tool/lib/b", AL_OP_READ);
	add(&report, "/opt/tool/share/deep/er/c", AL_OP_READ);
	add(&report, "/opt/tool.d/one", AL_OP_READ);
	add(&report, "/opt/tool.d/two", AL_OP_READ);
	add(&report, "/opt/listed", AL_OP_LIST);
	add(&report, "/opt/listed/x", AL_OP_READ);
	add(&report, "/opt/mixed/1", AL_OP_READ);
	add(&report, "/opt/mixed/2", AL_OP_READ);
	add(&report, "/opt/mixed/3", AL_OP_READ);
	add(&report, "/opt/mixed/w", AL_OP_WRITE);
	add(&report, "/opt/w/1", AL_OP_CREATE);
	add(&report, "/opt/w/2", AL_OP_UNLINK);
	add(&report, "/opt/w/3", AL_OP_RENAME);
	add(&report, "/opt/w/r", AL_OP_READ);
	add(&report, "/home/ana/1", AL_OP_READ);
	add(&report, "/home/ana/2", AL_OP_READ);
	add(&report, "/home/ana/3", AL_OP_READ);
	text = suggested(&report, &read);
	ok(has(&read, POLICY_RO, "/opt/tool"), "three things below one directory: the directory");
	ok(has(&read, POLICY_RO, "/opt/tool.d/one") && has(&read, POLICY_RO, "/opt/tool.d/two"),
	   "two things: these, and a name that begins alike is another");
	ok(has(&read, POLICY_RO, "/opt/listed"), "listed, and one thing read in it: ro");
	ok(has(&read, POLICY_RO, "/opt/mixed") && has(&read, POLICY_RW, "/opt/mixed/w"),
	   "reading beside it does not become writing");
	ok(has(&read, POLICY_RW, "/opt/w") && !has(&read, POLICY_RO, "/opt/w/r"),
	   "what is writable is readable");
	ok(has(&read, POLICY_RO, "/home/ana/1") && has(&read, POLICY_RO, "/home/ana/3"),
	   "a home directory is never granted as a whole");
	ok(read.len == 10, "and no rule more");
	policy_done(&read);
}

static void test_sensitive(void)
{
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = NULL;

	add(&report, "/home/ana/.ssh/id", AL_OP_READ);
	add(&report, "/opt/x/key.pem", AL_OP_READ);
	add(&report, "/opt/holds/1", AL_OP_READ);
	add(&report, "/opt/holds/2", AL_OP_READ);
	add(&report, "/opt/holds/3", AL_OP_READ);
	add(&report, "/srv/app/1", AL_OP_READ);
	add(&report, "/srv/app/2", AL_OP_READ);
	add(&report, "/srv/app/conf/3", AL_OP_READ);
	add(&report, "/srv/app/conf", AL_OP_CHMOD);
	add(&report, "/opt/marked", AL_OP_READ)->sensitive = true;
	text = suggested(&report, &read);
	ok(!has(&read, POLICY_RO, "/home/ana/.ssh/id") &&
		   !has(&read, POLICY_RO, "/opt/x/key.pem") &&
		   !has(&read, POLICY_RO, "/opt/marked"),
	   "what is sensitive is not granted");
	ok(has(&read, POLICY_RO, "/opt/holds/1") && !has(&read, POLICY_RO, "/opt/holds"),
	   "nor a directory that holds something sensitive");
	ok(has(&read, POLICY_RO, "/srv/app/conf/3") && !has(&read, POLICY_RO, "/srv/app"),
	   "nor one in which it would be, if it were there");
	ok(read.len == 6, "nothing else is granted");
	ok(strstr(text, "#   read /home/ana/.ssh/id: 2 times by ca\\x0at\n") != NULL,
	   "it is listed apart, and a hostile name is escaped");
	ok(strstr(text, "#   chmod /srv/app/conf: ") != NULL, "what would be too much is, too");
	policy_done(&read);
}

static void test_apart(void)
{
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = NULL;
	struct report_target *target;

	add(&report, "/run/user/1000/bus", AL_OP_CONNECT);
	target = add(&report, "/home/ana/project/.envrc", AL_OP_CREATE);
	strcpy(target->rule, "guard /home/ana/project/.envrc (x\n.ini:1)");
	target = add(&report, "/tmp/theirs", AL_OP_READ);
	strcpy(target->rule, "scratch /tmp (agent-lock.ini:2)");
	add(&report, "process:812", AL_OP_SIGNAL);
	add(&report, "/proc/812/environ", AL_OP_READ);
	add(&report, ".../cut", AL_OP_READ);
	report.others = 5;
	text = suggested(&report, &read);
	ok(read.len == 1, "one rule");
	ok(has(&read, POLICY_RO, "/tmp/theirs"), "for what lies in a scratch directory");
	ok(strstr(text, "\n#connect = /run/user/1000/bus\n") != NULL,
	   "a socket is a comment, with its line");
	ok(strstr(text, "\n#rw = /home/ana/project/.envrc\n") != NULL,
	   "so is what a rule refuses, with its line");
	ok(strstr(text, "guard /home/ana/project/.envrc (x\\x0a.ini:1)\n") != NULL,
	   "and with the rule, escaped");
	ok(strstr(text, "#   signal process:812: ") &&
		   strstr(text, "#   read /proc/812/environ: ") &&
		   strstr(text, "#   read .../cut: "),
	   "what no rule would change is a comment");
	ok(strstr(text, "# Missing: 5 refusals") != NULL, "what has no name is counted");
	policy_done(&read);
}

static void test_hostile(void)
{
	static const char *const names[] = {"/opt/a\n[session]\nmode = audit", "/opt/ # x",
					    "/opt/\\x41", "/opt/\033[2J", "/opt/ "};
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = NULL;
	char deep[PATH_MAX] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add(&report, names[i], AL_OP_READ);
	while (strlen(deep) + 3 < sizeof(deep))
		strcat(deep, "/d");
	for (int i = 0; i < 3; i++) {
		deep[strlen(deep) - 1] = (char)('x' + i);
		add(&report, deep, AL_OP_WRITE);
	}
	text = suggested(&report, &read);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ok(has(&read, POLICY_RO, names[i]), "name %zu is itself again", i);
	deep[strlen(deep) - 2] = '\0';
	ok(has(&read, POLICY_RW, deep), "the deepest directory is one");
	ok(!read.audit && read.len == ARRAY_SIZE(names) + 1, "and nothing was slipped in");
	policy_done(&read);
}

static void test_nothing(void)
{
	struct report report = {0};
	struct policy read;
	cleanup_free char *text = suggested(&report, &read);

	ok(strstr(text, "There is nothing to grant") && !read.len, "nothing refused: no rule");
	policy_done(&read);
}

int main(void)
{
	test_rights();
	test_directories();
	test_sensitive();
	test_apart();
	test_hostile();
	test_nothing();
	return tap_done();
}
