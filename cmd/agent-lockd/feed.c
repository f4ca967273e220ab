/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed.c - kernel record -> event -> one escaped line -> the session's log, and everybody who
 * follows it. Repeats of a refusal are held back for FEED_MS and then become one line (fold.h).
 *
 * What the daemon holds for that is bounded: FOLD_KINDS records of each of AL_MAX_SESSIONS sessions,
 * 18 MiB at the worst. The rings are the kernel's, 16 MiB; what they have no room for is counted.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "daemon.h"
#include "util.h"

#define FEED_MS 800 /* so that, with the time it takes, no count is held back for a second */

/* To whom and about what. */
struct target {
	struct daemon *daemon;
	struct session *session;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tick_later(struct daemon *daemon)
{
	if (!daemon->feed_due)
		daemon->feed_due = now_ms() + FEED_MS;
}

/* Refusals and what happens to the session are kept; ordinary opens are only shown to who looks. */
static bool for_the_log(const struct event *event)
{
	/* By whom a process was moved out is kept as well. */
	return event->kind != EVENT_ALLOWED || event->op == AL_OP_LEAVE;
}

/* A log that stops or goes on is told of, once. */
static void note_log(const struct session *session, int before)
{
	if (session->log.error && !before)
		say(LOG_WARNING,
		    "cannot write the log of session '%s': %s, counting what is missing",
		    session->name, strerror(session->log.error));
	else if (before && !session->log.error)
		say(LOG_NOTICE, "the log of session '%s' goes on", session->name);
}

/* Of what the kernel counts as refused, said one by one or as a number of missing ones. */
static bool of_refusals(const struct event *event)
{
	return event->kind != EVENT_SESSION && event->kind != EVENT_ALLOWED;
}

static void keep(struct daemon *daemon, struct session *session, const char *line, size_t len,
		 const struct event *event)
{
	uint64_t events = event_weight(event);
	int before = session->log.error;

	logfile_write(&session->log, line, len, events, of_refusals(event) ? events : 0);
	note_log(session, before);
	if (session->log.error)
		tick_later(daemon);
}

static void pass_on(struct daemon *daemon, struct session *session, const struct event *event)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_line(event, line);

	if (for_the_log(event))
		keep(daemon, session, line, len, event);
	if (session->tails)
		control_tell(daemon->control, session, line, len, event_weight(event));
}

static void on_folded(const struct al_event *raw, uint64_t repeat, uint64_t first_ns, void *data)
{
	const struct target *target = data;
	struct event event;

	session_event(target->daemon->sessions, target->session, raw, repeat, first_ns, &event);
	pass_on(target->daemon, target->session, &event);
}

static void on_event(const struct al_event *raw, void *data)
{
	struct target target = {.daemon = data};

	target.session = session_by_cgroup(target.daemon->sessions, raw->cgroup);
	if (!target.session)
		return; /* destroyed meanwhile; its counts were read after its last process died */
	/* What has come up to now may also have found no room: feed_tick() will look. */
	tick_later(target.daemon);
	if (raw->verdict == AL_REFUSED || raw->verdict == AL_WOULD_REFUSE)
		fold_take(&target.session->fold, raw, on_folded, &target);
	else
		on_folded(raw, 0, 0, &target);
}

int feed_start(struct daemon *daemon, struct fail *f)
{
	daemon->feed_due = now_ms(); /* an earlier daemon may have left something to tell */
	return lsm_events_start(daemon->lsm, on_event, daemon, f);
}

static struct event event_of(const struct session *session, enum event_kind kind)
{
	struct event event = {.kind = kind};

	clock_gettime(CLOCK_REALTIME, &event.time);
	snprintf(event.session, sizeof(event.session), "%s", session->name);
	return event;
}

static struct event event_about(const struct session *session, const char *what, const char *by)
{
	struct event event = event_of(session, EVENT_SESSION);

	snprintf(event.what, sizeof(event.what), "%s", what);
	snprintf(event.comm, sizeof(event.comm), "%s", by);
	return event;
}

/* What found no room in the rings: refusals are missing in the log, opens only to who looks. */
static void tell_lost(struct daemon *daemon, struct session *session)
{
	struct event event = event_of(session, EVENT_LOST);
	char line[EVENT_LINE_MAX];

	event.count = session_lost(daemon->sessions, session);
	if (event.count) {
		/* In this order: killed in between, feed_settle() of another daemon says it. */
		session_lost_told(daemon->sessions, session, event.count);
		pass_on(daemon, session, &event);
	}
	if (!session->tails)
		return;
	event.count = session_opens_lost(daemon->sessions, session);
	if (event.count)
		control_tell(daemon->control, session, line, event_line(&event, line), event.count);
}

bool feed_flush(struct daemon *daemon, struct session *session)
{
	struct target target = {.daemon = daemon, .session = session};
	bool waiting = fold_flush(&session->fold, on_folded, &target);
	int before = session->log.error;

	tell_lost(daemon, session);
	logfile_retry(&session->log);
	note_log(session, before);
	return waiting || session->log.error;
}

void feed_settle(struct daemon *daemon, struct session *session)
{
	struct event event = event_of(session, EVENT_LOST);

	(void)feed_flush(daemon, session);
	event.count = session_untold(daemon->sessions, session);
	if (event.count)
		pass_on(daemon, session, &event);
}

void feed_tick(struct daemon *daemon)
{
	uint64_t now = now_ms();
	struct session *session;
	bool again = false;
	uint32_t at = 0;

	if (!daemon->feed_due || now < daemon->feed_due)
		return;
	while ((session = session_next(daemon->sessions, &at)))
		again = feed_flush(daemon, session) || again;
	daemon->feed_due = again ? now + FEED_MS : 0;
}

int feed_wait_ms(const struct daemon *daemon)
{
	uint64_t now = now_ms();

	if (!daemon->feed_due)
		return -1;
	return daemon->feed_due > now ? (int)(daemon->feed_due - now) : 0;
}

void feed_stop(struct daemon *daemon)
{
	struct session *session;
	uint32_t at = 0;

	while ((session = session_next(daemon->sessions, &at)))
		(void)feed_flush(daemon, session);
}

void feed_session(struct daemon *daemon, struct session *session, const char *what, pid_t pid)
{
	struct event event = event_about(session, what, "agent-lock");

	event.pid = (uint32_t)pid;
	pass_on(daemon, session, &event);
}

void feed_adopted(struct daemon *daemon, struct session *session, const struct process *process)
{
	struct event event = event_about(session, "adopted", process->comm);

	event.pid = (uint32_t)process->pid;
	pass_on(daemon, session, &event);
}

void feed_rule(struct daemon *daemon, struct session *session, const char *what, uint32_t rule,
	       pid_t pid)
{
	struct event event = event_about(session, what, "agent-lock");

	event.pid = (uint32_t)pid;
	session_rule(session, rule, event.rule, sizeof(event.rule));
	pass_on(daemon, session, &event);
}

void feed_alarm(struct daemon *daemon, struct session *session, const char *what, uint64_t count)
{
	struct event event = event_about(session, what, "kernel");

	event.count = count;
	pass_on(daemon, session, &event);
}
