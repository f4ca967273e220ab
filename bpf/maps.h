/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h - every map and global that the programs share. All are weak: each .bpf.c includes this,
 * the linker (bpftool gen object) keeps one. All but the globals are pinned by name and outlive the
 * daemon.
 */
#ifndef MAPS_H
#define MAPS_H

#include "kernel.h"
#include "agent_lock.h"

/* Cgroup level of a session below the real root, where the kernel counts. Set by the loader. */
const volatile __u32 session_level __weak = 0;

/* Address of the kernel's rename_lock, a seqlock_t, which begins with its count. Set by the loader. */
const volatile __u64 rename_lock_at __weak = 0;

/*
 * The thread group that holds the marked objects in memory; 0 when it died (al_exit) or is not
 * ready yet. Only then can a mark be missing, and only then are numbers asked. Set by the daemon
 * through its own mapping.
 */
__u32 attended_by SEC(".data") __weak = 0;

/* Which sessions there are. Key: cgroup id. Written by the daemon alone; an entry is the jail. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, AL_MAX_SESSIONS);
	__type(key, u64);
	__type(value, struct al_session);
} sessions SEC(".maps") __weak;

/*
 * Which object of a policy an inode is. Written by the daemon through O_PATH descriptors, dies with
 * the inode.
 */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct al_mark);
} marks SEC(".maps") __weak;

/* What a session may do with an object. Key: slot << 32 | object. Written by the daemon alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AL_MAX_RULES);
	__type(key, u64);
	__type(value, struct al_rule);
} rules SEC(".maps") __weak;

/* Rules for names in marked directories (AL_NAMES). Written by the daemon alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AL_MAX_RULES);
	__type(key, struct al_name);
	__type(value, struct al_rule);
} names SEC(".maps") __weak;

/*
 * Restricting objects by number: value is the object. Filled by al_path_notify on the daemon's
 * behalf.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AL_MAX_NUMBERS);
	__type(key, struct al_number);
	__type(value, u32);
} numbers SEC(".maps") __weak;

/*
 * The last object id that was ever given to a mark: ids are not used again while an old mark may
 * still be about. Daemon's.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} last_object SEC(".maps") __weak;

/* Who asks al_path_notify to note a number. One entry; written by the daemon around each request.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct al_numbering);
} numbering SEC(".maps") __weak;

/* What the daemon asks of al_path_notify. One entry; written by it around each question. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct al_question);
} question SEC(".maps") __weak;

/*
 * What a session made: pseudo terminals (the cgroup id that opened ptmx), POSIX queues, what lies
 * directly in a scratch directory. Written by born.bpf.c.
 */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} born SEC(".maps") __weak;

/*
 * What a session made in a scratch directory, once more by number, for when its inode was evicted: in
 * one directory, at one time, no two objects have the same one. Only of file systems that keep
 * generations: without, a number comes back for another file. The oldest go when it is full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct al_number);
	__type(value, u64);
} born_numbers SEC(".maps") __weak;

/*
 * Objects of the kernel that a session made (IPC objects, superblocks): address -> cgroup id,
 * from birth to end. Written by ipc.bpf.c and mount.bpf.c.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, u64);
	__type(value, u64);
} made_inside SEC(".maps") __weak;

/* Exact totals: slot * AL_NCOUNTERS + enum al_counter. Written here, read and zeroed by the daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AL_MAX_SESSIONS *AL_NCOUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps") __weak;

/*
 * What was refused, how often and to whom: exact whatever the rings lost. Written here, read by the
 * daemon.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AL_MAX_TALLY);
	__type(key, struct al_tally_key);
	__type(value, struct al_tally);
} tally SEC(".maps") __weak;

/*
 * How many entries of the tally each slot has: a session that reaches for everything must not use
 * up the others' room.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AL_MAX_SESSIONS);
	__type(key, u32);
	__type(value, u32);
} tallied SEC(".maps") __weak;

/* A tally entry to begin with: too large for the stack. Never written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct al_tally);
} blank SEC(".maps") __weak;

/* Refusals, read by the daemon; what finds no room is counted (AL_COUNT_LOST). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} refusals SEC(".maps") __weak;

/* Those of sessions that have more than their share of the one above. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 23);
} floods SEC(".maps") __weak;

/* Who has how much of it: by slot. Written and read here alone. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AL_MAX_SESSIONS);
	__type(key, u32);
	__type(value, struct al_share);
} shares SEC(".maps") __weak;

/*
 * Allowed operations, only while somebody tails: apart, so that a busy build cannot push out a
 * refusal.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} opens SEC(".maps") __weak;

#endif
