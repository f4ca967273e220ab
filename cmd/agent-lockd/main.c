/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c - agent-lockd: options, the order of start and stop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>

#include "daemon.h"
#include "proto.h"
#include "util.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static void usage(FILE *out)
{
	fputs("usage: agent-lockd [--verified]\n"
	      "\n"
	      "The daemon of agent-lock: makes sessions for everybody who asks at " PROTO_SOCKET
	      ".\n"
	      "Runs as root, in the foreground. When it stops, sessions that are there stay "
	      "jailed.\n"
	      "\n"
	      "  --verified   load the BPF programs, print how many instructions the kernel "
	      "verified of each, end\n"
	      "  --help\n",
	      out);
}

/* Directories that others may enter and only root may write. */
static int make_directories(struct fail *f)
{
	static const char *const dirs[] = {PROTO_RUN_DIR, PROTO_LOG_DIR};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct stat st;

		if (mkdir(dirs[i], 0755) && errno != EEXIST)
			return fail(f, errno, "cannot make %s", dirs[i]);
		if (lstat(dirs[i], &st) || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
		    (st.st_mode & 022))
			return fail(f, 0, "%s is not a directory that only root can write",
				    dirs[i]);
	}
	return 0;
}

/* One daemon at a time. The lock goes with the process, however it ends. */
static int lock(struct fail *f)
{
	int fd = open(PROTO_RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		if (fd >= 0 && errno == EWOULDBLOCK) {
			close(fd);
			return fail(f, 0, "another agent-lockd is running");
		}
		return fail(f, errno, "cannot lock %s/lock", PROTO_RUN_DIR);
	}
	return fd;
}

static void note_restored(const char *name, const char *what)
{
	say(LOG_NOTICE, "session '%s': %s", Q(name), what);
}

static int start(struct daemon *daemon, struct fail *f)
{
	if (cg_open(&daemon->cg, f) ||
	    lsm_open(cg_session_level(), cg_directory(daemon->cg), &daemon->lsm, f) ||
	    sessions_open(daemon->lsm, daemon->cg, &daemon->sessions, f))
		return -1;
	if (sessions_restore(daemon->sessions, note_restored, f))
		return -1;
	lsm_attend(daemon->lsm, sessions_complete(daemon->sessions));
	if (trial(daemon, f) || feed_start(daemon, f) || control_open(daemon, f))
		return -1;
	return 0;
}

/* Every object of every policy is a descriptor here. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE,
				&limit); /* then requests fail sooner, each with its reason */
	}
}

static int serve(struct fail *f)
{
	struct daemon daemon = {0};
	cleanup_fd int locked = -1;
	bool started = false;
	int ret;

	if (geteuid() != 0) {
		fail(f, 0, "agent-lockd must run as root: it loads BPF programs and makes cgroups");
		return fail_hint(f, "sudo agent-lockd");
	}
	umask(022);
	if (lsm_supported(f) || make_directories(f))
		return -1;
	locked = lock(f);
	if (locked < 0)
		return -1;
	raise_limits();
	ret = start(&daemon, f);
	started = ret == 0;
	if (started) {
		say(LOG_INFO, "ready");
		ret = control_run(&daemon, &stop, f);
	}
	control_close(daemon.control);
	/*
	 * With no session left nothing needs to be enforced, and nothing is left behind. Not when
	 * we don't know.
	 */
	if (started && lsm_idle(daemon.lsm))
		(void)lsm_unpin_all(NULL);
	sessions_close(daemon.sessions);
	lsm_close(daemon.lsm);
	cg_close(daemon.cg);
	return ret;
}

static int print_verified(struct fail *f)
{
	return lsm_verify(cg_session_level(), stdout, f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"verified", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct sigaction action = {.sa_handler = on_signal};
	struct fail f = {0};
	bool verified = false;
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		}
		if (option != 'v') {
			usage(stderr);
			return 2;
		}
		verified = true;
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if ((verified ? print_verified(&f) : serve(&f)) == 0)
		return 0;
	say_fail(LOG_ERR, &f);
	return 1;
}
