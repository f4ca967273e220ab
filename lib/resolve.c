/* SPDX-License-Identifier: GPL-2.0-only */
/* resolve.c - see resolve.h */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../bpf/agent_lock.h"
#include "climb.h"
#include "mounts.h"
#include "resolve.h"
#include "util.h"

/* Takes fd in any case. */
static int append(struct objects *objects, int fd, uint32_t rights, uint32_t rule, struct fail *f)
{
	cleanup_fd int owned = fd;
	struct object *more;
	char path[AL_PATH_MAX + 1];
	struct stat st;

	if (fd_path(fd, path, sizeof(path)))
		return fail(f, errno, "cannot name an object of the policy");
	more = reallocarray(objects->list, objects->len + 1, sizeof(*more));
	if (!more)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	objects->list = more;
	more[objects->len] = (struct object){.rights = rights, .rule = rule, .path = strdup(path)};
	if (!more[objects->len].path)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	if (fstat(owned, &st))
		return fail(f, errno, "cannot look at '%s'", Q(path));
	more[objects->len].dev = st.st_dev;
	more[objects->len].ino = st.st_ino;
	more[objects->len++].fd = steal_fd(&owned);
	return 0;
}

void objects_done(struct objects *objects)
{
	for (size_t i = 0; i < objects->len; i++) {
		if (objects->list[i].fd >= 0)
			close(objects->list[i].fd);
		free(objects->list[i].path);
	}
	free(objects->list);
	objects->list = NULL;
	objects->len = 0;
}

static int open_object(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

/*
 * In procfs a directory would cover processes, which are never given away by name; only its files
 * and its root's listing are.
 */
static int check_procfs(const struct policy_rule *rule, int fd, struct fail *f)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return fail(f, errno, "cannot look at '%s'", Q(rule->path));
	if (fs.f_type != PROC_SUPER_MAGIC || !S_ISDIR(st.st_mode) || rule->right == POLICY_LIST)
		return 0;
	return fail(f, 0,
		    "%s: '%s' is a directory of procfs: only 'list' or single files of it can be "
		    "granted",
		    rule->origin, Q(rule->path));
}

/*
 * Is this mount a file system that is nowhere but below dir? A window on one that is mounted
 * elsewhere too (a bind mount of /, a btrfs subvolume beside the root) would give that place away.
 */
static bool only_below(const struct mounts *mounts, const struct mount_entry *entry,
		       const char *dir)
{
	for (size_t i = 0; i < mounts->len; i++)
		if (mounts->entries[i].major == entry->major &&
		    mounts->entries[i].minor == entry->minor &&
		    !path_below(mounts->entries[i].point, dir))
			return false;
	return true;
}

static int add_mounts_below(const struct mounts *mounts, const char *dir, uint32_t rights,
			    uint32_t rule, struct objects *objects, struct fail *f)
{
	for (size_t i = 0; i < mounts->len; i++) {
		const struct mount_entry *entry = &mounts->entries[i];
		int fd;

		if (!path_below(entry->point, dir) || !only_below(mounts, entry, dir) ||
		    strcmp(entry->type, "proc") == 0)
			continue;
		fd = open_object(entry->point);
		/*
		 * Not ours to see (a mount below somebody else's directory), or gone meanwhile: it
		 * stays refused.
		 */
		if (fd >= 0 && append(objects, fd, rights, rule, f))
			return -1;
	}
	return 0;
}

const char *object_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_above(const struct object *object);

/* Of two rules for one name, the last one's and an earlier one's, the last counts: in the place of both. */
static void merge_name(struct objects *objects)
{
	struct object *last = &objects->list[objects->len - 1];

	for (size_t i = 0; i + 1 < objects->len; i++) {
		struct object *earlier = &objects->list[i];

		if (!(earlier->rights & AL_NAMES) || earlier->dev != last->dev ||
		    earlier->ino != last->ino ||
		    strcmp(object_name(earlier->path), object_name(last->path)) != 0)
			continue;
		earlier->rights = last->rights;
		earlier->rule = last->rule;
		close(last->fd);
		free(last->path);
		objects->len--;
		return;
	}
}

/*
 * The rule once more, for the name: fd is the directory (taken in any case), name what it has there.
 * procfs names processes; they are not granted.
 */
static int append_name(struct objects *objects, int fd, const char *name, uint32_t rights,
		       uint32_t rule, struct fail *f)
{
	struct statfs fs;
	char *path;

	if (fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC || !*name || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0) {
		close(fd);
		return 0;
	}
	if (append(objects, fd, rights | AL_NAMES, rule, f))
		return -1;
	path = objects->list[objects->len - 1].path;
	if (asprintf(&objects->list[objects->len - 1].path, "%s/%s", path[1] ? path : "", name) <
	    0) {
		objects->list[objects->len - 1].path = path;
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	}
	free(path);
	merge_name(objects);
	return 0;
}

/* By mount: on overlayfs a file's st_dev is not its directory's. */
static bool same_mount(int a, int b)
{
	struct statx of_a, of_b;

	return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_a) == 0 &&
	       statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_b) == 0 &&
	       of_a.stx_mnt_id == of_b.stx_mnt_id;
}

/* Of the object that was appended last, unless something is mounted there: its name is its own then. */
static int add_name(struct objects *objects, struct fail *f)
{
	const struct object *object = &objects->list[objects->len - 1];
	int above = open_above(object);

	if (above < 0)
		return 0;
	if (!same_mount(above, object->fd) || strcmp(object->path, "/") == 0) {
		close(above);
		return 0;
	}
	return append_name(objects, above, object_name(object->path), object->rights, object->rule,
			   f);
}

/* Cut a path before its last name; NULL: it has none left. */
static char *cut_name(char *path)
{
	char *slash;

	for (slash = path + strlen(path); slash > path + 1 && slash[-1] == '/'; slash--)
		slash[-1] = '\0';
	slash = strrchr(path, '/');
	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	return slash + 1;
}

static int open_directory(const char *path)
{
	return open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/*
 * A path that is not there yet, in a directory that is. What is guarded may lack that too: then the
 * first name that is missing is guarded, for whoever could make it could make all below it.
 */
static int add_missing(const struct policy_rule *missing, uint32_t rights, uint32_t rule,
		       struct objects *objects, struct fail *f)
{
	cleanup_free char *path = strdup(missing->path);
	char *name;

	if (!path)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	while ((name = cut_name(path))) {
		int above = open_directory(path);

		if (above >= 0)
			return append_name(objects, above, name, rights, rule, f);
		if (missing->right != POLICY_GUARD || errno != ENOENT)
			return 0;
	}
	return 0;
}

/*
 * A link on the way to what is guarded could be replaced by a directory, or by another link: its name
 * is guarded as well. The path is the user's, and the objects that it leads to have their own rules.
 */
static int guard_links(const char *guarded, uint32_t rights, uint32_t rule, struct objects *objects,
		       struct fail *f)
{
	cleanup_free char *path = strdup(guarded);
	struct stat st;

	if (!path)
		return fail(f, ENOMEM, "cannot hold the policy's objects");
	for (;;) {
		bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
		char *name = cut_name(path);
		int above = name && link ? open_directory(path) : -1;

		if (!name)
			return 0;
		if (above >= 0 && append_name(objects, above, name, rights, rule, f))
			return -1;
	}
}

/* A program's own directory is there before the program first runs; 0700, as it is to hold keys. */
static int make_state(const char *path)
{
	cleanup_free char *copy = strdup(path);

	for (char *slash = copy; slash && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return !copy || (mkdir(copy, 0700) && errno != EEXIST) ? -1 : open_object(path);
}

static int open_rule(const struct policy_rule *rule)
{
	int fd = open_object(rule->path);

	return fd < 0 && errno == ENOENT && rule->right == POLICY_STATE ? make_state(rule->path)
									: fd;
}

static int resolve_rule(const struct policy_rule *rule, uint32_t index, const struct mounts *mounts,
			struct objects *objects, struct fail *f)
{
	uint32_t rights = policy_rights(rule->right) | (rule->system ? AL_SYSTEM : 0);
	bool guard = rule->right == POLICY_GUARD;
	int fd = open_rule(rule);
	const char *path;

	if (fd < 0) {
		int no = errno;

		if (guard && guard_links(rule->path, rights, index, objects, f))
			return -1;
		errno = no;
		if (errno == ENOENT && (rule->optional || guard))
			return add_missing(rule, rights, index, objects, f);
		if (rule->optional)
			return 0;
		return fail(f, errno, "%s: cannot open '%s'", rule->origin, Q(rule->path));
	}
	if (check_procfs(rule, fd, f)) {
		close(fd);
		return -1;
	}
	if (append(objects, fd, rights, index, f))
		return -1;
	path = objects->list[objects->len - 1].path;
	if (add_name(objects, f) || (guard && guard_links(rule->path, rights, index, objects, f)))
		return -1;
	/*
	 * Scratch places of the base policy are only what they are, not what somebody mounted
	 * there.
	 */
	if ((rights & (AL_SELF | AL_SCRATCH)) || rule->right == POLICY_CONNECT ||
	    (rule->system && rule->right == POLICY_RW))
		return 0;
	return add_mounts_below(mounts, path, rights, index, objects, f);
}

/*
 * The directory that holds an object: by ".." for a directory; for a file by name, checked to be
 * the same file.
 */
static int open_above(const struct object *object)
{
	cleanup_free char *path = strdup(object->path);
	char *slash = path ? strrchr(path, '/') : NULL;
	cleanup_fd int dir = -1;
	struct stat st, there;

	if (object->rights & AL_NAMES)
		return dup(object->fd);
	if (fstat(object->fd, &st))
		return -1;
	if (S_ISDIR(st.st_mode))
		return openat(object->fd, "..", O_PATH | O_CLOEXEC);
	if (!slash)
		return -1;
	*slash = '\0';
	dir = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstatat(dir, slash + 1, &there, AT_SYMLINK_NOFOLLOW) ||
	    !same_object(&st, &there))
		return -1;
	return steal_fd(&dir);
}

/* The last rule about this very object, or NULL. */
static struct object *find(struct objects *objects, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	for (size_t i = objects->len; i-- > 0;)
		if (!(objects->list[i].rights & AL_NAMES) && objects->list[i].dev == st.st_dev &&
		    objects->list[i].ino == st.st_ino)
			return &objects->list[i];
	return NULL;
}

/* What the rules but guards give at or below fd; fd is taken. */
static uint32_t rights_at(const struct policy *policy, struct objects *objects, int fd)
{
	struct stat st, last = {0};
	bool self = true;

	for (int up; fd >= 0; fd = up, self = false) {
		const struct object *own = find(objects, fd);
		bool decides = own && policy->rules[own->rule].right != POLICY_GUARD &&
			       (self || !(own->rights & AL_SELF));

		up = -1;
		if (!decides && fstat(fd, &st) == 0 &&
		    (self || st.st_dev != last.st_dev || st.st_ino != last.st_ino))
			up = openat(fd, "..", O_PATH | O_CLOEXEC);
		last = st;
		close(fd);
		if (decides)
			return own->rights;
	}
	return 0;
}

/*
 * A guard takes away and gives nothing: what it leads to may be readable only if it would be without it.
 * It is about places where an earlier session may have put a link.
 */
static void limit_guards(const struct policy *policy, struct objects *objects)
{
	for (size_t i = 0; i < objects->len; i++) {
		struct object *object = &objects->list[i];

		if (policy->rules[object->rule].right == POLICY_GUARD &&
		    !(object->rights & AL_NAMES))
			object->rights &=
				rights_at(policy, objects, open_above(object)) | AL_SYSTEM;
	}
	for (size_t i = 0; i < objects->len; i++) {
		struct object *object = &objects->list[i];

		if (policy->rules[object->rule].right == POLICY_GUARD &&
		    (object->rights & AL_NAMES))
			object->rights &=
				rights_at(policy, objects, fcntl(object->fd, F_DUPFD_CLOEXEC, 0)) |
				AL_NAMES | AL_SYSTEM;
	}
}

#define ABOVE_MAX 256 /* directories above a rule that are looked at */

/*
 * Pin what lies above objects->list[index], up to the root: whether a writable rule is in force there
 * may change while the session lives. What has no rule of its own gets none, only the pin.
 */
static int pin_above(struct objects *objects, size_t index, struct fail *f)
{
	uint32_t rule = objects->list[index].rule;
	int above = open_above(&objects->list[index]);
	struct stat st, last = {0};

	for (int level = 0; above >= 0 && level < ABOVE_MAX; level++) {
		struct object *own = find(objects, above);
		int next;

		/* What is pinned has all above it pinned. */
		if (fstat(above, &st) || (level && same_object(&st, &last)) ||
		    (own && (own->rights & AL_PINNED)))
			break;
		last = st;
		next = openat(above, "..", O_PATH | O_CLOEXEC);
		if (own) {
			own->rights |= AL_PINNED;
			close(above);
		} else if (append(objects, above, AL_PASS | AL_PINNED, rule, f)) {
			if (next >= 0)
				close(next);
			return -1;
		}
		above = next;
	}
	if (above >= 0)
		close(above);
	return 0;
}

int objects_resolve(const struct policy *policy, struct objects *out_objects, struct fail *f)
{
	struct objects objects = {0};
	struct mounts mounts;
	size_t own;
	int ret = 0;

	if (mounts_read(&mounts, f))
		return -1;
	for (size_t i = 0; i < policy->len && !ret; i++)
		ret = resolve_rule(&policy->rules[i], (uint32_t)i, &mounts, &objects, f);
	mounts_done(&mounts);
	if (!ret)
		limit_guards(policy, &objects);
	own = objects.len;
	for (size_t i = 0; i < own && !ret; i++)
		if (!(objects.list[i].rights & AL_WRITE))
			ret = pin_above(&objects, i, f);
	if (ret) {
		objects_done(&objects);
		return -1;
	}
	*out_objects = objects;
	return 0;
}
