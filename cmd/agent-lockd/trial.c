/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trial.c - the proof that a session holds. Programs can attach and never be called; a session's
 * level can be wrong: so a child of ours goes through the real thing. It opens "/", jailed with no
 * rule at all, which must be refused with EPERM; we open it before (the control), which must not.
 * The daemon serves nobody until that has been seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "util.h"

#define TRIAL ".trial"

/* The exit code says what was seen. */
enum seen {
	SEEN_REFUSED = 0,
	SEEN_ALLOWED,
};

static int open_root(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Waits on the pipe until it was moved; write end closed without a byte: it wasn't. */
static _Noreturn void be_jailed(int go)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(SEEN_ALLOWED);
	_exit(open_root() == EPERM ? SEEN_REFUSED : SEEN_ALLOWED);
}

static int watch_child(struct daemon *daemon, struct session *session, struct fail *f)
{
	int go[2], status, entered;
	pid_t child;

	if (open_root() != 0)
		return fail(f, 0, "cannot open / outside a session: the trial proves nothing");
	if (pipe2(go, O_CLOEXEC))
		return fail(f, errno, "cannot make a pipe");
	child = fork();
	if (child == 0) {
		close(go[1]);
		be_jailed(go[0]);
	}
	close(go[0]);
	if (child < 0) {
		close(go[1]);
		return fail(f, errno, "cannot fork");
	}
	entered = session_enter(daemon->sessions, session, child, f);
	if (!entered)
		entered = write_all(go[1], "", 1) ? fail(f, errno, "cannot start the trial") : 0;
	close(go[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (entered)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SEEN_REFUSED)
		return 0;
	fail(f, 0, "this kernel does not enforce: an open that should have been refused succeeded");
	return fail_hint(f, "agent-lock doctor");
}

int trial(struct daemon *daemon, struct fail *f)
{
	struct session *session = session_new(0, "/", 0);
	bool empty;
	int ret;

	if (!session)
		return fail(f, ENOMEM, "cannot try a session");
	session->internal = true;
	/*
	 * Left by a daemon that was killed in here: empty, since its child died with it or was
	 * never let go.
	 */
	(void)cg_kill(daemon->cg, TRIAL, 1000, &empty, NULL);
	(void)cg_remove(daemon->cg, TRIAL, NULL);
	if (session_start(daemon->sessions, session, TRIAL, f)) {
		session_free(session);
		return -1;
	}
	ret = watch_child(daemon, session, f);
	if (session_end(daemon->sessions, session, ret ? NULL : f))
		return -1;
	session_free(session);
	return ret;
}
