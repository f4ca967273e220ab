/* SPDX-License-Identifier: GPL-2.0-only */
/* suggest.c - agent-lock suggest: a policy for the next time, out of what this one was refused. */
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exposure.h"
#include "suggest.h"
#include "util.h"
#include "verbs.h"

#define LOOKED_AT 20000 /* files of a directory; one with more is not granted as a whole */

struct asking {
	int daemon;
	const char *session;
	const struct policy *policy;
	const char *project;
};

/* Directories that many programs share: a rule for them would be one for all of these. */
static const char *const in_home[] = {
	"/.cache", "/.local", "/.local/bin", "/.local/share", "/.local/state", "/bin",
};
static const char *const on_machine[] = {
	"/run/user", "/usr/local", "/var/cache", "/var/lib", "/var/log", "/var/spool",
};

static uint32_t rights(const char *path, void *data)
{
	const struct asking *asking = data;
	struct subject subject;
	struct verdict verdict = {0};
	uint32_t answer = 0;

	/* Where nobody can look now nothing is known to be granted. */
	if (!subject_open(path, &subject, NULL)) {
		if (subject_is_fixed(&subject))
			answer = SUGGEST_FIXED;
		else if (!client_why(asking->daemon, asking->session, subject.fd, subject.child,
				     &verdict, NULL))
			answer = verdict.rights & ~SUGGEST_FIXED;
	}
	if (subject.fd >= 0)
		close(subject.fd);
	return answer;
}

static bool is_at(const struct stat *directory, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == directory->st_dev &&
	       st.st_ino == directory->st_ino;
}

static bool is_shared(int fd, const struct stat *directory)
{
	const char *home = caller_home();
	char path[AL_PATH_MAX];
	struct stat above, root;

	/* /opt, /srv, /var: as a whole they are everybody's. */
	if (fstatat(fd, "..", &above, 0) || stat("/", &root) ||
	    (above.st_dev == root.st_dev && above.st_ino == root.st_ino))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(on_machine); i++)
		if (is_at(directory, on_machine[i]))
			return true;
	for (size_t i = 0; home && i < ARRAY_SIZE(in_home); i++) {
		snprintf(path, sizeof(path), "%s%s", home, in_home[i]);
		if (is_at(directory, path))
			return true;
	}
	return false;
}

/* Or what nobody could look at, or too much to look at. */
static bool holds_sensitive(const char *directory, const struct policy *policy)
{
	cleanup_free char *copy = strdup(directory);
	char *paths[] = {copy, NULL};
	FTS *tree = copy ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL) : NULL;
	size_t seen = 0;
	bool found = !tree;
	FTSENT *entry;

	while (!found && (entry = fts_read(tree)))
		found = ++seen > LOOKED_AT || entry->fts_info == FTS_DNR ||
			entry->fts_info == FTS_ERR || policy_sensitive(policy, entry->fts_path);
	if (tree)
		fts_close(tree);
	return found;
}

static bool whole(const char *path, void *data)
{
	const struct asking *asking = data;
	char exposed[AL_PATH_MAX];
	struct subject subject;
	struct stat st;
	bool answer = true;

	if (subject_open(path, &subject, NULL) || fstat(subject.fd, &st))
		answer = false;
	else if (!subject.child[0] && S_ISDIR(st.st_mode))
		answer = !is_shared(subject.fd, &st) && !exposure_holds(&st, asking->project) &&
			 !exposure(subject.fd, caller_home(), exposed, sizeof(exposed)) &&
			 !holds_sensitive(path, asking->policy);
	if (subject.fd >= 0)
		close(subject.fd);
	return answer;
}

/* What the session has, by what `show` prints. */
static int get_policy(int daemon, const char *session, struct policy *policy, struct fail *f)
{
	const struct conf_context context = {0};
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int ret;

	if (!out)
		return fail(f, errno, "cannot read the policy of session '%s'", Q(session));
	ret = client_show(daemon, session, out, f);
	if (fclose(out) && !ret)
		ret = fail(f, errno, "cannot read the policy of session '%s'", Q(session));
	return ret ? ret : conf_parse(text, len, "agent-lock show", &context, policy, f);
}

static int print_suggestion(int daemon, const char *session, struct fail *f)
{
	struct report report;
	struct policy policy;
	int ret;

	if (client_report(daemon, session, &report, f))
		return -1;
	policy_init(&policy);
	ret = get_policy(daemon, session, &policy, f);
	/* The paths are the user's, and so are the rights to look at them. */
	if (!ret)
		ret = caller_become(f);
	if (!ret) {
		struct asking asking = {daemon, session, &policy, report.directory};
		const struct suggest_machine machine = {rights, whole, &asking};

		ret = suggest(&report, &policy, &machine, stdout, f);
	}
	policy_done(&policy);
	report_done(&report);
	return ret;
}

int cmd_suggest(int argc, char **argv)
{
	cleanup_fd int daemon = -1;
	struct fail f = {0};

	if (argc != 2 || argv[1][0] == '-')
		return usage();
	daemon = daemon_connect();
	if (daemon < 0)
		return EXIT_REFUSED;
	if (print_suggestion(daemon, argv[1], &f)) {
		warn_fail(&f);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}
