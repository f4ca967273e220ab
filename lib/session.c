/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c - see session.h */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "proto.h"
#include "session_list.h"
#include "state.h"
#include "util.h"

#define KILL_TIMEOUT_MS 200 /* most are gone by then; nobody else should wait for the others */
/* What users may not have is kept free for root, and for the daemon's own trial. */
_Static_assert(USER_SESSIONS_MAX < AL_MAX_SESSIONS, "root can always come in");
_Static_assert(USER_RULES_MAX == AL_MAX_RULES, "a user may have them all, if somebody says so");

int sessions_open(struct lsm *lsm, struct cg *cg, const struct log_limits *limits,
		  const struct user_limits *users, struct sessions **out_sessions, struct fail *f)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (!sessions)
		return fail(f, ENOMEM, "cannot hold sessions");
	sessions->lsm = lsm;
	sessions->cg = cg;
	sessions->limits = limits;
	sessions->users = users;
	sessions->marks = marks_new(lsm);
	sessions->ledger = ledger_open(PROTO_RUN_DIR "/ledger");
	if (!sessions->marks || !sessions->ledger) {
		sessions_close(sessions);
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
	ledger_close(sessions->ledger);
	mounts_cache_done(&sessions->mounts);
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
	for (size_t i = 0; i < CG_ALARMS; i++)
		session->alarms[i].fd = -1;
	session->population = -1;
	logfile_init(&session->log);
	policy_init(&session->policy);
	policy_set_flags(&session->policy, flags);
	return session;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	for (size_t i = 0; i < CG_ALARMS; i++)
		if (session->alarms[i].fd >= 0)
			close(session->alarms[i].fd);
	if (session->population >= 0)
		close(session->population);
	logfile_close(&session->log);
	free(session->fold);
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
	uint32_t limit = session->owner == 0 ? AL_MAX_SESSIONS : USER_SESSIONS_MAX;

	for (uint32_t i = 0; i < limit; i++) {
		if (sessions->slots[i] || sessions->stuck[i])
			continue;
		session->slot = i;
		return 0;
	}
	fail(f, 0, "there are %u sessions already, the most there can be", limit);
	return fail_hint(f, "destroy one: agent-lock list");
}

/* What this user has already. */
static void count_of_user(const struct sessions *sessions, uid_t owner, uint64_t *out_sessions,
			  uint64_t *out_rules)
{
	*out_sessions = *out_rules = 0;
	for (uint32_t i = 0; i < AL_MAX_SESSIONS; i++) {
		const struct session *session = sessions->slots[i];

		if (!session || session->owner != owner)
			continue;
		++*out_sessions;
		*out_rules += session->ids_len + session->unmarked;
	}
}

int session_check_rules(const struct sessions *sessions, uid_t owner, size_t more, struct fail *f)
{
	uint64_t own, rules;

	count_of_user(sessions, owner, &own, &rules);
	rules += more;
	if (owner == 0 || rules <= sessions->users->rules)
		return 0;
	fail(f, 0, "your sessions would have %" PRIu64 " rules, the most is %" PRIu64, rules,
	     sessions->users->rules);
	return fail_hint(f, "destroy one, or name directories instead of their files");
}

/*
 * May the owner have this one too? It has its objects, but no rules yet. A user's limits bind
 * nobody else, and root has none but the machine's.
 */
static int check_user(struct sessions *sessions, const struct session *session, struct fail *f)
{
	uint64_t own, rules;

	count_of_user(sessions, session->owner, &own, &rules);
	if (session->owner != 0 && own >= sessions->users->sessions) {
		fail(f, 0, "there are %" PRIu64 " sessions of yours already, the most you may have",
		     own);
		return fail_hint(f, "destroy one: agent-lock list");
	}
	return session_check_rules(sessions, session->owner, session->objects.len, f);
}

static int open_log(struct sessions *sessions, struct session *session, struct fail *f)
{
	if (session->internal)
		return 0;
	if (logfile_begin(&session->log, PROTO_LOG_DIR, sessions->limits, session->name,
			  session->owner, f))
		return -1;
	session->log.told = &sessions->ledger[session->slot];
	ledger_begin(session->log.told, session->cgroup);
	return 0;
}

/*
 * What was refused it may read: the file of that name in the directory of logs, also when the log is
 * rotated. What else lies there stays the policy's business.
 */
static int grant_log(struct session *session, struct fail *f)
{
	struct objects *objects = &session->objects;
	struct object *more = reallocarray(objects->list, objects->len + 1, sizeof(*more));
	char path[sizeof(PROTO_LOG_DIR) + SESSION_NAME_MAX + sizeof("/.log")];
	struct object object = {.rights = AL_READ | AL_SYSTEM | AL_NAMES,
				.rule = (uint32_t)session->policy.len};

	if (!more)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	objects->list = more;
	snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s.log", session->name);
	if (policy_add(&session->policy, POLICY_RO, path, POLICY_OWN_LOG, true, true, f))
		return -1;
	object.fd = open(PROTO_LOG_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (object.fd < 0)
		return fail(f, errno, "cannot open %s", PROTO_LOG_DIR);
	object.path = strdup(path);
	more[objects->len++] = object;
	return object.path ? 0 : fail(f, ENOMEM, "cannot hold the policy's objects");
}

bool session_needs_number(uint32_t rights)
{
	return !(rights & (AL_WRITE | AL_NAMES | AL_PASS));
}

/*
 * Mark an object and note it for the state. What the caller says of it are numbers of its own mount
 * namespace's making; these are what restore will see.
 */
static int take(struct sessions *sessions, struct session *draft, struct object *object,
		uint32_t first_rule, struct state *state, struct fail *f)
{
	struct state_object noted = {.rights = object->rights, .rule = first_rule + object->rule};
	struct stat st;

	if (fstat(object->fd, &st))
		return fail(f, errno, "cannot look at '%s'", Q(object->path));
	if (marks_take(sessions->marks, object->fd, &noted.id, f))
		return -1;
	object->fd = -1; /* marks has it now */
	draft->ids[draft->ids_len++] = noted.id;
	if (session_needs_number(object->rights)) {
		state->flags |= AL_NUMBERED;
		if (marks_number(sessions->marks, noted.id, f))
			return -1;
	}
	noted.dev = st.st_dev;
	noted.ino = st.st_ino;
	noted.path = object->path;
	object->path = NULL;
	state_put(state, &noted);
	return 0;
}

int session_mark(struct sessions *sessions, struct session *draft, uint32_t first_rule,
		 struct state *state, struct fail *f)
{
	struct objects *objects = &draft->objects;
	struct state_object *more =
		reallocarray(state->objects, state->len + objects->len + 1, sizeof(*more));

	if (more)
		state->objects = more;
	draft->ids = calloc(objects->len + 1, sizeof(*draft->ids));
	if (!more || !draft->ids)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	for (size_t i = 0; i < objects->len; i++)
		if (take(sessions, draft, &objects->list[i], first_rule, state, f))
			return -1;
	objects_done(objects);
	return 0;
}

void session_unmark(struct sessions *sessions, struct session *draft)
{
	for (size_t i = 0; i < draft->ids_len; i++)
		marks_drop(sessions->marks, draft->ids[i]);
	draft->ids_len = 0;
}

static int set_rule(struct lsm *lsm, const struct state *state, const struct state_object *object,
		    struct fail *f)
{
	if (!(object->rights & AL_NAMES))
		return lsm_rule_set(lsm, state->slot, object->id, object->rights,
				    object->rights & AL_PASS ? AL_NO_RULE : object->rule, f);
	return lsm_name_set(lsm, state->slot, object->id, object_name(object->path),
			    object->rights & ~AL_NAMES, object->rule,
			    state_find(state, object->id, 0, NULL) != NULL, f);
}

int session_apply(struct sessions *sessions, const struct state *state, struct fail *f)
{
	/* What restricts goes first: there may be processes in it, or an end in the middle. */
	for (int writable = 0; writable < 2; writable++) {
		for (size_t i = 0; i < state->len; i++) {
			const struct state_object *object = &state->objects[i];

			if (!!(object->rights & AL_WRITE) == writable &&
			    set_rule(sessions->lsm, state, object, f))
				return -1;
		}
	}
	return 0;
}

/*
 * The rules, and the state that lets another daemon find them again: both before anything is
 * published.
 */
static int set_rules(struct sessions *sessions, struct session *session, struct fail *f)
{
	struct state state = {
		.owner = session->owner,
		.cgroup = session->cgroup,
		.slot = session->slot,
		.flags = session->flags,
		.created = session->created,
		.directory = session->directory,
		.policy = session->policy,
	};
	int ret;

	/* What still ran when the slot's last session ended may have counted. */
	lsm_slot_zero(sessions->lsm, session->slot);
	ret = session_mark(sessions, session, 0, &state, f) || session_apply(sessions, &state, f) ||
			      state_write(session->name, &state, f) ||
			      state_commit(session->name, f)
		      ? -1
		      : 0;
	session->flags = state.flags;
	state_drop_objects(&state);
	return ret;
}

/* By its own list, whatever others have; without one the kernel's tables are gone through. */
static void drop_rules(struct sessions *sessions, struct session *session)
{
	struct state state;

	session_unmark(sessions, session);
	if (session->kept)
		store_drop(session->slot);
	if (state_load(session->name, &state, NULL)) {
		lsm_slot_clear(sessions->lsm, session->slot);
		state_abandon(session->name);
		state_remove(session->name);
		return;
	}
	for (size_t i = 0; i < state.len; i++) {
		const struct state_object *object = &state.objects[i];

		if (object->rights & AL_NAMES)
			lsm_name_drop(sessions->lsm, session->slot, object->id,
				      object_name(object->path));
		lsm_rule_drop(sessions->lsm, session->slot, object->id);
	}
	lsm_slot_zero(sessions->lsm, session->slot);
	state_done(&state);
	state_remove(session->name);
}

int session_listen(struct sessions *sessions, struct session *session, struct fail *f)
{
	for (enum cg_alarm i = 0; i < CG_ALARMS; i++) {
		struct session_alarm *alarm = &session->alarms[i];

		if (cg_alarm_open(sessions->cg, session->name, i, &alarm->fd, f))
			return -1;
		alarm->told = alarm->fd < 0 ? 0 : cg_alarm_told(alarm->fd);
	}
	if (session->flags & AL_EPHEMERAL)
		session->population = cg_population_open(sessions->cg, session->name, f);
	return (session->flags & AL_EPHEMERAL) && session->population < 0 ? -1 : 0;
}

int session_start(struct sessions *sessions, struct session *session, const char *wanted,
		  struct fail *f)
{
	if (choose_name(sessions, session, wanted, f) ||
	    (!session->internal && grant_log(session, f)) || check_user(sessions, session, f) ||
	    choose_slot(sessions, session, f))
		return -1;
	if (cg_create(sessions->cg, session->name, &session->policy.limits, &session->cgroup, f))
		return -1;
	session->created = time(NULL);
	if (set_rules(sessions, session, f) || session_listen(sessions, session, f) ||
	    open_log(sessions, session, f) ||
	    lsm_publish(sessions->lsm, session->cgroup, session->slot, session->flags, f)) {
		drop_rules(sessions, session);
		logfile_drop(&session->log);
		(void)cg_remove(sessions->cg, session->name,
				NULL); /* empty and new: nothing can hold it */
		return -1;
	}
	sessions->slots[session->slot] = session;
	session_keep(sessions, session);
	return 0;
}

int session_set_flags(struct sessions *sessions, struct session *session, uint32_t flags,
		      struct fail *f)
{
	if (flags == session->flags)
		return 0;
	if (lsm_change(sessions->lsm, session->cgroup, session->slot, flags, f))
		return -1;
	session->flags = flags;
	return 0;
}

/* A failure costs no more than a session that has to be destroyed by hand. */
static void note_entered(struct sessions *sessions, struct session *session)
{
	(void)session_set_flags(sessions, session, session->flags | AL_ENTERED, NULL);
}

int session_enter(struct sessions *sessions, struct session *session, pid_t pid, struct fail *f)
{
	struct al_session published;

	if (!lsm_published(sessions->lsm, session->cgroup, &published) ||
	    cg_id(sessions->cg, session->name) != session->cgroup)
		return fail(f, 0, "session '%s' is not in force", session->name);
	if (session->broken) {
		fail(f, ENOMEM, "cannot enter session '%s': its rules could not be put back",
		     session->name);
		return fail_hint(f, "agent-lock destroy %s", session->name);
	}
	if (session_frozen(sessions, session)) {
		fail(f, 0, "cannot enter session '%s': it is frozen", session->name);
		return fail_hint(f, "agent-lock thaw %s", session->name);
	}
	if (cg_enter(sessions->cg, session->name, pid, f))
		return -1;
	note_entered(sessions, session);
	return 0;
}

bool session_over(struct sessions *sessions, struct session *session)
{
	bool populated;

	if (session->population < 0 || cg_populated(session->population, &populated))
		return false;
	if (populated)
		note_entered(sessions, session);
	return !populated && (session->flags & AL_ENTERED);
}

bool session_frozen(struct sessions *sessions, const struct session *session)
{
	return cg_frozen(sessions->cg, session->name);
}

int session_freeze(struct sessions *sessions, struct session *session, bool freeze, bool *out_done,
		   struct fail *f)
{
	return cg_freeze(sessions->cg, session->name, freeze, out_done, f);
}

void session_update_limits(struct sessions *sessions, struct session *session)
{
	struct usage usage;

	cg_usage(sessions->cg, session->name, &usage);
	session->policy.limits = usage.limits;
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

static bool has_session(const char *name, uid_t owner, void *data)
{
	return session_find(data, name, owner, NULL);
}

void session_prune_logs(struct sessions *sessions, uid_t owner)
{
	logfile_prune(PROTO_LOG_DIR, sessions->limits, owner, has_session, sessions);
}

int session_tailed(struct sessions *sessions, struct session *session, bool tailed, struct fail *f)
{
	uint32_t flags = tailed ? session->flags | AL_TAILED : session->flags & ~AL_TAILED;

	return session_set_flags(sessions, session, flags, f);
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
