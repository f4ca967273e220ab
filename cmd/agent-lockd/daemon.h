/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon.h - what the daemon's parts share. Here things are logged; in lib/ they are not. */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#include "cg.h"
#include "conf.h"
#include "lsm.h"
#include "manager.h"
#include "process.h"
#include "session.h"

struct daemon {
	struct lsm *lsm;
	struct cg *cg;
	struct sessions *sessions;
	struct control *control;
	struct alarms *alarms;
	int endings; /* epoll descriptor of ending.c */
	struct settings settings;
	struct manager_fd *inherited; /* what the service manager handed over */
	size_t inherited_len;
	uint64_t feed_due; /* when feed_tick() has something to do, by now_ms(); 0: nothing */
};

/* log.c: one line to stderr each, with the journal's level prefix when stderr is the journal. */
void say(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_fail(int priority, const struct fail *f);

/*
 * trial.c: does a session hold here and now? Proved by a refused open in a throw-away session, with
 * its control.
 */
int trial(struct daemon *daemon, struct fail *f);

/*
 * control.c: the socket and its clients. The socket is among what was inherited, or else is made.
 */
int control_open(struct daemon *daemon, struct fail *f);
void control_close(struct control *control);
/* Serve until *stop is set, by a signal that is blocked everywhere else. */
int control_run(struct daemon *daemon, volatile const int *stop, struct fail *f);
/* Hand one log line (no newline) that stands for so many events to all who follow this session. */
void control_tell(struct control *control, const struct session *session, const char *line,
		  size_t len, uint64_t events);

/* Everybody who follows this session is told that it ended. */
void control_forget(struct daemon *daemon, struct session *session);

/* feed.c: events of the kernel half into logs and tails. */
int feed_start(struct daemon *daemon, struct fail *f);
/* Everything that was held back goes out. */
void feed_stop(struct daemon *daemon);
/* What is held back of one session goes out, and what is missing is said. Is there more to come? */
bool feed_flush(struct daemon *daemon, struct session *session);
/* The same when nothing runs in it any more: what a daemon that was killed had in its hands, too. */
void feed_settle(struct daemon *daemon, struct session *session);
/* What is held back of all sessions, if it is time: in feed_wait_ms(), -1 for never. */
void feed_tick(struct daemon *daemon);
int feed_wait_ms(const struct daemon *daemon);
/* A line about the session itself: created, entered, destroyed. */
void feed_session(struct daemon *daemon, struct session *session, const char *what, pid_t pid);
/* A process that was running already is in the session now. */
void feed_adopted(struct daemon *daemon, struct session *session, const struct process *process);
/* One about a rule that it got: allowed, denied. */
void feed_rule(struct daemon *daemon, struct session *session, const char *what, uint32_t rule,
	       pid_t pid);
/* One about what the kernel did to it, and how often. */
void feed_alarm(struct daemon *daemon, struct session *session, const char *what, uint64_t count);

/* alarms.c: what the limits of sessions did to them, into logs and tails. */
int alarms_open(struct daemon *daemon, struct fail *f);
void alarms_close(struct alarms *alarms);
/* A descriptor to poll, and what to do when it is readable. */
int alarms_fd(const struct alarms *alarms);
void alarms_read(struct daemon *daemon);
/* From now on, this session too; its last news at once; no longer. */
void alarms_watch(struct daemon *daemon, struct session *session);
void alarms_tell(struct daemon *daemon, struct session *session);
void alarms_forget(struct daemon *daemon, struct session *session);

/*
 * ending.c: kill all of a session and take it away. With *out_empty false some are still dying, and
 * it is there as before: ask again. Else it is freed, and the caller frees *out_report. what stands
 * in the log; by: who asked, 0 for nobody.
 */
int end_session(struct daemon *daemon, struct session *session, const char *what, pid_t by,
		bool *out_empty, struct report *out_report, struct fail *f);
/* daemon->endings is readable when ending_read() has something to do, or in ending_wait_ms(). */
int ending_open(struct daemon *daemon, struct fail *f);
int ending_wait_ms(struct daemon *daemon);
void ending_read(struct daemon *daemon);
void ending_watch(struct daemon *daemon, struct session *session);

#endif
