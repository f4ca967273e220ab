/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * terminal.c - T: the terminal that a session shares with its user, and those of others. The shared
 * one is handed in as standard input and made the controlling terminal there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "adversary.h"

#define LEGACY_TIOCSTI "/proc/sys/dev/tty/legacy_tiocsti"
#define TIOCL_PASTESEL 3
#define TIOCL_GETSHIFTSTATE 6

static int master = -1; /* of the terminal that prepare() made */

static int open_master(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && (grantpt(fd) || unlockpt(fd))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Its slave; raw, so that what is typed waits there to be counted. */
static int open_slave(int of)
{
	const char *name = of < 0 ? NULL : ptsname(of);
	int fd = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	struct termios settings;

	if (fd >= 0 && tcgetattr(fd, &settings) == 0) {
		cfmakeraw(&settings);
		tcsetattr(fd, TCSANOW, &settings);
	}
	return fd;
}

static int hand_terminal(struct world *world)
{
	master = open_master();
	world->handed = open_slave(master);
	return world->handed < 0 ? why_not("no pseudo terminal: %s", strerror(errno)) : 0;
}

static void close_terminal(struct world *world)
{
	close(master);
	knobs_back(world);
}

/* What the body returns that has standard input as its controlling terminal. */
static int controlled(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* Whose terminal it already is needs no more. */
		if (setsid() < 0 || ioctl(0, TIOCSCTTY, 0))
			_exit(NO_CONTROL);
		_exit(body());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return why_not("the process with the terminal died");
	if (WEXITSTATUS(status) == NO_CONTROL)
		return why_not("the terminal cannot be made the controlling one");
	return WEXITSTATUS(status);
}

/* Whatever the call said: it worked if there is something to read. */
static int typed(int no)
{
	int waiting = 0;

	return ioctl(0, FIONREAD, &waiting) == 0 && waiting ? 0 : no;
}

/* Below 4 GB, as a 32-bit system call wants it: in this program's own data. */
static char letter = 'x';

static int push(void)
{
	return typed(result(ioctl(0, TIOCSTI, &letter)));
}

#ifdef __x86_64__
static int ioctl32(int fd, unsigned int command, void *argument)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(54), "b"(fd), "c"(command), "d"((unsigned long)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)-ret;
}

/* A kernel without 32-bit system calls sends a signal: then there is no control. */
static int push32(void)
{
	return typed(ioctl32(0, TIOCSTI, &letter));
}
#else
static int push32(void)
{
	return NO_CONTROL;
}
#endif

static int allow_tiocsti(struct world *world)
{
	/* Root needs no leave; elsewhere than in a guest there is none to be had. */
	if (geteuid() && getenv("AGENT_LOCK_AS_ROOT") && access(LEGACY_TIOCSTI, F_OK) == 0 &&
	    set_knob(LEGACY_TIOCSTI, "1"))
		return NO_CONTROL;
	return hand_terminal(world);
}

static int t01_push(const struct world *world)
{
	int no = controlled(push);

	(void)world;
	return no == EIO ? why_not("dev.tty.legacy_tiocsti is 0") : no;
}

static int t01_push32(const struct world *world)
{
	int no = controlled(push32);

	(void)world;
	return no == EIO ? why_not("dev.tty.legacy_tiocsti is 0") : no;
}

/* Not the console that the kernel shows its messages on. */
static int hand_console(struct world *world)
{
	if (geteuid() && as_root("chmod 666 /dev/tty9"))
		return NO_CONTROL;
	world->handed = open("/dev/tty9", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return world->handed < 0 ? why_not("no virtual terminal: %s", strerror(errno)) : 0;
}

static void close_console(struct world *world)
{
	(void)world;
	if (geteuid())
		as_root("chmod 600 /dev/tty9");
}

static int ask_console(void)
{
	char what = TIOCL_GETSHIFTSTATE;

	return result(ioctl(0, TIOCLINUX, &what));
}

static int paste(void)
{
	char what = TIOCL_PASTESEL;

	return result(ioctl(0, TIOCLINUX, &what));
}

static int t03_ask(const struct world *world)
{
	(void)world;
	return controlled(ask_console);
}

static int t03_paste(const struct world *world)
{
	(void)world;
	return controlled(paste);
}

static int t04_discipline(const struct world *world)
{
	int n_tty = 0;

	(void)world;
	return result(ioctl(0, TIOCSETD, &n_tty));
}

static int t04_console(const struct world *world)
{
	(void)world;
	return result(ioctl(0, TIOCCONS, 0));
}

static void give_console_back(struct world *world)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0) {
		ioctl(fd, TIOCCONS, 0);
		close(fd);
	}
	close_terminal(world);
}

static int t04_hang_up(const struct world *world)
{
	(void)world;
	return result(ioctl(0, TIOCVHANGUP, 0));
}

static int t04_lock(const struct world *world)
{
	struct termios locked = {0};

	(void)world;
	return result(ioctl(0, TIOCSLCKTRMIOS, &locked));
}

static int t04_exclusive(const struct world *world)
{
	(void)world;
	return result(ioctl(0, TIOCEXCL, 0));
}

static int t04_own_exclusive(const struct world *world)
{
	int slave = open_slave(open_master());

	(void)world;
	if (slave < 0 || ioctl(slave, TIOCEXCL, 0))
		return errno;
	return result(ioctl(slave, TIOCNXCL, 0));
}

/* number[0]: of the pseudo terminal. */
static int terminal_outside(struct world *world)
{
	unsigned int number = 0;

	master = open_master();
	if (master < 0 || ioctl(master, TIOCGPTN, &number))
		return why_not("no pseudo terminal: %s", strerror(errno));
	world->number[0] = number;
	return 0;
}

static const char *its_name(const struct world *world)
{
	static char name[32];

	snprintf(name, sizeof(name), "/dev/pts/%ld", world->number[0]);
	return name;
}

static int open_it(const char *name, int flags)
{
	return result(open(name, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
}

static int t06_read(const struct world *world)
{
	return open_it(its_name(world), O_RDONLY);
}

static int t06_write(const struct world *world)
{
	return open_it(its_name(world), O_WRONLY);
}

static int t06_handle(const struct world *world)
{
	int fd = handle(its_name(world));

	return fd < 0 ? errno : open_it(proc_fd(fd), O_RDWR);
}

static int t06_mode(const struct world *world)
{
	return result(chmod(its_name(world), 0622));
}

static int open_own(void)
{
	const char *name = ttyname(0);

	return name ? open_it("/dev/tty", O_RDWR) ?: open_it(name, O_RDWR) : errno;
}

static int t06_own(const struct world *world)
{
	(void)world;
	return controlled(open_own);
}

/* A slave by its name and by its master; and what goes in comes out. */
static int t07_make(const struct world *world)
{
	int own = open_master(), slave = open_slave(own), peer;
	char byte = 0;

	(void)world;
	if (own < 0 || slave < 0)
		return errno;
	peer = ioctl(own, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (peer < 0 || write(own, &letter, 1) != 1 || read(peer, &byte, 1) != 1)
		return errno;
	return byte == letter ? 0 : EBADMSG;
}

static int t07_script(const struct world *world)
{
	const char *command[] = {"/usr/bin/script", "-qec", "true", "/dev/null", NULL};

	(void)world;
	return access(command[0], X_OK) ? why_not("no script(1) here") : run_program(command);
}

static int t08_both(const struct world *world)
{
	int no = open_it("/dev/ptmx", O_RDWR);

	(void)world;
	if (no)
		return no;
	/* Of mode 0 on many systems. */
	return access("/dev/pts/ptmx", R_OK | W_OK) ? 0 : open_it("/dev/pts/ptmx", O_RDWR);
}

/* Leads a session outside, whose controlling terminal it is. */
static int lead(const struct world *world, int ready_fd)
{
	if (setsid() < 0 || ioctl(world->handed, TIOCSCTTY, 0))
		return 1;
	close(ready_fd);
	for (;;)
		pause();
}

static int led_terminal(struct world *world)
{
	if (hand_terminal(world))
		return NO_CONTROL;
	world->number[0] = spawn(lead, world);
	return world->number[0] < 0 ? why_not("no process") : 0;
}

static int t10_steal(const struct world *world)
{
	pid_t pid = fork();
	int status;

	(void)world;
	if (pid == 0) {
		setsid();
		_exit(result(ioctl(0, TIOCSCTTY, 1)));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static bool t10_stolen(const struct world *world)
{
	return tcgetsid(master) != (pid_t)world->number[0];
}

static const struct escape escapes[] = {
	{"T01", "type into the shared terminal", 0, .prepare = allow_tiocsti, .attempt = t01_push,
	 .cleanup = close_terminal, .logged = "ioctl"},
	{"T01", "the same by a 32-bit system call", 0, .prepare = allow_tiocsti,
	 .attempt = t01_push32, .cleanup = close_terminal, .logged = "ioctl"},
	{"T03", "TIOCLINUX on the own virtual terminal", GUEST_ONLY, .prepare = hand_console,
	 .attempt = t03_ask, .cleanup = close_console, .logged = "ioctl"},
	{"T03", "paste the selection there", GUEST_ONLY | ROOT_ONLY, .prepare = hand_console,
	 .attempt = t03_paste, .logged = "ioctl"},
	{"T04", "line discipline", 0, .prepare = hand_terminal, .attempt = t04_discipline,
	 .cleanup = close_terminal, .logged = "ioctl"},
	{"T04", "take the console's output", GUEST_ONLY | ROOT_ONLY, .prepare = hand_terminal,
	 .attempt = t04_console, .cleanup = give_console_back, .logged = "ioctl"},
	{"T04", "hang the terminal up", ROOT_ONLY, .prepare = hand_terminal, .attempt = t04_hang_up,
	 .cleanup = close_terminal, .logged = "ioctl"},
	{"T04", "lock its settings", ROOT_ONLY, .prepare = hand_terminal, .attempt = t04_lock,
	 .cleanup = close_terminal, .logged = "capability"},
	{"T04", "keep others from the shared terminal", 0, .prepare = hand_terminal,
	 .attempt = t04_exclusive, .cleanup = close_terminal, .logged = "ioctl"},
	{"T04", "exclusive use of a terminal of the session's", MUST_WORK,
	 .attempt = t04_own_exclusive},
	{"T06", "read from another terminal of the user's", 0, .prepare = terminal_outside,
	 .attempt = t06_read, .cleanup = close_terminal, .logged = "read"},
	{"T06", "write to it", 0, .prepare = terminal_outside, .attempt = t06_write,
	 .cleanup = close_terminal, .logged = "write"},
	{"T06", "reopen a handle of it", 0, .prepare = terminal_outside, .attempt = t06_handle,
	 .cleanup = close_terminal, .logged = "write"},
	{"T06", "let everybody write to it", 0, .prepare = terminal_outside, .attempt = t06_mode,
	 .cleanup = close_terminal, .logged = "chmod"},
	{"T06", "open the own terminal", MUST_WORK, .prepare = hand_terminal, .attempt = t06_own,
	 .cleanup = close_terminal},
	{"T07", "make a pseudo terminal and use both ends", MUST_WORK, .attempt = t07_make},
	{"T07", "script(1)", MUST_WORK, .attempt = t07_script},
	{"T08", "both names of ptmx", MUST_WORK, .attempt = t08_both},
	{"T09", "what exec leaves running keeps the terminal", 0,
	 .reason = "it keeps what it was handed, see README; run and destroy end it"},
	{"T10", "take a terminal away from the session that has it", ROOT_ONLY,
	 .prepare = led_terminal, .attempt = t10_steal, .reached = t10_stolen,
	 .cleanup = close_terminal, .logged = "capability"},
	{"T10", "foreground games on the shared terminal", 0,
	 .reason = "it is handed in to be used, see README"},
	{"T11", "escape sequences to the shared terminal", 0,
	 .reason = "what is written to what was handed in is not filtered, see README"},
	{"T13", "leave the terminal's settings changed", 0,
	 .reason = "every full-screen program changes them; what was handed in is not held, see "
		   "README"},
};

const struct family terminal = {escapes, LEN(escapes)};
