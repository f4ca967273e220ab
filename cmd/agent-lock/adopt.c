/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adopt.c - agent-lock adopt: move what is running already into a session: processes, and all that descends
 * from them. All of it or, if something stands against that, nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cg.h"
#include "process.h"
#include "util.h"
#include "verbs.h"

#define ROUNDS 50      /* of looking who was started meanwhile */
#define PROCESSES 1024 /* at once: each is held open */

struct adoption {
	int daemon;
	const char *session;
	pid_t *roots;
	size_t roots_len;
	size_t moved;
};

static int parse_pid(const char *text, pid_t *out, struct fail *f)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || !*text || *end || pid <= 0 || pid > INT_MAX)
		return fail(f, 0, "'%s' is no process id", Q(text));
	*out = (pid_t)pid;
	return 0;
}

/* What adopt itself started is not meant, nor is what is in the session. */
static bool is_to_be_moved(const struct adoption *adoption, const struct process *process)
{
	return process->pid != getpid() && !cg_is_member_of(process->pid, adoption->session);
}

static bool is_in_tree(const struct process *tree, size_t len, pid_t pid)
{
	for (size_t i = 0; i < len; i++)
		if (tree[i].pid == pid)
			return true;
	return false;
}

static int check_roots(const struct adoption *adoption, const struct process *tree, size_t len,
		       struct fail *f)
{
	for (size_t i = 0; i < adoption->roots_len; i++)
		if (!is_in_tree(tree, len, adoption->roots[i]))
			return fail(f, ESRCH, "cannot adopt process %d", adoption->roots[i]);
	return 0;
}

struct members {
	const struct process *tree;
	size_t len;
	pid_t tracer; /* the one that was met; 0: nobody can tell which */
};

static bool is_member(pid_t tracer, void *data)
{
	struct members *members = data;

	members->tracer = tracer;
	return !tracer || is_in_tree(members->tree, members->len, tracer);
}

/* One that traces another reads and writes its memory, and no right is asked for that again. */
static int check_tracing(const struct process *tree, size_t len, struct fail *f)
{
	cleanup_free struct process *all = NULL;
	size_t all_len;

	if (process_tree(NULL, 0, &all, &all_len, f))
		return -1;
	for (size_t i = 0; i < all_len; i++) {
		struct members members = {.tree = tree, .len = len};
		cleanup_fd int dir = -1;

		if (is_in_tree(tree, len, all[i].pid))
			continue;
		dir = process_open(all[i].pid);
		if (dir < 0 || !process_each_tracer(dir, is_member, &members))
			continue;
		if (!members.tracer)
			return fail(f, EPERM, "cannot tell who traces process %d", all[i].pid);
		return fail(f, 0,
			    "cannot adopt process %d: it traces process %d, which would stay "
			    "outside",
			    members.tracer, all[i].pid);
	}
	return 0;
}

static int check_process(const struct process *process, const struct process *tree, size_t len,
			 struct fail *f)
{
	char other[SESSION_NAME_MAX + 1];

	if (cg_session_of(process->pid, other, sizeof(other)))
		return fail(f, EPERM, "cannot adopt process %d (%s), which is in session '%s'",
			    process->pid, Q(process->comm), other);
	if (getuid() != 0 && !process_is_of(process, getuid()))
		return fail(f, EPERM, "cannot adopt process %d (%s), which is another user's",
			    process->pid, Q(process->comm));
	return refuse_ways_out(process, tree, len, f);
}

/* Everything is looked at before anything is moved. */
static int check(const struct adoption *adoption, const struct process *tree, size_t len,
		 struct fail *f)
{
	if (len > PROCESSES)
		return fail(f, 0, "cannot adopt more than %d processes at once", PROCESSES);
	for (size_t i = 0; i < len; i++)
		if (is_to_be_moved(adoption, &tree[i]) && check_process(&tree[i], tree, len, f))
			return -1;
	return check_tracing(tree, len, f);
}

/* Move those of the tree that are not in the session; *out_moved: how many. */
static int move(struct adoption *adoption, const struct process *tree, size_t len,
		size_t *out_moved, struct fail *f)
{
	cleanup_free int *dirs = calloc(len + 1, sizeof(*dirs));
	size_t held = 0;
	int ret;

	if (!dirs)
		return fail(f, ENOMEM, "cannot adopt");
	for (size_t i = 0; i < len; i++) {
		struct process now;

		if (!is_to_be_moved(adoption, &tree[i]))
			continue;
		dirs[held] = process_open(tree[i].pid);
		/* Its number may be another one's by now. */
		if (dirs[held] >= 0 && process_read(dirs[held], &now) == 0 &&
		    now.start == tree[i].start)
			held++;
		else if (dirs[held] >= 0)
			close(dirs[held]);
	}
	ret = client_adopt(adoption->daemon, adoption->session, dirs, held, f);
	*out_moved = held;
	/* After a failure those are in that came before it. */
	for (size_t i = 0; ret && i < len; i++)
		adoption->moved += cg_is_member_of(tree[i].pid, adoption->session);
	while (held)
		close(dirs[--held]);
	return ret;
}

/*
 * Who starts a process before being moved leaves it outside, so look again until there is none. Parents
 * first: what they start from then on is inside.
 */
static int move_all(struct adoption *adoption, struct fail *f)
{
	size_t moved = 1;

	for (int round = 0; moved && round < ROUNDS; round++) {
		cleanup_free struct process *tree = NULL;
		size_t len;

		if (process_tree(adoption->roots, adoption->roots_len, &tree, &len, f) ||
		    (round == 0 && check_roots(adoption, tree, len, f)) ||
		    check(adoption, tree, len, f) || move(adoption, tree, len, &moved, f))
			return -1;
		adoption->moved += moved;
	}
	if (moved)
		return fail(f, 0, "they start processes faster than these can be moved");
	return 0;
}

static int adopt(struct adoption *adoption, struct fail *f)
{
	cleanup_free struct process *tree = NULL;
	size_t len;

	if (move_all(adoption, f)) {
		if (adoption->moved)
			fail_hint(f, "what was moved stays in: agent-lock destroy %s kills it",
				  adoption->session);
		return -1;
	}
	if (process_tree(adoption->roots, adoption->roots_len, &tree, &len, f))
		return -1;
	print_held(adoption->daemon, adoption->session, tree, len);
	return 0;
}

int cmd_adopt(int argc, char **argv)
{
	struct adoption adoption = {.daemon = -1};
	cleanup_free pid_t *roots = calloc((size_t)argc, sizeof(*roots));
	struct fail f = {0};
	int ret;

	if (argc < 3 || argv[1][0] == '-' || !roots)
		return usage();
	for (int i = 2; i < argc; i++) {
		if (parse_pid(argv[i], &roots[i - 2], &f)) {
			warn_fail(&f);
			return EXIT_USAGE;
		}
	}
	adoption.session = argv[1];
	adoption.roots = roots;
	adoption.roots_len = (size_t)argc - 2;
	adoption.daemon = daemon_connect();
	if (adoption.daemon < 0)
		return EXIT_REFUSED;
	ret = adopt(&adoption, &f);
	close(adoption.daemon);
	if (!ret)
		return EXIT_DONE;
	warn_fail(&f);
	return EXIT_REFUSED;
}
