/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.h - how this machine is told its kernel parameters: for doctor's cure of a missing 'bpf' in
 * the LSM list.
 */
#ifndef LIB_BOOT_H
#define LIB_BOOT_H

#include <stddef.h>

/*
 * Write the commands that put 'bpf' into the active LSM list. root: "" for this machine, a
 * directory in tests. active: the list as it is now ("" if unknown; then the one that most
 * distributions compile in is used).
 */
void boot_cure(const char *root, const char *active, char *out, size_t size);

#endif
