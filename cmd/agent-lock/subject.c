/* SPDX-License-Identifier: GPL-2.0-only */
/* subject.c - what a path that somebody asks about leads to, or where it would be; see verbs.h */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "util.h"
#include "verbs.h"

int subject_open(const char *typed, struct subject *out, struct fail *f)
{
	cleanup_free char *above = strdup(typed);
	char *slash = above ? strrchr(above, '/') : NULL;

	out->child = "";
	out->fd = open(typed, O_PATH | O_CLOEXEC);
	if (out->fd < 0 && errno == ENOENT && above) {
		out->child = slash ? strrchr(typed, '/') + 1 : typed;
		if (slash)
			slash[slash == above] = '\0';
		out->fd = open(slash ? above : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (out->fd < 0 || fd_path(out->fd, out->path, AL_PATH_MAX))
		return fail(f, errno, "cannot look at '%s'", Q(typed));
	if (!out->child[0])
		return 0;
	if (strlen(out->child) > AL_NAME_MAX)
		return fail(f, ENAMETOOLONG, "cannot look at '%s'", Q(typed));
	snprintf(out->path + strlen(out->path), AL_PATH_MAX, "%s%s", out->path[1] ? "/" : "",
		 out->child);
	return 0;
}

bool subject_is_fixed(const struct subject *subject)
{
	struct statfs fs;
	struct stat st;

	return fstat(subject->fd, &st) || fstatfs(subject->fd, &fs) ||
	       fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	       fs.f_type == CGROUP2_SUPER_MAGIC || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
}
