/* SPDX-License-Identifier: GPL-2.0-only */
/* store.c - see store.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "../bpf/agent_lock.h"
#include "store.h"
#include "util.h"

#define NAME "slot-%u"
#define NAME_MAX_LEN 32
/*
 * The kernel charges descriptors on their way through sockets to the sender's real user, and
 * refuses more to all of that user's processes without CAP_SYS_RESOURCE or CAP_SYS_ADMIN that
 * passed their own RLIMIT_NOFILE (too_many_unix_fds()). Charged to root, ours could keep services
 * that run as root with few rights from passing any: so they are charged to a user that nobody is.
 */
#define NOBODYS_UID 0xfffffffdU

struct store {
	struct store_object *objects; /* by id; several may have one id: the same object */
	size_t len;
	bool slots[AL_MAX_SESSIONS]; /* something was kept for these */
};

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(STORE_FDS * sizeof(int))];
};

/* Of this thread alone; saved and effective user stay root's, and so do its rights. */
static int set_charged(uid_t uid)
{
	return (int)syscall(SYS_setresuid, uid, (uid_t)-1, (uid_t)-1);
}

static int send_charged(int socket, const struct msghdr *message)
{
	uid_t uid = getuid();
	int ret, saved;

	if (uid == 0 && set_charged(NOBODYS_UID))
		return -1;
	ret = sendmsg(socket, message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
	saved = errno;
	if (uid == 0 && set_charged(0))
		abort(); /* it cannot fail, and nothing is right if it does */
	errno = saved;
	return ret;
}

int store_pack(const struct store_object *objects, size_t len, struct fail *f)
{
	uint32_t ids[STORE_FDS];
	int fds[STORE_FDS], pair[2];
	union control control = {.head = {.cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(len * sizeof(int))}};
	struct iovec data = {.iov_base = ids, .iov_len = len * sizeof(*ids)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(len * sizeof(int))};
	int ret;

	for (size_t i = 0; i < len; i++) {
		ids[i] = objects[i].id;
		fds[i] = objects[i].fd;
	}
	memcpy(CMSG_DATA(&control.head), fds, len * sizeof(int));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fail(f, errno, "cannot make a socket");
	ret = send_charged(pair[1], &message);
	if (ret)
		fail(f, errno, "cannot put descriptors into a socket");
	close(pair[1]); /* what was sent stays to be read */
	if (ret == 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

/*
 * MSG_PEEK leaves the message there: so it is kept through any number of daemons, and wherever one
 * of them is killed.
 */
int store_unpack(int socket, struct store_object out_objects[STORE_FDS])
{
	uint32_t ids[STORE_FDS];
	int fds[STORE_FDS];
	union control control;
	struct iovec data = {.iov_base = ids, .iov_len = sizeof(ids)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	size_t len = 0;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -1;
	len = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), len * sizeof(int));
	if ((size_t)got == len * sizeof(*ids) && !(message.msg_flags & MSG_CTRUNC)) {
		for (size_t i = 0; i < len; i++)
			out_objects[i] = (struct store_object){.id = ids[i], .fd = fds[i]};
		return (int)len;
	}
	for (size_t i = 0; i < len; i++)
		close(fds[i]);
	return -1;
}

int store_put(uint32_t slot, const struct store_object *objects, size_t len, struct fail *f)
{
	char name[NAME_MAX_LEN];

	snprintf(name, sizeof(name), NAME, slot);
	for (size_t i = 0; i < len; i += STORE_FDS) {
		size_t some = len - i < STORE_FDS ? len - i : STORE_FDS;
		cleanup_fd int carrier = store_pack(objects + i, some, f);

		if (carrier < 0 || manager_keep(name, carrier, f))
			return -1;
	}
	return 0;
}

void store_drop(uint32_t slot)
{
	char name[NAME_MAX_LEN];

	snprintf(name, sizeof(name), NAME, slot);
	manager_forget(name);
}

static bool slot_of(const char *name, uint32_t *out_slot)
{
	char again[NAME_MAX_LEN];

	if (sscanf(name, NAME, out_slot) != 1 || *out_slot >= AL_MAX_SESSIONS)
		return false;
	snprintf(again, sizeof(again), NAME, *out_slot);
	return strcmp(name, again) == 0;
}

/* Anything but an object opened O_PATH is none of ours. */
static bool is_object(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_PATH);
}

static int add(struct store *store, int socket)
{
	struct store_object found[STORE_FDS], *more;
	int len = store_unpack(socket, found);

	if (len < 0)
		return 0;
	more = reallocarray(store->objects, store->len + (size_t)len, sizeof(*more));
	for (int i = 0; i < len; i++) {
		if (more && is_object(found[i].fd))
			more[store->len++] = found[i];
		else
			close(found[i].fd);
	}
	if (more)
		store->objects = more;
	return more || !len ? 0 : -1;
}

static int by_id(const void *a, const void *b)
{
	const struct store_object *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

int store_open(struct manager_fd *fds, size_t len, struct store **out_store, struct fail *f)
{
	struct store *store = calloc(1, sizeof(*store));
	uint32_t slot;

	for (size_t i = 0; store && i < len; i++) {
		if (fds[i].fd < 0 || !slot_of(fds[i].name, &slot))
			continue;
		store->slots[slot] = true;
		if (add(store, fds[i].fd)) {
			store_close(store);
			store = NULL;
			break;
		}
		close(fds[i].fd);
		fds[i].fd = -1;
	}
	if (!store)
		return fail(f, ENOMEM, "cannot take over what the service manager kept");
	if (store->len)
		qsort(store->objects, store->len, sizeof(*store->objects), by_id);
	*out_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->len; i++)
		close(store->objects[i].fd);
	free(store->objects);
	free(store);
}

int store_get(const struct store *store, uint32_t id)
{
	struct store_object wanted = {.id = id}, *found = NULL;

	if (store->len)
		found = bsearch(&wanted, store->objects, store->len, sizeof(wanted), by_id);
	return found ? fcntl(found->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

void store_sweep(const struct store *store, bool (*used)(uint32_t slot, void *data), void *data)
{
	for (uint32_t slot = 0; slot < AL_MAX_SESSIONS; slot++)
		if (store->slots[slot] && !used(slot, data))
			store_drop(slot);
}
