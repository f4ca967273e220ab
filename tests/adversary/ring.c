/* SPDX-License-Identifier: GPL-2.0-only */
/* ring.c - see ring.h */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adversary.h"
#include "ring.h"

struct ring {
	int fd;
	struct io_uring_params params;
	unsigned char *queues; /* both: IORING_FEAT_SINGLE_MMAP, since 5.4 */
	struct io_uring_sqe *requests;
};

static void *map(const struct ring *ring, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
		    offset);
}

static int ring_open(struct ring *ring, enum uring_how how)
{
	*ring = (struct ring){.params = {.flags = how == URING_SQPOLL ? IORING_SETUP_SQPOLL : 0,
					 .sq_thread_idle = 1000}};
	ring->fd = (int)syscall(SYS_io_uring_setup, 1, &ring->params);
	if (ring->fd < 0)
		return why_not("io_uring: %s", strerror(errno));
	ring->queues = map(ring,
			   ring->params.cq_off.cqes +
				   ring->params.cq_entries * sizeof(struct io_uring_cqe),
			   IORING_OFF_SQ_RING);
	ring->requests =
		map(ring, ring->params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	if (ring->queues == MAP_FAILED || ring->requests == MAP_FAILED)
		return why_not("io_uring's queues: %s", strerror(errno));
	return 0;
}

static int ring_run(struct ring *ring, const struct io_uring_sqe *request, enum uring_how how)
{
	const struct io_sqring_offsets *sq = &ring->params.sq_off;
	unsigned int flags = IORING_ENTER_GETEVENTS;
	const struct io_uring_cqe *done;

	ring->requests[0] = *request;
	if (how == URING_ASYNC)
		ring->requests[0].flags |= IOSQE_ASYNC;
	*(unsigned int *)(ring->queues + sq->array) = 0;
	__atomic_store_n((unsigned int *)(ring->queues + sq->tail), 1, __ATOMIC_SEQ_CST);
	if (how == URING_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, ring->fd, how != URING_SQPOLL, 1, flags, NULL, 0) < 0)
		return why_not("io_uring_enter: %s", strerror(errno));
	done = (void *)(ring->queues + ring->params.cq_off.cqes);
	return done->res < 0 ? -done->res : 0;
}

int uring_do(const struct io_uring_sqe *request, enum uring_how how)
{
	struct ring ring;
	int no = ring_open(&ring, how);

	if (!no)
		no = ring_run(&ring, request, how);
	/* Its mappings go with the process. */
	if (ring.fd >= 0)
		close(ring.fd);
	return no;
}
