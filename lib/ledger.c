/* SPDX-License-Identifier: GPL-2.0-only */
/* ledger.c - see ledger.h */
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../bpf/agent_lock.h"
#include "ledger.h"
#include "util.h"

#define LEDGER_SIZE (AL_MAX_SESSIONS * sizeof(struct ledger_entry))

/* The order of stores is the point: kill(2) comes between any two of them. */
#define store(to, value) __atomic_store_n(to, value, __ATOMIC_SEQ_CST)

struct ledger_entry *ledger_open(const char *path)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* Allocated before it is touched: a hole that finds no room is SIGBUS. */
	bool file = fd >= 0 && posix_fallocate(fd, 0, LEDGER_SIZE) == 0;
	void *at = mmap(NULL, LEDGER_SIZE, PROT_READ | PROT_WRITE,
			file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file ? fd : -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void ledger_close(struct ledger_entry *ledger)
{
	if (ledger)
		munmap(ledger, LEDGER_SIZE);
}

void ledger_begin(struct ledger_entry *entry, uint64_t cgroup)
{
	store(&entry->cgroup, 0);
	store(&entry->told, 0);
	store(&entry->next, 0);
	store(&entry->cgroup, cgroup);
}

bool ledger_resume(struct ledger_entry *entry, uint64_t cgroup, int fd)
{
	bool whole;
	struct stat st;

	if (entry->cgroup != cgroup)
		return false;
	/* Its owner may have added to it. */
	whole = fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == entry->file &&
		(uint64_t)st.st_size >= entry->end;
	ledger_written(entry, whole);
	return true;
}

void ledger_writing(struct ledger_entry *entry, uint64_t file, uint64_t end, uint64_t refusals)
{
	if (!entry)
		return;
	store(&entry->file, file);
	store(&entry->end, end);
	store(&entry->next, entry->told + refusals);
}

void ledger_written(struct ledger_entry *entry, bool whole)
{
	if (!entry)
		return;
	if (whole)
		store(&entry->told, entry->next);
	else
		store(&entry->next, entry->told);
}
