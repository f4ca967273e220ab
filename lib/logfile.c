/* SPDX-License-Identifier: GPL-2.0-only */
/* logfile.c - see logfile.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "logfile.h"
#include "util.h"

/* Longer than any text that is made of a name of the directory and one of ours. */
#define LOG_PATH (PATH_MAX + LOGFILE_NAME)

#define OURS "" /* whose a set of files is: the session's; else ".uidN" */

static void set_name(const char *session, const char *whose, unsigned int index,
		     char out[LOGFILE_NAME])
{
	if (index)
		snprintf(out, LOGFILE_NAME, "%.*s.log%s.%u", SESSION_NAME_MAX, session, whose,
			 index);
	else
		snprintf(out, LOGFILE_NAME, "%.*s.log%s", SESSION_NAME_MAX, session, whose);
}

void logfile_name(const char *session, unsigned int index, char out[LOGFILE_NAME])
{
	set_name(session, OURS, index, out);
}

static void path_of(const struct logfile *log, const char *whose, unsigned int index,
		    char out[LOG_PATH])
{
	char name[LOGFILE_NAME];

	set_name(log->name, whose, index, name);
	snprintf(out, LOG_PATH, "%s/%s", log->dir, name);
}

static void whose_set(uid_t uid, char out[16])
{
	snprintf(out, 16, ".uid%u", uid);
}

/* 0 or an errno; one that is not there is fine. */
static int move_file(const char *from, const char *to)
{
	return rename(from, to) && errno != ENOENT ? errno : 0;
}

/* Make room for a new file: each moves on by one, the oldest goes if there are too many. */
static int shift(const struct logfile *log)
{
	char from[LOG_PATH], to[LOG_PATH];
	unsigned int last = 1;
	int error = 0;

	path_of(log, OURS, 0, from);
	if (!log->limits->keep)
		return unlink(from) && errno != ENOENT ? errno : 0;
	/* No further than to the first gap, which a daemon may have left that was killed in here. */
	for (; last < log->limits->keep; last++) {
		path_of(log, OURS, last, to);
		if (access(to, F_OK))
			break;
	}
	for (; last && !error; last--) {
		path_of(log, OURS, last - 1, from);
		path_of(log, OURS, last, to);
		error = move_file(from, to);
	}
	return error;
}

/* More were to be kept once. */
static void trim(const struct logfile *log)
{
	char path[LOG_PATH];

	for (unsigned int i = (unsigned int)log->limits->keep + 1; i <= LOGFILE_KEEP_MAX; i++) {
		path_of(log, OURS, i, path);
		unlink(path);
	}
}

static int create(const struct logfile *log, const char *path)
{
	cleanup_fd int fd =
		open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && fchown(fd, log->owner, (gid_t)-1)) {
		int saved = errno;

		unlink(path);
		errno = saved;
		return -1;
	}
	return steal_fd(&fd);
}

/* The file that is written to, as it is, or a new one; 0 or an errno. */
static int open_current(struct logfile *log)
{
	cleanup_fd int fd = -1;
	char path[LOG_PATH], last;
	struct stat st;

	path_of(log, OURS, 0, path);
	/* Not waiting: its owner may hold a lease on it. */
	fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = create(log, path);
	if (fd < 0 || fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	log->torn = st.st_size && (pread(fd, &last, 1, st.st_size - 1) != 1 || last != '\n');
	log->fd = steal_fd(&fd);
	return 0;
}

static int rotate(struct logfile *log)
{
	int error = shift(log);

	if (error)
		return error;
	close(log->fd);
	log->fd = -1;
	return open_current(log);
}

/* A whole line or nothing; 0 or an errno. */
static int append(struct logfile *log, const char *line, size_t len, uint64_t refusals)
{
	char text[EVENT_LINE_MAX + 2];
	size_t size = 0;
	struct stat st;
	int error = log->fd < 0 ? open_current(log) : 0;

	if (error || len > EVENT_LINE_MAX)
		return error ? error : EMSGSIZE;
	/* The file's own size, for its owner may have written to it or cut it. */
	if (fstat(log->fd, &st))
		return errno;
	if (st.st_size && (uint64_t)st.st_size + len + 2 > log->limits->size) {
		error = rotate(log);
		if (error || fstat(log->fd, &st))
			return error ? error : errno;
	}
	if (log->torn)
		text[size++] = '\n';
	memcpy(text + size, line, len);
	size += len;
	text[size++] = '\n';
	ledger_writing(log->told, st.st_ino, (uint64_t)st.st_size + size, refusals);
	error = write_all(log->fd, text, size) ? errno : 0;
	if (!error)
		log->torn = false;
	else if (ftruncate(log->fd, st.st_size))
		log->torn = true;
	ledger_written(log->told, !error);
	return error;
}

/*
 * What is there and somebody else's goes out of the way under its owner's number; what was put away
 * of ours comes back. Each file by itself: it may be half done by a daemon that was killed.
 */
static int sort_out(const struct logfile *log, struct fail *f)
{
	char path[LOG_PATH], other[LOG_PATH], whose[16];
	struct stat st;

	for (unsigned int i = 0; i <= LOGFILE_KEEP_MAX; i++) {
		path_of(log, OURS, i, path);
		if (lstat(path, &st) || st.st_uid == log->owner)
			continue;
		whose_set(st.st_uid, whose);
		path_of(log, whose, i, other);
		if (rename(path, other))
			return fail(f, errno, "cannot put the old log %s away", path);
	}
	whose_set(log->owner, whose);
	for (unsigned int i = 0; i <= LOGFILE_KEEP_MAX; i++) {
		path_of(log, OURS, i, path);
		path_of(log, whose, i, other);
		if (access(path, F_OK) && move_file(other, path))
			return fail(f, errno, "cannot take the old log %s back", other);
	}
	return 0;
}

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

void logfile_init(struct logfile *log)
{
	*log = (struct logfile){.fd = -1};
}

static void set_up(struct logfile *log, const char *dir, const struct log_limits *limits,
		   const char *name, uid_t owner)
{
	logfile_init(log);
	snprintf(log->name, sizeof(log->name), "%s", name);
	log->dir = dir;
	log->limits = limits;
	log->owner = owner;
}

int logfile_begin(struct logfile *log, const char *dir, const struct log_limits *limits,
		  const char *name, uid_t owner, struct fail *f)
{
	char path[LOG_PATH];
	struct stat st;
	int error = 0;

	set_up(log, dir, limits, name, owner);
	path_of(log, OURS, 0, path);
	if (sort_out(log, f)) {
		logfile_init(log);
		return -1;
	}
	if (lstat(path, &st) == 0 && st.st_size)
		error = shift(log);
	trim(log);
	if (!error)
		error = open_current(log);
	if (error && !is_full(error)) {
		logfile_init(log);
		return fail(f, error, "cannot make the log %s", path);
	}
	log->error = error;
	return 0;
}

void logfile_resume(struct logfile *log, const char *dir, const struct log_limits *limits,
		    const char *name, uid_t owner)
{
	set_up(log, dir, limits, name, owner);
	trim(log);
	log->error = open_current(log);
}

void logfile_close(struct logfile *log)
{
	if (log->fd >= 0)
		close(log->fd);
	logfile_init(log);
}

void logfile_drop(struct logfile *log)
{
	char path[LOG_PATH];

	if (!log->name[0])
		return;
	path_of(log, OURS, 0, path);
	unlink(path);
	logfile_close(log);
}

void logfile_drop_empty(const char *dir, const char *name)
{
	char path[LOG_PATH];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%.*s.log", dir, SESSION_NAME_MAX, name);
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size)
		unlink(path);
}

void logfile_write(struct logfile *log, const char *line, size_t len, uint64_t events,
		   uint64_t refusals)
{
	if (!log->name[0])
		return;
	if (!log->error)
		log->error = append(log, line, len, refusals);
	if (!log->error)
		return;
	log->missing += events;
	log->missing_refusals += refusals;
}

void logfile_retry(struct logfile *log)
{
	struct event lost = {.kind = EVENT_LOST, .count = log->missing};
	char line[EVENT_LINE_MAX];

	if (!log->name[0] || !log->error)
		return;
	if (!log->missing) {
		log->error = log->fd < 0 ? open_current(log) : 0;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &lost.time);
	snprintf(lost.session, sizeof(lost.session), "%s", log->name);
	log->error = append(log, line, event_line(&lost, line), log->missing_refusals);
	if (!log->error)
		log->missing = log->missing_refusals = 0;
}

/* The files of one session that ended, by the name of the first. */
struct ended {
	char name[NAME_MAX + 1];
	struct timespec time;
};

static int by_time(const void *a, const void *b)
{
	const struct timespec *x = &((const struct ended *)a)->time;
	const struct timespec *y = &((const struct ended *)b)->time;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* NAME.log gives NAME, NAME.log.uidN gives "": no session writes to it. False: neither. */
static bool first_of_set(const char *file, char session[NAME_MAX + 1])
{
	const char *at, *end = NULL;
	size_t len = strlen(file);

	session[0] = '\0';
	if (len > 4 && strcmp(file + len - 4, ".log") == 0) {
		snprintf(session, NAME_MAX + 1, "%.*s", (int)(len - 4), file);
		return true;
	}
	for (at = strstr(file, ".log.uid"); at; at = strstr(at + 1, ".log.uid"))
		end = at + strlen(".log.uid");
	return end && *end && strspn(end, "0123456789") == strlen(end);
}

static void remove_set(const char *dir, const char *name)
{
	char path[LOG_PATH];

	/* The first goes last: killed in here, the rest is found again. */
	for (unsigned int i = LOGFILE_KEEP_MAX; i > 0; i--) {
		snprintf(path, sizeof(path), "%s/%s.%u", dir, name, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

void logfile_prune(const char *dir, const struct log_limits *limits, uid_t owner,
		   bool (*alive)(const char *name, uid_t owner, void *data), void *data)
{
	cleanup_free struct ended *all = NULL;
	char session[NAME_MAX + 1];
	struct dirent *entry;
	struct stat st;
	size_t len = 0;
	DIR *entries = opendir(dir);

	while (entries && (entry = readdir(entries))) {
		struct ended *more;

		if (!first_of_set(entry->d_name, session) ||
		    fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    st.st_uid != owner || (session[0] && alive(session, owner, data)))
			continue;
		more = reallocarray(all, len + 1, sizeof(*all));
		if (!more)
			break; /* then they are removed another time */
		all = more;
		snprintf(all[len].name, sizeof(all[len].name), "%s", entry->d_name);
		all[len++].time = st.st_mtim;
	}
	if (entries)
		closedir(entries);
	if (len)
		qsort(all, len, sizeof(*all), by_time);
	for (size_t i = 0; len - i > limits->ended; i++)
		remove_set(dir, all[i].name);
}
