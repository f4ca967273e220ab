/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon.c - reach the daemon. Root needs none started by hand: as with tmux, the first command
 * starts it. Where systemd runs and knows the unit, it is systemd that does, so that there is one
 * daemon and one who looks after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "beside.h"
#include "lsm.h"
#include "util.h"
#include "verbs.h"

#define DAEMON_LOG "/var/log/agent-lockd.log"
#define UNIT "agent-lockd.service"
#define START_SECONDS 120 /* a verifier under emulation takes its time */

/* agent-lockd beside ourselves, else where it is installed. */
static void find_daemon(char *out, size_t size)
{
	if (!beside_self("agent-lockd", out, size))
		snprintf(out, size, "/usr/sbin/agent-lockd");
}

static _Noreturn void become_daemon(const char *program, int log)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0 || chdir("/"))
		_exit(1);
	closefrom(3);
	execl(program, "agent-lockd", (char *)NULL);
	dprintf(2, "agent-lockd: cannot start %s: %s\n", program, strerror(errno));
	_exit(1);
}

/* What a daemon that did not come up said: everything in its log since start. */
static void show_log(off_t start)
{
	cleanup_file FILE *log = fopen(DAEMON_LOG, "re");
	char line[1200];

	if (!log || fseeko(log, start, SEEK_SET))
		return;
	while (fgets(line, sizeof(line), log))
		fputs(line, stderr);
}

/* Is a daemon alive, although it does not answer yet? Then its lock is held. */
static bool another_starts(void)
{
	cleanup_fd int lock = open(PROTO_RUN_DIR "/lock", O_RDONLY | O_CLOEXEC);

	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

/* 0 when one answers, ours or another that was quicker; -1 when ours ended, or it takes too long. */
static int wait_for(pid_t child)
{
	bool ended = false;

	for (int i = 0; i < START_SECONDS * 20; i++) {
		int daemon = client_connect(NULL);

		if (daemon >= 0) {
			close(daemon);
			return 0;
		}
		if (!ended)
			ended = waitpid(child, NULL, WNOHANG) == child;
		if (ended && !another_starts())
			return -1;
		poll(NULL, 0, 50);
	}
	return -1;
}

static int start_daemon(void)
{
	char program[AL_PATH_MAX + 16];
	cleanup_fd int log = -1;
	struct stat st = {0};
	pid_t child;

	log = open(DAEMON_LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log < 0 || fstat(log, &st)) {
		warn("cannot open %s: %s", DAEMON_LOG, strerror(errno));
		return -1;
	}
	find_daemon(program, sizeof(program));
	child = fork();
	if (child == 0)
		become_daemon(program, log);
	if (child < 0) {
		warn("cannot fork: %s", strerror(errno));
		return -1;
	}
	if (wait_for(child) == 0)
		return 0;
	show_log(st.st_size);
	warn("agent-lockd did not start");
	return -1;
}

#define SYSTEMCTL_NO_UNIT 5 /* systemctl(1), EXIT STATUS */

/* What systemctl ends with, which then has waited for the daemon to be ready; 127: not found. */
static int run_systemctl(void)
{
	int status, null;
	pid_t child = fork();

	if (child == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		execlp("systemctl", "systemctl", "start", UNIT, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* *out_known: there is a unit, and what it came to counts. */
static int start_unit(bool *out_known)
{
	int status;

	*out_known = false;
	if (access("/run/systemd/system", F_OK)) /* sd_booted(3) */
		return -1;
	status = run_systemctl();
	*out_known = status != SYSTEMCTL_NO_UNIT && status != 127;
	if (status && *out_known) {
		warn("systemd cannot start %s", UNIT);
		fputs("hint: systemctl status " UNIT "\n", stderr);
	}
	return status ? -1 : 0;
}

static int start(void)
{
	bool known;
	int ret = start_unit(&known);

	return known ? ret : start_daemon();
}

int daemon_connect(void)
{
	struct fail f = {0};
	int daemon = client_connect(&f);

	if (daemon >= 0)
		return daemon;
	/* Why ask somebody to start what cannot work? */
	if (lsm_supported(&f)) {
		warn_fail(&f);
		return -1;
	}
	if (geteuid() == 0 && (f.no == 0 || f.no == ENOENT || f.no == ECONNREFUSED)) {
		if (start())
			return -1;
		daemon = client_connect(&f);
	}
	if (daemon < 0)
		warn_fail(&f);
	return daemon;
}
