/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * enter.c - become the command inside a session. There is no parent of ours: terminal, signals, job
 * control and exit code are the command's own; so is the environment, but for what the policy drops
 * or sets. Anything that fails on the way: the
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

#include "climb.h"
#include "environment.h"
#include "util.h"
#include "verbs.h"

bool starts_inside(const char *directory)
{
	cleanup_fd int at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat project;

	return at >= 0 && stat(directory, &project) == 0 && climb_meets(at, &project) > 0;
}

/* A command started from elsewhere begins in the project: where it stood it could open nothing. */
static int go_inside(const char *directory, struct fail *f)
{
	if (!directory[0] || starts_inside(directory))
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
		fprintf(stderr,
			"hint: if the session refused it: new --profile NAME, or new --ro DIR "
			"with the directory that it is in\n");
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

/*
 * The session's own place for temporary files, in its scratch directory. Made inside: that is what
 * makes it the session's. Another user may have been there first, whatever the name: then it gets
 * another. Returns what TMPDIR is to be, NULL if there is no such place.
 */
static const char *make_tmpdir(struct entry_plan *plan)
{
	size_t len = strlen(plan->tmpdir);
	cleanup_fd int own = -1;

	if (!len)
		return NULL;
	if (mkdir(plan->tmpdir, 0700) == 0)
		return plan->tmpdir;
	own = open(plan->tmpdir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own >= 0)
		return plan->tmpdir;
	snprintf(plan->tmpdir + len, sizeof(plan->tmpdir) - len, "-XXXXXX");
	return mkdtemp(plan->tmpdir);
}

/* What the session says of the environment, then the command line, then where it is. */
static int add_variables(struct policy *policy, const char *session, const struct policy *more,
			 struct fail *f)
{
	char text[sizeof(PROTO_LOG_DIR) + SESSION_NAME_MAX + 64];

	for (size_t i = 0; more && i < more->variables_len; i++)
		if (policy_add_variable(policy, more->variables[i].kind, more->variables[i].text,
					f))
			return -1;
	snprintf(text, sizeof(text), "AGENT_LOCK_SESSION=%s", session);
	if (policy_add_variable(policy, POLICY_SET, text, f))
		return -1;
	snprintf(text, sizeof(text), "AGENT_LOCK_LOG=" PROTO_LOG_DIR "/%s.log", session);
	return policy_add_variable(policy, POLICY_SET, text, f);
}

/* With the user's rights, which may read what the session may not. */
static int copy_configuration(const struct policy *policy, struct git_copies *out_copies,
			      struct fail *f)
{
	struct git_user user;
	int ret;

	if (!git_copies_wanted(policy))
		return 0;
	ret = git_user_read(caller_home(), &user, f) || git_copies_make(&user, out_copies, f) ? -1
											      : 0;
	git_user_done(&user);
	return ret;
}

static int enter(int daemon, const char *session, struct entry_plan *plan,
		 const struct policy *more, struct fail *f)
{
	struct git_copies copies = {0};
	const char *tmpdir;
	char **variables;

	if (copy_configuration(&plan->policy, &copies, f) ||
	    add_variables(&plan->policy, session, more, f) || go_inside(plan->directory, f) ||
	    strip(daemon, f) || client_enter(daemon, session, f))
		return -1;
	close(daemon);
	if (settle_in(f))
		return -1;
	tmpdir = make_tmpdir(plan);
	if (tmpdir && git_copies_write(&copies, tmpdir, f))
		return -1;
	git_copies_done(&copies);
	variables = environment_make(&plan->policy, environ, tmpdir, f);
	if (!variables)
		return -1;
	environ = variables;
	return 0;
}

int enter_and_exec(int daemon, const char *session, const struct policy *more, const char *program,
		   char **command)
{
	struct entry_plan plan;
	struct fail f = {0};

	if (check_handed(&f) || client_prepare(daemon, session, &plan, &f) ||
	    enter(daemon, session, &plan, more, &f)) {
		warn_fail(&f);
		return EXIT_SELF;
	}
	execvp(program ? program : command[0], command);
	return cannot_execute(command[0]);
}
