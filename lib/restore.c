/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * restore.c - what an earlier daemon left, taken over or cleared away. A session is taken over only
 * if three things agree: its state in /run, its cgroup, and the kernel half's entry for it.
 * Whatever stands alone is killed and removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lsm_kept.h"
#include "proto.h"
#include "session_list.h"
#include "state.h"
#include "util.h"

struct restore {
	struct sessions *sessions;
	struct lsm_kept *kept;
	bool stuck;  /* a cgroup without a session could not be cleared: its entry must stay */
	bool failed; /* for a reason that is not the session's: nothing may be cleared away for it */
	struct fail *why;
	void (*note)(const char *name, const char *what);
};

/*
 * Is it the object as it was? What a jailed process may have put in its place meanwhile is not, nor
 * what else the service manager may hand us. False with errno.
 */
static bool is_same(int fd, const struct state_object *object)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return false;
	if (st.st_dev == object->dev && st.st_ino == object->ino)
		return true;
	errno = ESTALE;
	return false;
}

/* By its path, no link on the way; or -1 with errno. */
static int reopen(const struct state_object *object)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	char path[AL_PATH_MAX + 1];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "%.*s",
		 object->rights & AL_NAMES ? (int)(object_name(object->path) - object->path)
					   : AL_PATH_MAX,
		 object->path);
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	return is_same(fd, object) ? steal_fd(&fd) : -1;
}

void session_keep(struct sessions *sessions, struct session *session)
{
	cleanup_free struct store_object *objects = NULL;
	size_t len = 0;

	if (session->internal || !manager_there())
		return;
	store_drop(session->slot);
	objects = calloc(session->ids_len + 1, sizeof(*objects));
	if (!objects)
		return;
	for (size_t i = 0; i < session->ids_len; i++) {
		objects[len].id = session->ids[i];
		objects[len].fd = marks_fd(sessions->marks, session->ids[i]);
		len += objects[len].fd >= 0;
	}
	session->kept = true;
	(void)store_put(session->slot, objects, len, NULL); /* or they are found by path */
}

/*
 * The object, which was held for us or else is where it was; or -1 with errno. Held ones are found
 * wherever they were moved to.
 */
static int find_object(struct sessions *sessions, struct session *session,
		       const struct state_object *object)
{
	cleanup_fd int fd = store_get(sessions->store, object->id);

	if (is_same(fd, object))
		return steal_fd(&fd);
	session->kept = false;
	return reopen(object);
}

/*
 * The rule itself is still in the kernel; what may be missing is the mark that leads to it. Without
 * it the object is refused.
 */
static int restore_object(struct sessions *sessions, struct session *session,
			  const struct state_object *object, struct fail *f)
{
	int fd = find_object(sessions, session, object);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return fail(f, errno, "cannot open '%s' again", Q(object->path));
	if (fd < 0 || marks_adopt(sessions->marks, fd, object->id, NULL)) {
		if (fd >= 0)
			close(fd);
		if (marks_miss(sessions->marks, object->id, f))
			return -1;
		/* That of a mere pin is missed by nobody: what lies below is found by its own mark. */
		session->unmarked += !(object->rights & AL_PASS);
	} else if (session_needs_number(object->rights)) {
		(void)marks_number(sessions->marks, object->id,
				   NULL); /* it is in the pinned map already */
	}
	session->ids[session->ids_len++] = object->id;
	return 0;
}

static int keep(struct lsm_kept *kept, const struct state *state, struct fail *f)
{
	if (lsm_keep(kept, state->slot, 0, NULL, f))
		return -1;
	for (size_t i = 0; i < state->len; i++) {
		const struct state_object *object = &state->objects[i];

		if (lsm_keep(kept, state->slot, object->id,
			     object->rights & AL_NAMES ? object_name(object->path) : NULL, f))
			return -1;
	}
	return 0;
}

/*
 * state's policy goes over to the session. An earlier daemon may have died while it changed the
 * kernel's rules: they become those of the state.
 */
static int adopt(struct sessions *sessions, const char *name, struct state *state,
		 const struct al_session *published, struct fail *f)
{
	uint32_t flags = state->flags | (published->flags & AL_ENTERED);
	struct session *session = session_new(state->owner, state->directory, flags);

	if (session)
		session->ids = calloc(state->len + 1, sizeof(*session->ids));
	if (!session || !session->ids) {
		session_free(session);
		return fail(f, ENOMEM, "cannot take session '%s' over", name);
	}
	if (session_apply(sessions, state, f)) {
		session_free(session);
		return -1;
	}
	snprintf(session->name, sizeof(session->name), "%s", name);
	session->cgroup = state->cgroup;
	session->slot = state->slot;
	session->flags = flags;
	session->created = state->created;
	session->policy = state->policy;
	policy_init(&state->policy);
	policy_set_flags(&session->policy, session->flags);
	session->kept = true;
	/* If this fails no daemon starts, and all stays as it is. */
	sessions->slots[session->slot] = session;
	for (size_t i = 0; i < state->len; i++)
		if (restore_object(sessions, session, &state->objects[i], f))
			return -1;
	session_resume_log(sessions, session);
	(void)session_listen(sessions, session, NULL); /* costs lines of its log, no more */
	if (!session->kept)
		session_keep(sessions, session);
	/* Nobody follows it any more. */
	return lsm_change(sessions->lsm, session->cgroup, session->slot, session->flags, f);
}

/*
 * It never came to be, or is gone. What it has logged stays; a log that was begun and nothing else
 * does not.
 */
static void clear_state(const char *name)
{
	logfile_drop_empty(PROTO_LOG_DIR, name);
	state_remove(name);
}

static void give_up(struct restore *restore, const struct fail *why)
{
	restore->failed = true;
	if (restore->why)
		*restore->why = *why;
}

static void restore_state(const char *name, void *data)
{
	struct restore *restore = data;
	struct sessions *sessions = restore->sessions;
	struct al_session published;
	struct state state;
	struct fail f = {0};

	if (restore->failed)
		return;
	if (state_load(name, &state, &f)) {
		if (f.no) {
			give_up(restore, &f);
			return;
		}
		restore->note(name, f.msg);
		clear_state(name);
		return;
	}
	if (cg_id(sessions->cg, name) != state.cgroup ||
	    !lsm_published(sessions->lsm, state.cgroup, &published) ||
	    published.slot != state.slot || sessions->slots[state.slot]) {
		restore->note(name, "its cgroup or its kernel entry is gone: cleared away");
		clear_state(name);
	} else if (keep(restore->kept, &state, &f) ||
		   adopt(sessions, name, &state, &published, &f)) {
		give_up(restore, &f);
	} else {
		restore->note(name,
			      sessions->slots[state.slot]->unmarked
				      ? "taken over, but some of its objects are gone: refused"
				      : "taken over");
	}
	state_done(&state);
}

/* A cgroup without a session: nobody's, and what runs in it must not run on without rules. */
static void clear_cgroup(const char *name, void *data)
{
	struct restore *restore = data;
	struct fail f = {0};
	bool empty;

	if (session_by_cgroup(restore->sessions, cg_id(restore->sessions->cg, name)))
		return;
	if (cg_kill(restore->sessions->cg, name, 10000, &empty, &f) ||
	    cg_remove(restore->sessions->cg, name, &f)) {
		restore->stuck = true;
		restore->note(name, f.msg);
		return;
	}
	restore->note(name, "a cgroup without a session: removed");
}

/*
 * An entry without a session. Its cgroup is gone, so nobody is let go; unless one was not to be
 * cleared: then none goes, and nobody else gets their slots. Without rules all is refused in them.
 */
static void clear_entry(uint64_t cgroup, const struct al_session *session, void *data)
{
	struct restore *restore = data;

	if (session_by_cgroup(restore->sessions, cgroup))
		return;
	if (restore->stuck)
		restore->sessions->stuck[session->slot] = true;
	else
		(void)lsm_unpublish(restore->sessions->lsm, cgroup,
				    NULL); /* fails if it is gone: as wanted */
}

static bool slot_used(uint32_t slot, void *data)
{
	const struct sessions *sessions = data;

	return sessions->slots[slot] != NULL;
}

int sessions_restore(struct sessions *sessions, const struct store *store,
		     void (*note)(const char *name, const char *what), struct fail *f)
{
	struct restore restore = {.sessions = sessions, .note = note, .why = f};

	int ret;

	restore.kept = lsm_kept_new();
	if (!restore.kept)
		return fail(f, ENOMEM, "cannot hold the sessions' rules");
	sessions->store = store;
	ret = state_each(restore_state, &restore, f);
	sessions->store = NULL;
	if (ret || restore.failed) {
		lsm_kept_free(restore.kept);
		return -1;
	}
	store_sweep(store, slot_used, sessions);
	cg_each(sessions->cg, clear_cgroup, &restore);
	lsm_sessions(sessions->lsm, clear_entry, &restore);
	lsm_drop_others(sessions->lsm, restore.kept);
	lsm_kept_free(restore.kept);
	return 0;
}

bool sessions_complete(struct sessions *sessions)
{
	struct session *session;
	uint32_t at = 0;

	while ((session = session_next(sessions, &at)))
		if (session->unmarked)
			return false;
	return true;
}
