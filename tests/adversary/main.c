/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent-lock-adversary [--harmless] [ID]... - tries the ways out of a session, all or those named, and says of
 * each whether it is blocked. Exit status 1 if one leaked, or if in-bounds work was refused.
 *
 *   --harmless   only what changes nothing on this machine where it works
 *   --list       ids, flags and words; nothing is tried
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define TRY_SECONDS 60
#define LOG_SECONDS 10
#define DIED 251 /* the try was ended by a signal */

static const struct family *const families[] = {
	&files,	      &changes,	     &filesystems, &links,	 &rules,      &races,
	&descriptors, &mounts,	     &mounts_root, &mounts_work, &processes,  &neighbours,
	&signals,     &cgroups,	     &sockets,	   &deputies,	 &network,    &netlink,
	&ipc,	      &keys,	     &terminal,	   &devices,	 &uring,      &kernel,
	&root,	      &capabilities, &later,	   &jail,	 &exhaustion,
};

enum verdict { BLOCKED, LEAKED, WITHOUT_CONTROL, WORKS, BROKEN, NOT_TRIED, NVERDICTS };

static const char *const verdict_words[] = {"blocked", "LEAKED", "no control",
					    "works",   "BROKEN", "not tried"};

/* The sessions, made once but for OWN, made for one try; a try enters any but BESIDE. */
enum { PLAIN, USERNS, OWN, BESIDE, NSESSIONS, NOWHERE = -1 };
static char sessions[NSESSIONS][64];
static char self[PATH_MAX], agent_lock[PATH_MAX];
static bool harmless;
static unsigned int counts[NVERDICTS];

static void die(const char *what)
{
	fprintf(stderr, "adversary: cannot %s: %s\n", what, strerror(errno));
	exit(2);
}

/*
 * Run a command to its end, with this standard input, 0: none. Its output is kept, cut to size.
 * Returns its exit status, DIED or -1.
 */
static int run(const char *const *command, int input, char *out, size_t size)
{
	struct timespec begun, now;
	size_t len = 0;
	int output[2], status;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC))
		return -1;
	fflush(NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	pid = fork();
	if (pid == 0) {
		int from = input ? input : open("/dev/null", O_RDWR);

		/* What the try leaves behind must not keep our pipe open for ever: see below. */
		setpgid(0, 0);
		dup2(from, 0);
		dup2(output[1], 1);
		dup2(output[1], 2);
		execv(command[0], (char *const *)command);
		_exit(DIED);
	}
	close(output[1]);
	for (;;) {
		struct pollfd readable = {.fd = output[0], .events = POLLIN};
		ssize_t got = 0;

		if (poll(&readable, 1, 100) > 0) {
			got = read(output[0], out + len, size - 1 - len);
			if (got > 0)
				len += (size_t)got;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (now.tv_sec - begun.tv_sec > TRY_SECONDS) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	while (len < size - 1) {
		ssize_t got = read(output[0], out + len, size - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	out[len] = '\0';
	close(output[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
}

/* A row's place among all; ids are no names of rows, for several may have one. */
static size_t row_of(const struct escape *escape)
{
	size_t before = 0;

	for (size_t i = 0; i < LEN(families); i++) {
		const struct escape *rows = families[i]->escapes;

		if (escape >= rows && escape < rows + families[i]->len)
			return before + (size_t)(escape - rows);
		before += families[i]->len;
	}
	return SIZE_MAX;
}

static const struct escape *find(size_t row)
{
	for (size_t i = 0; i < LEN(families); i++) {
		if (row < families[i]->len)
			return &families[i]->escapes[row];
		row -= families[i]->len;
	}
	return NULL;
}

/* One try: 0, an errno, NO_CONTROL, DIED. The world is the one that prepare() left. */
static int attempt(const struct escape *escape, const struct world *world, const char *session,
		   char *out, size_t size)
{
	const char *command[16 + WORLD_NUMBERS];
	char row[24], numbers[WORLD_NUMBERS][24];
	int n = 0;

	snprintf(row, sizeof(row), "%zu", row_of(escape));
	if (session) {
		command[n++] = agent_lock;
		command[n++] = "exec";
		command[n++] = session;
		command[n++] = "--";
	}
	command[n++] = self;
	command[n++] = "--attempt";
	command[n++] = row;
	command[n++] = world->base;
	command[n++] = session ? "inside" : "outside";
	for (int i = 0; i < WORLD_NUMBERS; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%ld", world->number[i]);
		command[n++] = numbers[i];
	}
	command[n] = NULL;
	return run(command, world->handed, out, size);
}

/* A session for the project; policy: the text of a policy file, or NULL. Returns agent-lock's status. */
static int make_session(const struct world *world, int which, const char *policy, char *out,
			size_t size)
{
	const char *file = in(world->base, "policy.ini");
	const char *command[16] = {agent_lock, "new", "--name", sessions[which], "--ro", NULL};
	static unsigned int made;
	char directory[PATH_MAX];
	int status, n = 5;

	snprintf(directory, sizeof(directory), "%s", self);
	*strrchr(directory, '/') = '\0';
	/* Never the name of one that was: its log would be there already. */
	snprintf(sessions[which], sizeof(sessions[which]), "adversary-%d-%u", getpid(), made++);
	command[n++] = directory;
	if (policy) {
		if (make_file(file, policy))
			die("write a policy");
		command[n++] = "--policy";
		command[n++] = file;
	}
	command[n++] = which == BESIDE ? in(world->base, "beside") : world->project;
	command[n] = NULL;
	status = run(command, 0, out, size);
	unlink(file);
	if (status)
		sessions[which][0] = '\0';
	return status;
}

static void destroy_session(int which)
{
	const char *command[] = {agent_lock, "destroy", sessions[which], NULL};
	char out[4096];

	if (sessions[which][0])
		run(command, 0, out, sizeof(out));
	sessions[which][0] = '\0';
}

static void world_name(struct world *world, const char *base)
{
	snprintf(world->base, sizeof(world->base), "%s", base);
	snprintf(world->out, sizeof(world->out), "%s/out", base);
	snprintf(world->project, sizeof(world->project), "%s/project", base);
}

static void begin_session(const struct world *world, int which, const char *policy)
{
	char out[1024];

	if (make_session(world, which, policy, out, sizeof(out)) == 0)
		return;
	fprintf(stderr, "adversary: agent-lock new failed: %s", out);
	exit(2);
}

static const struct escape *beside;

static int become_neighbour(const struct world *made, int ready_fd)
{
	char row[24];

	dup2(ready_fd, STDOUT_FILENO);
	snprintf(row, sizeof(row), "%zu", row_of(beside));
	execl(agent_lock, agent_lock, "exec", sessions[BESIDE], "--", self, "--neighbour", row,
	      made->base, (char *)NULL);
	return DIED;
}

/* 0, or NO_CONTROL. */
static int start_neighbour(const struct escape *escape, struct world *world)
{
	FILE *numbers;

	beside = escape;
	if (!sessions[BESIDE][0])
		begin_session(world, BESIDE, NULL);
	world->number[0] = spawn(become_neighbour, world);
	numbers = fopen(in(in(world->base, "beside"), "numbers"), "re");
	if (!numbers)
		return why_not("the neighbour does not come up");
	for (int i = 1; i < WORLD_NUMBERS && fscanf(numbers, "%ld", &world->number[i]) == 1; i++)
		;
	fclose(numbers);
	return 0;
}

/* The other side: --neighbour ROW BASE */
static int neighbour_main(char **argv)
{
	const struct escape *escape = find(strtoul(argv[2], NULL, 10));
	struct world world = {.inside = true};

	if (!escape || !escape->neighbour)
		return DIED;
	world_name(&world, argv[3]);
	return escape->neighbour(&world);
}

struct tried {
	int result;
	bool reached;
	bool changed;
	char said[1024]; /* why not, or whatever was printed */
};

/* With the world as prepare() left it; session as for try(). */
static void try_prepared(const struct escape *escape, struct world *world, int session,
			 struct tried *out_try)
{
	char *before, *after;

	if (session == OWN &&
	    make_session(world, OWN, escape->policy, out_try->said, sizeof(out_try->said))) {
		out_try->result = NO_CONTROL;
		return;
	}
	before = world_print(world);
	out_try->result = attempt(escape, world, session == NOWHERE ? NULL : sessions[session],
				  out_try->said, sizeof(out_try->said));
	out_try->reached = escape->reached && escape->reached(world);
	after = world_print(world);
	out_try->changed =
		!(escape->flags & RESTLESS) && (!before || !after || strcmp(before, after) != 0);
	free(before);
	free(after);
}

/* In one of the sessions, or NOWHERE. */
static void try(const struct escape *escape, struct world *world, int session,
		struct tried *out_try)
{
	*out_try = (struct tried){0};
	errno = world_make(world);
	if (errno)
		die("make the world that is tried on");
	if ((escape->neighbour && start_neighbour(escape, world)) ||
	    (escape->prepare && escape->prepare(world))) {
		out_try->result = NO_CONTROL;
		snprintf(out_try->said, sizeof(out_try->said), "%s", why_text());
	} else {
		try_prepared(escape, world, session, out_try);
	}
	if (world->handed)
		close(world->handed);
	if (escape->cleanup)
		escape->cleanup(world);
}

static off_t log_size(const char *session)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "/var/log/agent-lock/%s.log", session);
	return stat(path, &st) ? 0 : st.st_size;
}

/* Does a line behind offset say that one of the operations in ops was refused? */
static bool log_has(const char *session, off_t offset, const char *ops)
{
	char path[256], line[32768], word[32], op[32];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "/var/log/agent-lock/%s.log", session);
	log = fopen(path, "re");
	if (!log)
		return false;
	fseeko(log, offset, SEEK_SET);
	while (!found && fgets(line, sizeof(line), log)) {
		if (sscanf(line, "%*s %31s %31s", word, op) != 2 || strcmp(word, "refused") != 0)
			continue;
		for (const char *at = ops; *at && !found; at += strcspn(at, " "), at += *at == ' ')
			found = strncmp(at, op, strcspn(at, " ")) == 0 &&
				op[strcspn(at, " ")] == '\0';
	}
	fclose(log);
	return found;
}

static bool logged(const char *session, off_t offset, const char *ops)
{
	struct timespec wait = {.tv_nsec = 20000000};

	for (int i = 0; i < LOG_SECONDS * 50; i++) {
		if (log_has(session, offset, ops))
			return true;
		nanosleep(&wait, NULL);
	}
	return false;
}

static const char *error_text(int no)
{
	const char *name = strerrorname_np(no);

	return no == DIED ? "died of a signal" : name ? name : "?";
}

static void say(enum verdict verdict, const struct escape *escape, const char *where,
		const char *why)
{
	counts[verdict]++;
	printf("%-10s %s%s  %s", verdict_words[verdict], escape->id, where, escape->what);
	if (why && *why)
		printf(": %.*s", (int)strcspn(why, "\n"), why);
	putchar('\n');
	fflush(stdout);
}

/*
 * Did the try end before it tried? Either it says so, or it died, or agent-lock exec says why it
 * didn't run it (125 to 127 are errors of system calls, too).
 */
static bool not_made(const struct tried *inside)
{
	return inside->result == NO_CONTROL || inside->result == DIED ||
	       (inside->result >= 125 && inside->result <= 127 &&
		strncmp(inside->said, "agent-lock: ", 12) == 0);
}

/* Inside, after the control worked. */
static void judge(const struct escape *escape, struct world *world, int which)
{
	const char *where = which == USERNS ? " (userns)" : "", *session = sessions[which];
	off_t offset = which == OWN ? 0 : log_size(session);
	struct tried inside;
	char why[256];

	try(escape, world, which, &inside);
	if (escape->flags & MUST_WORK) {
		snprintf(why, sizeof(why), "%s inside: %.*s", error_text(inside.result), 200,
			 inside.said);
		say(inside.result ? BROKEN : WORKS, escape, where, inside.result ? why : NULL);
	} else if (inside.result == 0 || inside.reached || inside.changed) {
		snprintf(why, sizeof(why), "%s%s%.*s",
			 inside.result == 0 ? "it worked inside"
			 : inside.reached   ? "an error was returned, but it was done"
					    : "something outside is not as it was",
			 *inside.said ? ": " : "", 150, inside.said);
		say(LEAKED, escape, where, why);
	} else if (not_made(&inside)) {
		snprintf(why, sizeof(why), "inside it could not be tried, nothing is proven: %.*s",
			 160, inside.said);
		say(LEAKED, escape, where, why);
	} else if (escape->logged && !logged(session, offset, escape->logged)) {
		snprintf(why, sizeof(why), "%s, but the log does not say so",
			 error_text(inside.result));
		say(LEAKED, escape, where, why);
	} else {
		snprintf(why, sizeof(why), "%s%s", error_text(inside.result),
			 escape->logged ? ", in the log" : "");
		say(BLOCKED, escape, where, why);
	}
}

static void run_escape(const struct escape *escape, struct world *world)
{
	bool is_root = geteuid() == 0;
	struct tried control;
	char why[1200];

	if (!escape->attempt) {
		say(NOT_TRIED, escape, "", escape->reason);
		return;
	}
	if ((escape->flags & ROOT_ONLY) && !is_root) {
		say(NOT_TRIED, escape, "", "for root; it is tried there");
		return;
	}
	if ((escape->flags & USER_ONLY) && is_root) {
		say(NOT_TRIED, escape, "", "for an ordinary user; it is tried there");
		return;
	}
	if ((escape->flags & GUEST_ONLY) && harmless) {
		say(NOT_TRIED, escape, "", "it would change this machine");
		return;
	}
	try(escape, world, NOWHERE, &control);
	if (control.result) {
		snprintf(why, sizeof(why), "%s%s%s",
			 control.result == NO_CONTROL ? "" : error_text(control.result),
			 control.result == NO_CONTROL || !*control.said ? "" : ", ", control.said);
		say(WITHOUT_CONTROL, escape, "", why);
		return;
	}
	if (!(escape->flags & USERNS_ONLY))
		judge(escape, world, escape->policy ? OWN : PLAIN);
	destroy_session(OWN);
	if (escape->flags & (IN_USERNS | USERNS_ONLY))
		judge(escape, world, USERNS);
}

/* The other side of attempt(): --attempt ROW BASE inside|outside NUMBER... */
static int attempt_main(char **argv)
{
	const struct escape *escape = find(strtoul(argv[2], NULL, 10));
	struct world world = {.inside = strcmp(argv[4], "inside") == 0};
	int no;

	if (!escape || !escape->attempt)
		return DIED;
	world_name(&world, argv[3]);
	for (int i = 0; i < WORLD_NUMBERS; i++)
		world.number[i] = atol(argv[5 + i]);
	if (chdir(world.project))
		no = why_not("the project cannot be entered: %s", strerror(errno));
	else
		no = escape->attempt(&world);
	if (no == NO_CONTROL)
		puts(why_text());
	return no;
}

static struct world world;

/* At the end, however it comes: no session and no file of ours stays. */
static void leave(void)
{
	for (int i = 0; i < NSESSIONS; i++)
		destroy_session(i);
	if (world.base[0])
		world_end(&world);
}

static void on_signal(int sig)
{
	exit(128 + sig); /* leave(): there is nothing half done in main() that it could trip over */
}

static void find_programs(void)
{
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *given = getenv("AGENT_LOCK");

	if (len < 0)
		die("find this program");
	self[len] = '\0';
	if (given) {
		snprintf(agent_lock, sizeof(agent_lock), "%s", given);
		return;
	}
	snprintf(agent_lock, sizeof(agent_lock), "%.*s/agent-lock",
		 (int)(strrchr(self, '/') - self), self);
}

static void list(void)
{
	for (size_t i = 0; i < LEN(families); i++)
		for (size_t j = 0; j < families[i]->len; j++)
			printf("%s %s\n", families[i]->escapes[j].id, families[i]->escapes[j].what);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"harmless", no_argument, NULL, 'h'},
		{"list", no_argument, NULL, 'l'},
		{0},
	};
	const char *home = getenv("HOME");
	char base[512];
	int option;

	if (argc == 5 + WORLD_NUMBERS && strcmp(argv[1], "--attempt") == 0)
		return attempt_main(argv);
	if (argc == 4 && strcmp(argv[1], "--neighbour") == 0)
		return neighbour_main(argv);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'l') {
			list();
			return 0;
		}
		if (option != 'h')
			return 2;
		harmless = true;
	}
	find_programs();
	snprintf(base, sizeof(base), "%s/.agent-lock-adversary.XXXXXX", home ? home : "/root");
	if (!mkdtemp(base))
		die("make a directory in the home directory");
	world_name(&world, base);
	atexit(leave);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	/* SIGIO and the like are for the processes that the tries are about. */
	if (mkdir(world.project, 0755) || mkdir(in(world.base, "beside"), 0755))
		die("make the project");
	begin_session(&world, PLAIN, NULL);
	begin_session(&world, USERNS, "[session]\nuserns = allow\n");
	for (size_t i = 0; i < LEN(families); i++) {
		for (size_t j = 0; j < families[i]->len; j++) {
			const struct escape *escape = &families[i]->escapes[j];
			bool named = optind == argc;

			for (int k = optind; k < argc; k++)
				named |= strncmp(escape->id, argv[k], strlen(argv[k])) == 0;
			if (named)
				run_escape(escape, &world);
		}
	}
	printf("%u works in bounds, %u broken; %u not tried\n", counts[WORKS], counts[BROKEN],
	       counts[NOT_TRIED]);
	printf("%u blocked, %u leaked, %u without control on this kernel\n", counts[BLOCKED],
	       counts[LEAKED], counts[WITHOUT_CONTROL]);
	return counts[LEAKED] || counts[BROKEN];
}
