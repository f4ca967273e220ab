/* SPDX-License-Identifier: GPL-2.0-only */
/* ring.h - one request by io_uring, in each way that it can be run. */
#ifndef RING_H
#define RING_H

#include <linux/io_uring.h>

enum uring_how {
	URING_INLINE, /* by the caller itself where that is possible */
	URING_ASYNC,  /* by a worker thread */
	URING_SQPOLL, /* by the thread that polls the queue */
	URING_HOWS
};

/* 0 or the request's errno; NO_CONTROL after why_not() if the kernel has no such ring for us. */
int uring_do(const struct io_uring_sqe *request, enum uring_how how);

#endif
