/* SPDX-License-Identifier: GPL-2.0-only */
/* exposure.c - see exposure.h */
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "../bpf/agent_lock.h"
#include "climb.h"
#include "exposure.h"
#include "proto.h"
#include "util.h"

static const char *const in_home[] = {"", "/.ssh", "/.gnupg", "/.aws", "/.config", "/.netrc"};
static const char *const on_machine[] = {
	"/home",       "/etc",	      "/usr",	     "/root",
	"/tmp",	       "/var/tmp",    "/dev/shm",    "/etc/agent-lock",
	PROTO_RUN_DIR, PROTO_LOG_DIR, "/sys/fs/bpf",
};

/* A file begins at the directory that holds it. */
bool exposure_holds(const struct stat *dir, const char *place)
{
	cleanup_fd int at = open(place, O_PATH | O_CLOEXEC);
	struct stat st;

	if (at < 0 || fstat(at, &st))
		return false;
	if (!S_ISDIR(st.st_mode)) {
		char holder[AL_PATH_MAX];
		char *slash;

		snprintf(holder, sizeof(holder), "%s", place);
		slash = strrchr(holder, '/');
		if (!slash || slash == holder)
			return false;
		*slash = '\0';
		return exposure_holds(dir, holder);
	}
	return climb_meets(at, dir) > 0;
}

/* The program that asks: who can change it is not held by it. */
static bool holds_this_program(const struct stat *dir, char *out, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", out, size - 1);

	if (len < 0)
		return false;
	out[len] = '\0';
	return exposure_holds(dir, out);
}

static void add(const char *name, char *out, size_t size)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s", len ? ", " : "", Q(name));
}

/* The places in one home directory. */
static size_t exposed_of(const char *home, const struct stat *dir, char *out, size_t size)
{
	char place[AL_PATH_MAX];
	size_t found = 0;

	for (size_t i = 0; home && i < ARRAY_SIZE(in_home); i++) {
		snprintf(place, sizeof(place), "%s%s", home, in_home[i]);
		if (!exposure_holds(dir, place))
			continue;
		add(place, out, size);
		found++;
	}
	return found;
}

size_t exposure(int fd, const char *home, char *out, size_t size)
{
	const struct passwd *owner;
	struct stat dir;
	size_t found;
	char place[AL_PATH_MAX];

	out[0] = '\0';
	if (fstat(fd, &dir))
		return 0;
	found = exposed_of(home, &dir, out, size);
	/* Under sudo --root the home that counts is not the caller's. */
	owner = getpwuid(dir.st_uid);
	if (owner && (!home || strcmp(owner->pw_dir, home) != 0))
		found += exposed_of(owner->pw_dir, &dir, out, size);
	for (size_t i = 0; i < ARRAY_SIZE(on_machine); i++) {
		if (!exposure_holds(&dir, on_machine[i]))
			continue;
		add(on_machine[i], out, size);
		found++;
	}
	if (holds_this_program(&dir, place, sizeof(place))) {
		add(place, out, size);
		found++;
	}
	return found;
}
