/* SPDX-License-Identifier: GPL-2.0-only */
/* report.c - see report.h */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <linux/types.h>

#include "event_text.h"
#include "report.h"
#include "util.h"

#define BAR_CELLS 30
#define BAR_CELLS_MIN 10
#define WIDTH_DEFAULT 80

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void paint(const struct event_style *style, const char *colour, const char *text, FILE *out)
{
	fprintf(out, "%s%s%s", style->colour ? colour : "", text, style->colour ? TEXT_PLAIN : "");
}

struct report_target *report_add(struct report *report, const char *path, size_t len)
{
	struct report_target *target, *targets;
	size_t cap = report->cap ? report->cap * 2 : 64;
	char *copy;

	if (report->len >= report->cap) {
		targets = reallocarray(report->targets, cap, sizeof(*targets));
		if (!targets)
			return NULL;
		report->targets = targets;
		report->cap = cap;
	}
	if (len > AL_PATH_MAX) {
		path += len - AL_PATH_MAX;
		len = AL_PATH_MAX;
	}
	copy = malloc(len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, path, len);
	copy[len] = '\0';
	target = &report->targets[report->len++];
	memset(target, 0, sizeof(*target));
	target->path = copy;
	target->path_len = len;
	return target;
}

void report_done(struct report *report)
{
	size_t i;

	for (i = 0; i < report->len; i++)
		free(report->targets[i].path);
	free(report->targets);
	report->targets = NULL;
	report->len = report->cap = 0;
}

static int compare_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_time(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

/* Are they the same target? Otherwise, which is first. */
static int compare_target(const struct report_target *a, const struct report_target *b)
{
	size_t len = a->path_len < b->path_len ? a->path_len : b->path_len;
	int order = memcmp(a->path, b->path, len);

	if (order == 0)
		order = compare_number(a->path_len, b->path_len);
	if (order == 0)
		order = compare_number(a->op, b->op);
	if (order == 0)
		order = compare_number(a->verdict, b->verdict);
	return order;
}

/*
 * The same targets side by side, the busiest program first: it is the one to be named when there is
 * no room for all.
 */
static int order_by_target(const void *a, const void *b)
{
	const struct report_target *left = a, *right = b;
	int order = compare_target(left, right);

	return order ? order : compare_number(right->count, left->count);
}

static int order_by_count(const void *a, const void *b)
{
	const struct report_target *left = a, *right = b;
	int order = compare_number(right->count, left->count);

	return order ? order : compare_target(left, right);
}

static void merge_comm(struct report_target *into, const struct report_comm *from)
{
	struct report_comm *comm;
	uint32_t i;

	for (i = 0; i < into->comms_len; i++) {
		comm = &into->comms[i];
		if (strncmp(comm->comm, from->comm, AL_COMM) == 0) {
			comm->count = add(comm->count, from->count);
			return;
		}
	}
	if (into->comms_len == REPORT_COMMS)
		into->comms_cut = true;
	else
		into->comms[into->comms_len++] = *from;
}

static void merge_target(struct report_target *into, const struct report_target *from)
{
	uint32_t i;

	into->count = add(into->count, from->count);
	into->sensitive |= from->sensitive;
	into->comms_cut |= from->comms_cut;
	if (compare_time(&from->first, &into->first) < 0)
		into->first = from->first;
	if (compare_time(&from->last, &into->last) > 0) {
		into->last = from->last;
		/*
		 * Rules change while a session runs: the one that decided last is the one to look
		 * at.
		 */
		memcpy(into->rule, from->rule, sizeof(into->rule));
	}
	for (i = 0; i < from->comms_len; i++)
		merge_comm(into, &from->comms[i]);
}

void report_merge(struct report *report)
{
	struct report_target *targets = report->targets;
	size_t i, len = 0;

	if (report->len == 0)
		return;
	qsort(targets, report->len, sizeof(*targets), order_by_target);
	for (i = 1; i < report->len; i++) {
		if (compare_target(&targets[len], &targets[i]) == 0) {
			merge_target(&targets[len], &targets[i]);
			free(targets[i].path);
		} else if (++len != i) {
			targets[len] = targets[i];
		}
	}
	report->len = len + 1;
	qsort(targets, report->len, sizeof(*targets), order_by_count);
}

uint64_t report_total(const struct report *report, enum al_verdict verdict)
{
	uint64_t total = 0;
	size_t op;

	for (op = 0; op < AL_NOPS; op++)
		total = add(total, report->counts[op][verdict]);
	return total;
}

size_t report_bar(uint64_t part, uint64_t rest, size_t cells)
{
	size_t filled;

	if (part == 0 || cells == 0)
		return 0;
	if (rest == 0)
		return cells;
	/*
	 * Floating point, for the sum of two counts need not fit in 64 bits. Half a cell of error
	 * is what a bar has anyway.
	 */
	filled = (size_t)((double)part / ((double)part + (double)rest) * (double)cells + 0.5);
	if (filled == 0)
		return 1;
	return filled < cells ? filled : cells > 1 ? cells - 1 : 1;
}

/* All that was out of bounds; what of it was not blocked is report_total(..., AL_WOULD_REFUSE). */
static uint64_t attempts(const struct report *report)
{
	return add(report_total(report, AL_REFUSED), report_total(report, AL_WOULD_REFUSE));
}

static void put_verdict(const struct report *report, const struct event_style *style, FILE *out)
{
	uint64_t blocked = report_total(report, AL_REFUSED), seen = attempts(report);
	char text[128], part[32] = "none";

	if (seen == 0) {
		paint(style, TEXT_GREEN, "no escape attempts", out);
		return;
	}
	if (blocked)
		snprintf(part, sizeof(part), "%" PRIu64, blocked);
	/*
	 * A session can have been in audit before: what it saw then must not be counted as blocked
	 * now.
	 */
	if (seen == blocked && !report->audit)
		snprintf(text, sizeof(text), "%" PRIu64 " escape attempt%s blocked", seen,
			 plural(seen));
	else
		snprintf(text, sizeof(text), "%" PRIu64 " escape attempt%s seen, %s blocked%s",
			 seen, plural(seen), part, report->audit ? " (audit)" : "");
	paint(style, seen == blocked ? TEXT_RED : TEXT_YELLOW, text, out);
}

static void put_repeated(char c, size_t count, FILE *out)
{
	while (count--)
		putc(c, out);
}

static void put_bar(const struct report *report, const struct event_style *style, FILE *out,
		    int width)
{
	uint64_t inside = report_total(report, AL_IN_BOUNDS), outside = attempts(report);
	bool all_blocked = report_total(report, AL_WOULD_REFUSE) == 0 && !report->audit;
	size_t cells = width >= 2 * BAR_CELLS ? BAR_CELLS : BAR_CELLS_MIN;
	size_t filled = report_bar(outside, inside, cells);

	putc('[', out);
	if (inside == 0 && outside == 0)
		put_repeated('.', cells, out);
	else
		put_repeated('#', cells - filled, out);
	if (style->colour && filled)
		fputs(TEXT_RED, out);
	put_repeated('-', filled, out);
	if (style->colour && filled)
		fputs(TEXT_PLAIN, out);
	fprintf(out, "] %" PRIu64 " in-bounds, %" PRIu64 " %s\n", inside, outside,
		all_blocked ? "blocked" : "out of bounds");
}

static void put_head(const struct report *report, const struct event_style *style, FILE *out)
{
	char directory[TEXT_PATH], name[TEXT_SESSION], state[4 * sizeof(report->state)],
		age[TEXT_AGE];

	text_path(report->directory, strnlen(report->directory, AL_PATH_MAX), style->home,
		  directory, sizeof(directory));
	escape(report->name, strnlen(report->name, SESSION_NAME_MAX), name, sizeof(name));
	escape(report->state, strnlen(report->state, sizeof(report->state) - 1), state,
	       sizeof(state));
	text_age(report->age, age);
	paint(style, report->audit ? TEXT_YELLOW : TEXT_GREEN, report->audit ? "AUDIT" : "JAILED",
	      out);
	fprintf(out, "%s  %s   session %s, %s, %" PRIu64 " process%s, %s\n",
		report->audit ? " " : "", directory, name, state, report->processes,
		report->processes == 1 ? "" : "es", age);
}

static void put_comms(const struct report_target *target, FILE *out)
{
	uint32_t i, len = target->comms_len < REPORT_COMMS ? target->comms_len : REPORT_COMMS;
	char comm[TEXT_COMM];

	for (i = 0; i < len; i++) {
		text_comm(target->comms[i].comm, comm);
		fprintf(out, "%s%s", i ? ", " : "", comm);
	}
	if (target->comms_cut)
		fputs(", ...", out);
}

static void put_target(const struct report *report, const struct report_target *target,
		       const struct event_style *style, int column, FILE *out)
{
	char path[TEXT_PATH];

	text_path(target->path, target->path_len, style->home, path, sizeof(path));
	fprintf(out, "%4" PRIu64 "  %-8s  %-*s   ", target->count, event_op_name(target->op),
		column, path);
	put_comms(target, out);
	if ((target->verdict == AL_WOULD_REFUSE) != report->audit)
		fputs(report->audit ? "   blocked" : "   not blocked", out);
	if (target->sensitive) {
		fputs("   ", out);
		paint(style, TEXT_ALARM, "SENSITIVE", out);
	}
	putc('\n', out);
}

/*
 * The first of the targets, and of the others how many there are: a flood of harmless ones must not
 * hide a sensitive one.
 */
static void put_targets(const struct report *report, size_t shown, const struct event_style *style,
			int width, FILE *out)
{
	size_t i, len, column = 0, sensitive = 0, limit = (size_t)width / 2;

	for (i = 0; i < report->len && i < shown; i++) {
		len = text_path(report->targets[i].path, report->targets[i].path_len, style->home,
				NULL, 0);
		if (len > column)
			column = len;
	}
	if (column > limit)
		column = limit;
	for (i = 0; i < report->len && i < shown; i++)
		put_target(report, &report->targets[i], style, (int)column, out);
	if (report->len <= shown)
		return;
	for (i = shown; i < report->len; i++)
		sensitive += report->targets[i].sensitive;
	fprintf(out, "      and %zu more", report->len - shown);
	if (sensitive)
		fprintf(out, ", %zu of them sensitive", sensitive);
	fputs(" (report --json has all)\n", out);
}

static const struct {
	const char *title; /* of its column */
	const char *key;   /* in JSON */
} verdicts[] = {
	[AL_IN_BOUNDS] = {"in-bounds", "in_bounds"},
	[AL_SYSTEM_USE] = {"system", "system"},
	[AL_REFUSED] = {"refused", "refused"},
	[AL_WOULD_REFUSE] = {"would-refuse", "would_refuse"},
};
_Static_assert(ARRAY_SIZE(verdicts) == AL_NVERDICTS, "every verdict has a name");

static bool op_used(const struct report *report, size_t op)
{
	size_t verdict;

	for (verdict = 0; verdict < AL_NVERDICTS; verdict++) {
		if (report->counts[op][verdict])
			return true;
	}
	return false;
}

/* Operations that occurred, by verdicts that occurred. */
static void put_operations(const struct report *report, FILE *out)
{
	uint64_t totals[AL_NVERDICTS], all = 0;
	int widths[AL_NVERDICTS];
	size_t op, verdict;
	char number[24];

	for (verdict = 0; verdict < AL_NVERDICTS; verdict++) {
		totals[verdict] = report_total(report, (enum al_verdict)verdict);
		widths[verdict] = snprintf(number, sizeof(number), "%" PRIu64, totals[verdict]);
		if (widths[verdict] < (int)strlen(verdicts[verdict].title))
			widths[verdict] = (int)strlen(verdicts[verdict].title);
		all = add(all, totals[verdict]);
	}
	if (all == 0)
		return;
	fputs("\noperation", out);
	for (verdict = 0; verdict < AL_NVERDICTS; verdict++) {
		if (totals[verdict])
			fprintf(out, "  %*s", widths[verdict], verdicts[verdict].title);
	}
	putc('\n', out);
	for (op = 0; op < AL_NOPS; op++) {
		if (!op_used(report, op))
			continue;
		fprintf(out, "%-9s", event_op_name((uint32_t)op));
		for (verdict = 0; verdict < AL_NVERDICTS; verdict++) {
			if (totals[verdict])
				fprintf(out, "  %*" PRIu64, widths[verdict],
					report->counts[op][verdict]);
		}
		putc('\n', out);
	}
}

static void put_unseen(const struct report *report, FILE *out)
{
	if (report->lost)
		fprintf(out,
			"%" PRIu64 " event%s lost: decided and counted, but no room to show %s\n",
			report->lost, plural(report->lost), report->lost == 1 ? "it" : "them");
	if (report->others)
		fprintf(out,
			"%" PRIu64 " attempt%s counted, but not listed by path: too many different "
			"targets, or found too late to name\n",
			report->others, plural(report->others));
	if (report->unmarked)
		fprintf(out,
			"%" PRIu32 " object%s not found again when agent-lockd started: refused, "
			"whatever the rule%s\n",
			report->unmarked, plural(report->unmarked),
			report->unmarked == 1 ? " says" : "s say");
}

void report_text(const struct report *report, const struct event_style *style, FILE *out, int width)
{
	uint64_t system = report_total(report, AL_SYSTEM_USE);

	if (width <= 0)
		width = WIDTH_DEFAULT;
	put_head(report, style, out);
	put_verdict(report, style, out);
	putc('\n', out);
	put_bar(report, style, out, width);
	if (system)
		fprintf(out, "%" PRIu64 " system read%s, not listed\n", system, plural(system));
	if (report->len) {
		putc('\n', out);
		put_targets(report, REPORT_SHOWN, style, width, out);
	}
	put_operations(report, out);
	if (report->lost || report->others || report->unmarked)
		putc('\n', out);
	put_unseen(report, out);
}

void report_summary(const struct report *report, const struct event_style *style, FILE *out)
{
	char name[TEXT_SESSION], age[TEXT_AGE];

	escape(report->name, strnlen(report->name, SESSION_NAME_MAX), name, sizeof(name));
	text_age(report->age, age);
	fprintf(out, "session %s: ", name);
	put_verdict(report, style, out);
	fprintf(out, ", %" PRIu64 " in-bounds, %s\n", report_total(report, AL_IN_BOUNDS), age);
	put_targets(report, REPORT_TOP, style, WIDTH_DEFAULT, out);
	put_unseen(report, out);
}

static void json_counts(const uint64_t counts[AL_NVERDICTS], FILE *out)
{
	size_t verdict;

	for (verdict = 0; verdict < AL_NVERDICTS; verdict++)
		fprintf(out, "%s\"%s\":%" PRIu64, verdict ? "," : "", verdicts[verdict].key,
			counts[verdict]);
}

static void json_operations(const struct report *report, FILE *out)
{
	const char *separator = "";
	size_t op;

	fputs(",\"operations\":{", out);
	for (op = 0; op < AL_NOPS; op++) {
		if (!op_used(report, op))
			continue;
		fprintf(out, "%s\"%s\":{", separator, event_op_name((uint32_t)op));
		json_counts(report->counts[op], out);
		putc('}', out);
		separator = ",";
	}
	putc('}', out);
}

static void json_target(const struct report_target *target, FILE *out)
{
	uint32_t i, len = target->comms_len < REPORT_COMMS ? target->comms_len : REPORT_COMMS;
	char first[TEXT_TIME], last[TEXT_TIME];

	text_time(&target->first, first);
	text_time(&target->last, last);
	putc('{', out);
	text_json_bytes("path", target->path, target->path_len, out);
	fprintf(out, ",\"op\":\"%s\",\"verdict\":\"%s\",\"count\":%" PRIu64 ",\"rule\":",
		event_op_name(target->op),
		text_verdict(target->verdict == AL_REFUSED ? EVENT_REFUSED : EVENT_WOULD_REFUSE),
		target->count);
	text_json(target->rule, strnlen(target->rule, sizeof(target->rule) - 1), out);
	fprintf(out, ",\"sensitive\":%s,\"first\":\"%s\",\"last\":\"%s\",\"comms\":[",
		target->sensitive ? "true" : "false", first, last);
	for (i = 0; i < len; i++) {
		fputs(i ? ",{" : "{", out);
		text_json_bytes("comm", target->comms[i].comm,
				strnlen(target->comms[i].comm, AL_COMM), out);
		fprintf(out, ",\"count\":%" PRIu64 ",\"pid\":%" PRIu32 "}", target->comms[i].count,
			target->comms[i].pid);
	}
	fprintf(out, "],\"comms_cut\":%s}", target->comms_cut ? "true" : "false");
}

void report_json(const struct report *report, FILE *out)
{
	uint64_t totals[AL_NVERDICTS];
	size_t i;

	for (i = 0; i < AL_NVERDICTS; i++)
		totals[i] = report_total(report, (enum al_verdict)i);
	text_json_session(report->name, report->state, sizeof(report->state), report->audit,
			  report->directory, out);
	fprintf(out, ",\"processes\":%" PRIu64 ",\"age\":%" PRIu64 ",\"owner\":%" PRIu32 ",",
		report->processes, report->age, report->owner);
	json_counts(totals, out);
	fprintf(out, ",\"lost\":%" PRIu64 ",\"others\":%" PRIu64 ",\"unmarked\":%" PRIu32,
		report->lost, report->others, report->unmarked);
	json_operations(report, out);
	fputs(",\"targets\":[", out);
	for (i = 0; i < report->len; i++) {
		if (i)
			putc(',', out);
		json_target(&report->targets[i], out);
	}
	fputs("]}\n", out);
}
