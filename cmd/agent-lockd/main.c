/* SPDX-License-Identifier: GPL-2.0-only */
/* main.c - agent-lockd: options, the order of start and stop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "daemon.h"
#include "proto.h"
#include "store.h"
#include "util.h"

#define SERVING "enforcing, and serving at " PROTO_SOCKET

/* What the unit does not start it again after: it would say the same. */
enum exit_status {
	EXIT_USAGE = 2,
	EXIT_HOPELESS = 3,
};

/* They are set where signals come in, in control_run(), and nowhere else. */
static volatile sig_atomic_t wake, stop;

static void on_signal(int signal)
{
	wake = 1;
	if (signal != SIGHUP)
		stop = 1;
}

static void usage(FILE *out)
{
	fputs("usage: agent-lockd [--verified]\n"
	      "\n"
	      "The daemon of agent-lock: makes sessions for everybody who asks at " PROTO_SOCKET
	      ".\n"
	      "Runs as root, in the foreground. When it stops, sessions that are there stay "
	      "jailed.\n"
	      "SIGHUP: reads the base configuration again.\n"
	      "\n"
	      "  --verified   load the BPF programs, print how many instructions the kernel "
	      "verified of each, end\n"
	      "  --help\n",
	      out);
}

/* Directories that others may enter and only root may write. */
static int make_directories(struct fail *f)
{
	static const char *const dirs[] = {PROTO_RUN_DIR, PROTO_LOG_DIR};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct stat st;

		if (mkdir(dirs[i], 0755) && errno != EEXIST)
			return fail(f, errno, "cannot make %s", dirs[i]);
		if (lstat(dirs[i], &st) || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
		    (st.st_mode & 022))
			return fail(f, 0, "%s is not a directory that only root can write",
				    dirs[i]);
	}
	return 0;
}

/* One daemon at a time. The lock goes with the process, however it ends. */
static int lock(struct fail *f)
{
	int fd = open(PROTO_RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		if (fd >= 0 && errno == EWOULDBLOCK) {
			close(fd);
			return fail(f, 0, "another agent-lockd is running");
		}
		return fail(f, errno, "cannot lock %s/lock", PROTO_RUN_DIR);
	}
	return fd;
}

static void note_restored(const char *name, const char *what)
{
	say(LOG_NOTICE, "session '%s': %s", Q(name), what);
}

/*
 * What the base configuration says to the daemon; one with an error starts none, as it makes no
 * session. None at all is fine. Its rules are for the commands to read.
 */
static int configure(struct settings *settings, struct fail *f)
{
	struct conf_context context = {
		.home = "/", .project = "/", .system = true, .settings = settings};
	struct policy policy;
	struct fail why;
	int ret;

	settings_init(settings);
	policy_init(&policy);
	ret = conf_read_base(&context, &policy, &why);
	policy_done(&policy);
	if (ret == 0 || why.no == ENOENT)
		return 0;
	*f = why;
	return -1;
}

/* Sessions and clients notice nothing; after an error all stays as it was. */
static void reload(struct daemon *daemon)
{
	struct settings settings;
	struct timespec now;
	struct fail f = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	manager_tell("RELOADING=1\nMONOTONIC_USEC=%lld",
		     (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	if (configure(&settings, &f)) {
		say_fail(LOG_ERR, &f);
		say(LOG_ERR, "the settings stay as they were");
		manager_status(f.msg);
	} else {
		daemon->settings = settings;
		say(LOG_NOTICE, "configuration read again");
		manager_status(SERVING);
	}
	manager_tell("READY=1");
}

static int restore(struct daemon *daemon, struct fail *f)
{
	struct store *store;
	int ret;

	if (store_open(daemon->inherited, daemon->inherited_len, &store, f))
		return -1;
	ret = sessions_restore(daemon->sessions, store, note_restored, f);
	store_close(store);
	return ret;
}

static int start(struct daemon *daemon, struct fail *f)
{
	if (cg_open(&daemon->cg, f) ||
	    lsm_open(cg_session_level(), cg_directory(daemon->cg), &daemon->lsm, f) ||
	    sessions_open(daemon->lsm, daemon->cg, &daemon->settings.log, &daemon->settings.users,
			  &daemon->sessions, f))
		return -1;
	if (restore(daemon, f))
		return -1;
	lsm_attend(daemon->lsm, sessions_complete(daemon->sessions));
	if (trial(daemon, f) || feed_start(daemon, f) || alarms_open(daemon, f) ||
	    ending_open(daemon, f) || control_open(daemon, f))
		return -1;
	return 0;
}

/* Every object of every policy is a descriptor here. */
/*
 * Each object of each session is a descriptor: as many as the kernel lets one process have at all
 * (fs.nr_open, proc_sys_fs(5)). With fewer, requests fail sooner, each with its reason.
 */
static void raise_limits(void)
{
	struct rlimit limit;
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long most = 0;

	if (file && fscanf(file, "%lu", &most) == 1)
		(void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, most});
	if (file)
		fclose(file);
	/* Without CAP_SYS_RESOURCE what we were given must do. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

#define STACK (512 << 10)

/*
 * More than any request needs, ours from the beginning: memory that is missing when the stack grows
 * is no failure that could be answered, but the end.
 */
static void take_stack(void)
{
	volatile char room[STACK];

	for (size_t i = 0; i < sizeof(room); i += 1024)
		room[i] = 0;
}

static void take_signals(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static int run(struct daemon *daemon, struct fail *f)
{
	int ret = 0;

	say(LOG_INFO, "ready");
	manager_status(SERVING);
	manager_tell("READY=1");
	while (!stop && ret == 0) {
		wake = 0;
		ret = control_run(daemon, &wake, f);
		if (wake && !stop)
			reload(daemon);
	}
	manager_tell("STOPPING=1");
	return ret;
}

static int serve_locked(struct daemon *daemon, struct fail *f)
{
	bool started;
	int ret;

	raise_limits();
	take_signals();
	ret = start(daemon, f);
	started = ret == 0;
	if (started)
		ret = run(daemon, f);
	if (started)
		feed_stop(daemon);
	control_close(daemon->control);
	alarms_close(daemon->alarms);
	if (daemon->endings >= 0)
		close(daemon->endings);
	/*
	 * With no session left nothing needs to be enforced, and nothing is left behind. Not when
	 * we don't know.
	 */
	if (started && lsm_idle(daemon->lsm))
		(void)lsm_unpin_all(NULL);
	sessions_close(daemon->sessions);
	lsm_close(daemon->lsm);
	cg_close(daemon->cg);
	return ret;
}

static int serve(int *out_status, struct fail *f)
{
	struct daemon daemon = {.endings = -1};
	cleanup_fd int locked = -1;
	struct fail why;
	int ret = -1;

	if (geteuid() != 0) {
		fail(f, 0, "agent-lockd must run as root: it loads BPF programs and makes cgroups");
		return fail_hint(f, "sudo agent-lockd");
	}
	umask(022);
	take_stack();
	if (lsm_active(f) || configure(&daemon.settings, f)) {
		*out_status = EXIT_HOPELESS;
		return -1;
	}
	if (make_directories(f) || manager_fds(&daemon.inherited, &daemon.inherited_len, f))
		return -1;
	locked = lock(f);
	if (locked >= 0)
		ret = serve_locked(&daemon, f);
	if (ret && lsm_supported(&why)) /* that was what failed */
		*out_status = EXIT_HOPELESS;
	manager_fds_free(daemon.inherited, daemon.inherited_len);
	return ret;
}

static int print_verified(struct fail *f)
{
	return lsm_verify(cg_session_level(), stdout, f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"verified", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int status = 1;
	struct fail f = {0};
	bool verified = false;
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		}
		if (option != 'v') {
			usage(stderr);
			return EXIT_USAGE;
		}
		verified = true;
	}
	if (optind != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* whoever started it may have limits: a log stops then */
	if ((verified ? print_verified(&f) : serve(&status, &f)) == 0)
		return 0;
	say_fail(LOG_ERR, &f);
	manager_status(f.msg);
	return status;
}
