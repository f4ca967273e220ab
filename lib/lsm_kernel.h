/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lsm_kernel.h - which hooks the running kernel has, in which shape. Shared by lsm.c and
 * lsm_kernel.c only.
 */
#ifndef LIB_LSM_KERNEL_H
#define LIB_LSM_KERNEL_H

#include <bpf/btf.h>

#include "lsm.h"

/* One BPF program: when it fits the running kernel. */
struct lsm_program {
	const char *name; /* of the BPF program */
	const char *hook; /* of the kernel; loads only if bpf_lsm_<hook> is there */
	int args;	  /* ... with so many arguments: one more would stand where ret is read */
	enum {
		PATH_ANY,
		PATH_PLAIN, /* needs file->f_path as a plain member */
		PATH_UNION, /* needs it in a union (from 7.0 on) */
	} path;
	const char *covered; /* NULL: required */
};

extern const struct lsm_program lsm_programs[];
extern const unsigned int lsm_programs_len;

/* The kernel's types, to be freed with btf__free(); NULL with the reason and its cure. */
struct btf *lsm_btf(struct fail *f);
/* Does the program fit this kernel? */
bool lsm_program_fits(const struct lsm_program *program, const struct btf *btf);
/* Is the hook there at all? */
bool lsm_hook_present(const char *hook, const struct btf *btf);
/* Every hook that has no cover must have a program that fits. */
int lsm_hooks_complete(const struct btf *btf, struct fail *f);

/* The address of a symbol of the kernel's own (not a module's); 0 if nobody says. */
uint64_t lsm_symbol(const char *name);

#endif
