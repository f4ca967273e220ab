/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ledger.h - how many refusals each session's log tells of, kept where a daemon that is killed at any
 * instruction leaves it: in a file of /run, mapped. The kernel counts them all; what a killed daemon
 * held in its hands is in neither log nor ring, and is the difference.
 */
#ifndef LIB_LEDGER_H
#define LIB_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/* Of one slot. While a line is being written, next differs from told, and file and end say how to see
 * whether it was. */
struct ledger_entry {
	uint64_t cgroup; /* the session; 0: none */
	uint64_t told;
	uint64_t next;
	uint64_t file; /* inode number of the log */
	uint64_t end;  /* its size with the line */
};

/*
 * AL_MAX_SESSIONS entries. Where the file cannot be had (a full /run) they are this process's alone:
 * jails hold without it. NULL: out of memory.
 */
struct ledger_entry *ledger_open(const char *path);
void ledger_close(struct ledger_entry *ledger);

void ledger_begin(struct ledger_entry *entry, uint64_t cgroup);
/* Go on with that of an earlier daemon, whose log is open at fd. False: there is none. */
bool ledger_resume(struct ledger_entry *entry, uint64_t cgroup, int fd);

/* Around the write of a line that tells of so many. entry may be NULL. */
void ledger_writing(struct ledger_entry *entry, uint64_t file, uint64_t end, uint64_t refusals);
void ledger_written(struct ledger_entry *entry, bool whole);

#endif
