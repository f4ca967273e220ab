/* SPDX-License-Identifier: GPL-2.0-only */
/* test_gitconfig.c - git's configuration is read as git reads it: each case was put to git config -l. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/gitconfig.h"
#include "../../lib/util.h"
#include "../tap.h"

static void put(const char *key, const char *value, void *data)
{
	char *out = data;

	sprintf(out + strlen(out), "%s=%s\n", key, value);
}

static void reads(const char *text, const char *want)
{
	char got[8192] = "";

	gitconfig_each(text, strlen(text), put, got);
	is_str(got, want, "read: %s", Q(text));
}

/* The same file, by git itself; subsections are not told apart here. */
static void as_git(const char *text)
{
	char file[] = "/tmp/test-gitconfig-XXXXXX", command[128], line[512], got[8192] = "",
	     want[8192] = "";
	int fd = mkstemp(file);
	FILE *git;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return;
	close(fd);
	snprintf(command, sizeof(command), "git config -l -f %s 2>/dev/null", file);
	git = popen(command, "r");
	while (git && fgets(line, sizeof(line), git))
		strcat(want, line);
	ok(git && pclose(git) == 0, "git reads: %s", Q(text));
	unlink(file);
	gitconfig_each(text, strlen(text), put, got);
	is_str(got, want, "and so do we");
}

int main(void)
{
	static char long_value[GITCONFIG_VALUE + 100] = "[a]\nb=";
	char got[2 * GITCONFIG_VALUE] = "";

	as_git("[core]\n\tworktree = ../../x\n");
	as_git("[user]\nname=A B  \n[user]\n\temail = \"a;b\" # c\n");
	as_git("; c\n# c\n[a]\nb = c ; d\n e=f\\\ng\n");
	as_git("[a] b = c\n[Abc]\nDEF = Ghi\n");
	as_git("[a]\nb = \"x\\\"y\\\\z\"\nc = x\\ty\n");
	as_git("[a]\r\nb = c\r\n");
	as_git("[a]\nb = a  \"  b  \"  c  \n");
	reads("[a \"x.y]z\"]\nb = c\n", "a.b=c\n");
	reads("[a.b]\nc = d\n", "a.c=d\n");
	reads("[a]\nb\n", "a.b=\n");
	reads("[a]\nb", "a.b=\n");
	reads("[a]\nb =", "a.b=\n");
	reads("", "");
	reads("a = b\n", "");
	reads("[a]\nb = c\n[bad\nc = d\n", "a.b=c\n");
	reads("[a]\nb = \"open\n", "");
	reads("[a]\nb = \\q\n", "");
	reads("[]\nb = c\n", "");
	memset(long_value + 6, 'x', GITCONFIG_VALUE + 50);
	gitconfig_each(long_value, strlen(long_value), put, got);
	ok(strlen(got) == strlen("a.b=\n") + GITCONFIG_VALUE - 1,
	   "a value that is too long is cut");
	return tap_done();
}
