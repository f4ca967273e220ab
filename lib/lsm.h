/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lsm.h - the kernel half: load, attach and pin the BPF programs, mark objects, set rules, publish
 * sessions, read what was counted and emitted. Only lsm*.c know libbpf. Root only.
 */
#ifndef LIB_LSM_H
#define LIB_LSM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../bpf/agent_lock.h"
#include "fail.h"

#define LSM_PIN_DIR "/sys/fs/bpf/agent-lock"

struct lsm;

/*
 * Can this kernel enforce? Reads the active LSM list before anything else: with 'bpf' missing
 * there, programs attach and are never called, and inode storage corrupts memory on kernels without
 * the guard (inode_storage_map_alloc(), a stable backport). Each call looks anew. The failure's
 * hint is the cure.
 */
int lsm_supported(struct fail *f);
/* The same, but for the hooks: these take the kernel's types, which are long to read. */
int lsm_active(struct fail *f);

/* One hook of the running kernel, as doctor shows it. */
struct lsm_hook {
	const char *name;
	bool present;
	bool required;
	const char *covered; /* why its absence does no harm, if it is not required */
};
/* Calls each for every hook that we use; returns -1 when the kernel's BTF can't be read. */
int lsm_hooks(void (*each)(const struct lsm_hook *hook, void *data), void *data, struct fail *f);

/*
 * Load and attach. Maps that are pinned already are taken over with all that is in them, and so are
 * attached programs of this very build; new ones run before the old ones' links go. session_level: cgroup level of a session
 * (cg_session_level()); sessions: a descriptor of the cgroup above them all (cg_directory()). On
 * success *out_lsm is the caller's.
 */
int lsm_open(uint32_t session_level, int sessions, struct lsm **out_lsm, struct fail *f);
/* Forget it; what is pinned goes on enforcing. NULL is fine. */
void lsm_close(struct lsm *lsm);
/* Remove every pin: nothing is enforced afterwards. Only when there is no session. */
int lsm_unpin_all(struct fail *f);

/* The object id that marks the inode behind an O_PATH descriptor; 0 if it has none. */
uint32_t lsm_object_of(struct lsm *lsm, int fd);
/* Mark it. */
int lsm_mark(struct lsm *lsm, int fd, uint32_t object, struct fail *f);
void lsm_unmark(struct lsm *lsm, int fd);
/*
 * Keep a restricting object by number too; forget it again. out_numbers: what lsm_unnumber() wants;
 * whoever does not have them leaves it to lsm_unnumber_all(), which goes through all there are.
 */
int lsm_number(struct lsm *lsm, int fd, uint32_t object,
	       struct al_number out_numbers[AL_NUMBERS_OF_ONE], struct fail *f);
void lsm_unnumber(struct lsm *lsm, uint32_t object,
		  const struct al_number numbers[AL_NUMBERS_OF_ONE]);
void lsm_unnumber_all(struct lsm *lsm, uint32_t object);
/*
 * This process holds every marked object in memory (true), or may not (false): as long as it does,
 * numbers are not asked. The kernel half notices by itself when the process ends.
 */
void lsm_attend(struct lsm *lsm, bool all_held);
/* An object id that no mark ever had, 0 when there is none left. */
uint32_t lsm_new_object(struct lsm *lsm);

/* A directory's AL_NAMES stays what it is. */
int lsm_rule_set(struct lsm *lsm, uint32_t slot, uint32_t object, uint32_t rights, uint32_t id,
		 struct fail *f);
/*
 * The rule for whatever is called name in the directory that object marks: see struct al_name. ruled:
 * there is one for the directory itself.
 */
int lsm_name_set(struct lsm *lsm, uint32_t slot, uint32_t object, const char *name, uint32_t rights,
		 uint32_t id, bool ruled, struct fail *f);
/* Take them away again. */
void lsm_rule_drop(struct lsm *lsm, uint32_t slot, uint32_t object);
void lsm_name_drop(struct lsm *lsm, uint32_t slot, uint32_t object, const char *name);
/*
 * What may a session (cgroup, slot and flags in *question) do with the object behind fd, or with this name
 * in the directory behind it? Rights, rule and distance are filled in by what decides for it.
 */
int lsm_ask(struct lsm *lsm, int fd, const char *name, struct al_question *question,
	    struct fail *f);
/* Remove all counts and tally entries of a slot; the same and all rules, of which nobody has a list. */
void lsm_slot_zero(struct lsm *lsm, uint32_t slot);
void lsm_slot_clear(struct lsm *lsm, uint32_t slot);

/*
 * What an earlier daemon left in the maps and no session has goes. First collect all that is kept
 * (lsm_kept.h): each session with object 0, its objects, with the name for a rule that is about one.
 */
struct lsm_kept;
int lsm_keep(struct lsm_kept *kept, uint32_t slot, uint32_t object, const char *name,
	     struct fail *f);
void lsm_drop_others(struct lsm *lsm, struct lsm_kept *kept);

/* The one update that starts a jail, and the one that ends it. */
int lsm_publish(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags, struct fail *f);
/* Changes the flags of one that is published; never publishes what isn't. */
int lsm_change(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags, struct fail *f);
int lsm_unpublish(struct lsm *lsm, uint64_t cgroup, struct fail *f);
bool lsm_published(struct lsm *lsm, uint64_t cgroup, struct al_session *out_session);
/* Is no session published? */
bool lsm_idle(struct lsm *lsm);
/* Calls each for every published session. */
void lsm_sessions(struct lsm *lsm,
		  void (*each)(uint64_t cgroup, const struct al_session *session, void *data),
		  void *data);

/* Exact totals of a slot, summed over the CPUs: AL_NCOUNTERS values. */
int lsm_counters(struct lsm *lsm, uint32_t slot, uint64_t *out_counters, struct fail *f);
/* One of them. */
uint64_t lsm_counter(struct lsm *lsm, uint32_t slot, enum al_counter counter);
/* Add to AL_COUNT_TOLD, which only the daemon does. */
void lsm_told(struct lsm *lsm, uint32_t slot, uint64_t more);
void lsm_tally(struct lsm *lsm, uint32_t slot,
	       void (*each)(const struct al_tally_key *key, const struct al_tally *tally,
			    void *data),
	       void *data);

/*
 * Events: a descriptor to poll for each ring (refusals; those of sessions that have too many; allowed
 * operations), and a call that hands over what is there, in this order: all of the first, of the
 * others LSM_EVENTS_AT_ONCE at most: whoever floods a ring must not keep the caller from everybody
 * else.
 */
#define LSM_RINGS 3
#define LSM_EVENTS_AT_ONCE 64
typedef void (*lsm_event_fn)(const struct al_event *event, void *data);
int lsm_events_start(struct lsm *lsm, lsm_event_fn fn, void *data, struct fail *f);
int lsm_events_fd(struct lsm *lsm, int ring);
void lsm_events_read(struct lsm *lsm);
/* All that was there when it was called, and what came meanwhile, but not without end. */
void lsm_events_drain(struct lsm *lsm);

/*
 * Load the programs, print how many instructions the kernel verified of each, let them go: nothing
 * is attached or pinned.
 */
int lsm_verify(uint32_t session_level, FILE *out, struct fail *f);

#endif
