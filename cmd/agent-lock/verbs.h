/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verbs.h - the verbs (one a file) and what they share. argv[0] is the verb; each returns the exit
 * code.
 */
#ifndef VERBS_H
#define VERBS_H

#include <stdbool.h>

#include "client.h"
#include "conf.h"
#include "event.h"
#include "fail.h"
#include "git.h"

int cmd_new(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_tail(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_suggest(int argc, char **argv);
int cmd_adopt(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_hook(int argc, char **argv);
int cmd_freeze(int argc, char **argv);
int cmd_thaw(int argc, char **argv);
int cmd_allow(int argc, char **argv);
int cmd_deny(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* Exit codes. A command that was started has its own. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1, /* refused or failed */
	EXIT_USAGE = 2,
	EXIT_SELF = 125, /* exec and run: agent-lock itself failed, the command was not started */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/* say.c: everything for people goes to stderr. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warn_fail(const struct fail *f);
/* How the verb that runs is used, on stderr; returns EXIT_USAGE. */
int usage(void);
/* How to print for people on this stdout. */
struct event_style style_of(FILE *out);
int width_of(FILE *out);

/* caller.c: whose command this is. Home may be NULL. */
const char *caller_home(void);
/*
 * Under sudo become the user who called it, for good: uid, gid, groups, HOME, USER, LOGNAME. Not
 * under sudo: nothing.
 */
int caller_become(struct fail *f);

/*
 * adversary.c: try what is harmless of the known ways out: all, or those whose ids begin
 * so. An exit code.
 */
int adversary(int ids_len, char **ids);

/* daemon.c: a connection; starts the daemon first if there is none and we are root. -1: said why.
 */
int daemon_connect(void);

/* create.c: the options that new and run share. */
struct creation {
	const char *name;
	bool force;
	bool root;
	bool ephemeral;
	struct policy policy;
	struct profile profile; /* of all that were chosen */
	const char *directory;
	struct git_granted git;
	char *program; /* the file that run's command is; NULL: to be found inside */
	char *doubt;   /* of what git's own files say, to be said; NULL: none */
	char *secret;  /* in git's configuration, by its key, to be said; NULL: none */
};
/*
 * Parse up to DIR; *out_rest is the index of what follows it, which is a command if the caller runs one:
 * then its profile is looked for. 0, or an exit code that was explained.
 */
int creation_parse(int argc, char **argv, bool runs, struct creation *out_creation, int *out_rest);
/*
 * Make the session; its name goes to out_name (SESSION_NAME_MAX + 1 bytes). 0, or an exit code that
 * was explained.
 */
int creation_make(int daemon, struct creation *creation, char *out_name);
void creation_done(struct creation *creation);
/* One rule for a path as typed; option is what it was typed after, for messages and as its origin. */
int add_typed(struct policy *policy, enum policy_right right, const char *path, const char *option,
	      struct fail *f);
/* The project, or what else the user made writable, is or holds what an agent is to be kept from. */
int refuse_exposure(const struct objects *objects, const char *home, struct fail *f);

/* amend.c: give a session more rules, with the caller's rights. An exit code that was explained. */
struct amendment {
	const char *session;
	struct policy policy;
	bool force;
};
int amendment_make(struct amendment *amendment);

/* subject.c: what somebody asks about. */
struct subject {
	int fd;		   /* O_PATH: the object, or the directory that it is missing in; or -1 */
	const char *child; /* its name there, in what was typed; "": it is there */
	char path[2 * AL_PATH_MAX]; /* what it is called, links resolved */
};
/* The caller closes fd, also after a failure, unless it is -1. */
int subject_open(const char *typed, struct subject *out, struct fail *f);
/* Is it decided by what it is (procfs, sysfs, cgroups, a device), and by no rule of a path? */
bool subject_is_fixed(const struct subject *subject);

/* held.c: what processes hold open. */
struct process;
/* By this a process would do more than its session may, whatever is decided: one that is to be adopted. */
int refuse_ways_out(const struct process *process, const struct process *tree, size_t tree_len,
		    struct fail *f);
/* Each process, and what it goes on to use though the session may not open it. */
void print_held(int daemon, const char *session, const struct process *tree, size_t len);

/* freeze.c: stop the sessions that are named, or let them go on. An exit code that was explained. */
int freeze_named(int argc, char **argv, bool freeze);

/* create.c: what a policy is made of, kept as given. */
struct composition {
	struct conf_context context;
	int project;		   /* its directory */
	const struct given *given; /* options with their values */
	size_t given_len;
	char *const *profiles; /* names that --profile was given */
	size_t profiles_len;
};
/*
 * Make the policy, from nothing, in the order in which things count: the base, git's, the profiles (found: one
 * that was not given by name, or NULL), the project, the rest as given. *out_own: where the rules of
 * the program that is run belong, before the project.
 */
int compose(struct creation *creation, const struct composition *composition, const char *found,
	    size_t *out_own, struct fail *f);
/*
 * profile.c: the program that run is given: its profile, if none was given by name; what it is installed
 * with; and which file it is, so that no other one is executed. What a session could have put there gets
 * neither. To be called with a composed policy.
 */
int adopt_program(struct creation *creation, const struct composition *composition,
		  const char *command, size_t own, struct fail *f);
int add_profiles(struct creation *creation, char *const *names, size_t len,
		 const struct conf_context *context, struct fail *f);
void say_hints(const struct profile *profile);
/* --cache NAME,NAME..., --ssh-agent and --identity. */
int add_caches(struct policy *policy, const char *list, const struct conf_context *context,
	       struct fail *f);
int add_ssh_agent(struct policy *policy, struct fail *f);
int add_identity(struct policy *policy, struct fail *f);

/* environment.c: NAME or NAME=VALUE of --env; --keep-env; the names of what a session does not get. */
int add_variable(struct policy *policy, const char *given, struct fail *f);
int keep_environment(struct policy *policy, struct fail *f);
void say_left_out(const struct policy *policy);

/*
 * enter.c: is the working directory the project, or below it? By climbing from it, not by its name. A
 * command starts there then, else in the project.
 */
bool starts_inside(const char *directory);
/*
 * Become the command inside the session, with what more says about the environment beside what the
 * session's own policy does; NULL: nothing. program is the file to execute; NULL: what command[0] is
 * in the session's PATH. Returns only if that failed, with the exit code.
 */
int enter_and_exec(int daemon, const char *session, const struct policy *more, const char *program,
		   char **command);

#endif
