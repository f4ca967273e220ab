/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adversary.h - the ways out of a session, one function each, and what they are tried on.
 *
 * An escape is tried twice, as the same user, each time in a process of its own and on a world made
 * anew: outside any session, where it has to work (the control), and inside, where it must not.
 * Afterwards nothing that belongs to outside may differ, and the refusal must be in the log where
 * the kernel lets us see the attempt. Ids are stable and never used again.
 */
#ifndef ADVERSARY_H
#define ADVERSARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SECRET "this belongs to outside"
#define WORLD_NUMBERS 8

/*
 * All paths are absolute. base is in the user's home, which no session may touch; project is what
 * the session was made for. out holds, made anew before each try: f (SECRET, mode 0600, a user
 * attribute), d/ (empty), l (a symlink to f), x (a program: /bin/true copied). Whatever else an
 * escape needs its prepare() makes.
 */
struct world {
	char base[512];
	char out[600];
	char project[600];
	bool inside; /* set for attempt() alone: which of the two tries this is */
	/* What prepare() tells attempt(): pids, keys, ports. attempt() gets copies. */
	long number[WORLD_NUMBERS];
	/* A descriptor that prepare() opened: attempt's standard input. 0: /dev/null. */
	int handed;
};

/* What attempt() returns besides 0 (it worked) and an errno (it was refused). */
#define NO_CONTROL 250 /* cannot be tried on this machine; says why with why_not() */

enum {
	ROOT_ONLY = 1 << 0,   /* asks for root's rights: of no use to an ordinary user */
	USER_ONLY = 1 << 1,   /* means something for an ordinary user alone */
	GUEST_ONLY = 1 << 2,  /* changes the machine where it works: not on a user's own */
	IN_USERNS = 1 << 3,   /* tried once more in a session that may make user namespaces */
	MUST_WORK = 1 << 4,   /* no escape: in-bounds work that has to go on */
	UNSEEN = 1 << 5,      /* refused where no hook tells us: not in the log */
	RESTLESS = 1 << 6,    /* something outside moves about meanwhile: out is not compared */
	USERNS_ONLY = 1 << 7, /* tried only in a session that may make user namespaces */
};

struct escape {
	const char *id;	  /* F01 */
	const char *what; /* in a few words, for the reader of the list */
	unsigned int flags;
	/* Outside, before each try; 0, or NO_CONTROL after why_not(). May be NULL. */
	int (*prepare)(struct world *world);
	/*
	 * Runs beside, in a session of its own, whose project is BASE/beside: tells numbers with
	 * neighbour_ready() and waits. Its pid is number[0], what it told follows; then comes prepare().
	 */
	int (*neighbour)(const struct world *world);
	/*
	 * The try itself, in a process of its own, working directory: the project. 0: it worked; an
	 * errno: it didn't; NO_CONTROL. NULL: not tried, see reason.
	 */
	int (*attempt)(const struct world *world);
	/*
	 * Outside, afterwards: did the try reach what it was after, though it failed or said so? out is
	 * compared anyway. May be NULL.
	 */
	bool (*reached)(const struct world *world);
	/* Outside, at the end of each try, for what is not below base and was not started by spawn(). */
	void (*cleanup)(struct world *world);
	const char *logged; /* the operation that the log names; a second may follow a blank */
	const char *reason; /* not tried or not logged: why */
	/*
	 * Inside is a session of its own, made after prepare(), whose policy has these lines too
	 * ("ro = ${PROJECT}/a"). NULL: one that was made before all tries.
	 */
	const char *policy;
};

struct family {
	const struct escape *escapes;
	size_t len;
};

/* Why this machine is no control for it; kept for the line that is printed. Returns NO_CONTROL. */
int why_not(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A process of the same user outside any session, which runs body and ends; killed after the try.
 * Ready when it wrote a byte to ready_fd (or returned). Returns its pid, or -1.
 */
pid_t spawn(int (*body)(const struct world *world, int ready_fd), const struct world *world);
/* One that only waits for signals. */
pid_t spawn_sleeper(void);
/* Is it alive (not stopped, not a zombie)? */
bool alive(pid_t pid);

/* A neighbour is ready; what it has to tell, as many numbers as it said. Waits for ever. */
void neighbour_ready(const struct world *world, size_t count, const long *numbers)
	__attribute__((noreturn));

/* DIR/NAME in a static buffer of four that take turns. */
const char *in(const char *directory, const char *name);
/* 0 and errno of a system call's result. */
int result(long ret);
/* Make a file with this text; 0 or an errno. */
int make_file(const char *path, const char *text);
/* An O_PATH descriptor, which gives no rights; of a symlink itself. -1: see errno. */
int handle(const char *path);
/* The name in /proc of an own descriptor; static. */
const char *proc_fd(int fd);
/* Run a program to its end: 0 if it says so, EPERM if it says otherwise; for what has no errno. */
int run_program(const char *const *command);
/* Open for reading and read: 0 if SECRET is in it, EBADMSG if something else was read, or an errno. */
int read_secret(const char *path);
int read_secret_fd(int fd);

/*
 * One attempt at a thing in several ways. Outside all must work; returns the first error. Inside
 * none may; returns 0 if one does, and says which.
 */
struct variant {
	const char *what;
	int (*attempt)(const struct world *world);
};
int each(const struct world *world, const struct variant *variants, size_t len);

/*
 * Outside, in a guest: a shell command as root, by a set-id helper if need be. 0, or NO_CONTROL.
 * Only for what a user cannot prepare.
 */
int as_root(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Set a sysctl (its path) until knobs_back(), which is a cleanup. 0, or NO_CONTROL. */
int set_knob(const char *path, const char *value);
void knobs_back(struct world *world);

/* For root in a guest: a new file system of this type (xfs, btrfs), mounted at the directory. */
int mount_new(const char *type, const char *directory);

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

extern const struct family files, changes, filesystems, links, rules, races, descriptors, mounts,
	mounts_root, mounts_work, processes, neighbours, signals, cgroups, sockets, deputies, network,
	netlink, ipc, keys, terminal, devices, uring, kernel, root, capabilities, later, jail,
	exhaustion;

#endif
