/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c - the verbs in one table, and which one is meant. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "util.h"
#include "verbs.h"

#define CREATION \
	"[--name NAME] [--profile NAME]... [--cache NAME,...] [--rw PATH]... [--ro PATH]... " \
	"[--deny PATH]... [--hide PATH]... " \
	"[--connect SOCKET]... [--policy FILE] [--ssh-agent] [--identity] [--env " \
	"NAME[=VALUE]]... [--keep-env] [--memory " \
	"SIZE] [--pids NUMBER] [--cpu PERCENT] " \
	"[--audit] [--localhost] [--force] [--root]"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments;
	const char *purpose;
} verbs[] = {
	{"new", cmd_new, CREATION " [--ephemeral] DIR",
	 "make a session for one project directory, print its name"},
	{"exec", cmd_exec,
	 "[--root] [--env NAME[=VALUE]]... [--keep-env] SESSION -- COMMAND [ARGUMENT]...",
	 "run a command in a session"},
	{"run", cmd_run, CREATION " DIR -- COMMAND [ARGUMENT]...",
	 "new, exec, destroy in one go; the summary at the end"},
	{"tail", cmd_tail, "[-n LINES] [--no-follow] [--denied] [--json] SESSION",
	 "what it opens, what it was refused, as it happens"},
	{"list", cmd_list, "[--json]", "which sessions there are"},
	{"report", cmd_report, "[--json] SESSION", "what was refused so far, how often, to whom"},
	{"show", cmd_show, "SESSION", "its policy, in the form that --policy reads"},
	{"suggest", cmd_suggest, "SESSION",
	 "a small policy out of what was refused, for --policy, to be read first"},
	{"why", cmd_why, "SESSION PATH...",
	 "what it may do with them, by which rule, and what would change it"},
	{"hook", cmd_hook, "claude | codex | --answer HOOK",
	 "what to put into an agent's configuration, so that its model hears of refusals"},
	{"allow", cmd_allow,
	 "SESSION [--ro PATH]... [--rw PATH]... [--connect SOCKET]... [--force] [--root]",
	 "more rules while it runs, in force at once; the later for a path counts"},
	{"deny", cmd_deny, "[--hide] SESSION PATH...",
	 "refuse these from now on, or as if they were not there; what it has open stays open"},
	{"adopt", cmd_adopt, "SESSION PID...",
	 "move what runs already into it, with all that it started; says what it holds open"},
	{"freeze", cmd_freeze, "SESSION...", "stop all that runs in it, until thaw"},
	{"thaw", cmd_thaw, "SESSION...", "let what is frozen go on"},
	{"destroy", cmd_destroy, "SESSION... | --all", "kill all of it, print the summary"},
	{"doctor", cmd_doctor, "[--adversary [ID]...]",
	 "can this machine do it? ends with a real refused open; or tries every known way out"},
};

static void print_usage(const struct verb *verb, FILE *out)
{
	const char *rest = verb->arguments;
	int column = fprintf(out, "usage: agent-lock %s", verb->name), indent = column;

	/* Word by word, an option with its value being one. */
	while (*rest) {
		int len = (int)(*rest == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, " "));

		len += (int)strcspn(rest + len, " ");
		if (column + 1 + len > 80)
			column = fprintf(out, "\n%*s", indent, "") - 1;
		column += fprintf(out, " %.*s", len, rest);
		rest += len + (rest[len] == ' ');
	}
	fprintf(out, "\n       %s\n", verb->purpose);
}

static const struct verb *running;

int usage(void)
{
	print_usage(running, stderr);
	return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	if (argc > 1) {
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
			if (strcmp(verbs[i].name, argv[1]) != 0)
				continue;
			print_usage(&verbs[i], stdout);
			return EXIT_DONE;
		}
		warn("'%s' is no verb", Q(argv[1]));
		return EXIT_USAGE;
	}
	puts("agent-lock: a cell for an AI agent: one project directory, and nothing else of "
	     "yours\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  agent-lock %-8s %s\n", verbs[i].name, verbs[i].purpose);
	puts("\nagent-lock help VERB   how it is used\n"
	     "agent-lock run DIR -- COMMAND   is all that most people need");
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	static char program[] = "agent-lock";

	setlocale(LC_TIME, "");
	if (argc < 2) {
		help(1, argv);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc - 1, argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, argv[1]) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0)
			return help(2, argv);
		/* getopt() begins with this what it says of a wrong option. */
		argv[1] = program;
		running = &verbs[i];
		return verbs[i].run(argc - 1, argv + 1);
	}
	warn("'%s' is no verb", Q(argv[1]));
	fputs("hint: agent-lock help\n", stderr);
	return EXIT_USAGE;
}
