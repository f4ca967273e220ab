/* SPDX-License-Identifier: GPL-2.0-only */
/* list.c - see list.h */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event_text.h"
#include "list.h"
#include "util.h"

enum column {
	NAME,
	STATE,
	MODE,
	DIRECTORY,
	PROCESSES,
	OPENS,
	REFUSED,
	AGE,
	OWNER,
	MEMORY,
	PIDS,
	LOG,
	UNMARKED,
	COLUMNS,
};

static const struct {
	const char *title;
	bool right;
} TITLES[COLUMNS] = {
	[NAME] = {"NAME", false},	   [STATE] = {"STATE", false},
	[MODE] = {"MODE", false},	   [DIRECTORY] = {"DIRECTORY", false},
	[PROCESSES] = {"PROCESSES", true}, [OPENS] = {"OPENS", true},
	[REFUSED] = {"REFUSED", true},	   [AGE] = {"AGE", true},
	[OWNER] = {"OWNER", true},	   [MEMORY] = {"MEMORY", true},
	[PIDS] = {"PIDS", true},	   [LOG] = {"LOG", true},
	[UNMARKED] = {"UNMARKED", true},
};

/* A clock that was set back must not make an age of centuries. */
static uint64_t entry_age(const struct list_entry *entry, int64_t now)
{
	return now > entry->created ? (uint64_t)now - (uint64_t)entry->created : 0;
}

/* What is used, and behind a slash what may be. */
static void usage_cell(const struct usage *usage, enum limit kind, char out[TEXT_PATH])
{
	char now[LIMIT_TEXT], limit[LIMIT_TEXT];

	if (usage->now[kind] == USAGE_UNKNOWN)
		strcpy(now, "-");
	else if (kind == LIMIT_MEMORY)
		limit_size_text(usage->now[kind], now);
	else
		snprintf(now, sizeof(now), "%" PRIu64, usage->now[kind]);
	limit_text(kind, usage->limits.of[kind], limit);
	if (usage->limits.of[kind])
		snprintf(out, TEXT_PATH, "%s/%s", now, limit);
	else
		strcpy(out, now);
}

/* Is its log written? */
static const char *log_state(const struct list_entry *entry)
{
	if (!entry->log_error)
		return "ok";
	return entry->log_error == ENOSPC || entry->log_error == EDQUOT ? "full" : "stopped";
}

static void put_number(uint64_t number, char out[TEXT_PATH])
{
	snprintf(out, TEXT_PATH, "%" PRIu64, number);
}

static void list_cell(const struct list_entry *entry, enum column column, int64_t now,
		      char out[TEXT_PATH])
{
	out[0] = '\0';
	switch (column) {
	case NAME:
		escape(entry->name, strnlen(entry->name, SESSION_NAME_MAX), out, TEXT_PATH);
		break;
	case STATE:
		escape(entry->state, strnlen(entry->state, sizeof(entry->state) - 1), out,
		       TEXT_PATH);
		break;
	case MODE:
		strcpy(out, entry->audit ? "audit" : "enforce");
		break;
	case DIRECTORY:
		escape(entry->directory, strnlen(entry->directory, AL_PATH_MAX), out, TEXT_PATH);
		break;
	case PROCESSES:
		put_number(entry->processes, out);
		break;
	case OPENS:
		put_number(entry->opens, out);
		break;
	case REFUSED:
		put_number(entry->refused, out);
		break;
	case AGE:
		text_age(entry_age(entry, now), out);
		break;
	case OWNER:
		put_number(entry->owner, out);
		break;
	case MEMORY:
		usage_cell(&entry->usage, LIMIT_MEMORY, out);
		break;
	case PIDS:
		usage_cell(&entry->usage, LIMIT_PIDS, out);
		break;
	case LOG:
		strcpy(out, log_state(entry));
		break;
	case UNMARKED:
		put_number(entry->unmarked, out);
		break;
	case COLUMNS:
		break;
	}
	if (!out[0])
		strcpy(out, "-");
}

static void put_cell(const char *text, enum column column, int width, FILE *out)
{
	bool last = column + 1 == COLUMNS;

	fprintf(out, "%*s%s", TITLES[column].right ? width : -width, text, last ? "\n" : "  ");
}

void list_text(const struct list_entry *entries, size_t len, int64_t now, FILE *out)
{
	int widths[COLUMNS];
	char cell[TEXT_PATH];
	enum column column;
	size_t i;

	for (column = 0; column < COLUMNS; column++) {
		widths[column] = (int)strlen(TITLES[column].title);
		for (i = 0; i < len; i++) {
			list_cell(&entries[i], column, now, cell);
			if (widths[column] < (int)strlen(cell))
				widths[column] = (int)strlen(cell);
		}
	}
	for (column = 0; column < COLUMNS; column++)
		put_cell(TITLES[column].title, column, widths[column], out);
	for (i = 0; i < len; i++) {
		for (column = 0; column < COLUMNS; column++) {
			list_cell(&entries[i], column, now, cell);
			put_cell(cell, column, widths[column], out);
		}
	}
}

static void json_number(const char *key, uint64_t number, uint64_t none, FILE *out)
{
	if (number == none)
		fprintf(out, ",\"%s\":null", key);
	else
		fprintf(out, ",\"%s\":%" PRIu64, key, number);
}

static void json_usage(const struct usage *usage, FILE *out)
{
	json_number("memory", usage->now[LIMIT_MEMORY], USAGE_UNKNOWN, out);
	json_number("memory_limit", usage->limits.of[LIMIT_MEMORY], 0, out);
	json_number("pids", usage->now[LIMIT_PIDS], USAGE_UNKNOWN, out);
	json_number("pids_limit", usage->limits.of[LIMIT_PIDS], 0, out);
	json_number("cpu_limit", usage->limits.of[LIMIT_CPU], 0, out);
}

void list_json(const struct list_entry *entries, size_t len, int64_t now, FILE *out)
{
	const struct list_entry *entry;
	char error[TEXT_ERROR];
	size_t i;

	putc('[', out);
	for (i = 0; i < len; i++) {
		entry = &entries[i];
		if (i)
			putc(',', out);
		text_json_session(entry->name, entry->state, sizeof(entry->state), entry->audit,
				  entry->directory, out);
		fprintf(out,
			",\"processes\":%" PRIu64 ",\"opens\":%" PRIu64 ",\"refused\":%" PRIu64
			",\"age\":%" PRIu64 ",\"owner\":%" PRIu32 ",\"unmarked\":%" PRIu32
			",\"log\":\"%s\"",
			entry->processes, entry->opens, entry->refused, entry_age(entry, now),
			entry->owner, entry->unmarked, log_state(entry));
		if (entry->log_error) {
			text_error(entry->log_error, error);
			fprintf(out, ",\"log_error\":\"%s\",\"log_missing\":%" PRIu64, error,
				entry->log_missing);
		}
		json_usage(&entry->usage, out);
		putc('}', out);
	}
	fputs("]\n", out);
}
