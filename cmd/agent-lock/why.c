/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * why.c - agent-lock why: what may a session do with a path, by which rule, and what would change it. The
 * kernel is asked, by what decides for the session itself. A process in a session may ask about its own.
 */
#include <sys/stat.h>

#include "cg.h"
#include "util.h"
#include "verbs.h"

static const char *words(const struct verdict *verdict, bool missing)
{
	uint32_t rights = verdict->rights;

	if (missing)
		return rights & AL_WRITE ? "is not there, and may be made"
					 : "is not there, and may not be made";
	if (rights & AL_HIDE)
		return "refused, as if it were not there";
	if (rights & AL_CONNECT)
		return "may be connected to";
	switch (rights & (AL_READ | AL_WRITE)) {
	case AL_READ | AL_WRITE:
		return "may be read and written";
	case AL_READ:
		return "may be read, not written";
	case AL_WRITE:
		return "may be written, not read";
	}
	return rights & AL_SCRATCH ? "holds what the session put there; refused itself" : "refused";
}

/* What a rule of a path's could change. */
static const char *option_for(const struct subject *subject, const struct verdict *verdict)
{
	struct stat st;

	if (subject_is_fixed(subject) || fstat(subject->fd, &st))
		return NULL;
	if (S_ISSOCK(st.st_mode) && !subject->child[0])
		return verdict->rights & AL_CONNECT ? NULL : "--connect";
	if (subject->child[0])
		return NULL; /* allow wants what is there */
	if (!(verdict->rights & AL_READ))
		return "--ro";
	return verdict->rights & AL_WRITE ? NULL : "--rw";
}

static void print(const char *session, const struct subject *subject, const struct verdict *verdict)
{
	const char *option = option_for(subject, verdict);

	printf("%s: %s: %s%s\n", Q(subject->path), words(verdict, subject->child[0]), verdict->rule,
	       verdict->audit ? " (audit: nothing is refused)" : "");
	if (option)
		printf("    agent-lock allow %s %s %s\n", session, option, Q(subject->path));
}

static int ask(int daemon, const char *session, const char *typed)
{
	struct subject subject;
	struct verdict verdict;
	struct fail f = {0};
	int ret = subject_open(typed, &subject, &f);

	if (!ret)
		ret = client_why(daemon, session, subject.fd, subject.child, &verdict, &f);
	if (!ret)
		print(session, &subject, &verdict);
	else
		warn_fail(&f);
	if (subject.fd >= 0)
		close(subject.fd);
	return ret;
}

/* Inside there is a socket for this alone. */
static int connect_somewhere(void)
{
	struct fail f = {0};
	int daemon;

	if (cg_is_session_member(getpid()) <= 0)
		return daemon_connect();
	daemon = client_connect_inside(&f);
	if (daemon < 0)
		warn_fail(&f);
	return daemon;
}

int cmd_why(int argc, char **argv)
{
	int daemon, ret = EXIT_DONE;
	struct fail f = {0};

	if (argc < 3 || argv[1][0] == '-')
		return usage();
	daemon = connect_somewhere();
	if (daemon < 0)
		return EXIT_REFUSED;
	/* The paths are the user's, and so are the rights to look at them. */
	if (caller_become(&f)) {
		warn_fail(&f);
		close(daemon);
		return EXIT_REFUSED;
	}
	for (int i = 2; i < argc; i++)
		if (ask(daemon, argv[1], argv[i]))
			ret = EXIT_REFUSED;
	close(daemon);
	return ret;
}
