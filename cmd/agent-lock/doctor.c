/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.c - agent-lock doctor: can this machine do it? One line a question, a cure after each
 * 'no'; and at the end the only proof there is: a real refused open in a throw-away session, with
 * its control.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <linux/magic.h>

#include "boot.h"
#include "lsm.h"
#include "mounts.h"
#include "util.h"
#include "verbs.h"

static int troubles;

static void good(const char *what, const char *detail)
{
	printf("ok   %s%s%s\n", what, detail[0] ? ": " : "", detail);
}

static void bad(const char *what, const char *cure)
{
	printf("no   %s\n     cure: %s\n", what, cure);
	troubles++;
}

static void check_kernel(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;
	char detail[160];

	uname(&name);
	snprintf(detail, sizeof(detail), "%s %s", name.release, name.machine);
	if (sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 6 || (major == 6 && minor >= 1)))
		good("kernel", detail);
	else
		bad("kernel is older than 6.1, the oldest that is tested",
		    "install a newer kernel");
}

static void check_types(void)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		good("kernel types (BTF)", "/sys/kernel/btf/vmlinux");
	else
		bad("kernel types (BTF) are missing",
		    "use a kernel with CONFIG_DEBUG_INFO_BTF=y, such as your distribution's own");
}

/* Is the BPF LSM compiled in at all? Asked only when it is not active; "" when nobody says. */
static bool compiled_out(void)
{
	struct utsname name;
	char path[256], line[256];
	cleanup_file FILE *config = NULL;

	uname(&name);
	snprintf(path, sizeof(path), "/boot/config-%s", name.release);
	config = fopen(path, "re");
	while (config && fgets(line, sizeof(line), config))
		if (strncmp(line, "# CONFIG_BPF_LSM is not set", 27) == 0)
			return true;
	return false;
}

static void check_lsm(void)
{
	char list[512] = "", cure[1024], what[700];
	char padded[520];

	if (read_text_at(AT_FDCWD, "/sys/kernel/security/lsm", list, sizeof(list)) < 0) {
		bad("the active LSM list /sys/kernel/security/lsm cannot be read",
		    "mount -t securityfs securityfs /sys/kernel/security; if it is there already, "
		    "your kernel has no LSM: use your "
		    "distribution's own");
		return;
	}
	list[strcspn(list, "\n")] = '\0';
	snprintf(padded, sizeof(padded), ",%s,", list);
	if (strstr(padded, ",bpf,")) {
		good("BPF LSM is active", list);
		return;
	}
	snprintf(what, sizeof(what), "BPF LSM is off (active: %s)", list);
	boot_cure("", list, cure, sizeof(cure));
	bad(what,
	    compiled_out() ? "this kernel was built without CONFIG_BPF_LSM: use another" : cure);
}

static void check_cgroups(void)
{
	const struct mount_entry *entry = NULL;
	struct mounts mounts = {0};

	if (mounts_read(&mounts, NULL) == 0)
		entry = mounts_of_type(&mounts, "cgroup2");
	if (entry)
		good("cgroup v2", entry->point);
	else
		bad("no cgroup v2 is mounted", "boot with systemd.unified_cgroup_hierarchy=1, or: "
					       "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	mounts_done(&mounts);
}

static void check_bpffs(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		good("BPF file system", "/sys/fs/bpf");
	else
		bad("no BPF file system at /sys/fs/bpf", "mount -t bpf bpf /sys/fs/bpf");
}

static void check_hook(const struct lsm_hook *hook, void *data)
{
	unsigned int *present = data;
	char what[200];

	if (hook->present) {
		(*present)++;
	} else if (hook->required) {
		snprintf(what, sizeof(what), "LSM hook %s is missing", hook->name);
		bad(what, strncmp(hook->name, "path_", 5) == 0
				  ? "use a kernel with CONFIG_SECURITY_PATH=y (AppArmor, Tomoyo or "
				    "Landlock enabled)"
				  : "use a kernel that agent-lock was tested on (6.1, 6.12, 7.x)");
	} else {
		snprintf(what, sizeof(what), "LSM hook %s is not in this kernel", hook->name);
		good(what, hook->covered);
	}
}

static void check_hooks(void)
{
	unsigned int present = 0;
	char detail[64];
	struct fail f = {0};

	if (lsm_hooks(check_hook, &present, &f)) {
		bad(f.msg, "see above");
		return;
	}
	snprintf(detail, sizeof(detail), "%u present", present);
	good("LSM hooks", detail);
}

/* What the child in the session saw, as its exit code. */
enum seen {
	SEEN_REFUSED = 64,
	SEEN_ALLOWED,
	SEEN_CANNOT_WORK,
};

#define OUTSIDE "/etc/passwd" /* everybody may read it, the base policy does not grant it */

static int open_errno(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static _Noreturn void try_inside(int daemon, const char *session, const char *project)
{
	struct fail f = {0};

	if (client_enter(daemon, session, &f)) {
		warn_fail(&f);
		_exit(EXIT_SELF);
	}
	if (chdir(project) || open_errno("file", O_CREAT | O_WRONLY))
		_exit(SEEN_CANNOT_WORK);
	_exit(open_errno(OUTSIDE, O_RDONLY) == EPERM ? SEEN_REFUSED : SEEN_ALLOWED);
}

static void judge_trial(int status)
{
	int seen = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SELF;

	if (seen == SEEN_REFUSED)
		good("a real session",
		     "its own directory was writable, " OUTSIDE " refused (and readable outside)");
	else if (seen == SEEN_ALLOWED)
		bad("a jailed process could open " OUTSIDE,
		    "do not use agent-lock on this machine; please report this");
	else if (seen == SEEN_CANNOT_WORK)
		bad("a jailed process could not write its own directory", "please report this");
	else
		bad("no process could enter a session", "see the message above");
}

static void try_session(const char *project)
{
	char name[SESSION_NAME_MAX + 1];
	struct creation creation;
	struct report report;
	struct fail f = {0};
	char *argv[] = {"new", "--root", "--name", "doctor", (char *)project, NULL};
	int rest, status, daemon = daemon_connect();
	pid_t child;

	if (daemon < 0 || open_errno(OUTSIDE, O_RDONLY)) {
		bad("no session could be made",
		    daemon < 0 ? "see the message above" : "make " OUTSIDE " readable");
		if (daemon >= 0)
			close(daemon);
		return;
	}
	if (creation_parse(5, argv, false, &creation, &rest) ||
	    creation_make(daemon, &creation, name)) {
		bad("no session could be made", "see the message above");
		close(daemon);
		return;
	}
	creation_done(&creation);
	fflush(stdout);
	child = fork();
	if (child == 0)
		try_inside(client_connect(NULL), name, project);
	if (child > 0 && waitpid(child, &status, 0) == child)
		judge_trial(status);
	if (client_destroy(daemon, name, &report, &f))
		warn_fail(&f);
	else
		report_done(&report);
	close(daemon);
}

int cmd_doctor(int argc, char **argv)
{
	char project[] = "/tmp/agent-lock-doctor.XXXXXX";
	char file[sizeof(project) + 8];

	if (argc >= 2 && strcmp(argv[1], "--adversary") == 0)
		return adversary(argc - 2, argv + 2);
	if (argc != 1)
		return usage();
	check_kernel();
	check_types();
	check_lsm();
	check_cgroups();
	check_bpffs();
	check_hooks();
	if (troubles) {
		printf("agent-lock cannot work here until that is cured: nothing was started\n");
		return EXIT_REFUSED;
	}
	if (!mkdtemp(project)) {
		bad("no directory could be made in /tmp", strerror(errno));
		return EXIT_REFUSED;
	}
	try_session(project);
	snprintf(file, sizeof(file), "%s/file", project);
	unlink(file);
	rmdir(project);
	puts(troubles ? "agent-lock does not work here yet" : "all is well");
	return troubles ? EXIT_REFUSED : EXIT_DONE;
}
