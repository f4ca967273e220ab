/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * landlocked.c - landlocked DIR RO... -- COMMAND [ARGUMENT]...: run a command under Landlock that may do everything in
 * DIR, read and execute what is below each RO, and nothing else of what Landlock's first version knows. To be
 * compared with.
 */
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READING \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define OF_FILES \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static int die(const char *what)
{
	perror(what);
	return 1;
}

/* Not what is not there; of a file what files have. */
static int allow(int ruleset, const char *path, __u64 access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access,
						  .parent_fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (rule.parent_fd < 0 || fstat(rule.parent_fd, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int main(int argc, char **argv)
{
	const struct landlock_ruleset_attr all = {.handled_access_fs = ALL};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0), i;

	if (ruleset < 0)
		return die("landlock");
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (allow(ruleset, argv[i], i == 1 ? ALL : READING))
			return die(argv[i]);
	if (i + 1 >= argc) {
		fputs("usage: landlocked DIR RO... -- COMMAND [ARGUMENT]...\n", stderr);
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0))
		return die("landlock");
	execvp(argv[i + 1], argv + i + 1);
	return die(argv[i + 1]);
}
