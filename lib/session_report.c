/* SPDX-License-Identifier: GPL-2.0-only */
/* session_report.c - what list, report and the log say of a session; see session.h */
#include <string.h>

#include "proto.h"
#include "session_list.h"
#include "util.h"

void session_entry(struct sessions *sessions, const struct session *session,
		   struct list_entry *out_entry)
{
	uint64_t counters[AL_NCOUNTERS] = {0};
	long processes = cg_processes(sessions->cg, session->name);

	memset(out_entry, 0, sizeof(*out_entry));
	snprintf(out_entry->name, sizeof(out_entry->name), "%s", session->name);
	snprintf(out_entry->directory, sizeof(out_entry->directory), "%s", session->directory);
	snprintf(out_entry->state, sizeof(out_entry->state), "%s",
		 session_frozen(sessions, session) ? "frozen"
		 : processes > 0		   ? "running"
						   : "idle");
	cg_usage(sessions->cg, session->name, &out_entry->usage);
	out_entry->audit = session->flags & AL_AUDIT;
	out_entry->processes = processes > 0 ? (uint64_t)processes : 0;
	out_entry->created = session->created;
	out_entry->owner = session->owner;
	out_entry->log_error = session->log.error;
	out_entry->log_missing = session->log.missing;
	out_entry->unmarked = session->unmarked;
	if (lsm_counters(sessions->lsm, session->slot, counters, NULL))
		return;
	for (int op = 0; op < AL_NOPS; op++) {
		out_entry->opens += counters[op * AL_NVERDICTS + AL_IN_BOUNDS];
		out_entry->refused += counters[op * AL_NVERDICTS + AL_REFUSED] +
				      counters[op * AL_NVERDICTS + AL_WOULD_REFUSE];
	}
}

/* What rule decided, as it stands in the policy. */
void session_rule(const struct session *session, uint32_t rule, char *out, size_t size)
{
	const struct policy_rule *found;

	if (rule >= session->policy.len) {
		snprintf(out, size, "no rule");
		return;
	}
	found = &session->policy.rules[rule];
	snprintf(out, size, "%s %.200s (%.64s)", policy_right_name(found->right), found->path,
		 found->origin);
}

int session_ask(struct sessions *sessions, const struct session *session, int fd, const char *child,
		uint32_t *out_rights, char *out_rule, size_t size, struct fail *f)
{
	struct al_question question = {
		.cgroup = session->cgroup, .slot = session->slot, .flags = session->flags};

	if (lsm_ask(sessions->lsm, fd, child, &question, f))
		return -1;
	*out_rights = question.rights;
	if (question.distance) /* below a scratch directory: it is the session's own, or it is not */
		*out_rights &= ~AL_SCRATCH;
	session_rule(session, question.rule, out_rule, size);
	return 0;
}

/* Boot time to wall-clock time. */
static struct timespec wall_time(uint64_t boot_ns)
{
	struct timespec wall, boot;
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec -
	     ((int64_t)boot.tv_sec * 1000000000 + boot.tv_nsec) + (int64_t)boot_ns;
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/*
 * The kernel's bytes as the user would type them: a path that begins at a file system's root gets
 * the place where that is mounted before it, one whose beginning is missing gets "...". For display
 * only. Returns the length; out has AL_PATH_MAX + 1.
 */
static size_t full_path(struct mounts_cache *cache, const char *path, size_t len, uint32_t flags,
			uint32_t dev, char *out)
{
	const struct mount_entry *entry = NULL;
	const struct mounts *mounts = NULL;
	const char *before = "";
	size_t head;

	if (flags & AL_PATH_CUT)
		before = "...";
	else if (flags & AL_PATH_IN_FS)
		mounts = mounts_now(cache);
	if (mounts)
		entry = mounts_of_device(mounts, dev);
	if (entry && strcmp(entry->point, "/") != 0)
		before = entry->point;
	head = strlen(before);
	if (head + len > AL_PATH_MAX)
		len = AL_PATH_MAX - head;
	memcpy(out, before, head);
	memcpy(out + head, path, len);
	out[head + len] = '\0';
	return head + len;
}

struct collect {
	struct sessions *sessions;
	const struct session *session;
	struct report *report;
	bool failed;
};

static void collect_target(const struct al_tally_key *key, const struct al_tally *tally, void *data)
{
	struct collect *collect = data;
	struct report_target *target;
	char path[AL_PATH_MAX + 1];
	uint32_t start = tally->start;
	size_t len = 0;

	if (start && start < AL_TALLY_PATH)
		len = full_path(&collect->sessions->mounts, tally->path + start,
				AL_TALLY_PATH - start, tally->flags, tally->dev, path);
	target = report_add(collect->report, path, len);
	if (!target) {
		collect->failed = true;
		return;
	}
	target->op = key->op;
	target->verdict = key->verdict;
	target->count = tally->count;
	target->first = wall_time(start ? tally->first_ns : tally->last_ns);
	target->last = wall_time(tally->last_ns);
	target->sensitive = policy_sensitive(&collect->session->policy, target->path);
	/* Without a start no event of it ever found room, and nothing but its count is known. */
	session_rule(collect->session, start ? tally->rule : AL_NO_RULE, target->rule,
		     sizeof(target->rule));
	target->comms_len = 1;
	snprintf(target->comms[0].comm, sizeof(target->comms[0].comm), "%.*s", AL_COMM, key->comm);
	target->comms[0].pid = tally->pid;
	target->comms[0].count = tally->count;
}

int session_report(struct sessions *sessions, const struct session *session,
		   struct report *out_report, struct fail *f)
{
	uint64_t counters[AL_NCOUNTERS];
	struct report report = {0};
	struct collect collect = {.sessions = sessions, .session = session, .report = &report};
	struct list_entry entry;

	if (lsm_counters(sessions->lsm, session->slot, counters, f))
		return -1;
	session_entry(sessions, session, &entry);
	snprintf(report.name, sizeof(report.name), "%s", session->name);
	snprintf(report.directory, sizeof(report.directory), "%s", session->directory);
	snprintf(report.state, sizeof(report.state), "%s", entry.state);
	report.audit = entry.audit;
	report.processes = entry.processes;
	report.owner = session->owner;
	report.unmarked = session->unmarked;
	report.age = (uint64_t)(time(NULL) - session->created);
	report.lost = counters[AL_COUNT_LOST] + counters[AL_COUNT_LOST_OPENS];
	report.others = counters[AL_COUNT_OTHERS];
	memcpy(report.counts, counters, sizeof(report.counts));
	lsm_tally(sessions->lsm, session->slot, collect_target, &collect);
	if (collect.failed) {
		report_done(&report);
		return fail(f, ENOMEM, "cannot make the report");
	}
	*out_report = report;
	return 0;
}

uint64_t session_untold(struct sessions *sessions, const struct session *session)
{
	uint64_t counters[AL_NCOUNTERS], refusals = 0, told = session->log.missing_refusals;

	if (!session->log.told || lsm_counters(sessions->lsm, session->slot, counters, NULL))
		return 0;
	told += session->log.told->told;
	for (int op = 0; op < AL_NOPS; op++)
		refusals += counters[op * AL_NVERDICTS + AL_REFUSED] +
			    counters[op * AL_NVERDICTS + AL_WOULD_REFUSE];
	return refusals > told ? refusals - told : 0;
}

void session_resume_log(struct sessions *sessions, struct session *session)
{
	struct ledger_entry *told = &sessions->ledger[session->slot];

	logfile_resume(&session->log, PROTO_LOG_DIR, sessions->limits, session->name,
		       session->owner);
	session->log.told = told;
	if (ledger_resume(told, session->cgroup, session->log.fd))
		return;
	/* Nobody knows what an earlier version told: take it that all was. */
	ledger_begin(told, session->cgroup);
	told->told = told->next = session_untold(sessions, session);
}

uint64_t session_lost(struct sessions *sessions, const struct session *session)
{
	uint64_t lost = lsm_counter(sessions->lsm, session->slot, AL_COUNT_LOST);
	uint64_t told = lsm_counter(sessions->lsm, session->slot, AL_COUNT_TOLD);

	return lost > told ? lost - told : 0;
}

void session_lost_told(struct sessions *sessions, const struct session *session, uint64_t more)
{
	lsm_told(sessions->lsm, session->slot, more);
}

uint64_t session_opens_lost(struct sessions *sessions, struct session *session)
{
	uint64_t lost = lsm_counter(sessions->lsm, session->slot, AL_COUNT_LOST_OPENS);
	uint64_t more = lost > session->opens_lost ? lost - session->opens_lost : 0;

	session->opens_lost = lost;
	return more;
}

static enum event_kind kind_of(uint32_t verdict)
{
	switch (verdict) {
	case AL_REFUSED:
		return EVENT_REFUSED;
	case AL_WOULD_REFUSE:
		return EVENT_WOULD_REFUSE;
	default:
		return EVENT_ALLOWED;
	}
}

void session_event(struct sessions *sessions, const struct session *session,
		   const struct al_event *raw, uint64_t repeat, uint64_t first_ns,
		   struct event *out_event)
{
	uint32_t chain = raw->chain_len > AL_CHAIN ? AL_CHAIN : raw->chain_len;

	memset(out_event, 0, sizeof(*out_event));
	out_event->kind = kind_of(raw->verdict);
	out_event->time = wall_time(raw->time_ns);
	out_event->repeat = repeat;
	if (repeat) {
		out_event->first = wall_time(first_ns);
		out_event->last = out_event->time;
	}
	snprintf(out_event->session, sizeof(out_event->session), "%s", session->name);
	out_event->op = raw->op;
	out_event->uid = raw->uid;
	out_event->error = (int)raw->error;
	session_rule(session, raw->rule, out_event->rule, sizeof(out_event->rule));
	if (chain) {
		out_event->pid = raw->chain[0].pid;
		memcpy(out_event->comm, raw->chain[0].comm, AL_COMM);
	}
	for (uint32_t i = 1; i < chain; i++) {
		out_event->chain[i - 1].pid = raw->chain[i].pid;
		memcpy(out_event->chain[i - 1].comm, raw->chain[i].comm, AL_COMM);
		out_event->chain_len = i;
	}
	if (raw->start < AL_PATH_MAX)
		out_event->path_len =
			full_path(&sessions->mounts, raw->path + raw->start,
				  AL_PATH_MAX - raw->start, raw->flags, raw->dev, out_event->path);
	out_event->sensitive = policy_sensitive(&session->policy, out_event->path);
}
