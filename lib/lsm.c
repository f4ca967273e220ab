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

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
#define PIN_MAPS LSM_PIN_DIR "/maps-" STRING(AL_LAYOUT)

struct lsm {
	struct agent_lock *skel;
	struct ring_buffer *rings[LSM_RINGS];
	int budget; /* events that are still handed over in this call */
	lsm_event_fn event;
	void *event_data;
	int cpus;
};

/* libbpf's own words go nowhere unless somebody debugs: the failure says what is wrong. */
__attribute__((format(printf, 2, 0))) static int quiet(enum libbpf_print_level level,
						       const char *format, va_list args)
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
		struct bpf_program *program =
			bpf_object__find_program_by_name(skel->obj, lsm_programs[i].name);

		if (!program) {
			btf__free(btf);
			return fail(f, 0, "the BPF object has no program %s", lsm_programs[i].name);
		}
		bpf_program__set_autoload(program, lsm_program_fits(&lsm_programs[i], btf));
	}
	if (btf__find_by_name_kind(btf, "cgroup_attach_task", BTF_KIND_FUNC) > 0) {
		bpf_program__set_autoload(skel->progs.al_moving, true);
		bpf_program__set_autoload(skel->progs.al_moved, true);
	}
	btf__free(btf);
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

static int load(struct lsm *lsm, uint32_t session_level, bool pinned, struct fail *f)
{
	lsm->skel = agent_lock__open();
	if (!lsm->skel)
		return fail(f, errno, "cannot open the BPF object");
	lsm->skel->rodata->session_level = session_level;
	lsm->skel->rodata->rename_lock_at = lsm_symbol("rename_lock");
	if (!lsm->skel->rodata->rename_lock_at) {
		fail(f, 0, "the kernel does not say where its rename_lock is");
		return fail_hint(
			f, "allow root to see addresses: sysctl kernel.kptr_restrict=1; if it is "
			   "so, use a kernel with CONFIG_KALLSYMS_ALL=y");
	}
	if (choose_programs(lsm->skel, f) || (pinned && pin_maps(lsm->skel, f)))
		return -1;
	if (agent_lock__load(lsm->skel)) {
		int no = errno;

		fail(f, no, "the kernel refused to load the BPF programs");
		if (no == EPERM)
			return fail_hint(f, "is the kernel in lockdown mode 'confidentiality'? see "
					    "/sys/kernel/security/lockdown");
		return fail_hint(
			f, no == EINVAL
				   ? "maps of another version are pinned in " LSM_PIN_DIR
				     ": end its sessions, stop its daemon, remove the directory"
				   : "AGENT_LOCK_DEBUG=1 agent-lockd shows the verifier's words");
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

/* To a hook, or to the cgroup above all sessions. NULL with errno. */
static struct bpf_link *attach_program(struct bpf_program *program, int sessions)
{
	enum bpf_prog_type type = bpf_program__type(program);

	if (type == BPF_PROG_TYPE_CGROUP_SKB || type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR)
		return bpf_program__attach_cgroup(program, sessions);
	return bpf_program__attach(program);
}

/*
 * Attach all and pin the links as a new set; only then do older sets go. Killed anywhere in here,
 * at least one whole set enforces: half a policy never does.
 */
static int attach(struct lsm *lsm, int sessions, struct fail *f)
{
	struct bpf_program *program;
	char dir[128];
	int n = 0;

	do
		snprintf(dir, sizeof(dir), LSM_PIN_DIR "/links-%d", ++n);
	while (mkdir(dir, 0700) && errno == EEXIST && n < 1000);
	if (access(dir, F_OK))
		return fail(f, errno, "cannot make %s", dir);
	bpf_object__for_each_program(program, lsm->skel->obj)
	{
		struct bpf_link *link;
		int ret;

		if (!bpf_program__autoload(program))
			continue;
		link = attach_program(program, sessions);
		/* These only tell: a kernel whose functions cannot be traced jails as well. */
		if (!link &&
		    (program == lsm->skel->progs.al_moving || program == lsm->skel->progs.al_moved))
			continue;
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
	if (lsm_supported(f) || refuse_other_layouts(f))
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
	if (load(lsm, session_level, true, f) || attach(lsm, sessions, f)) {
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
	for (int i = 0; i < LSM_RINGS; i++)
		ring_buffer__free(lsm->rings[i]);
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
int lsm_number(struct lsm *lsm, int fd, uint32_t object, struct fail *f)
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
	return 0;
}

/*
 * Delete every entry of a hash map that matches says. The next key is asked for before the present
 * one goes: a cursor on a key that is gone begins again.
 */
static void delete_matching(int map, void *key, void *next, size_t size,
			    bool (*matches)(int map, const void *key, uint32_t of), uint32_t of)
{
	bool more = bpf_map_get_next_key(map, NULL, key) == 0;

	while (more) {
		more = bpf_map_get_next_key(map, key, next) == 0;
		if (matches(map, key, of))
			bpf_map_delete_elem(map, key);
		memcpy(key, next, size);
	}
}

static bool number_of_object(int map, const void *key, uint32_t object)
{
	uint32_t value;

	return bpf_map_lookup_elem(map, key, &value) == 0 && value == object;
}

void lsm_unnumber(struct lsm *lsm, uint32_t object)
{
	struct al_number key, next;

	delete_matching(bpf_map__fd(lsm->skel->maps.numbers), &key, &next, sizeof(key),
			number_of_object, object);
}

void lsm_attend(struct lsm *lsm, bool all_held)
{
	lsm->skel->data->attended_by = all_held ? (uint32_t)getpid() : 0;
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

int lsm_name_set(struct lsm *lsm, uint32_t slot, uint32_t object, const char *name, uint32_t rights,
		 uint32_t id, struct fail *f)
{
	struct al_name name_key = {.hash = AL_FNV_BASIS, .object = object, .slot = slot};
	struct al_rule named = {.rights = rights, .id = id}, directory;
	uint64_t key = (uint64_t)slot << 32 | object;

	for (const char *at = name; *at; at++)
		name_key.hash = (name_key.hash ^ (unsigned char)*at) * AL_FNV_PRIME;
	/* The name first: a directory that says it has rules for names must not lack one. */
	if (put_rule(lsm->skel->maps.names, &name_key, &named, f))
		return -1;
	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.rules), &key, &directory))
		directory = (struct al_rule){.rights = AL_PASS, .id = AL_NO_RULE};
	directory.rights |= AL_NAMES;
	return put_rule(lsm->skel->maps.rules, &key, &directory, f);
}

static bool rule_of_slot(int map, const void *key, uint32_t slot)
{
	(void)map;
	return *(const uint64_t *)key >> 32 == slot;
}

static bool name_of_slot(int map, const void *key, uint32_t slot)
{
	(void)map;
	return ((const struct al_name *)key)->slot == slot;
}

static bool tally_of_slot(int map, const void *key, uint32_t slot)
{
	(void)map;
	return ((const struct al_tally_key *)key)->slot == slot;
}

void lsm_slot_clear(struct lsm *lsm, uint32_t slot)
{
	int map = bpf_map__fd(lsm->skel->maps.counters);
	cleanup_free uint64_t *zeros = calloc((size_t)lsm->cpus, sizeof(*zeros));
	struct al_tally_key tally, next_tally;
	struct al_name name, next_name;
	uint64_t rule, next_rule;
	uint32_t none = 0;

	delete_matching(bpf_map__fd(lsm->skel->maps.rules), &rule, &next_rule, sizeof(rule),
			rule_of_slot, slot);
	delete_matching(bpf_map__fd(lsm->skel->maps.names), &name, &next_name, sizeof(name),
			name_of_slot, slot);
	delete_matching(bpf_map__fd(lsm->skel->maps.tally), &tally, &next_tally, sizeof(tally),
			tally_of_slot, slot);
	bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.tallied), &slot, &none, BPF_ANY);
	for (uint32_t i = 0; zeros && i < AL_NCOUNTERS; i++) {
		uint32_t index = slot * AL_NCOUNTERS + i;

		bpf_map_update_elem(map, &index, zeros, BPF_ANY);
	}
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
	       void (*each)(const struct al_tally_key *key, const struct al_tally *tally,
			    void *data),
	       void *data)
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
	/*
	 * A negative value ends ring_buffer__consume() after this record; else it goes on as long
	 * as there is more.
	 */
	return --lsm->budget > 0 ? 0 : -EAGAIN;
}

int lsm_events_start(struct lsm *lsm, lsm_event_fn fn, void *data, struct fail *f)
{
	lsm->event = fn;
	lsm->event_data = data;
	lsm->rings[0] =
		ring_buffer__new(bpf_map__fd(lsm->skel->maps.refusals), on_record, lsm, NULL);
	lsm->rings[1] = ring_buffer__new(bpf_map__fd(lsm->skel->maps.opens), on_record, lsm, NULL);
	if (!lsm->rings[0] || !lsm->rings[1])
		return fail(f, errno, "cannot read the event rings");
	return 0;
}

int lsm_events_fd(struct lsm *lsm, int ring)
{
	return ring_buffer__epoll_fd(lsm->rings[ring]);
}

void lsm_events_read(struct lsm *lsm)
{
	for (int i = 0; i < LSM_RINGS; i++) {
		lsm->budget = LSM_EVENTS_AT_ONCE;
		(void)ring_buffer__consume(
			lsm->rings[i]); /* fails only if the callback does, which means: enough */
	}
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
	if (lsm_supported(f))
		return -1;
	ret = load(&lsm, session_level, false, f);
	if (ret == 0)
		print_verified(&lsm, out);
	agent_lock__destroy(lsm.skel);
	return ret;
}
