/* SPDX-License-Identifier: GPL-2.0-only */
/* requests.c - see requests.h; the messages are described in proto.h. */
#include <errno.h>
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

	(void)setsockopt(client->socket, SOL_SOCKET, SO_SNDBUFFORCE, &size,
			 sizeof(size)); /* then it ends early, with a reason */
}

static int answer(struct client *client, const struct message *message, struct fail *f)
{
	return message_send(client->socket, message)
		       ? fail(f, errno, "cannot answer: the client does not read")
		       : 0;
}

#define DRAFT_MAX (4 << 20) /* bytes of text in one policy, as it is sent */

static int too_large(struct client *client, size_t more, struct fail *f)
{
	client->draft_bytes += more;
	return client->draft_bytes > DRAFT_MAX ? fail(f, E2BIG, "cannot hold so large a policy")
					       : 0;
}

#define DRAFTS_OF_USER 16 /* each may hold thousands of descriptors */

static int request_new(struct daemon *daemon, struct client *client, struct message *message,
		       struct fail *f)
{
	char directory[AL_PATH_MAX + 1];
	uint64_t flags;

	message_get_text(message, client->wanted, sizeof(client->wanted));
	message_get_text(message, directory, sizeof(directory));
	flags = message_get(message);
	if (!message_complete(message) ||
	    (flags & ~(uint64_t)(AL_AUDIT | AL_LOCALHOST | AL_USERNS)) || client->draft ||
	    directory[0] != '/')
		return malformed(f);
	if (client->peer.uid != 0 && control_drafts(daemon, client->peer.uid) >= DRAFTS_OF_USER)
		return fail(f, 0, "%d sessions of yours are being made already", DRAFTS_OF_USER);
	client->draft = session_new(client->peer.uid, directory, (uint32_t)flags);
	if (!client->draft)
		return fail(f, ENOMEM, "cannot make a session");
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

#define RIGHTS_KNOWN \
	(AL_READ | AL_WRITE | AL_EXEC | AL_CONNECT | AL_HIDE | AL_SELF | AL_PINNED | AL_SYSTEM | \
	 AL_NAMES)

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

static int request_commit(struct daemon *daemon, struct client *client, struct message *message,
			  struct fail *f)
{
	struct session *session = client->draft;

	if (!session || !message_complete(message))
		return malformed(f);
	if (session_start(daemon->sessions, session, client->wanted[0] ? client->wanted : NULL, f))
		return -1;
	client->draft = NULL;
	feed_session(daemon, session, "created", client->peer.pid);
	say(LOG_INFO, "session '%s' of uid %u created in '%s'", session->name, session->owner,
	    Q(session->directory));
	message_start(message, PROTO_DONE);
	message_put_text(message, session->name);
	return answer(client, message, f);
}

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

/*
 * Kill first: then nothing adds to the report any more, and what the rings still hold goes into the
 * log.
 */
static int request_destroy(struct daemon *daemon, struct client *client, struct message *message,
			   struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	struct report report;
	bool empty;
	int ret;

	if (!session || session_kill(daemon->sessions, session, &empty, f))
		return -1;
	if (!empty) {
		message_start(message, PROTO_BUSY);
		return answer(client, message, f);
	}
	if (session_report(daemon->sessions, session, &report, f))
		return -1;
	report_merge(&report);
	snprintf(report.state, sizeof(report.state), "destroyed");
	lsm_events_read(daemon->lsm);
	ret = session_end(daemon->sessions, session, f);
	if (ret == 0) {
		feed_session(daemon, session, "destroyed", client->peer.pid);
		control_forget(daemon, session);
		say(LOG_INFO, "session '%s' of uid %u destroyed", session->name, session->owner);
		session_free(session);
	}
	lsm_attend(daemon->lsm, sessions_complete(daemon->sessions));
	if (ret == 0)
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
	fprintf(out, "# session %s in %s\n", session->name, Q(session->directory));
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

static int request_tail(struct daemon *daemon, struct client *client, struct message *message,
			struct fail *f)
{
	struct session *session = named(daemon, client, message, f);
	struct stat st = {0};

	if (!session)
		return -1;
	if (client->follows)
		return malformed(f);
	if (session->log >= 0 && fstat(session->log, &st))
		return fail(f, errno, "cannot look at the log of session '%s'", session->name);
	if (session_tailed(daemon->sessions, session, true, f))
		return -1;
	session->tails++;
	client->follows = session;
	message_start(message, PROTO_DONE);
	message_put(message, (uint64_t)st.st_size);
	return answer(client, message, f);
}

int request(struct daemon *daemon, struct client *client, struct message *message, struct fail *f)
{
	switch (message->verb) {
	case PROTO_NEW:
		return request_new(daemon, client, message, f);
	case PROTO_POLICY:
		return request_policy(client, message, f);
	case PROTO_SENSITIVE:
		return request_sensitive(client, message, f);
	case PROTO_RULES:
		return request_rules(client, message, f);
	case PROTO_COMMIT:
		return request_commit(daemon, client, message, f);
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
	}
	return malformed(f);
}
