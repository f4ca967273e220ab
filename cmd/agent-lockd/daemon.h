/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon.h - what the daemon's parts share. Here things are logged; in lib/ they are not. */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#include "cg.h"
#include "lsm.h"
#include "session.h"

struct daemon {
	struct lsm *lsm;
	struct cg *cg;
	struct sessions *sessions;
	struct control *control;
};

/* log.c: one line to stderr each, with the journal's level prefix when stderr is the journal. */
void say(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_fail(int priority, const struct fail *f);

/*
 * trial.c: does a session hold here and now? Proved by a refused open in a throw-away session, with
 * its control.
 */
int trial(struct daemon *daemon, struct fail *f);

/* control.c: the socket and its clients. */
int control_open(struct daemon *daemon, struct fail *f);
void control_close(struct control *control);
/* Serve until *stop is set. */
int control_run(struct daemon *daemon, volatile const int *stop, struct fail *f);
/* Hand one log line (no newline) to everybody who follows this session. */
void control_tell(struct control *control, const struct session *session, const char *line,
		  size_t len);

/* feed.c: events of the kernel half into logs and tails. */
int feed_start(struct daemon *daemon, struct fail *f);
/* A line about the session itself: created, entered, destroyed. */
void feed_session(struct daemon *daemon, struct session *session, const char *what, pid_t pid);

#endif
