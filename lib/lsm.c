/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm.c - see lsm.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent_lock.skel.h"
#include "lsm_kernel.h"
#include "util.h"

#define PIN_MAPS LSM_PIN_DIR "/maps"

struct lsm {
	struct agent_lock *skel;
	struct ring_buffer *rings;
	lsm_event_fn event;
	void *event_data;
	int cpus;
};

/* libbpf's own words go nowhere unless somebody debugs: the failure says what is wrong. */
__attribute__((format(printf, 2, 0))) static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!getenv("AGENT_LOCK_DEBUG") || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static int choose_programs(struct agent_lock *skel, struct fail *f)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return fail(f, errno, "cannot read the kernel's types in /sys/kernel/btf/vmlinux");
	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(skel->obj, lsm_programs[i].name);

		if (!program) {
			btf__free(btf);
			return fail(f, 0, "the BPF object has no program %s", lsm_programs[i].name);
		}
		bpf_program__set_autoload(program, lsm_program_fits(&lsm_programs[i], btf));
	}
	btf__free(btf);
	return 0;
}

/* Every map but the globals lives on in the pin directory; libbpf takes a pinned one over if its layout is the same. */
static int pin_maps(struct agent_lock *skel, struct fail *f)
{
	struct bpf_map *map;
	char path[128];

	bpf_object__for_each_map(map, skel->obj) {
		if (bpf_map__is_internal(map))
			continue;
		snprintf(path, sizeof(path), PIN_MAPS "/%s", bpf_map__name(map));
		if (bpf_map__set_pin_path(map, path))
			return fail(f, errno, "cannot set the pin of map %s", bpf_map__name(map));
	}
	return 0;
}

static int load(struct lsm *lsm, uint32_t session_level, struct fail *f)
{
	lsm->skel = agent_lock__open();
	if (!lsm->skel)
		return fail(f, errno, "cannot open the BPF object");
	lsm->skel->rodata->session_level = session_level;
	if (choose_programs(lsm->skel, f) || pin_maps(lsm->skel, f))
		return -1;
	if (agent_lock__load(lsm->skel)) {
		int no = errno;

		fail(f, no, "the kernel refused to load the BPF programs");
		if (no == EPERM)
			return fail_hint(f, "is the kernel in lockdown mode 'confidentiality'? see /sys/kernel/security/lockdown");
		return fail_hint(f, no == EINVAL ? "maps of another version are pinned in " LSM_PIN_DIR
						   ": end its sessions, stop its daemon, remove the directory" :
						   "AGENT_LOCK_DEBUG=1 agent-lockd shows the verifier's words");
	}
	return 0;
}

static void remove_pins(const char *dir)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	rmdir(dir);
}

/* Remove every set of links but the one named keep. */
static void remove_links(const char *keep)
{
	DIR *entries = opendir(LSM_PIN_DIR);
	struct dirent *entry;
	char path[512];

	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, "links-", 6) != 0)
			continue;
		snprintf(path, sizeof(path), LSM_PIN_DIR "/%s", entry->d_name);
		if (!keep || strcmp(path, keep) != 0)
			remove_pins(path);
	}
	closedir(entries);
}

static int pin_link(struct bpf_link *link, const char *dir, const char *name, struct fail *f)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (bpf_link__pin(link, path))
		return fail(f, errno, "cannot pin %s", path);
	return 0;
}

/*
 * Attach all and pin the links as a new set; only then do older sets go. Killed anywhere in here, at least one whole set
 * enforces: half a policy never does.
 */
static int attach(struct lsm *lsm, struct fail *f)
{
	struct bpf_program *program;
	char dir[128];
	int n = 0;

	do
		snprintf(dir, sizeof(dir), LSM_PIN_DIR "/links-%d", ++n);
	while (mkdir(dir, 0700) && errno == EEXIST && n < 1000);
	if (access(dir, F_OK))
		return fail(f, errno, "cannot make %s", dir);
	bpf_object__for_each_program(program, lsm->skel->obj) {
		struct bpf_link *link;
		int ret;

		if (!bpf_program__autoload(program))
			continue;
		link = bpf_program__attach(program);
		if (!link) {
			fail(f, errno, "cannot attach %s", bpf_program__name(program));
			remove_pins(dir);
			return -1;
		}
		ret = pin_link(link, dir, bpf_program__name(program), f);
		bpf_link__destroy(link);
		if (ret) {
			remove_pins(dir);
			return -1;
		}
	}
	remove_links(dir);
	return 0;
}

int lsm_open(uint32_t session_level, struct lsm **out_lsm, struct fail *f)
{
	struct lsm *lsm;

	libbpf_set_print(quiet);
	if (lsm_supported(f))
		return -1;
	if ((mkdir(LSM_PIN_DIR, 0700) && errno != EEXIST) || (mkdir(PIN_MAPS, 0700) && errno != EEXIST))
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
	if (load(lsm, session_level, f) || attach(lsm, f)) {
		lsm_close(lsm);
		return -1;
	}
	*out_lsm = lsm;
	return 0;
}

void lsm_close(struct lsm *lsm)
{
	if (!lsm)
		return;
	ring_buffer__free(lsm->rings);
	agent_lock__destroy(lsm->skel);
	free(lsm);
}

int lsm_unpin_all(struct fail *f)
{
	remove_links(NULL);
	remove_pins(PIN_MAPS);
	if (rmdir(LSM_PIN_DIR) && errno != ENOENT)
		return fail(f, errno, "cannot remove %s", LSM_PIN_DIR);
	return 0;
}

uint32_t lsm_object_of(struct lsm *lsm, int fd)
{
	struct al_mark mark = { 0 };

	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.marks), &fd, &mark))
		return 0;
	return mark.object;
}

int lsm_mark(struct lsm *lsm, int fd, uint32_t object, struct fail *f)
{
	struct al_mark mark = { .object = object };

	if (bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.marks), &fd, &mark, BPF_ANY))
		return fail(f, errno, "cannot mark an inode");
	return 0;
}

void lsm_unmark(struct lsm *lsm, int fd)
{
	/* It may have lost its mark by itself: nothing to undo then. */
	(void)bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.marks), &fd);
}

static bool has_number(struct lsm *lsm, uint32_t object)
{
	int map = bpf_map__fd(lsm->skel->maps.numbers);
	struct al_number key, *at = NULL;
	uint32_t value;

	while (bpf_map_get_next_key(map, at, &key) == 0) {
		at = &key;
		if (bpf_map_lookup_elem(map, &key, &value) == 0 && value == object)
			return true;
	}
	return false;
}

/* Only the kernel knows s_dev and the generation: al_path_notify notes them when we, and nobody else, watch the object. */
int lsm_number(struct lsm *lsm, int fd, uint32_t object, struct fail *f)
{
	int map = bpf_map__fd(lsm->skel->maps.numbering);
	struct {
		uint32_t tgid, object;
	} asked = { .tgid = (uint32_t)getpid(), .object = object }, nobody = { 0 };
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC);
	uint32_t zero = 0;
	char path[64];

	if (watch < 0)
		return fail(f, errno, "cannot watch an object");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (bpf_map_update_elem(map, &zero, &asked, BPF_ANY))
		return fail(f, errno, "cannot number an object");
	if (inotify_add_watch(watch, path, IN_DELETE_SELF) < 0) {
		fail(f, errno, "cannot watch an object");
		bpf_map_update_elem(map, &zero, &nobody, BPF_ANY);
		return -1;
	}
	bpf_map_update_elem(map, &zero, &nobody, BPF_ANY);
	if (!has_number(lsm, object))
		return fail(f, ENOSPC, "cannot keep an object by number (%d at most)", AL_MAX_NUMBERS);
	return 0;
}

void lsm_unnumber(struct lsm *lsm, uint32_t object)
{
	int map = bpf_map__fd(lsm->skel->maps.numbers);
	struct al_number key, next, *at = NULL;
	uint32_t value;

	while (bpf_map_get_next_key(map, at, &next) == 0) {
		bool ours = bpf_map_lookup_elem(map, &next, &value) == 0 && value == object;

		if (ours) {
			/* The cursor must not stand on what goes: begin again. */
			bpf_map_delete_elem(map, &next);
			at = NULL;
			continue;
		}
		key = next;
		at = &key;
	}
}

uint32_t lsm_last_object(struct lsm *lsm)
{
	int map = bpf_map__fd(lsm->skel->maps.rules);
	uint64_t key, *at = NULL;
	uint32_t last = 0;

	while (bpf_map_get_next_key(map, at, &key) == 0) {
		at = &key;
		if ((uint32_t)key > last)
			last = (uint32_t)key;
	}
	return last;
}

int lsm_rule_set(struct lsm *lsm, uint32_t slot, uint32_t object, uint32_t rights, uint32_t id, struct fail *f)
{
	uint64_t key = (uint64_t)slot << 32 | object;
	struct al_rule rule = { .rights = rights, .id = id };

	if (bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.rules), &key, &rule, BPF_ANY))
		return fail(f, errno == E2BIG ? ENOSPC : errno, "cannot add a rule (%d at most on this machine)", AL_MAX_RULES);
	return 0;
}

static void clear_rules(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.rules);
	uint64_t key, next, *at = NULL;

	while (bpf_map_get_next_key(map, at, &next) == 0) {
		if (next >> 32 == slot) {
			bpf_map_delete_elem(map, &next);
			at = NULL;
			continue;
		}
		key = next;
		at = &key;
	}
}

static void clear_tally(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.tally);
	struct al_tally_key key, next, *at = NULL;

	while (bpf_map_get_next_key(map, at, &next) == 0) {
		if (next.slot == slot) {
			bpf_map_delete_elem(map, &next);
			at = NULL;
			continue;
		}
		key = next;
		at = &key;
	}
}

void lsm_slot_clear(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.counters);
	cleanup_free uint64_t *zeros = calloc((size_t)lsm->cpus, sizeof(*zeros));

	clear_rules(lsm, slot);
	clear_tally(lsm, slot);
	for (uint32_t i = 0; zeros && i < AL_NCOUNTERS; i++) {
		uint32_t index = slot * AL_NCOUNTERS + i;

		bpf_map_update_elem(map, &index, zeros, BPF_ANY);
	}
}

int lsm_publish(struct lsm *lsm, uint64_t cgroup, uint32_t slot, uint32_t flags, struct fail *f)
{
	struct al_session session = { .slot = slot, .flags = flags };

	if (bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup, &session, BPF_ANY))
		return fail(f, errno == E2BIG ? ENOSPC : errno, "cannot publish the session");
	return 0;
}

int lsm_unpublish(struct lsm *lsm, uint64_t cgroup, struct fail *f)
{
	if (bpf_map_delete_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup) && errno != ENOENT)
		return fail(f, errno, "cannot take the session back");
	return 0;
}

bool lsm_published(struct lsm *lsm, uint64_t cgroup, struct al_session *out_session)
{
	return bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.sessions), &cgroup, out_session) == 0;
}

void lsm_sessions(struct lsm *lsm, void (*each)(uint64_t cgroup, const struct al_session *session, void *data), void *data)
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

int lsm_counters(struct lsm *lsm, uint32_t slot, uint64_t *out_counters, struct fail *f)
{
	int map = bpf_map__fd(lsm->skel->maps.counters);
	cleanup_free uint64_t *values = calloc((size_t)lsm->cpus, sizeof(*values));

	if (!values)
		return fail(f, ENOMEM, "cannot read the counts");
	for (uint32_t i = 0; i < AL_NCOUNTERS; i++) {
		uint32_t index = slot * AL_NCOUNTERS + i;
		uint64_t sum = 0;

		if (bpf_map_lookup_elem(map, &index, values))
			return fail(f, errno, "cannot read the counts");
		for (int cpu = 0; cpu < lsm->cpus; cpu++)
			sum += values[cpu];
		out_counters[i] = sum;
	}
	return 0;
}

void lsm_tally(struct lsm *lsm, uint32_t slot,
	       void (*each)(const struct al_tally_key *key, const struct al_tally *tally, void *data), void *data)
{
	int map = bpf_map__fd(lsm->skel->maps.tally);
	struct al_tally_key key, *at = NULL;
	struct al_tally entry;

	while (bpf_map_get_next_key(map, at, &key) == 0) {
		at = &key;
		if (key.slot == slot && bpf_map_lookup_elem(map, &key, &entry) == 0)
			each(&key, &entry, data);
	}
}

static int on_record(void *context, void *record, size_t size)
{
	struct lsm *lsm = context;

	if (size >= sizeof(struct al_event))
		lsm->event(record, lsm->event_data);
	return 0;
}

int lsm_events_start(struct lsm *lsm, lsm_event_fn fn, void *data, struct fail *f)
{
	lsm->event = fn;
	lsm->event_data = data;
	lsm->rings = ring_buffer__new(bpf_map__fd(lsm->skel->maps.refusals), on_record, lsm, NULL);
	if (!lsm->rings || ring_buffer__add(lsm->rings, bpf_map__fd(lsm->skel->maps.opens), on_record, lsm))
		return fail(f, errno, "cannot read the event rings");
	return 0;
}

int lsm_events_fd(struct lsm *lsm)
{
	return ring_buffer__epoll_fd(lsm->rings);
}

void lsm_events_read(struct lsm *lsm)
{
	(void)ring_buffer__consume(lsm->rings);	/* fails only if a callback does, and ours doesn't */
}

void lsm_verified(struct lsm *lsm, FILE *out)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, lsm->skel->obj) {
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);

		if (!bpf_program__autoload(program))
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) == 0)
			fprintf(out, "%-28s %8u verified\n", bpf_program__name(program), info.verified_insns);
	}
}
