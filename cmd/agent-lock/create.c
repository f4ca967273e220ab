/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * create.c - from the options of new and run to a session: base configuration, then flags, each
 * later one winning.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"
#include "exposure.h"
#include "git.h"
#include "util.h"
#include "verbs.h"

enum {
	OPT_NAME = 256,
	OPT_RW,
	OPT_RO,
	OPT_DENY,
	OPT_CONNECT,
	OPT_HIDE,
	OPT_POLICY,
	OPT_AUDIT,
	OPT_LOCALHOST,
	OPT_FORCE,
	OPT_ROOT,
	OPT_EPHEMERAL,
	OPT_PROFILE,
	OPT_CACHE,
	OPT_SSH_AGENT,
	OPT_IDENTITY,
	OPT_ENV,
	OPT_KEEP_ENV,
	OPT_MEMORY,
	OPT_PIDS,
	OPT_CPU,
};

static const struct option options[] = {
	{"name", required_argument, NULL, OPT_NAME},
	{"rw", required_argument, NULL, OPT_RW},
	{"ro", required_argument, NULL, OPT_RO},
	{"deny", required_argument, NULL, OPT_DENY},
	{"connect", required_argument, NULL, OPT_CONNECT},
	{"hide", required_argument, NULL, OPT_HIDE},
	{"policy", required_argument, NULL, OPT_POLICY},
	{"audit", no_argument, NULL, OPT_AUDIT},
	{"localhost", no_argument, NULL, OPT_LOCALHOST},
	{"force", no_argument, NULL, OPT_FORCE},
	{"root", no_argument, NULL, OPT_ROOT},
	{"ephemeral", no_argument, NULL, OPT_EPHEMERAL},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"ssh-agent", no_argument, NULL, OPT_SSH_AGENT},
	{"identity", no_argument, NULL, OPT_IDENTITY},
	{"env", required_argument, NULL, OPT_ENV},
	{"keep-env", no_argument, NULL, OPT_KEEP_ENV},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"pids", required_argument, NULL, OPT_PIDS},
	{"cpu", required_argument, NULL, OPT_CPU},
	{0},
};

/* The options that make the policy, kept as given until the directory is known. */
struct given {
	int option;
	const char *value;
};

void creation_done(struct creation *creation)
{
	policy_done(&creation->policy);
	profile_done(&creation->profile);
	free((char *)creation->directory);
	free(creation->program);
	free(creation->doubt);
	free(creation->secret);
	creation->directory = creation->program = creation->doubt = creation->secret = NULL;
}

static int read_base(struct policy *policy, const struct conf_context *given, struct fail *f)
{
	struct conf_context context = *given;

	context.system = true;
	return conf_read_base(&context, policy, f);
}

/* Made absolute; nothing is resolved here, opening it does that. */
int add_typed(struct policy *policy, enum policy_right right, const char *path, const char *option,
	      struct fail *f)
{
	char absolute[2 * PATH_MAX], here[PATH_MAX];

	/* Not the working directory: an unset variable in a script must not grant that. */
	if (!path[0])
		return fail(f, 0, "%s: expected a path, got ''", option);
	if (path[0] == '/')
		return policy_add(policy, right, path, option, false, false, f);
	if (!getcwd(here, sizeof(here)))
		return fail(f, errno, "cannot tell the working directory");
	snprintf(absolute, sizeof(absolute), "%s/%s", here, path);
	return policy_add(policy, right, absolute, option, false, false, f);
}

static int add_path(struct policy *policy, const struct given *given, struct fail *f)
{
	static const enum policy_right rights[] = {
		[OPT_RW - OPT_RW] = POLICY_RW,	   [OPT_RO - OPT_RW] = POLICY_RO,
		[OPT_DENY - OPT_RW] = POLICY_DENY, [OPT_CONNECT - OPT_RW] = POLICY_CONNECT,
		[OPT_HIDE - OPT_RW] = POLICY_HIDE,
	};
	static const char *const origins[] = {"--rw", "--ro", "--deny", "--connect", "--hide"};

	return add_typed(policy, rights[given->option - OPT_RW], given->value,
			 origins[given->option - OPT_RW], f);
}

static int add_limit(struct policy *policy, const struct given *given, struct fail *f)
{
	static const enum limit kinds[] = {
		[OPT_MEMORY - OPT_MEMORY] = LIMIT_MEMORY,
		[OPT_PIDS - OPT_MEMORY] = LIMIT_PIDS,
		[OPT_CPU - OPT_MEMORY] = LIMIT_CPU,
	};
	enum limit kind = kinds[given->option - OPT_MEMORY];

	if (limit_parse(kind, given->value, &policy->limits.of[kind]))
		return 0;
	return fail(f, 0, "--%s: expected %s, got '%s'", limit_name(kind), limit_expected(kind),
		    Q(given->value));
}

static int add_given(struct policy *policy, const struct given *given,
		     const struct conf_context *context, struct fail *f)
{
	switch (given->option) {
	case OPT_PROFILE: /* before the project */
		return 0;
	case OPT_POLICY:
		return conf_read(given->value, context, policy, f);
	case OPT_CACHE:
		return add_caches(policy, given->value, context, f);
	case OPT_SSH_AGENT:
		return add_ssh_agent(policy, f);
	case OPT_IDENTITY:
		return add_identity(policy, f);
	case OPT_ENV:
		return add_variable(policy, given->value, f);
	case OPT_KEEP_ENV:
		return keep_environment(policy, f);
	}
	if (given->option >= OPT_MEMORY)
		return add_limit(policy, given, f);
	return add_path(policy, given, f);
}

/* Open the project directory and name it as it is now. Returns an O_PATH descriptor. */
static int open_project(const char *typed, char **out_path, struct fail *f)
{
	cleanup_fd int fd = open(typed, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[AL_PATH_MAX + 1];

	if (fd < 0)
		return fail(f, errno, "cannot open the project directory '%s'", Q(typed));
	/* O_PATH asks no right on the directory itself. */
	if (faccessat(fd, ".", R_OK | X_OK, AT_EACCESS))
		return fail(f, errno, "cannot read the project directory '%s'", Q(typed));
	if (fd_path(fd, path, sizeof(path)))
		return fail(f, errno, "cannot name the project directory '%s'", Q(typed));
	*out_path = strdup(path);
	if (!*out_path)
		return fail(f, ENOMEM, "cannot open the project directory '%s'", Q(typed));
	return steal_fd(&fd);
}

/*
 * The project, and whatever else the user made writable. What the base policy makes so is scratch
 * by intent.
 */
int refuse_exposure(const struct objects *objects, const char *home, struct fail *f)
{
	char exposed[256];

	for (size_t i = 0; i < objects->len; i++) {
		const struct object *object = &objects->list[i];

		if (!(object->rights & AL_WRITE) || (object->rights & (AL_SYSTEM | AL_NAMES)) ||
		    !exposure(object->fd, home, exposed, sizeof(exposed)))
			continue;
		fail(f, 0, "'%s' is no place for an agent to write: it is or holds %s",
		     Q(object->path), exposed);
		return fail_hint(
			f, "give it a directory of its own, or --force if that is really meant");
	}
	return 0;
}

/* What there is to say of it, once: a policy may be composed more often. */
static int keep_doubts(struct creation *creation, char *doubt, const struct git_user *user,
		       struct fail *f)
{
	free(creation->doubt);
	creation->doubt = doubt;
	free(creation->secret);
	creation->secret = user->first_secret[0] ? strdup(user->first_secret) : NULL;
	return user->first_secret[0] && !creation->secret
		       ? fail(f, ENOMEM, "cannot hold what git's configuration says")
		       : 0;
}

static int add_git(struct creation *creation, const struct composition *composition, struct fail *f)
{
	const char *home = composition->context.home;
	struct git_user user = {0};
	char *doubt = NULL;
	int ret = git_add_repository(composition->project, creation->directory, home,
				     &creation->policy, &creation->git, &doubt, f) ||
				  git_user_read(home, &user, f) ||
				  git_user_add_rules(&user, &creation->policy, f)
			  ? -1
			  : 0;

	if (keep_doubts(creation, doubt, &user, f))
		ret = -1;
	git_user_done(&user);
	return ret;
}

static void say_doubts(const struct creation *creation)
{
	if (creation->doubt)
		warn("%s", creation->doubt);
	if (creation->secret)
		warn("git: %s looks like a secret: the session gets a copy without it",
		     creation->secret);
}

/* The names that --profile was given. */
static char **profiles_of(const struct given *given, size_t len, size_t *out_len)
{
	char **names = calloc(len + 1, sizeof(*names));

	*out_len = 0;
	for (size_t i = 0; names && i < len; i++)
		if (given[i].option == OPT_PROFILE)
			names[(*out_len)++] = (char *)given[i].value;
	return names;
}

int compose(struct creation *creation, const struct composition *composition, const char *found,
	    size_t *out_own, struct fail *f)
{
	const struct conf_context *context = &composition->context;
	char *one = (char *)found;

	policy_done(&creation->policy);
	profile_done(&creation->profile);
	if (read_base(&creation->policy, context, f) || add_git(creation, composition, f) ||
	    add_profiles(creation, composition->profiles, composition->profiles_len, context, f) ||
	    add_profiles(creation, &one, found ? 1 : 0, context, f))
		return -1;
	*out_own = creation->policy.len;
	if (policy_add(&creation->policy, POLICY_RW, creation->directory, "project", false, false,
		       f))
		return -1;
	for (size_t i = 0; i < composition->given_len; i++)
		if (add_given(&creation->policy, &composition->given[i], context, f))
			return -1;
	return 0;
}

static int build(struct creation *creation, const char *typed, const char *command,
		 const struct given *given, size_t len, struct fail *f)
{
	cleanup_fd int project = open_project(typed, (char **)&creation->directory, f);
	struct composition composition = {.given = given, .given_len = len, .project = project};
	cleanup_free char **names = profiles_of(given, len, &composition.profiles_len);
	size_t own;

	if (project < 0)
		return -1;
	if (!names)
		return fail(f, ENOMEM, "cannot hold the options");
	composition.profiles = names;
	composition.context.home = caller_home();
	composition.context.project = creation->directory;
	if (compose(creation, &composition, NULL, &own, f) ||
	    (command && adopt_program(creation, &composition, command, own, f)))
		return -1;
	say_doubts(creation);
	policy_tidy(&creation->policy);
	return 0;
}

/* What follows DIR, with or without -- before it. */
static const char *command_after(char **argv, int argc, int at)
{
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	return at < argc ? argv[at] : NULL;
}

int creation_parse(int argc, char **argv, bool runs, struct creation *out_creation, int *out_rest)
{
	cleanup_free struct given *given = calloc((size_t)argc, sizeof(*given));
	struct creation creation = {0};
	struct fail f = {0};
	bool audit = false, localhost = false;
	size_t len = 0;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case OPT_NAME:
			if (!optarg[0]) {
				warn("'' is no name for a session");
				return EXIT_REFUSED;
			}
			creation.name = optarg;
			break;
		case OPT_AUDIT:
			audit = true;
			break;
		case OPT_LOCALHOST:
			localhost = true;
			break;
		case OPT_FORCE:
			creation.force = true;
			break;
		case OPT_ROOT:
			creation.root = true;
			break;
		case OPT_EPHEMERAL:
			creation.ephemeral = true;
			break;
		case '?':
			return usage();
		default:
			given[len++] = (struct given){.option = option, .value = optarg};
		}
	}
	if (optind >= argc || !given)
		return usage();
	policy_init(&creation.policy);
	if ((!creation.root && caller_become(&f)) ||
	    build(&creation, argv[optind], runs ? command_after(argv, argc, optind + 1) : NULL,
		  given, len, &f)) {
		warn_fail(&f);
		creation_done(&creation);
		return EXIT_REFUSED;
	}
	creation.policy.audit |= audit;
	creation.policy.localhost |= localhost;
	*out_rest = optind + 1;
	*out_creation = creation;
	return 0;
}

int creation_make(int daemon, struct creation *creation, char *out_name)
{
	struct objects objects;
	struct fail f = {0};
	int ret;

	if (objects_resolve(&creation->policy, &objects, &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	if (git_check(&creation->git, &creation->policy, &objects, &f) ||
	    (!creation->force && refuse_exposure(&objects, caller_home(), &f))) {
		objects_done(&objects);
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	ret = client_new(daemon, creation->name, creation->directory, &creation->policy,
			 creation->ephemeral, &objects, out_name, &f);
	objects_done(&objects);
	if (ret) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	say_hints(&creation->profile);
	say_left_out(&creation->policy);
	return 0;
}
