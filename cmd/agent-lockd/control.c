/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.c - the socket: who may connect (anybody outside a session), who asks for what, and the
 * loop that serves them. A client that talks nonsense is told so and hung up on; none is ever
 * waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include "daemon.h"
#include "peer.h"
#include "proto.h"
#include "requests.h"
#include "util.h"

#define CLIENTS_MAX 256
#define CLIENTS_OF_USER 48 /* of one uid; root may have all, and the last places are its */
#define CLIENTS_OF_ROOT 16

struct control {
	int socket;
	bool full; /* no descriptor was left: accept nobody for a moment, instead of trying in a
		      circle */
	struct client clients[CLIENTS_MAX];
};

int control_open(struct daemon *daemon, struct fail *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PROTO_SOCKET};
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return fail(f, ENOMEM, "cannot open %s", PROTO_SOCKET);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].socket = -1;
	control->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/*
	 * The directory is ours alone to write, and the lock on it says that no other daemon lives:
	 * what is there is stale.
	 */
	unlink(PROTO_SOCKET);
	if (control->socket < 0 ||
	    bind(control->socket, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(PROTO_SOCKET, 0666) || listen(control->socket, 64)) {
		fail(f, errno, "cannot open %s", PROTO_SOCKET);
		control_close(control);
		return -1;
	}
	daemon->control = control;
	return 0;
}

static void hang_up(struct daemon *daemon, struct client *client)
{
	if (client->socket < 0)
		return;
	if (client->follows && --client->follows->tails == 0)
		(void)session_tailed(daemon->sessions, client->follows, false,
				     NULL); /* costs events, no more */
	session_free(client->draft);
	peer_done(&client->peer);
	close(client->socket);
	*client = (struct client){.socket = -1};
}

void control_close(struct control *control)
{
	if (!control)
		return;
	if (control->socket >= 0)
		close(control->socket);
	unlink(PROTO_SOCKET);
	free(control);
}

static void answer_fail(int socket, const struct fail *f)
{
	struct message message;

	message_put_fail(&message, f);
	(void)message_send(socket, &message); /* it may be gone: it asked, it can ask again */
}

/* A place for one more of this user's connections, or NULL with the reason. */
static struct client *free_place(struct control *control, uid_t uid, struct fail *f)
{
	struct client *place = NULL;
	size_t busy = 0, own = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].socket < 0) {
			place = &control->clients[i];
			continue;
		}
		busy++;
		own += control->clients[i].peer.uid == uid;
	}
	if (uid != 0 && own >= CLIENTS_OF_USER) {
		fail(f, 0, "%d connections of yours are open already, the most a user can have",
		     CLIENTS_OF_USER);
		return NULL;
	}
	if (!place || (uid != 0 && busy >= CLIENTS_MAX - CLIENTS_OF_ROOT)) {
		fail(f, 0, "agent-lockd serves %zu connections already: try again later", busy);
		return NULL;
	}
	return place;
}

static int admit(struct daemon *daemon, int socket, struct fail *f)
{
	struct client *client;
	struct peer peer;

	if (peer_of(socket, &peer, f))
		return -1;
	client = free_place(daemon->control, peer.uid, f);
	if (!client) {
		peer_done(&peer);
		return -1;
	}
	client->peer = peer;
	client->socket = socket;
	return 0;
}

static void take_client(struct daemon *daemon)
{
	int socket = accept4(daemon->control->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct fail f = {0};

	daemon->control->full =
		socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM);
	if (socket < 0 || admit(daemon, socket, &f) == 0)
		return;
	answer_fail(socket, &f);
	close(socket);
}

/*
 * The descriptors of a request are objects opened O_PATH, nothing else. Anything else is not even
 * closed here: closing a socket with SO_LINGER or a file of a slow FUSE server takes as long as its
 * maker likes.
 */
static void *close_elsewhere(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

static int only_objects(struct message *message, struct fail *f)
{
	int ret = 0;

	for (uint32_t i = 0; i < message->nfds; i++) {
		int flags = fcntl(message->fds[i], F_GETFL);
		pthread_t thread;

		if (flags >= 0 && (flags & O_PATH))
			continue;
		if (pthread_create(&thread, NULL, close_elsewhere,
				   (void *)(intptr_t)message->fds[i]) == 0)
			pthread_detach(thread);
		message->fds[i] = -1;
		ret = fail(f, EBADMSG, "cannot take a descriptor that is not O_PATH");
	}
	return ret;
}

/*
 * Asked anew for every request: a connection stays what it was when its process enters a session,
 * and whoever is in there may get hold of it.
 */
static int answer_request(struct daemon *daemon, struct client *client, struct message *message,
			  struct fail *f)
{
	if (only_objects(message, f))
		return -1;
	if (!peer_alive(&client->peer) || cg_is_session_member(client->peer.pid))
		return fail(f, EPERM, "a process in a session cannot control sessions");
	return request(daemon, client, message, f);
}

static void serve(struct daemon *daemon, struct client *client)
{
	struct message message;
	struct fail f = {0};
	int got = message_receive(client->socket, &message);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < 0)
		fail(&f, errno, "cannot understand the request");
	else if (got > 0 && answer_request(daemon, client, &message, &f))
		got = -1;
	message_close(&message);
	if (got < 0)
		answer_fail(client->socket, &f);
	if (got <= 0 || client->over)
		hang_up(daemon, client);
}

/* A reader that does not read misses lines, and is told how many before the next that it gets. */
static void tell(struct client *client, const struct session *session, const char *line, size_t len)
{
	struct message message;

	if (client->missed) {
		struct event event = {.kind = EVENT_LOST, .count = client->missed};
		char text[EVENT_LINE_MAX + 1];

		clock_gettime(CLOCK_REALTIME, &event.time);
		snprintf(event.session, sizeof(event.session), "%s", session->name);
		message_start(&message, PROTO_TEXT);
		message_put_bytes(&message, text, event_line(&event, text));
		if (message_send(client->socket, &message)) {
			client->missed++;
			return;
		}
		client->missed = 0;
	}
	message_start(&message, PROTO_TEXT);
	message_put_bytes(&message, line, len);
	if (message_send(client->socket, &message))
		client->missed++;
}

void control_tell(struct control *control, const struct session *session, const char *line,
		  size_t len)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket >= 0 && control->clients[i].follows == session)
			tell(&control->clients[i], session, line, len);
}

unsigned int control_drafts(const struct daemon *daemon, uid_t uid)
{
	unsigned int drafts = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &daemon->control->clients[i];

		drafts += client->socket >= 0 && client->draft && client->peer.uid == uid;
	}
	return drafts;
}

void control_forget(struct daemon *daemon, struct session *session)
{
	struct message message;

	message_start(&message, PROTO_DONE);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &daemon->control->clients[i];

		if (client->socket < 0 || client->follows != session)
			continue;
		(void)message_send(client->socket, &message); /* hanging up says the same */
		hang_up(daemon, client);
	}
}

int control_run(struct daemon *daemon, volatile const int *stop, struct fail *f)
{
	struct control *control = daemon->control;
	struct pollfd polls[CLIENTS_MAX + 1 + LSM_RINGS];
	struct pollfd *clients = polls + 1 + LSM_RINGS;

	while (!*stop) {
		polls[0] = (struct pollfd){.fd = control->full ? -1 : control->socket,
					   .events = POLLIN};
		for (int i = 0; i < LSM_RINGS; i++)
			polls[1 + i] = (struct pollfd){.fd = lsm_events_fd(daemon->lsm, i),
						       .events = POLLIN};
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			clients[i] =
				(struct pollfd){.fd = control->clients[i].socket, .events = POLLIN};
		if (poll(polls, ARRAY_SIZE(polls), control->full ? 1000 : -1) < 0) {
			if (errno == EINTR)
				continue;
			return fail(f, errno, "cannot wait for requests");
		}
		/*
		 * Events first: what happened before a request is in the log before it is answered,
		 * but for a flood.
		 */
		lsm_events_read(daemon->lsm);
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (clients[i].revents && control->clients[i].socket == clients[i].fd)
				serve(daemon, &control->clients[i]);
		control->full = false;
		if (polls[0].revents)
			take_client(daemon);
	}
	return 0;
}
