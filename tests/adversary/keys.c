/* SPDX-License-Identifier: GPL-2.0-only */
/* keys.c - I: keys and keyrings of outside's. */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"

#ifndef KEYCTL_MOVE
#define KEYCTL_MOVE 30
#endif

/* For possessor and owner: all. So that nothing but the session is in the way. */
#define OWNER_MAY_ALL 0x3f3f0000UL
#define NAME "agent-lock-adversary"

static long ctl(int what, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, what, a, b, c, d);
}

static long add(const char *name, long ring)
{
	return syscall(SYS_add_key, "user", name, SECRET, strlen(SECRET), ring);
}

/* Outside and inside alike begin with a session keyring that has nothing in it. */
static long new_ring(const char *name)
{
	return ctl(KEYCTL_JOIN_SESSION_KEYRING, (intptr_t)name, 0, 0, 0);
}

/* Whatever is wrong, reading says ENOKEY; another question tells a key that is not there. */
static int read_text(long key, char *text, size_t size)
{
	char described[256];

	if (ctl(KEYCTL_READ, key, (intptr_t)text, (long)size, 0) >= 0)
		return 0;
	if (errno != ENOKEY)
		return errno;
	return ctl(KEYCTL_DESCRIBE, key, (intptr_t)described, sizeof(described), 0) < 0 ? errno
											: EACCES;
}

static int read_key(long key)
{
	char text[64] = "";
	int no = read_text(key, text, sizeof(text) - 1);

	return no ? no : strcmp(text, SECRET) == 0 ? 0 : EBADMSG;
}

static int no_keys(void)
{
	return why_not("keys: %s", strerror(errno));
}

/* number[]: the user's keyring, and three keys in it. */
enum { RING, KEY, TO_REVOKE, TO_INVALIDATE };
static const char *const names[] = {
	[KEY] = NAME, [TO_REVOKE] = NAME "-2", [TO_INVALIDATE] = NAME "-3"};

static int user_keys(struct world *world)
{
	if (new_ring(NULL) < 0)
		return no_keys();
	world->number[RING] = ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0, 0, 0);
	for (int i = KEY; i <= TO_INVALIDATE; i++) {
		world->number[i] = add(names[i], KEY_SPEC_SESSION_KEYRING);
		if (world->number[i] < 0 ||
		    ctl(KEYCTL_SETPERM, world->number[i], OWNER_MAY_ALL, 0, 0) ||
		    ctl(KEYCTL_LINK, world->number[i], world->number[RING], 0, 0))
			return no_keys();
	}
	return new_ring(NULL) < 0 ? no_keys() : 0;
}

static void drop_user_keys(struct world *world)
{
	for (int i = KEY; i <= TO_INVALIDATE; i++) {
		ctl(KEYCTL_UNLINK, world->number[i], world->number[RING], 0, 0);
		ctl(KEYCTL_INVALIDATE, world->number[i], 0, 0, 0);
	}
}

/* Is anything not as user_keys() left it? */
static bool user_keys_touched(const struct world *world)
{
	long serials[4096 / sizeof(long)] = {0};
	int *ring = (int *)serials, found = 0;
	long size = ctl(KEYCTL_READ, world->number[RING], (intptr_t)ring, sizeof(serials), 0);

	for (long i = 0; i < size / 4; i++)
		for (int j = KEY; j <= TO_INVALIDATE; j++)
			found += ring[i] == world->number[j];
	for (int i = KEY; i <= TO_INVALIDATE; i++)
		found += read_key(world->number[i]) == 0;
	return found != 6 || ctl(KEYCTL_SEARCH, world->number[RING], (intptr_t) "user",
				 (intptr_t)NAME "-planted", 0) >= 0;
}

/* I05: by its number. */
static int key_one(const struct world *world, size_t i)
{
	long key = world->number[KEY];
	char text[256];

	switch (i) {
	case 0:
		return read_key(key);
	case 1:
		return result(ctl(KEYCTL_DESCRIBE, key, (intptr_t)text, sizeof(text), 0));
	case 2:
		return result(ctl(KEYCTL_UPDATE, key, (intptr_t)SECRET, strlen(SECRET), 0));
	case 3:
		return result(ctl(KEYCTL_SETPERM, key, OWNER_MAY_ALL, 0, 0));
	case 4:
		return result(ctl(KEYCTL_CHOWN, key, (long)geteuid(), -1, 0));
	case 5:
		return result(ctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0));
	case 6:
		return result(ctl(KEYCTL_GET_SECURITY, key, (intptr_t)text, sizeof(text), 0));
	case 7:
		return result(ctl(KEYCTL_LINK, key, KEY_SPEC_SESSION_KEYRING, 0, 0));
	case 8:
		return result(ctl(KEYCTL_REVOKE, world->number[TO_REVOKE], 0, 0, 0));
	default:
		return result(ctl(KEYCTL_INVALIDATE, world->number[TO_INVALIDATE], 0, 0, 0));
	}
}

static int key_by_number(const struct world *world)
{
	return new_ring(NULL) < 0 ? errno : each_of(world, 10, key_one);
}

/* I05: the user's keyring, by name and by number. */
static int ring_one(const struct world *world, size_t i)
{
	long ring = i % 2 ? world->number[RING] : KEY_SPEC_USER_KEYRING, found;
	char text[4096];

	switch (i / 2) {
	case 0:
		return read_text(ring, text, sizeof(text));
	case 1:
		found = ctl(KEYCTL_SEARCH, ring, (intptr_t) "user", (intptr_t)NAME, 0);
		return found < 0 ? errno : read_key(found);
	case 2:
		if (ctl(KEYCTL_LINK, ring, KEY_SPEC_SESSION_KEYRING, 0, 0))
			return errno;
		found = syscall(SYS_request_key, "user", NAME, NULL, 0);
		return found < 0 ? errno : read_key(found);
	case 3:
		return result(add(NAME "-planted", ring));
	case 4:
		return result(ctl(KEYCTL_UNLINK, world->number[TO_REVOKE + i % 2], ring, 0, 0));
	default:
		if (i % 2 == 0)
			return result(
				ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0, 0, 0));
		return result(
			ctl(KEYCTL_MOVE, world->number[KEY], ring, KEY_SPEC_SESSION_KEYRING, 0));
	}
}

/* By name it is looked for in a keyring of the kernel's: any failure there is ENOKEY. */
static int ring_by_name_or_number(const struct world *world, size_t i)
{
	int no = ring_one(world, i);

	return no == ENOKEY && i % 2 == 0 ? EACCES : no;
}

static int users_ring(const struct world *world)
{
	return new_ring(NULL) < 0 ? errno : each_of(world, 12, ring_by_name_or_number);
}

static int clear_users_ring(const struct world *world)
{
	return result(ctl(KEYCTL_CLEAR, world->number[RING], 0, 0, 0));
}

static void drop_planted(struct world *world)
{
	long planted = ctl(KEYCTL_SEARCH, world->number[RING], (intptr_t) "user",
			   (intptr_t)NAME "-planted", 0);

	if (planted >= 0)
		ctl(KEYCTL_UNLINK, planted, world->number[RING], 0, 0);
	drop_user_keys(world);
}

/* I05: the session keyring of a login, which has a name; a process outside keeps it. */
static int login_ring(struct world *world)
{
	world->number[RING] = new_ring(NAME);
	world->number[KEY] = add(NAME, KEY_SPEC_SESSION_KEYRING);
	if (world->number[RING] < 0 || world->number[KEY] < 0 ||
	    ctl(KEYCTL_SETPERM, world->number[RING], OWNER_MAY_ALL, 0, 0) ||
	    ctl(KEYCTL_SETPERM, world->number[KEY], OWNER_MAY_ALL, 0, 0))
		return no_keys();
	spawn_sleeper();
	return new_ring(NULL) < 0 ? no_keys() : 0;
}

static int login_one(const struct world *world, size_t i)
{
	char text[4096];

	switch (i) {
	case 0:
		return read_key(world->number[KEY]);
	case 1:
		return read_text(world->number[RING], text, sizeof(text));
	case 2:
		return result(
			ctl(KEYCTL_LINK, world->number[RING], KEY_SPEC_SESSION_KEYRING, 0, 0));
	case 3:
		return result(add(NAME "-planted", world->number[RING]));
	default:
		/* One of this name is made if that of outside cannot be found. */
		return new_ring(NAME) == world->number[RING] ? 0 : EPERM;
	}
}

static int logins_ring(const struct world *world)
{
	return new_ring(NULL) < 0 ? errno : each_of(world, 5, login_one);
}

/* I05: give a process outside, the one that started us, another session keyring. */
static int own_ring(struct world *world)
{
	world->number[RING] = new_ring(NULL);
	return world->number[RING] < 0 ? no_keys() : 0;
}

static int ring_to_parent(const struct world *world)
{
	(void)world;
	return new_ring(NULL) < 0 ? errno : result(ctl(KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0));
}

static bool ring_changed(const struct world *world)
{
	return ctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0) != world->number[RING];
}

/* I05: a key of another session. */
static int neighbours_key(const struct world *world)
{
	long key = add(NAME, KEY_SPEC_SESSION_KEYRING);

	ctl(KEYCTL_SETPERM, key, OWNER_MAY_ALL, 0, 0);
	neighbour_ready(world, 1, &key);
}

static int key_of_neighbour(const struct world *world)
{
	return new_ring(NULL) < 0 ? errno : read_key(world->number[1]);
}

/* In bounds: keys of one's own, in each keyring that a process has. */
static int own_keys(const struct world *world)
{
	static const long rings[] = {KEY_SPEC_THREAD_KEYRING, KEY_SPEC_PROCESS_KEYRING,
				     KEY_SPEC_SESSION_KEYRING};
	long found, key = -1;
	int status, no;
	pid_t pid;

	(void)world;
	for (size_t i = 0; i < LEN(rings); i++) {
		key = add(NAME, rings[i]);
		found = ctl(KEYCTL_SEARCH, rings[i], (intptr_t) "user", (intptr_t)NAME, 0);
		if (key < 0 || found < 0)
			return errno;
		no = read_key(found);
		if (no)
			return no;
	}
	pid = fork();
	if (pid == 0)
		_exit(read_key(key));
	waitpid(pid, &status, 0);
	if (status)
		return EIO;
	return ctl(KEYCTL_REVOKE, key, 0, 0, 0) || new_ring(NULL) < 0 ? errno : 0;
}

/* I06: a key that the kernel has a program outside make, as root. */
static int have_key_made(const struct world *world)
{
	int no;

	if (new_ring(NULL) < 0)
		return errno;
	if (access("/sbin/request-key", X_OK))
		return why_not("no /sbin/request-key");
	no = result(
		syscall(SYS_request_key, "user", "debug:" NAME, "hello", KEY_SPEC_SESSION_KEYRING));
	return no == ENOKEY && !world->inside ? why_not("request-key makes no such key") : no;
}

/* I07: the keyring of the user that outlives logins. */
static int persistent_ring(struct world *world)
{
	if (new_ring(NULL) < 0 ||
	    ctl(KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_SESSION_KEYRING, 0, 0) < 0)
		return no_keys();
	world->number[RING] = 1;
	return 0;
}

static int get_persistent(const struct world *world)
{
	(void)world;
	if (new_ring(NULL) < 0)
		return errno;
	return result(ctl(KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_SESSION_KEYRING, 0, 0));
}

static const struct escape escapes[] = {
	{"I05", "a key of the user's, by its number", 0, .prepare = user_keys,
	 .attempt = key_by_number, .reached = user_keys_touched, .cleanup = drop_user_keys,
	 .logged = "key"},
	{"I05", "the user's keyring", 0, .prepare = user_keys, .attempt = users_ring,
	 .reached = user_keys_touched, .cleanup = drop_planted, .logged = "key"},
	{"I05", "clear the user's keyring", GUEST_ONLY, .prepare = user_keys,
	 .attempt = clear_users_ring, .reached = user_keys_touched, .cleanup = drop_user_keys,
	 .logged = "key"},
	{"I05", "a login's session keyring", 0, .prepare = login_ring, .attempt = logins_ring,
	 .logged = "key"},
	{"I05", "put one's session keyring in the place of the parent's", 0, .prepare = own_ring,
	 .attempt = ring_to_parent, .reached = ring_changed, .logged = "key"},
	{"I05", "a key of another session", 0, .neighbour = neighbours_key,
	 .attempt = key_of_neighbour, .logged = "key"},
	{"I05", "keys of one's own", MUST_WORK, .attempt = own_keys},
	{"I06", "have the kernel start /sbin/request-key", 0, .attempt = have_key_made,
	 .logged = "key"},
	{"I07", "the user's persistent keyring", 0, .prepare = persistent_ring,
	 .attempt = get_persistent, .logged = "key"},
	{"I07", "use up the user's quota of keys", 0,
	 .reason = "no promise: no limit on this, see README"},
};

const struct family keys = {escapes, LEN(escapes)};
