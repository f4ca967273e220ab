/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * requests.c - every request that lib/proto.h knows, sent to the daemon as it should be and as it
 * should not. Each promise is a line "yes PROMISE" or "no PROMISE", with what was got.
 *
 *   requests foreign SESSION...  each request about somebody else's SESSION has the answer that one
 *                                about a session which is not there has, and that is a failure
 *   requests jailed OWN OTHER... by who has entered OWN meanwhile: each is refused for that
 *   requests owner SESSION       the control: its owner's are all answered; it ends the session
 *
 * A verb that is_request() does not know does not compile, and one without a row is a failure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cg.h"
#include "client.h"
#include "proto.h"
#include "util.h"

#define NONE "not-there"
#define ANSWER 1200 /* bytes of what was answered, as text */

static bool is_request(enum proto_verb verb)
{
	switch (verb) {
	case PROTO_NEW:
	case PROTO_RULES:
	case PROTO_POLICY:
	case PROTO_SENSITIVE:
	case PROTO_VARIABLES:
	case PROTO_COMMIT:
	case PROTO_WHY:
	case PROTO_ADOPT:
	case PROTO_PREPARE:
	case PROTO_EXEC:
	case PROTO_LIST:
	case PROTO_REPORT:
	case PROTO_SHOW:
	case PROTO_TAIL:
	case PROTO_DESTROY:
	case PROTO_FREEZE:
	case PROTO_THAW:
	case PROTO_AMEND:
		return true;
	case PROTO_DONE:
	case PROTO_FAIL:
	case PROTO_BUSY:
	case PROTO_ENTRY:
	case PROTO_HEAD:
	case PROTO_TARGET:
	case PROTO_TEXT:
		return false;
	}
	return false;
}

/* How the fields after the verb are filled in. */
static void put_name(struct message *message, const char *name)
{
	message_put_text(message, name);
}

static void put_nothing(struct message *message, const char *name)
{
	(void)message;
	(void)name;
}

static void put_more(struct message *message, const char *name)
{
	message_put_text(message, name);
	message_put(message, 0);
}

static void put_nul(struct message *message, const char *name)
{
	message_put_bytes(message, name, strlen(name) + 1);
}

static void put_too_long(struct message *message, const char *name)
{
	message_put_text(message, name);
	message->data[0]++;
}

/* A new session; of this name when it is given. */
static void put_new(struct message *message, const char *name)
{
	message_put_text(message, strcmp(name, NONE) == 0 ? "" : name);
	message_put_text(message, "/");
	for (int i = 0; i < 4; i++)
		message_put(message, 0);
}

static const struct row {
	enum proto_verb verb;
	const char *what;
	void (*fill)(struct message *message, const char *name);
	bool fails; /* for everybody: it is malformed, or nothing of its own */
} rows[] = {
#define OF_NAME(verb, text) \
	{verb, text, put_name, false}, {verb, text " without a name", put_nothing, true}, \
		{verb, text " with more behind it", put_more, true}, \
		{verb, text " with a NUL", put_nul, true}, \
	{ \
		verb, text " longer than the message", put_too_long, true \
	}
	OF_NAME(PROTO_REPORT, "report"),
	OF_NAME(PROTO_SHOW, "show"),
	OF_NAME(PROTO_TAIL, "tail"),
	OF_NAME(PROTO_FREEZE, "freeze"),
	OF_NAME(PROTO_THAW, "thaw"),
	OF_NAME(PROTO_AMEND, "amend"),
	OF_NAME(PROTO_PREPARE, "prepare"),
	OF_NAME(PROTO_EXEC, "exec"),
	OF_NAME(PROTO_ADOPT, "adopt"),
	OF_NAME(PROTO_DESTROY, "destroy"),
	{PROTO_LIST, "list", put_name, false},
	{PROTO_NEW, "new", put_new, false},
	{PROTO_NEW, "new without fields", put_name, true},
	{PROTO_RULES, "rules without new", put_name, true},
	{PROTO_POLICY, "policy without new", put_name, true},
	{PROTO_SENSITIVE, "sensitive without new", put_name, true},
	{PROTO_VARIABLES, "variables without new", put_name, true},
	{PROTO_WHY, "why without a descriptor", put_name, true},
	{PROTO_COMMIT, "commit without new", put_nothing, true},
	{PROTO_DONE, "an answer", put_name, true},
	{PROTO_THAW + 40, "a verb that is not there", put_name, true},
};

static int failed;

static void promise(bool good, const char *what, const char *whose, const char *got)
{
	failed |= !good;
	printf("%s %s: %s\n", good ? "yes" : "no", whose, what);
	if (!good)
		printf("got: %s\n", got);
}

static void table_is_whole(void)
{
	for (unsigned int verb = 1; verb < PROTO_DONE; verb++) {
		bool there = false;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			there |= rows[i].verb == verb;
		if (is_request((enum proto_verb)verb) && !there)
			promise(false, "has a row", "a verb", "none");
	}
}

static bool begins(const struct row *row)
{
	return !row->fails && (row->verb == PROTO_NEW || row->verb == PROTO_AMEND);
}

/* One request; what begins something is followed by its commit. All that is answered, as text. */
static void ask(int daemon, const struct row *row, const char *name, char *out, size_t size)
{
	static struct message message;
	struct fail f = {0};

	message_start(&message, row->verb);
	row->fill(&message, name);
	if (message_send(daemon, &message) == 0 && begins(row)) {
		message_start(&message, PROTO_COMMIT);
		(void)message_send(daemon, &message); /* it says what became of it */
	}
	if (message_receive(daemon, &message) != 1 &&
	    (errno != ECONNRESET || message_receive(daemon, &message) != 1)) {
		snprintf(out, size, "nothing");
		return;
	}
	if (message.verb != PROTO_FAIL) {
		snprintf(out, size, "answer %u", message.verb);
		return;
	}
	message_get_fail(&message, &f);
	snprintf(out, size, "%d: %s; %s", f.no, f.msg, f.hint);
}

static void ask_anew(const struct row *row, const char *name, char *out, size_t size)
{
	struct fail f = {0};
	cleanup_fd int daemon = client_connect(&f);

	if (daemon < 0) {
		fprintf(stderr, "requests: %s\n", f.msg);
		exit(1);
	}
	ask(daemon, row, name, out, size);
}

/* The same text but for the name. */
static bool same(const char *of_session, const char *of_none, const char *session)
{
	char text[2048];
	const char *at = strstr(of_session, session);

	if (!at)
		return strcmp(of_session, of_none) == 0;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - of_session), of_session, NONE,
		 at + strlen(session));
	return strcmp(text, of_none) == 0;
}

static void foreign(const char *session)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char got[ANSWER], none[ANSWER];

		ask_anew(&rows[i], session, got, sizeof(got));
		if (rows[i].fill == put_new) {
			/* All have one set of names. */
			promise(strstr(got, "is taken") != NULL, "new: the name is taken", session,
				got);
			continue;
		}
		if (rows[i].verb == PROTO_LIST)
			continue; /* it names none: its caller looks at what it shows */
		ask_anew(&rows[i], NONE, none, sizeof(none));
		promise(strncmp(got, "answer", 6) != 0 && same(got, none, session), rows[i].what,
			session, got);
	}
	promise(cg_is_session_member(getpid()) == 0, "nobody was moved", session, "moved");
}

/* The connections are from before: afterwards it gets none. */
static void jailed(const char *own, char **others)
{
	int daemons[ARRAY_SIZE(rows)], entering = client_connect(NULL);
	struct fail f = {0};
	char got[ANSWER];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		daemons[i] = rows[i].fails ? -1 : client_connect(NULL);
	if (client_enter(entering, own, &f)) {
		fprintf(stderr, "requests: %s\n", f.msg);
		exit(1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (daemons[i] < 0)
			continue;
		ask(daemons[i], &rows[i], *others ? *others : own, got, sizeof(got));
		promise(strstr(got, "a process in a session cannot control sessions") != NULL,
			rows[i].what, "jailed", got);
	}
	promise(client_connect(&f) < 0 && f.no == EPERM, "no new connection", "jailed", f.msg);
}

static void owner(const char *session)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = rows[i].fill == put_new ? NONE : session;
		char got[ANSWER];
		pid_t child;
		int status;

		/* In a child, for exec moves who asks. */
		fflush(stdout);
		child = fork();
		if (child == 0) {
			failed = 0;
			ask_anew(&rows[i], name, got, sizeof(got));
			promise((strncmp(got, "answer", 6) == 0) != rows[i].fails, rows[i].what,
				"owner", got);
			fflush(stdout);
			_exit(failed);
		}
		if (waitpid(child, &status, 0) != child || status)
			failed = 1;
	}
}

int main(int argc, char **argv)
{
	table_is_whole();
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "foreign") == 0)
		for (int i = 2; i < argc; i++)
			foreign(argv[i]);
	else if (strcmp(argv[1], "jailed") == 0)
		jailed(argv[2], argv + 3);
	else
		owner(argv[2]);
	fflush(stdout);
	return failed;
}
