/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.c - see state.h. One thing a line, texts escaped, a last line "end": without it the file
 * is not whole.
 *
 *   agent-lock-state 1
 *   session OWNER CGROUP SLOT FLAGS CREATED DIRECTORY
 *   rule RIGHT SYSTEM OPTIONAL PATH ORIGIN
 *   sensitive PATTERN
 *   variable KIND TEXT
 *   object ID RIGHTS RULE DEV INO PATH
 *   end
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "proto.h"
#include "resolve.h"
#include "state.h"
#include "util.h"

#define STATE_DIR PROTO_RUN_DIR "/sessions"
#define STATE_HEAD "agent-lock-state 1"
#define STATE_MAX (64 << 20) /* bytes; the largest policy there can be has a tenth of it */

void state_init(struct state *state)
{
	memset(state, 0, sizeof(*state));
	policy_init(&state->policy);
}

void state_drop_objects(struct state *state)
{
	for (size_t i = 0; i < state->len; i++)
		free(state->objects[i].path);
	free(state->objects);
	state->objects = NULL;
	state->len = 0;
}

void state_done(struct state *state)
{
	state_drop_objects(state);
	free(state->directory);
	policy_done(&state->policy);
	memset(state, 0, sizeof(*state));
}

/* Is this the very object, or the very name in a directory, that a rule of these rights is about? */
static bool is_about(const struct state_object *object, uint32_t id, uint32_t rights,
		     const char *path)
{
	if (object->id != id || ((object->rights ^ rights) & AL_NAMES))
		return false;
	return !(rights & AL_NAMES) || strcmp(object_name(object->path), object_name(path)) == 0;
}

struct state_object *state_find(const struct state *state, uint32_t id, uint32_t rights,
				const char *path)
{
	for (size_t i = 0; i < state->len; i++)
		if (is_about(&state->objects[i], id, rights, path))
			return &state->objects[i];
	return NULL;
}

void state_put(struct state *state, const struct state_object *object)
{
	struct state_object *there = state_find(state, object->id, object->rights, object->path);

	if (!there) {
		state->objects[state->len++] = *object;
		return;
	}
	if (object->rights & AL_PASS) {
		there->rights |= AL_PINNED;
		free(object->path);
		return;
	}
	/* What lies below it may want the pin still. */
	free(there->path);
	there->rights &= AL_PINNED;
	there->rights |= object->rights;
	there->rule = object->rule;
	there->path = object->path;
	there->dev = object->dev;
	there->ino = object->ino;
}

static void print_text(const char *text, FILE *out)
{
	char escaped[4 * AL_PATH_MAX + 1];

	escape(text, strlen(text), escaped, sizeof(escaped));
	fprintf(out, " %s", escaped);
}

void state_print(const struct state *state, FILE *out)
{
	fprintf(out, STATE_HEAD "\nsession %u %" PRIu64 " %u %u %" PRId64, state->owner,
		state->cgroup, state->slot, state->flags, state->created);
	print_text(state->directory, out);
	for (size_t i = 0; i < state->policy.len; i++) {
		const struct policy_rule *rule = &state->policy.rules[i];

		fprintf(out, "\nrule %u %d %d", (unsigned int)rule->right, rule->system,
			rule->optional);
		print_text(rule->path, out);
		print_text(rule->origin, out);
	}
	for (size_t i = 0; i < state->policy.sensitive_len; i++) {
		fprintf(out, "\nsensitive");
		print_text(state->policy.sensitive[i], out);
	}
	for (size_t i = 0; i < state->policy.variables_len; i++) {
		fprintf(out, "\nvariable %u", (unsigned int)state->policy.variables[i].kind);
		print_text(state->policy.variables[i].text, out);
	}
	for (size_t i = 0; i < state->len; i++) {
		const struct state_object *object = &state->objects[i];

		fprintf(out, "\nobject %u %u %u %" PRIu64 " %" PRIu64, object->id, object->rights,
			object->rule, object->dev, object->ino);
		print_text(object->path, out);
	}
	fprintf(out, "\nend\n");
}

/* The next word of a line as a number, or as text unescaped in place; false when it is not there.
 */
static bool next_number(char **line, uint64_t *out_number)
{
	char *word = strsep(line, " "), *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*out_number = strtoull(word, &end, 10);
	return !errno && !*end;
}

static char *next_text(char **line)
{
	char *word = strsep(line, " ");
	ssize_t len;

	if (!word)
		return NULL;
	len = unescape(word, strlen(word), word, strlen(word) + 1);
	return len < 0 || strlen(word) != (size_t)len ? NULL : word;
}

static bool parse_session(char *line, struct state *state)
{
	uint64_t owner, cgroup, slot, flags, created;
	char *directory;

	if (state->directory || !next_number(&line, &owner) || !next_number(&line, &cgroup) ||
	    !next_number(&line, &slot) || !next_number(&line, &flags) ||
	    !next_number(&line, &created) || !(directory = next_text(&line)) || line)
		return false;
	if (owner > UINT32_MAX || slot >= AL_MAX_SESSIONS || flags > UINT32_MAX ||
	    created > INT64_MAX)
		return false;
	state->owner = (uint32_t)owner;
	state->cgroup = cgroup;
	state->slot = (uint32_t)slot;
	state->flags = (uint32_t)flags;
	state->created = (int64_t)created;
	state->directory = strdup(directory);
	return state->directory != NULL;
}

static bool parse_rule(char *line, struct state *state)
{
	uint64_t right, system, optional;
	char *path, *origin;

	if (!next_number(&line, &right) || !next_number(&line, &system) ||
	    !next_number(&line, &optional) || !(path = next_text(&line)) ||
	    !(origin = next_text(&line)) || line || right >= POLICY_NRIGHTS)
		return false;
	return policy_add(&state->policy, (enum policy_right)right, path, origin, system, optional,
			  NULL) == 0;
}

static bool parse_object(char *line, struct state *state)
{
	struct state_object *more;
	uint64_t id, rights, rule, dev, ino;
	char *path;

	if (!next_number(&line, &id) || !next_number(&line, &rights) ||
	    !next_number(&line, &rule) || !next_number(&line, &dev) || !next_number(&line, &ino) ||
	    !(path = next_text(&line)) || line)
		return false;
	if (!id || id > UINT32_MAX || rights > UINT32_MAX || rule >= state->policy.len)
		return false;
	more = reallocarray(state->objects, state->len + 1, sizeof(*more));
	if (!more)
		return false;
	state->objects = more;
	more[state->len] = (struct state_object){
		.id = (uint32_t)id,
		.rights = (uint32_t)rights,
		.rule = (uint32_t)rule,
		.dev = dev,
		.ino = ino,
		.path = strdup(path),
	};
	return more[state->len++].path != NULL;
}

static bool parse_variable(char *line, struct state *state)
{
	uint64_t kind;
	char *text;

	if (!next_number(&line, &kind) || !(text = next_text(&line)) || line ||
	    kind >= POLICY_NVARIABLES)
		return false;
	return policy_add_variable(&state->policy, (enum policy_variable_kind)kind, text, NULL) ==
	       0;
}

static bool parse_line(char *line, struct state *state)
{
	char *what = strsep(&line, " "), *pattern;

	if (strcmp(what, "session") == 0)
		return parse_session(line, state);
	if (strcmp(what, "rule") == 0)
		return parse_rule(line, state);
	if (strcmp(what, "object") == 0)
		return parse_object(line, state);
	if (strcmp(what, "variable") == 0)
		return parse_variable(line, state);
	if (strcmp(what, "sensitive") == 0 && (pattern = next_text(&line)) && !line)
		return policy_add_sensitive(&state->policy, pattern, NULL) == 0;
	return false;
}

int state_parse(char *text, struct state *out_state, struct fail *f)
{
	struct state state;
	char *line = strsep(&text, "\n");
	int number = 1;

	if (strcmp(line, STATE_HEAD) != 0)
		return fail(f, 0, "line 1: expected '%s', got '%s'", STATE_HEAD, Q(line));
	state_init(&state);
	while ((line = strsep(&text, "\n"))) {
		number++;
		if (strcmp(line, "end") == 0 && state.directory) {
			*out_state = state;
			return 0;
		}
		errno = 0;
		if (!parse_line(line, &state)) {
			fail(f, errno == ENOMEM ? ENOMEM : 0, "line %d: cannot understand it",
			     number);
			state_done(&state);
			return -1;
		}
	}
	state_done(&state);
	return fail(f, 0, "line %d: the end is missing", number);
}

static void state_path(char *out, size_t size, const char *prefix, const char *name)
{
	snprintf(out, size, STATE_DIR "/%s%s", prefix, name);
}

int state_write(const char *name, const struct state *state, struct fail *f)
{
	char temporary[512];
	cleanup_file FILE *out = NULL;
	int fd;

	if (mkdir(STATE_DIR, 0700) && errno != EEXIST)
		return fail(f, errno, "cannot make %s", STATE_DIR);
	state_path(temporary, sizeof(temporary), ".new-", name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		if (fd >= 0)
			close(fd);
		return fail(f, errno, "cannot write %s", temporary);
	}
	state_print(state, out);
	if (fflush(out) || ferror(out)) {
		fail(f, errno, "cannot write %s", temporary);
		unlink(temporary);
		return -1;
	}
	return 0;
}

int state_commit(const char *name, struct fail *f)
{
	char path[512], temporary[512];

	state_path(path, sizeof(path), "", name);
	state_path(temporary, sizeof(temporary), ".new-", name);
	return rename(temporary, path) ? fail(f, errno, "cannot write %s", path) : 0;
}

void state_abandon(const char *name)
{
	char temporary[512];

	state_path(temporary, sizeof(temporary), ".new-", name);
	unlink(temporary);
}

int state_load(const char *name, struct state *out_state, struct fail *f)
{
	char path[512];
	cleanup_free char *text = NULL;
	cleanup_file FILE *in = NULL;
	struct fail why = {0};
	size_t size = 0;

	state_path(path, sizeof(path), "", name);
	errno = 0;
	in = fopen(path, "re");
	/* There is no NUL in it: one "line" is the whole. */
	if (!in || getdelim(&text, &size, '\0', in) < 0 || size > STATE_MAX)
		return fail(f, errno, "cannot read %s", path);
	if (state_parse(text, out_state, &why)) {
		fail(f, 0, "%s: %s", path, why.msg);
		if (f)
			f->no = why.no;
		return -1;
	}
	return 0;
}

void state_remove(const char *name)
{
	char path[512];

	state_path(path, sizeof(path), "", name);
	unlink(path);
}

int state_each(void (*each)(const char *name, void *data), void *data, struct fail *f)
{
	DIR *entries = opendir(STATE_DIR);
	struct dirent *entry;

	if (!entries)
		return errno == ENOENT ? 0 : fail(f, errno, "cannot read %s", STATE_DIR);
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] != '.')
			each(entry->d_name, data);
		else if (strncmp(entry->d_name, ".new-", 5) == 0)
			unlinkat(dirfd(entries), entry->d_name,
				 0); /* a daemon was killed while it wrote */
	}
	closedir(entries);
	return 0;
}
