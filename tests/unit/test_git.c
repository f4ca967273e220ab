/* SPDX-License-Identifier: GPL-2.0-only */
/* test_git.c - which repository outside a project is granted, and that it is still the one when it is opened. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/git.h"
#include "../../lib/util.h"
#include "../tap.h"

static char top[] = "/tmp/test-git-XXXXXX";

static void shell(const char *command)
{
	char text[4096];

	snprintf(text, sizeof(text), "cd %s && { %s; }", top, command);
	if (system(text))
		ok(false, "made: %s", command);
}

struct made {
	struct policy policy;
	struct git_granted granted;
	char *doubt;
};

static bool make(struct made *made, const char *name)
{
	char path[PATH_MAX];
	cleanup_fd int project = -1;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	project = open(path, O_PATH | O_DIRECTORY);
	policy_init(&made->policy);
	return git_add_repository(project, path, NULL, &made->policy, &made->granted, &made->doubt,
				  NULL) == 0;
}

static void done(struct made *made)
{
	policy_done(&made->policy);
	free(made->doubt);
}

static const char *given(const struct made *made)
{
	for (size_t i = 0; i < made->policy.len; i++)
		if (made->policy.rules[i].right == POLICY_RW)
			return made->policy.rules[i].path + strlen(top);
	return "";
}

static void gives(const char *name, const char *want, const char *promise)
{
	struct made made;

	ok(make(&made, name), "%s", promise);
	is_str(given(&made), want, "%s is given of it", *want ? want : "nothing");
	ok(!*want == !!made.doubt, "and something is said if that is nothing");
	done(&made);
}

static void test_layouts(void)
{
	shell("mkdir -p main.git wt sub evil && cd main.git && mkdir -p objects refs worktrees/wt "
	      "&& "
	      "touch HEAD config && echo ../.. >worktrees/wt/commondir && "
	      "echo $PWD/../wt/.git >worktrees/wt/gitdir && echo \"gitdir: $PWD/worktrees/wt\" "
	      ">../wt/.git");
	gives("wt", "/main.git", "a linked work tree");
	shell("mkdir -p main.git/modules/g && cp -r main.git/objects main.git/refs main.git/HEAD "
	      "main.git/modules/g && "
	      "printf '[core]\\nworktree = ../../../sub\\n' >main.git/modules/g/config && "
	      "echo 'gitdir: ../main.git/modules/g' >sub/.git");
	gives("sub", "/main.git/modules/g", "a submodule");
	shell("cp wt/.git evil/.git");
	gives("evil", "", "a .git file that another work tree has");
	shell("cp sub/.git evil/.git");
	gives("evil", "", "or another submodule");
	shell("mkdir main.git/.git");
	gives("wt", "", "a repository with a .git in it is a project");
	shell("rmdir main.git/.git && mv main.git plain && sed -i s/main.git/plain/ wt/.git");
	gives("wt", "", "as is what does not bear a repository's name");
	shell("mv plain main.git && sed -i s/plain/main.git/ wt/.git && ln -sf $PWD/wt/.git "
	      "main.git/link && "
	      "rm main.git/worktrees/wt/gitdir && ln -s ../../link main.git/worktrees/wt/gitdir");
	gives("wt", "", "a link for what points back");
	shell("rm main.git/worktrees/wt/gitdir && mkfifo main.git/worktrees/wt/gitdir");
	gives("wt", "", "or a fifo");
	shell("rm main.git/worktrees/wt/gitdir && echo $PWD/wt/.git >main.git/worktrees/wt/gitdir");
	gives("wt", "/main.git", "as it was");
}

static void test_replaced(void)
{
	struct made made;
	struct objects objects;
	struct fail f = {0};

	ok(make(&made, "wt") && objects_resolve(&made.policy, &objects, &f) == 0, "resolved");
	ok(git_check(&made.granted, &made.policy, &objects, &f) == 0, "the same repository");
	objects_done(&objects);
	shell("mv main.git moved && mkdir secret && ln -s secret main.git");
	ok(objects_resolve(&made.policy, &objects, &f) == 0, "resolved, another in its place");
	ok(git_check(&made.granted, &made.policy, &objects, &f) < 0 &&
		   strstr(f.msg, "replaced meanwhile"),
	   "that is refused");
	objects_done(&objects);
	shell("rm main.git");
	ok(objects_resolve(&made.policy, &objects, &f) < 0, "as is that it is gone");
	done(&made);
}

int main(void)
{
	if (!mkdtemp(top))
		return 1;
	test_layouts();
	test_replaced();
	shell("rm -rf $PWD");
	return tap_done();
}
