/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * soak.c - soak KILLS SEED AGENT-LOCK AGENT-LOCKD SOAKER: kills the daemon at random moments and
 * starts another, while testers of two users make sessions, use, freeze, ask about and destroy them,
 * and compare what is said of each with what they did themselves. Each has a directory
 * /home/USER/soak-N, /home/USER/secret must be there, and SOAKER lie in a directory of its own.
 *
 * A line "fault: ..." for all that should not be, at the end one with numbers; the last daemon is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

#define TESTERS 2
#define OUTPUT 8192
#define PATIENCE 120 /* seconds; a guest is slow, and for a while there may be no daemon */
#define SOCKET "/run/agent-lock/socket"

/* What all testers add to. */
struct sums {
	_Atomic bool over;
	_Atomic uint64_t rounds, refused, breaches, faults;
	_Atomic uint64_t away; /* commands that found no daemon and said so */
	_Atomic uint64_t lost; /* commands whose daemon died meanwhile */
	_Atomic uint64_t torn; /* sessions destroyed in the middle of their work */
};

struct tester {
	struct sums *sums;
	struct tally *tally;
	const char *agent_lock, *soaker;
	char *bin; /* the directory of the soaker */
	char user[8], directory[64], name[64], said[OUTPUT];
	uint64_t random;
	pid_t worker;
	int number, round;
};

/* How a command ended. */
enum end {
	END_DONE,
	END_AWAY, /* no daemon: nothing was done, and it said how to get one */
	END_LOST, /* the daemon died: it may be done or not */
	END_OTHER,
};

static uint64_t some(uint64_t *random, uint64_t below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random % below;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3))) static void fault(struct tester *tester, const char *fmt, ...)
{
	char text[OUTPUT + 512];
	va_list ap;

	atomic_fetch_add(&tester->sums->faults, 1);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	printf("fault: %s: %s\n", tester->name, text);
}

/* Runs a command with its output in a file that nobody has to read meanwhile. */
static pid_t start(char *const *argv, int *out_said)
{
	int said = memfd_create("said", MFD_CLOEXEC);
	pid_t child = fork();

	if (child == 0) {
		dup2(said, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	*out_said = said;
	return child;
}

/* False: it goes on after all that time, and is killed. */
static bool await(pid_t child, int *out_status)
{
	uint64_t end = now_ms() + PATIENCE * 1000;

	while (waitpid(child, out_status, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(child, SIGKILL);
			waitpid(child, out_status, 0);
			return false;
		}
		usleep(20000);
	}
	return true;
}

static enum end judge(struct tester *tester, int said, int status)
{
	ssize_t len = pread(said, tester->said, OUTPUT - 1, 0);

	close(said);
	tester->said[len > 0 ? len : 0] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return END_DONE;
	if (strstr(tester->said, "cannot reach agent-lockd") &&
	    strstr(tester->said, "hint: as root")) {
		atomic_fetch_add(&tester->sums->away, 1);
		return END_AWAY;
	}
	if (strstr(tester->said, "agent-lockd hung up") ||
	    strstr(tester->said, "cannot talk to agent-lockd")) {
		atomic_fetch_add(&tester->sums->lost, 1);
		return END_LOST;
	}
	return END_OTHER;
}

static enum end run(struct tester *tester, char *const *argv)
{
	int said, status;
	pid_t child = start(argv, &said);

	if (!await(child, &status))
		fault(tester, "%s does not end", argv[1]);
	return judge(tester, said, status);
}

/*
 * Until it is done. Done may have been what died before it was said: then the next one says
 * `already`, and only then it may.
 */
static bool insist(struct tester *tester, const char *already, char *const *argv)
{
	uint64_t until = now_ms() + PATIENCE * 1000;
	bool lost = false;

	while (now_ms() < until) {
		switch (run(tester, argv)) {
		case END_DONE:
			return true;
		case END_OTHER:
			if (lost && already && strstr(tester->said, already))
				return true;
			fault(tester, "%s: %s", argv[1], tester->said);
			return false;
		case END_LOST:
			lost = true;
			break;
		case END_AWAY:
			break;
		}
		usleep(20000);
	}
	fault(tester, "%s: no daemon for so long", argv[1]);
	return false;
}

#define COMMAND(tester, ...) \
	((char *const[]){(char *)(uintptr_t)(tester)->agent_lock, __VA_ARGS__, NULL})

static bool make(struct tester *tester)
{
	return insist(tester, "is taken",
		      COMMAND(tester, "new", "--name", tester->name, "--ro", tester->bin,
			      tester->directory));
}

/* Has the soaker run in the session. It is the command itself: there is no parent between. */
static bool enter(struct tester *tester)
{
	char tally[128], own[64];
	uint64_t until = now_ms() + PATIENCE * 1000;

	snprintf(tally, sizeof(tally), "%s/tally", tester->directory);
	snprintf(own, sizeof(own), "/home/%s/secret", tester->user);
	while (now_ms() < until) {
		int said, status;
		enum end end;

		tester->worker = start(COMMAND(tester, "exec", tester->name, "--",
					       (char *)(uintptr_t)tester->soaker, tally, own,
					       "/home/dev/secret", "/home/eve/secret", "/home"),
				       &said);
		while (!tester->tally->ready && waitpid(tester->worker, &status, WNOHANG) == 0)
			usleep(20000);
		if (tester->tally->ready) {
			close(said);
			return true;
		}
		end = judge(tester, said, status);
		if (end == END_OTHER || end == END_DONE) {
			fault(tester, "exec: status %d: %s", status, tester->said);
			return false;
		}
		usleep(20000);
	}
	fault(tester, "exec: no daemon for so long");
	return false;
}

static void order(struct tester *tester, uint64_t what)
{
	tester->tally->order = what;
	tester->tally->asked++;
}

/* False: the soaker ended, or does nothing. */
static bool answered(struct tester *tester)
{
	uint64_t until = now_ms() + PATIENCE * 1000;

	while (tester->tally->asked != tester->tally->answered) {
		if (now_ms() > until) {
			fault(tester, "the soaker stands still");
			return false;
		}
		usleep(10000);
	}
	return true;
}

static void check_report(struct tester *tester)
{
	const char *key = "\"refused\":", *at;
	uint64_t did = tester->tally->refused;

	if (!insist(tester, NULL, COMMAND(tester, "report", "--json", tester->name)))
		return;
	at = strstr(tester->said, key);
	if (!at || strtoull(at + strlen(key), NULL, 10) != did)
		fault(tester, "report says otherwise than %" PRIu64 ": %.300s", did, tester->said);
}

/* Frozen it does nothing, thawed it ends what it was at. */
static void freeze(struct tester *tester)
{
	uint64_t before;

	if (!insist(tester, NULL, COMMAND(tester, "freeze", tester->name)))
		return;
	before = tester->tally->begun;
	usleep(50000);
	if (tester->tally->begun != before)
		fault(tester, "frozen, and opens files");
	(void)insist(tester, NULL, COMMAND(tester, "thaw", tester->name));
}

static void use(struct tester *tester)
{
	for (uint64_t n = 1 + some(&tester->random, 4); n; n--) {
		order(tester, 1 + some(&tester->random, 200));
		if (some(&tester->random, 3) == 0)
			freeze(tester);
		if (!answered(tester))
			return;
		if (some(&tester->random, 2) == 0)
			check_report(tester);
	}
}

/* What the lines of a log stand for: refusals, and lines that say how many are missing. */
static uint64_t weight(const char *path)
{
	FILE *log = fopen(path, "re");
	char *line = NULL;
	uint64_t sum = 0;
	size_t size = 0;

	while (log && getline(&line, &size, log) > 0) {
		const char *repeat = strstr(line, " repeat="), *count = strstr(line, " count=");

		if (strstr(line, "Z refused "))
			sum += repeat ? strtoull(repeat + 8, NULL, 10) : 1;
		else if (strstr(line, "Z lost ") && count)
			sum += strtoull(count + 7, NULL, 10);
	}
	free(line);
	if (log)
		fclose(log);
	return sum;
}

/* said: what the summary counts, or UINT64_MAX when the daemon died before it could say. */
static void check_end(struct tester *tester, uint64_t said)
{
	uint64_t begun = tester->tally->begun, refused = tester->tally->refused, logged;
	char path[128];

	snprintf(path, sizeof(path), "/var/log/agent-lock/%s.log", tester->name);
	logged = weight(path);
	if (logged < refused || logged > begun)
		fault(tester, "the log adds up to %" PRIu64 ", not %" PRIu64 " to %" PRIu64, logged,
		      refused, begun);
	if (said != UINT64_MAX && said != logged)
		fault(tester, "the log adds up to %" PRIu64 ", the summary says %" PRIu64, logged,
		      said);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/agent-lock/session-%s", tester->name);
	if (access(path, F_OK) == 0)
		fault(tester, "destroyed, and its cgroup is there");
	atomic_fetch_add(&tester->sums->refused, refused);
	atomic_fetch_add(&tester->sums->breaches, tester->tally->breaches);
	if (tester->tally->broken)
		fault(tester, "%" PRIu64 " opens inside failed", tester->tally->broken);
}

static void destroy(struct tester *tester)
{
	const char *end = " escape attempt";
	uint64_t said = UINT64_MAX;
	char *at;
	int status;

	if (!insist(tester, "cannot find session", COMMAND(tester, "destroy", tester->name)))
		return;
	at = strstr(tester->said, end);
	if (at) {
		while (at > tester->said && at[-1] >= '0' && at[-1] <= '9')
			at--;
		said = strtoull(at, NULL, 10);
	}
	if (!await(tester->worker, &status))
		fault(tester, "destroyed, and its process runs");
	check_end(tester, said);
}

/* How a session's work ends: by itself, by its session's end, or by that in the middle of it. */
static void end(struct tester *tester)
{
	switch (some(&tester->random, 3)) {
	case 0:
		order(tester, SOAK_QUIT);
		break;
	case 1:
		atomic_fetch_add(&tester->sums->torn, 1);
		order(tester, 1000000);
		break;
	}
	destroy(tester);
}

/* Outside the same opens work: else that they do not inside proves nothing. */
static void control(struct tester *tester)
{
	static const char *const paths[] = {"/home/dev/secret", "/home/eve/secret", "/home"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			fault(tester, "control: %s: %s", paths[i], strerror(errno));
		close(fd);
	}
}

static void become(struct tester *tester, uid_t uid)
{
	char home[32];

	snprintf(home, sizeof(home), "/home/%s", tester->user);
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid) || chdir(home) ||
	    setenv("HOME", home, 1) || setenv("USER", tester->user, 1)) {
		perror("become");
		_exit(1);
	}
}

static void prepare(struct tester *tester)
{
	int fd;

	snprintf(tester->user, sizeof(tester->user), "%s", tester->number % 2 ? "eve" : "dev");
	become(tester, tester->number % 2 ? 1001 : 1000);
	snprintf(tester->directory, sizeof(tester->directory), "/home/%s/soak-%d", tester->user,
		 tester->number);
	mkdir(tester->directory, 0755);
	if (chdir(tester->directory))
		perror(tester->directory);
	fd = open("tally", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, sizeof(*tester->tally)))
		perror("tally");
	tester->tally =
		mmap(NULL, sizeof(*tester->tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static _Noreturn void test(struct tester *tester)
{
	prepare(tester);
	while (!tester->sums->over) {
		memset(tester->tally, 0, sizeof(*tester->tally));
		snprintf(tester->name, sizeof(tester->name), "soak-%d-%d", tester->number,
			 ++tester->round);
		control(tester);
		if (!make(tester))
			continue;
		if (enter(tester)) {
			use(tester);
			end(tester);
			atomic_fetch_add(&tester->sums->rounds, 1);
		}
		fflush(stdout);
	}
	exit(0);
}

static pid_t start_daemon(const char *program)
{
	pid_t child = fork();

	if (child == 0) {
		int log = open("daemon.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		/* Not our stdout: the last daemon would keep whoever reads that waiting. */
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	return child;
}

static bool serves(pid_t daemon)
{
	uint64_t until = now_ms() + PATIENCE * 1000;
	struct stat st;

	while (stat(SOCKET, &st)) {
		if (waitpid(daemon, NULL, WNOHANG) || now_ms() > until)
			return false;
		usleep(10000);
	}
	return true;
}

/* One life of the daemon; a fourth of them end before it serves anybody. False: it ended by itself. */
static bool live(const char *program, uint64_t *random, uint64_t *took)
{
	uint64_t begun = now_ms();
	pid_t daemon;
	int status;

	unlink(SOCKET);
	daemon = start_daemon(program);
	if (some(random, 4) == 0 && *took) {
		usleep((useconds_t)(some(random, *took) * 1000));
	} else {
		if (!serves(daemon))
			return false;
		*took = now_ms() - begun;
		usleep((useconds_t)(some(random, 2 * *took) * 1000));
	}
	if (waitpid(daemon, &status, WNOHANG))
		return false;
	kill(daemon, SIGKILL);
	waitpid(daemon, &status, 0);
	return true;
}

static struct sums *start_testers(uint64_t seed, char **argv)
{
	struct sums *sums = mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < TESTERS; i++) {
		static struct tester tester;

		tester = (struct tester){.sums = sums,
					 .number = i,
					 .random = seed * 31 + (uint64_t)i + 1,
					 .agent_lock = argv[3],
					 .soaker = argv[5],
					 .bin = dirname(strdup(argv[5]))};
		if (fork() == 0)
			test(&tester);
	}
	return sums;
}

static void tell(const struct sums *sums, unsigned long killed, uint64_t took)
{
	printf("killed=%lu rounds=%lu refused=%lu breaches=%lu faults=%lu away=%lu lost=%lu "
	       "torn=%lu took=%lu\n",
	       killed, sums->rounds, sums->refused, sums->breaches, sums->faults, sums->away,
	       sums->lost, sums->torn, took);
}

int main(int argc, char **argv)
{
	unsigned long kills = argc == 6 ? strtoul(argv[1], NULL, 10) : 0, killed = 0;
	uint64_t random = argc == 6 ? strtoull(argv[2], NULL, 10) * 2 + 1 : 0, took = 0;
	struct sums *sums;
	pid_t daemon;

	if (!kills) {
		fputs("usage: soak KILLS SEED AGENT-LOCK AGENT-LOCKD SOAKER\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sums = start_testers(random, argv);
	while (killed < kills && live(argv[4], &random, &took))
		if (++killed % 5 == 0)
			tell(sums, killed, took);
	sums->over = true;
	unlink(SOCKET);
	daemon = start_daemon(argv[4]);
	for (int i = 0; i < TESTERS; i++) {
		pid_t child = wait(NULL);

		if (child == daemon) {
			puts("fault: the last daemon ended");
			break;
		}
	}
	tell(sums, killed, took);
	return 0;
}
