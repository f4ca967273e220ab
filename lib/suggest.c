/* SPDX-License-Identifier: GPL-2.0-only */
/* suggest.c - see suggest.h */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <linux/types.h>

#include "event_text.h"
#include "suggest.h"
#include "util.h"

#define MANY 3 /* things wanted in one directory, from which on the directory is granted instead */
#define SHOWN 40 /* targets in each group of comments */

/* What becomes of a target. */
enum fate {
	FATE_RULE,
	FATE_GRANTED, /* meanwhile */
	FATE_SENSITIVE,
	FATE_SOCKET,
	FATE_AGAINST_RULE,
	FATE_TOO_MUCH,
	FATE_FIXED, /* no rule of a path changes it */
	FATES,
};

/* What follows the rules, as comments. */
static const struct {
	const char *heading; /* NULL: not shown */
	bool line;	     /* with the line that would grant it */
} GROUPS[FATES] = {
	[FATE_SENSITIVE] = {"# Secrets: nothing in here grants them.", false},
	[FATE_SOCKET] = {"# Sockets: who listens there acts with its own rights, at the word of "
			 "whoever connects.\n"
			 "# If that is meant, have the line follow an [optional], without its #.",
			 true},
	[FATE_AGAINST_RULE] =
		{"# Refused by a rule that says so. If it is meant all the same, have "
		 "the line follow an\n"
		 "# [optional], without its #.",
		 true},
	[FATE_TOO_MUCH] = {"# In reach only with all that lies in it, which is much or sensitive.",
			   false},
	[FATE_FIXED] = {"# Not by a rule of a path.", false},
};

/* Something that a rule is to be made for. */
struct want {
	const char *path;	 /* of a target */
	size_t len;		 /* how much of it: a directory above it, if it was merged */
	enum policy_right right; /* POLICY_RW, POLICY_RO or POLICY_LIST */
	bool dropped;		 /* another one holds it */
};

struct work {
	const struct report *report;
	const struct policy *policy;
	const struct suggest_machine *machine;
	enum fate *fates; /* of report's targets */
	struct want *wants;
	size_t len;
	FILE *out;
};

enum policy_right suggest_right(uint32_t op)
{
	switch (op) {
	case AL_OP_READ:
	case AL_OP_EXEC:
	case AL_OP_RECEIVE:
	case AL_OP_CHROOT:
		return POLICY_RO;
	case AL_OP_LIST:
	case AL_OP_WATCH:
		return POLICY_LIST;
	case AL_OP_WRITE:
	case AL_OP_CREATE:
	case AL_OP_MKDIR:
	case AL_OP_MKNOD:
	case AL_OP_SYMLINK:
	case AL_OP_UNLINK:
	case AL_OP_RMDIR:
	case AL_OP_RENAME:
	case AL_OP_LINK:
	case AL_OP_TRUNCATE:
	case AL_OP_CHMOD:
	case AL_OP_CHOWN:
	case AL_OP_UTIMES:
	case AL_OP_XATTR:
	case AL_OP_ACL:
	case AL_OP_LOCK:
		return POLICY_RW;
	case AL_OP_CONNECT:
	case AL_OP_SEND:
		return POLICY_CONNECT;
	default:
		return POLICY_NRIGHTS;
	}
}

/* Is path[0..path_len) the directory itself, or in it? */
static bool within(const char *path, size_t path_len, const char *directory, size_t len)
{
	return path_len >= len && strncmp(path, directory, len) == 0 &&
	       (path_len == len || path[len] == '/');
}

/* Does a pattern of a path speak of something in it, be it there or not? */
static bool sensitive_below(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->sensitive_len; i++)
		if (within(policy->sensitive[i], strlen(policy->sensitive[i]), path, strlen(path)))
			return true;
	return false;
}

static bool may_be_whole(const struct work *work, const char *path)
{
	return !sensitive_below(work->policy, path) &&
	       work->machine->whole(path, work->machine->data);
}

/*
 * Is there a rule that somebody wrote so that this is refused? Not if none was met, and not if it is one
 * of a scratch directory: that says whose things these are not.
 */
static bool against_rule(const struct report_target *target)
{
	const char *scratch = policy_right_name(POLICY_SCRATCH);
	size_t len = strlen(scratch);

	if (strcmp(target->rule, "no rule") == 0 || !target->rule[0])
		return false;
	return strncmp(target->rule, scratch, len) != 0 || target->rule[len] != ' ';
}

static enum fate judge(const struct work *work, const struct report_target *target)
{
	enum policy_right right = suggest_right(target->op);
	uint32_t now, wanted = policy_rights(right) & (AL_READ | AL_WRITE | AL_CONNECT);

	/* One whose beginning is missing has no slash in front, and what is no file has none either. */
	if (right == POLICY_NRIGHTS || target->path[0] != '/' || target->path_len >= PATH_MAX)
		return FATE_FIXED;
	if (target->sensitive || policy_sensitive(work->policy, target->path))
		return FATE_SENSITIVE;
	now = work->machine->rights(target->path, work->machine->data);
	if (now & SUGGEST_FIXED)
		return FATE_FIXED;
	if ((now & wanted) == wanted)
		return FATE_GRANTED;
	if (against_rule(target))
		return FATE_AGAINST_RULE;
	if (right == POLICY_CONNECT)
		return FATE_SOCKET;
	return right == POLICY_LIST || may_be_whole(work, target->path) ? FATE_RULE : FATE_TOO_MUCH;
}

/* By path, but what is in a directory right behind the directory itself: a slash comes before all. */
static int order_by_path(const void *a, const void *b)
{
	const struct want *left = a, *right = b;
	const unsigned char *l = (const unsigned char *)left->path,
			    *r = (const unsigned char *)right->path;

	while (*l && *l == *r)
		l++, r++;
	if (*l == *r)
		return (int)left->right - (int)right->right;
	if (!*l || !*r)
		return *l ? 1 : -1;
	if (*l == '/' || *r == '/')
		return *l == '/' ? -1 : 1;
	return *l - *r;
}

/*
 * Have the directory path[0..len) stand for what is wanted in it, which is wants[from..to), if that is
 * much or if it was wanted itself.
 */
static void merge(struct work *work, size_t from, size_t to, size_t len)
{
	struct want *first = &work->wants[from];
	bool itself = first->len == len && !first->dropped;
	char directory[PATH_MAX];
	size_t left = 0;

	for (size_t i = from; i < to; i++)
		left += !work->wants[i].dropped;
	if (left < (itself ? 2 : MANY))
		return;
	memcpy(directory, first->path, len);
	directory[len] = '\0';
	if (!may_be_whole(work, directory))
		return;
	for (size_t i = from; i < to; i++)
		work->wants[i].dropped = i != from;
	first->len = len;
	/* One that was listed, and what is in it read: ro is both. */
	if (first->right == POLICY_LIST)
		first->right = POLICY_RO;
}

/*
 * All of wants[from..to) are path[0..len) or in it. The deepest directories come first, so that the
 * smallest one that will do is taken. Calls itself as often as a path has directories: PATH_MAX / 2.
 */
static void collapse(struct work *work, size_t from, size_t to, size_t len)
{
	size_t end;

	for (size_t at = from; at < to; at = end) {
		const char *path = work->wants[at].path;
		size_t deeper = len;

		end = at + 1;
		if (!path[len])
			continue;
		deeper += 1 + strcspn(path + len + 1, "/");
		while (end < to &&
		       within(work->wants[end].path, work->wants[end].len, path, deeper))
			end++;
		if (end - at > 1)
			collapse(work, at, end, deeper);
	}
	if (len)
		merge(work, from, to, len);
}

/* Take out what was dropped. */
static void compact(struct work *work, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < work->len; i++)
		if (!work->wants[i].dropped)
			work->wants[kept++] = work->wants[i];
	work->len = kept;
}

static void add_wants(struct work *work, bool write)
{
	for (size_t i = 0; i < work->report->len; i++) {
		const struct report_target *target = &work->report->targets[i];
		enum policy_right right = suggest_right(target->op);

		if (work->fates[i] == FATE_RULE && (right == POLICY_RW) == write)
			work->wants[work->len++] = (struct want){
				.path = target->path, .len = target->path_len, .right = right};
	}
}

static bool same(const struct want *a, const struct want *b)
{
	return a->len == b->len && memcmp(a->path, b->path, a->len) == 0;
}

/* Of one path the first, which gives most; and nothing that is writable already. */
static void drop_held(struct work *work, size_t written)
{
	for (size_t i = written; i < work->len; i++) {
		struct want *want = &work->wants[i];

		want->dropped = i > written && same(want, want - 1);
		for (size_t j = 0; j < written && !want->dropped; j++)
			want->dropped = within(want->path, want->len, work->wants[j].path,
					       work->wants[j].len);
	}
	compact(work, written);
}

/* What is written is merged by itself: reading beside it must not become writing. */
static void make_rules(struct work *work)
{
	for (int write = 1; write >= 0; write--) {
		size_t before = work->len;

		add_wants(work, write);
		qsort(work->wants + before, work->len - before, sizeof(*work->wants),
		      order_by_path);
		drop_held(work, before);
		collapse(work, before, work->len, 0);
		compact(work, before);
	}
}

static void print_head(const struct work *work)
{
	const struct report *report = work->report;
	char name[TEXT_SESSION];

	escape(report->name, strnlen(report->name, SESSION_NAME_MAX), name, sizeof(name));
	fprintf(work->out,
		"# What session %s %s, beside what it has. Whatever stays in\n"
		"# here another may do: agent-lock new --policy FILE DIR\n",
		name, report->audit ? "would have been refused" : "was refused");
	if (report->others)
		fprintf(work->out,
			"# Missing: %" PRIu64 " refusals that were counted, not named.\n",
			report->others);
}

static void print_rules(const struct work *work)
{
	char path[PATH_MAX];

	fputs(work->len ? "\n[optional]\n" : "\n# There is nothing to grant.\n", work->out);
	for (size_t i = 0; i < work->len; i++) {
		const struct want *want = &work->wants[i];

		memcpy(path, want->path, want->len);
		path[want->len] = '\0';
		policy_print_path(want->right, path, work->out);
	}
}

/* What happened, as a comment; and for some, the line that would change it as another. */
static void print_target(const struct report_target *target, bool line, FILE *out)
{
	char text[TEXT_PATH], comm[TEXT_COMM];

	text_path(target->path, target->path_len, NULL, text, sizeof(text));
	fprintf(out, "#   %s %s: %" PRIu64 " time%s", event_op_name(target->op), text,
		target->count, target->count == 1 ? "" : "s");
	for (uint32_t i = 0; i < target->comms_len && i < REPORT_COMMS; i++) {
		text_comm(target->comms[i].comm, comm);
		fprintf(out, "%s%s", i ? ", " : " by ", comm);
	}
	if (against_rule(target)) {
		text_path(target->rule, strlen(target->rule), NULL, text, sizeof(text));
		fprintf(out, "; %s", text);
	}
	putc('\n', out);
	if (!line)
		return;
	putc('#', out);
	policy_print_path(suggest_right(target->op), target->path, out);
}

static void print_group(const struct work *work, enum fate fate)
{
	size_t found = 0;

	for (size_t i = 0; i < work->report->len; i++) {
		if (work->fates[i] != fate)
			continue;
		if (!found)
			fprintf(work->out, "\n%s\n", GROUPS[fate].heading);
		if (found++ < SHOWN)
			print_target(&work->report->targets[i], GROUPS[fate].line, work->out);
	}
	if (found > SHOWN)
		fprintf(work->out, "#   and %zu more: agent-lock report --json\n", found - SHOWN);
}

int suggest(const struct report *report, const struct policy *policy,
	    const struct suggest_machine *machine, FILE *out, struct fail *f)
{
	cleanup_free enum fate *fates = calloc(report->len + 1, sizeof(*fates));
	cleanup_free struct want *wants = calloc(report->len + 1, sizeof(*wants));
	struct work work = {
		.report = report,
		.policy = policy,
		.machine = machine,
		.fates = fates,
		.wants = wants,
		.out = out,
	};

	if (!fates || !wants)
		return fail(f, ENOMEM, "cannot make a policy");
	for (size_t i = 0; i < report->len; i++)
		fates[i] = judge(&work, &report->targets[i]);
	make_rules(&work);
	print_head(&work);
	print_rules(&work);
	for (int fate = 0; fate < FATES; fate++)
		if (GROUPS[fate].heading)
			print_group(&work, (enum fate)fate);
	if (fflush(out))
		return fail(f, errno, "cannot print the policy");
	return 0;
}
