/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm.c - see lsm.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent_lock.skel.h"
#include "lsm_kept.h"
#include "lsm_kernel.h"
#include "lsm_links.h"
#include "util.h"

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
#define PIN_MAPS LSM_PIN_DIR "/maps-" STRING(AL_LAYOUT)

struct lsm {
	struct agent_lock *skel;
	struct agent_lock__data *globals; /* shared with the programs: skel's, or taken over */
	struct ring_buffer *rings[LSM_RINGS];
	int budget; /* events that are still handed over in this call */
	lsm_event_fn event;
	void *event_data;
	struct al_event held; /* taken from the ring, not handed over yet */
	bool holds;
	int cpus;
	uint64_t *zeros; /* a counter, on each of them */
};

/* libbpf's own words go nowhere unless somebody debugs: the failure says what is wrong. */
__attribute__((format(printf, 2, 0))) static int quiet(enum libbpf_print_level level,
						       const char *format, va_list args)
{
	if (!getenv("AGENT_LOCK_DEBUG") || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static int choose_programs(struct agent_lock *skel, const struct btf *btf, struct fail *f)
{
	if (lsm_hooks_complete(btf, f))
		return -1;
	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(skel->obj, lsm_programs[i].name);

		if (!program)
			return fail(f, 0, "the BPF object has no program %s", lsm_programs[i].name);
		bpf_program__set_autoload(program, lsm_program_fits(&lsm_programs[i], btf));
	}
	if (btf__find_by_name_kind(btf, "cgroup_attach_task", BTF_KIND_FUNC) > 0) {
		bpf_program__set_autoload(skel->progs.al_moving, true);
		bpf_program__set_autoload(skel->progs.al_moved, true);
	}
	return 0;
}

/*
 * Every map but the globals lives on in the pin directory; libbpf takes a pinned one over if its
 * layout is the same.
 */
static int pin_maps(struct agent_lock *skel, struct fail *f)
{
	struct bpf_map *map;
	char path[128];

	bpf_object__for_each_map(map, skel->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), PIN_MAPS "/%s", bpf_map__name(map));
		if (bpf_map__set_pin_path(map, path))
			return fail(f, errno, "cannot set the pin of map %s", bpf_map__name(map));
	}
	return 0;
}

/* The constants that the programs are loaded with. */
static int set_constants(struct agent_lock *skel, struct fail *f)
{
	skel->rodata->rename_lock_at = lsm_symbol("rename_lock");
	if (skel->rodata->rename_lock_at)
		return 0;
	fail(f, 0, "the kernel does not say where its rename_lock is");
	return fail_hint(f, "allow root to see addresses: sysctl kernel.kptr_restrict=1; if it is "
			    "so, use a kernel with CONFIG_KALLSYMS_ALL=y");
}

static int open_object(struct lsm *lsm, uint32_t session_level, struct fail *f)
{
	lsm->skel = agent_lock__open();
	if (!lsm->skel)
		return fail(f, errno, "cannot open the BPF object");
	lsm->skel->rodata->session_level = session_level;
	return 0;
}

static int other_maps(struct fail *f)
{
	return fail_hint(f, "maps of another version are pinned in " LSM_PIN_DIR
			    ": end its sessions, stop its daemon, remove the directory");
}

static int load(struct agent_lock *skel, struct fail *f)
{
	struct btf *btf = lsm_btf(f);
	int no, ret = btf ? choose_programs(skel, btf, f) : -1;

	btf__free(btf);
	if (ret || set_constants(skel, f))
		return -1;
	if (agent_lock__load(skel) == 0)
		return 0;
	no = errno;
	fail(f, no, "the kernel refused to load the BPF programs");
	if (no == EPERM)
		return fail_hint(f, "is the kernel in lockdown mode 'confidentiality'? see "
				    "/sys/kernel/security/lockdown");
	if (no == EINVAL)
		return other_maps(f);
	return fail_hint(f, "AGENT_LOCK_DEBUG=1 agent-lockd shows the verifier's words");
}

static uint64_t number_of(const void *bytes, size_t size, uint64_t number)
{
	for (const unsigned char *at = bytes; size--; at++)
		number = (number ^ *at) * AL_FNV_PRIME;
	return number;
}

/* As in libbpf's own check of a pinned map, which is only made when an object is loaded. */
static bool same_shape(const struct bpf_map *map, int pinned)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(pinned, &info, &len) == 0 &&
	       info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

static int reuse_map(struct bpf_map *map, struct fail *f)
{
	cleanup_fd int pinned = bpf_obj_get(bpf_map__pin_path(map));

	if (pinned < 0)
		return fail(f, errno, "cannot open %s", bpf_map__pin_path(map));
	if (!same_shape(map, pinned)) {
		fail(f, EINVAL, "cannot take over %s", bpf_map__pin_path(map));
		return other_maps(f);
	}
	return bpf_map__reuse_fd(map, pinned)
		       ? fail(f, errno, "cannot take over %s", bpf_map__pin_path(map))
		       : 0;
}

/*
 * Programs of the same build that an earlier daemon attached go on as they are, and with them what
 * they know: only the maps are opened. Nothing is loaded, so neither the kernel's types nor its
 * symbols are asked for, and a daemon that was killed is back in an instant.
 */
static int take_over(struct lsm *lsm, const char *links, struct fail *f)
{
	cleanup_fd int globals = lsm_links_globals(links);
	struct bpf_map *map;
	void *at;

	bpf_object__for_each_map(map, lsm->skel->obj)
	{
		if (!bpf_map__is_internal(map) && reuse_map(map, f))
			return -1;
	}
	at = mmap(NULL, sizeof(*lsm->globals), PROT_READ | PROT_WRITE, MAP_SHARED, globals, 0);
	if (at == MAP_FAILED)
		return fail(f, errno, "cannot take over the globals in %s", links);
	lsm->globals = at;
	return 0;
}

/* The build, with the constants that are not the running kernel's: no pin outlives that one. */
static uint64_t build_of(const struct agent_lock *skel)
{
	uint64_t build = number_of(skel->skeleton->data, skel->skeleton->data_sz, AL_FNV_BASIS);

	return number_of(&skel->rodata->session_level, sizeof(skel->rodata->session_level), build);
}

static int load_and_attach(struct lsm *lsm, int sessions, struct fail *f)
{
	uint64_t build = build_of(lsm->skel);
	char links[LSM_LINKS_PATH];

	if (lsm_links_find(build, sessions, links))
		return take_over(lsm, links, f);
	if (load(lsm->skel, f) || lsm_links_attach(lsm->skel->obj, build, sessions, f))
		return -1;
	lsm->globals = lsm->skel->data;
	return 0;
}

/*
 * Maps of another layout hold sessions that this version cannot take over, and must not leave
 * unwatched.
 */
static int refuse_other_layouts(struct fail *f)
{
	DIR *entries = opendir(LSM_PIN_DIR);
	struct dirent *entry;
	bool other = false;

	while (entries && (entry = readdir(entries)))
		other |= strncmp(entry->d_name, "maps-", 5) == 0 &&
			 strcmp(entry->d_name + 5, STRING(AL_LAYOUT)) != 0;
	if (entries)
		closedir(entries);
	if (!other)
		return 0;
	fail(f, 0, "sessions of another version of agent-lock are pinned in %s", LSM_PIN_DIR);
	return fail_hint(
		f, "end them with that version (agent-lock destroy --all) and stop its daemon");
}

int lsm_open(uint32_t session_level, int sessions, struct lsm **out_lsm, struct fail *f)
{
	struct lsm *lsm;

	libbpf_set_print(quiet);
	if (lsm_active(f) || refuse_other_layouts(f))
		return -1;
	if ((mkdir(LSM_PIN_DIR, 0700) && errno != EEXIST) ||
	    (mkdir(PIN_MAPS, 0700) && errno != EEXIST))
		return fail(f, errno, "cannot make %s", PIN_MAPS);
	lsm = calloc(1, sizeof(*lsm));
	if (!lsm)
		return fail(f, ENOMEM, "cannot load the BPF programs");
	lsm->cpus = libbpf_num_possible_cpus();
	if (lsm->cpus < 1) {
		fail(f, -lsm->cpus, "cannot count the CPUs");
		lsm_close(lsm);
		return -1;
	}
	lsm->zeros = calloc((size_t)lsm->cpus, sizeof(*lsm->zeros));
	if (!lsm->zeros) {
		lsm_close(lsm);
		return fail(f, ENOMEM, "cannot load the BPF programs");
	}
	if (open_object(lsm, session_level, f) || pin_maps(lsm->skel, f) ||
	    load_and_attach(lsm, sessions, f)) {
		lsm_close(lsm);
		(void)rmdir(PIN_MAPS); /* if we made it: else it is not empty, and stays */
		(void)rmdir(LSM_PIN_DIR);
		return -1;
	}
	*out_lsm = lsm;
	return 0;
}

void lsm_close(struct lsm *lsm)
{
	if (!lsm)
		return;
	for (int i = 0; i < LSM_RINGS; i++)
		ring_buffer__free(lsm->rings[i]);
	if (lsm->globals && lsm->globals != lsm->skel->data)
		munmap(lsm->globals, sizeof(*lsm->globals));
	agent_lock__destroy(lsm->skel);
	free(lsm->zeros);
	free(lsm);
}

int lsm_unpin_all(struct fail *f)
{
	lsm_links_remove();
	lsm_pins_remove(PIN_MAPS);
	if (rmdir(LSM_PIN_DIR) && errno != ENOENT)
		return fail(f, errno, "cannot remove %s", LSM_PIN_DIR);
	return 0;
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
int lsm_number(struct lsm *lsm, int fd, uint32_t object,
	       struct al_number out_numbers[AL_NUMBERS_OF_ONE], struct fail *f)
{
	int map = bpf_map__fd(lsm->skel->maps.numbering);
	struct al_numbering asked = {.tgid = (uint32_t)getpid(), .object = object}, nobody = {0};
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC);
	uint32_t zero = 0;
	char path[64];

	if (watch < 0)
		return fail(f, errno, "cannot watch an object");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (bpf_map_update_elem(map, &zero, &asked, BPF_ANY))
		return fail(f, errno, "cannot number an object");
	if (inotify_add_watch(watch, path, IN_DELETE_SELF) < 0 ||
	    bpf_map_lookup_elem(map, &zero, &asked)) {
		fail(f, errno, "cannot watch an object");
		bpf_map_update_elem(map, &zero, &nobody, BPF_ANY);
		return -1;
	}
	bpf_map_update_elem(map, &zero, &nobody, BPF_ANY);
	if (asked.object) /* al_path_notify takes it away when it is noted */
		return fail(f, ENOSPC, "cannot keep an object by number (%d at most)",
			    AL_MAX_NUMBERS);
	memcpy(out_numbers, asked.numbers, sizeof(asked.numbers));
	return 0;
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
		.hash = number_of(name, strlen(name), AL_FNV_BASIS),
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

static void hand_over(struct lsm *lsm)
{
	if (!lsm->holds)
		return;
	lsm->holds = false;
	lsm->event(&lsm->held, lsm->event_data);
}

/*
 * Its place in the ring is given up after this: so what is handed over is the one before. A daemon that
 * is killed takes one with it, which is seen to be missing, rather than leave it to be told twice.
 */
static int on_record(void *context, void *record, size_t size)
{
	struct lsm *lsm = context;

	hand_over(lsm);
	lsm->holds = size >= sizeof(struct al_event);
	if (lsm->holds)
		memcpy(&lsm->held, record, sizeof(lsm->held));
	/*
	 * A negative value ends ring_buffer__consume() after this record; else it goes on as long
	 * as there is more.
	 */
	return --lsm->budget > 0 ? 0 : -EAGAIN;
}

int lsm_events_start(struct lsm *lsm, lsm_event_fn fn, void *data, struct fail *f)
{
	struct bpf_map *const maps[LSM_RINGS] = {lsm->skel->maps.refusals, lsm->skel->maps.floods,
						 lsm->skel->maps.opens};

	lsm->event = fn;
	lsm->event_data = data;
	for (int i = 0; i < LSM_RINGS; i++) {
		lsm->rings[i] = ring_buffer__new(bpf_map__fd(maps[i]), on_record, lsm, NULL);
		if (!lsm->rings[i])
			return fail(f, errno, "cannot read the event rings");
	}
	return 0;
}

int lsm_events_fd(struct lsm *lsm, int ring)
{
	return ring_buffer__epoll_fd(lsm->rings[ring]);
}

/* More than any ring has room for: what was there when this began, and no end is never. */
#define RING_EVENTS ((1 << 23) / (int)sizeof(struct al_event) + 1)

static void read_ring(struct lsm *lsm, int ring, int most)
{
	lsm->budget = most;
	/* Fails only if the callback does, which means: enough. */
	(void)ring_buffer__consume(lsm->rings[ring]);
	hand_over(lsm);
}

void lsm_events_read(struct lsm *lsm)
{
	read_ring(lsm, 0, RING_EVENTS);
	for (int i = 1; i < LSM_RINGS; i++)
		read_ring(lsm, i, LSM_EVENTS_AT_ONCE);
}

void lsm_events_drain(struct lsm *lsm)
{
	for (int i = 0; i < LSM_RINGS; i++)
		read_ring(lsm, i, RING_EVENTS);
}

static void print_verified(struct lsm *lsm, FILE *out)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, lsm->skel->obj)
	{
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (!bpf_program__autoload(program))
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) == 0)
			fprintf(out, "%-28s %8u verified\n", bpf_program__name(program),
				info.verified_insns);
	}
}

int lsm_verify(uint32_t session_level, FILE *out, struct fail *f)
{
	struct lsm lsm = {0};
	int ret;

	libbpf_set_print(quiet);
	if (lsm_active(f))
		return -1;
	ret = open_object(&lsm, session_level, f) || load(lsm.skel, f) ? -1 : 0;
	if (ret == 0)
		print_verified(&lsm, out);
	agent_lock__destroy(lsm.skel);
	return ret;
}
