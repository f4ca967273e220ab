/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cg_files.c - what a session's cgroup says in its files: how much is used, whether it is frozen,
 * what went wrong. See cg.h; here nothing is made, and nobody knows libcgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

#include "cg.h"
#include "util.h"

/* A number of one file; "max" is 0, what cannot be read is USAGE_UNKNOWN. */
static uint64_t read_number(int dir, const char *file)
{
	char text[64] = "";
	uint64_t number;

	if (read_text_at(dir, file, text, sizeof(text)) < 0)
		return USAGE_UNKNOWN;
	return sscanf(text, "%" SCNu64, &number) == 1 ? number : 0;
}

static uint64_t read_limit(int dir, const char *file)
{
	uint64_t limit = read_number(dir, file);

	return limit == USAGE_UNKNOWN ? 0 : limit;
}

static uint64_t read_cpu(int dir)
{
	char text[64] = "";
	uint64_t quota, period;

	if (read_text_at(dir, "cpu.max", text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || !period)
		return 0;
	return (quota * 100 + period - 1) / period;
}

void cg_usage(struct cg *cg, const char *name, struct usage *out_usage)
{
	cleanup_fd int dir = cg_open_session(cg, name);

	out_usage->now[LIMIT_MEMORY] = read_number(dir, "memory.current");
	out_usage->now[LIMIT_PIDS] = read_number(dir, "pids.current");
	out_usage->now[LIMIT_CPU] = USAGE_UNKNOWN;
	out_usage->limits.of[LIMIT_MEMORY] = read_limit(dir, "memory.max");
	out_usage->limits.of[LIMIT_PIDS] = read_limit(dir, "pids.max");
	out_usage->limits.of[LIMIT_CPU] = read_cpu(dir);
}

static bool said(int dir, const char *line)
{
	char events[256] = "";

	return read_text_at(dir, "cgroup.events", events, sizeof(events)) > 0 &&
	       strstr(events, line);
}

int cg_freeze(struct cg *cg, const char *name, bool freeze, bool *out_done, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);

	if (dir < 0 || write_text_at(dir, "cgroup.freeze", freeze ? "1" : "0"))
		return fail(f, errno, "cannot %s session '%s'", freeze ? "freeze" : "thaw",
			    Q(name));
	*out_done = said(dir, freeze ? "frozen 1" : "frozen 0");
	return 0;
}

bool cg_frozen(struct cg *cg, const char *name)
{
	cleanup_fd int dir = cg_open_session(cg, name);

	/* The second is also so if a cgroup above it was told. */
	return read_limit(dir, "cgroup.freeze") == 1 || said(dir, "frozen 1");
}

static const struct {
	const char *file;
	const char *key;
} ALARMS[] = {
	[CG_OOM_KILL] = {"memory.events", "oom_kill"},
	[CG_FORK_REFUSED] = {"pids.events", "max"},
};
_Static_assert(ARRAY_SIZE(ALARMS) == CG_ALARMS, "each alarm has a file");

/* cgroupfs keeps extended attributes of its files as long as the cgroup is there. */
#define TOLD "trusted.agent-lock.told"

int cg_alarm_open(struct cg *cg, const char *name, enum cg_alarm alarm, int *out_fd, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);

	*out_fd = openat(dir, ALARMS[alarm].file, O_RDONLY | O_CLOEXEC);
	if (*out_fd < 0 && errno != ENOENT)
		return fail(f, errno, "cannot open %s of session '%s'", ALARMS[alarm].file,
			    Q(name));
	return 0;
}

/* The number behind a key of a file such as memory.events. */
static uint64_t event_count(char *text, const char *key)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		size_t len = strlen(key);

		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

uint64_t cg_alarm_count(int fd, enum cg_alarm alarm)
{
	char text[512];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len < 0)
		return 0; /* the cgroup is gone */
	text[len] = '\0';
	return event_count(text, ALARMS[alarm].key);
}

int cg_population_open(struct cg *cg, const char *name, struct fail *f)
{
	cleanup_fd int dir = cg_open_session(cg, name);
	int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail(f, errno, "cannot open cgroup.events of session '%s'", Q(name)) : fd;
}

int cg_populated(int fd, bool *out_populated)
{
	char text[256];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len < 0)
		return -1;
	text[len] = '\0';
	*out_populated = event_count(text, "populated") == 1;
	return 0;
}

uint64_t cg_alarm_told(int fd)
{
	uint64_t told;

	return fgetxattr(fd, TOLD, &told, sizeof(told)) == sizeof(told) ? told : 0;
}

void cg_alarm_tell(int fd, uint64_t count)
{
	/* If it fails the next daemon tells it again, which is better than never. */
	(void)fsetxattr(fd, TOLD, &count, sizeof(count), 0);
}
