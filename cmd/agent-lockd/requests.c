/* SPDX-License-Identifier: GPL-2.0-only */
/* requests.c - see requests.h; the messages are described in proto.h. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#include "requests.h"
#include "util.h"

static int malformed(struct fail *f)
{
	return fail(f, EBADMSG, "cannot understand the request");
}

static int done(struct client *client, struct fail *f)
{
	struct message message;

	message_start(&message, PROTO_DONE);
	return message_send(client->socket, &message) ? fail(f, errno, "cannot answer") : 0;
}

/*
 * Answers of several messages are sent in one go to a client that waits for them. The usual buffer
 * holds a hundred or so; this one the largest list or report there can be. It is only for
 * connections that asked for one.
 */
static void make_room(struct client *client)
{
	int size = 8 << 20;

	client->answered = true;
	(void)setsockopt(client->socket, SOL_SOCKET, SO_SNDBUFFORCE, &size,
			 sizeof(size)); /* then it ends early, with a reason */
}

static int answer(struct client *client, const struct message *message, struct fail *f)
{
	return message_send(client->socket, message)
		       ? fail(f, errno, "cannot answer: the client does not read")
		       : 0;
}

static int done_named(struct client *client, const char *name, struct fail *f)
{
	struct message message;

	message_start(&message, PROTO_DONE);
	message_put_text(&message, name);
	return answer(client, &message, f);
}

#define DRAFT_MAX (4 << 20) /* bytes of text in one policy, as it is sent */

static int too_large(struct client *client, size_t more, struct fail *f)
{
	client->draft_bytes += more;
	return client->draft_bytes > DRAFT_MAX ? fail(f, E2BIG, "cannot hold so large a policy")
					       : 0;
}

#define DRAFTS_OF_USER 16 /* each may hold thousands of descriptors */

static struct session *named(struct daemon *daemon, struct client *client, struct message *message,
			     struct fail *f)
{
	char name[AL_PATH_MAX + 1];

	message_get_text(message, name, sizeof(name));
	if (!message_complete(message)) {
		malformed(f);
		return NULL;
	}
	return session_find(daemon->sessions, name, client->peer.uid, f);
}

static int may_draft(struct daemon *daemon, struct client *client, struct fail *f)
{
	if (client->draft)
		return malformed(f);
	if (client->peer.uid != 0 && control_drafts(daemon, client->peer.uid) >= DRAFTS_OF_USER)
		return fail(f, 0, "%d sessions of yours are being made already", DRAFTS_OF_USER);
	return 0;
}

static int request_amend(struct daemon *daemon, struct client *client, struct message *message,
			 struct fail *f)
{
	struct session *session = named(daemon, client, message, f);

	if (!session || may_draft(daemon, client, f))
		return -1;
	client->draft = session_new(session->owner, session->directory, 0);
	if (!client->draft)
		return fail(f, ENOMEM, "cannot change a session");
	client->amends = session->cgroup;
	return 0;
}

static int request_new(struct daemon *daemon, struct client *client, struct message *message,
		       struct fail *f)
{
	char directory[AL_PATH_MAX + 1];
	struct limits limits;
	uint64_t flags;

	message_get_text(message, client->wanted, sizeof(client->wanted));
	message_get_text(message, directory, sizeof(directory));
	flags = message_get(message);
	if (!message_get_limits(message, &limits) || !message_complete(message) ||
	    (flags & ~(uint64_t)(AL_AUDIT | AL_LOCALHOST | AL_USERNS | AL_EPHEMERAL)) ||
	    directory[0] != '/')
		return malformed(f);
	if (may_draft(daemon, client, f))
		return -1;
	client->draft = session_new(client->peer.uid, directory, (uint32_t)flags);
	if (!client->draft)
		return fail(f, ENOMEM, "cannot make a session");
	client->draft->policy.limits = limits;
	return 0;
}

static int request_policy(struct client *client, struct message *message, struct fail *f)
{
	char path[AL_PATH_MAX + 1], origin[AL_PATH_MAX + 1];

	while (client->draft && message_more(message)) {
		uint64_t right = message_get(message), system = message_get(message),
			 optional = message_get(message);

		message_get_text(message, path, sizeof(path));
		message_get_text(message, origin, sizeof(origin));
		if (message->bad || right >= POLICY_NRIGHTS)
			return malformed(f);
		if (too_large(client, strlen(path) + strlen(origin), f))
			return -1;
		if (policy_add(&client->draft->policy, (enum policy_right)right, path, origin,
			       system, optional, f))
			return -1;
	}
	return client->draft && message_complete(message) ? 0 : malformed(f);
}

static int request_sensitive(struct client *client, struct message *message, struct fail *f)
{
	char pattern[AL_PATH_MAX + 1];

	while (client->draft && message_more(message)) {
		message_get_text(message, pattern, sizeof(pattern));
		if (message->bad)
			return malformed(f);
		if (too_large(client, strlen(pattern), f))
			return -1;
		if (policy_add_sensitive(&client->draft->policy, pattern, f))
			return -1;
	}
	return client->draft && message_complete(message) ? 0 : malformed(f);
}

static int request_variables(struct client *client, struct message *message, struct fail *f)
{
	if (!client->draft)
		return malformed(f);
	if (too_large(client, message->len, f))
		return -1;
	return message_get_variables(message, &client->draft->policy, f);
}

#define RIGHTS_KNOWN \
	(AL_READ | AL_WRITE | AL_EXEC | AL_CONNECT | AL_HIDE | AL_SELF | AL_PINNED | AL_SYSTEM | \
	 AL_NAMES | AL_PASS | AL_SCRATCH)

/* One object more; takes fd on success. Nothing is checked about what it is: who opened it could.
 */
static int add_object(struct session *draft, int fd, uint64_t rights, uint64_t rule,
		      const char *path, struct fail *f)
{
	struct objects *objects = &draft->objects;
	struct object *more;

	if ((rights & ~(uint64_t)RIGHTS_KNOWN) || rule >= draft->policy.len ||
	    ((rights & AL_NAMES) && strlen(object_name(path)) > AL_NAME_MAX))
		return malformed(f);
	if (objects->len >= 2 * POLICY_MAX_RULES)
		return fail(f, 0, "a policy of more than %d objects is too large",
			    2 * POLICY_MAX_RULES);
	more = reallocarray(objects->list, objects->len + 1, sizeof(*more));
	if (!more)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	objects->list = more;
	more[objects->len] = (struct object){
		.fd = -1, .rights = (uint32_t)rights, .rule = (uint32_t)rule, .path = strdup(path)};
	if (!more[objects->len].path)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	more[objects->len++].fd = fd;
	return 0;
}

static int request_rules(struct client *client, struct message *message, struct fail *f)
{
	char path[AL_PATH_MAX + 1];

	if (!client->draft)
		return malformed(f);
	for (uint32_t i = 0; i < message->nfds; i++) {
		uint64_t rights = message_get(message), rule = message_get(message);

		message_get_text(message, path, sizeof(path));
		if (message->bad)
			return malformed(f);
		if (too_large(client, strlen(path), f))
			return -1;
		if (add_object(client->draft, message->fds[i], rights, rule, path, f))
			return -1;
		message->fds[i] = -1;
	}
	return message_complete(message) ? 0 : malformed(f);
}

static bool restricts(enum policy_right right)
{
	return right == POLICY_DENY || right == POLICY_HIDE;
}

static int commit_amendment(struct daemon *daemon, struct client *client, struct fail *f)
{
	struct session *session = session_by_cgroup(daemon->sessions, client->amends);
	struct session *draft = client->draft;

	if (!session)
		return fail(f, 0, "the session was destroyed meanwhile");
	if (session_amend(daemon->sessions, session, draft, f))
		return -1;
	lsm_attend(daemon->lsm, sessions_complete(daemon->sessions));
	for (size_t i = session->policy.len - draft->policy.len; i < session->policy.len; i++)
		feed_rule(daemon, session,
			  restricts(session->policy.rules[i].right) ? "denied" : "allowed",
			  (uint32_t)i, client->peer.pid);
	session_free(draft);
	client->draft = NULL;
	client->amends = 0;
	client->draft_bytes = 0;
	return done_named(client, session->name, f);
}

static int request_commit(struct daemon *daemon, struct client *client, struct message *message,
			  struct fail *f)
{
	struct session *session = client->draft;

	if (!session || !message_complete(message))
		return malformed(f);
	if (client->amends)
		return commit_amendment(daemon, client, f);
	if (session_start(daemon->sessions, session, client->wanted[0] ? client->wanted : NULL, f))
		return -1;
	client->draft = NULL;
	feed_session(daemon, session, "created", client->peer.pid);
	alarms_watch(daemon, session);
	ending_watch(daemon, session);
	say(LOG_INFO, "session '%s' of uid %u created in '%s'", session->name, session->owner,
	    Q(session->directory));
	return done_named(client, session->name, f);
}

/* Its own place in the scratch directory; the cgroup's id tells it from an ended session's. */
static void name_tmpdir(const struct session *session, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < session->policy.len; i++) {
		if (session->policy.rules[i].right != POLICY_SCRATCH)
			continue;
		snprintf(out, size, "%s/agent-lock-%s-%" PRIu64, session->policy.rules[i].path,
			 session->name, session->cgroup);
		return;
	}
}

static int request_prepare(struct daemon *daemon, struct client *client, struct message *message,
			   struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	char tmpdir[AL_PATH_MAX + 1];
	size_t at = 0;

	if (!session)
		return -1;
	while (at < session->policy.variables_len) {
		message_put_variables(message, &session->policy, &at);
		if (answer(client, message, f))
			return -1;
	}
	name_tmpdir(session, tmpdir, sizeof(tmpdir));
	message_start(message, PROTO_DONE);
	message_put_text(message, session->directory);
	message_put_text(message, tmpdir);
	return answer(client, message, f);
}

/* Of a process in a session its own alone, whatever it names; its user is not asked for. */
static struct session *asked_about(struct daemon *daemon, struct client *client, const char *name,
				   struct fail *f)
{
	char own[SESSION_NAME_MAX + 1];

	if (!client->inside)
		return session_find(daemon->sessions, name, client->peer.uid, f);
	if (cg_session_of(client->peer.pid, own, sizeof(own)) && strcmp(own, name) == 0)
		return session_find(daemon->sessions, own, 0, f);
	fail(f, EPERM, "a process in a session may ask about that session alone");
	return NULL;
}

static int request_why(struct daemon *daemon, struct client *client, struct message *message,
		       struct fail *f)
{
	char name[AL_PATH_MAX + 1], child[AL_NAME_MAX + 1], rule[320];
	struct session *session;
	uint32_t rights;

	message_get_text(message, name, sizeof(name));
	message_get_text(message, child, sizeof(child));
	if (!message_complete(message) || message->nfds != 1 || strchr(child, '/'))
		return malformed(f);
	session = asked_about(daemon, client, name, f);
	if (!session || session_ask(daemon->sessions, session, message->fds[0],
				    child[0] ? child : NULL, &rights, rule, sizeof(rule), f))
		return -1;
	message_close(message);
	message_start(message, PROTO_DONE);
	message_put(message, rights);
	message_put_text(message, rule);
	message_put(message, session->flags & AL_AUDIT);
	return answer(client, message, f);
}

/* Moves the process that the kernel says has connected; no message names one. */
static int request_exec(struct daemon *daemon, struct client *client, struct message *message,
			struct fail *f)
{
	struct session *session = named(daemon, client, message, f);

	if (!session)
		return -1;
	if (!peer_alive(&client->peer))
		return fail(f, ESRCH, "cannot move the caller");
	if (session_enter(daemon->sessions, session, client->peer.pid, f))
		return -1;
	if (!peer_alive(&client->peer))
		return fail(f, ESRCH, "cannot move the caller");
	feed_session(daemon, session, "entered", client->peer.pid);
	client->over = true;
	return done(client, f);
}

/* Whose it is the kernel says, of the process and not of its number; checked before it is moved. */
static int may_adopt(const struct client *client, const struct session *session,
		     const struct process *process, struct fail *f)
{
	char other[SESSION_NAME_MAX + 1];

	if (client->peer.uid != 0 && !process_is_of(process, client->peer.uid))
		return fail(f, EPERM, "cannot adopt process %d, which is another user's",
			    process->pid);
	if (cg_session_of(process->pid, other, sizeof(other)) && strcmp(other, session->name) != 0)
		return fail(f, EPERM, "cannot adopt process %d, which is in session '%s'",
			    process->pid, other);
	if (process->pid == 1 || process->pid == getpid() || process->kernel)
		return fail(f, EPERM, "cannot adopt process %d, which is the machine's own",
			    process->pid);
	return 0;
}

static int adopt(struct daemon *daemon, struct client *client, struct session *session, int dir,
		 struct fail *f)
{
	struct process process;

	if (process_read(dir, &process))
		return errno == ESRCH ? 0 : fail(f, errno, "cannot tell what process is meant");
	if (cg_is_member_of(process.pid, session->name))
		return 0;
	if (may_adopt(client, session, &process, f))
		return -1;
	/* Should it end right here and its number be given away at once, then whoever got that is jailed. */
	if (session_enter(daemon->sessions, session, process.pid, f))
		return process_read(dir, &process) && errno == ESRCH ? 0 : -1;
	feed_adopted(daemon, session, &process);
	return 0;
}

static int request_adopt(struct daemon *daemon, struct client *client, struct message *message,
			 struct fail *f)
{
	struct session *session = named(daemon, client, message, f);

	for (uint32_t i = 0; session && i < message->nfds; i++)
		if (adopt(daemon, client, session, message->fds[i], f))
			return -1;
	if (!session)
		return -1;
	message_close(message);
	return done(client, f);
}

static int request_list(struct daemon *daemon, struct client *client, struct message *message,
			struct fail *f)
{
	struct session *session;
	uint32_t at = 0;

	make_room(client);
	while ((session = session_next(daemon->sessions, &at))) {
		struct list_entry entry;

		if (client->peer.uid != 0 && session->owner != client->peer.uid)
			continue;
		session_entry(daemon->sessions, session, &entry);
		message_put_entry(message, &entry);
		if (answer(client, message, f))
			return -1;
	}
	return done(client, f);
}

static int answer_report(struct client *client, const struct report *report,
			 struct message *message, struct fail *f)
{
	make_room(client);
	message_put_head(message, report);
	if (answer(client, message, f))
		return -1;
	for (size_t i = 0; i < report->len; i++) {
		message_put_target(message, &report->targets[i]);
		if (answer(client, message, f))
			return -1;
	}
	return done(client, f);
}

static int request_report(struct daemon *daemon, struct client *client, struct message *message,
			  struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	struct report report;
	int ret;

	if (!session || session_report(daemon->sessions, session, &report, f))
		return -1;
	report_merge(&report);
	ret = answer_report(client, &report, message, f);
	report_done(&report);
	return ret;
}

static int request_destroy(struct daemon *daemon, struct client *client, struct message *message,
			   struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	struct report report;
	bool empty;
	int ret;

	if (!session ||
	    end_session(daemon, session, "destroyed", client->peer.pid, &empty, &report, f))
		return -1;
	if (!empty) {
		message_start(message, PROTO_BUSY);
		return answer(client, message, f);
	}
	ret = answer_report(client, &report, message, f);
	report_done(&report);
	return ret;
}

static int request_show(struct daemon *daemon, struct client *client, struct message *message,
			struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (!session)
		return -1;
	out = open_memstream(&text, &size);
	if (!out)
		return fail(f, ENOMEM, "cannot print the policy");
	session_update_limits(daemon->sessions, session);
	fprintf(out, "# session %s in %s%s\n", session->name, Q(session->directory),
		session->flags & AL_EPHEMERAL ? ", ends with its last process" : "");
	policy_print(&session->policy, out);
	if (fclose(out))
		return fail(f, ENOMEM, "cannot print the policy");
	for (size_t at = 0, part; at < size; at += part) {
		part = size - at > PROTO_MAX / 2 ? PROTO_MAX / 2 : size - at;
		message_start(message, PROTO_TEXT);
		message_put_bytes(message, text + at, part);
		if (answer(client, message, f))
			return -1;
	}
	return done(client, f);
}

/* The first request of several that wait for the same is the one that is in the log. */
static int request_freeze(struct daemon *daemon, struct client *client, struct message *message,
			  struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	bool freeze = message->verb == PROTO_FREEZE, changed, all;

	if (!session)
		return -1;
	changed = session_frozen(daemon->sessions, session) != freeze;
	if (session_freeze(daemon->sessions, session, freeze, &all, f))
		return -1;
	if (changed)
		feed_session(daemon, session, freeze ? "frozen" : "thawed", client->peer.pid);
	message_start(message, all ? PROTO_DONE : PROTO_BUSY);
	return answer(client, message, f);
}

static int request_tail(struct daemon *daemon, struct client *client, struct message *message,
			struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	struct stat st = {0};

	if (!session)
		return -1;
	/* What was held back is in the log then, and not in what follows. */
	(void)feed_flush(daemon, session);
	if (session->log.fd >= 0 && fstat(session->log.fd, &st))
		return fail(f, errno, "cannot look at the log of session '%s'", session->name);
	if (session_tailed(daemon->sessions, session, true, f))
		return -1;
	if (session->tails++ == 0)
		(void)session_opens_lost(daemon->sessions, session); /* before: nobody's loss */
	control_follow(client, session);
	message_start(message, PROTO_DONE);
	message_put(message, (uint64_t)st.st_size);
	message_put(message, (uint64_t)st.st_ino);
	return answer(client, message, f);
}

int request(struct daemon *daemon, struct client *client, struct message *message, struct fail *f)
{
	/* After tail a connection is for lines alone: see control_follow() for what may wait in it. */
	if (client->follows)
		return malformed(f);
	switch (message->verb) {
	case PROTO_NEW:
		return request_new(daemon, client, message, f);
	case PROTO_AMEND:
		return request_amend(daemon, client, message, f);
	case PROTO_POLICY:
		return request_policy(client, message, f);
	case PROTO_SENSITIVE:
		return request_sensitive(client, message, f);
	case PROTO_VARIABLES:
		return request_variables(client, message, f);
	case PROTO_RULES:
		return request_rules(client, message, f);
	case PROTO_COMMIT:
		return request_commit(daemon, client, message, f);
	case PROTO_WHY:
		return request_why(daemon, client, message, f);
	case PROTO_PREPARE:
		return request_prepare(daemon, client, message, f);
	case PROTO_ADOPT:
		return request_adopt(daemon, client, message, f);
	case PROTO_EXEC:
		return request_exec(daemon, client, message, f);
	case PROTO_LIST:
		return request_list(daemon, client, message, f);
	case PROTO_REPORT:
		return request_report(daemon, client, message, f);
	case PROTO_SHOW:
		return request_show(daemon, client, message, f);
	case PROTO_TAIL:
		return request_tail(daemon, client, message, f);
	case PROTO_DESTROY:
		return request_destroy(daemon, client, message, f);
	case PROTO_FREEZE:
	case PROTO_THAW:
		return request_freeze(daemon, client, message, f);
	}
	return malformed(f);
}
