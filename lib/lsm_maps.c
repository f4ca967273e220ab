/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm_maps.c - marks, rules, sessions and counts in the kernel's maps; see lsm.h */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lsm_inside.h"
#include "lsm_kept.h"
#include "util.h"

uint64_t lsm_hash(const void *bytes, size_t size, uint64_t hash)
{
	for (const unsigned char *at = bytes; size--; at++)
		hash = (hash ^ *at) * AL_FNV_PRIME;
	return hash;
}

uint32_t lsm_object_of(struct lsm *lsm, int fd)
{
	struct al_mark mark = {0};

	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.marks), &fd, &mark))
		return 0;
	return mark.object;
}

int lsm_mark(struct lsm *lsm, int fd, uint32_t object, struct fail *f)
{
	struct al_mark mark = {.object = object};

	if (bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.marks), &fd, &mark, BPF_ANY))
		return fail(f, errno, "cannot mark an inode");
	return 0;
}

void lsm_unmark(struct lsm *lsm, int fd)
{
	/* It may have lost its mark by itself: nothing to undo then. */
	(void)bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.marks), &fd);
}

/*
 * Only the kernel knows s_dev and the generation: al_path_notify notes them when we, and nobody
 * else, watch the object.
 */
static int watch_object(int fd, struct fail *f)
{
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC);
	char path[64];

	if (watch < 0)
		return fail(f, errno, "cannot watch an object");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(watch, path, IN_DELETE_SELF) < 0
		       ? fail(f, errno, "cannot watch an object")
		       : 0;
}

/* Puts what is asked into a map of one entry, watches the object, and takes it out again, answered. */
static int ask_kernel(int map, int fd, void *asked, size_t size, struct fail *f)
{
	cleanup_free void *nobody = calloc(1, size);
	uint32_t zero = 0;
	int ret;

	if (!nobody || bpf_map_update_elem(map, &zero, asked, BPF_ANY))
		return fail(f, errno, "cannot ask about an object");
	ret = watch_object(fd, f);
	if (!ret && bpf_map_lookup_elem(map, &zero, asked))
		ret = fail(f, errno, "cannot ask about an object");
	bpf_map_update_elem(map, &zero, nobody, BPF_ANY);
	return ret;
}

int lsm_number(struct lsm *lsm, int fd, uint32_t object,
	       struct al_number out_numbers[AL_NUMBERS_OF_ONE], struct fail *f)
{
	struct al_numbering asked = {.tgid = (uint32_t)getpid(), .object = object};

	if (ask_kernel(bpf_map__fd(lsm->skel->maps.numbering), fd, &asked, sizeof(asked), f))
		return -1;
	if (asked.object) /* al_path_notify takes it away when it is noted */
		return fail(f, ENOSPC, "cannot keep an object by number (%d at most)",
			    AL_MAX_NUMBERS);
	memcpy(out_numbers, asked.numbers, sizeof(asked.numbers));
	return 0;
}

int lsm_ask(struct lsm *lsm, int fd, const char *name, struct al_question *question, struct fail *f)
{
	question->tgid = (uint32_t)getpid();
	question->name = name ? lsm_hash(name, strlen(name), AL_FNV_BASIS) : 0;
	if (ask_kernel(bpf_map__fd(lsm->skel->maps.question), fd, question, sizeof(*question), f))
		return -1;
	return question->tgid ? fail(f, 0, "the kernel did not answer") : 0;
}

void lsm_unnumber(struct lsm *lsm, uint32_t object,
		  const struct al_number numbers[AL_NUMBERS_OF_ONE])
{
	int map = bpf_map__fd(lsm->skel->maps.numbers);
	uint32_t whose;

	/* Numbers can collide: another object may have this one by now. */
	for (int i = 0; i < AL_NUMBERS_OF_ONE; i++)
		if (bpf_map_lookup_elem(map, &numbers[i], &whose) == 0 && whose == object)
			bpf_map_delete_elem(map, &numbers[i]);
}

/*
 * Delete every entry of a hash map that matches says. The next key is asked for before the present
 * one goes: a cursor on a key that is gone begins again.
 */
static void delete_matching(int map, void *key, void *next, size_t size,
			    bool (*matches)(int map, const void *key, const void *of),
			    const void *of)
{
	bool more = bpf_map_get_next_key(map, NULL, key) == 0;

	while (more) {
		more = bpf_map_get_next_key(map, key, next) == 0;
		if (matches(map, key, of))
			bpf_map_delete_elem(map, key);
		memcpy(key, next, size);
	}
}

static bool number_of_object(int map, const void *key, const void *object)
{
	uint32_t value;

	return bpf_map_lookup_elem(map, key, &value) == 0 && value == *(const uint32_t *)object;
}

void lsm_unnumber_all(struct lsm *lsm, uint32_t object)
{
	struct al_number key, next;

	delete_matching(bpf_map__fd(lsm->skel->maps.numbers), &key, &next, sizeof(key),
			number_of_object, &object);
}

void lsm_attend(struct lsm *lsm, bool all_held)
{
	lsm->globals->attended_by = all_held ? (uint32_t)getpid() : 0;
}

uint32_t lsm_new_object(struct lsm *lsm)
{
	int map = bpf_map__fd(lsm->skel->maps.last_object);
	uint32_t zero = 0, last;

	/*
	 * Noted before it is used: a daemon killed in between loses a number, never gives one
	 * twice.
	 */
	if (bpf_map_lookup_elem(map, &zero, &last) || ++last == 0 ||
	    bpf_map_update_elem(map, &zero, &last, BPF_ANY))
		return 0;
	return last;
}

static int put_rule(struct bpf_map *map, const void *key, const struct al_rule *rule,
		    struct fail *f)
{
	struct al_rule there;

	if (bpf_map_lookup_elem(bpf_map__fd(map), key, &there) == 0 &&
	    memcmp(&there, rule, sizeof(there)) == 0)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(map), key, rule, BPF_ANY))
		return fail(f, errno == E2BIG ? ENOSPC : errno,
			    "cannot add a rule (%d at most on this machine)", AL_MAX_RULES);
	return 0;
}

int lsm_rule_set(struct lsm *lsm, uint32_t slot, uint32_t object, uint32_t rights, uint32_t id,
		 struct fail *f)
{
	uint64_t key = (uint64_t)slot << 32 | object;
	struct al_rule rule = {.rights = rights, .id = id}, old;

	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.rules), &key, &old) == 0)
		rule.rights |= old.rights & AL_NAMES;
	return put_rule(lsm->skel->maps.rules, &key, &rule, f);
}

static struct al_name name_key_of(uint32_t slot, uint32_t object, const char *name)
{
	return (struct al_name){
		.hash = lsm_hash(name, strlen(name), AL_FNV_BASIS),
		.object = object,
		.slot = slot,
	};
}

int lsm_name_set(struct lsm *lsm, uint32_t slot, uint32_t object, const char *name, uint32_t rights,
		 uint32_t id, bool ruled, struct fail *f)
{
	struct al_name name_key = name_key_of(slot, object, name);
	struct al_rule named = {.rights = rights, .id = id}, directory;
	uint64_t key = (uint64_t)slot << 32 | object;

	/* The name first: a directory that says it has rules for names must not lack one. */
	if (put_rule(lsm->skel->maps.names, &name_key, &named, f))
		return -1;
	if (!ruled || bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.rules), &key, &directory))
		directory = (struct al_rule){.rights = AL_PASS, .id = AL_NO_RULE};
	directory.rights |= AL_NAMES;
	return put_rule(lsm->skel->maps.rules, &key, &directory, f);
}

void lsm_rule_drop(struct lsm *lsm, uint32_t slot, uint32_t object)
{
	uint64_t key = (uint64_t)slot << 32 | object;

	(void)bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.rules), &key); /* fails: not there */
}

void lsm_name_drop(struct lsm *lsm, uint32_t slot, uint32_t object, const char *name)
{
	struct al_name key = name_key_of(slot, object, name);

	(void)bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.names), &key); /* fails: not there */
}

static bool rule_of_slot(int map, const void *key, const void *slot)
{
	(void)map;
	return *(const uint64_t *)key >> 32 == *(const uint32_t *)slot;
}

static bool name_of_slot(int map, const void *key, const void *slot)
{
	(void)map;
	return ((const struct al_name *)key)->slot == *(const uint32_t *)slot;
}

static bool tally_of_slot(int map, const void *key, const void *slot)
{
	(void)map;
	return ((const struct al_tally_key *)key)->slot == *(const uint32_t *)slot;
}

/* The tally is of all sessions: no further than to the last of this one. */
static void drop_tally(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.tally);
	struct al_tally_key key, next;
	uint32_t left = 0, none = 0;
	bool more;

	bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.tallied), &slot, &left);
	more = left && bpf_map_get_next_key(map, NULL, &key) == 0;
	while (more && left) {
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (tally_of_slot(map, &key, &slot) && bpf_map_delete_elem(map, &key) == 0)
			left--;
		key = next;
	}
	bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.tallied), &slot, &none, BPF_ANY);
}

void lsm_slot_zero(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.counters);

	drop_tally(lsm, slot);
	for (uint32_t i = 0; i < AL_NCOUNTERS; i++) {
		uint32_t index = slot * AL_NCOUNTERS + i;

		bpf_map_update_elem(map, &index, lsm->zeros, BPF_ANY);
	}
}

void lsm_slot_clear(struct lsm *lsm, uint32_t slot)
{
	struct al_name name, next_name;
	uint64_t rule, next_rule;

	delete_matching(bpf_map__fd(lsm->skel->maps.rules), &rule, &next_rule, sizeof(rule),
			rule_of_slot, &slot);
	delete_matching(bpf_map__fd(lsm->skel->maps.names), &name, &next_name, sizeof(name),
			name_of_slot, &slot);
	lsm_slot_zero(lsm, slot);
}

int lsm_keep(struct lsm_kept *kept, uint32_t slot, uint32_t object, const char *name,
	     struct fail *f)
{
	struct al_name what = {.slot = slot, .object = object};

	if (name)
		what = name_key_of(slot, object, name);
	return lsm_kept_add(kept, &what, f);
}

static bool rule_is_stray(int map, const void *key, const void *kept)
{
	uint64_t rule = *(const uint64_t *)key;
	struct al_name what = {.slot = (uint32_t)(rule >> 32), .object = (uint32_t)rule};

	(void)map;
	return !lsm_kept_has(kept, &what);
}

static bool name_is_stray(int map, const void *key, const void *kept)
{
	(void)map;
	return !lsm_kept_has(kept, key);
}

static bool number_is_stray(int map, const void *key, const void *kept)
{
	struct al_name what = {.slot = LSM_ANY_SLOT};

	return bpf_map_lookup_elem(map, key, &what.object) == 0 && !lsm_kept_has(kept, &what);
}

static bool tally_is_stray(int map, const void *key, const void *kept)
{
	struct al_name what = {.slot = ((const struct al_tally_key *)key)->slot};

	(void)map;
	return !lsm_kept_has(kept, &what);
}

void lsm_drop_others(struct lsm *lsm, struct lsm_kept *kept)
{
	struct al_tally_key tally, next_tally;
	struct al_number number, next_number;
	struct al_numbering nobody = {0};
	struct al_name name, next_name;
	uint64_t rule, next_rule;
	uint32_t zero = 0;

	lsm_kept_sort(kept);
	delete_matching(bpf_map__fd(lsm->skel->maps.rules), &rule, &next_rule, sizeof(rule),
			rule_is_stray, kept);
	delete_matching(bpf_map__fd(lsm->skel->maps.names), &name, &next_name, sizeof(name),
			name_is_stray, kept);
	delete_matching(bpf_map__fd(lsm->skel->maps.numbers), &number, &next_number, sizeof(number),
			number_is_stray, kept);
	delete_matching(bpf_map__fd(lsm->skel->maps.tally), &tally, &next_tally, sizeof(tally),
			tally_is_stray, kept);
	/* An earlier daemon died while it asked: whoever has its pid now must not be answered. */
	bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.numbering), &zero, &nobody, BPF_ANY);
}

static int put_session(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags,
		       uint64_t how, struct fail *f)
{
	struct al_session session = {.slot = slot, .flags = flags};

	if (bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup, &session, how))
		return fail(f, errno == E2BIG ? ENOSPC : errno, "cannot publish the session");
	return 0;
}

int lsm_publish(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags, struct fail *f)
{
	return put_session(lsm, cgroup, slot, flags, BPF_NOEXIST, f);
}

int lsm_change(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags, struct fail *f)
{
	return put_session(lsm, cgroup, slot, flags, BPF_EXIST, f);
}

int lsm_unpublish(struct lsm *lsm, uint64_t cgroup, struct fail *f)
{
	if (bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup) && errno != ENOENT)
		return fail(f, errno, "cannot take the session back");
	return 0;
}

bool lsm_published(struct lsm *lsm, uint64_t cgroup, struct al_session *out_session)
{
	return bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup, out_session) ==
	       0;
}

bool lsm_idle(struct lsm *lsm)
{
	uint64_t key;

	return bpf_map_get_next_key(bpf_map__fd(lsm->skel->maps.sessions), NULL, &key) != 0 &&
	       errno == ENOENT;
}

void lsm_sessions(struct lsm *lsm,
		  void (*each)(uint64_t cgroup, const struct al_session *session, void *data),
		  void *data)
{
	uint64_t keys[AL_MAX_SESSIONS], *at = NULL;
	struct al_session session;
	size_t len = 0;

	/* First all keys: each may delete. */
	while (len < AL_MAX_SESSIONS &&
	       bpf_map_get_next_key(bpf_map__fd(lsm->skel->maps.sessions), at, &keys[len]) == 0)
		at = &keys[len++];
	for (size_t i = 0; i < len; i++)
		if (lsm_published(lsm, keys[i], &session))
			each(keys[i], &session, data);
}

static int sum_counter(struct lsm *lsm, uint32_t index, uint64_t *values, uint64_t *out_sum)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.counters), &index, values))
		return -1;
	for (int cpu = 0; cpu < lsm->cpus; cpu++)
		sum += values[cpu];
	*out_sum = sum;
	return 0;
}

int lsm_counters(struct lsm *lsm, uint32_t slot, uint64_t *out_counters, struct fail *f)
{
	cleanup_free uint64_t *values = calloc((size_t)lsm->cpus, sizeof(*values));

	if (!values)
		return fail(f, ENOMEM, "cannot read the counts");
	for (uint32_t i = 0; i < AL_NCOUNTERS; i++)
		if (sum_counter(lsm, slot * AL_NCOUNTERS + i, values, &out_counters[i]))
			return fail(f, errno, "cannot read the counts");
	return 0;
}

uint64_t lsm_counter(struct lsm *lsm, uint32_t slot, enum al_counter counter)
{
	cleanup_free uint64_t *values = calloc((size_t)lsm->cpus, sizeof(*values));
	uint64_t sum = 0;

	if (values)
		(void)sum_counter(lsm, slot * AL_NCOUNTERS + counter, values, &sum); /* then 0 */
	return sum;
}

void lsm_told(struct lsm *lsm, uint32_t slot, uint64_t more)
{
	cleanup_free uint64_t *values = calloc((size_t)lsm->cpus, sizeof(*values));
	uint32_t index = slot * AL_NCOUNTERS + AL_COUNT_TOLD;
	int map = bpf_map__fd(lsm->skel->maps.counters);

	if (!values || bpf_map_lookup_elem(map, &index, values))
		return; /* then it is told twice, not forgotten */
	values[0] += more;
	(void)bpf_map_update_elem(map, &index, values, BPF_ANY);
}

void lsm_tally(struct lsm *lsm, uint32_t slot,
	       void (*each)(const struct al_tally_key *key, const struct al_tally *tally,
			    void *data),
	       void *data)
{
	int map = bpf_map__fd(lsm->skel->maps.tally);
	struct al_tally_key key, *at = NULL;
	struct al_tally entry;
	uint32_t left;

	/*
	 * The map has those of all sessions, and no other order than its own: look no further than to
	 * the last of this one. It is counted after it is made, so none is missed but what comes now.
	 */
	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.tallied), &slot, &left))
		return;
	while (left && bpf_map_get_next_key(map, at, &key) == 0) {
		at = &key;
		if (key.slot != slot || bpf_map_lookup_elem(map, &key, &entry))
			continue;
		each(&key, &entry, data);
		left--;
	}
}
