/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * later.c - X: what the jailed write and somebody outside runs. The project is theirs to write; what in
 * it acts by itself can be made read only. What is outside it stays outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adversary.h"

#define CANNOT_PREPARE why_not("cannot prepare: %s", strerrorname_np(errno))
#define IN_PROJECT "the project is the session's to write, --ro guards what is named: see README"

/* What is to be changed: set in attempt's process alone. */
static const char *directory, *file;

static int make_mine(void)
{
	unlink("mine");
	return make_file("mine", "exit 1\n");
}

static int overwrite(const struct world *world)
{
	(void)world;
	return result(open(in(directory, file), O_WRONLY));
}

static int truncate_it(const struct world *world)
{
	(void)world;
	return result(truncate(in(directory, file), 0));
}

static int make_executable(const struct world *world)
{
	(void)world;
	return result(chmod(in(directory, file), 0700));
}

static int rename_over(const struct world *world)
{
	(void)world;
	return make_mine() ?: result(rename("mine", in(directory, file)));
}

static int exchange(const struct world *world)
{
	(void)world;
	return make_mine()
		       ?: result(renameat2(AT_FDCWD, "mine", AT_FDCWD, in(directory, file),
					   RENAME_EXCHANGE));
}

static int take_alias(const struct world *world)
{
	(void)world;
	return result(link(in(directory, file), "alias"));
}

static int move_directory(const struct world *world)
{
	(void)world;
	return rename(directory, "moved") ? errno : result(rename("moved", directory));
}

static int create_beside(const struct world *world)
{
	(void)world;
	return result(open(in(directory, "beside"), O_WRONLY | O_CREAT, 0700));
}

static int link_beside(const struct world *world)
{
	(void)world;
	return make_mine() ?: result(link("mine", in(directory, "linked")));
}

static int symlink_beside(const struct world *world)
{
	(void)world;
	return result(symlink("/bin/false", in(directory, "pointing")));
}

static int remove_it(const struct world *world)
{
	(void)world;
	return result(unlink(in(directory, file)));
}

/* Each leaves the file there for the next; the last doesn't. */
static const struct variant changes_of_file[] = {
	{"overwrite", overwrite},     {"truncate", truncate_it}, {"chmod", make_executable},
	{"rename over", rename_over}, {"exchange", exchange},	 {"take an alias", take_alias},
	{"remove", remove_it},
};

static const struct variant changes_of_directory[] = {
	{"move the directory", move_directory},
	{"create beside", create_beside},
	{"link beside", link_beside},
	{"symlink beside", symlink_beside},
};

static int change_file(const struct world *world, const char *in_directory, const char *name)
{
	directory = in_directory;
	file = name;
	return each(world, changes_of_file, LEN(changes_of_file));
}

/* Of the directory first, then of what is in it: whichever works says so. */
static int change_directory(const struct world *world, const char *which, const char *name)
{
	int no;

	directory = which;
	file = name;
	no = each(world, changes_of_directory, LEN(changes_of_directory));
	if (!no != !world->inside)
		return no;
	return each(world, changes_of_file, LEN(changes_of_file));
}

static int make_guarded(struct world *world, const char *const *directories, const char *name)
{
	for (; *directories; directories++)
		if (mkdir(in(world->project, *directories), 0755))
			return CANNOT_PREPARE;
	return make_file(in(world->project, name), "exit 0\n") ? CANNOT_PREPARE : 0;
}

static int x01_prepare(struct world *world)
{
	static const char *const directories[] = {".git", ".git/hooks", NULL};

	return make_guarded(world, directories, ".git/hooks/pre-commit");
}

static int x01_hook(const struct world *world)
{
	return change_directory(world, ".git/hooks", "pre-commit");
}

static int x02_prepare(struct world *world)
{
	static const char *const directories[] = {".git", NULL};

	return make_guarded(world, directories, ".git/config");
}

static int x02_configuration(const struct world *world)
{
	return change_file(world, ".git", "config");
}

static int x02_move_above(const struct world *world)
{
	directory = ".git";
	return move_directory(world);
}

static int git_init(struct world *world)
{
	const char *command[] = {"/usr/bin/git", "init", "-q", world->project, NULL};

	return run_program(command) ? why_not("git is not there") : 0;
}

static int git_commit(const struct world *world)
{
	const char *command[] = {"/usr/bin/git", "-c", "user.name=a",	"-c",  "user.email=a@b.c",
				 "commit",	 "-q", "--allow-empty", "-mx", NULL};

	(void)world;
	return run_program(command);
}

static int x06_prepare(struct world *world)
{
	static const char *const directories[] = {".vscode", NULL};

	return make_guarded(world, directories, ".vscode/tasks.json");
}

static int x06_editor(const struct world *world)
{
	return change_directory(world, ".vscode", "tasks.json");
}

static int x08_prepare(struct world *world)
{
	static const char *const directories[] = {".claude", NULL};

	return make_guarded(world, directories, ".claude/settings.json");
}

static int x08_agent(const struct world *world)
{
	return change_directory(world, ".claude", "settings.json");
}

static int x08_prepare_file(struct world *world)
{
	static const char *const directories[] = {NULL};

	return make_guarded(world, directories, ".mcp.json");
}

static int x08_agent_file(const struct world *world)
{
	return change_file(world, ".", ".mcp.json");
}

/* Places outside where something is run without being asked for. */

static int plant(const struct world *world, const char *where)
{
	return result(openat(handle(world->out), where, O_WRONLY | O_CREAT, 0700));
}

static int make_places(struct world *world)
{
	return mkdir(in(world->out, "autostart"), 0755) || mkdir(in(world->out, "bin"), 0755)
		       ? CANNOT_PREPARE
		       : 0;
}

static int x19_desktop_file(const struct world *world)
{
	return plant(world, "autostart/new.desktop");
}

static int x20_program(const struct world *world)
{
	return plant(world, "bin/ls");
}

static int x20_replace_program(const struct world *world)
{
	if (symlink("/bin/false", "mine"))
		return why_not("symlink: %d", errno);
	return result(rename("mine", in(world->out, "x")));
}

static const struct escape escapes[] = {
	{"X01", "change a hook that may be read only", 0, .prepare = x01_prepare,
	 .attempt = x01_hook, .logged = "unlink",
	 .policy = "[paths]\nro = ${PROJECT}/.git/hooks\n"},
	{"X01", "commit, with hooks and configuration read only", MUST_WORK, .prepare = git_init,
	 .attempt = git_commit,
	 .policy = "[paths]\nro = ${PROJECT}/.git/hooks\nro = ${PROJECT}/.git/config\n"},
	{"X02", "change a configuration that may be read only", 0, .prepare = x02_prepare,
	 .attempt = x02_configuration, .logged = "unlink",
	 .policy = "[paths]\nro = ${PROJECT}/.git/config\n"},
	{"X02", "move the directory of such a configuration", 0, .prepare = x02_prepare,
	 .attempt = x02_move_above, .logged = "rename",
	 .policy = "[paths]\nro = ${PROJECT}/.git/config\n"},
	{"X03", "what else git reads in a repository", .reason = IN_PROJECT},
	{"X04", "a repository in a directory of the project", .reason = IN_PROJECT},
	{"X05", "what a shell reads when it enters a directory", .reason = IN_PROJECT},
	{"X06", "change an editor's tasks that may be read only", 0, .prepare = x06_prepare,
	 .attempt = x06_editor, .logged = "unlink", .policy = "[paths]\nro = ${PROJECT}/.vscode\n"},
	{"X07", "what makes containers and machines", .reason = IN_PROJECT},
	{"X08", "change an agent's settings that may be read only", 0, .prepare = x08_prepare,
	 .attempt = x08_agent, .logged = "unlink", .policy = "[paths]\nro = ${PROJECT}/.claude\n"},
	{"X08", "change an agent's servers that may be read only", 0, .prepare = x08_prepare_file,
	 .attempt = x08_agent_file, .logged = "unlink",
	 .policy = "[paths]\nro = ${PROJECT}/.mcp.json\n"},
	{"X09", "what builds the project", .reason = IN_PROJECT},
	{"X10", "what watches the project from outside", .reason = IN_PROJECT},
	{"X11", "what interpreters read at their start", .reason = IN_PROJECT},
	{"X12", "programs and libraries in the project", .reason = IN_PROJECT},
	{"X14", "symlinks for others to follow",
	 .reason = "a symlink may name anything; who follows it outside is not jailed"},
	{"X15", "a FIFO in a file's place", .reason = IN_PROJECT},
	{"X16", "what runs on other machines", .reason = IN_PROJECT},
	{"X17", "names that a script takes for options", .reason = IN_PROJECT},
	{"X18", "text that has a person do it", .reason = "what people are shown is not looked at"},
	{"X19", "plant what a desktop starts", 0, .prepare = make_places,
	 .attempt = x19_desktop_file, .logged = "create"},
	{"X20", "plant a program that is found first", 0, .prepare = make_places,
	 .attempt = x20_program, .logged = "create"},
	{"X20", "put another in a program's place", 0, .attempt = x20_replace_program,
	 .logged = "rename"},
};

const struct family later = {escapes, LEN(escapes)};
