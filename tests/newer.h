/* SPDX-License-Identifier: GPL-2.0-only */
/* newer.h - system calls that the headers don't know yet; whether the kernel does is another question. */
#ifndef NEWER_H
#define NEWER_H

#include <stdint.h>
#include <sys/syscall.h>

/* Numbers of x86-64 and everything newer. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

/* struct xattr_args of linux/xattr.h, from 6.13 on. */
struct newer_xattr_args {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

#endif
