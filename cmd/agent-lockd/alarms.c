/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * alarms.c - what the limits of sessions did to them: processes killed for want of memory, forks
 * refused for too many. The kernel counts them in files of the session's cgroup and wakes who
 * polls those. A line a second for each kind at most, with how many there were: whoever is refused
 * forks in a loop wakes nobody in between.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "util.h"

#define QUIET_MS 1000
#define AT_ONCE 64
#define TIMER UINT64_MAX /* epoll's data; of an alarm: its slot and kind */

struct alarms {
	int epoll;
	int timer; /* runs while an alarm is quiet */
};

static const char *const WHATS[] = {
	[CG_OOM_KILL] = "oom-kill",
	[CG_FORK_REFUSED] = "fork-refused",
};
_Static_assert(ARRAY_SIZE(WHATS) == CG_ALARMS, "each alarm has a name");

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One-shot: it says nothing more until it is asked to again. */
static int listen_to(struct alarms *alarms, const struct session *session, enum cg_alarm kind,
		     int how)
{
	struct epoll_event event = {
		.events = EPOLLPRI | EPOLLONESHOT,
		.data.u64 = (uint64_t)session->slot * CG_ALARMS + kind,
	};

	return epoll_ctl(alarms->epoll, how, session->alarms[kind].fd, &event);
}

/* Returns whether there was anything to tell. */
static bool tell(struct daemon *daemon, struct session *session, enum cg_alarm kind)
{
	struct session_alarm *alarm = &session->alarms[kind];
	uint64_t count = cg_alarm_count(alarm->fd, kind);

	if (count <= alarm->told)
		return false;
	feed_alarm(daemon, session, WHATS[kind], count - alarm->told);
	alarm->told = count;
	cg_alarm_tell(alarm->fd, count);
	return true;
}

/* Tell what is new and be quiet for a while, or go on listening. */
static void attend(struct daemon *daemon, struct session *session, enum cg_alarm kind)
{
	struct session_alarm *alarm = &session->alarms[kind];

	if (tell(daemon, session, kind)) {
		alarm->quiet_for = now_ms() + QUIET_MS;
		return;
	}
	alarm->quiet_for = 0;
	(void)listen_to(daemon->alarms, session, kind, EPOLL_CTL_MOD); /* it is in there */
}

/* Those whose time is over are attended to; the timer is set for the next. */
static void attend_quiet(struct daemon *daemon)
{
	struct itimerspec when = {0};
	struct session *session;
	int64_t now = now_ms(), next = 0;
	uint32_t at = 0;

	while ((session = session_next(daemon->sessions, &at))) {
		for (enum cg_alarm kind = 0; kind < CG_ALARMS; kind++) {
			struct session_alarm *alarm = &session->alarms[kind];

			if (alarm->quiet_for && alarm->quiet_for <= now)
				attend(daemon, session, kind);
			if (alarm->quiet_for && (!next || alarm->quiet_for < next))
				next = alarm->quiet_for;
		}
	}
	when.it_value.tv_sec = next / 1000;
	when.it_value.tv_nsec = next % 1000 * 1000000;
	/* Setting it takes away what it had to say, too. It cannot fail. */
	(void)timerfd_settime(daemon->alarms->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void alarms_read(struct daemon *daemon)
{
	struct epoll_event events[AT_ONCE];
	int len = epoll_wait(daemon->alarms->epoll, events, AT_ONCE, 0);

	for (int i = 0; i < len; i++) {
		enum cg_alarm kind = (enum cg_alarm)(events[i].data.u64 % CG_ALARMS);
		uint32_t slot = (uint32_t)(events[i].data.u64 / CG_ALARMS), at = slot;
		struct session *session;

		if (events[i].data.u64 == TIMER)
			continue;
		session = session_next(daemon->sessions, &at);
		if (session && session->slot == slot && !session->alarms[kind].quiet_for)
			attend(daemon, session, kind);
	}
	attend_quiet(daemon);
}

void alarms_watch(struct daemon *daemon, struct session *session)
{
	for (enum cg_alarm kind = 0; kind < CG_ALARMS; kind++) {
		if (session->alarms[kind].fd < 0)
			continue;
		if (listen_to(daemon->alarms, session, kind, EPOLL_CTL_ADD))
			say(LOG_WARNING, "cannot watch for %s in session '%s': %s, ignoring",
			    WHATS[kind], session->name, strerror(errno));
		else
			attend(daemon, session,
			       kind); /* what an earlier daemon did not live to tell */
	}
}

void alarms_tell(struct daemon *daemon, struct session *session)
{
	for (enum cg_alarm kind = 0; kind < CG_ALARMS; kind++)
		if (session->alarms[kind].fd >= 0)
			(void)tell(daemon, session, kind);
}

void alarms_forget(struct daemon *daemon, struct session *session)
{
	for (enum cg_alarm kind = 0; kind < CG_ALARMS; kind++)
		if (session->alarms[kind].fd >= 0)
			(void)epoll_ctl(daemon->alarms->epoll, EPOLL_CTL_DEL,
					session->alarms[kind].fd, NULL); /* closing does it too */
}

int alarms_fd(const struct alarms *alarms)
{
	return alarms->epoll;
}

int alarms_open(struct daemon *daemon, struct fail *f)
{
	struct alarms *alarms = calloc(1, sizeof(*alarms));
	struct epoll_event timer = {.events = EPOLLIN, .data.u64 = TIMER};
	struct session *session;
	uint32_t at = 0;

	if (!alarms)
		return fail(f, ENOMEM, "cannot watch sessions");
	alarms->epoll = epoll_create1(EPOLL_CLOEXEC);
	alarms->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (alarms->epoll < 0 || alarms->timer < 0 ||
	    epoll_ctl(alarms->epoll, EPOLL_CTL_ADD, alarms->timer, &timer)) {
		fail(f, errno, "cannot watch sessions");
		alarms_close(alarms);
		return -1;
	}
	daemon->alarms = alarms;
	while ((session = session_next(daemon->sessions, &at)))
		alarms_watch(daemon, session);
	attend_quiet(daemon);
	return 0;
}

void alarms_close(struct alarms *alarms)
{
	if (!alarms)
		return;
	if (alarms->epoll >= 0)
		close(alarms->epoll);
	if (alarms->timer >= 0)
		close(alarms->timer);
	free(alarms);
}
