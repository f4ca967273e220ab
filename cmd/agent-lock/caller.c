/* SPDX-License-Identifier: GPL-2.0-only */
/* caller.c - whose command this is: the user's own, or under sudo that of the user who called it.
 */
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

/*
 * SUDO_UID is only believed by root, who could be anybody anyway. Returns false when it names
 * nobody.
 */
static bool sudo_user(const char *text, const struct passwd **out_user)
{
	unsigned long uid;
	char *end;

	errno = 0;
	uid = strtoul(text, &end, 10);
	if (errno || end == text || *end || uid > 0xfffffffeUL)
		return false;
	*out_user = getpwuid((uid_t)uid);
	return *out_user != NULL;
}

int caller_become(struct fail *f)
{
	const char *sudo = getenv("SUDO_UID");
	const struct passwd *user;

	if (geteuid() != 0 || !sudo)
		return 0;
	if (!sudo_user(sudo, &user)) {
		fail(f, 0, "cannot become the user who called sudo: SUDO_UID '%s' is nobody",
		     Q(sudo));
		return fail_hint(f, "use --root if it is to run as root");
	}
	if (user->pw_uid == 0)
		return 0;
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return fail(f, errno, "cannot become user '%s'", Q(user->pw_name));
	if (setuid(0) == 0)
		return fail(f, 0, "cannot give root up for good");
	if (setenv("HOME", user->pw_dir, 1) || setenv("USER", user->pw_name, 1) ||
	    setenv("LOGNAME", user->pw_name, 1))
		return fail(f, errno, "cannot set the environment of user '%s'", Q(user->pw_name));
	return 0;
}
