/* SPDX-License-Identifier: GPL-2.0-only */
/* client.c - see client.h */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cg.h"
#include "client.h"
#include "util.h"

static int connect_to(const char *path, const char *cure, struct fail *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_fd int daemon = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (daemon < 0 || connect(daemon, (struct sockaddr *)&address, sizeof(address))) {
		fail(f, errno, "cannot reach agent-lockd at %s", path);
		return fail_hint(f, "%s", cure);
	}
	return steal_fd(&daemon);
}

int client_connect(struct fail *f)
{
	return connect_to(PROTO_SOCKET,
			  "as root, any agent-lock command starts it: sudo agent-lock list", f);
}

int client_connect_inside(struct fail *f)
{
	return connect_to(PROTO_INSIDE, "ask the user who made this session", f);
}

/* Receive a reply of a verb that is expected (or PROTO_DONE); PROTO_FAIL becomes the failure. */
static int receive(int daemon, struct message *answer, struct fail *f)
{
	int ret = message_receive(daemon, answer);

	/* It hung up with our request unread: the kernel says that first, once, and then its reason. */
	if (ret < 0 && errno == ECONNRESET)
		ret = message_receive(daemon, answer);
	if (ret == 0) {
		fail(f, 0, "agent-lockd hung up");
		return fail_hint(f, "systemctl status agent-lockd, or /var/log/agent-lockd.log, "
				    "says why");
	}
	if (ret < 0)
		return fail(f, errno, "cannot understand agent-lockd");
	message_close(answer); /* none of its answers carries descriptors */
	if (answer->verb != PROTO_FAIL)
		return 0;
	message_get_fail(answer, f);
	return -1;
}

static int send_message(int daemon, const struct message *message, struct fail *f)
{
	struct message answer;

	if (message_send(daemon, message) == 0)
		return 0;
	/* A daemon that hung up had a reason, and it is waiting to be read. */
	if (errno == EPIPE || errno == ECONNRESET)
		return receive(daemon, &answer, f) ? -1
						   : fail(f, EPIPE, "cannot talk to agent-lockd");
	return fail(f, errno, "cannot talk to agent-lockd");
}

static int ask(int daemon, enum proto_verb verb, const char *name, struct message *answer,
	       struct fail *f)
{
	struct message *request = answer;

	message_start(request, verb);
	message_put_text(request, name);
	return send_message(daemon, request, f) || receive(daemon, answer, f) ? -1 : 0;
}

static int send_objects(int daemon, const struct objects *objects, struct message *message,
			struct fail *f)
{
	message_start(message, PROTO_RULES);
	for (size_t i = 0; i < objects->len; i++) {
		const struct object *object = &objects->list[i];

		if (message->nfds == PROTO_FDS ||
		    !message_room(message, strlen(object->path) + 64)) {
			if (send_message(daemon, message, f))
				return -1;
			message_start(message, PROTO_RULES);
		}
		message_put(message, object->rights);
		message_put(message, object->rule);
		message_put_text(message, object->path);
		message->fds[message->nfds++] = object->fd;
	}
	return send_message(daemon, message, f);
}

static int send_policy(int daemon, const struct policy *policy, struct message *message,
		       struct fail *f)
{
	message_start(message, PROTO_POLICY);
	for (size_t i = 0; i < policy->len; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (!message_room(message, strlen(rule->path) + strlen(rule->origin) + 64)) {
			if (send_message(daemon, message, f))
				return -1;
			message_start(message, PROTO_POLICY);
		}
		message_put(message, rule->right);
		message_put(message, rule->system);
		message_put(message, rule->optional);
		message_put_text(message, rule->path);
		message_put_text(message, rule->origin);
	}
	return send_message(daemon, message, f);
}

static int send_patterns(int daemon, const struct policy *policy, struct message *message,
			 struct fail *f)
{
	message_start(message, PROTO_SENSITIVE);
	for (size_t i = 0; i < policy->sensitive_len; i++) {
		if (!message_room(message, strlen(policy->sensitive[i]))) {
			if (send_message(daemon, message, f))
				return -1;
			message_start(message, PROTO_SENSITIVE);
		}
		message_put_text(message, policy->sensitive[i]);
	}
	return send_message(daemon, message, f);
}

static int send_variables(int daemon, const struct policy *policy, struct message *message,
			  struct fail *f)
{
	size_t at = 0;

	while (at < policy->variables_len) {
		message_put_variables(message, policy, &at);
		if (send_message(daemon, message, f))
			return -1;
	}
	return 0;
}

/* What message begins, with its rules; to the end. */
static int commit(int daemon, struct message *message, const struct policy *policy,
		  const struct objects *objects, char *out_name, struct fail *f)
{
	if (send_message(daemon, message, f) || send_policy(daemon, policy, message, f) ||
	    send_patterns(daemon, policy, message, f) ||
	    send_variables(daemon, policy, message, f) || send_objects(daemon, objects, message, f))
		return -1;
	message_start(message, PROTO_COMMIT);
	if (send_message(daemon, message, f) || receive(daemon, message, f))
		return -1;
	message_get_text(message, out_name, SESSION_NAME_MAX + 1);
	return message_complete(message) ? 0 : fail(f, 0, "cannot understand agent-lockd");
}

int client_new(int daemon, const char *name, const char *directory, const struct policy *policy,
	       bool ephemeral, const struct objects *objects, char *out_name, struct fail *f)
{
	struct message message;

	message_start(&message, PROTO_NEW);
	message_put_text(&message, name ? name : "");
	message_put_text(&message, directory);
	message_put(&message, policy_flags(policy) | (ephemeral ? AL_EPHEMERAL : 0));
	message_put_limits(&message, &policy->limits);
	return commit(daemon, &message, policy, objects, out_name, f);
}

int client_amend(int daemon, const char *name, const struct policy *policy,
		 const struct objects *objects, struct fail *f)
{
	char amended[SESSION_NAME_MAX + 1];
	struct message message;

	message_start(&message, PROTO_AMEND);
	message_put_text(&message, name);
	return commit(daemon, &message, policy, objects, amended, f);
}

int client_prepare(int daemon, const char *name, struct entry_plan *out_plan, struct fail *f)
{
	struct message answer;

	policy_init(&out_plan->policy);
	if (ask(daemon, PROTO_PREPARE, name, &answer, f))
		return -1;
	while (answer.verb == PROTO_VARIABLES) {
		if (message_get_variables(&answer, &out_plan->policy, f) ||
		    receive(daemon, &answer, f)) {
			policy_done(&out_plan->policy);
			return -1;
		}
	}
	message_get_text(&answer, out_plan->directory, sizeof(out_plan->directory));
	message_get_text(&answer, out_plan->tmpdir, sizeof(out_plan->tmpdir));
	if (message_complete(&answer))
		return 0;
	policy_done(&out_plan->policy);
	return fail(f, 0, "cannot understand agent-lockd");
}

int client_enter(int daemon, const char *name, struct fail *f)
{
	struct message message;

	if (ask(daemon, PROTO_EXEC, name, &message, f))
		return -1;
	/* Believe the kernel, not the daemon: nothing is ever started outside. */
	if (!cg_is_member_of(getpid(), name))
		return fail(f, 0, "agent-lockd did not move this process into session '%s'",
			    Q(name));
	return 0;
}

int client_adopt(int daemon, const char *name, const int *dirs, size_t len, struct fail *f)
{
	struct message message;

	for (size_t at = 0; at < len;) {
		message_start(&message, PROTO_ADOPT);
		message_put_text(&message, name);
		while (at < len && message.nfds < PROTO_FDS)
			message.fds[message.nfds++] = dirs[at++];
		if (send_message(daemon, &message, f) || receive(daemon, &message, f))
			return -1;
	}
	return 0;
}

int client_list(int daemon, struct list_entry **out_entries, size_t *out_len, struct fail *f)
{
	cleanup_free struct list_entry *entries = NULL;
	struct message answer;
	size_t len = 0;

	if (ask(daemon, PROTO_LIST, "", &answer, f))
		return -1;
	while (answer.verb == PROTO_ENTRY) {
		struct list_entry *more = reallocarray(entries, len + 1, sizeof(*more));

		if (!more)
			return fail(f, ENOMEM, "cannot list the sessions");
		entries = more;
		if (!message_get_entry(&answer, &entries[len++]))
			return fail(f, 0, "cannot understand agent-lockd");
		if (receive(daemon, &answer, f))
			return -1;
	}
	*out_entries = entries;
	*out_len = len;
	entries = NULL;
	return 0;
}

#define BUSY_MS 100

static int receive_report(int daemon, enum proto_verb verb, const char *name,
			  struct report *out_report, struct fail *f)
{
	struct report report = {0};
	struct message answer;

	/* Busy: its processes were killed and are still dying. The daemon waits for nobody; we do. */
	for (;;) {
		if (ask(daemon, verb, name, &answer, f))
			return -1;
		if (answer.verb != PROTO_BUSY)
			break;
		poll(NULL, 0, BUSY_MS);
	}
	if (answer.verb != PROTO_HEAD || !message_get_head(&answer, &report))
		return fail(f, 0, "cannot understand agent-lockd");
	for (;;) {
		if (receive(daemon, &answer, f)) {
			report_done(&report);
			return -1;
		}
		if (answer.verb != PROTO_TARGET)
			break;
		if (!message_get_target(&answer, &report)) {
			report_done(&report);
			return fail(f, 0, "cannot understand agent-lockd");
		}
	}
	report_merge(&report);
	*out_report = report;
	return 0;
}

int client_report(int daemon, const char *name, struct report *out_report, struct fail *f)
{
	return receive_report(daemon, PROTO_REPORT, name, out_report, f);
}

int client_destroy(int daemon, const char *name, struct report *out_report, struct fail *f)
{
	return receive_report(daemon, PROTO_DESTROY, name, out_report, f);
}

#define FREEZE_MS 10
#define FREEZE_ROUNDS 1000 /* ten seconds: no process is in the middle of things for longer */

int client_freeze(int daemon, const char *name, bool freeze, struct fail *f)
{
	struct message answer;

	for (int round = 0; round < FREEZE_ROUNDS; round++) {
		if (ask(daemon, freeze ? PROTO_FREEZE : PROTO_THAW, name, &answer, f))
			return -1;
		if (answer.verb == PROTO_DONE)
			return 0;
		poll(NULL, 0, FREEZE_MS);
	}
	if (!freeze)
		return fail(f, 0, "session '%s' is thawed, but a cgroup above it is frozen",
			    Q(name));
	return fail(f, 0,
		    "session '%s' is being frozen, but a process of it still waits in the kernel",
		    Q(name));
}

int client_why(int daemon, const char *name, int fd, const char *child, struct verdict *out_verdict,
	       struct fail *f)
{
	struct message message;

	message_start(&message, PROTO_WHY);
	message_put_text(&message, name);
	message_put_text(&message, child);
	message.fds[message.nfds++] = fd;
	if (send_message(daemon, &message, f) || receive(daemon, &message, f))
		return -1;
	out_verdict->rights = (uint32_t)message_get(&message);
	message_get_text(&message, out_verdict->rule, sizeof(out_verdict->rule));
	out_verdict->audit = message_get(&message);
	return message_complete(&message) ? 0 : fail(f, 0, "cannot understand agent-lockd");
}

int client_show(int daemon, const char *name, FILE *out, struct fail *f)
{
	struct message answer;
	char text[PROTO_MAX];

	if (ask(daemon, PROTO_SHOW, name, &answer, f))
		return -1;
	while (answer.verb == PROTO_TEXT) {
		message_get_text(&answer, text, sizeof(text));
		fputs(text, out);
		if (receive(daemon, &answer, f))
			return -1;
	}
	return 0;
}

int client_tail(int daemon, const char *name, uint64_t *out_logged, uint64_t *out_file,
		struct fail *f)
{
	struct message answer;

	if (ask(daemon, PROTO_TAIL, name, &answer, f))
		return -1;
	*out_logged = message_get(&answer);
	*out_file = message_get(&answer);
	return message_complete(&answer) ? 0 : fail(f, 0, "cannot understand agent-lockd");
}

int client_tail_next(int daemon, char *line, size_t size, struct fail *f)
{
	struct message answer;
	int ret = message_receive(daemon, &answer);

	if (ret < 0)
		return fail(f, errno, "cannot understand agent-lockd");
	if (ret == 0)
		return 0;
	message_close(&answer);
	if (answer.verb == PROTO_FAIL) {
		message_get_fail(&answer, f);
		return -1;
	}
	if (answer.verb == PROTO_DONE)
		return 0;
	message_get_text(&answer, line, size);
	return message_complete(&answer) ? 1 : fail(f, 0, "cannot understand agent-lockd");
}
