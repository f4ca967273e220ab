/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * life.c - what programs do all day with the kernel's own means and no other test does: life NAME
 * performs one such thing between processes of its own and says what came of it. The same words
 * are to be said inside a session as outside.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Go on if it worked; else say what did not, and be done. */
#define TRY(what) tried((long)(what), #what)

static long tried(long value, const char *what)
{
	if (value == -1)
		err(1, "%s", what);
	return value;
}

static pid_t child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = TRY(fork());
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	TRY(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Does nothing until it is killed. */
static pid_t sleeper(void)
{
	pid_t pid = child();

	while (pid == 0)
		pause();
	return pid;
}

static void put_away(pid_t pid)
{
	TRY(kill(pid, SIGKILL));
	printf("killed by %d\n", end_of(pid) - 128);
}

/* Its own, so that two at a time are not in each other's way. */
static const char *own_name(const char *prefix)
{
	static char name[64];

	snprintf(name, sizeof(name), "/%s-%d", prefix, getpid());
	return name;
}

#define RING 16

struct ring {
	int slots[RING];
};

static sem_t *semaphore(const char *name, unsigned int value)
{
	sem_t *sem = sem_open(own_name(name), O_CREAT | O_EXCL, 0600, value);

	if (sem == SEM_FAILED)
		err(1, "sem_open");
	TRY(sem_unlink(own_name(name)));
	return sem;
}

/* A ring in POSIX shared memory, its two semaphores by name. */
static void ring(void)
{
	sem_t *full = semaphore("life-full", 0), *empty = semaphore("life-empty", RING);
	int i, sum = 0, fd = TRY(shm_open(own_name("life-ring"), O_CREAT | O_EXCL | O_RDWR, 0600));
	struct ring *ring;
	pid_t pid;

	TRY(ftruncate(fd, sizeof(*ring)));
	ring = (void *)TRY(mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	pid = child();
	for (i = 0; i < 1000; i++) {
		TRY(sem_wait(pid ? full : empty));
		if (pid)
			sum += ring->slots[i % RING];
		else
			ring->slots[i % RING] = i;
		TRY(sem_post(pid ? empty : full));
	}
	if (pid == 0)
		_exit(0);
	TRY(shm_unlink(own_name("life-ring")));
	printf("sum %d, end %d\n", sum, end_of(pid));
}

struct letter {
	long type;
	char text[16];
};

/* The child finds them by key, as another program would; SEM_UNDO when it ends. */
static int sysv_child(key_t key)
{
	int shm = TRY(shmget(key, 4096, 0600)), sem = TRY(semget(key, 1, 0600));
	struct sembuf up = {.sem_op = 1};
	struct letter letter = {7, "a letter"};
	char *memory = (char *)TRY(shmat(shm, NULL, 0));

	strcpy(memory, "from the child");
	TRY(semop(sem, &up, 1));
	TRY(msgsnd(TRY(msgget(key, 0600)), &letter, sizeof(letter.text), 0));
	return 0;
}

static void sysv(void)
{
	key_t key = 0x11fe0000 ^ getpid();
	int flags = IPC_CREAT | IPC_EXCL | 0600, shm = TRY(shmget(key, 4096, flags));
	int sem = TRY(semget(key, 1, flags)), msg = TRY(msgget(key, flags));
	struct sembuf down = {.sem_op = -1};
	struct letter letter;
	struct shmid_ds about;
	char *memory = (char *)TRY(shmat(shm, NULL, 0));
	pid_t pid = child();

	if (pid == 0)
		_exit(sysv_child(key));
	TRY(semop(sem, &down, 1));
	TRY(msgrcv(msg, &letter, sizeof(letter.text), 7, 0));
	printf("'%s', '%s', end %d\n", memory, letter.text, end_of(pid));
	TRY(shmctl(shm, IPC_STAT, &about));
	printf("%zu bytes, mode %o\n", about.shm_segsz, about.shm_perm.mode & 0777);
	TRY(shmctl(shm, IPC_RMID, NULL));
	TRY(semctl(sem, 0, IPC_RMID));
	TRY(msgctl(msg, IPC_RMID, NULL));
}

static volatile sig_atomic_t signals;

static void note_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Handled from now on, and blocked but in await_signal(): none is missed. */
static void expect_signal(int sig)
{
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	TRY(sigprocmask(SIG_BLOCK, &set, NULL));
	TRY(sigaction(sig, &action, NULL));
	signals = 0;
}

static void await_signal(const char *what)
{
	struct timespec patience = {.tv_sec = 20};
	sigset_t none;

	sigemptyset(&none);
	if (!signals)
		ppoll(NULL, 0, &patience, &none);
	printf("%s: %s\n", what, signals ? "signalled" : "nothing came");
}

static void queue(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 32};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	mqd_t mq = TRY(mq_open(own_name("life-queue"), O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
	char text[32];
	unsigned int priority;
	const char *name = strdup(own_name("life-queue"));
	pid_t pid;

	expect_signal(SIGUSR1);
	TRY(mq_notify(mq, &event));
	pid = child();
	if (pid == 0) {
		mq = TRY(mq_open(name, O_WRONLY));
		TRY(mq_send(mq, "low", 4, 1));
		TRY(mq_send(mq, "high", 5, 2));
		_exit(0);
	}
	await_signal("a queue");
	printf("end %d\n", end_of(pid));
	while (mq_getattr(mq, &attr) == 0 && attr.mq_curmsgs) {
		TRY(mq_receive(mq, text, sizeof(text), &priority));
		printf("'%s' of priority %u\n", text, priority);
	}
	TRY(mq_unlink(name));
}

static void touch_things(void)
{
	close(TRY(open("watched/file", O_CREAT | O_WRONLY, 0600)));
	TRY(rename("watched/file", "watched/moved"));
	TRY(unlink("watched/moved"));
}

static void inotify(void)
{
	char buffer[4096] __attribute__((aligned(8)));
	int fd = TRY(inotify_init1(IN_NONBLOCK));
	struct inotify_event *event;
	ssize_t len, at;

	TRY(mkdir("watched", 0700));
	TRY(inotify_add_watch(fd, "watched", IN_ALL_EVENTS));
	touch_things();
	len = TRY(read(fd, buffer, sizeof(buffer)));
	for (at = 0; at < len; at += (ssize_t)sizeof(*event) + event->len) {
		event = (void *)(buffer + at);
		printf("%x %s\n", event->mask, event->name);
	}
	TRY(rmdir("watched"));
}

/* As an ordinary user may since 5.13: events with the file's handle in place of a descriptor. */
static void fanotify(void)
{
	char buffer[4096] __attribute__((aligned(8)));
	int fd = TRY(fanotify_init(
		FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_NONBLOCK, 0));
	struct fanotify_event_metadata *event = (void *)buffer;
	ssize_t len;

	TRY(mkdir("watched", 0700));
	TRY(fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE | FAN_DELETE | FAN_ONDIR, AT_FDCWD,
			  "watched"));
	touch_things();
	len = TRY(read(fd, buffer, sizeof(buffer)));
	for (; FAN_EVENT_OK(event, len); event = FAN_EVENT_NEXT(event, len))
		printf("%llx\n", event->mask);
	TRY(rmdir("watched"));
}

static long keyctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

static long key_of(const char *name, long ring)
{
	return TRY(syscall(SYS_add_key, "user", name, name, strlen(name), ring));
}

static void keys(void)
{
	char text[16] = "";
	long key;

	TRY(keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	key = key_of("of session", KEY_SPEC_SESSION_KEYRING);
	key_of("of process", KEY_SPEC_PROCESS_KEYRING);
	key_of("of thread", KEY_SPEC_THREAD_KEYRING);
	TRY(keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)text, sizeof(text), 0));
	printf("%s\n", text);
	printf("found: %d\n", syscall(SYS_request_key, "user", "of session", NULL, 0) == key);
	TRY(keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, 100, 0, 0));
	TRY(keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0));
	if (syscall(SYS_request_key, "user", "of session", NULL, 0) < 0)
		printf("revoked: %s\n", strerror(errno));
}

/* One request at a time: enough to see that it is done. */
struct uring {
	int fd;
	unsigned int *sq_tail, *cq_head, *cq_tail, *sq_flags;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	bool polled;
};

static void uring_setup(struct uring *uring, unsigned int flags)
{
	struct io_uring_params params = {.flags = flags, .sq_thread_idle = 100};
	char *ring;

	uring->fd = TRY(syscall(SYS_io_uring_setup, 1, &params));
	ring = (char *)TRY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				uring->fd, IORING_OFF_SQ_RING));
	uring->sqe = (void *)TRY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				      uring->fd, IORING_OFF_SQES));
	uring->sq_tail = (void *)(ring + params.sq_off.tail);
	uring->sq_flags = (void *)(ring + params.sq_off.flags);
	uring->cq_head = (void *)(ring + params.cq_off.head);
	uring->cq_tail = (void *)(ring + params.cq_off.tail);
	uring->cqe = (void *)(ring + params.cq_off.cqes);
	uring->polled = flags & IORING_SETUP_SQPOLL;
	*(unsigned int *)(ring + params.sq_off.array) = 0;
}

static int uring_do(struct uring *uring, int op, int fd, const void *data, unsigned int len,
		    unsigned int flags)
{
	unsigned int wakeup = uring->polled ? IORING_ENTER_SQ_WAKEUP : 0, head = *uring->cq_head;
	int done;

	memset(uring->sqe, 0, sizeof(*uring->sqe));
	uring->sqe->opcode = (unsigned char)op;
	uring->sqe->flags = uring->polled ? 0 : IOSQE_ASYNC;
	uring->sqe->fd = fd;
	uring->sqe->addr = (uintptr_t)data;
	uring->sqe->len = len;
	uring->sqe->open_flags = flags;
	__atomic_store_n(uring->sq_tail, *uring->sq_tail + 1, __ATOMIC_RELEASE);
	TRY(syscall(SYS_io_uring_enter, uring->fd, 1, 1, IORING_ENTER_GETEVENTS | wakeup, NULL, 0));
	while (__atomic_load_n(uring->cq_tail, __ATOMIC_ACQUIRE) == head)
		sched_yield();
	/* A ring of one submission has two completions. */
	done = uring->cqe[head & 1].res;
	__atomic_store_n(uring->cq_head, head + 1, __ATOMIC_RELEASE);
	return done;
}

static void uring_file(unsigned int flags)
{
	struct uring uring;
	char text[8] = "";
	int fd;

	uring_setup(&uring, flags);
	fd = uring_do(&uring, IORING_OP_OPENAT, AT_FDCWD, "uring", 0600, O_CREAT | O_RDWR);
	printf("open %d", fd < 0 ? fd : 0);
	printf(" write %d", uring_do(&uring, IORING_OP_WRITE, fd, "hello", 5, 0));
	TRY(lseek(fd, 0, SEEK_SET));
	printf(" read %d", uring_do(&uring, IORING_OP_READ, fd, text, 5, 0));
	printf(" '%s' close %d", text, uring_do(&uring, IORING_OP_CLOSE, fd, NULL, 0, 0));
	printf(" unlink %d\n", uring_do(&uring, IORING_OP_UNLINKAT, AT_FDCWD, "uring", 0, 0));
	TRY(close(uring.fd));
}

static void uring(void)
{
	uring_file(0);
	uring_file(IORING_SETUP_SQPOLL);
}

static void timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	struct itimerval alarm = {.it_value.tv_usec = 1000};
	int fd = TRY(timerfd_create(CLOCK_BOOTTIME, 0));
	uint64_t times;
	timer_t timer;

	expect_signal(SIGRTMIN);
	TRY(timer_create(CLOCK_MONOTONIC, &event, &timer));
	TRY(timer_settime(timer, 0, &soon, NULL));
	await_signal("a timer");
	expect_signal(SIGALRM);
	TRY(setitimer(ITIMER_REAL, &alarm, NULL));
	await_signal("an alarm");
	TRY(timerfd_settime(fd, 0, &soon, NULL));
	TRY(read(fd, &times, sizeof(times)));
	printf("timerfd %d\n", (int)times);
}

/* For what the parent writes the kernel signals the child, which asked for it, or the other way. */
static void sigio(void)
{
	int pair[2], go[2];
	pid_t pid;

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	TRY(pipe(go));
	expect_signal(SIGIO);
	pid = child();
	if (pid == 0) {
		TRY(fcntl(pair[1], F_SETOWN, getpid()));
		TRY(fcntl(pair[1], F_SETFL, O_ASYNC));
		TRY(write(go[1], "", 1));
		await_signal("data for the child");
		TRY(fcntl(pair[1], F_SETOWN, getppid()));
		fflush(stdout);
		TRY(write(go[1], "", 1));
		_exit(0);
	}
	TRY(read(go[0], &go[1], 1));
	TRY(write(pair[0], "x", 1));
	TRY(read(go[0], &go[1], 1));
	TRY(write(pair[0], "y", 1));
	await_signal("data for the parent");
	printf("end %d\n", end_of(pid));
}

/* The registers, memory and descriptors of one's own child. */
static void relatives(void)
{
	char mine[8] = "mine", seen[8] = "";
	struct iovec to = {seen, sizeof(seen)}, from = {mine, sizeof(mine)};
	int fd, pidfd, file = TRY(memfd_create("life", 0));
	pid_t pid;

	TRY(write(file, "shared", 6));
	strcpy(mine, "child's");
	pid = sleeper();
	strcpy(mine, "mine");
	TRY(process_vm_readv(pid, &to, 1, &from, 1, 0));
	printf("read '%s'\n", seen);
	pidfd = TRY(syscall(SYS_pidfd_open, pid, 0));
	fd = TRY(syscall(SYS_pidfd_getfd, pidfd, file, 0));
	printf("kcmp %ld\n", TRY(syscall(SYS_kcmp, getpid(), pid, KCMP_FILE, fd, file)));
	memset(seen, 0, sizeof(seen));
	TRY(pread(fd, seen, 6, 0));
	printf("got '%s'\n", seen);
	TRY(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
	printf("killed by %d\n", end_of(pid) - 128);
}

/* A program in a memfd: how runtimes start a helper that is on no disk. */
static void memfd(void)
{
	char *argv[] = {"life", "hello", NULL}, *envp[] = {NULL}, buffer[65536];
	int from = TRY(open("/proc/self/exe", O_RDONLY));
	int fd = TRY(memfd_create("life", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	ssize_t len;
	pid_t pid;

	while ((len = TRY(read(from, buffer, sizeof(buffer)))) > 0)
		TRY(write(fd, buffer, (size_t)len));
	TRY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	pid = child();
	if (pid == 0) {
		TRY(fexecve(fd, argv, envp));
		_exit(1);
	}
	printf("end %d\n", end_of(pid));
}

static void hello(void)
{
	puts("hello");
}

static void limits(void)
{
	struct rlimit files = {100, 100}, was;
	struct sched_param param = {0};
	cpu_set_t cpus;
	pid_t pid = sleeper();

	TRY(setpriority(PRIO_PROCESS, (id_t)pid, 5));
	printf("nice %ld\n", TRY(getpriority(PRIO_PROCESS, (id_t)pid)));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	TRY(sched_setaffinity(pid, sizeof(cpus), &cpus));
	TRY(sched_getaffinity(pid, sizeof(cpus), &cpus));
	printf("cpus %d\n", CPU_COUNT(&cpus));
	TRY(prlimit(pid, RLIMIT_NOFILE, &files, NULL));
	TRY(prlimit(pid, RLIMIT_NOFILE, NULL, &was));
	printf("files %d\n", (int)was.rlim_cur);
	TRY(sched_setscheduler(pid, SCHED_BATCH, &param));
	printf("scheduler %ld\n", TRY(sched_getscheduler(pid)));
	TRY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid,
		    IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)));
	printf("io %lx\n", TRY(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid)));
	printf("session and group: %d %d\n", TRY(getsid(pid)) == getsid(0),
	       TRY(getpgid(pid)) == getpgid(0));
	TRY(setpgid(pid, pid));
	printf("group of its own: %d\n", getpgid(pid) == pid);
	put_away(pid);
}

/* Page faults of one's own, in user mode, as garbage collectors and checkpoints have them. */
static void faults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = TRY(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));

	TRY(ioctl(fd, UFFDIO_API, &api));
	puts("userfaultfd");
}

static void locks(void)
{
	int system = TRY(open("/usr/bin/env", O_RDONLY));
	int own = TRY(open("lock", O_CREAT | O_RDWR, 0600));
	struct flock range = {.l_type = F_WRLCK, .l_len = 10}, shared = {.l_type = F_RDLCK};
	pid_t pid;

	TRY(flock(system, LOCK_SH));
	TRY(fcntl(system, F_SETLK, &shared));
	TRY(flock(own, LOCK_EX));
	TRY(fcntl(own, F_SETLK, &range));
	pid = child();
	if (pid == 0) {
		own = TRY(open("lock", O_RDWR));
		if (flock(own, LOCK_EX | LOCK_NB))
			printf("flock: %s\n", strerror(errno));
		if (fcntl(own, F_SETLK, &range))
			printf("fcntl: %s\n", strerror(errno));
		range.l_start = 20;
		TRY(fcntl(own, F_OFD_SETLK, &range));
		fflush(stdout);
		_exit(0);
	}
	printf("end %d\n", end_of(pid));
	TRY(close(own));
	own = TRY(open("lock", O_RDONLY));
	printf("lease %ld\n", TRY(fcntl(own, F_SETLEASE, F_RDLCK)));
	TRY(unlink("lock"));
}

/* Traced by whoever asks, whatever Yama says; "ready" when it can be. */
static void wait_here(void)
{
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* With a core dump, where one is allowed. */
static void crash(void)
{
	struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_CORE, &core);
	abort();
}

/* A sandbox within: Landlock, as agents have it, allows this directory and nothing else. */
static void landlock(void)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE |
								  LANDLOCK_ACCESS_FS_WRITE_FILE};
	int ruleset = TRY(syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
	struct landlock_path_beneath_attr here = {.allowed_access = attr.handled_access_fs,
						  .parent_fd = TRY(open(".", O_PATH))};

	TRY(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &here, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(syscall(SYS_landlock_restrict_self, ruleset, 0));
	TRY(open("landlock", O_CREAT | O_RDWR, 0600));
	TRY(unlink("landlock"));
	if (open("/usr/bin/env", O_RDONLY) < 0)
		printf("outside of it: %s\n", strerror(errno));
}

static void write_text(const char *path, const char *text)
{
	int fd = TRY(open(path, O_WRONLY));

	TRY(write(fd, text, strlen(text)));
	TRY(close(fd));
}

/* As browsers have it: namespaces of its own, and a root in which nothing can be opened. */
static void browser(void)
{
	char map[32];
	pid_t pid;

	snprintf(map, sizeof(map), "%d %d 1", getuid(), getuid());
	TRY(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET));
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", map);
	pid = child();
	if (pid == 0) {
		TRY(chroot("/proc/self/fdinfo"));
		TRY(chdir("/"));
		printf("process %d", getpid());
		if (open("/usr/bin/env", O_RDONLY) < 0)
			printf(", where a file is: %s", strerror(errno));
		puts("");
		fflush(stdout);
		_exit(3);
	}
	printf("end %d\n", end_of(pid));
}

static const struct {
	const char *name;
	void (*live)(void);
} lives[] = {
	{"ring", ring},		  {"sysv", sysv},	  {"queue", queue},
	{"inotify", inotify},	  {"fanotify", fanotify}, {"keys", keys},
	{"uring", uring},	  {"timers", timers},	  {"sigio", sigio},
	{"relatives", relatives}, {"memfd", memfd},	  {"hello", hello},
	{"limits", limits},	  {"faults", faults},	  {"locks", locks},
	{"wait", wait_here},	  {"crash", crash},	  {"landlock", landlock},
	{"browser", browser},
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 2 && i < sizeof(lives) / sizeof(lives[0]); i++) {
		if (strcmp(lives[i].name, argv[1]) == 0) {
			lives[i].live();
			return 0;
		}
	}
	fputs("usage: life ring|sysv|queue|...\n", stderr);
	return 2;
}
