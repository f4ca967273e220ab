/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program_grant.c - what of the file system belongs to a program; see program.h. Read from where it
 * lies and from its first line, so only for programs that no session could have written.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>

#include "../bpf/agent_lock.h"
#include "climb.h"
#include "exposure.h"
#include "program.h"
#include "shebang.h"
#include "util.h"

#define INTERPRETERS_MAX 5 /* of interpreters: the kernel's bound */

struct granting {
	const struct program_context *context;
	struct policy *policy;
	size_t first; /* of its rules that is ours */
	struct lines *notes;
	char origin[sizeof(struct quoted) + 16];
};

/* Below these each program has a directory of its own, and with it the data of all the others. */
static const char *const shared_in_home[] = {
	"/.local", "/.local/share", "/.local/state", "/.cache", "/.var",
};

static bool holds_shared(const struct stat *dir, const char *home, const char **out_what)
{
	char place[AL_PATH_MAX];

	for (size_t i = 0; home && i < ARRAY_SIZE(shared_in_home); i++) {
		snprintf(place, sizeof(place), "%s%s", home, shared_in_home[i]);
		if (!exposure_holds(dir, place))
			continue;
		*out_what = "what other programs keep";
		return true;
	}
	return false;
}

/* What the policy calls sensitive by a whole path. Mere names (*.pem) may be anywhere. */
static bool holds_sensitive(const struct stat *dir, const struct policy *policy)
{
	bool found = false;

	for (size_t i = 0; i < policy->sensitive_len && !found; i++) {
		glob_t places = {0};
		int error = policy->sensitive[i][0] == '/'
				    ? glob(policy->sensitive[i], GLOB_NOSORT, NULL, &places)
				    : GLOB_NOMATCH;

		found = error && error != GLOB_NOMATCH; /* who knows */
		for (size_t j = 0; !error && j < places.gl_pathc && !found; j++)
			found = exposure_holds(dir, places.gl_pathv[j]);
		globfree(&places);
	}
	return found;
}

static bool is_top(int fd, const struct stat *dir)
{
	cleanup_fd int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat above, top;

	return up < 0 || root < 0 || fstat(up, &above) || fstat(root, &top) ||
	       same_object(&above, &top) || same_object(dir, &top);
}

/* Why a directory is not given away with a program in it; NULL: nothing speaks against it. */
static const char *objection(const struct granting *g, int fd, const char *path)
{
	const struct program_context *context = g->context;
	char exposed[256];
	const char *what;
	struct stat dir;

	if (fstat(fd, &dir) || is_top(fd, &dir))
		return "the top of the file system";
	if (climb_meets(context->project, &dir) != 0)
		return "the project";
	if (exposure(fd, context->home, exposed, sizeof(exposed)))
		return "what no agent is to have";
	if (holds_shared(&dir, context->home, &what))
		return what;
	if (policy_sensitive(context->policy, path) || holds_sensitive(&dir, context->policy))
		return "secrets";
	return NULL;
}

static int add(struct granting *g, const char *path, struct fail *f)
{
	for (size_t i = g->first; i < g->policy->len; i++)
		if (strcmp(g->policy->rules[i].path, path) == 0)
			return 0;
	return policy_add(g->policy, POLICY_RO, path, g->origin, false, false, f);
}

static bool is_spoken_of(const struct granting *g, int fd, int dir)
{
	enum policy_right right;

	return places_decide(g->context->places, fd, dir, &right) && right != POLICY_CONNECT;
}

/*
 * The directory at path, if the object behind below is in it. 1: a rule for it is there; 0: it must
 * not be given.
 */
static int grant_directory(struct granting *g, const char *path, int below, struct fail *f)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *why;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || climb_meets(below, &st) != 1)
		return 0;
	if (is_spoken_of(g, -1, fd))
		return 1;
	why = objection(g, fd, path);
	if (!why)
		return add(g, path, f) ? -1 : 1;
	if (lines_add(g->notes, "%s: not all of '%s' is allowed, which is or holds %s", g->origin,
		      Q(path), why))
		return fail(f, ENOMEM, "cannot hold what is to be said");
	return 0;
}

/* The outermost node_modules: packages find others beside themselves and further up. */
static bool find_modules(const char *path, char *out)
{
	static const char MODULES[] = "/node_modules/";
	const char *found = strstr(path, MODULES);

	if (!found)
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)(found - path + (long)strlen(MODULES) - 1), path);
	return true;
}

/* PREFIX of PREFIX/bin/NAME. */
static bool find_prefix(const char *path, char *out)
{
	static const char BIN[] = "/bin";
	const char *slash = strrchr(path, '/');
	size_t len = (size_t)(slash - path);

	if (len <= strlen(BIN) || strncmp(slash - strlen(BIN), BIN, strlen(BIN)) != 0)
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)(len - strlen(BIN)), path);
	return true;
}

static int grant_file(struct granting *g, const struct program *program, bool interpreter,
		      struct fail *f)
{
	char dir[PATH_MAX];
	int granted = 0;

	if (is_spoken_of(g, program->fd, program->dir))
		return 0;
	if (find_modules(program->path, dir) || (interpreter && find_prefix(program->path, dir)))
		granted = grant_directory(g, dir, program->dir, f);
	if (granted)
		return granted < 0 ? -1 : 0;
	return add(g, program->path, f);
}

/*
 * python in a virtual environment is a link to another python, which looks for the environment
 * beside the link.
 */
static int grant_environment(struct granting *g, const struct program *program, struct fail *f)
{
	cleanup_free char *named = strdup(program->file);
	char *slash = named ? strrchr(named, '/') : NULL;
	char bin[AL_PATH_MAX + 1], probe[PATH_MAX + 16], dir[PATH_MAX];
	cleanup_fd int fd = -1;

	if (!slash)
		return named ? 0 : fail(f, ENOMEM, "cannot look at an interpreter");
	slash[1] = '\0';
	fd = openat(g->context->start, named, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fd_path(fd, bin, sizeof(bin) - 2))
		return 0;
	strcat(bin, "/");
	if (strlen(bin) >= PATH_MAX || !find_prefix(bin, dir))
		return 0;
	snprintf(probe, sizeof(probe), "%s/pyvenv.cfg", dir);
	if (access(probe, F_OK))
		return 0;
	return grant_directory(g, dir, fd, f) < 0 ? -1 : 0;
}

/* Foreign bytes, of a regular file. False: it is no script that the caller may read. */
static bool read_shebang(const struct program *program, struct shebang *out)
{
	char link[64], text[SHEBANG_MAX];
	cleanup_fd int fd = -1;
	size_t have = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", program->fd);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	while (fd >= 0 && have < sizeof(text)) {
		ssize_t n = read(fd, text + have, sizeof(text) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return shebang_parse(text, have, out);
}

static int grant_interpreters(struct granting *g, const struct program *script, int depth,
			      struct fail *f);

static int grant_interpreter(struct granting *g, const char *name, int depth, struct fail *f)
{
	const struct program_context *context = g->context;
	struct program program;
	int ret;

	if (!name[0] || !program_find(name, context->search, context->start, &program))
		return 0;
	if (program_planted(&program, context->start, context->places))
		ret = lines_add(g->notes,
				"%s: '%s' runs it and is in reach of a session, so not allowed",
				g->origin, Q(program.file))
			      ? fail(f, ENOMEM, "cannot hold what is to be said")
			      : 0;
	else
		ret = grant_file(g, &program, true, f) || grant_environment(g, &program, f) ||
				      grant_interpreters(g, &program, depth + 1, f)
			      ? -1
			      : 0;
	program_done(&program);
	return ret;
}

static int grant_interpreters(struct granting *g, const struct program *script, int depth,
			      struct fail *f)
{
	struct shebang shebang;

	if (depth >= INTERPRETERS_MAX || !read_shebang(script, &shebang))
		return 0;
	return grant_interpreter(g, shebang.interpreter, depth, f) ||
			       grant_interpreter(g, shebang.searched, depth, f)
		       ? -1
		       : 0;
}

int program_grant(const struct program *program, const struct program_context *context,
		  struct policy *policy, struct lines *notes, struct fail *f)
{
	struct granting g = {
		.context = context, .policy = policy, .first = policy->len, .notes = notes};

	snprintf(g.origin, sizeof(g.origin), "program %s", Q(program->name));
	return grant_file(&g, program, false, f) || grant_interpreters(&g, program, 0, f) ? -1 : 0;
}
