/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.c - see conf.h. The only file that includes inih.
 *
 * inih by itself cuts long lines and reads the rest as new ones, ends a value at " ;", drops what
 * follows "]", takes an indented line for more of the value above, goes on after an error and does
 * not say where it is. So it never sees the file: our reader takes it line by line, refuses what
 * inih would misread, and hands over one clean line at a time. A line that is longer than inih's
 * buffer is handed over in pieces, as the continuation lines that inih knows.
 */
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"
#include "util.h"

#define KEY_MAX 40   /* inih keeps 49 bytes of a key, without a word about the rest */
#define SHOWN_MAX 60 /* bytes of the file that an error message repeats */
#define TEXT_(number) #number
#define TEXT(number) TEXT_(number)
#define TOO_LONG "less than " TEXT(PATH_MAX) " bytes"

struct reading {
	const char *name;
	const struct conf_context *context;
	struct policy *policy;
	struct settings settings; /* as read so far */
	struct fail *f;
	const char *text; /* what follows the current line */
	const char *end;
	unsigned int line;
	const char *current; /* the current line */
	size_t current_len;
	size_t rest_len; /* bytes at its end that inih has not seen yet */
	bool awaited;	 /* inih owes us a call of the handler */
	bool failed;
	size_t value_len;
	char value[CONF_LINE_MAX + 1]; /* of the current line, pieces put together */
};

struct section {
	const char *name; /* in its brackets */
	const char *keys; /* for messages */
	int (*take)(struct reading *r, const struct section *section, const char *key);
	bool system;
	bool optional;
	bool missing; /* only for what is not there */
};

/* First error wins: "FILE:LINE: KEY: expected WANT, got 'GOT'". Returns -1. */
static int reject(struct reading *r, const char *key, const char *want, const char *got, size_t len)
{
	char shown[4 * SHOWN_MAX + 1];
	const char *more = len > SHOWN_MAX ? "..." : "";

	if (r->failed)
		return -1;
	r->failed = true;
	(void)escape(got, len > SHOWN_MAX ? SHOWN_MAX : len, shown, sizeof(shown)); /* fits */
	return fail(r->f, 0, "%s:%u: %s%sexpected %s, got '%s%s'", Q(r->name), r->line, key,
		    *key ? ": " : "", want, shown, more);
}

static int reject_value(struct reading *r, const char *key, const char *want)
{
	return reject(r, key, want, r->value, r->value_len);
}

/* What a rule or pattern was refused for by policy.c, with the place in front. */
static int reject_because(struct reading *r, const char *key, const struct fail *why)
{
	r->failed = true;
	return fail(r->f, 0, "%s:%u: %s: %s", Q(r->name), r->line, key, why->msg);
}

static int parse_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#define UID "${UID}"

/*
 * Append text to out with its \xNN turned into bytes, and ${UID} into the caller's. People write these
 * files too: unlike unescape() this takes any byte as it is, and \xNN for any byte but NUL.
 */
static int decode(struct reading *r, const char *key, const char *text, char *out, size_t used,
		  size_t size)
{
	while (*text) {
		int c = (unsigned char)*text++;

		if (c == '$' && strncmp(text - 1, UID, strlen(UID)) == 0) {
			int len = snprintf(out + used, size - used, "%u", getuid());

			if ((size_t)len >= size - used)
				return reject_value(r, key, TOO_LONG);
			used += (size_t)len;
			text += strlen(UID) - 1;
			continue;
		}
		if (c == '\\') {
			int high = *text == 'x' ? parse_hex(text[1]) : -1;
			int low = high >= 0 ? parse_hex(text[2]) : -1;

			c = high * 16 + low;
			if (high < 0 || low < 0 || c == 0)
				return reject_value(
					r, key,
					"no \\ but in \\xNN with NN from 01 to ff (\\x5c is \\)");
			text += 3;
		}
		if (used + 1 >= size)
			return reject_value(r, key, TOO_LONG);
		out[used++] = (char)c;
	}
	out[used] = '\0';
	return 0;
}

/*
 * What ~ or ${PROJECT} stands for, less slashes at its end; in a pattern its letters stand for
 * themselves.
 */
static int put_base(struct reading *r, const char *key, const char *base, bool pattern, char *out,
		    size_t size)
{
	size_t len, used = 0;

	if (!base)
		return reject_value(r, key, "a path that needs no ~ and no ${PROJECT} here");
	for (len = strlen(base); len && base[len - 1] == '/'; len--)
		;
	for (size_t i = 0; i < len; i++) {
		if (used + 2 >= size)
			return reject_value(r, key, TOO_LONG);
		if (pattern && strchr("*?[\\", base[i]))
			out[used++] = '\\';
		out[used++] = base[i];
	}
	out[used] = '\0';
	return 0;
}

/* A path, pattern or value of the current line: ~, ${PROJECT} and escapes replaced. */
static int expand(struct reading *r, const char *key, const char *text, bool pattern, char *out,
		  size_t size)
{
	static const char PROJECT[] = "${PROJECT}";
	const char *base = NULL;
	bool has_base = true;

	out[0] = '\0';
	if (text[0] == '~') {
		base = r->context->home;
		text++;
	} else if (strncmp(text, PROJECT, strlen(PROJECT)) == 0) {
		base = r->context->project;
		text += strlen(PROJECT);
	} else {
		has_base = false;
	}
	/* ~other would be another user's home: not supported, and not a name either. */
	if (has_base && *text && *text != '/')
		return reject_value(r, key,
				    "a path that is absolute or begins with ~/ or ${PROJECT}/");
	if (has_base && put_base(r, key, base, pattern, out, size) < 0)
		return -1;
	if (decode(r, key, text, out, strlen(out), size) < 0)
		return -1;
	/* A home directory of "/" lost its slash. */
	if (has_base && !*out)
		strcpy(out, "/");
	return 0;
}

/* What nobody can look at is not known to be. */
static bool is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

static int take_rule(struct reading *r, const struct section *section, const char *key)
{
	cleanup_free char *origin = NULL;
	char path[PATH_MAX];
	enum policy_right right;
	struct fail why;

	if (!policy_right_parse(key, &right))
		return reject(r, section->name, section->keys, key, strlen(key));
	if (expand(r, key, r->value, false, path, sizeof(path)) < 0)
		return -1;
	if (path[0] != '/')
		return reject_value(r, key,
				    "a path that is absolute or begins with ~/ or ${PROJECT}/");
	if (section->missing && !is_missing(path))
		return 0;
	if (asprintf(&origin, "%s:%u", r->name, r->line) < 0) {
		origin = NULL; /* asprintf(3) leaves it undefined */
		r->failed = true;
		return fail(r->f, ENOMEM, "cannot read '%s'", Q(r->name));
	}
	if (policy_add(r->policy, right, path, origin, section->system || r->context->system,
		       section->optional || r->context->system, &why) < 0)
		return reject_because(r, key, &why);
	return 0;
}

static int take_pattern(struct reading *r, const struct section *section, const char *key)
{
	char pattern[PATH_MAX];
	struct fail why;

	if (strcmp(key, "path") != 0)
		return reject(r, section->name, section->keys, key, strlen(key));
	if (expand(r, key, r->value, true, pattern, sizeof(pattern)) < 0)
		return -1;
	if (policy_add_sensitive(r->policy, pattern, &why) < 0)
		return reject_because(r, key, &why);
	return 0;
}

static int take_variable(struct reading *r, const struct section *section, const char *key)
{
	enum policy_variable_kind kind = 0;
	const char *equals = strchr(r->value, '=');
	char text[2 * PATH_MAX];
	size_t name = 0;
	struct fail why;

	while (kind < POLICY_NVARIABLES && strcmp(key, policy_variable_name(kind)) != 0)
		kind++;
	if (kind == POLICY_NVARIABLES)
		return reject(r, section->name, section->keys, key, strlen(key));
	if (kind == POLICY_SET && equals)
		name = (size_t)(equals - r->value) + 1;
	if (name > PATH_MAX)
		return reject_value(r, key, TOO_LONG);
	memcpy(text, r->value, name);
	if (expand(r, key, r->value + name, false, text + name, sizeof(text) - name) < 0)
		return -1;
	if (policy_add_variable(r->policy, kind, text, &why) < 0)
		return reject_because(r, key, &why);
	return 0;
}

static int take_profile(struct reading *r, const struct section *section, const char *key)
{
	struct profile *profile = r->context->profile;
	bool program = strcmp(key, "program") == 0;
	size_t *len;
	char *copy;

	if (!program && strcmp(key, "hint") != 0)
		return reject(r, section->name, section->keys, key, strlen(key));
	if (!profile)
		return reject_value(r, key, "it in files of profiles only");
	len = program ? &profile->programs_len : &profile->hints_len;
	if (!r->value[0] || *len == PROFILE_TEXTS || (program && strchr(r->value, '/')))
		return reject_value(
			r, key,
			program ? "the name of a program, " TEXT(PROFILE_TEXTS) " of them at most"
				: "a line of text, " TEXT(PROFILE_TEXTS) " of them at most");
	copy = strdup(r->value);
	if (!copy) {
		r->failed = true;
		return fail(r->f, ENOMEM, "cannot read '%s'", Q(r->name));
	}
	(program ? profile->programs : profile->hints)[(*len)++] = copy;
	return 0;
}

static int take_localhost(struct reading *r, const char *key)
{
	bool any = strcmp(r->value, "any") == 0;

	if (!any && strcmp(r->value, "own") != 0)
		return reject_value(r, key, "own or any");
	r->policy->localhost = any;
	return 0;
}

static int take_userns(struct reading *r, const char *key)
{
	bool allow = strcmp(r->value, "allow") == 0;

	if (!allow && strcmp(r->value, "deny") != 0)
		return reject_value(r, key, "allow or deny");
	r->policy->userns = allow;
	return 0;
}

static int take_limit(struct reading *r, const char *key, enum limit kind)
{
	if (!limit_parse(kind, r->value, &r->policy->limits.of[kind]))
		return reject_value(r, key, limit_expected(kind));
	return 0;
}

static int take_session(struct reading *r, const struct section *section, const char *key)
{
	enum limit kind;
	bool audit;

	if (limit_find(key, &kind))
		return take_limit(r, key, kind);
	if (strcmp(key, "localhost") == 0)
		return take_localhost(r, key);
	if (strcmp(key, "userns") == 0)
		return take_userns(r, key);
	if (strcmp(key, "mode") != 0)
		return reject(r, section->name, section->keys, key, strlen(key));
	/* One word in a file of /etc must not switch every jail of the machine off. */
	if (r->context->system)
		return reject_value(r, key, "it in files given with --policy only");
	audit = strcmp(r->value, "audit") == 0;
	if (!audit && strcmp(r->value, "enforce") != 0)
		return reject_value(r, key, "enforce or audit");
	r->policy->audit = audit;
	return 0;
}

/* Digits and perhaps a unit; at least and at most so much. */
static bool parse_amount(const char *text, bool unit, uint64_t least, uint64_t most,
			 uint64_t *out_amount)
{
	static const char units[] = "KMG";
	const char *found;
	uint64_t amount;
	char *end;

	errno = 0;
	amount = strtoull(text, &end, 10);
	if (errno || text[0] < '0' || text[0] > '9')
		return false;
	found = *end && unit ? strchr(units, *end) : NULL;
	if (*end && (!found || end[1]))
		return false;
	for (; found && found >= units; found--) {
		if (amount > UINT64_MAX / 1024)
			return false;
		amount *= 1024;
	}
	if (amount < least || amount > most)
		return false;
	*out_amount = amount;
	return true;
}

/* What the base configuration says to the daemon: numbers, each a member of struct settings. */
static const struct setting {
	const char *section;
	const char *key;
	size_t at;
	uint64_t min, max;
	bool size; /* in bytes: K, M, G may follow */
	const char *expected;
} SETTINGS[] = {
	{"[log]", "size", offsetof(struct settings, log.size), LOGFILE_SIZE_MIN, LOGFILE_SIZE_MAX,
	 true, "a size from 64K to 1024G, such as 8M"},
	{"[log]", "keep", offsetof(struct settings, log.keep), 0, LOGFILE_KEEP_MAX, false,
	 "a number from 0 to " TEXT(LOGFILE_KEEP_MAX)},
	{"[log]", "ended", offsetof(struct settings, log.ended), 0, LOGFILE_ENDED_MAX, false,
	 "a number from 0 to " TEXT(LOGFILE_ENDED_MAX)},
	{"[users]", "sessions", offsetof(struct settings, users.sessions), 1, USER_SESSIONS_MAX,
	 false, "a number from 1 to " TEXT(USER_SESSIONS_MAX)},
	{"[users]", "rules", offsetof(struct settings, users.rules), 1, USER_RULES_MAX, false,
	 "a number from 1 to " TEXT(USER_RULES_MAX)},
	{"[users]", "requests", offsetof(struct settings, users.requests), 1, USER_REQUESTS_MAX,
	 false, "a number from 1 to " TEXT(USER_REQUESTS_MAX)},
};

static int take_setting(struct reading *r, const struct section *section, const char *key)
{
	const struct setting *setting = NULL;
	uint64_t *value;

	for (size_t i = 0; i < ARRAY_SIZE(SETTINGS); i++)
		if (strcmp(SETTINGS[i].section, section->name) == 0 &&
		    strcmp(SETTINGS[i].key, key) == 0)
			setting = &SETTINGS[i];
	if (!setting)
		return reject(r, section->name, section->keys, key, strlen(key));
	if (!r->context->system)
		return reject_value(r, key, "it in " CONF_BASE " only");
	value = (uint64_t *)((char *)&r->settings + setting->at);
	if (!parse_amount(r->value, setting->size, setting->min, setting->max, value))
		return reject_value(r, key, setting->expected);
	return 0;
}

#define RIGHT_KEYS "rw, ro, list, connect, deny, hide, scratch, guard or state"
#define SESSION_KEYS "mode, localhost, userns, memory, pids or cpu"

/* clang-format off */
static const struct section SECTIONS[] = {
	{ "[paths]", RIGHT_KEYS, take_rule, .system = false, .optional = false },
	{ "[optional]", RIGHT_KEYS, take_rule, .system = false, .optional = true },
	{ "[missing]", RIGHT_KEYS, take_rule, .optional = true, .missing = true },
	{ "[system]", RIGHT_KEYS, take_rule, .system = true, .optional = true },
	{ "[sensitive]", "path", take_pattern, .system = false, .optional = false },
	{ "[environment]", "pass, drop or set", take_variable, .system = false, .optional = false },
	{ "[session]", SESSION_KEYS, take_session, .system = false, .optional = false },
	{ "[profile]", "program or hint", take_profile, .system = false, .optional = false },
	{ "[log]", "size, keep or ended", take_setting, .system = false, .optional = false },
	{ "[users]", "sessions, rules or requests", take_setting, .system = false, .optional = false },
};
/* clang-format on */
#define SECTION_NAMES \
	"[paths], [optional], [missing], [system], [sensitive], [environment], [session], " \
	"[profile], " \
	"[log] or [users]"

static const struct section *find_section(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(SECTIONS); i++) {
		const char *known = SECTIONS[i].name;

		if (strlen(known) == len + 2 && memcmp(known + 1, name, len) == 0)
			return &SECTIONS[i];
	}
	return NULL;
}

/* Called by inih for each piece of a value; 0 tells it that there was an error. */
static int on_value(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;
	const struct section *found = find_section(section, strlen(section));
	size_t len = strlen(value);

	if (r->failed || !r->awaited || len >= sizeof(r->value) - r->value_len)
		return 0;
	r->awaited = false;
	memcpy(r->value + r->value_len, value, len + 1);
	r->value_len += len;
	if (r->rest_len)
		return 1;
	if (!found)
		return reject(r, "", SECTION_NAMES " before the first key", key, strlen(key)) == 0;
	return found->take(r, found, key) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* [NAME] and nothing else; unknown ones are refused even when they are empty. */
static int check_section(struct reading *r, const char *line, size_t len)
{
	if (line[len - 1] != ']')
		return reject(r, "", "[SECTION] and nothing behind it", line, len);
	if (!find_section(line + 1, len - 2))
		return reject(r, "", SECTION_NAMES, line, len);
	return 0;
}

static int check_key(struct reading *r, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len < KEY_MAX ? len : KEY_MAX);

	/* inih would take a colon for an equals sign. */
	if (!equals || memchr(line, ':', (size_t)(equals - line)))
		return reject(r, "", "KEY = VALUE", line, len);
	/* Is it a comment or part of a name? inih ends the value at one and keeps the other. */
	for (const char *at = equals + 1; at + 1 < line + len; at++) {
		if (is_blank(at[0]) && (at[1] == ';' || at[1] == '#'))
			return reject(
				r, "",
				"a comment on a line of its own, or \\x20 for the blank of a name",
				at, (size_t)(line + len - at));
	}
	r->awaited = true;
	return 0;
}

static int check_line(struct reading *r, const char *line, size_t len)
{
	if (len > CONF_LINE_MAX)
		return reject(r, "", "at most " TEXT(CONF_LINE_MAX) " bytes in a line", line, len);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return reject(r, "", "no control characters (\\xNN in a path)", line + i,
				      len - i);
	}
	return 0;
}

/* Go to the next line that says something. Returns false at the end and at an error. */
static bool next_line(struct reading *r)
{
	while (r->text < r->end) {
		const char *line = r->text;
		const char *newline = memchr(line, '\n', (size_t)(r->end - line));
		size_t len = (size_t)((newline ? newline : r->end) - line), indent = 0;

		r->text = newline ? newline + 1 : r->end;
		r->line++;
		if (newline && len && line[len - 1] == '\r')
			len--;
		if (check_line(r, line, len) < 0)
			return false;
		while (len && is_blank(line[len - 1]))
			len--;
		while (indent < len && is_blank(line[indent]))
			indent++;
		if (indent == len || line[indent] == ';' || line[indent] == '#')
			continue;
		r->current = line;
		r->current_len = r->rest_len = len;
		r->value_len = 0;
		if (indent)
			return reject(r, "", "no blanks before a key", line, len) == 0;
		return (line[0] == '[' ? check_section(r, line, len) : check_key(r, line, len)) ==
		       0;
	}
	return false;
}

/*
 * How much of a text inih can take at once; 0: there is no place to cut where it would lose
 * nothing.
 */
static size_t piece_len(const char *text, size_t len, size_t room)
{
	if (len <= room)
		return len;
	for (len = room; len; len--) {
		const char *at = text + len;

		/*
		 * inih strips blanks from both ends of a piece and drops one that begins like a
		 * comment.
		 */
		if (!is_blank(at[-1]) && !is_blank(at[0]) && at[0] != ';' && at[0] != '#')
			break;
	}
	return len;
}

/* inih's fgets(): the next line, or the next piece of a long one. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reading *r = stream;
	size_t room = size > 64 ? (size_t)size - 4
				: 0; /* less a blank, a newline, a NUL and one that inih wants */
	size_t len, used = 0;
	const char *rest;

	/* Whatever inih made of the line before, it was not a key with a value. */
	if (r->awaited)
		(void)reject(r, "", "KEY = VALUE", r->current, r->current_len);
	if (r->failed || (!r->rest_len && !next_line(r)))
		return NULL;
	rest = r->current + r->current_len - r->rest_len;
	len = piece_len(rest, r->rest_len, room);
	/* Half a key would not be one to inih. */
	if (len < r->rest_len && rest == r->current && !memchr(rest, '=', len))
		len = 0;
	if (!len) {
		(void)reject(r, "", "\\x20 for blanks, this many in a row", rest, r->rest_len);
		return NULL;
	}
	if (rest != r->current) {
		buf[used++] = ' ';
		r->awaited = true;
	}
	memcpy(buf + used, rest, len);
	used += len;
	buf[used++] = '\n';
	buf[used] = '\0';
	r->rest_len -= len;
	return buf;
}

static void roll_back(struct policy *policy, const struct policy *before)
{
	while (policy->len > before->len) {
		struct policy_rule *rule = &policy->rules[--policy->len];

		free(rule->path);
		free(rule->origin);
	}
	while (policy->sensitive_len > before->sensitive_len)
		free(policy->sensitive[--policy->sensitive_len]);
	while (policy->variables_len > before->variables_len)
		free(policy->variables[--policy->variables_len].text);
	policy->audit = before->audit;
	policy->localhost = before->localhost;
	policy->userns = before->userns;
	policy->limits = before->limits;
}

int conf_parse(const char *text, size_t len, const char *name, const struct conf_context *context,
	       struct policy *policy, struct fail *f)
{
	static const char BOM[] = "\xef\xbb\xbf";
	const struct policy before = *policy;
	struct reading r = {
		.name = name,
		.context = context,
		.policy = policy,
		.f = f,
		.text = text,
		.end = text + len,
	};
	int error;

	if (context->settings)
		r.settings = *context->settings;
	if (len >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0)
		r.text += strlen(BOM);
	error = ini_parse_stream(read_line, &r, on_value, &r);
	if (!error && !r.failed) {
		if (context->settings)
			*context->settings = r.settings;
		return 0;
	}
	roll_back(policy, &before);
	/* All else that inih dislikes was seen by read_line(). */
	if (!r.failed)
		return fail(f, ENOMEM, "cannot read '%s'", Q(name));
	return -1;
}

void profile_done(struct profile *profile)
{
	while (profile->programs_len)
		free(profile->programs[--profile->programs_len]);
	while (profile->hints_len)
		free(profile->hints[--profile->hints_len]);
}

void settings_init(struct settings *settings)
{
	settings->log = LOG_LIMITS_DEFAULT;
	settings->users = USER_LIMITS_DEFAULT;
}
