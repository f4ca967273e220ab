/* SPDX-License-Identifier: GPL-2.0-only */
/* lsm_links.c - see lsm_links.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "lsm.h"
#include "lsm_links.h"
#include "util.h"

#define GLOBALS "globals" /* the pin of the map .data, beside those of the links */

void lsm_pins_remove(const char *dir)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	rmdir(dir);
}

static bool is_set(const char *name)
{
	return strncmp(name, "links-", 6) == 0 || strncmp(name, "attaching-", 10) == 0;
}

/* Remove every set but the one at keep (NULL: none is kept). */
static void remove_sets(const char *keep)
{
	DIR *entries = opendir(LSM_PIN_DIR);
	struct dirent *entry;
	char path[512];

	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		snprintf(path, sizeof(path), LSM_PIN_DIR "/%s", entry->d_name);
		if (is_set(entry->d_name) && (!keep || strcmp(path, keep) != 0))
			lsm_pins_remove(path);
	}
	closedir(entries);
}

void lsm_links_remove(void)
{
	remove_sets(NULL);
}

int lsm_links_globals(const char *dir)
{
	char path[LSM_LINKS_PATH + sizeof("/" GLOBALS)];

	snprintf(path, sizeof(path), "%s/" GLOBALS, dir);
	return bpf_obj_get(path);
}

/* The name of a whole set ends with the number of its links: one that lacks some is none. */
#define SET "links-%016" PRIx64 "-"

static bool find_set(uint64_t build, char out[LSM_LINKS_PATH], unsigned int *out_links)
{
	DIR *entries = opendir(LSM_PIN_DIR);
	struct dirent *entry;
	char name[64];
	int len = snprintf(name, sizeof(name), SET, build);
	bool found = false;

	while (entries && !found && (entry = readdir(entries))) {
		found = strncmp(entry->d_name, name, (size_t)len) == 0 &&
			sscanf(entry->d_name + len, "%u", out_links) == 1;
		if (found)
			snprintf(out, LSM_LINKS_PATH, LSM_PIN_DIR "/%.64s", entry->d_name);
	}
	if (entries)
		closedir(entries);
	return found;
}

static bool of_cgroup(const struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);

	return type == BPF_PROG_TYPE_CGROUP_SKB || type == BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
}

/* These only tell: a kernel whose functions cannot be traced jails as well. */
static bool only_tells(const struct bpf_program *program)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(program);

	return type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT;
}

/* A link to a cgroup stays when the cgroup goes, and is attached to nothing then. */
static bool attached(const char *dir, const char *name, uint64_t cgroup)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	cleanup_fd int link = -1;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	link = bpf_obj_get(path);
	if (link < 0 || bpf_obj_get_info_by_fd(link, &info, &len) || !info.prog_id)
		return false;
	return info.type != BPF_LINK_TYPE_CGROUP || info.cgroup.cgroup_id == cgroup;
}

bool lsm_links_find(uint64_t build, int sessions, char out_dir[LSM_LINKS_PATH])
{
	unsigned int links = 0, wanted;
	struct dirent *entry;
	struct stat st;
	DIR *entries;

	/* A cgroup's id is its inode number (kernfs). */
	if (fstat(sessions, &st) || !find_set(build, out_dir, &wanted))
		return false;
	entries = opendir(out_dir);
	while (entries && (entry = readdir(entries)))
		links += strcmp(entry->d_name, GLOBALS) != 0 &&
			 attached(out_dir, entry->d_name, st.st_ino);
	if (entries)
		closedir(entries);
	return links == wanted;
}

static int pin_link(struct bpf_link *link, const char *dir, const char *name, struct fail *f)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (bpf_link__pin(link, path))
		return fail(f, errno, "cannot pin %s", path);
	return 0;
}

static int attach_program(struct bpf_program *program, int sessions, const char *dir,
			  unsigned int *links, struct fail *f)
{
	struct bpf_link *link = of_cgroup(program) ? bpf_program__attach_cgroup(program, sessions)
						   : bpf_program__attach(program);
	int ret;

	if (!link && only_tells(program))
		return 0;
	if (!link)
		return fail(f, errno, "cannot attach %s", bpf_program__name(program));
	ret = pin_link(link, dir, bpf_program__name(program), f);
	*links += ret == 0;
	bpf_link__destroy(link);
	return ret;
}

static int attach_all(struct bpf_object *object, const char *dir, int sessions, unsigned int *links,
		      struct fail *f)
{
	struct bpf_map *globals = bpf_object__find_map_by_name(object, ".data");
	struct bpf_program *program;
	char path[256];

	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__autoload(program) &&
		    attach_program(program, sessions, dir, links, f))
			return -1;
	}
	snprintf(path, sizeof(path), "%s/" GLOBALS, dir);
	if (!globals || bpf_map__pin(globals, path))
		return fail(f, errno, "cannot pin %s", path);
	return 0;
}

int lsm_links_attach(struct bpf_object *object, uint64_t build, int sessions, struct fail *f)
{
	char dir[LSM_LINKS_PATH], whole[LSM_LINKS_PATH];
	unsigned int links = 0;
	int n = 0;

	/*
	 * What an attempt before us left may be all that enforces: it goes last. A set has its name
	 * only when it is whole.
	 */
	do
		snprintf(dir, sizeof(dir), LSM_PIN_DIR "/attaching-%d", ++n);
	while (mkdir(dir, 0700) && errno == EEXIST && n < 1000);
	if (access(dir, F_OK))
		return fail(f, errno, "cannot make %s", dir);
	if (attach_all(object, dir, sessions, &links, f)) {
		lsm_pins_remove(dir);
		return -1;
	}
	remove_sets(dir);
	snprintf(whole, sizeof(whole), LSM_PIN_DIR "/" SET "%u", build, links);
	if (rename(dir, whole))
		return fail(f, errno, "cannot rename %s", dir);
	return 0;
}
