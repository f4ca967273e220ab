/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uring.c - K01, K02: operations that a ring does, at once, by a worker, or by the kernel's own poller
 * of the ring; and with credentials that are not the caller's of now.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "adversary.h"

#define ENTRIES 8

struct ring {
	int fd;
	unsigned int setup;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *mapped[3];
	size_t size[3];
};

static int map_ring(struct ring *ring, const struct io_uring_params *p)
{
	static const off_t offsets[] = {IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES};
	char *sqs, *cqs;

	ring->size[0] = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	ring->size[1] = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	ring->size[2] = p->sq_entries * sizeof(struct io_uring_sqe);
	for (size_t i = 0; i < LEN(offsets); i++) {
		ring->mapped[i] = mmap(NULL, ring->size[i], PROT_READ | PROT_WRITE, MAP_SHARED,
				       ring->fd, offsets[i]);
		if (ring->mapped[i] == MAP_FAILED)
			return errno;
	}
	sqs = ring->mapped[0];
	cqs = ring->mapped[1];
	ring->sqes = ring->mapped[2];
	ring->sq_tail = (unsigned int *)(sqs + p->sq_off.tail);
	ring->sq_mask = (unsigned int *)(sqs + p->sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(sqs + p->sq_off.array);
	ring->cq_head = (unsigned int *)(cqs + p->cq_off.head);
	ring->cq_tail = (unsigned int *)(cqs + p->cq_off.tail);
	ring->cq_mask = (unsigned int *)(cqs + p->cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(cqs + p->cq_off.cqes);
	return 0;
}

/* Unmapped, too, or it lives on and with it its poller, a thread of ours. */
static void end_ring(struct ring *ring)
{
	for (size_t i = 0; i < LEN(ring->mapped); i++)
		if (ring->mapped[i] && ring->mapped[i] != MAP_FAILED)
			munmap(ring->mapped[i], ring->size[i]);
	close(ring->fd);
}

static struct io_uring_params params(unsigned int setup)
{
	return (struct io_uring_params){.flags = setup, .sq_thread_idle = 2000};
}

static int make_ring(struct ring *ring, unsigned int setup)
{
	struct io_uring_params p = params(setup);

	*ring = (struct ring){.setup = setup};
	ring->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	return ring->fd < 0 ? errno : map_ring(ring, &p);
}

static void put(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->sq_tail, index = tail & *ring->sq_mask;

	ring->sqes[index] = *sqe;
	ring->sq_array[index] = index;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static int enter(struct ring *ring, unsigned int submit, unsigned int wait)
{
	unsigned int flags = IORING_ENTER_GETEVENTS;

	if (ring->setup & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	return result(syscall(SYS_io_uring_enter, ring->fd, submit, wait, flags, NULL, 0));
}

/* The next answer: 0 or an errno. A descriptor in it stays open until we end. */
static int answer(struct ring *ring)
{
	unsigned int head = *ring->cq_head;
	int res;

	if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		return ETIME;
	res = ring->cqes[head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return res < 0 ? -res : 0;
}

static int perform(struct ring *ring, const struct io_uring_sqe *sqe)
{
	int no;

	put(ring, sqe);
	no = enter(ring, 1, 1);
	return no ? no : answer(ring);
}

/* At once; by a worker; by the poller. turn tells their targets apart. */
enum { AT_ONCE, BY_WORKER, BY_POLLER, WAYS };

static int in_one_way(const struct io_uring_sqe *sqe, int way)
{
	struct io_uring_sqe copy = *sqe;
	struct ring ring;
	int no = make_ring(&ring, way == BY_POLLER ? IORING_SETUP_SQPOLL : 0);

	if (no)
		return no == ENOSYS || no == EPERM ? why_not("no io_uring here") : no;
	if (way == BY_WORKER)
		copy.flags |= IOSQE_ASYNC;
	no = perform(&ring, &copy);
	end_ring(&ring);
	return no;
}

/* Outside each way must work; inside none may. */
static int in_each_way(const struct world *world,
		       void (*fill)(struct io_uring_sqe *sqe, const struct world *world, int turn))
{
	int no = 0;

	for (int way = 0; way < WAYS; way++) {
		struct io_uring_sqe sqe = {0};

		fill(&sqe, world, way);
		no = in_one_way(&sqe, way);
		if (!no == world->inside) {
			printf("way %d: %s\n", way, strerror(no));
			return no;
		}
	}
	return no;
}

/* DIR/PREFIXn; four of them at once. */
static const char *numbered(const char *directory, const char *prefix, int turn)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%d", prefix, turn);
	return in(directory, name);
}

static int make_targets(struct world *world)
{
	for (int i = 0; i < WAYS; i++) {
		if (make_file(numbered(world->out, "u", i), SECRET) ||
		    make_file(numbered(world->out, "r", i), SECRET))
			return why_not("no files to try it on");
	}
	return 0;
}

static void at(struct io_uring_sqe *sqe, int opcode, const char *path)
{
	sqe->opcode = (uint8_t)opcode;
	sqe->fd = AT_FDCWD;
	sqe->addr = (uintptr_t)path;
}

static void fill_open(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	(void)turn;
	at(sqe, IORING_OP_OPENAT, in(world->out, "f"));
	sqe->open_flags = O_RDONLY;
}

static void fill_openat2(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	static struct open_how how = {.flags = O_RDONLY};

	(void)turn;
	at(sqe, IORING_OP_OPENAT2, in(world->out, "f"));
	sqe->len = sizeof(how);
	sqe->off = (uintptr_t)&how;
}

static void fill_create(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_OPENAT, numbered(world->out, "c", turn));
	sqe->open_flags = O_WRONLY | O_CREAT;
	sqe->len = 0600;
}

static void fill_unlink(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_UNLINKAT, numbered(world->out, "u", turn));
}

static void fill_rename(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_RENAMEAT, numbered(world->out, "r", turn));
	sqe->len = (uint32_t)AT_FDCWD;
	sqe->off = (uintptr_t)numbered(world->out, "new", turn);
}

static void fill_mkdir(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_MKDIRAT, numbered(world->out, "m", turn));
	sqe->len = 0700;
}

static void fill_symlink(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_SYMLINKAT, "f");
	sqe->off = (uintptr_t)numbered(world->out, "s", turn);
}

static void fill_link(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	at(sqe, IORING_OP_LINKAT, in(world->out, "f"));
	sqe->len = (uint32_t)AT_FDCWD;
	sqe->off = (uintptr_t)numbered(world->project, "k", turn);
}

static void fill_setxattr(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	(void)turn;
	at(sqe, IORING_OP_SETXATTR, "user.mark");
	sqe->off = (uintptr_t) "2";
	sqe->len = 1;
	sqe->addr3 = (uintptr_t)in(world->out, "f");
}

/* The name of the listener outside, abstract: everybody knows it who knows the directory. */
static socklen_t its_name(const struct world *world, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s.uring",
		 strrchr(world->base, '/') + 1);
	return (socklen_t)(sizeof(sa_family_t) + 1 + strlen(address->sun_path + 1));
}

static int receive_outside(const struct world *world, int ready_fd)
{
	struct sockaddr_un address;
	socklen_t len = its_name(world, &address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len))
		return 1;
	close(ready_fd);
	for (;;)
		pause();
}

static int have_receiver(struct world *world)
{
	return spawn(receive_outside, world) < 0 ? why_not("no receiver") : 0;
}

static int listen_outside(const struct world *world, int ready_fd)
{
	struct sockaddr_un address;
	socklen_t len = its_name(world, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 8))
		return 1;
	close(ready_fd);
	for (;;)
		pause();
}

static int have_listener(struct world *world)
{
	return spawn(listen_outside, world) < 0 ? why_not("no listener") : 0;
}

static void fill_connect(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	static struct sockaddr_un address;

	(void)turn;
	sqe->opcode = IORING_OP_CONNECT;
	sqe->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	sqe->off = its_name(world, &address);
	sqe->addr = (uintptr_t)&address;
}

static void fill_sendmsg(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	static struct sockaddr_un address;
	static struct iovec data = {.iov_base = "x", .iov_len = 1};
	static struct msghdr message = {.msg_name = &address, .msg_iov = &data, .msg_iovlen = 1};

	(void)turn;
	message.msg_namelen = its_name(world, &address);
	sqe->opcode = IORING_OP_SENDMSG;
	sqe->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	sqe->addr = (uintptr_t)&message;
	sqe->len = 1;
}

static void fill_socket(struct io_uring_sqe *sqe, const struct world *world, int turn)
{
	(void)world;
	(void)turn;
	sqe->opcode = IORING_OP_SOCKET;
	sqe->fd = AF_ALG;
	sqe->off = SOCK_SEQPACKET;
}

#define WAY(name) \
	static int k01_##name(const struct world *world) \
	{ \
		return in_each_way(world, fill_##name); \
	}

WAY(open)
WAY(openat2)
WAY(create)
WAY(unlink)
WAY(rename)
WAY(mkdir)
WAY(symlink)
WAY(link)
WAY(setxattr)
WAY(connect)
WAY(sendmsg)
WAY(socket)

/* In bounds a ring is as good as system calls. */
static int k01_work(const struct world *world)
{
	struct world in_bounds = *world;

	snprintf(in_bounds.out, sizeof(in_bounds.out), "%s", world->project);
	in_bounds.inside = false; /* each way must work */
	if (make_file(in(in_bounds.out, "f"), SECRET) || make_targets(&in_bounds))
		return errno;
	return in_each_way(&in_bounds, fill_open)   ?:
		       in_each_way(&in_bounds, fill_create)  ?:
		       in_each_way(&in_bounds, fill_unlink)  ?:
		       in_each_way(&in_bounds, fill_rename)  ?:
		       in_each_way(&in_bounds, fill_mkdir)   ?:
		       in_each_way(&in_bounds, fill_symlink) ?:
		       in_each_way(&in_bounds, fill_link);
}

static int k01_personality(const struct world *world)
{
	struct io_uring_sqe sqe = {.opcode = IORING_OP_NOP};
	struct ring ring;
	int no = make_ring(&ring, 0);
	long id;

	(void)world;
	if (no)
		return why_not("no io_uring here");
	id = syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
	if (id < 0)
		return errno;
	sqe.personality = (uint16_t)id;
	return perform(&ring, &sqe);
}

/*
 * A request that goes to a worker keeps the credentials of then, and so do those linked to it. Two
 * ways to have the second done, not by a worker, but by the task itself, whose credentials are
 * others by then: as when a stacking file system acts for it. A check of capabilities could take it
 * for that.
 */
static int raw_socket_later(unsigned int setup, unsigned int first_flags, unsigned int second_flags)
{
	char byte;
	struct io_uring_sqe wait = {.opcode = IORING_OP_READ, .addr = (uintptr_t)&byte, .len = 1};
	struct io_uring_sqe raw = {
		.opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_RAW, .len = IPPROTO_ICMP};
	struct ring ring;
	int ends[2], no;

	if (make_ring(&ring, setup) || pipe(ends))
		return why_not("no io_uring here");
	wait.fd = ends[0];
	wait.flags = (uint8_t)first_flags;
	raw.flags = (uint8_t)second_flags;
	put(&ring, &wait);
	put(&ring, &raw);
	no = enter(&ring, 2, 0);
	/* The worker must find nothing to read. Any change makes new credentials. */
	usleep(200000);
	if (no || prctl(PR_SET_KEEPCAPS, 1) || write(ends[1], "x", 1) != 1)
		return no ? no : errno;
	no = enter(&ring, 0, 2);
	if (no || answer(&ring))
		return no ? no : EIO;
	return answer(&ring);
}

static int k01_linked(const struct world *world)
{
	(void)world;
	return raw_socket_later(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
				IOSQE_ASYNC | IOSQE_IO_LINK, 0);
}

static int k01_drained(const struct world *world)
{
	(void)world;
	return raw_socket_later(0, 0, IOSQE_IO_DRAIN);
}

/* Made outside, with a poller outside: what is put into it is done there. number[0]: descriptor. */
static struct ring handed_on;

static int ring_outside(struct world *world)
{
	int no = make_ring(&handed_on, IORING_SETUP_SQPOLL);

	if (no || fcntl(handed_on.fd, F_SETFD, 0))
		return why_not("no io_uring here");
	world->number[0] = handed_on.fd;
	return 0;
}

static void close_ring(struct world *world)
{
	(void)world;
	end_ring(&handed_on);
}

static int k02_inherited(const struct world *world)
{
	struct ring ring = {.fd = (int)world->number[0], .setup = IORING_SETUP_SQPOLL}, own;
	struct io_uring_params p = params(0);
	struct io_uring_sqe sqe = {0};
	int no;

	if (fcntl(ring.fd, F_GETFD) < 0)
		return errno;
	/* Another ring of this size has the same layout; it says which. */
	own.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (own.fd < 0)
		return why_not("no io_uring here");
	no = map_ring(&ring, &p);
	if (no)
		return no;
	at(&sqe, IORING_OP_UNLINKAT, in(world->out, "f"));
	return perform(&ring, &sqe);
}

static const struct escape escapes[] = {
	{"K01", "ring: open", 0, .attempt = k01_open, .logged = "read"},
	{"K01", "ring: openat2", 0, .attempt = k01_openat2, .logged = "read"},
	{"K01", "ring: create", 0, .attempt = k01_create, .logged = "create"},
	{"K01", "ring: unlink", 0, .prepare = make_targets, .attempt = k01_unlink,
	 .logged = "unlink"},
	{"K01", "ring: rename", 0, .prepare = make_targets, .attempt = k01_rename,
	 .logged = "rename"},
	{"K01", "ring: mkdir", 0, .attempt = k01_mkdir, .logged = "mkdir"},
	{"K01", "ring: symlink", 0, .attempt = k01_symlink, .logged = "symlink"},
	{"K01", "ring: link", 0, .attempt = k01_link, .logged = "link"},
	{"K01", "ring: setxattr", 0, .attempt = k01_setxattr, .logged = "xattr"},
	{"K01", "ring: connect", 0, .prepare = have_listener, .attempt = k01_connect,
	 .logged = "connect"},
	{"K01", "ring: sendmsg", 0, .prepare = have_receiver, .attempt = k01_sendmsg,
	 .logged = "send"},
	/* Outside it loads a module. */
	{"K01", "ring: socket of an odd family", GUEST_ONLY, .attempt = k01_socket,
	 .logged = "socket"},
	{"K01", "ring: in bounds", MUST_WORK, .attempt = k01_work},
	{"K01", "ring: registered credentials", 0, .attempt = k01_personality, .logged = "creds"},
	{"K01", "ring: a raw socket under credentials that a link kept", ROOT_ONLY,
	 .attempt = k01_linked, .logged = "capability"},
	{"K01", "ring: one under those that a drain kept", ROOT_ONLY, .attempt = k01_drained,
	 .logged = "capability"},
	{"K02", "a ring made and polled outside, inherited", 0, .prepare = ring_outside,
	 .attempt = k02_inherited, .cleanup = close_ring,
	 .reason = "the descriptor is closed before the session begins"},
};

const struct family uring = {escapes, LEN(escapes)};
