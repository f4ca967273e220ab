/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hook.c - agent-lock hook: what to put into an agent's configuration, so that a refusal comes back to
 * its model; and, called by the agent then, what was refused since it was called last.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "cg.h"
#include "hook.h"
#include "util.h"
#include "verbs.h"

#define READ_MAX (1 << 20) /* bytes of the log that are looked at in one call, the latest */
#define DRAIN_MS 500	   /* for an agent to say what it did, which is not needed */

/* How far the log was told, in a file of the session's own. */
struct mark {
	uint64_t file; /* inode number */
	uint64_t offset;
};

static const char mark_name[] = ".agent-lock-told";

static int open_mark(void)
{
	const char *tmpdir = getenv("TMPDIR");
	cleanup_fd int dir = tmpdir ? open(tmpdir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return dir < 0 ? -1
		       : openat(dir, mark_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Whoever writes into the mark is in the session, and fools nobody but its own model. */
static struct mark read_mark(int fd, const struct stat *log)
{
	struct mark mark;

	if (fd < 0 || pread(fd, &mark, sizeof(mark), 0) != sizeof(mark) ||
	    mark.file != log->st_ino || mark.offset > (uint64_t)log->st_size)
		mark = (struct mark){.file = log->st_ino};
	if ((uint64_t)log->st_size - mark.offset > READ_MAX)
		mark.offset = (uint64_t)log->st_size - READ_MAX;
	return mark;
}

/*
 * The daemon puts what happened before a request into the log before it answers that. So any question
 * will do: what may we do with our log?
 */
static int wait_for_log(const char *session, const char *path, struct fail *f)
{
	cleanup_fd int daemon = client_connect_inside(f), log = open(path, O_PATH | O_CLOEXEC);
	struct verdict verdict;

	return daemon < 0 ? -1 : client_why(daemon, session, log, "", &verdict, f);
}

static int tell(const char *hook, const char *session, const char *path, struct fail *f)
{
	cleanup_fd int log = open(path, O_RDONLY | O_CLOEXEC), kept = open_mark();
	cleanup_free char *text = malloc(READ_MAX);
	struct mark mark;
	struct stat st;
	ssize_t len;

	if (log < 0 || !text)
		return fail(f, errno, "cannot read '%s'", Q(path));
	if (wait_for_log(session, path, f))
		return -1;
	if (fstat(log, &st))
		return fail(f, errno, "cannot read '%s'", Q(path));
	mark = read_mark(kept, &st);
	len = pread(log, text, READ_MAX, (off_t)mark.offset);
	if (len < 0)
		return fail(f, errno, "cannot read '%s'", Q(path));
	mark.offset += hook_answer(text, (size_t)len, hook, stdout);
	if (fflush(stdout))
		return fail(f, errno, "cannot answer");
	/* Without a mark the same is told again. */
	if (kept >= 0)
		(void)!pwrite(kept, &mark, sizeof(mark), 0);
	return 0;
}

/* An agent that writes more than a pipe holds must not find that nobody reads. */
static void drain_stdin(void)
{
	struct pollfd waited = {.fd = STDIN_FILENO, .events = POLLIN};
	char buf[4096];

	while (poll(&waited, 1, DRAIN_MS) > 0 && read(STDIN_FILENO, buf, sizeof(buf)) > 0)
		;
}

static int answer(const char *hook)
{
	const char *session = getenv("AGENT_LOCK_SESSION"), *log = getenv("AGENT_LOCK_LOG");
	struct fail f = {0};

	if (!hook[0] || hook[strspn(hook, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")])
		return usage();
	drain_stdin();
	/* The same configuration is read by an agent that is in no session: there is nothing to tell. */
	if (cg_is_session_member(getpid()) == 0)
		return EXIT_DONE;
	if (!session || !log) {
		warn("AGENT_LOCK_SESSION or AGENT_LOCK_LOG is missing in the environment");
		return EXIT_REFUSED;
	}
	if (tell(hook, session, log, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/* Is it what a shell would find? */
static bool is_in_path(const struct stat *own)
{
	cleanup_free char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
	char file[AL_PATH_MAX], *rest = path;
	struct stat found;

	for (const char *dir; path && (dir = strsep(&rest, ":"));) {
		snprintf(file, sizeof(file), "%s/agent-lock", dir);
		if (stat(file, &found) == 0)
			return found.st_dev == own->st_dev && found.st_ino == own->st_ino;
	}
	return false;
}

/* How a configuration calls this program. */
static int own_name(char *out, size_t size, struct fail *f)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+";
	ssize_t len = readlink("/proc/self/exe", out, size - 1);
	struct stat own;

	if (len < 0 || stat("/proc/self/exe", &own))
		return fail(f, errno, "cannot tell where this program is");
	out[len] = '\0';
	if (is_in_path(&own))
		snprintf(out, size, "agent-lock");
	else if (out[strspn(out, plain)])
		return fail(f, 0,
			    "cannot write '%s' into a configuration: put it into a directory of "
			    "the PATH",
			    Q(out));
	return 0;
}

static void print_claude(const char *program)
{
	static const char *const hooks[] = {"PostToolUse", "PostToolUseFailure"};

	puts("{\n  \"hooks\": {");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		printf("    \"%s\": [{\"matcher\": \"*\", \"hooks\": [{\"type\": \"command\",\n"
		       "      \"command\": \"%s hook --answer %s\", \"timeout\": 10}]}]%s\n",
		       hooks[i], program, hooks[i], i + 1 < ARRAY_SIZE(hooks) ? "," : "");
	puts("  }\n}");
	fputs("hint: into ~/.claude/settings.json\n", stderr);
}

static void print_codex(const char *program)
{
	printf("[[hooks.PostToolUse]]\n"
	       "[[hooks.PostToolUse.hooks]]\n"
	       "type = \"command\"\n"
	       "command = \"%s hook --answer PostToolUse\"\n"
	       "timeout = 10\n",
	       program);
	fputs("hint: into ~/.codex/config.toml; codex asks once whether you trust it, at /hooks. "
	      "In\n"
	      "hint: /etc/codex/config.toml it is trusted as it is\n",
	      stderr);
}

static const struct {
	const char *agent;
	void (*print)(const char *program);
} configurations[] = {
	{"claude", print_claude},
	{"codex", print_codex},
};

static int print_configuration(const char *agent)
{
	char program[AL_PATH_MAX];
	struct fail f = {0};

	for (size_t i = 0; i < ARRAY_SIZE(configurations); i++) {
		if (strcmp(agent, configurations[i].agent) != 0)
			continue;
		if (own_name(program, sizeof(program), &f)) {
			warn_fail(&f);
			return EXIT_REFUSED;
		}
		configurations[i].print(program);
		return EXIT_DONE;
	}
	warn("'%s' is no agent whose hooks are known: claude, codex", Q(agent));
	return EXIT_USAGE;
}

int cmd_hook(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--answer") == 0)
		return answer(argv[2]);
	return argc == 2 && argv[1][0] != '-' ? print_configuration(argv[1]) : usage();
}
