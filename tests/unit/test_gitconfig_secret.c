/* SPDX-License-Identifier: GPL-2.0-only */
/* test_gitconfig_secret.c - what is left out of a copy of git's configuration, and what is not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/gitconfig.h"
#include "../../lib/secret.h"
#include "../../lib/util.h"
#include "../tap.h"

static char *filter(const char *text)
{
	size_t len;

	return gitconfig_filter(text, strlen(text), NULL, &len);
}

static void holds(const char *text, const char *name)
{
	char got[GITCONFIG_KEY] = "";
	cleanup_free char *copy = filter(text);

	ok(gitconfig_has_secret(text, strlen(text), got), "holds a secret: %s", Q(text));
	is_str(got, name, "and it is named");
	ok(copy && !strstr(copy, "hunter2"), "which is not in the copy");
	ok(copy && !gitconfig_has_secret(copy, strlen(copy), got), "nor is another");
}

static void holds_none(const char *text)
{
	char name[GITCONFIG_KEY];

	ok(!gitconfig_has_secret(text, strlen(text), name), "holds none: %s", Q(text));
}

static void filtered(const char *text, const char *want)
{
	cleanup_free char *copy = filter(text);

	is_str(copy, want, "the copy of: %s", Q(text));
}

static void test_secrets(void)
{
	holds("[http]\n\textraHeader = X: hunter2\n", "http.extraheader");
	holds("[http \"https://h/\"]\n\textraheader = AUTHORIZATION: basic hunter2\n",
	      "http.extraheader");
	holds("[github]\n\ttoken = hunter2\n", "github.token");
	holds("[hub]\n\toauthtoken = hunter2\n", "hub.oauthtoken");
	holds("[sendemail]\n\tsmtpPass = hunter2\n", "sendemail.smtppass");
	holds("[imap]\n\tpass = \"hun\\\nter2\"\n", "imap.pass");
	holds("[url \"https://user:hunter2@host/\"]\n\tinsteadOf = https://host/\n",
	      "url.insteadof");
	holds("[url \"https://hunter2@host/\"]\n\tinsteadOf = https://host/\n", "url.insteadof");
	holds("[url \"https://user:hunter2@host/\"]\n\tinsteadOf\n\tpushInsteadOf = a\n",
	      "url.insteadof");
	holds("[http]\n\tproxy = http://u:hunter2@proxy:3128\n", "http.proxy");
	holds("[credential]\n\thelper = \"!f() { echo username=u; echo password=hunter2; }; f\"\n",
	      "credential.helper");
	holds("[alias]\n\tx = !curl -H 'Authorization: Bearer hunter2' https://h/\n", "alias.x");
	holds("[a]\n\tb = ghp_hunter2\n", "a.b");
	holds("[user]\n\tname = A ; password = hunter2\n", "user.comment");
	holds("# [github] token = hunter2\n[user]\n\tname = A\n", ".comment");
	holds("[user]\n\tname = A\n[bad\n\ttoken = hunter2\n", "what git cannot read");
	holds("[GitHub]\r\n\tTOKEN=hunter2\r\n", "github.token");
	holds("\xef\xbb\xbf[github]\n\ttoken = hunter2\n", "github.token");
	holds("[a.ghp_x]\n", "what git cannot read");
}

static void test_none(void)
{
	holds_none("");
	holds_none("[user]\n\tname = Ana Nakia\n\temail = ana@x.org\n\tsigningkey = AB12\n");
	holds_none("[credential]\n\thelper = store\n\thelper = !gh auth git-credential\n");
	holds_none("[url \"git@github.com:\"]\n\tinsteadOf = https://github.com/\n");
	holds_none("[url \"ssh://git@github.com/\"]\n\tinsteadOf = https://github.com/\n");
	holds_none("[http]\n\tsslCertPasswordProtected = true\n\tcookieFile = ~/.cookies\n");
	holds_none("[core]\n\taskPass = /usr/bin/ksshaskpass\n");
	holds_none("# tokens are kept elsewhere\n[core]\n\tpager = less\n");
}

static void test_copy(void)
{
	filtered("[user]\n\tname = A  B # mine\n\n[github]\n\ttoken = x\n\tuser = a\n",
		 "[user]\n\tname = \"A  B\"\n# agent-lock: left out: github.token\n[github]\n"
		 "\tuser = \"a\"\n");
	filtered("[url \"https://u:p@h/\"]\ninsteadOf = a\n[core]\nbare\n",
		 "# agent-lock: left out: url.insteadof\n[core]\n\tbare\n");
	filtered("[a \"x\\\"y\\\\z]\"] b = \"q\\\"\\\\\\n\\t;\"\n",
		 "[a \"x\\\"y\\\\z]\"]\n\tb = \"q\\\"\\\\\\n\t;\"\n");
	filtered("[a.b]\nc = d\n[a]\n[a]\ne=", "[a.b]\n\tc = \"d\"\n[a]\n\te = \"\"\n");
	filtered("[a]\nb = c\n]\n[d]\ne = f\n",
		 "[a]\n\tb = \"c\"\n# agent-lock: left out: what follows, which git cannot read\n");
}

static const char *known(const char *path, void *data)
{
	(void)data;
	return strcmp(path, "known") == 0 ? "copy.1" : NULL;
}

static void test_includes(void)
{
	static const char TEXT[] = "[include]\npath = known\npath = other\n"
				   "[includeIf \"gitdir/i:./w/\"]\npath = known\n"
				   "[includeIf \"gitdir:~/w/\"]\npath = known\n[a]\npath = other\n";
	struct gitconfig_includes includes = {.replace = known, .dir = "/home/ana"};
	size_t len;
	cleanup_free char *copy = gitconfig_filter(TEXT, strlen(TEXT), &includes, &len);

	is_str(copy,
	       "[include]\n\tpath = \"copy.1\"\n# agent-lock: left out: include.path\n"
	       "[includeif \"gitdir/i:/home/ana/w/\"]\n\tpath = \"copy.1\"\n"
	       "[includeif \"gitdir:~/w/\"]\n\tpath = \"copy.1\"\n[a]\n\tpath = \"other\"\n",
	       "what is included is replaced, or left out; no other path is");
}

/* What git itself reads from a file of this text. */
static void ask_git(const char *text, char *out, size_t size)
{
	char file[] = "/tmp/test-gitconfig-XXXXXX", command[128];
	int fd = mkstemp(file);
	FILE *git;

	out[0] = '\0';
	if (fd < 0 || write_all(fd, text, strlen(text)))
		return;
	close(fd);
	snprintf(command, sizeof(command), "git config -l -f %s", file);
	git = popen(command, "r");
	out[git ? fread(out, 1, size - 1, git) : 0] = '\0';
	ok(git && pclose(git) == 0, "git reads it");
	unlink(file);
}

/* Where there is no secret the copy says the same. */
static void test_git(void)
{
	static const char *const texts[] = {
		"[user]\n\tname = \"A ; B\" # c\n\temail = a@b\\\n.c\n[core]\n\tbare\n",
		"[a \"B c\"] d = e\\nf\\tg\\\"h\\\\\n[a.B]\nc=1\n[A]\r\nB = c d\r\n",
		"\xef\xbb\xbf[a \"\\x\\\"\"]\n\tb = \" x \"  y  \"\"\n\tc = \\\n\n\td = e\\b\n",
		"[alias]\n\tl = log --format='%h %s'\n\tr = !sh -c 'a \\\"$1\\\"' -\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_free char *copy = filter(texts[i]);
		char want[4096], got[4096];

		ask_git(texts[i], want, sizeof(want));
		ask_git(copy, got, sizeof(got));
		is_str(got, want, "the same from the copy of: %s", Q(texts[i]));
	}
}

int main(void)
{
	test_git();
	test_secrets();
	test_none();
	test_copy();
	test_includes();
	ok(secret_address("x a://b:c@d") && !secret_address("a://b@c") &&
		   !secret_address("a://b/c:d@e"),
	   "an address with a password in it");
	return tap_done();
}
