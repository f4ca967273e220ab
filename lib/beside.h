/* SPDX-License-Identifier: GPL-2.0-only */
/* beside.h - what belongs to this program and lies beside it: the daemon, the policy, the adversary. */
#ifndef LIB_BESIDE_H
#define LIB_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The path of what lies at name relative to this program's directory. False when it is not there;
 * out is filled all the same.
 */
bool beside_self(const char *name, char *out, size_t size);

#endif
