/* SPDX-License-Identifier: GPL-2.0-only */
/* git_user.c - see git.h */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git.h"
#include "git_inside.h"
#include "gitconfig.h"
#include "util.h"

#define FILES_MAX 64 /* that are read */
#define COPY "gitconfig"
#define VARIABLE "GIT_CONFIG_GLOBAL=${TMPDIR}/" COPY

/* $XDG_CONFIG_HOME, or what stands for it. */
static bool config_home(const char *home, char *out, size_t size)
{
	const char *set = getenv("XDG_CONFIG_HOME");
	int len = set && set[0] == '/' ? snprintf(out, size, "%s", set)
				       : snprintf(out, size, "%s/.config", home);

	return len > 0 && (size_t)len < size;
}

/* ~/ is the home directory; what is relative is so to the file that says it. */
static bool expand(const char *home, const char *file, const char *value, char *out, size_t size)
{
	int len;

	if (value[0] == '~' && value[1] == '/')
		len = snprintf(out, size, "%s%s", home, value + 1);
	else if (value[0] == '/')
		len = snprintf(out, size, "%s", value);
	else
		len = snprintf(out, size, "%.*s/%s", (int)(strrchr(file, '/') - file), file, value);
	return value[0] && len > 0 && (size_t)len < size;
}

static int open_directory_of(const char *path)
{
	cleanup_free char *above = strdup(path);

	if (!above)
		return -1;
	*strrchr(above, '/') = '\0';
	return git_open(AT_FDCWD, *above ? above : "/");
}

/* A place of the user's own, which no session has by default. */
static bool is_own(const char *home, const char *path)
{
	char config[PATH_MAX];
	cleanup_fd int dir = open_directory_of(path), at_home = git_open(AT_FDCWD, home);
	cleanup_fd int at_config =
		config_home(home, config, sizeof(config)) ? git_open(AT_FDCWD, config) : -1;

	return git_same(dir, at_home) ||
	       (dir >= 0 && at_config >= 0 && git_lies_in(dir, at_config));
}

/*
 * Elsewhere, in a project for instance, a session could have put a link in the file's place, or words of its
 * own: there no link is followed, and nothing that is said there.
 */
static bool may_be_followed(const char *home, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && (!S_ISLNK(st.st_mode) || is_own(home, path));
}

static const struct git_user_file *find(const struct git_user *user, const char *path)
{
	for (size_t i = 0; i < user->len; i++)
		if (strcmp(user->files[i].path, path) == 0)
			return &user->files[i];
	return NULL;
}

static int add_file(struct git_user *user, const char *path, unsigned int depth, struct fail *f)
{
	cleanup_free char *real = realpath(path, NULL);
	cleanup_free char *text = real && may_be_followed(user->home, path)
					  ? git_read(AT_FDCWD, real, GITCONFIG_MAX)
					  : NULL;
	char name[GITCONFIG_KEY];
	struct git_user_file *more, *file;

	if (!text || find(user, path) || user->len == FILES_MAX)
		return 0;
	more = reallocarray(user->files, user->len + 1, sizeof(*more));
	if (!more)
		return fail(f, ENOMEM, "cannot read '%s'", Q(path));
	user->files = more;
	file = &more[user->len];
	*file = (struct git_user_file){.path = strdup(path), .depth = depth, .len = strlen(text)};
	if (!file->path)
		return fail(f, ENOMEM, "cannot read '%s'", Q(path));
	user->len++;
	file->text = text;
	text = NULL;
	file->own = is_own(user->home, path);
	file->secret = gitconfig_has_secret(file->text, file->len, name);
	if (file->secret && !user->first_secret[0])
		snprintf(user->first_secret, sizeof(user->first_secret), "%s in '%.*s'", name,
			 (int)(sizeof(user->first_secret) - sizeof(name) - 8), Q(path));
	return 0;
}

struct including {
	struct git_user *user;
	size_t file;
	int ret;
	struct fail *f;
};

/* Whatever condition it has: which one holds depends on where git is run. */
static void take_include(const struct gitconfig_entry *entry, void *data)
{
	struct including *including = data;
	const struct git_user_file *file = &including->user->files[including->file];
	char path[PATH_MAX];

	if (including->ret || !gitconfig_is_include(entry) || !entry->value ||
	    !expand(including->user->home, file->path, entry->value, path, sizeof(path)))
		return;
	including->ret = add_file(including->user, path, file->depth + 1, including->f);
}

static int add_first(struct git_user *user, struct fail *f)
{
	const char *set = getenv("GIT_CONFIG_GLOBAL");
	char path[PATH_MAX], config[PATH_MAX];

	if (set)
		return set[0] == '/' ? add_file(user, set, 0, f) : 0;
	if (config_home(user->home, config, sizeof(config)) &&
	    snprintf(path, sizeof(path), "%s/git/config", config) < (int)sizeof(path) &&
	    add_file(user, path, 0, f))
		return -1;
	return snprintf(path, sizeof(path), "%s/.gitconfig", user->home) < (int)sizeof(path)
		       ? add_file(user, path, 0, f)
		       : 0;
}

int git_user_read(const char *home, struct git_user *out_user, struct fail *f)
{
	struct including including = {.user = out_user, .f = f};

	*out_user = (struct git_user){.home = home};
	if (!home)
		return 0;
	if (add_first(out_user, f))
		return -1;
	for (size_t i = 0; i < out_user->len && !including.ret; i++) {
		const struct git_user_file file = out_user->files[i];

		including.file = i;
		/* What git would refuse is looked at up to there. */
		if (file.own && file.depth < GIT_DEPTH_MAX)
			(void)gitconfig_read(file.text, file.len, take_include, &including);
	}
	return including.ret;
}

void git_user_done(struct git_user *user)
{
	for (size_t i = 0; i < user->len; i++) {
		explicit_bzero(user->files[i].text, user->files[i].len);
		free(user->files[i].text);
		free(user->files[i].path);
	}
	free(user->files);
	*user = (struct git_user){0};
}

struct naming {
	const struct git_user *user;
	const struct git_user_file *file;
	struct policy *policy;
	int ret;
	struct fail *f;
};

/* What git fails without, once it is named. */
static bool names_file(const struct gitconfig_entry *entry)
{
	static const char *const keys[][2] = {
		{"core", "hookspath"},	{"core", "excludesfile"},    {"core", "attributesfile"},
		{"commit", "template"}, {"blame", "ignorerevsfile"}, {"init", "templatedir"},
		{"mailmap", "file"},	{"http", "sslcainfo"},
	};

	for (size_t i = 0; entry->key && i < ARRAY_SIZE(keys); i++)
		if (strcmp(entry->section, keys[i][0]) == 0 && strcmp(entry->key, keys[i][1]) == 0)
			return true;
	return false;
}

static void take_named(const struct gitconfig_entry *entry, void *data)
{
	struct naming *naming = data;
	const char *home = naming->user->home, *value = entry->value;
	char path[PATH_MAX];

	/* Without ~/ or / it is relative to where git is run. */
	if (naming->ret || !names_file(entry) || !value || !strchr("~/", value[0]) ||
	    !expand(home, naming->file->path, value, path, sizeof(path)) ||
	    !may_be_followed(home, path))
		return;
	naming->ret =
		policy_add(naming->policy, POLICY_RO, path, GIT_ORIGIN, false, true, naming->f);
}

/* Beside the configuration: ignore, attributes; not the stored passwords. */
static int add_config_home(const char *home, struct policy *policy, struct fail *f)
{
	char config[PATH_MAX], path[PATH_MAX];

	if (!config_home(home, config, sizeof(config)) ||
	    snprintf(path, sizeof(path), "%s/git/credentials", config) >= (int)sizeof(path))
		return 0;
	if (policy_add(policy, POLICY_DENY, path, GIT_ORIGIN, false, true, f))
		return -1;
	*strrchr(path, '/') = '\0';
	return policy_add(policy, POLICY_RO, path, GIT_ORIGIN, false, true, f);
}

int git_user_add_rules(const struct git_user *user, struct policy *policy, struct fail *f)
{
	struct naming naming = {.user = user, .policy = policy, .f = f};

	if (!user->home)
		return 0;
	if (add_config_home(user->home, policy, f))
		return -1;
	for (size_t i = 0; i < user->len && !naming.ret; i++) {
		const struct git_user_file *file = naming.file = &user->files[i];

		if (policy_add(policy, file->secret ? POLICY_DENY : POLICY_RO, file->path,
			       GIT_ORIGIN, false, true, f))
			return -1;
		if (file->own)
			(void)gitconfig_read(file->text, file->len, take_named, &naming);
	}
	if (naming.ret || !user->first_secret[0])
		return naming.ret;
	return policy_add_variable(policy, POLICY_SET, VARIABLE, f);
}

bool git_copies_wanted(const struct policy *policy)
{
	for (size_t i = 0; i < policy->variables_len; i++)
		if (policy->variables[i].kind == POLICY_SET &&
		    strcmp(policy->variables[i].text, VARIABLE) == 0)
			return true;
	return false;
}

static void copy_name(size_t index, char *out, size_t size)
{
	snprintf(out, size, index ? COPY ".%zu" : COPY, index);
}

struct replacing {
	const struct git_user *user;
	const struct git_user_file *file;
	char path[PATH_MAX];
};

/* By the copy of it, which is beside; NULL: there is none, and git is not to look for it. */
static const char *replace(const char *value, void *data)
{
	struct replacing *replacing = data;
	const struct git_user *user = replacing->user;
	const struct git_user_file *found;

	if (!replacing->file->own || !expand(user->home, replacing->file->path, value,
					     replacing->path, sizeof(replacing->path)))
		return NULL;
	found = find(user, replacing->path);
	if (!found)
		return NULL;
	copy_name((size_t)(found - user->files) + 1, replacing->path, sizeof(replacing->path));
	return replacing->path;
}

static int copy_file(const struct git_user *user, const struct git_user_file *file,
		     struct git_copy *out)
{
	cleanup_free char *dir = strdup(file->path);
	struct replacing replacing = {.user = user, .file = file};
	struct gitconfig_includes includes = {.replace = replace, .data = &replacing, .dir = dir};

	if (!dir)
		return -1;
	*strrchr(dir, '/') = '\0';
	out->text = gitconfig_filter(file->text, file->len, &includes, &out->len);
	return out->text ? 0 : -1;
}

/* One that includes those that git reads by itself, in the order in which it does. */
static int copy_first(const struct git_user *user, struct git_copy *out)
{
	FILE *text = open_memstream(&out->text, &out->len);

	if (!text)
		return -1;
	fputs("# agent-lock: copies without what looks like a secret\n", text);
	for (size_t i = 0; i < user->len; i++)
		if (user->files[i].depth == 0)
			fprintf(text, "[include]\n\tpath = " COPY ".%zu\n", i + 1);
	return fclose(text) ? -1 : 0;
}

int git_copies_make(const struct git_user *user, struct git_copies *out_copies, struct fail *f)
{
	struct git_copies copies = {.list = calloc(user->len + 1, sizeof(*copies.list)),
				    .len = user->len + 1};
	int ret = !copies.list || copy_first(user, &copies.list[0]) ? -1 : 0;

	for (size_t i = 0; i < user->len && !ret; i++)
		ret = copy_file(user, &user->files[i], &copies.list[i + 1]);
	if (ret) {
		git_copies_done(&copies);
		return fail(f, ENOMEM, "cannot copy git's configuration");
	}
	*out_copies = copies;
	return 0;
}

/* Whole or not at all, also for who reads it meanwhile; a name that is there may be anything. */
static int write_copy(int dir, const struct git_copy *copy, size_t index)
{
	char name[64], temporary[96];
	int fd, ret;

	copy_name(index, name, sizeof(name));
	snprintf(temporary, sizeof(temporary), "%s.new.%d", name, (int)getpid());
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	ret = write_all(fd, copy->text, copy->len);
	if (close(fd) || ret || renameat(dir, temporary, dir, name)) {
		int no = errno;

		unlinkat(dir, temporary, 0);
		errno = no;
		return -1;
	}
	return 0;
}

int git_copies_write(const struct git_copies *copies, const char *tmpdir, struct fail *f)
{
	cleanup_fd int dir = open(tmpdir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* What is included is there before what includes it. */
	for (size_t i = copies->len; i-- > 0;)
		if (dir < 0 || write_copy(dir, &copies->list[i], i))
			return fail(f, errno, "cannot write a copy of git's configuration to '%s'",
				    Q(tmpdir));
	return 0;
}

void git_copies_done(struct git_copies *copies)
{
	for (size_t i = 0; copies->list && i < copies->len; i++)
		free(copies->list[i].text);
	free(copies->list);
	*copies = (struct git_copies){0};
}
