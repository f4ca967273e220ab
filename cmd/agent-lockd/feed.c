/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed.c - kernel record -> event -> one escaped line -> the session's log, and everybody who
 * follows it.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "daemon.h"
#include "util.h"

/*
 * Refusals and what happens to the session are kept, by whom a process was moved out as well; ordinary
 * opens are only shown to who looks.
 */
static void keep(struct session *session, char *line, size_t len)
{
	if (session->log < 0)
		return;
	line[len] = '\n';
	if (write_all(session->log, line, len + 1) == 0) {
		session->log_failed = false;
	} else if (!session->log_failed) {
		say(LOG_WARNING, "cannot write the log of session '%s': %s, ignoring",
		    session->name, strerror(errno));
		session->log_failed = true;
	}
	line[len] = '\0';
}

static void pass_on(struct daemon *daemon, struct session *session, const struct event *event)
{
	char line[EVENT_LINE_MAX + 1];
	size_t len = event_line(event, line);

	if (event->kind != EVENT_ALLOWED || event->op == AL_OP_LEAVE)
		keep(session, line, len);
	if (session->tails)
		control_tell(daemon->control, session, line, len);
}

static void on_event(const struct al_event *raw, void *data)
{
	struct daemon *daemon = data;
	struct session *session = session_by_cgroup(daemon->sessions, raw->cgroup);
	struct event event;

	if (!session)
		return; /* destroyed meanwhile; its counts were read after its last process died */
	session_event(session, raw, &event);
	pass_on(daemon, session, &event);
}

int feed_start(struct daemon *daemon, struct fail *f)
{
	return lsm_events_start(daemon->lsm, on_event, daemon, f);
}

void feed_session(struct daemon *daemon, struct session *session, const char *what, pid_t pid)
{
	struct event event = {.kind = EVENT_SESSION, .pid = (uint32_t)pid};

	clock_gettime(CLOCK_REALTIME, &event.time);
	snprintf(event.session, sizeof(event.session), "%s", session->name);
	snprintf(event.what, sizeof(event.what), "%s", what);
	snprintf(event.comm, sizeof(event.comm), "agent-lock");
	pass_on(daemon, session, &event);
}
