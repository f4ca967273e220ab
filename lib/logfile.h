/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * logfile.h - the log of a session on disk: NAME.log, and what was rotated away from it as
 * NAME.log.1 (the latest), NAME.log.2 ... Its owner's, for nobody else to read; in a directory that
 * only root can write, so nobody else makes, renames or removes files there.
 *
 * No file grows beyond size, and there are never more than keep + 1: a line that would not fit goes
 * into a new one, for which the oldest makes room before it is made. So a session has no more than
 * size * (keep + 1) bytes, whatever it does.
 *
 * A new session of that name begins a new NAME.log and rotates what its owner had there. What others
 * had is theirs still, as NAME.log.uidN and NAME.log.uidN.1 ..., until they have a session of that
 * name again: nobody loses a line to anybody else. Of sessions that ended, a user keeps the logs of
 * the last `ended`.
 *
 * What cannot be written (the disk is full) is counted, and said in a `lost` line when there is room
 * again. No line is ever there in part.
 */
#ifndef LIB_LOGFILE_H
#define LIB_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"
#include "fail.h"
#include "ledger.h"

#define LOGFILE_SIZE_MIN (64 << 10) /* the longest line fits thrice */
#define LOGFILE_SIZE_MAX (1ULL << 40)
#define LOGFILE_KEEP_MAX 99
#define LOGFILE_ENDED_MAX 10000

/* [log] of the configuration. */
struct log_limits {
	uint64_t size;	/* bytes of one file */
	uint64_t keep;	/* rotated ones besides */
	uint64_t ended; /* sessions of a user that ended and whose logs are kept */
};
#define LOG_LIMITS_DEFAULT ((struct log_limits){.size = 8 << 20, .keep = 3, .ended = 100})

struct logfile {
	char name[SESSION_NAME_MAX + 1]; /* the session's; "": there is no log */
	const char *dir;
	const struct log_limits *limits;
	uid_t owner;
	int fd;			   /* -1: none at the moment */
	int error;		   /* why nothing is written now, an errno; 0: it is */
	uint64_t missing;	   /* events that are not in it since */
	uint64_t missing_refusals; /* of these */
	struct ledger_entry *told; /* the caller's, or NULL */
	bool torn;		   /* it ends in half a line */
};

#define LOGFILE_NAME (SESSION_NAME_MAX + 32)
/* The name of a file in dir: index 0 is the one that is written to. */
void logfile_name(const char *session, unsigned int index, char out[LOGFILE_NAME]);

/* One that is not there: everything may be done with it, and does nothing. */
void logfile_init(struct logfile *log);
/*
 * Begin the log of a new session; log was logfile_init()ed. dir and limits are kept, not copied. A
 * full disk is no failure: log->error says so.
 */
int logfile_begin(struct logfile *log, const char *dir, const struct log_limits *limits,
		  const char *name, uid_t owner, struct fail *f);
/* Go on with one that is there. Never fails: log->error says what is wrong. */
void logfile_resume(struct logfile *log, const char *dir, const struct log_limits *limits,
		    const char *name, uid_t owner);
/* Remove what logfile_begin() made: the session did not come to be. */
void logfile_drop(struct logfile *log);
/* The same for a daemon that was killed meanwhile: one that has a line is somebody's and stays. */
void logfile_drop_empty(const char *dir, const char *name);
void logfile_close(struct logfile *log);

/* Append a line, given without its newline, that stands for so many events, of them refusals. */
void logfile_write(struct logfile *log, const char *line, size_t len, uint64_t events,
		   uint64_t refusals);
/* If it stopped: is there room by now? */
void logfile_retry(struct logfile *log);

/*
 * Remove the logs of this user's ended sessions but the latest limits->ended. alive: has this user a
 * session of that name?
 */
void logfile_prune(const char *dir, const struct log_limits *limits, uid_t owner,
		   bool (*alive)(const char *name, uid_t owner, void *data), void *data);

#endif
