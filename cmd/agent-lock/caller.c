/* SPDX-License-Identifier: GPL-2.0-only */
/* caller.c - whose command this is: the user's own, or under sudo that of the user who called it. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"
#include "verbs.h"

const char *caller_home(void)
{
	const struct passwd *entry;
	const char *home = getenv("HOME");

	if (home && home[0] == '/')
		return home;
	entry = getpwuid(getuid());
	return entry ? entry->pw_dir : NULL;
}

/* SUDO_UID is only believed by root, who could be anybody anyway. */
static const struct passwd *sudo_user(void)
{
	const char *text = getenv("SUDO_UID");
	char *end;
	unsigned long uid;

	if (geteuid() != 0 || !text || !*text)
		return NULL;
	errno = 0;
	uid = strtoul(text, &end, 10);
	if (errno || *end || uid == 0 || uid > 0xfffffffeUL)
		return NULL;
	return getpwuid((uid_t)uid);
}

int caller_become(struct fail *f)
{
	const struct passwd *user = sudo_user();

	if (!user)
		return 0;
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return fail(f, errno, "cannot become user '%s'", Q(user->pw_name));
	if (setuid(0) == 0)
		return fail(f, 0, "cannot give root up for good");
	if (setenv("HOME", user->pw_dir, 1) || setenv("USER", user->pw_name, 1) || setenv("LOGNAME", user->pw_name, 1))
		return fail(f, errno, "cannot set the environment of user '%s'", Q(user->pw_name));
	return 0;
}
