/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ending.c - how sessions end: asked to, or by themselves when the last process of an ephemeral one
 * is gone. The kernel tells of that: a cgroup's events file wakes who polls it.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon.h"
#include "util.h"

#define AT_ONCE 64
#define AGAIN_MS 100 /* what is still dying is looked at so often */

/*
 * Kill first: then nothing adds to the report any more, and what the rings still hold goes into the
 * log.
 */
int end_session(struct daemon *daemon, struct session *session, const char *what, pid_t by,
		bool *out_empty, struct report *out_report, struct fail *f)
{
	uid_t owner = session->owner;
	int ret;

	if (session_kill(daemon->sessions, session, out_empty, f))
		return -1;
	if (!*out_empty)
		return 0;
	lsm_events_drain(daemon->lsm);
	alarms_tell(daemon, session);
	feed_settle(daemon, session);
	if (session_report(daemon->sessions, session, out_report, f))
		return -1;
	report_merge(out_report);
	snprintf(out_report->state, sizeof(out_report->state), "destroyed");
	ret = session_end(daemon->sessions, session, f);
	if (ret == 0) {
		alarms_forget(daemon, session);
		feed_session(daemon, session, what, by);
		control_forget(daemon, session);
		say(LOG_INFO, "session '%s' of uid %u %s", session->name, owner, what);
		session_free(session);
		session_prune_logs(daemon->sessions, owner);
	} else {
		report_done(out_report);
	}
	lsm_attend(daemon->lsm, sessions_complete(daemon->sessions));
	return ret;
}

static void end_if_over(struct daemon *daemon, struct session *session)
{
	struct report report;
	struct fail f = {0};
	bool empty;

	session->ending = session_over(daemon->sessions, session);
	if (!session->ending)
		return;
	if (end_session(daemon, session, "ended", 0, &empty, &report, &f)) {
		say_fail(LOG_WARNING, &f); /* it is looked at again */
		return;
	}
	if (empty)
		report_done(&report); /* all of it is in the log */
}

void ending_watch(struct daemon *daemon, struct session *session)
{
	struct epoll_event event = {.events = EPOLLPRI, .data.u32 = session->slot};

	if (session->population < 0)
		return;
	if (epoll_ctl(daemon->endings, EPOLL_CTL_ADD, session->population, &event))
		say(LOG_WARNING, "session '%s' will not end by itself: %s, ignoring", session->name,
		    strerror(errno));
	else
		session->ending = true; /* look at it once: it may be over already */
}

int ending_wait_ms(struct daemon *daemon)
{
	struct session *session;
	uint32_t at = 0;

	while ((session = session_next(daemon->sessions, &at)))
		if (session->ending)
			return AGAIN_MS;
	return -1;
}

void ending_read(struct daemon *daemon)
{
	struct epoll_event events[AT_ONCE];
	int len = epoll_wait(daemon->endings, events, AT_ONCE, 0);
	struct session *session;
	uint32_t at = 0;

	for (int i = 0; i < len; i++) {
		at = events[i].data.u32;
		session = session_next(daemon->sessions, &at);
		if (session && session->slot == events[i].data.u32)
			session->ending = true;
	}
	at = 0;
	while ((session = session_next(daemon->sessions, &at)))
		if (session->ending)
			end_if_over(daemon, session);
}

int ending_open(struct daemon *daemon, struct fail *f)
{
	struct session *session;
	uint32_t at = 0;

	daemon->endings = epoll_create1(EPOLL_CLOEXEC);
	if (daemon->endings < 0)
		return fail(f, errno, "cannot watch sessions");
	while ((session = session_next(daemon->sessions, &at)))
		ending_watch(daemon, session);
	return 0;
}
