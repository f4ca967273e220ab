/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lsm_links.h - sets of attached programs, each a directory of pins. Shared by lsm.c and
 * lsm_links.c only.
 */
#ifndef LIB_LSM_LINKS_H
#define LIB_LSM_LINKS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "fail.h"

#define LSM_LINKS_PATH 128

/*
 * Is there a whole set of this build, and are all of its links still attached? build: a number for
 * the programs. sessions: a descriptor of the cgroup above all sessions. The directory is out_dir
 * then.
 */
bool lsm_links_find(uint64_t build, int sessions, char out_dir[LSM_LINKS_PATH]);
/*
 * Attach all loaded programs and pin the links, and the globals that they use, as a new set of this
 * build; only then do all other sets go. Killed anywhere in here, at least one whole set enforces:
 * half a policy never does.
 */
int lsm_links_attach(struct bpf_object *object, uint64_t build, int sessions, struct fail *f);
/* A descriptor of the map of its programs' globals: the other half of a set that is taken over. */
int lsm_links_globals(const char *dir);
/* Remove every set. */
void lsm_links_remove(void);
/* Remove a directory of pins. */
void lsm_pins_remove(const char *dir);

#endif
