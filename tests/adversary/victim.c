/* SPDX-License-Identifier: GPL-2.0-only */
/* victim.c - see victim.h */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "victim.h"

static int become_victim(const struct world *world, int ready_fd)
{
	static const char *const environment[] = {"MARK=" SECRET, NULL};
	const char *gone = in(world->base, "more/gone");
	int input[2], fd;

	(void)ready_fd; /* closed by exec */
	if (make_file(gone, SECRET) || pipe(input) || chdir(world->out))
		return 1;
	fd = open(gone, O_RDWR);
	unlink(gone);
	/* It holds the other end of its own input, so that it waits for ever. */
	if (fd < 0 || dup2(fd, 9) < 0 || dup2(input[1], 8) < 0 || dup2(input[0], 0) < 0)
		return 1;
	execle("/bin/sh", "sh", "-c", "read x", SECRET, (char *)NULL, environment);
	return 1;
}

const char *of_victim(const struct world *world, const char *name)
{
	char directory[64];

	snprintf(directory, sizeof(directory), "/proc/%ld", world->number[0]);
	return in(directory, name);
}

/* Field 50 of /proc/PID/stat: where the environment begins; the name in brackets is sh. */
static long environment_of(const struct world *world)
{
	FILE *stat = fopen(of_victim(world, "stat"), "re");
	char text[2048] = "", *at = text;

	if (!stat)
		return 0;
	(void)!fgets(text, sizeof(text), stat);
	fclose(stat);
	for (int i = 1; at && i < 50; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? (long)strtoul(at, NULL, 10) : 0;
}

int start_victim(struct world *world)
{
	world->number[0] = spawn(become_victim, world);
	/* exec closes its end of the pipe before the new memory is there. */
	for (int i = 0; i < 200 && read_secret(of_victim(world, "environ")); i++)
		poll(NULL, 0, 10);
	world->number[1] = environment_of(world);
	return world->number[1] ? 0 : why_not("no victim can be started");
}

static char note[600];

static void on_any(int sig)
{
	(void)sig;
	close(open(note, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int become_noter(const struct world *world, int ready_fd)
{
	static const int noted_ones[] = {SIGHUP, SIGTERM, SIGUSR1, SIGIO, SIGURG, SIGCHLD};

	snprintf(note, sizeof(note), "%s", in(world->base, "more/got"));
	setpgid(0, 0);
	for (size_t i = 0; i < LEN(noted_ones); i++)
		signal(noted_ones[i], on_any);
	close(ready_fd);
	for (;;)
		pause();
	return 0;
}

int start_noter(struct world *world)
{
	world->number[0] = spawn(become_noter, world);
	return world->number[0] > 0 ? 0 : why_not("no victim can be started");
}

bool noted(const struct world *world)
{
	for (int i = 0; i < 100; i++) {
		if (access(in(world->base, "more/got"), F_OK) == 0)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}
