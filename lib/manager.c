/* SPDX-License-Identifier: GPL-2.0-only */
/* manager.c - see manager.h */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "manager.h"
#include "util.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define STATE_MAX 1400
#define SEND_SECONDS 5

bool manager_there(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

static int send_state(const char *state, int fd)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_fd int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = SEND_SECONDS};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec text = {.iov_base = (char *)state, .iov_len = strlen(state)};
	struct msghdr message = {.msg_name = &address, .msg_iov = &text, .msg_iovlen = 1};
	size_t len = name ? strlen(name) : 0;

	if (to < 0)
		return -1;
	if (!len || len >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@')) {
		errno = EINVAL;
		return -1;
	}
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	message.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
	}
	(void)setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience)); /* or for ever */
	return sendmsg(to, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

void manager_tell(const char *fmt, ...)
{
	char state[STATE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(state, sizeof(state), fmt, ap);
	va_end(ap);
	if (manager_there())
		(void)send_state(state, -1); /* it is told more than it needs to know */
}

void manager_status(const char *text)
{
	manager_tell("STATUS=%.*s", (int)strcspn(text, "\n"), text);
}

/*
 * FDPOLL=0: what hangs up is not to be dropped, and a socket whose other end is closed has hung up.
 */
int manager_keep(const char *name, int fd, struct fail *f)
{
	char state[128];

	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return send_state(state, fd)
		       ? fail(f, errno, "cannot hand a descriptor to the service manager")
		       : 0;
}

void manager_forget(const char *name)
{
	manager_tell("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* A number from the environment; 0 if there is none, or nonsense. */
static long env_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number;

	if (!text || *text < '0' || *text > '9')
		return 0;
	number = strtol(text, &end, 10);
	return *end ? 0 : number;
}

static int take(long count, char *names, struct manager_fd **out_fds, struct fail *f)
{
	struct manager_fd *fds = calloc((size_t)count, sizeof(*fds));

	if (!fds)
		return fail(f, ENOMEM, "cannot take the service manager's descriptors");
	for (long i = 0; i < count; i++) {
		const char *name = strsep(&names, ":");

		fds[i] = (struct manager_fd){.name = name ? name : "", .fd = FIRST_FD + (int)i};
		if (fcntl(fds[i].fd, F_SETFD, FD_CLOEXEC))
			fds[i].fd = -1;
	}
	*out_fds = fds;
	return 0;
}

int manager_fds(struct manager_fd **out_fds, size_t *out_len, struct fail *f)
{
	long count = env_number("LISTEN_FDS");
	/* Not freed: names live in it. */
	char *names = getenv("LISTEN_FDNAMES");
	int ret = 0;

	*out_fds = NULL;
	*out_len = 0;
	/* Another process's, if it forgot to take them out of the environment. */
	if (env_number("LISTEN_PID") == getpid() && count > 0 && count < INT_MAX - FIRST_FD)
		ret = take(count, names, out_fds, f);
	if (*out_fds)
		*out_len = (size_t)count;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ret;
}

void manager_fds_free(struct manager_fd *fds, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	free(fds);
}
