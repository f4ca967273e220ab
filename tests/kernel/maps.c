/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.c - looks into pinned BPF hash maps and fills them.
 *
 *   maps count PIN...     how many entries each has, in a line
 *   maps fill PIN LEFT    puts entries of its own in until there is room for so many more
 *   maps drain PIN        takes those away again
 *
 * Its own: a number in the first four bytes of the key, all others 0xff, and an empty value.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCH 1024
#define KEY_MAX 64
#define VALUE_MAX 1024

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "maps: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_map(const char *pin, struct bpf_map_info *out_info)
{
	union bpf_attr attr = {.pathname = (uintptr_t)pin};
	int fd = (int)bpf(BPF_OBJ_GET, &attr);

	memset(&attr, 0, sizeof(attr));
	memset(out_info, 0, sizeof(*out_info));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*out_info);
	attr.info.info = (uintptr_t)out_info;
	if (fd < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &attr))
		die(pin);
	if (out_info->key_size > KEY_MAX || out_info->value_size > VALUE_MAX) {
		errno = E2BIG;
		die(pin);
	}
	return fd;
}

static uint32_t count(int fd)
{
	unsigned char key[KEY_MAX], next[KEY_MAX];
	union bpf_attr attr = {.map_fd = (uint32_t)fd};
	uint32_t entries = 0;

	attr.next_key = (uintptr_t)next;
	while (bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0) {
		entries++;
		memcpy(key, next, sizeof(key));
		attr.key = (uintptr_t)key;
	}
	return entries;
}

/* Entries number first and up to BATCH more, but not more than len. Returns how many were done. */
static uint32_t batch(int fd, const struct bpf_map_info *info, int command, uint32_t first,
		      uint32_t len)
{
	static unsigned char keys[BATCH * KEY_MAX], values[BATCH * VALUE_MAX];
	union bpf_attr attr = {0};

	memset(keys, 0xff, sizeof(keys));
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t number = first + i;

		memcpy(keys + i * info->key_size, &number, sizeof(number));
	}
	attr.batch.map_fd = (uint32_t)fd;
	attr.batch.keys = (uintptr_t)keys;
	attr.batch.values = command == BPF_MAP_UPDATE_BATCH ? (uintptr_t)values : 0;
	attr.batch.count = len < BATCH ? len : BATCH;
	if (bpf(command, &attr) && errno != ENOENT)
		die("change a map");
	return attr.batch.count;
}

int main(int argc, char **argv)
{
	struct bpf_map_info info;
	uint32_t done = 0, room;
	int fd;

	if (argc >= 3 && strcmp(argv[1], "count") == 0) {
		for (int i = 2; i < argc; i++)
			printf("%u%s", count(open_map(argv[i], &info)), i + 1 < argc ? " " : "\n");
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "fill") == 0) {
		fd = open_map(argv[2], &info);
		room = info.max_entries - count(fd);
		for (room -= (uint32_t)atoi(argv[3]); done < room;)
			done += batch(fd, &info, BPF_MAP_UPDATE_BATCH, done, room - done);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "drain") == 0) {
		fd = open_map(argv[2], &info);
		while (batch(fd, &info, BPF_MAP_DELETE_BATCH, done, BATCH) == BATCH)
			done += BATCH;
		return 0;
	}
	fputs("usage: maps count PIN... | fill PIN LEFT | drain PIN\n", stderr);
	return 2;
}
