/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_text.h - the pieces that events and reports are written with: names, times, paths for
 * people, JSON strings. All that comes out of them is printable ASCII, whatever went in.
 */
#ifndef LIB_EVENT_TEXT_H
#define LIB_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "event.h"

#define TEXT_TIME 32  /* buffer for text_time() */
#define TEXT_ERROR 16 /* buffer for text_error() */
#define TEXT_AGE 32   /* buffer for text_age() */
#define TEXT_COMM (4 * AL_COMM + 1)
#define TEXT_PATH (4 * AL_PATH_MAX + 1)
#define TEXT_SESSION (4 * SESSION_NAME_MAX + 1)

#define TEXT_RED "\033[31m"
#define TEXT_GREEN "\033[32m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_ALARM "\033[1;31m"
#define TEXT_PLAIN "\033[0m"

/* "refused" and so on, as in the log line. */
const char *text_verdict(enum event_kind kind);
/* RFC 3339, UTC, microseconds; a time outside 1970..9999 becomes the nearest one inside. */
void text_time(const struct timespec *time, char out[TEXT_TIME]);
/* "EPERM", "none" for 0, the number of one that has no name here, "unknown" for what is no errno.
 */
void text_error(int error, char out[TEXT_ERROR]);
/* escape() of a comm. */
void text_comm(const char *comm, char out[TEXT_COMM]);

/*
 * A path for people: home (may be NULL) as ~. Other than in escape() '=' and single spaces stay as
 * they are; quotes, backslash, control bytes, all outside ASCII, a ~ that is not home, and spaces
 * at an end or beside another are \xNN: so a run of two spaces never comes out, and what stands
 * after one was not written by whoever chose the path. Writes at most size - 1 bytes and NUL, never
 * half an escape; returns the bytes that the whole text needs.
 */
size_t text_path(const char *path, size_t len, const char *home, char *out, size_t size);

bool text_utf8(const char *text, size_t len);
/* A JSON string with its quotes. All beyond ASCII is \uNNNN; a byte that is not UTF-8 is \u00NN. */
void text_json(const char *text, size_t len, FILE *out);
/*
 * "key":"text" and, when text is not UTF-8, ,"key_bytes":"what escape() makes of it". len is at
 * most AL_PATH_MAX.
 */
void text_json_bytes(const char *key, const char *text, size_t len, FILE *out);

/* 45s, 12m, 3h05m, 2d04h: the two largest units of so many seconds, one word. */
void text_age(uint64_t age, char out[TEXT_AGE]);
/*
 * What a report and an entry of the list begin with, up to the directory; the brace stays open.
 * state is in state_size bytes.
 */
void text_json_session(const char *name, const char *state, size_t state_size, bool audit,
		       const char *directory, FILE *out);

#endif
