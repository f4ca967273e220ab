/* SPDX-License-Identifier: GPL-2.0-only */
/* run.c - agent-lock run: new, exec, destroy in one go. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"
#include "verbs.h"

static volatile pid_t running;

/* What ends us should end the command first: then there is still somebody to destroy the session.
 */
static void pass_on(int signal)
{
	if (running > 0)
		kill(running, signal);
}

/*
 * ^C and ^\ reach the command by itself, being in the same foreground group; we outlive them. ^Z
 * stops both, which is what the shell waits for.
 */
static void arrange_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, forward = {.sa_handler = pass_on};

	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGQUIT, &ignore, NULL);
	sigaction(SIGTERM, &forward, NULL);
	sigaction(SIGHUP, &forward, NULL);
}

/* The command's signal dispositions are those that we were given. */
static int run_in(const char *name, const char *program, char **command,
		  const struct sigaction *interrupt, const struct sigaction *quit)
{
	int status;

	running = fork();
	if (running == 0) {
		struct sigaction plain = {.sa_handler = SIG_DFL};
		int daemon;

		sigaction(SIGINT, interrupt, NULL);
		sigaction(SIGQUIT, quit, NULL);
		sigaction(SIGTERM, &plain, NULL);
		sigaction(SIGHUP, &plain, NULL);
		daemon = daemon_connect();
		_exit(daemon < 0 ? EXIT_SELF
				 : enter_and_exec(daemon, name, NULL, program, command));
	}
	if (running < 0) {
		warn("cannot fork: %s", strerror(errno));
		return EXIT_SELF;
	}
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void destroy(const char *name)
{
	cleanup_fd int daemon = daemon_connect();
	struct event_style style = style_of(stderr);
	struct report report;
	struct fail f = {0};

	if (daemon < 0)
		return;
	if (client_destroy(daemon, name, &report, &f)) {
		warn_fail(&f);
		return;
	}
	report_summary(&report, &style, stderr);
	report_done(&report);
}

static int make(struct creation *creation, char *out_name)
{
	cleanup_fd int daemon = daemon_connect();

	return daemon < 0 ? EXIT_SELF : creation_make(daemon, creation, out_name);
}

int cmd_run(int argc, char **argv)
{
	struct sigaction interrupt, quit;
	char name[SESSION_NAME_MAX + 1];
	struct creation creation;
	int rest, ret;

	if (geteuid() == 0) {
		int daemon = daemon_connect();

		if (daemon < 0)
			return EXIT_SELF;
		close(daemon);
	}
	if (creation_parse(argc, argv, true, &creation, &rest))
		return EXIT_SELF;
	if (creation.ephemeral) {
		warn("run ends its session anyway: leave --ephemeral out");
		creation_done(&creation);
		return EXIT_SELF;
	}
	if (rest < argc && strcmp(argv[rest], "--") == 0)
		rest++;
	if (rest >= argc) {
		creation_done(&creation);
		usage();
		return EXIT_SELF;
	}
	sigaction(SIGINT, NULL, &interrupt);
	sigaction(SIGQUIT, NULL, &quit);
	arrange_signals();
	if (make(&creation, name)) {
		creation_done(&creation);
		return EXIT_SELF;
	}
	ret = run_in(name, creation.program, argv + rest, &interrupt, &quit);
	creation_done(&creation);
	destroy(name);
	return ret;
}
