/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * races.c - L: what changes while it is decided, and between two decisions: names that are exchanged,
 * directories that are moved, by the jailed and by others; what is forgotten, and replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adversary.h"

#define CANNOT_PREPARE why_not("cannot prepare: %s", strerrorname_np(errno))

/* A race is lost when the secret is read once; it was run when it was refused so often. */
#define REFUSALS 600
#define MORE_REFUSALS 5000
#define RACE_SECONDS 8

struct race {
	const struct world *world;
	int start;    /* a directory, for who begins there */
	int refusals; /* how many are enough */
	atomic_bool over;
};

static bool time_is_up(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - begun->tv_sec > RACE_SECONDS;
}

/* Open and read one path again and again while movers move. */
static int open_on(struct race *race, const char *path)
{
	struct timespec begun;
	int refusals = 0, no = 0;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (refusals < race->refusals && !time_is_up(&begun)) {
		int fd = openat(race->start, path, O_RDONLY | O_CLOEXEC);

		no = fd < 0 ? errno : read_secret_fd(fd);
		if (fd >= 0)
			close(fd);
		if (no == 0)
			return 0;
		refusals += no == EPERM;
	}
	return refusals ? EPERM : why_not("never refused, last: %s", strerrorname_np(no));
}

static int race_with(struct race *race, void *(*mover)(void *), const char *path)
{
	pthread_t thread;
	int no;

	if (pthread_create(&thread, NULL, mover, race))
		return why_not("no thread can be made");
	no = open_on(race, path);
	race->over = true;
	pthread_join(thread, NULL);
	return no;
}

/* A name that is now a file of the project and now a link to outside. */
static void *exchange_link(void *data)
{
	struct race *race = data;

	while (!race->over)
		renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE);
	return NULL;
}

static int l19_last(const struct world *world)
{
	struct race race = {.world = world, .start = AT_FDCWD, .refusals = REFUSALS};

	if (make_file("a", "mine") || symlink(in(world->out, "f"), "b"))
		return CANNOT_PREPARE;
	return race_with(&race, exchange_link, "a");
}

static int l19_directory(const struct world *world)
{
	struct race race = {.world = world, .start = AT_FDCWD, .refusals = REFUSALS};

	if (mkdir("a", 0700) || make_file("a/f", "mine") || symlink(world->out, "b"))
		return CANNOT_PREPARE;
	return race_with(&race, exchange_link, "a/f");
}

/* The jailed move directories about while they climb from them. */
static void *move_directories(void *data)
{
	struct race *race = data;

	while (!race->over) {
		rename("m1/x", "m2/x");
		renameat2(AT_FDCWD, "m1", AT_FDCWD, "m2", RENAME_EXCHANGE);
		rename("m2/x", "m1/x");
		rename("m1/x/y", "m2/y");
		rename("m2/y", "m1/x/y");
		renameat2(AT_FDCWD, "m1", AT_FDCWD, "m2", RENAME_EXCHANGE);
	}
	return NULL;
}

static int make_directories(struct race *race)
{
	if (mkdir("m1", 0700) || mkdir("m2", 0700) || mkdir("m1/x", 0700) ||
	    mkdir("m1/x/y", 0700) || mkdir("m1/x/y/z", 0700))
		return CANNOT_PREPARE;
	race->start = handle("m1/x/y/z");
	return race->start < 0 ? CANNOT_PREPARE : 0;
}

static int l20_upwards(const struct world *world)
{
	struct race race = {.world = world, .refusals = REFUSALS};

	if (make_directories(&race))
		return NO_CONTROL;
	return race_with(&race, move_directories, "../../../../../out/f");
}

static int l20_by_name(const struct world *world)
{
	struct race race = {.world = world, .refusals = REFUSALS};

	if (make_directories(&race))
		return NO_CONTROL;
	return race_with(&race, move_directories, in(world->out, "f"));
}

/* What is in the project all the while is never refused. */
static int l20_in_bounds(const struct world *world)
{
	struct race race = {.world = world};
	struct timespec begun;
	pthread_t thread;
	int no = 0;

	if (make_directories(&race) || make_file("m1/x/y/z/f", SECRET))
		return CANNOT_PREPARE;
	if (pthread_create(&thread, NULL, move_directories, &race))
		return why_not("no thread can be made");
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (int i = 0; i < 3000 && !no && !time_is_up(&begun); i++) {
		int fd = openat(race.start, "f", O_RDONLY | O_CLOEXEC);

		no = fd < 0 ? errno : 0;
		close(fd);
	}
	race.over = true;
	pthread_join(thread, NULL);
	return no;
}

/*
 * Somebody outside carries a directory out of the project and back. What lies in it while it is
 * outside belongs to outside, and is taken from it before it comes back.
 */
static int carry(const struct world *world, int ready_fd)
{
	char at_home[700], away[700], kept[700], secret[720];
	struct timespec moment = {.tv_nsec = 200000};

	snprintf(at_home, sizeof(at_home), "%s/m", world->project);
	snprintf(away, sizeof(away), "%s/m", world->out);
	snprintf(kept, sizeof(kept), "%s/kept", world->out);
	snprintf(secret, sizeof(secret), "%s/x/y/s", away);
	close(ready_fd);
	for (;;) {
		if (rename(at_home, away) || rename(kept, secret))
			return 1;
		nanosleep(&moment, NULL);
		if (rename(secret, kept) || rename(away, at_home))
			return 1;
		nanosleep(&moment, NULL);
	}
}

static int l20_start_carrier(struct world *world)
{
	if (mkdir(in(world->project, "m"), 0700) || mkdir(in(world->project, "m/x"), 0700) ||
	    mkdir(in(world->project, "m/x/y"), 0700) || make_file(in(world->out, "kept"), SECRET))
		return CANNOT_PREPARE;
	/* Handed in: its name comes and goes. */
	world->handed = handle(in(world->project, "m/x/y"));
	return spawn(carry, world) < 0 ? CANNOT_PREPARE : 0;
}

static int l20_carried(const struct world *world)
{
	struct race race = {.world = world, .start = 0, .refusals = MORE_REFUSALS};

	return open_on(&race, "s");
}

/*
 * A process outside that acts once the one inside is where it wants to be: it makes "ready" in the
 * project and waits for "done".
 */
static bool wait_for_file(const char *path)
{
	const struct timespec moment = {.tv_nsec = 10000000};

	for (int i = 0; i < 3000; i++) {
		if (access(path, F_OK) == 0)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

static bool outside_acted(const struct world *world)
{
	return make_file("ready", "") == 0 && wait_for_file(in(world->project, "done"));
}

static bool wait_inside(const struct world *world, int ready_fd)
{
	close(ready_fd);
	return wait_for_file(in(world->project, "ready"));
}

static int say_done(const struct world *world)
{
	return make_file(in(world->project, "done"), "");
}

static int l22_take_out(const struct world *world, int ready_fd)
{
	if (!wait_inside(world, ready_fd))
		return 1;
	return rename(in(world->project, "g"), in(world->out, "g")) || say_done(world);
}

static int l22_prepare(struct world *world)
{
	if (make_file(in(world->project, "g"), SECRET))
		return CANNOT_PREPARE;
	return spawn(l22_take_out, world) < 0 ? CANNOT_PREPARE : 0;
}

/* Opened while it was in the project, by a handle that was got then. */
static int l22_open_again(const struct world *world)
{
	int fd = handle("g"), no = read_secret(proc_fd(fd));

	if (no || !outside_acted(world))
		return why_not("before: %d", no);
	return read_secret(proc_fd(fd));
}

static int l23_forget(const struct world *world, int ready_fd)
{
	if (!wait_inside(world, ready_fd))
		return 1;
	sync();
	for (int i = 0; i < 3; i++) {
		int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

		if (write(fd, "3", 1) < 0)
			return 1;
		close(fd);
	}
	return say_done(world);
}

static int l23_prepare(struct world *world)
{
	if (mkdir(in(world->project, "private"), 0700) ||
	    make_file(in(world->project, "private/f"), SECRET) ||
	    make_file(in(world->project, "f"), SECRET))
		return CANNOT_PREPARE;
	return spawn(l23_forget, world) < 0 ? CANNOT_PREPARE : 0;
}

static int l23_denied(const struct world *world)
{
	return outside_acted(world) ? read_secret("private/f") : why_not("nothing was dropped");
}

static int l23_outside(const struct world *world)
{
	return outside_acted(world) ? read_secret(in(world->out, "f"))
				    : why_not("nothing was dropped");
}

static int l23_in_bounds(const struct world *world)
{
	return outside_acted(world) ? read_secret("f") : why_not("nothing was dropped");
}

/* Another file in a granted one's place, with its inode number if the file system likes. */
static int l24_replace(const struct world *world, int ready_fd)
{
	if (!wait_inside(world, ready_fd) || unlink(in(world->out, "granted")) ||
	    make_file(in(world->out, "other"), SECRET))
		return 1;
	return say_done(world);
}

static int l24_prepare(struct world *world)
{
	if (make_file(in(world->out, "granted"), SECRET))
		return CANNOT_PREPARE;
	return spawn(l24_replace, world) < 0 ? CANNOT_PREPARE : 0;
}

static int l24_open_again(const struct world *world)
{
	int no = read_secret(in(world->out, "granted"));

	if (no || !outside_acted(world))
		return why_not("before: %d", no);
	return read_secret(in(world->out, "other"));
}

#define DENY_PRIVATE "[paths]\ndeny = ${PROJECT}/private\n"

static const struct escape escapes[] = {
	{"L19", "exchange a file and a symlink while it is opened", 0, .attempt = l19_last,
	 .logged = "read"},
	{"L19", "exchange a directory and a symlink while it is passed", 0,
	 .attempt = l19_directory, .logged = "read"},
	{"L20", "climb while the directories are moved", 0, .attempt = l20_upwards,
	 .logged = "read"},
	{"L20", "open while the directories are moved", 0, .attempt = l20_by_name,
	 .logged = "read"},
	{"L20", "open in the project while the directories are moved", MUST_WORK,
	 .attempt = l20_in_bounds},
	{"L20", "open while somebody outside carries the directory out and in", RESTLESS,
	 .prepare = l20_start_carrier, .attempt = l20_carried, .logged = "read"},
	{"L22", "open again what was moved out of the project", RESTLESS, .prepare = l22_prepare,
	 .attempt = l22_open_again, .logged = "read"},
	{"L23", "read what is denied when the kernel forgot it", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l23_prepare, .attempt = l23_denied, .logged = "read", .policy = DENY_PRIVATE},
	{"L23", "read outside when the kernel forgot all", ROOT_ONLY | GUEST_ONLY,
	 .prepare = l23_prepare, .attempt = l23_outside, .logged = "read"},
	{"L23", "read in the project when the kernel forgot it", ROOT_ONLY | GUEST_ONLY | MUST_WORK,
	 .prepare = l23_prepare, .attempt = l23_in_bounds},
	{"L24", "read what got a granted file's number, under another name", RESTLESS,
	 .prepare = l24_prepare, .attempt = l24_open_again, .logged = "read",
	 .policy = "[paths]\nro = ${PROJECT}/../out/granted\n"},
};

const struct family races = {escapes, LEN(escapes)};
