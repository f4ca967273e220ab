/* SPDX-License-Identifier: GPL-2.0-only */
/* program.c - see program.h */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exposure.h"
#include "program.h"
#include "util.h"

#define INTERPRETERS_MAX 4 /* a script's interpreter may be a script (fs/exec.c allows five) */
#define ORIGIN "program"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool program_find(const char *command, char *out, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(command, '/')) {
		snprintf(out, size, "%s", command);
		return strlen(command) < size && is_program(out);
	}
	for (size_t len; path && *command; path += len + 1) {
		len = strcspn(path, ":");
		/* An empty entry is the working directory, as for execvp(3). */
		if ((size_t)snprintf(out, size, "%.*s%s%s", (int)len, path, len ? "/" : "./",
				     command) < size &&
		    is_program(out))
			return true;
		if (!path[len])
			return false;
	}
	return false;
}

bool program_in(const char *file, const struct stat *directory)
{
	char above[PATH_MAX];
	struct stat st, last = {0};
	cleanup_free char *real = realpath(file, NULL);
	int at, up;

	if (!real || strlen(real) >= sizeof(above))
		return false;
	*strrchr(strcpy(above, real), '/') = '\0';
	for (at = open(*above ? above : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	     at >= 0 && fstat(at, &st) == 0; at = up) {
		bool found = st.st_dev == directory->st_dev && st.st_ino == directory->st_ino;
		bool root = st.st_dev == last.st_dev && st.st_ino == last.st_ino;

		last = st;
		up = found || root ? -1 : openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(at);
		if (found)
			return true;
	}
	return false;
}

static const char *word(const char **at, const char *end, size_t *out_len)
{
	const char *start;

	while (*at < end && (**at == ' ' || **at == '\t'))
		++*at;
	start = *at;
	while (*at < end && **at != ' ' && **at != '\t')
		++*at;
	*out_len = (size_t)(*at - start);
	return start;
}

bool program_interpreter(const char *text, size_t len, char out[SHEBANG_MAX])
{
	const char *at = text + 2, *end, *name;
	size_t size;

	if (len > SHEBANG_MAX - 1)
		len = SHEBANG_MAX - 1;
	if (len < 3 || memcmp(text, "#!", 2) != 0)
		return false;
	end = memchr(text, '\n', len);
	if (!end)
		end = text + len;
	name = word(&at, end, &size);
	/* env(1): options and settings may come before the name. */
	if (size >= 4 && memcmp(name + size - 4, "/env", 4) == 0) {
		do
			name = word(&at, end, &size);
		while (size && (name[0] == '-' || memchr(name, '=', size)));
	}
	if (!size || memchr(name, '\0', size))
		return false;
	memcpy(out, name, size);
	out[size] = '\0';
	return true;
}

/* The one of this file; false if it is no script. */
static bool interpreter_of(const char *file, char out[SHEBANG_MAX])
{
	char text[SHEBANG_MAX];
	/* A fifo in its place must not hold us up. */
	cleanup_fd int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	len = read(fd, text, sizeof(text));
	return len > 0 && program_interpreter(text, (size_t)len, out);
}

/* A directory that may be given away for reading; it is there. */
static bool may_be_given(const char *path, const char *home)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char exposed[256];

	return fd >= 0 && !exposure(fd, home, exposed, sizeof(exposed));
}

static int add(const char *path, struct policy *policy, struct fail *f)
{
	return policy_add(policy, POLICY_RO, path, ORIGIN, false, true, f);
}

/* The outermost node_modules that a path lies in: a package needs its neighbours. */
static bool node_modules_of(const char *path, char *out, size_t size)
{
	static const char NAME[] = "/node_modules/";
	const char *at = strstr(path, NAME);

	if (!at)
		return false;
	snprintf(out, size, "%.*s", (int)(at - path + (ptrdiff_t)strlen(NAME) - 1), path);
	return true;
}

/* PREFIX of PREFIX/bin/NAME, unless it is one that is shared by all that its owner installs. */
static bool prefix_of(const char *path, const char *home, char *out, size_t size)
{
	size_t home_len = home ? strlen(home) : 0;
	char *slash;

	snprintf(out, size, "%s", path);
	for (int level = 0; level < 2; level++) {
		slash = strrchr(out, '/');
		if (!slash || slash == out || (level && strcmp(slash, "/bin") != 0))
			return false;
		*slash = '\0';
	}
	/* ~/.local, ~/.bun and the like hold more than programs. */
	slash = strrchr(out, '/');
	return slash != out && !(home_len && (size_t)(slash - out) == home_len &&
				 strncmp(out, home, home_len) == 0);
}

/* The file, or what it is installed with. */
static int add_file(const char *file, bool interpreter, const char *home, struct policy *policy,
		    struct fail *f)
{
	char around[PATH_MAX];
	bool found = node_modules_of(file, around, sizeof(around)) ||
		     (interpreter && prefix_of(file, home, around, sizeof(around)));

	if (strncmp(file, "/usr/", 5) == 0) /* the base policy has it */
		return 0;
	return add(found && may_be_given(around, home) ? around : file, policy, f);
}

/* A virtual environment's interpreter is a link, by whose own name it knows where it is. */
static int add_environment(const char *link, const char *home, struct policy *policy,
			   struct fail *f)
{
	char around[PATH_MAX];

	return prefix_of(link, home, around, sizeof(around)) && around[0] == '/' &&
			       strcmp(around, "/usr") != 0 && may_be_given(around, home)
		       ? add(around, policy, f)
		       : 0;
}

int program_add_rules(const char *file, const char *home, struct policy *policy, struct fail *f)
{
	char found[PATH_MAX], interpreter[SHEBANG_MAX];

	snprintf(found, sizeof(found), "%s", file);
	for (int level = 0; level < INTERPRETERS_MAX; level++) {
		cleanup_free char *real = realpath(found, NULL);

		if (!real)
			return fail(f, errno, "cannot find the program '%s'", Q(found));
		if (add_file(real, level, home, policy, f) ||
		    (level && strcmp(found, real) != 0 && add_environment(found, home, policy, f)))
			return -1;
		if (!interpreter_of(real, interpreter) ||
		    !program_find(interpreter, found, sizeof(found)))
			return 0;
	}
	return 0;
}
