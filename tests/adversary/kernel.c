/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel.c - K: the kernel acting for the session. Rings are in uring.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adversary.h"

#define MARK "more/mark"
#define HELPER "more/helper"
#define SOCKET "more/socket"
#define UFFD_USER_MODE 1 /* UFFD_USER_MODE_ONLY */

/* What a program that the kernel is to start does: it leaves a mark. */
static const char *make_helper(const struct world *world)
{
	static char path[600];
	char text[1024];

	snprintf(path, sizeof(path), "%s", in(world->base, HELPER));
	snprintf(text, sizeof(text), "#!/bin/sh\necho here >%s\n", in(world->base, MARK));
	return make_file(path, text) || chmod(path, 0755) ? NULL : path;
}

static bool marked(const struct world *world)
{
	return access(in(world->base, MARK), F_OK) == 0;
}

/* It may take a moment until it runs. */
static int wait_for_mark(const struct world *world)
{
	for (int i = 0; i < 60 && !marked(world); i++)
		usleep(50000);
	return marked(world) ? 0 : EPERM;
}

static int core_to_program(struct world *world)
{
	const char *helper = make_helper(world);
	char pattern[700];

	if (!helper)
		return why_not("no helper: %s", strerror(errno));
	snprintf(pattern, sizeof(pattern), "|%s", helper);
	return set_knob("/proc/sys/kernel/core_pattern", pattern);
}

/* Whoever connects leaves the mark. */
static int take_core(const struct world *world, int ready_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(world->base, SOCKET));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return 1;
	close(ready_fd);
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		return 1;
	make_file(in(world->base, MARK), "here");
	close(peer); /* the kernel waits for it */
	for (;;)
		pause();
}

/* From 6.16 on; on others once more to a program. */
static int core_to_socket(struct world *world)
{
	unsigned int major = 0, minor = 0;
	struct utsname names;
	char pattern[700];

	if (uname(&names) || sscanf(names.release, "%u.%u", &major, &minor) != 2 ||
	    major * 1000 + minor < 6016)
		return core_to_program(world);
	if (spawn(take_core, world) < 0)
		return why_not("no process");
	snprintf(pattern, sizeof(pattern), "@%s", in(world->base, SOCKET));
	return set_knob("/proc/sys/kernel/core_pattern", pattern);
}

static int k04_crash(const struct world *world)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	pid_t pid = fork();

	if (pid == 0) {
		/* Where it is limited, this may lift it. */
		(void)!setrlimit(RLIMIT_CORE, &all);
		prctl(PR_SET_DUMPABLE, 1);
		abort();
	}
	waitpid(pid, NULL, 0);
	return wait_for_mark(world);
}

static int own_modprobe(struct world *world)
{
	const char *helper = make_helper(world);

	if (!helper)
		return why_not("no helper: %s", strerror(errno));
	return set_knob("/proc/sys/kernel/modprobe", helper);
}

/* A protocol that no kernel has; it is refused anyway, after a module was asked for. */
static int k05_protocol(const struct world *world)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, MAX_LINKS - 1);

	if (fd >= 0)
		close(fd);
	return wait_for_mark(world);
}

/* Up to 6.13 a module was asked for; afterwards nobody is. Then a socket must do for the control. */
static int k05_format(const struct world *world)
{
	const char *command[] = {"./odd", NULL};
	char odd[256] = {1, 2, 3, 4, 5, 6, 7, 8};
	int fd = open("odd", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	if (fd < 0 || write(fd, odd, sizeof(odd)) != sizeof(odd))
		return errno;
	close(fd);
	run_program(command);
	return wait_for_mark(world) ? k05_protocol(world) : 0;
}

static int own_request_key(struct world *world)
{
	const char *helper = make_helper(world);

	if (!helper)
		return why_not("no helper: %s", strerror(errno));
	return as_root("[ -e /sbin/request-key ] || : >/sbin/request-key; "
		       "mount --bind '%s' /sbin/request-key",
		       helper);
}

static void no_request_key(struct world *world)
{
	(void)world;
	as_root("umount /sbin/request-key");
}

static int k06_upcall(const struct world *world)
{
	char name[64];

	/* A new name: what failed is remembered. */
	snprintf(name, sizeof(name), "agent-lock-adversary:%d", getpid());
	syscall(SYS_request_key, "user", name, "callout", KEY_SPEC_PROCESS_KEYRING);
	return wait_for_mark(world);
}

static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

/* A parent of several threads is left alone: what polled a ring may be on its way out. */
static int note_keyring(struct world *world)
{
	struct stat st;

	for (int i = 0; i < 100 && stat("/proc/self/task", &st) == 0 && st.st_nlink > 3; i++)
		usleep(50000);
	world->number[0] = session_keyring();
	return world->number[0] < 0 ? why_not("no keys here") : 0;
}

/* The parent is the program that tries all this, outside. */
static int k06_parent(const struct world *world)
{
	(void)world;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return errno;
	return result(syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT));
}

static bool k06_changed(const struct world *world)
{
	return session_keyring() != world->number[0];
}

static int bpf(int command, union bpf_attr *attr)
{
	return result(syscall(SYS_bpf, command, attr, sizeof(*attr)));
}

/* No such descriptor: so much is said only to whom it is allowed. */
static int k07_map(const struct world *world)
{
	union bpf_attr attr = {.map_fd = (uint32_t)-1};
	int no = bpf(BPF_MAP_LOOKUP_ELEM, &attr);

	(void)world;
	return no == EBADF ? 0 : no;
}

static int list_programs(const struct world *world)
{
	union bpf_attr attr = {.start_id = 0};

	(void)world;
	return bpf(BPF_PROG_GET_NEXT_ID, &attr);
}

static int list_links(const struct world *world)
{
	union bpf_attr attr = {.start_id = 0};

	(void)world;
	return bpf(BPF_LINK_GET_NEXT_ID, &attr);
}

static int make_map(const struct world *world)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	(void)world;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int load_program(const struct world *world)
{
	static const struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
						  {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uintptr_t)nothing,
			       .insn_cnt = LEN(nothing),
			       .license = (uintptr_t) "GPL"};

	(void)world;
	return bpf(BPF_PROG_LOAD, &attr);
}

static int k07_objects(const struct world *world)
{
	static const struct variant variants[] = {{"list programs", list_programs},
						  {"list links", list_links},
						  {"make a map", make_map},
						  {"load a program", load_program}};

	return each(world, variants, LEN(variants));
}

static int perf(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	return result(syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

static struct perf_event_attr user_clock(void)
{
	return (struct perf_event_attr){.type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_TASK_CLOCK,
					.exclude_kernel = 1,
					.exclude_hv = 1};
}

static int lax_perf(struct world *world)
{
	world->number[0] = spawn_sleeper();
	return set_knob("/proc/sys/kernel/perf_event_paranoid", "-1");
}

static int k08_self(const struct world *world)
{
	struct perf_event_attr attr = user_clock();

	(void)world;
	return perf(&attr, 0, -1);
}

static int k08_other(const struct world *world)
{
	struct perf_event_attr attr = user_clock();

	return perf(&attr, (pid_t)world->number[0], -1);
}

static int k08_processor(const struct world *world)
{
	struct perf_event_attr attr = user_clock();

	(void)world;
	attr.config = PERF_COUNT_SW_CPU_CLOCK;
	return perf(&attr, -1, 0);
}

static int k08_kernel(const struct world *world)
{
	struct perf_event_attr attr = user_clock();

	(void)world;
	attr.exclude_kernel = 0;
	return perf(&attr, 0, -1);
}

/* A probe in a program of outside's, to begin with. */
static int k08_probe(const struct world *world)
{
	const char *program = in(world->out, "x");
	struct perf_event_attr attr = {.config1 = (uintptr_t)program, .config2 = 0x1000};
	FILE *type = fopen("/sys/bus/event_source/devices/uprobe/type", "re");

	if (!type || fscanf(type, "%u", &attr.type) != 1)
		return why_not("no probes in programs here");
	fclose(type);
	return perf(&attr, 0, -1);
}

static int mount_pseudo(struct world *world)
{
	(void)world;
	return as_root("mountpoint -q /sys/kernel/debug || "
		       "mount -t debugfs debugfs /sys/kernel/debug; "
		       "mountpoint -q /sys/kernel/tracing || "
		       "mount -t tracefs tracefs /sys/kernel/tracing; "
		       "modprobe configfs; mountpoint -q /sys/kernel/config || "
		       "mount -t configfs configfs /sys/kernel/config");
}

static int open_to_write(const char *path)
{
	return result(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
}

static int open_tracefs(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/kernel/tracing/uprobe_events");
}

static int open_debugfs(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/kernel/debug/clear_warn_once");
}

static int open_securityfs(const struct world *world)
{
	(void)world;
	return open_to_write("/sys/kernel/security/apparmor/.remove");
}

static int k09_write(const struct world *world)
{
	static const struct variant variants[] = {{"tracefs", open_tracefs},
						  {"debugfs", open_debugfs},
						  {"securityfs", open_securityfs}};

	return each(world, variants, LEN(variants));
}

static int k09_bpffs(const struct world *world)
{
	(void)world;
	return result(mkdir("/sys/fs/bpf/agent-lock-adversary", 0700))
		       ?: result(rmdir("/sys/fs/bpf/agent-lock-adversary"));
}

static int k09_configfs(const struct world *world)
{
	(void)world;
	return result(open("/sys/kernel/config", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/*
 * Arguments that are looked at after the permission was: with it they are found wrong, and nothing
 * happens.
 */
static int but(int no, int wrong)
{
	return no == wrong ? 0 : no;
}

static int init_module(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_init_module, NULL, 0, "")), ENOEXEC);
}

static int finit_module(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_finit_module, -1, "", 0)), EBADF);
}

static int delete_module(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_delete_module, "agent-lock-none", O_NONBLOCK)), ENOENT);
}

static int kexec_load(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_kexec_load, 0, 0, NULL, 0x1000)), EINVAL);
}

static int kexec_file_load(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0x1000)), EINVAL);
}

/* Without its magic numbers. */
static int restart(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_reboot, 0, 0, 0, NULL)), EINVAL);
}

#ifdef __x86_64__
static int all_ports(const struct world *world)
{
	(void)world;
	return result(iopl(3));
}

static int one_port(const struct world *world)
{
	(void)world;
	return result(ioperm(0x80, 1, 1));
}
#endif

static int k10_machine(const struct world *world)
{
	static const struct variant variants[] = {
		{"init_module", init_module},
		{"finit_module", finit_module},
		{"delete_module", delete_module},
		{"kexec_load", kexec_load},
		{"kexec_file_load", kexec_file_load},
		{"reboot", restart},
#ifdef __x86_64__
		{"iopl", all_ports},
		{"ioperm", one_port},
#endif
	};

	return each(world, variants, LEN(variants));
}

/* A time zone a week from Greenwich. */
static int set_time(const struct world *world)
{
	struct timezone zone = {.tz_minuteswest = 7 * 24 * 60};

	(void)world;
	return but(result(syscall(SYS_settimeofday, NULL, &zone)), EINVAL);
}

static int adjust_time(const struct world *world)
{
	struct timex wrong = {.modes = ADJ_TICK, .tick = 1};

	(void)world;
	return but(adjtimex(&wrong) < 0 ? errno : 0, EINVAL);
}

static int set_host_name(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_sethostname, "x", -1)), EINVAL);
}

static int set_domain_name(const struct world *world)
{
	(void)world;
	return but(result(syscall(SYS_setdomainname, "x", -1)), EINVAL);
}

static int account(const struct world *world)
{
	(void)world;
	return but(result(acct("/nonexistent/agent-lock")), ENOENT);
}

static int hang_up(const struct world *world)
{
	(void)world;
	return result(vhangup());
}

static int swap_on(const struct world *world)
{
	(void)world;
	return but(result(swapon("/nonexistent/agent-lock", 0)), ENOENT);
}

static int swap_off(const struct world *world)
{
	(void)world;
	return but(result(swapoff("/nonexistent/agent-lock")), ENOENT);
}

static int k11_system(const struct world *world)
{
	static const struct variant variants[] = {
		{"settimeofday", set_time},
		{"adjtimex", adjust_time},
		{"sethostname", set_host_name},
		{"setdomainname", set_domain_name},
		{"acct", account},
		{"vhangup", hang_up},
		{"swapon", swap_on},
		{"swapoff", swap_off},
	};

	return each(world, variants, LEN(variants));
}

static int open_log(struct world *world)
{
	(void)world;
	return set_knob("/proc/sys/kernel/dmesg_restrict", "0");
}

/* 10: the size of the kernel's log; asked like its reading. */
static int k11_log(const struct world *world)
{
	char text[64];

	(void)world;
	if (syscall(SYS_syslog, 10, NULL, 0) < 0)
		return errno;
	return result(syscall(SYS_syslog, 3, text, sizeof(text)));
}

static int k11_quota(const struct world *world)
{
	(void)world;
	return result(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL));
}

static int k12_own_faults(const struct world *world)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE);

	(void)world;
	return fd < 0 ? errno : result(ioctl(fd, UFFDIO_API, &api));
}

static int k13_crypto(const struct world *world)
{
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	(void)world;
	return fd < 0 ? errno : result(close(fd));
}

static int k15_permission(const struct world *world)
{
	(void)world;
	return result(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY));
}

/* Without a signature it is no swap file; but so much is found out by who may. */
static int k16_swap(const struct world *world)
{
	char path[700];

	snprintf(path, sizeof(path), "%s", in(world->project, "swap"));
	if (make_file(path, "no swap") || truncate(path, 1 << 20))
		return errno;
	return but(result(swapon(path, 0)), EINVAL);
}

static const struct escape escapes[] = {
	{"K04", "a core dump that a program outside takes", GUEST_ONLY, .prepare = core_to_program,
	 .attempt = k04_crash, .reached = marked, .cleanup = knobs_back,
	 .reason = "at the limit that is set the kernel gives up before it starts the program"},
	{"K04", "a core dump to a socket outside", GUEST_ONLY, .prepare = core_to_socket,
	 .attempt = k04_crash, .reached = marked, .cleanup = knobs_back, .reason = "likewise"},
	{"K05", "a module for a protocol", GUEST_ONLY, .prepare = own_modprobe,
	 .attempt = k05_protocol, .reached = marked, .cleanup = knobs_back,
	 .logged = "module socket"},
	{"K05", "a module for a program's format", GUEST_ONLY, .prepare = own_modprobe,
	 .attempt = k05_format, .reached = marked, .cleanup = knobs_back,
	 .logged = "module socket"},
	{"K06", "have a program outside make a key", GUEST_ONLY, .prepare = own_request_key,
	 .attempt = k06_upcall, .reached = marked, .cleanup = no_request_key, .logged = "key"},
	{"K06", "give the parent outside another session keyring", 0, .prepare = note_keyring,
	 .attempt = k06_parent, .reached = k06_changed, .logged = "key"},
	{"K07", "bpf(2)", 0, .attempt = k07_map, .logged = "bpf"},
	{"K07", "list programs and links, make maps, load programs", ROOT_ONLY,
	 .attempt = k07_objects, .logged = "bpf"},
	{"K08", "profile another process", GUEST_ONLY, .prepare = lax_perf, .attempt = k08_other,
	 .cleanup = knobs_back, .logged = "trace"},
	{"K08", "profile a processor", GUEST_ONLY, .prepare = lax_perf, .attempt = k08_processor,
	 .cleanup = knobs_back, .logged = "perf"},
	{"K08", "profile the kernel", GUEST_ONLY, .prepare = lax_perf, .attempt = k08_kernel,
	 .cleanup = knobs_back, .logged = "perf"},
	{"K08", "a probe in a program outside", ROOT_ONLY, .attempt = k08_probe,
	 .logged = "capability perf"},
	{"K08", "profile itself", GUEST_ONLY | MUST_WORK, .prepare = lax_perf, .attempt = k08_self,
	 .cleanup = knobs_back},
	{"K09", "write to tracefs, debugfs, securityfs", GUEST_ONLY | ROOT_ONLY,
	 .prepare = mount_pseudo, .attempt = k09_write, .logged = "write"},
	{"K09", "make a directory in bpffs", ROOT_ONLY, .attempt = k09_bpffs, .logged = "mkdir"},
	{"K09", "list configfs", GUEST_ONLY | ROOT_ONLY, .prepare = mount_pseudo,
	 .attempt = k09_configfs, .logged = "list"},
	{"K10", "modules, kexec, reboot, ports", ROOT_ONLY, .attempt = k10_machine,
	 .logged = "capability"},
	{"K11", "clock, names, accounting, swap", ROOT_ONLY, .attempt = k11_system,
	 .logged = "capability"},
	{"K11", "the kernel's log", GUEST_ONLY, .prepare = open_log, .attempt = k11_log,
	 .cleanup = knobs_back, .logged = "system"},
	{"K11", "quotactl(2)", 0, .attempt = k11_quota, .logged = "system"},
	{"K12", "handle its own page faults", MUST_WORK, .attempt = k12_own_faults},
	/* Outside it loads a module. */
	{"K13", "the kernel's cryptography, a way to bugs", GUEST_ONLY, .attempt = k13_crypto,
	 .logged = "socket"},
	{"K15", "fanotify that others wait for", ROOT_ONLY, .attempt = k15_permission,
	 .logged = "capability"},
	{"K16", "swap to a file of the project's", ROOT_ONLY, .attempt = k16_swap,
	 .logged = "capability"},
	{"K18", "kernel servers that export the project", 0,
	 .reason = "what somebody outside exports is read by the kernel, not by the session"},
};

const struct family kernel = {escapes, LEN(escapes)};
