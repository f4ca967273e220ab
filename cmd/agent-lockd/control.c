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
#include <signal.h>
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
/* Root may have all, and the last places are its. */
_Static_assert(USER_REQUESTS_MAX < CLIENTS_MAX, "root can always ask");

struct control {
	int socket;
	int inside;	/* the other one, for who is in a session */
	bool inherited; /* the socket is the service manager's, and stays when we go */
	int spare; /* given up for a moment to tell somebody that there is no descriptor left */
	bool full; /* not even that: accept nobody for a moment, instead of trying in a circle */
	struct client clients[CLIENTS_MAX];
};

static const struct sockaddr_un ADDRESS = {.sun_family = AF_UNIX, .sun_path = PROTO_SOCKET};

static int socket_option(int socket, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(socket, SOL_SOCKET, option, &value, &len) ? -1 : value;
}

/* A socket unit that says something else would be served, and nobody would ask there. */
static bool is_control(int socket)
{
	struct sockaddr_un name = {0};
	socklen_t len = sizeof(name);

	return socket_option(socket, SO_DOMAIN) == AF_UNIX &&
	       socket_option(socket, SO_TYPE) == SOCK_SEQPACKET &&
	       socket_option(socket, SO_ACCEPTCONN) == 1 &&
	       getsockname(socket, (struct sockaddr *)&name, &len) == 0 &&
	       strncmp(name.sun_path, ADDRESS.sun_path, sizeof(name.sun_path)) == 0;
}

/* The first that is a listening socket; one that is not ours to serve is an error. */
static int take_socket(struct control *control, struct manager_fd *inherited, size_t len,
		       struct fail *f)
{
	for (size_t i = 0; i < len; i++) {
		int fd = inherited[i].fd;

		if (fd < 0 || socket_option(fd, SO_ACCEPTCONN) != 1)
			continue;
		if (!is_control(fd) || fcntl(fd, F_SETFL, O_NONBLOCK)) {
			fail(f, 0,
			     "cannot serve the socket '%s' of the service manager: no "
			     "SOCK_SEQPACKET socket at %s",
			     Q(inherited[i].name), PROTO_SOCKET);
			return fail_hint(f, "ListenSequentialPacket=%s", PROTO_SOCKET);
		}
		control->socket = fd;
		control->inherited = true;
		inherited[i].fd = -1;
		return 0;
	}
	return 0;
}

/*
 * The lock says that no other daemon lives; so a socket that is alive at our place is the service
 * manager's, which would start another daemon for whoever asks there. A socket of another type is
 * told by the kernel that there is one, and does not connect.
 */
static bool is_alive(void)
{
	cleanup_fd int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return connect(other, (const struct sockaddr *)&ADDRESS, sizeof(ADDRESS)) &&
	       errno == EPROTOTYPE;
}

/* The directory is ours alone to write: what is there is stale. */
static int listen_at(const char *path, struct fail *f)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    chmod(path, 0666) || listen(fd, 64))
		return fail(f, errno, "cannot open %s", path);
	return steal_fd(&fd);
}

static int make_socket(struct control *control, struct fail *f)
{
	if (is_alive()) {
		fail(f, 0, "the service manager listens at %s already", PROTO_SOCKET);
		return fail_hint(f, "systemctl start agent-lockd, or first: systemctl stop "
				    "agent-lockd.socket");
	}
	control->socket = listen_at(PROTO_SOCKET, f);
	return control->socket < 0 ? -1 : 0;
}

int control_open(struct daemon *daemon, struct fail *f)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return fail(f, ENOMEM, "cannot open %s", PROTO_SOCKET);
	control->socket = control->inside = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].socket = -1;
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC); /* then they wait */
	if (take_socket(control, daemon->inherited, daemon->inherited_len, f) ||
	    (!control->inherited && make_socket(control, f)) ||
	    (control->inside = listen_at(PROTO_INSIDE, f)) < 0) {
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
	if (control->inside >= 0)
		close(control->inside);
	if (control->spare >= 0)
		close(control->spare);
	if (control->socket >= 0 && !control->inherited)
		unlink(PROTO_SOCKET);
	if (control->inside >= 0)
		unlink(PROTO_INSIDE);
	free(control);
}

static void answer_fail(int socket, const struct fail *f)
{
	struct message message;

	message_put_fail(&message, f);
	(void)message_send(socket, &message); /* it may be gone: it asked, it can ask again */
}

#define INSIDE_MAX 8 /* connections of a user's sessions: they take none of its own places */

/* A place for one more of this user's connections, or NULL with the reason. */
static struct client *free_place(struct daemon *daemon, uid_t uid, bool inside, struct fail *f)
{
	uint64_t most = inside ? INSIDE_MAX : daemon->settings.users.requests;
	struct control *control = daemon->control;
	struct client *place = NULL;
	size_t busy = 0, own = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].socket < 0) {
			place = &control->clients[i];
			continue;
		}
		busy++;
		own += control->clients[i].peer.uid == uid && control->clients[i].inside == inside;
	}
	if ((uid != 0 || inside) && own >= most) {
		fail(f, 0, "%zu connections of yours are open already, the most you may have", own);
		return NULL;
	}
	if (!place || ((uid != 0 || inside) && busy >= USER_REQUESTS_MAX)) {
		fail(f, 0, "agent-lockd serves %zu connections already: try again later", busy);
		return NULL;
	}
	return place;
}

static int admit(struct daemon *daemon, int socket, bool inside, struct fail *f)
{
	struct client *client;
	struct peer peer;

	if (peer_of(socket, &peer, f))
		return -1;
	client = free_place(daemon, peer.uid, inside, f);
	if (!client) {
		peer_done(&peer);
		return -1;
	}
	client->peer = peer;
	client->socket = socket;
	client->inside = inside;
	return 0;
}

static int accept_client(int listening)
{
	return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void turn_away(struct control *control, int listening, int no)
{
	struct fail f = {0};
	int socket = -1;

	if (control->spare >= 0) {
		close(control->spare);
		socket = accept_client(listening);
	}
	if (socket >= 0) {
		fail(&f, no, "agent-lockd cannot serve another request");
		answer_fail(socket, &f);
		close(socket);
	}
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control->full = socket < 0 || control->spare < 0;
}

static void take_client(struct daemon *daemon, int listening)
{
	int socket = accept_client(listening);
	struct fail f = {0};

	if (socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		turn_away(daemon->control, listening, errno);
	if (socket < 0 || admit(daemon, socket, listening == daemon->control->inside, &f) == 0)
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
	int member;

	if (only_objects(message, f))
		return -1;
	member = cg_is_session_member(client->peer.pid);
	if (member < 0)
		return fail(f, errno, "cannot tell who is asking");
	/* Alive after that was asked: it was about this process, and not about a later one of its number. */
	if (!peer_alive(&client->peer) || (member && !client->inside))
		return fail(f, EPERM, "a process in a session cannot control sessions");
	if (client->inside && (!member || message->verb != PROTO_WHY))
		return fail(f, EPERM, "%s is for processes in a session, to ask why", PROTO_INSIDE);
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
		fail(&f, errno,
		     errno == EBADMSG ? "cannot understand the request"
				      : "cannot receive the request");
	else if (got > 0 && answer_request(daemon, client, &message, &f))
		got = -1;
	message_close(&message);
	if (got < 0)
		answer_fail(client->socket, &f);
	if (got <= 0 || client->over)
		hang_up(daemon, client);
}

/*
 * What a client has not read yet waits in its socket's send buffer, in the kernel, and nowhere else:
 * no more than TAIL_BUFFER, which the kernel doubles for its own needs, 416 KiB for about 400 lines.
 * Of 48 connections of a user that makes 20 MiB, of all CLIENTS_MAX 104 MiB. What finds no room is
 * counted. The reader is told how many when it has read nearly all the rest, so that one who is
 * always late gets many lines in a row, then one with a number.
 */
#define TAIL_BUFFER (208 << 10)

void control_follow(struct client *client, struct session *session)
{
	int size = TAIL_BUFFER;

	/* As it was, it is smaller, or an earlier answer made it larger. */
	(void)setsockopt(client->socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	client->follows = session;
	snprintf(client->followed, sizeof(client->followed), "%s", session->name);
}

static int send_line(const struct client *client, const char *line, size_t len)
{
	struct message message;

	message_start(&message, PROTO_TEXT);
	message_put_bytes(&message, line, len);
	return message_send(client->socket, &message);
}

void control_tell(struct control *control, const struct session *session, const char *line,
		  size_t len, uint64_t events)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->socket < 0 || client->follows != session)
			continue;
		if (client->missed || send_line(client, line, len))
			client->missed += events;
	}
}

static void tell_end(struct daemon *daemon, struct client *client)
{
	struct message message;

	message_start(&message, PROTO_DONE);
	(void)message_send(client->socket, &message); /* hanging up says the same */
	hang_up(daemon, client);
}

/* There is room again. */
static void catch_up(struct daemon *daemon, struct client *client)
{
	struct event event = {.kind = EVENT_LOST, .count = client->missed};
	char line[EVENT_LINE_MAX];

	client->answered = false;
	if (!client->missed)
		return;
	clock_gettime(CLOCK_REALTIME, &event.time);
	snprintf(event.session, sizeof(event.session), "%s", client->followed);
	if (send_line(client, line, event_line(&event, line)))
		return;
	client->missed = 0;
	if (!client->follows)
		tell_end(daemon, client);
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
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &daemon->control->clients[i];

		if (client->socket < 0 || client->follows != session)
			continue;
		/* Who is behind is told what it missed first: catch_up(). */
		client->follows = NULL;
		if (!client->missed)
			tell_end(daemon, client);
	}
}

/* What a client is waited for with: one who has not read its answer is asked nothing. */
static struct pollfd awaited(const struct client *client)
{
	struct pollfd poll = {.fd = client->socket, .events = POLLIN};

	if (client->missed)
		poll.events |= POLLOUT;
	if (client->answered || (client->missed && !client->follows))
		poll.events = POLLOUT;
	return poll;
}

static void attend(struct daemon *daemon, struct client *client, const struct pollfd *poll)
{
	/* Hung up on, and its place taken, by what was served before it. */
	if (!poll->revents || client->socket != poll->fd)
		return;
	if (poll->revents & POLLOUT)
		catch_up(daemon, client);
	if ((poll->revents & ~POLLOUT) && client->socket == poll->fd)
		serve(daemon, client);
}

static int earlier(int ms, int other)
{
	return ms < 0 || (other >= 0 && other < ms) ? other : ms;
}

/* poll(), and signals come in here only: none is lost between a look at *stop and the wait. */
static int wait_for(struct pollfd *polls, size_t len, int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	sigset_t none;

	sigemptyset(&none);
	return ppoll(polls, len, ms < 0 ? NULL : &time, &none);
}

/* What the daemon waits for besides its clients; these come last. */
enum {
	POLL_SOCKET,
	POLL_INSIDE,
	POLL_ALARMS,
	POLL_ENDINGS,
	POLL_RINGS,
	POLL_CLIENTS = POLL_RINGS + LSM_RINGS,
};

/* Returns how many: poll(2) takes no more than this process may have descriptors. */
static size_t list_awaited(struct daemon *daemon, struct pollfd *polls, struct client **out_clients)
{
	struct control *control = daemon->control;
	size_t len = 0;

	polls[POLL_SOCKET].fd = control->full ? -1 : control->socket;
	polls[POLL_INSIDE].fd = control->full ? -1 : control->inside;
	polls[POLL_ALARMS].fd = alarms_fd(daemon->alarms);
	polls[POLL_ENDINGS].fd = daemon->endings;
	for (int i = 0; i < LSM_RINGS; i++)
		polls[POLL_RINGS + i].fd = lsm_events_fd(daemon->lsm, i);
	for (size_t i = 0; i < POLL_CLIENTS; i++)
		polls[i].events = POLLIN;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].socket < 0)
			continue;
		out_clients[len] = &control->clients[i];
		polls[POLL_CLIENTS + len++] = awaited(&control->clients[i]);
	}
	return len;
}

static int patience(struct daemon *daemon)
{
	return earlier(earlier(daemon->control->full ? 1000 : -1, feed_wait_ms(daemon)),
		       ending_wait_ms(daemon));
}

int control_run(struct daemon *daemon, volatile const int *stop, struct fail *f)
{
	struct pollfd polls[POLL_CLIENTS + CLIENTS_MAX];
	struct client *clients[CLIENTS_MAX];

	while (!*stop) {
		size_t len = list_awaited(daemon, polls, clients);

		if (wait_for(polls, POLL_CLIENTS + len, patience(daemon)) < 0) {
			if (errno == EINTR)
				continue;
			return fail(f, errno, "cannot wait for requests");
		}
		/*
		 * Events first: what happened before a request is in the log before it is answered,
		 * but for a flood.
		 */
		lsm_events_read(daemon->lsm);
		if (polls[POLL_ALARMS].revents)
			alarms_read(daemon);
		feed_tick(daemon);
		ending_read(daemon);
		for (size_t i = 0; i < len; i++)
			attend(daemon, clients[i], &polls[POLL_CLIENTS + i]);
		daemon->control->full = false;
		if (polls[POLL_SOCKET].revents)
			take_client(daemon, daemon->control->socket);
		if (polls[POLL_INSIDE].revents)
			take_client(daemon, daemon->control->inside);
	}
	return 0;
}
