/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * enter.c - become the command inside a session. There is no parent of ours: terminal, environment,
 * signals, job control and exit code are the command's own. Anything that fails on the way: the
 * command is not run.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util.h"
#include "verbs.h"

/* Where the session's directory is; the daemon knows. */
static int session_directory(int daemon, const char *session, char *out, size_t size,
			     struct fail *f)
{
	cleanup_free struct list_entry *entries = NULL;
	size_t len;

	if (client_list(daemon, &entries, &len, f))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (strcmp(entries[i].name, session) != 0)
			continue;
		snprintf(out, size, "%s", entries[i].directory);
		return 0;
	}
	out[0] = '\0'; /* client_enter() has the better sentence */
	return 0;
}

/* Is the working directory inside? By climbing from it, not by its name. */
static bool inside(const char *directory)
{
	struct stat project, st, last = {0};
	cleanup_fd int at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (stat(directory, &project))
		return false;
	while (at >= 0 && fstat(at, &st) == 0) {
		int up;

		if (st.st_dev == project.st_dev && st.st_ino == project.st_ino)
			return true;
		if (st.st_dev == last.st_dev && st.st_ino == last.st_ino)
			return false;
		last = st;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = up;
	}
	return false;
}

/* A command started from elsewhere begins in the project: where it stood it could open nothing. */
static int go_inside(const char *directory, struct fail *f)
{
	if (!directory[0] || inside(directory))
		return 0;
	if (chdir(directory))
		return fail(f, errno, "cannot change to the project directory '%s'", Q(directory));
	return 0;
}

static int cannot_execute(const char *command)
{
	int no = errno;

	warn("cannot execute '%s': %s", Q(command), strerror(no));
	if (no == EPERM || no == EACCES)
		fprintf(stderr, "hint: if the session refused it, give its directory with --ro\n");
	return no == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/*
 * What is handed in stays usable inside, whoever opened it. Two things would lead out by that: a file of
 * cgroupfs, which asks for the rights of who opened it, and an io_uring (an anonymous inode: of no
 * type), whose requests a thread outside may run.
 */
static int check_handed(struct fail *f)
{
	static const char *const names[] = {"stdin", "stdout", "stderr"};

	for (int fd = 0; fd < 3; fd++) {
		struct statfs fs;
		struct stat st;

		if (fstat(fd, &st) || fstatfs(fd, &fs))
			continue; /* closed */
		if (fs.f_type == CGROUP2_SUPER_MAGIC || (st.st_mode & S_IFMT) == 0)
			return fail(f, 0, "%s is a %s: it would lead out of the session", names[fd],
				    st.st_mode & S_IFMT ? "file of a cgroup" : "kernel object");
	}
	return 0;
}

/*
 * Before the border is crossed: whoever is inside already may look into a process that enters, so
 * there must be nothing in it. Not dumpable means not traceable (execve sets it again); what is
 * open stays open, so only the user's three and the daemon remain.
 */
static int strip(int daemon, struct fail *f)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fail(f, errno, "cannot guard this process");
	if ((daemon > 3 && close_range(3, (unsigned int)daemon - 1, 0)) ||
	    close_range((unsigned int)daemon + 1, ~0U, 0))
		return fail(f, errno, "cannot close what is open");
	return 0;
}

/*
 * Inside, before the command runs. A session keyring of its own: that of the login belongs to outside
 * and would be refused at every use.
 */
static int settle_in(struct fail *f)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(f, errno, "cannot set no_new_privs");
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return fail(f, errno, "cannot make a session keyring");
	return 0;
}

int enter_and_exec(int daemon, const char *session, char **command)
{
	char directory[AL_PATH_MAX + 1];
	struct fail f = {0};

	if (check_handed(&f) ||
	    session_directory(daemon, session, directory, sizeof(directory), &f) ||
	    go_inside(directory, &f) || strip(daemon, &f) || client_enter(daemon, session, &f)) {
		warn_fail(&f);
		return EXIT_SELF;
	}
	close(daemon);
	if (settle_in(&f)) {
		warn_fail(&f);
		return EXIT_SELF;
	}
	execvp(command[0], command);
	return cannot_execute(command[0]);
}
