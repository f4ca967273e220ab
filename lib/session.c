/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c - see session.h */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "mounts.h"
#include "proto.h"
#include "session_list.h"
#include "state.h"
#include "util.h"

#define KILL_TIMEOUT_MS 200 /* most are gone by then; nobody else should wait for the others */
#define SESSIONS_OF_USER 256
#define SESSIONS_OF_ROOT 16 /* kept free for root, and for the daemon's own trial */

int sessions_open(struct lsm *lsm, struct cg *cg, struct sessions **out_sessions, struct fail *f)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (!sessions)
		return fail(f, ENOMEM, "cannot hold sessions");
	sessions->lsm = lsm;
	sessions->cg = cg;
	sessions->marks = marks_new(lsm);
	if (!sessions->marks) {
		free(sessions);
		return fail(f, ENOMEM, "cannot hold sessions");
	}
	*out_sessions = sessions;
	return 0;
}

void sessions_close(struct sessions *sessions)
{
	if (!sessions)
		return;
	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++)
		session_free(sessions->slots[i]);
	marks_free(sessions->marks);
	free(sessions);
}

struct session *session_new(uid_t owner, const char *directory, uint32_t flags)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->directory = strdup(directory);
	if (!session->directory) {
		free(session);
		return NULL;
	}
	session->owner = owner;
	session->flags = flags;
	session->log = -1;
	policy_init(&session->policy);
	policy_set_flags(&session->policy, flags);
	return session;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	if (session->log >= 0)
		close(session->log);
	objects_done(&session->objects);
	policy_done(&session->policy);
	free(session->ids);
	free(session->directory);
	free(session);
}

static bool name_taken(struct sessions *sessions, const char *name)
{
	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++)
		if (sessions->slots[i] && strcmp(sessions->slots[i]->name, name) == 0)
			return true;
	/* A cgroup that is there without a session is nobody's to reuse. */
	return cg_id(sessions->cg, name) != 0;
}

static bool good_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-+", name[i]))
			return false;
	return len && len <= SESSION_NAME_MAX && isalnum((unsigned char)name[0]);
}

/*
 * The directory's base name, what isn't fit for a name replaced by '_', and "-2", "-3" ... if it is
 * taken.
 */
static int derive_name(struct sessions *sessions, struct session *session, struct fail *f)
{
	const char *base = strrchr(session->directory, '/');
	char stem[SESSION_NAME_MAX - 8];

	base = base && base[1] ? base + 1 : "root";
	snprintf(stem, sizeof(stem), "%.*s", (int)sizeof(stem) - 1, base);
	for (char *c = stem; *c; c++)
		if (!isalnum((unsigned char)*c) && (c == stem || !strchr("._-+", *c)))
			*c = c == stem ? 'x' : '_';
	for (unsigned int n = 1; n <= 2 * AL_MAX_SESSIONS; n++) {
		if (n == 1)
			snprintf(session->name, sizeof(session->name), "%s", stem);
		else
			snprintf(session->name, sizeof(session->name), "%s-%u", stem, n);
		if (!name_taken(sessions, session->name))
			return 0;
	}
	return fail(f, EEXIST, "cannot find a free name for '%s'", Q(session->directory));
}

static int choose_name(struct sessions *sessions, struct session *session, const char *wanted,
		       struct fail *f)
{
	if (!wanted)
		return derive_name(sessions, session, f);
	if (!session->internal && !good_name(wanted)) {
		fail(f, 0, "'%s' is no name for a session", Q(wanted));
		return fail_hint(f,
				 "use 1 to %d letters, digits, '.', '_', '-' or '+', beginning "
				 "with a letter or digit",
				 SESSION_NAME_MAX);
	}
	if (name_taken(sessions, wanted)) {
		fail(f, 0, "the name '%s' is taken", wanted);
		return fail_hint(f, "choose another, or leave --name out to get one");
	}
	snprintf(session->name, sizeof(session->name), "%s", wanted);
	return 0;
}

static int choose_slot(struct sessions *sessions, struct session *session, struct fail *f)
{
	uint32_t limit = session->owner == 0 ? AL_MAX_SESSIONS : AL_MAX_SESSIONS - SESSIONS_OF_ROOT;
	unsigned int own = 0;

	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++)
		own += sessions->slots[i] && sessions->slots[i]->owner == session->owner;
	if (session->owner != 0 && own >= SESSIONS_OF_USER) {
		fail(f, 0, "there are %u sessions of yours already, the most a user can have", own);
		return fail_hint(f, "destroy one: agent-lock list");
	}
	for (uint32_t i = 0; i < limit; i++) {
		if (sessions->slots[i])
			continue;
		session->slot = i;
		return 0;
	}
	fail(f, 0, "there are %u sessions already, the most there can be", limit);
	return fail_hint(f, "destroy one: agent-lock list");
}

/*
 * The owner's, for nobody else to read. An earlier log of that name is kept as NAME.log.UID: nobody
 * loses one to somebody else.
 */
static int open_log(struct session *session, struct fail *f)
{
	char path[sizeof(PROTO_LOG_DIR) + SESSION_NAME_MAX + 16], old[sizeof(path) + 16];
	struct stat st;

	if (session->internal)
		return 0;
	snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s.log", session->name);
	if (lstat(path, &st) == 0) {
		snprintf(old, sizeof(old), "%s.%u", path, st.st_uid);
		if (rename(path, old))
			return fail(f, errno, "cannot put the old log %s away", path);
	}
	session->log =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (session->log < 0 || fchown(session->log, session->owner, (gid_t)-1)) {
		fail(f, errno, "cannot make the log %s", path);
		unlink(path);
		return -1;
	}
	return 0;
}

/* Of a session that did not come to be. */
static void drop_log(struct session *session)
{
	char path[sizeof(PROTO_LOG_DIR) + SESSION_NAME_MAX + 16];

	if (session->log < 0)
		return;
	snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s.log", session->name);
	unlink(path);
}

bool session_needs_number(uint32_t rights)
{
	return !(rights & (AL_WRITE | AL_NAMES));
}

static int note_object(struct state *state, const struct object *object, struct fail *f)
{
	struct state_object *noted = &state->objects[state->len];
	struct stat st;

	/*
	 * The caller's numbers are of its own mount namespace's making; these are what restore will
	 * see.
	 */
	if (fstat(object->fd, &st))
		return fail(f, errno, "cannot look at '%s'", Q(object->path));
	*noted = (struct state_object){
		.rights = object->rights,
		.rule = object->rule,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.path = object->path,
	};
	state->len++;
	return 0;
}

static int set_rule(struct sessions *sessions, struct session *session, struct object *object,
		    struct state *state, struct fail *f)
{
	uint32_t id;

	if (note_object(state, object, f) || marks_take(sessions->marks, object->fd, &id, f))
		return -1;
	object->fd = -1; /* marks has it now */
	state->objects[state->len - 1].id = id;
	session->ids[session->ids_len++] = id;
	if (object->rights & AL_NAMES)
		return lsm_name_set(sessions->lsm, session->slot, id, object_name(object->path),
				    object->rights & ~AL_NAMES, object->rule, f);
	if (session_needs_number(object->rights)) {
		session->flags |= AL_NUMBERED;
		if (marks_number(sessions->marks, id, f))
			return -1;
	}
	return lsm_rule_set(sessions->lsm, session->slot, id, object->rights, object->rule, f);
}

/*
 * The rules, and the state that lets another daemon find them again: both before anything is
 * published.
 */
static int set_rules(struct sessions *sessions, struct session *session, struct fail *f)
{
	cleanup_free struct state_object *objects =
		calloc(session->objects.len + 1, sizeof(*objects));
	struct state state = {
		.owner = session->owner,
		.cgroup = session->cgroup,
		.slot = session->slot,
		.created = session->created,
		.directory = session->directory,
		.policy = session->policy,
		.objects = objects,
	};

	lsm_slot_clear(sessions->lsm, session->slot);
	session->ids = calloc(session->objects.len + 1, sizeof(*session->ids));
	if (!session->ids || !objects)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	for (size_t i = 0; i < session->objects.len; i++)
		if (set_rule(sessions, session, &session->objects.list[i], &state, f))
			return -1;
	state.flags = session->flags;
	if (state_save(session->name, &state, f))
		return -1;
	objects_done(&session->objects);
	return 0;
}

static void drop_rules(struct sessions *sessions, struct session *session)
{
	for (size_t i = 0; i < session->ids_len; i++)
		marks_drop(sessions->marks, session->ids[i]);
	session->ids_len = 0;
	lsm_slot_clear(sessions->lsm, session->slot);
	state_remove(session->name);
}

int session_start(struct sessions *sessions, struct session *session, const char *wanted,
		  struct fail *f)
{
	if (choose_name(sessions, session, wanted, f) || choose_slot(sessions, session, f))
		return -1;
	if (cg_create(sessions->cg, session->name, &session->cgroup, f))
		return -1;
	session->created = time(NULL);
	if (set_rules(sessions, session, f) || open_log(session, f) ||
	    lsm_publish(sessions->lsm, session->cgroup, session->slot, session->flags, f)) {
		drop_rules(sessions, session);
		drop_log(session);
		(void)cg_remove(sessions->cg, session->name,
				NULL); /* empty and new: nothing can hold it */
		return -1;
	}
	sessions->slots[session->slot] = session;
	return 0;
}

int session_enter(struct sessions *sessions, struct session *session, pid_t pid, struct fail *f)
{
	struct al_session published;

	if (!lsm_published(sessions->lsm, session->cgroup, &published) ||
	    cg_id(sessions->cg, session->name) != session->cgroup)
		return fail(f, 0, "session '%s' is not in force", session->name);
	return cg_enter(sessions->cg, session->name, pid, f);
}

int session_kill(struct sessions *sessions, struct session *session, bool *out_empty,
		 struct fail *f)
{
	return cg_kill(sessions->cg, session->name, KILL_TIMEOUT_MS, out_empty, f);
}

int session_end(struct sessions *sessions, struct session *session, struct fail *f)
{
	bool empty;

	/*
	 * In this order: nothing of it may run when the rules go, and nobody may enter what is
	 * going.
	 */
	if (session_kill(sessions, session, &empty, f))
		return -1;
	if (!empty)
		return fail(f, EBUSY, "processes of session '%s' are still dying", session->name);
	if (cg_remove(sessions->cg, session->name, f) ||
	    lsm_unpublish(sessions->lsm, session->cgroup, f))
		return -1;
	drop_rules(sessions, session);
	sessions->slots[session->slot] = NULL;
	return 0;
}

int session_tailed(struct sessions *sessions, struct session *session, bool tailed, struct fail *f)
{
	uint32_t flags = tailed ? session->flags | AL_TAILED : session->flags & ~AL_TAILED;

	if (flags == session->flags)
		return 0;
	if (lsm_change(sessions->lsm, session->cgroup, session->slot, flags, f))
		return -1;
	session->flags = flags;
	return 0;
}

struct session *session_find(struct sessions *sessions, const char *name, uid_t uid, struct fail *f)
{
	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++) {
		struct session *session = sessions->slots[i];

		if (session && strcmp(session->name, name) == 0 &&
		    (uid == 0 || session->owner == uid))
			return session;
	}
	fail(f, 0, "cannot find session '%s'", Q(name));
	fail_hint(f, "agent-lock list shows your sessions");
	return NULL;
}

struct session *session_by_cgroup(struct sessions *sessions, uint64_t cgroup)
{
	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++)
		if (sessions->slots[i] && sessions->slots[i]->cgroup == cgroup)
			return sessions->slots[i];
	return NULL;
}

struct session *session_next(struct sessions *sessions, uint32_t *at)
{
	while (*at < AL_MAX_SESSIONS) {
		struct session *session = sessions->slots[(*at)++];

		if (session)
			return session;
	}
	return NULL;
}

void session_entry(struct sessions *sessions, const struct session *session,
		   struct list_entry *out_entry)
{
	uint64_t counters[AL_NCOUNTERS] = {0};
	long processes = cg_processes(sessions->cg, session->name);

	memset(out_entry, 0, sizeof(*out_entry));
	snprintf(out_entry->name, sizeof(out_entry->name), "%s", session->name);
	snprintf(out_entry->directory, sizeof(out_entry->directory), "%s", session->directory);
	snprintf(out_entry->state, sizeof(out_entry->state), "%s",
		 processes > 0 ? "running" : "idle");
	out_entry->audit = session->flags & AL_AUDIT;
	out_entry->processes = processes > 0 ? (uint64_t)processes : 0;
	out_entry->created = session->created;
	out_entry->owner = session->owner;
	if (lsm_counters(sessions->lsm, session->slot, counters, NULL))
		return;
	for (int op = 0; op < AL_NOPS; op++) {
		out_entry->opens += counters[op * AL_NVERDICTS + AL_IN_BOUNDS];
		out_entry->refused += counters[op * AL_NVERDICTS + AL_REFUSED] +
				      counters[op * AL_NVERDICTS + AL_WOULD_REFUSE];
	}
}

/* What rule decided, as it stands in the policy. */
static void rule_text(const struct session *session, uint32_t rule, char *out, size_t size)
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
static size_t full_path(const char *path, size_t len, uint32_t flags, uint32_t dev, char *out)
{
	const struct mount_entry *entry = NULL;
	const char *before = "";
	struct mounts mounts = {0};
	size_t head;

	if (flags & AL_PATH_CUT)
		before = "...";
	else if ((flags & AL_PATH_IN_FS) && mounts_read(&mounts, NULL) == 0)
		entry = mounts_of_device(&mounts, dev);
	if (entry && strcmp(entry->point, "/") != 0)
		before = entry->point;
	head = strlen(before);
	if (head + len > AL_PATH_MAX)
		len = AL_PATH_MAX - head;
	memcpy(out, before, head);
	memcpy(out + head, path, len);
	out[head + len] = '\0';
	mounts_done(&mounts);
	return head + len;
}

struct collect {
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
		len = full_path(tally->path + start, AL_TALLY_PATH - start, tally->flags,
				tally->dev, path);
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
	rule_text(collect->session, start ? tally->rule : AL_NO_RULE, target->rule,
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
	struct collect collect = {.session = session, .report = &report};
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
	report.age = (uint64_t)(time(NULL) - session->created);
	report.lost = counters[AL_COUNT_LOST];
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

void session_event(const struct session *session, const struct al_event *raw,
		   struct event *out_event)
{
	uint32_t chain = raw->chain_len > AL_CHAIN ? AL_CHAIN : raw->chain_len;

	memset(out_event, 0, sizeof(*out_event));
	out_event->kind = kind_of(raw->verdict);
	out_event->time = wall_time(raw->time_ns);
	snprintf(out_event->session, sizeof(out_event->session), "%s", session->name);
	out_event->op = raw->op;
	out_event->uid = raw->uid;
	out_event->error = (int)raw->error;
	rule_text(session, raw->rule, out_event->rule, sizeof(out_event->rule));
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
		out_event->path_len = full_path(raw->path + raw->start, AL_PATH_MAX - raw->start,
						raw->flags, raw->dev, out_event->path);
	out_event->sensitive = policy_sensitive(&session->policy, out_event->path);
}
