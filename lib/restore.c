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

#include "proto.h"
#include "session_list.h"
#include "state.h"
#include "util.h"

struct restore {
	struct sessions *sessions;
	bool stuck; /* a cgroup without a session could not be cleared: its entry must stay */
	void (*note)(const char *name, const char *what);
};

/*
 * The object as it was, or -1: no link on the way, the same numbers. What a jailed process may have
 * put there meanwhile is not it.
 */
static int reopen(const struct state_object *object)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	char path[AL_PATH_MAX + 1];
	cleanup_fd int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%.*s",
		 object->rights & AL_NAMES ? (int)(object_name(object->path) - object->path)
					   : AL_PATH_MAX,
		 object->path);
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 || fstat(fd, &st) || st.st_dev != object->dev || st.st_ino != object->ino)
		return -1;
	return steal_fd(&fd);
}

/*
 * The rule itself is still in the kernel; what may be missing is the mark that leads to it. Without
 * it the object is refused.
 */
static void restore_object(struct sessions *sessions, struct session *session,
			   const struct state_object *object)
{
	int fd = reopen(object);

	if (fd < 0 || marks_adopt(sessions->marks, fd, object->id, NULL)) {
		if (fd >= 0)
			close(fd);
		session->unmarked++;
		return;
	}
	session->ids[session->ids_len++] = object->id;
	if (session_needs_number(object->rights))
		(void)marks_number(sessions->marks, object->id,
				   NULL); /* it is in the pinned map already */
}

/* Not waiting: its owner may hold a lease on it. */
static void restore_log(struct session *session)
{
	char path[sizeof(PROTO_LOG_DIR) + SESSION_NAME_MAX + 16];

	snprintf(path, sizeof(path), PROTO_LOG_DIR "/%s.log", session->name);
	session->log = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* state's policy goes over to the session. */
static int adopt(struct sessions *sessions, const char *name, struct state *state)
{
	struct session *session = session_new(state->owner, state->directory, state->flags);

	if (!session)
		return -1;
	session->ids = calloc(state->len + 1, sizeof(*session->ids));
	if (!session->ids) {
		session_free(session);
		return -1;
	}
	snprintf(session->name, sizeof(session->name), "%s", name);
	session->cgroup = state->cgroup;
	session->slot = state->slot;
	session->flags = state->flags;
	session->created = state->created;
	session->policy = state->policy;
	policy_init(&state->policy);
	policy_set_flags(&session->policy, session->flags);
	for (size_t i = 0; i < state->len; i++)
		restore_object(sessions, session, &state->objects[i]);
	restore_log(session);
	sessions->slots[session->slot] = session;
	/* Nobody follows it any more. */
	return lsm_change(sessions->lsm, session->cgroup, session->slot, session->flags, NULL);
}

static void restore_state(const char *name, void *data)
{
	struct restore *restore = data;
	struct sessions *sessions = restore->sessions;
	struct al_session published;
	struct state state;
	struct fail f = {0};

	if (state_load(name, &state, &f)) {
		restore->note(name, f.msg);
		state_remove(name);
		return;
	}
	if (cg_id(sessions->cg, name) != state.cgroup ||
	    !lsm_published(sessions->lsm, state.cgroup, &published) ||
	    published.slot != state.slot || sessions->slots[state.slot]) {
		restore->note(name, "its cgroup or its kernel entry is gone: cleared away");
		state_remove(name);
	} else if (adopt(sessions, name, &state)) {
		restore->note(name, "cannot be taken over: out of memory");
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
 * cleared: then none goes.
 */
static void clear_entry(uint64_t cgroup, const struct al_session *session, void *data)
{
	struct restore *restore = data;

	if (restore->stuck || session_by_cgroup(restore->sessions, cgroup))
		return;
	(void)lsm_unpublish(restore->sessions->lsm, cgroup,
			    NULL); /* fails if it is gone: as wanted */
	lsm_slot_clear(restore->sessions->lsm, session->slot);
}

int sessions_restore(struct sessions *sessions, void (*note)(const char *name, const char *what),
		     struct fail *f)
{
	struct restore restore = {.sessions = sessions, .note = note};

	if (state_each(restore_state, &restore, f))
		return -1;
	cg_each(sessions->cg, clear_cgroup, &restore);
	lsm_sessions(sessions->lsm, clear_entry, &restore);
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
