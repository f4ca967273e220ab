/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_conf.c - what conf.h promises: a file is read as it stands or refused with its place and
 * reason, never half. Run from the top of the tree (for conf/agent-lock.ini).
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../lib/conf.h"
#include "../../lib/util.h"
#include "../tap.h"

#define ROUNDS 200

static const struct conf_context USER = {.home = "/home/ana", .project = "/src/web"};
static const struct conf_context BASE = {
	.home = "/home/ana", .project = "/src/web", .system = true};

static int parse(const char *text, struct policy *policy, struct fail *f)
{
	return conf_parse(text, strlen(text), "t.ini", &USER, policy, f);
}

/* text is read, and its first rule names path. */
static void accepts(const char *text, const char *path)
{
	struct fail why = {.msg = "none"};
	struct policy policy;

	policy_init(&policy);
	if (!ok(parse(text, &policy, &why) == 0 && policy.len, "read: %s", Q(text)))
		printf("# %s\n", why.msg);
	else
		is_str(policy.rules[0].path, path, "as the path %s", Q(path));
	policy_done(&policy);
}

/* Read, and there is no rule in it. */
static void accepts_nothing(const char *text)
{
	struct policy policy;

	policy_init(&policy);
	ok(parse(text, &policy, NULL) == 0 && !policy.len, "read, and no rule: %s", Q(text));
	policy_done(&policy);
}

/* The len bytes of text are refused with just this message, and the policy is left as it was. */
static void refuses_bytes(const char *text, size_t len, const struct conf_context *context,
			  const char *message)
{
	struct policy policy;
	struct fail why = {.msg = "none"};

	policy_init(&policy);
	policy_add(&policy, POLICY_RO, "/before", "x", false, false, NULL);
	policy_add_sensitive(&policy, "before", NULL);
	policy.audit = policy.localhost = policy.userns = true;
	ok(conf_parse(text, len, "t.ini", context, &policy, &why) == -1, "refused: %s", Q(text));
	is_str(why.msg, message, "for this reason");
	ok(policy.len == 1 && policy.sensitive_len == 1 && policy.audit && policy.localhost &&
		   policy.userns && strcmp(policy.rules[0].path, "/before") == 0,
	   "and the policy is as it was");
	policy_done(&policy);
}

static void refuses(const char *text, const char *message)
{
	refuses_bytes(text, strlen(text), &USER, message);
}

static void test_format(void)
{
	static const char text[] = "; comment\n\n  # indented comment\n[paths]\nrw = "
				   "${PROJECT}\nro=/usr\n deny_is_not_here = 0\n";
	static const char good[] =
		"; comment\n\n  # indented comment\n[paths]\nrw = ${PROJECT}\nro=/usr\n\tlist\n";
	static const char all[] =
		"[paths]\nrw = ${PROJECT}/a\nro = ~/b\nlist = /c\nconnect = /d\ndeny = ~\nhide = "
		"${PROJECT}\n"
		"[sensitive]\npath = ~/.ssh\npath = *.pem\n[session]\nmode = audit\nuserns = "
		"allow\n[optional]\nro = /o\n[system]\nro = /s\n[paths]\nro = /c";
	static const char *const paths[] = {"/src/web/a", "/home/ana/b", "/c", "/d", "/home/ana",
					    "/src/web",	  "/o",		 "/s", "/c"};
	unsigned int wrong = 0;
	struct policy policy;
	struct fail why = {.no = 7, .msg = "untouched"};

	refuses(text, "t.ini:7: expected no blanks before a key, got "
		      "'\\x20deny_is_not_here\\x20\\x3d\\x200'");
	refuses(good, "t.ini:7: expected no blanks before a key, got '\\x09list'");
	policy_init(&policy);
	ok(parse(all, &policy, &why) == 0 && policy.len == ARRAY_SIZE(paths),
	   "every section and key is known");
	for (size_t i = 0; i < policy.len && i < ARRAY_SIZE(paths); i++)
		wrong += strcmp(policy.rules[i].path, paths[i]) != 0 ||
			 (i < 6 && policy.rules[i].right != (enum policy_right)i);
	ok(wrong == 0, "rules keep their order, right and path");
	is_str(policy.rules[5].origin, "t.ini:7", "a rule knows where it came from");
	is_str(policy.rules[8].origin, "t.ini:19",
	       "the last one too, without a newline at the end");
	ok(!policy.rules[0].system && !policy.rules[0].optional,
	   "[paths] is neither system nor optional");
	ok(!policy.rules[6].system && policy.rules[6].optional, "[optional] is optional");
	ok(policy.rules[7].system && policy.rules[7].optional, "[system] is both");
	ok(policy.audit && policy.userns && policy.sensitive_len == 2 &&
		   policy_sensitive(&policy, "/home/ana/.ssh/id"),
	   "mode, userns and patterns are read");
	ok(why.no == 7 && strcmp(why.msg, "untouched") == 0, "success leaves the failure alone");
	ok(parse("[session]\nmode = enforce\n[paths]\nro = /more\n", &policy, &why) == 0 &&
		   !policy.audit && policy.userns && policy.len == ARRAY_SIZE(paths) + 1,
	   "a second file is appended, and changes what it names");
	ok(parse("", &policy, &why) == 0 && parse("\n\n", &policy, &why) == 0 &&
		   policy.len == ARRAY_SIZE(paths) + 1,
	   "an empty file says nothing");
	policy_done(&policy);
}

static void test_environment(void)
{
	static const char good[] =
		"[environment]\npass = A_KEY\ndrop = *TOKEN*\nset = HOME_OF=~/x y\nset = "
		"EMPTY=\nset = P=${PROJECT}/b=c\nset = E=\\x7e/x\n";
	static const char *const texts[] = {"A_KEY",  "*TOKEN*",	"HOME_OF=/home/ana/x y",
					    "EMPTY=", "P=/src/web/b=c", "E=~/x"};
	unsigned int wrong = 0;
	struct policy policy;
	struct fail why = {.msg = "none"};

	policy_init(&policy);
	ok(parse(good, &policy, &why) == 0 && policy.variables_len == ARRAY_SIZE(texts),
	   "variables are read (%s)", why.msg);
	for (size_t i = 0; i < policy.variables_len && i < ARRAY_SIZE(texts); i++)
		wrong += strcmp(policy.variables[i].text, texts[i]) != 0;
	ok(wrong == 0, "with ~, ${PROJECT} and escapes of their values replaced");
	ok(policy.variables[0].kind == POLICY_PASS && policy.variables[1].kind == POLICY_DROP &&
		   policy.variables[2].kind == POLICY_SET,
	   "and what becomes of them");
	policy_done(&policy);
	refuses("[environment]\nkeep = A\n",
		"t.ini:2: [environment]: expected pass, drop or set, got 'keep'");
	refuses("[environment]\nset = A\n", "t.ini:2: set: cannot add variable 'A': expected "
					    "NAME=VALUE: Invalid argument");
	refuses("[environment]\nset = 1A=x\n", "t.ini:2: set: cannot add variable '1A\\x3dx': "
					       "expected NAME=VALUE: Invalid argument");
	refuses("[environment]\npass = A=x\n",
		"t.ini:2: pass: cannot add variable 'A\\x3dx': expected a name or a pattern of "
		"names: Invalid argument");
	refuses("[environment]\npass =\n",
		"t.ini:2: pass: cannot add variable '': expected a name or a pattern of names: "
		"Invalid argument");
}

static void test_context(void)
{
	static const struct conf_context none = {0}, root = {.home = "/", .project = "/p//"},
					 odd = {.home = "/h/[a]*?\\"};
	static const char home[] = "[paths]\nro = ~/x\n", project[] = "[paths]\nro = ${PROJECT}\n",
			  mode[] = "[session]\nmode = audit\n",
			  words[] = "[session]\nuserns = allow\nlocalhost = any\n";
	static const char text[] = "[paths]\nro = ~\nro = ~/x\nro = ${PROJECT}/y\n",
			  pattern[] = "[sensitive]\npath = ~/k*\n";
	struct policy policy;

	refuses_bytes(
		home, strlen(home), &none,
		"t.ini:2: ro: expected a path that needs no ~ and no ${PROJECT} here, got '~/x'");
	refuses_bytes(project, strlen(project), &none,
		      "t.ini:2: ro: expected a path that needs no ~ and no ${PROJECT} here, got "
		      "'${PROJECT}'");
	refuses_bytes(mode, strlen(mode), &BASE,
		      "t.ini:2: mode: expected it in files given with --policy only, got 'audit'");
	policy_init(&policy);
	ok(conf_parse(text, strlen(text), "t", &root, &policy, NULL) == 0 && policy.len == 3,
	   "slashes at the end of a base");
	is_str(policy.rules[0].path, "/", "~ may be /");
	is_str(policy.rules[1].path, "/x", "what is below it has one slash");
	is_str(policy.rules[2].path, "/p/y", "in a project too");
	ok(conf_parse(home, strlen(home), "t", &BASE, &policy, NULL) == 0 &&
		   policy.rules[3].system && policy.rules[3].optional,
	   "rules of the base configuration are system and optional");
	ok(conf_parse(words, strlen(words), "t", &BASE, &policy, NULL) == 0 && policy.userns &&
		   policy.localhost,
	   "which may allow user namespaces and the machine's services");
	ok(conf_parse(home, strlen(home), "t", &odd, &policy, NULL) == 0,
	   "any byte may be in a home directory");
	is_str(policy.rules[4].path, "/h/[a]*?\\/x", "and is kept");
	ok(conf_parse(pattern, strlen(pattern), "t", &odd, &policy, NULL) == 0 &&
		   policy_sensitive(&policy, "/h/[a]*?\\/key") &&
		   !policy_sensitive(&policy, "/h/ax?\\/key"),
	   "in a pattern it stands for itself");
	policy_done(&policy);
}

static void test_paths(void)
{
	char own[64];

	accepts("[paths]\nro = /a b  c\n", "/a b  c");
	accepts("[paths]\nro = /a\\x20\n", "/a ");
	accepts("[paths]\nro = /a \t\n", "/a");
	accepts("[paths]\nro\t=\t/a\n", "/a");
	accepts("[paths]\nro = /a=b:c\n", "/a=b:c");
	accepts("[paths]\nro = /a;b#c\n", "/a;b#c");
	accepts("[paths]\nro = /a\\x20;b\\x20#c\n", "/a ;b #c");
	accepts("[paths]\nro = /\\x0a\\x1b[2J\\x5c\\x5C\\xfF\n", "/\n\x1b[2J\\\\\xff");
	accepts("[paths]\nro = /caf\xc3\xa9\xff\n", "/caf\xc3\xa9\xff");
	accepts("[paths]\nro = /a'\"b\n", "/a'\"b");
	accepts("[missing]\nro = /proc/none\n", "/proc/none");
	accepts_nothing("[missing]\nro = /proc\nro = /proc/version/x\n");
	snprintf(own, sizeof(own), "/tmp/x-%u/%u${UI", getuid(), getuid());
	accepts("[paths]\nro = /tmp/x-${UID}/${UID}${UI\n", own);
	accepts("[paths]\nro = /tmp/\\x24{UID}\n", "/tmp/${UID}");
	accepts("[paths]\nro = ~/${PROJECT}/~\n", "/home/ana/${PROJECT}/~");
	accepts("[paths]\nro = /a[x]\n", "/a[x]");
	accepts("[paths]\nro = /..//./\n", "/..//./");
	refuses("[paths]\nwrite = /a\n", "t.ini:2: [paths]: expected rw, ro, list, connect, deny, "
					 "hide, scratch, guard or state, got 'write'");
	refuses("[paths]\nro =\n", "t.ini:2: ro: expected a path that is absolute or begins with "
				   "~/ or ${PROJECT}/, got ''");
	refuses("[paths]\nro = src/\n", "t.ini:2: ro: expected a path that is absolute or begins "
					"with ~/ or ${PROJECT}/, got 'src/'");
	refuses("[paths]\nro = \"/a\"\n", "t.ini:2: ro: expected a path that is absolute or begins "
					  "with ~/ or ${PROJECT}/, got '\\x22/a\\x22'");
	refuses("[paths]\nro = ~root/a\n", "t.ini:2: ro: expected a path that is absolute or "
					   "begins with ~/ or ${PROJECT}/, got '~root/a'");
	refuses("[paths]\nro = ${PROJECT}x\n", "t.ini:2: ro: expected a path that is absolute or "
					       "begins with ~/ or ${PROJECT}/, got '${PROJECT}x'");
	refuses("[paths]\nro = ${HOME}/x\n", "t.ini:2: ro: expected a path that is absolute or "
					     "begins with ~/ or ${PROJECT}/, got '${HOME}/x'");
	refuses("[paths]\nro = \\x7e/x\n", "t.ini:2: ro: expected a path that is absolute or "
					   "begins with ~/ or ${PROJECT}/, got '\\x5cx7e/x'");
	refuses("[sensitive]\npath = a/b\n", "t.ini:2: path: cannot add pattern 'a/b': expected a "
					     "name or an absolute path: Invalid argument");
	refuses("[sensitive]\npath =\n", "t.ini:2: path: cannot add pattern '': expected a name or "
					 "an absolute path: Invalid argument");
	refuses("[sensitive]\nro = /a\n", "t.ini:2: [sensitive]: expected path, got 'ro'");
	refuses("[session]\nmode = off\n", "t.ini:2: mode: expected enforce or audit, got 'off'");
	refuses("[session]\nmodes = audit\n",
		"t.ini:2: [session]: expected mode, localhost, userns, "
		"memory, pids or cpu, got 'modes'");
}

/* [session]'s keys of two words: the first is what holds when nothing is said. */
static const struct word {
	const char *key, *no, *yes, *want;
} WORDS[] = {{"localhost", "own", "any", "own or any"},
	     {"userns", "deny", "allow", "allow or deny"}};

static bool word_value(const struct policy *policy, const struct word *word)
{
	return word == &WORDS[0] ? policy->localhost : policy->userns;
}

/* A file of this format, with the word's key and then twice a value in it, is read into policy. */
static bool word_read(struct policy *policy, const struct word *word, const char *first,
		      const char *second)
{
	char text[128];

	snprintf(text, sizeof(text), "[session]\n%s = %s\n%s\t=%s \n", word->key, first, word->key,
		 second);
	return parse(text, policy, NULL) == 0;
}

static void test_word(const struct word *word)
{
	struct policy policy;

	policy_init(&policy);
	ok(!word_value(&policy, word), "%s is %s unless a policy says otherwise", word->key,
	   word->no);
	ok(word_read(&policy, word, word->no, word->yes) && word_value(&policy, word),
	   "%s = %s, and the last one counts", word->key, word->yes);
	ok(policy.localhost + policy.userns == 1, "it is no other key's");
	ok(parse("[session]\nmode = enforce\n", &policy, NULL) == 0 && word_value(&policy, word),
	   "a file that does not name %s changes nothing", word->key);
	ok(word_read(&policy, word, word->yes, word->no) && !word_value(&policy, word), "%s = %s",
	   word->key, word->no);
	policy_done(&policy);
}

/* refuses() begins with a policy that says yes: an error behind a no must not leave that. */
static void test_word_refusals(const struct word *word)
{
	const char *const bad[] = {"", "yes", "Allow", "ANY", "allowed", "own any", "1", "den"};
	char text[128], message[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[session]\n%s = %s\n%s = %s\n", word->key, word->no,
			 word->key, bad[i]);
		snprintf(message, sizeof(message), "t.ini:3: %s: expected %s, got '%s'", word->key,
			 word->want, Q(bad[i]));
		refuses(text, message);
	}
	snprintf(text, sizeof(text), "[session]\n%s = %s\n[paths]\nro = b\n", word->key, word->no);
	refuses(text, "t.ini:4: ro: expected a path that is absolute or begins with ~/ or "
		      "${PROJECT}/, got 'b'");
	snprintf(text, sizeof(text), "[paths]\n%s = %s\n", word->key, word->yes);
	snprintf(message, sizeof(message),
		 "t.ini:2: [paths]: expected rw, ro, list, connect, deny, hide, scratch, guard or "
		 "state, got '%s'",
		 word->key);
	refuses(text, message);
}

static void test_words(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
		test_word(&WORDS[i]);
		test_word_refusals(&WORDS[i]);
	}
}

static void test_session_limits(void)
{
	static const char some[] = "[session]\nmemory = 4G\npids=512\ncpu = 200%\n",
			  less[] = "[session]\npids = none\n",
			  wrong[] = "[session]\nmemory = 1G\npids = 7\ncpu = 0%\n";
	struct policy policy;
	struct fail why = {.msg = "none"};

	policy_init(&policy);
	ok(parse(some, &policy, &why) == 0 && policy.limits.of[LIMIT_MEMORY] == 4ULL << 30 &&
		   policy.limits.of[LIMIT_PIDS] == 512 && policy.limits.of[LIMIT_CPU] == 200,
	   "limits are read");
	ok(parse(wrong, &policy, &why) == -1, "a wrong one is refused");
	is_str(why.msg,
	       "t.ini:4: cpu: expected a percentage from 1% to 10000000%, 100% being one CPU, or "
	       "none, got '0%'",
	       "with its place");
	ok(policy.limits.of[LIMIT_MEMORY] == 4ULL << 30 && policy.limits.of[LIMIT_PIDS] == 512,
	   "and the limits are as they were");
	ok(conf_parse(less, strlen(less), "t.ini", &BASE, &policy, &why) == 0 &&
		   !policy.limits.of[LIMIT_PIDS] && policy.limits.of[LIMIT_CPU] == 200,
	   "none takes one back, in the base configuration too");
	policy_done(&policy);
	refuses("[session]\nmemory =\n",
		"t.ini:2: memory: expected a size from 1M to 1024T, such as 4G, or none, got ''");
	refuses("[session]\nmemory = 4X\n",
		"t.ini:2: memory: expected a size from 1M to 1024T, such as 4G, or none, got '4X'");
	refuses("[session]\npids = many\n", "t.ini:2: pids: expected a number of processes and "
					    "threads from 1 to 4194304, or none, got 'many'");
	refuses("[paths]\npids = 1\n", "t.ini:2: [paths]: expected rw, ro, list, connect, deny, "
				       "hide, scratch, guard or state, got 'pids'");
}

static void test_escapes(void)
{
	static const char *const bad[] = {"\\",	 "\\x",	 "\\x4",  "\\xg0", "\\x0g",
					  "\\n", "\\\\", "\\x00", "\\X41", "a\\"};
	char text[64], want[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "[paths]\nro = /%s\n", bad[i]);
		snprintf(want, sizeof(want),
			 "t.ini:2: ro: expected no \\ but in \\xNN with NN from 01 to ff (\\x5c is "
			 "\\), got '/%s'",
			 Q(bad[i]));
		refuses(text, want);
	}
}

/* What inih alone would silently misread. */
static void test_inih_traps(void)
{
	static const char nul[] = "[paths]\nro = /a\0b\n",
			  nul_comment[] = "# \0\n[paths]\nro = /a\n";

	accepts("\xef\xbb\xbf[paths]\nro = /bom\n", "/bom");
	accepts("[paths]\r\nro = /crlf\r\n", "/crlf");
	accepts("[paths]  \nro = /blanks behind a section\n", "/blanks behind a section");
	refuses("[paths]\nro = /a ;b\n", "t.ini:2: expected a comment on a line of its own, or "
					 "\\x20 for the blank of a name, got '\\x20;b'");
	refuses("[paths]\nro = /a # comment\n",
		"t.ini:2: expected a comment on a line of its own, or \\x20 for the "
		"blank of a name, got '\\x20#\\x20comment'");
	refuses("[sensitive]\npath = ;x\n", "t.ini:2: expected a comment on a line of its own, or "
					    "\\x20 for the blank of a name, got '\\x20;x'");
	refuses("[paths]\nro = /a\tb\t;\n", "t.ini:2: expected a comment on a line of its own, or "
					    "\\x20 for the blank of a name, got '\\x09;'");
	refuses("[paths]\nro = /a\n    /b\n",
		"t.ini:3: expected no blanks before a key, got '\\x20\\x20\\x20\\x20/b'");
	refuses("[paths]\nro = /a\n\tro = /b\n",
		"t.ini:3: expected no blanks before a key, got '\\x09ro\\x20\\x3d\\x20/b'");
	refuses("[paths]\n /b\n", "t.ini:2: expected no blanks before a key, got '\\x20/b'");
	refuses_bytes(nul, sizeof(nul) - 1, &USER,
		      "t.ini:2: expected no control characters (\\xNN in a path), got '\\x00b'");
	refuses_bytes(nul_comment, sizeof(nul_comment) - 1, &USER,
		      "t.ini:1: expected no control characters (\\xNN in a path), got '\\x00'");
	refuses("[paths]\nro = /a\rro = /b\n", "t.ini:2: expected no control characters (\\xNN in "
					       "a path), got '\\x0dro\\x20\\x3d\\x20/b'");
	refuses("[paths]\n\x1b[2J\n",
		"t.ini:2: expected no control characters (\\xNN in a path), got '\\x1b[2J'");
	refuses("[paths]\nro = /\v\n",
		"t.ini:2: expected no control characters (\\xNN in a path), got '\\x0b'");
	refuses("[paths]\nro\n", "t.ini:2: expected KEY = VALUE, got 'ro'");
	refuses("[paths]\nro /a\n", "t.ini:2: expected KEY = VALUE, got 'ro\\x20/a'");
	refuses("[paths]\nro: /a\n", "t.ini:2: expected KEY = VALUE, got 'ro:\\x20/a'");
	refuses("[paths]\nro: /a=b\n", "t.ini:2: expected KEY = VALUE, got 'ro:\\x20/a\\x3db'");
	refuses("[paths]\nro ; = /a\n",
		"t.ini:2: expected KEY = VALUE, got 'ro\\x20;\\x20\\x3d\\x20/a'");
	refuses("[paths]\nro ; = /a",
		"t.ini:2: expected KEY = VALUE, got 'ro\\x20;\\x20\\x3d\\x20/a'");
	refuses("[paths]\n= /a\n", "t.ini:2: [paths]: expected rw, ro, list, connect, deny, hide, "
				   "scratch, guard or state, got ''");
	refuses("ro = /a\n[paths]\n", "t.ini:1: expected [paths], [optional], [missing], [system], "
				      "[sensitive], [environment], [session], [profile], [log] or "
				      "[users] before the first key, "
				      "got 'ro'");
}

static void test_sections(void)
{
#define KNOWN \
	"expected [paths], [optional], [missing], [system], [sensitive], [environment], " \
	"[session], " \
	"[profile], [log] or " \
	"[users], got "
	static const char long_name[] = "[paths0123456789012345678901234567890123456789012345]\n";

	refuses("[rules]\n", "t.ini:1: " KNOWN "'[rules]'");
	refuses("[Paths]\nro = /a\n", "t.ini:1: " KNOWN "'[Paths]'");
	refuses("[ paths]\n", "t.ini:1: " KNOWN "'[\\x20paths]'");
	refuses("[]\n", "t.ini:1: " KNOWN "'[]'");
	refuses("[path]\n", "t.ini:1: " KNOWN "'[path]'");
	refuses("[paths]]\n", "t.ini:1: " KNOWN "'[paths]]'");
	refuses("[paths\n", "t.ini:1: expected [SECTION] and nothing behind it, got '[paths'");
	refuses("[\n", "t.ini:1: expected [SECTION] and nothing behind it, got '['");
	refuses("[paths] rw = /\n", "t.ini:1: expected [SECTION] and nothing behind it, got "
				    "'[paths]\\x20rw\\x20\\x3d\\x20/'");
	refuses("[paths] ; all\n",
		"t.ini:1: expected [SECTION] and nothing behind it, got '[paths]\\x20;\\x20all'");
	refuses("[paths]\n[session\nmode = audit\n",
		"t.ini:2: expected [SECTION] and nothing behind it, got '[session'");
	refuses(long_name,
		"t.ini:1: " KNOWN "'[paths0123456789012345678901234567890123456789012345]'");
}

/* text is what the base configuration says; the settings come back as they are wanted. */
static void sets(const char *text, uint64_t size, uint64_t keep, uint64_t ended)
{
	struct settings settings;
	struct conf_context context = BASE;
	struct fail why = {.msg = "none"};
	struct policy policy;

	settings_init(&settings);
	context.settings = &settings;
	policy_init(&policy);
	if (!ok(conf_parse(text, strlen(text), "t.ini", &context, &policy, &why) == 0 &&
			settings.log.size == size && settings.log.keep == keep &&
			settings.log.ended == ended,
		"set: %s", Q(text)))
		printf("# %s, size %ju\n", why.msg, (uintmax_t)settings.log.size);
	policy_done(&policy);
}

static void sets_users(const char *text, uint64_t sessions, uint64_t rules, uint64_t requests)
{
	struct conf_context context = BASE;
	struct settings settings;
	struct fail why = {0};
	struct policy policy;

	settings_init(&settings);
	context.settings = &settings;
	policy_init(&policy);
	ok(conf_parse(text, strlen(text), "t.ini", &context, &policy, &why) == 0 &&
		   settings.users.sessions == sessions && settings.users.rules == rules &&
		   settings.users.requests == requests,
	   "set: %s", Q(text));
	policy_done(&policy);
}

static void refuses_base(const char *text, const char *message)
{
	struct conf_context context = BASE;
	struct settings settings, before;

	settings_init(&settings);
	before = settings;
	context.settings = &settings;
	refuses_bytes(text, strlen(text), &context, message);
	ok(memcmp(&settings, &before, sizeof(before)) == 0, "and the settings are as they were");
}

static void test_log(void)
{
	static const char *const sizes[] = {"",
					    "x",
					    "1",
					    "63K",
					    "-1M",
					    "+1M",
					    "0x100000",
					    "8MB",
					    "8 M",
					    "8.5M",
					    "8m",
					    "1T",
					    "1025G",
					    "99999999999999999999",
					    "18014398509481984K"};
	static const char *const keeps[] = {"", "x", "-1", "100", "1K", "99999999999999999999"};
	char text[128], message[512];
	struct policy policy;

	sets("", 8 << 20, 3, 100);
	sets("[log]\n", 8 << 20, 3, 100);
	sets("[log]\nsize = 64K\nkeep = 0\nended = 0\n", 64 << 10, 0, 0);
	sets("[log]\nkeep = 99\nsize = 1024G\nended = 10000\n", 1ULL << 40, 99, 10000);
	sets("[log]\nsize = 65536\nsize = 100000\n", 100000, 3, 100);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(text, sizeof(text), "[log]\nkeep = 7\nsize = %s\n", sizes[i]);
		snprintf(message, sizeof(message),
			 "t.ini:3: size: expected a size from 64K to 1024G, such as 8M, got '%s'",
			 Q(sizes[i]));
		refuses_base(text, message);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keeps); i++) {
		snprintf(text, sizeof(text), "[log]\nkeep = %s\n", keeps[i]);
		snprintf(message, sizeof(message),
			 "t.ini:2: keep: expected a number from 0 to 99, got '%s'", keeps[i]);
		refuses_base(text, message);
	}
	refuses_base("[log]\nended = 10001\n",
		     "t.ini:2: ended: expected a number from 0 to 10000, got '10001'");
	refuses_base("[log]\nrw = /x\n", "t.ini:2: [log]: expected size, keep or ended, got 'rw'");
	refuses("[log]\nkeep = 1\n", "t.ini:2: keep: expected it in agent-lock.ini only, got '1'");
	policy_init(&policy);
	ok(conf_parse("[log]\nkeep = 1\n", 15, "t", &BASE, &policy, NULL) == 0,
	   "who wants no settings reads past them");
	policy_done(&policy);
}

static void test_users(void)
{
	static const char *const bad[] = {"", "x", "0", "-1", "1K", "99999999999999999999"};
	static const struct {
		const char *key;
		const char *most;
		const char *more;
	} keys[] = {
		{"sessions", "496", "497"},
		{"rules", "131072", "131073"},
		{"requests", "240", "241"},
	};
	char text[128], message[512];

	sets_users("", 256, 65536, 48);
	sets_users("[users]\nsessions = 1\nrules = 1\nrequests = 1\n", 1, 1, 1);
	sets_users("[users]\nrequests = 240\n[log]\n[users]\nsessions = 496\nrules = 131072\n", 496,
		   131072, 240);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		for (size_t j = 0; j <= ARRAY_SIZE(bad); j++) {
			const char *value = j < ARRAY_SIZE(bad) ? bad[j] : keys[i].more;

			snprintf(text, sizeof(text), "[users]\n%s = %s\n", keys[i].key, value);
			snprintf(message, sizeof(message),
				 "t.ini:2: %s: expected a number from 1 to %s, got '%s'",
				 keys[i].key, keys[i].most, value);
			refuses_base(text, message);
		}
	}
	refuses_base("[users]\nkeep = 1\n",
		     "t.ini:2: [users]: expected sessions, rules or requests, got 'keep'");
	refuses("[users]\nrules = 1\n",
		"t.ini:2: rules: expected it in agent-lock.ini only, got '1'");
}

static void test_first_error(void)
{
	refuses("[paths]\nro = /a\nro = b\nro = c\n[nonsense]\n",
		"t.ini:3: ro: expected a path that is absolute or begins with ~/ or ${PROJECT}/, "
		"got 'b'");
	refuses("[sensitive]\npath = x\n[session]\nmode = enforce\n[paths]\nro = /a\nbad\n",
		"t.ini:7: expected KEY = VALUE, got 'bad'");
}

/* A file with the rule "ro = /" and count times letters; the caller frees. */
static char *long_rule(const char *letters, size_t count)
{
	char *text = malloc(64 + count * strlen(letters)), *at = stpcpy(text, "[paths]\nro = /");

	while (count--)
		at = stpcpy(at, letters);
	strcpy(at, "\n");
	return text;
}

/* Is "/" and count times letters, meaning bytes, read as it should be? */
static bool reads_long(const char *letters, const char *bytes, size_t count)
{
	cleanup_free char *text = long_rule(letters, count), *want = long_rule(bytes, count);
	const char *path = want + strlen("[paths]\nro = ");
	struct policy policy;
	bool good;

	want[strlen(want) - 1] = '\0';
	policy_init(&policy);
	if (parse(text, &policy, NULL) < 0)
		good = strlen(path) >= PATH_MAX && policy.len == 0;
	else
		good = strlen(path) < PATH_MAX && policy.len == 1 &&
		       strcmp(policy.rules[0].path, path) == 0;
	policy_done(&policy);
	if (!good)
		printf("# %zu times %s\n", count, Q(letters));
	return good;
}

/* inih cuts at 199 bytes: every length around the multiples of its buffer, and up to PATH_MAX. */
static void test_long_lines(void)
{
	static const char *const cases[][2] = {
		{"x", "x"},	      {"/ab;#=:[]", "/ab;#=:[]"},
		{"a b", "a b"},	      {"\xc3\xa9", "\xc3\xa9"},
		{";a", ";a"},	      {"[paths]/", "[paths]/"},
		{"\\x20", " "},	      {"\\x0a;", "\n;"},
		{"rw = /", "rw = /"}, {"a              b", "a              b"},
	};
	unsigned int wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t most = (PATH_MAX - 2) / strlen(cases[i][1]);

		for (size_t count = 1; count * strlen(cases[i][0]) < 650; count++)
			wrong += !reads_long(cases[i][0], cases[i][1], count);
		wrong += !reads_long(cases[i][0], cases[i][1], most);
		wrong += !reads_long(cases[i][0], cases[i][1], most + 1);
	}
	ok(wrong == 0,
	   "paths of any length up to PATH_MAX are read whole, longer ones are refused");
}

static void test_limits(void)
{
	cleanup_free char *path = long_rule("p", PATH_MAX), *line = long_rule("l", CONF_LINE_MAX),
			  *blanks = long_rule(" ", 600);
	cleanup_free char *most = NULL;
	struct policy policy;
	struct fail why;
	char want[512];
	size_t len;
	FILE *out;

	strcpy(blanks + 500, "x\n");
	snprintf(want, sizeof(want), "t.ini:2: ro: expected less than 4096 bytes, got '/%.59s...'",
		 path + 14);
	refuses(path, want);
	snprintf(want, sizeof(want),
		 "t.ini:2: expected at most %d bytes in a line, got 'ro\\x20\\x3d\\x20/%.54s...'",
		 CONF_LINE_MAX, line + 14);
	refuses(line, want);
	policy_init(&policy);
	ok(parse(blanks, &policy, &why) == -1 &&
		   strstr(why.msg, "expected \\x20 for blanks, this many in a row") && !policy.len,
	   "blanks that inih would lose are refused");
	out = open_memstream(&most, &len);
	fputs("[paths]\n", out);
	for (int i = 0; i <= POLICY_MAX_RULES; i++)
		fputs("ro = /x\n", out);
	fclose(out);
	ok(parse(most, &policy, &why) == -1 && !policy.len &&
		   strstr(why.msg, "t.ini:4098: ro: cannot add rule '/x'"),
	   "too many rules are refused, and none is kept: %s", why.msg);
	policy_done(&policy);
}

/* A message is one line of printable text, whatever a file or its name holds. */
static void test_hostile_names(void)
{
	static const char text[] = "[paths]\nro = /a\\\n";
	char name[4097];
	struct policy policy;
	struct fail why;

	policy_init(&policy);
	ok(conf_parse(text, strlen(text), "a\n\x1b]0;x\a", &USER, &policy, &why) == -1 &&
		   strncmp(why.msg, "a\\x0a\\x1b]0;x\\x07:2: ro: expected ", 31) == 0,
	   "a file's name is escaped: %s", why.msg);
	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ok(conf_parse(text, strlen(text), name, &USER, &policy, &why) == -1 &&
		   !strchr(why.msg, '\n') && strstr(why.msg, "...:2: ro: expected no"),
	   "4096 bytes of name leave room for the reason");
	ok(conf_read(name, &USER, &policy, &why) == -1 && !strchr(why.msg, '\n'),
	   "so it is when there is no such file");
	ok(conf_parse(text, strlen(text), name, &USER, &policy, NULL) == -1,
	   "nobody needs to ask why");
	policy_done(&policy);
}

static char *print(const struct policy *policy)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	policy_print(policy, out);
	fclose(out);
	return text;
}

static bool same(const struct policy *a, const struct policy *b)
{
	if (a->len != b->len || a->sensitive_len != b->sensitive_len ||
	    a->variables_len != b->variables_len || policy_flags(a) != policy_flags(b) ||
	    memcmp(&a->limits, &b->limits, sizeof(a->limits)) != 0)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		const struct policy_rule *x = &a->rules[i], *y = &b->rules[i];

		if (x->right != y->right || x->system != y->system || x->optional != y->optional ||
		    strcmp(x->path, y->path) != 0)
			return false;
	}
	for (size_t i = 0; i < a->sensitive_len; i++) {
		if (strcmp(a->sensitive[i], b->sensitive[i]) != 0)
			return false;
	}
	for (size_t i = 0; i < a->variables_len; i++) {
		if (a->variables[i].kind != b->variables[i].kind ||
		    strcmp(a->variables[i].text, b->variables[i].text) != 0)
			return false;
	}
	return true;
}

/* Bytes that have a meaning somewhere come often. */
static void random_text(char *text, size_t len)
{
	static const char special[] = " \t\n\r;#=:[]~$\\x0{}\"'/\x7f\xef\xbb\xbf*";

	for (size_t i = 0; i < len; i++) {
		int c = rand() % 3 ? special[(size_t)rand() % (sizeof(special) - 1)]
				   : rand() % 255 + 1;

		text[i] = (char)(c ? c : 1);
	}
	text[len] = '\0';
}

static void random_policy(struct policy *policy)
{
	char text[PATH_MAX];

	policy_set_flags(policy, (uint32_t)rand());
	policy->limits.of[LIMIT_MEMORY] = rand() % 2 ? (uint64_t)rand() + (1 << 20) : 0;
	policy->limits.of[LIMIT_PIDS] = (uint64_t)(rand() % 4194305);
	policy->limits.of[LIMIT_CPU] = (uint64_t)(rand() % 1000);
	for (int i = rand() % 20; i > 0; i--) {
		bool system = rand() % 2;

		random_text(text + 1, (size_t)rand() % (rand() % 8 ? 40 : PATH_MAX - 2));
		text[0] = '/';
		policy_add(policy, (enum policy_right)(rand() % POLICY_NRIGHTS), text, "x", system,
			   system || rand() % 2, NULL);
	}
	for (int i = rand() % 10; i > 0; i--) {
		random_text(text, 1 + (size_t)rand() % 40);
		(void)policy_add_sensitive(
			policy, text, NULL); /* some have a slash in the middle: not in, then */
	}
	for (int i = rand() % 10; i > 0; i--) {
		memcpy(text, "NAME=", 5);
		random_text(text + 5, (size_t)rand() % 60);
		policy_add_variable(policy, POLICY_SET, text, NULL);
		policy_add_variable(policy, rand() % 2 ? POLICY_PASS : POLICY_DROP, "*_K[A-Z]?",
				    NULL);
	}
}

static void test_round_trip(void)
{
	unsigned int wrong = 0;

	srand(2);
	for (int i = 0; i < ROUNDS; i++) {
		struct policy first, second;
		struct fail why = {.msg = "another policy"};
		cleanup_free char *text = NULL;

		policy_init(&first);
		policy_init(&second);
		random_policy(&first);
		text = print(&first);
		if (parse(text, &second, &why) < 0 || !same(&first, &second)) {
			printf("# round %d: %s\n", i, why.msg);
			wrong++;
		}
		policy_done(&first);
		policy_done(&second);
	}
	ok(wrong == 0, "what policy_print() writes is read back as the same policy, %d times",
	   ROUNDS);
}

/*
 * Every prefix of a good file, and every byte of it changed, is read or refused; the sanitizers
 * watch.
 */
static void test_mutations(void)
{
	static const char good[] =
		"[paths]\nrw = ${PROJECT}/\\x20\nro=~\n[sensitive]\npath = "
		"*.pem\n[session]\nmode = audit\nuserns = allow\nlocalhost = any\n";
	unsigned int wrong = 0;

	for (size_t len = 0; len < sizeof(good); len++) {
		for (int c = 0; c < 256; c += 5) {
			char *text = malloc(
				sizeof(good)); /* exact, so that a byte too many read is seen */
			struct policy policy;

			policy_init(&policy);
			memcpy(text, good, sizeof(good) - 1);
			if (len < sizeof(good) - 1)
				text[len] = (char)c;
			if (conf_parse(text, c ? sizeof(good) - 1 : len, "t", &USER, &policy,
				       NULL) < 0)
				wrong += policy.len || policy.sensitive_len || policy.audit ||
					 policy.localhost || policy.userns;
			policy_done(&policy);
			free(text);
		}
	}
	ok(wrong == 0, "no damaged file leaves anything behind");
}

static void write_file(int dirfd, const char *name, mode_t mode, const char *text)
{
	cleanup_fd int fd = openat(dirfd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	if (write_all(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
		ok(false, "write %s", name);
}

/* conf_read() of name in the current directory: 0, or -1 and why. */
static int read_conf(const char *name, struct fail *why)
{
	struct policy policy;
	int ret;

	*why = (struct fail){.msg = "none"};
	policy_init(&policy);
	ret = conf_read(name, &USER, &policy, why);
	if (ret == 0 && policy.len != 1)
		ret = -2;
	if (ret == -1 && policy.len)
		ret = -3;
	policy_done(&policy);
	return ret;
}

static void test_files(int dirfd)
{
	static const char text[] = "[paths]\nro = /a\n";
	static const mode_t bad[] = {0620, 0602, 0622, 0666, 0777};
	struct fail why;

	write_file(dirfd, "good", 0644, text);
	ok(read_conf("good", &why) == 0, "a file of mine is read: %s", why.msg);
	ok(symlinkat("good", dirfd, "link") == 0 && read_conf("link", &why) == 0,
	   "through a link too: %s", why.msg);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_file(dirfd, "bad", bad[i], text);
		ok(read_conf("bad", &why) == -1, "mode %04o is refused", (unsigned int)bad[i]);
		is_str(why.msg, "cannot read policy 'bad': others can write it", "for that");
		is_str(why.hint, "chmod go-w 'bad'", "with the cure");
	}
	unlinkat(dirfd, "link", 0);
	ok(symlinkat("bad", dirfd, "link") == 0 && read_conf("link", &why) == -1,
	   "a link does not hide it");
	ok(read_conf("none", &why) == -1 && why.no == ENOENT, "a missing file: %s", why.msg);
	ok(read_conf(".", &why) == -1, "a directory: %s", why.msg);
	is_str(why.msg, "cannot read policy '.': it is not a regular file", "is not one");
	ok(read_conf("/dev/null", &why) == -1 && strstr(why.msg, "not a regular file"),
	   "a device neither");
	ok(mkfifoat(dirfd, "fifo", 0600) == 0 && read_conf("fifo", &why) == -1 &&
		   strstr(why.msg, "not a regular file"),
	   "nor a fifo, and it does not block");
	write_file(dirfd, "bad", 0600, "[paths]\nro = a\n");
	ok(read_conf("bad", &why) == -1 && strncmp(why.msg, "bad:2: ro: expected ", 20) == 0,
	   "errors name the file: %s", why.msg);
}

static void test_file_size(int dirfd)
{
	cleanup_free char *text = malloc(CONF_FILE_MAX + 2);
	struct fail why;

	memset(text, '\n', CONF_FILE_MAX + 1);
	text[CONF_FILE_MAX + 1] = '\0';
	memcpy(text, "[paths]\nro = /a", 15);
	write_file(dirfd, "bad", 0600, text);
	ok(read_conf("bad", &why) == -1 && why.no == EFBIG, "over 1 MiB: %s", why.msg);
	text[CONF_FILE_MAX] = '\0';
	write_file(dirfd, "bad", 0600, text);
	ok(read_conf("bad", &why) == 0, "1 MiB is read: %s", why.msg);
	/* A file of procfs says it has no bytes, and has some: as one that grows while it is read.
	 */
	ok(read_conf("/proc/self/status", &why) == -1 && why.no == EBUSY,
	   "a file that is not what fstat said: %s", why.msg);
}

/* In a child, because it gives its rights away. */
static int other_user(void)
{
	struct fail why;

	if (setegid(12345) < 0 || seteuid(12345) < 0)
		return 1;
	if (read_conf("good", &why) != 0)
		return 2;
	return read_conf("third", &why) == -1 && strstr(why.msg, "it belongs to uid 54321") &&
			       *why.hint
		       ? 0
		       : 3;
}

static void test_file_owner(int dirfd)
{
	struct fail why;
	int status = -1;
	pid_t child;

	if (geteuid() != 0) {
		ok(true, "files of others are refused # SKIP only root can make one");
		return;
	}
	write_file(dirfd, "third", 0644, "[paths]\nro = /a\n");
	ok(fchownat(dirfd, "third", 54321, 54321, 0) == 0 && read_conf("third", &why) == -1,
	   "root refuses a user's file: %s", why.msg);
	if (fchmod(dirfd, 0755) < 0)
		ok(false, "chmod");
	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(other_user());
	ok(child > 0 && waitpid(child, &status, 0) == child && status == 0,
	   "a user takes root's file and refuses that of a third (status %x)",
	   (unsigned int)status);
}

/* Not by conf_read(): a work tree may have any mode. */
static void test_base(const char *file)
{
	static const char *const want[] = {"ro /usr",
					   "scratch /tmp",
					   "guard /src/web/.git/hooks",
					   "list /proc",
					   "deny /home/ana/.config/git/credentials",
					   "deny /etc/ssl/private",
					   "ro /home/ana/.gitconfig"};
	cleanup_free char *text = malloc(CONF_FILE_MAX), *again = NULL;
	struct policy policy, second;
	struct fail why = {.msg = "none"};
	unsigned int found = 0, wrong = 0;
	ssize_t len = read_text_at(AT_FDCWD, file, text, CONF_FILE_MAX);

	policy_init(&policy);
	policy_init(&second);
	ok(len > 0 && conf_parse(text, (size_t)len, file, &BASE, &policy, &why) == 0,
	   "%s is read: %s", file, why.msg);
	for (size_t i = 0; i < policy.len; i++) {
		char rule[PATH_MAX + 16];

		snprintf(rule, sizeof(rule), "%s %s", policy_right_name(policy.rules[i].right),
			 policy.rules[i].path);
		for (size_t w = 0; w < ARRAY_SIZE(want); w++)
			found += strcmp(rule, want[w]) == 0;
		wrong += !policy.rules[i].system || !policy.rules[i].optional;
		wrong += strcmp(policy.rules[i].path, "/etc/passwd") == 0 ||
			 strcmp(policy.rules[i].path, "/etc") == 0;
	}
	ok(found == ARRAY_SIZE(want), "it grants and denies what it is known for (%u of %zu)",
	   found, ARRAY_SIZE(want));
	ok(policy.len && wrong == 0,
	   "all its rules are system and optional, and /etc/passwd is not in");
	ok(policy_sensitive(&policy, "/home/ana/.ssh/id_ed25519") &&
		   policy_sensitive(&policy, "/etc/shadow") &&
		   policy_sensitive(&policy, "/src/web/.env") &&
		   !policy_sensitive(&policy, "/src/web/main.c"),
	   "it knows what is sensitive");
	again = print(&policy);
	ok(parse(again, &second, &why) == 0 && same(&policy, &second),
	   "printed, it is the same policy: %s", why.msg);
	policy_done(&policy);
	policy_done(&second);
}

static void test_read(void)
{
	static const char *const made[] = {"good", "bad", "link", "fifo", "third"};
	char dir[] = "/tmp/test_conf.XXXXXX";
	cleanup_fd int dirfd = -1;

	if (!mkdtemp(dir) || chdir(dir) < 0) {
		ok(false, "make a directory");
		return;
	}
	dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_files(dirfd);
	test_file_size(dirfd);
	test_file_owner(dirfd);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		unlinkat(dirfd, made[i], 0);
	rmdir(dir);
}

int main(void)
{
	test_format();
	test_context();
	test_environment();
	test_paths();
	test_words();
	test_session_limits();
	test_escapes();
	test_inih_traps();
	test_sections();
	test_log();
	test_users();
	test_first_error();
	test_long_lines();
	test_limits();
	test_hostile_names();
	test_round_trip();
	test_mutations();
	test_base("conf/agent-lock.ini");
	test_read();
	return tap_done();
}
