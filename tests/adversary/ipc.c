/* SPDX-License-Identifier: GPL-2.0-only */
/* ipc.c - I: System V objects, POSIX queues and shared memory of outside's. Keys: keys.c. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

/* number[]: the object, its key, its place in the kernel's table. */
enum { ID, KEY, PLACE };

/* A key that nobody else has: the pid makes it different from other runs'. */
static key_t new_key(void)
{
	return (key_t)(0x41000000 + getpid());
}

/* I01: shared memory. */

/* SHM_STAT and its like ask by place and say the id: look for ours. */
static int shm_place(int id)
{
	struct shmid_ds ds;

	for (int i = 0; i < 65536; i++)
		if (shmctl(i, SHM_STAT, &ds) == id)
			return i;
	return -1;
}

static int shm_prepare(struct world *world)
{
	char *memory;
	int id = shmget(new_key(), 4096, IPC_CREAT | IPC_EXCL | 0600);

	if (id < 0)
		return why_not("shmget: %s", strerror(errno));
	world->number[ID] = id;
	world->number[KEY] = new_key();
	world->number[PLACE] = shm_place(id);
	memory = shmat(id, NULL, 0);
	strcpy(memory, SECRET);
	shmdt(memory);
	return 0;
}

static void shm_cleanup(struct world *world)
{
	shmctl((int)world->number[ID], IPC_RMID, NULL);
}

static bool shm_reached(const struct world *world)
{
	struct shmid_ds ds;
	char *memory = shmat((int)world->number[ID], NULL, SHM_RDONLY);
	bool same = memory != (void *)-1 && strcmp(memory, SECRET) == 0;

	shmdt(memory);
	return !same || shmctl((int)world->number[ID], IPC_STAT, &ds) || ds.shm_perm.mode != 0600;
}

static int shm_read(int id, int flags)
{
	char *memory = shmat(id, NULL, flags);

	if (memory == (void *)-1)
		return errno;
	return strcmp(memory, SECRET) == 0 ? 0 : EBADMSG;
}

static int shm_one(const struct world *world, size_t i)
{
	static const int by_place[] = {SHM_STAT, SHM_STAT_ANY};
	struct shmid_ds ds = {.shm_perm = {.uid = geteuid(), .gid = getegid(), .mode = 0666}};
	int id = (int)world->number[ID], got;

	switch (i) {
	case 0:
		return shm_read(id, 0);
	case 1:
		return shm_read(id, SHM_RDONLY);
	case 2:
		got = shmget((key_t)world->number[KEY], 0, 0600);
		return got < 0 ? errno : shm_read(got, 0);
	case 3:
		return result(shmctl(id, IPC_STAT, &ds));
	case 4:
	case 5:
		return result(shmctl((int)world->number[PLACE], by_place[i - 4], &ds));
	case 6:
		return result(shmctl(id, SHM_LOCK, NULL));
	case 7:
		return result(shmctl(id, IPC_SET, &ds));
	default:
		return result(shmctl(id, IPC_RMID, NULL));
	}
}

static int shm_attempt(const struct world *world)
{
	return each_of(world, 9, shm_one);
}

/* I01: message queues. */

struct message {
	long type;
	char text[64];
};

static int msg_prepare(struct world *world)
{
	struct message message = {1, SECRET};
	struct msqid_ds ds;
	int id = msgget(new_key(), IPC_CREAT | IPC_EXCL | 0600);

	if (id < 0 || msgsnd(id, &message, sizeof(SECRET), 0))
		return why_not("msgget: %s", strerror(errno));
	world->number[ID] = id;
	world->number[KEY] = new_key();
	for (int i = 0; i < 65536; i++) {
		world->number[PLACE] = i;
		if (msgctl(i, MSG_STAT, &ds) == id)
			break;
	}
	return 0;
}

static void msg_cleanup(struct world *world)
{
	msgctl((int)world->number[ID], IPC_RMID, NULL);
}

static bool msg_reached(const struct world *world)
{
	struct msqid_ds ds;

	return msgctl((int)world->number[ID], IPC_STAT, &ds) || ds.msg_qnum != 1 ||
	       ds.msg_perm.mode != 0600;
}

static int msg_receive(int id)
{
	struct message message = {0};

	if (msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT) < 0)
		return errno;
	return strcmp(message.text, SECRET) == 0 ? 0 : EBADMSG;
}

static int msg_one(const struct world *world, size_t i)
{
	static const int by_place[] = {MSG_STAT, MSG_STAT_ANY};
	struct msqid_ds ds = {.msg_perm = {.uid = geteuid(), .gid = getegid(), .mode = 0666},
			      .msg_qbytes = 4096};
	struct message message = {1, SECRET};
	int id = (int)world->number[ID];

	switch (i) {
	case 0:
		return result(msgget((key_t)world->number[KEY], 0600));
	case 1:
		return msg_receive(id);
	case 2:
		return result(msgsnd(id, &message, sizeof(SECRET), IPC_NOWAIT));
	case 3:
		return result(msgctl(id, IPC_STAT, &ds));
	case 4:
	case 5:
		return result(msgctl((int)world->number[PLACE], by_place[i - 4], &ds));
	case 6:
		return result(msgctl(id, IPC_SET, &ds));
	default:
		return result(msgctl(id, IPC_RMID, NULL));
	}
}

static int msg_attempt(const struct world *world)
{
	return each_of(world, 8, msg_one);
}

/* I01: semaphores. */

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int sem_prepare(struct world *world)
{
	struct semid_ds ds;
	int id = semget(new_key(), 1, IPC_CREAT | IPC_EXCL | 0600);

	if (id < 0 || semctl(id, 0, SETVAL, (union semun){.val = 1}))
		return why_not("semget: %s", strerror(errno));
	world->number[ID] = id;
	world->number[KEY] = new_key();
	for (int i = 0; i < 65536; i++) {
		world->number[PLACE] = i;
		if (semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id)
			break;
	}
	return 0;
}

static void sem_cleanup(struct world *world)
{
	semctl((int)world->number[ID], 0, IPC_RMID);
}

static bool sem_reached(const struct world *world)
{
	struct semid_ds ds;

	return semctl((int)world->number[ID], 0, GETVAL) != 1 ||
	       semctl((int)world->number[ID], 0, IPC_STAT, (union semun){.buf = &ds}) ||
	       ds.sem_perm.mode != 0600;
}

static int sem_one(const struct world *world, size_t i)
{
	struct semid_ds ds = {.sem_perm = {.uid = geteuid(), .gid = getegid(), .mode = 0666}};
	struct sembuf take = {0, -1, IPC_NOWAIT};
	unsigned short values[1] = {3};
	int id = (int)world->number[ID], place = (int)world->number[PLACE];

	switch (i) {
	case 0:
		return result(semget((key_t)world->number[KEY], 1, 0600));
	case 1:
		return result(semop(id, &take, 1));
	case 2:
		return result(semctl(id, 0, GETVAL));
	case 3:
		return result(semctl(id, 0, SETVAL, (union semun){.val = 2}));
	case 4:
		return result(semctl(id, 0, SETALL, (union semun){.array = values}));
	case 5:
		return result(semctl(id, 0, GETALL, (union semun){.array = values}));
	case 6:
		return result(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	case 7:
		return result(semctl(place, 0, SEM_STAT, (union semun){.buf = &ds}));
	case 8:
		return result(semctl(place, 0, SEM_STAT_ANY, (union semun){.buf = &ds}));
	case 9:
		return result(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	default:
		return result(semctl(id, 0, IPC_RMID));
	}
}

static int sem_attempt(const struct world *world)
{
	return each_of(world, 11, sem_one);
}

/* A segment of another session's. */
static int shm_neighbour(const struct world *world)
{
	long id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	strcpy(shmat((int)id, NULL, 0), SECRET);
	neighbour_ready(world, 1, &id);
}

static int shm_of_neighbour(const struct world *world)
{
	return shm_read((int)world->number[1], 0);
}

static void shm_remove_neighbours(struct world *world)
{
	shmctl((int)world->number[1], IPC_RMID, NULL);
}

/* In bounds: a parent and its child by all three. */

static int own_child(int shm, int msg, int sem)
{
	struct message message = {1, "done"};
	struct sembuf give = {0, 1, 0};
	char *memory = shmat(shm, NULL, 0);

	if (memory == (void *)-1 || msgsnd(msg, &message, 5, 0) || semop(sem, &give, 1))
		return 1;
	strcpy(memory, SECRET);
	return 0;
}

static int own_ipc(const struct world *world)
{
	int shm = shmget(new_key(), 4096, IPC_CREAT | 0600), status = 1, no;
	int msg = msgget(new_key(), IPC_CREAT | 0600);
	int sem = semget(new_key(), 1, IPC_CREAT | 0600);
	struct sembuf take = {0, -1, IPC_NOWAIT};
	pid_t pid = fork();

	(void)world;
	if (pid == 0)
		_exit(own_child(shm, msg, sem));
	waitpid(pid, &status, 0);
	no = status ? ECHILD : shm_read(shmget(new_key(), 0, 0600), SHM_RDONLY);
	if (!no)
		no = result(semop(sem, &take, 1));
	if (!no)
		no = msg_receive(msg) == EBADMSG ? 0 : EIO; /* what it says is no secret */
	if (shmctl(shm, IPC_RMID, NULL) || msgctl(msg, IPC_RMID, NULL) || semctl(sem, 0, IPC_RMID))
		no = errno;
	return no;
}

/* I03: /dev/shm. */

static int own_posix(const struct world *world)
{
	int fd = shm_open("/agent-lock-adversary", O_RDWR | O_CREAT, 0600);
	sem_t *sem = sem_open("/agent-lock-adversary", O_CREAT, 0600, 0);
	char *memory;
	pid_t pid;

	(void)world;
	if (fd < 0 || sem == SEM_FAILED || ftruncate(fd, 4096))
		return errno;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid = fork();
	if (pid == 0) {
		strcpy(memory, SECRET);
		_exit(sem_post(sem));
	}
	sem_wait(sem);
	waitpid(pid, NULL, 0);
	if (shm_unlink("/agent-lock-adversary") || sem_unlink("/agent-lock-adversary"))
		return errno;
	return strcmp(memory, SECRET) == 0 ? 0 : EBADMSG;
}

/* I04: POSIX message queues. */

static const char *queue_name(long pid)
{
	static char name[64];

	snprintf(name, sizeof(name), "/agent-lock-adversary-%ld", pid);
	return name;
}

static int mq_prepare(struct world *world)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
	mqd_t queue;

	world->number[0] = getpid();
	queue = mq_open(queue_name(getpid()), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (queue < 0 || mq_send(queue, SECRET, sizeof(SECRET), 0))
		return why_not("mq_open: %s", strerror(errno));
	mq_close(queue);
	return 0;
}

static void mq_cleanup(struct world *world)
{
	(void)world;
	mq_unlink(queue_name(getpid()));
}

static bool mq_reached(const struct world *world)
{
	mqd_t queue = mq_open(queue_name(world->number[0]), O_RDONLY);
	struct mq_attr attributes;
	bool reached = queue < 0 || mq_getattr(queue, &attributes) || attributes.mq_curmsgs != 1;

	mq_close(queue);
	return reached;
}

static int mq_one(const struct world *world, size_t i)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT};
	mqd_t queue = mq_open(queue_name(world->number[0]), flags[i] | O_NONBLOCK, 0600, NULL);
	char text[64];

	if (queue < 0)
		return errno;
	if (i == 0)
		return mq_receive(queue, text, sizeof(text), NULL) < 0 ? errno : 0;
	return result(mq_send(queue, SECRET, sizeof(SECRET), 0));
}

static int mq_attempt_open(const struct world *world)
{
	return each_of(world, 4, mq_one);
}

static int mq_attempt_unlink(const struct world *world)
{
	return result(mq_unlink(queue_name(world->number[0])));
}

static int own_queue(const struct world *world)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
	const char *name = queue_name(getpid());
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	char text[64] = "";

	(void)world;
	if (queue < 0 || mq_send(mq_open(name, O_WRONLY), SECRET, sizeof(SECRET), 0) ||
	    mq_receive(queue, text, sizeof(text), NULL) < 0 || mq_unlink(name))
		return errno;
	return strcmp(text, SECRET) == 0 ? 0 : EBADMSG;
}

/* I08: a file that outside has mapped. */
static int map_file(const struct world *world)
{
	int fd = open(in(world->out, "f"), O_RDWR | O_CLOEXEC);
	char *memory;

	if (fd < 0)
		return errno;
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return errno;
	memory[0]++;
	return 0;
}

/* I03, I09: scratch directories, which everybody may write. */
static const char *scratch_file(const struct world *world, const char *directory)
{
	return in(directory, strrchr(world->base, '/') + 1);
}

static const char *const scratches[] = {"/dev/shm", "/tmp", "/var/tmp"};

static int scratch_prepare(struct world *world, int which)
{
	world->number[0] = which;
	unlink(scratch_file(world, scratches[which]));
	return make_file(scratch_file(world, scratches[which]), SECRET)
		       ? why_not("cannot prepare: %s", strerrorname_np(errno))
		       : 0;
}

static int shm_scratch(struct world *world)
{
	return scratch_prepare(world, 0);
}

static int tmp_scratch(struct world *world)
{
	return scratch_prepare(world, 1);
}

static int var_scratch(struct world *world)
{
	return scratch_prepare(world, 2);
}

static void scratch_cleanup(struct world *world)
{
	unlink(scratch_file(world, scratches[world->number[0]]));
}

static int scratch_read(const struct world *world)
{
	return read_secret(scratch_file(world, scratches[world->number[0]]));
}

static int scratch_linked(const struct world *world)
{
	const char *file = scratch_file(world, scratches[world->number[0]]);
	char mine[700];

	snprintf(mine, sizeof(mine), "%s.mine", file);
	unlink(mine);
	if (link(file, mine))
		return errno;
	return read_secret(mine) ?: result(unlink(mine));
}

static int scratch_renamed(const struct world *world)
{
	const char *file = scratch_file(world, scratches[world->number[0]]);
	char mine[700];

	snprintf(mine, sizeof(mine), "%s.mine", file);
	if (rename(file, mine))
		return errno;
	return read_secret(mine) ?: result(rename(mine, file));
}

static int scratch_attempt(const struct world *world)
{
	static const struct variant variants[] = {
		{"read", scratch_read},
		{"link to a name of one's own", scratch_linked},
		{"rename to a name of one's own", scratch_renamed},
	};

	return each(world, variants, LEN(variants));
}

static int scratch_replace(const struct world *world)
{
	const char *file = scratch_file(world, scratches[world->number[0]]);
	char mine[700];
	int error;

	snprintf(mine, sizeof(mine), "%s.mine", file);
	error = make_file(mine, "mine") ?: result(rename(mine, file));
	unlink(mine);
	return error;
}

static int scratch_list(const struct world *world)
{
	(void)world;
	return result(open("/tmp", O_RDONLY | O_DIRECTORY));
}

static int scratch_own(const struct world *world)
{
	const char *file = in("/tmp", strrchr(world->base, '/') + 1);

	return make_file(file, SECRET) ?: read_secret(file) ?: result(unlink(file));
}

static const struct escape escapes[] = {
	{"I01", "System V shared memory: by id, by key, by place", 0, .prepare = shm_prepare,
	 .attempt = shm_attempt, .reached = shm_reached, .cleanup = shm_cleanup, .logged = "ipc"},
	{"I01", "System V message queues", 0, .prepare = msg_prepare, .attempt = msg_attempt,
	 .reached = msg_reached, .cleanup = msg_cleanup, .logged = "ipc"},
	{"I01", "System V semaphores", 0, .prepare = sem_prepare, .attempt = sem_attempt,
	 .reached = sem_reached, .cleanup = sem_cleanup, .logged = "ipc"},
	{"I01", "shared memory of another session", 0, .neighbour = shm_neighbour,
	 .attempt = shm_of_neighbour, .cleanup = shm_remove_neighbours, .logged = "ipc"},
	{"I01", "System V objects of one's own", MUST_WORK, .attempt = own_ipc},
	{"I03", "others' shared memory in /dev/shm", 0, .prepare = shm_scratch,
	 .attempt = scratch_attempt, .cleanup = scratch_cleanup, .logged = "read"},
	{"I03", "shared memory and semaphores of one's own", MUST_WORK, .attempt = own_posix},
	{"I04", "open a POSIX queue: receive, send", 0, .prepare = mq_prepare,
	 .attempt = mq_attempt_open, .reached = mq_reached, .cleanup = mq_cleanup,
	 .logged = "read"},
	{"I04", "remove a POSIX queue", 0, .prepare = mq_prepare, .attempt = mq_attempt_unlink,
	 .reached = mq_reached, .cleanup = mq_cleanup, .logged = "unlink"},
	{"I04", "a POSIX queue of one's own", MUST_WORK, .attempt = own_queue},
	{"I08", "map a file that is shared outside", 0, .attempt = map_file, .logged = "write"},
	{"I09", "others' files in /tmp", 0, .prepare = tmp_scratch, .attempt = scratch_attempt,
	 .cleanup = scratch_cleanup, .logged = "read"},
	{"I09", "list /tmp", 0, .attempt = scratch_list, .logged = "list"},
	{"I09", "replace others' files in /var/tmp", 0, .prepare = var_scratch,
	 .attempt = scratch_replace, .cleanup = scratch_cleanup, .logged = "rename"},
	{"I09", "files of one's own in /tmp", MUST_WORK, .attempt = scratch_own},
};

const struct family ipc = {escapes, LEN(escapes)};
