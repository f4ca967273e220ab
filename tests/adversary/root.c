/* SPDX-License-Identifier: GPL-2.0-only */
/* root.c - R: root in the session, but for capabilities (capabilities.c), and ways to become it. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"

#define FILE_NAME "agent-lock-adversary"
#define OTHER_USER 1000

static int open_to_write(const char *path)
{
	return result(open(path, O_WRONLY | O_CLOEXEC));
}

static int r01_sysctl(const struct world *world)
{
	(void)world;
	return open_to_write("/proc/sys/kernel/hostname");
}

static int r01_sysfs(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/power/state");
}

/* To the mode that it has. */
static int r01_mode(const struct world *world)
{
	struct stat st;

	(void)world;
	return result(stat("/sys/power/state", &st))
		       ?: result(chmod("/sys/power/state", st.st_mode & 07777));
}

static int r01_cgroups(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/fs/cgroup/cgroup.procs");
}

/* What root alone may read in sysfs: a device's memory, for instance. */
static int r01_device(const struct world *world)
{
	int no = ENOENT;
	struct stat st;
	glob_t found;

	(void)world;
	if (glob("/sys/bus/pci/devices/*/resource[0-5]", 0, NULL, &found))
		return why_not("no PCI devices here");
	for (size_t i = 0; i < found.gl_pathc && no == ENOENT; i++)
		if (stat(found.gl_pathv[i], &st) == 0 && st.st_size)
			no = result(open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC));
	globfree(&found);
	return no;
}

/* With all capabilities there, and none where it counts. */
static int r03_read(const struct world *world)
{
	return result(unshare(CLONE_NEWUSER)) ?: read_secret(in(world->out, "f"));
}

static int r03_own_name(const struct world *world)
{
	char before[256], after[256];
	int no = gethostname(before, sizeof(before)) ? errno : 0;

	(void)world;
	no = no ?: result(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
	no = no ?: result(sethostname("inside", 6)) ?: result(gethostname(after, sizeof(after)));
	return no ?: strcmp(after, "inside") ? EBADMSG : 0;
}

/* The set-id program that prepares things for ordinary users does as root what it is asked. */
static char r04_policy[4096];

static int set_id_program(struct world *world)
{
	const char *program = getenv("AGENT_LOCK_AS_ROOT");

	(void)world;
	if (!program)
		return why_not("no set-id program for it here");
	snprintf(r04_policy, sizeof(r04_policy), "[paths]\nro = %s\n", program);
	return 0;
}

static int r04_gain(const struct world *world)
{
	const char *program = getenv("AGENT_LOCK_AS_ROOT");
	int status;

	(void)world;
	if (!program || !fork()) {
		execl(program ?: "", program, "/bin/true", NULL);
		_exit(127);
	}
	wait(&status);
	/* 125: it could not become root. Anything else is no answer. */
	if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != 125))
		return why_not("the set-id program does not run");
	return WEXITSTATUS(status) ? EPERM : 0;
}

static const char *const run_by_others[] = {
	"/etc/cron.d",	      "/var/spool/cron/crontabs", "/etc/systemd/system",
	"/etc/udev/rules.d",  "/etc/sudoers.d",		  "/etc/profile.d",
	"/etc/ld.so.conf.d",  "/etc/modprobe.d",	  "/etc/apt/apt.conf.d",
	"/etc/update-motd.d", "/usr/local/bin",		  "/usr/lib/python3/dist-packages",
};

static int make_directories(struct world *world)
{
	(void)world;
	for (size_t i = 0; i < LEN(run_by_others); i++)
		if (as_root("mkdir -p %s", run_by_others[i]))
			return NO_CONTROL;
	return 0;
}

/* Made and taken away again; what stays is removed by cleanup. Inside none may be made. */
static int r05_create(const struct world *world)
{
	int no = 0;

	for (size_t i = 0; i < LEN(run_by_others); i++) {
		const char *path = in(run_by_others[i], FILE_NAME);

		no = result(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600))
			     ?: result(unlink(path));
		if (!no == world->inside) {
			printf("%s\n", path);
			return no;
		}
	}
	return no;
}

static bool r05_is_there(const struct world *world)
{
	(void)world;
	for (size_t i = 0; i < LEN(run_by_others); i++)
		if (access(in(run_by_others[i], FILE_NAME), F_OK) == 0)
			return true;
	return false;
}

static void r05_remove(struct world *world)
{
	(void)world;
	for (size_t i = 0; i < LEN(run_by_others); i++)
		unlink(in(run_by_others[i], FILE_NAME));
}

static int r11_replace(const struct world *world)
{
	(void)world;
	return result(open("/usr/bin/env", O_WRONLY | O_APPEND | O_CLOEXEC));
}

static int r11_rename(const struct world *world)
{
	(void)world;
	return result(rename("/usr/bin/env", "/usr/bin/env.old"))
		       ?: result(rename("/usr/bin/env.old", "/usr/bin/env"));
}

static socklen_t its_name(const struct world *world, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s.root",
		 strrchr(world->base, '/') + 1);
	return (socklen_t)(sizeof(sa_family_t) + 1 + strlen(address->sun_path + 1));
}

static int become_other(void)
{
	return setgroups(0, NULL) || setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
			       setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
		       ? errno
		       : 0;
}

/* Serves its own user alone. */
static int serve_own(const struct world *world, int ready_fd)
{
	struct sockaddr_un address;
	socklen_t len = its_name(world, &address), size;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	struct ucred who;

	if (become_other() || fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 4))
		return 1;
	close(ready_fd);
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		size = sizeof(who);
		if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
		    who.uid == OTHER_USER)
			(void)!write(peer, "x", 1);
		close(peer);
	}
	return 1;
}

static int others_server(struct world *world)
{
	return spawn(serve_own, world) < 0 ? why_not("no server") : 0;
}

static int r07_connect(const struct world *world)
{
	struct sockaddr_un address;
	socklen_t len = its_name(world, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), no = become_other();
	char byte;

	no = no ?: result(connect(fd, (struct sockaddr *)&address, len));
	return no ?: read(fd, &byte, 1) == 1 ? 0 : EBADMSG;
}

static int r08_policy(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/kernel/security/apparmor/.load");
}

static int r09_sysrq(const struct world *world)
{
	(void)world;
	return open_to_write("/proc/sysrq-trigger");
}

/* number[0]: a process outside. */
static int have_victim(struct world *world)
{
	world->number[0] = spawn_sleeper();
	return world->number[0] < 0 ? why_not("no process") : 0;
}

static int r09_choose(const struct world *world)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/oom_score_adj", world->number[0]);
	return open_to_write(path);
}

/* To the flags that it has: asked of whom is the same. */
static int r10_flags(const struct world *world)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo"};

	(void)world;
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo))
		return errno;
	return result(ioctl(fd, SIOCSIFFLAGS, &lo));
}

/* A change of nothing. */
static int r10_netlink(const struct world *world)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} ask = {
		.head = {.nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_SETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_index = 1},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	(void)world;
	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.head))
		return errno;
	return answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EBADMSG;
}

static const struct escape escapes[] = {
	{"R01", "a sysctl", ROOT_ONLY, .attempt = r01_sysctl, .logged = "write"},
	{"R01", "an attribute in sysfs", ROOT_ONLY, .attempt = r01_sysfs, .logged = "write"},
	{"R01", "who may write such an attribute", ROOT_ONLY, .attempt = r01_mode,
	 .logged = "chmod"},
	{"R01", "the root cgroup", ROOT_ONLY, .attempt = r01_cgroups, .logged = "write"},
	{"R01", "a device's memory by sysfs", ROOT_ONLY, .attempt = r01_device, .logged = "read"},
	{"R03", "root in a user namespace reads", IN_USERNS, .attempt = r03_read,
	 .logged = "userns read"},
	{"R03", "root in a user namespace names its own host", USERNS_ONLY | MUST_WORK,
	 .attempt = r03_own_name},
	{"R04", "a set-id program makes root", USER_ONLY | GUEST_ONLY, .prepare = set_id_program,
	 .attempt = r04_gain, .policy = r04_policy,
	 .reason = "it runs, but gains nothing: no_new_privs"},
	{"R05", "files that others will run", ROOT_ONLY | GUEST_ONLY, .prepare = make_directories,
	 .attempt = r05_create, .reached = r05_is_there, .cleanup = r05_remove, .logged = "create"},
	{"R06", "su or login asks for another session of systemd's", 0,
	 .reason = "asked by D-Bus, see U01; what runs stays in its cgroup, see G05"},
	{"R07", "become another user and use what is that user's", ROOT_ONLY,
	 .prepare = others_server, .attempt = r07_connect, .logged = "connect"},
	{"R08", "the policy of a security module", ROOT_ONLY, .attempt = r08_policy,
	 .logged = "write"},
	{"R09", "magic system requests", ROOT_ONLY, .attempt = r09_sysrq, .logged = "write"},
	{"R09", "whom the kernel kills when memory is short", 0, .prepare = have_victim,
	 .attempt = r09_choose, .logged = "write"},
	{"R10", "a network device by ioctl", ROOT_ONLY, .attempt = r10_flags,
	 .logged = "capability"},
	{"R10", "a network device by netlink", ROOT_ONLY, .attempt = r10_netlink,
	 .logged = "capability"},
	{"R11", "write to an installed program", ROOT_ONLY, .attempt = r11_replace,
	 .logged = "write"},
	{"R11", "rename an installed program", ROOT_ONLY | GUEST_ONLY, .attempt = r11_rename,
	 .logged = "rename"},
	{"R12", "root in a container", 0,
	 .reason = "a container's processes are the session's like others; no container here"},
};

const struct family root = {escapes, LEN(escapes)};
