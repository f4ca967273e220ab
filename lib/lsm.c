/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm.c - load, attach, take over, let go; see lsm.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lsm_inside.h"
#include "lsm_kernel.h"
#include "lsm_links.h"
#include "util.h"

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
#define PIN_MAPS LSM_PIN_DIR "/maps-" STRING(AL_LAYOUT)

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
	uint64_t build = lsm_hash(skel->skeleton->data, skel->skeleton->data_sz, AL_FNV_BASIS);

	return lsm_hash(&skel->rodata->session_level, sizeof(skel->rodata->session_level), build);
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
