/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent_lock.h - the contract between the BPF programs and user space.
 *
 * Every struct here crosses the border as map key, map value or ring record: fixed-width
 * fields, no implicit padding (the build makes -Wpadded an error for this file), sizes asserted.
 */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include <linux/types.h>

/*
 * Changes with every change of a struct or map; part of the pins' name: pinned maps of another
 * layout are not adopted.
 */
#define AL_LAYOUT 6

/* Limits. All of them refuse when they are reached; none is silently exceeded. */
#define AL_MAX_SESSIONS 512  /* sessions at once on a machine */
#define AL_MAX_RULES 131072  /* (session, object) pairs of all sessions */
#define AL_MAX_NUMBERS 65536 /* restricting rules kept by inode number too */
#define AL_MAX_TALLY \
	65536 /* refused targets counted one by one, of all sessions; the rest as 'others' */
#define AL_SESSION_TALLY 2048 /* of one session: each process that it looks at is a target */
#define AL_MAX_DEPTH 4096     /* directories between an object and the rule that decides it */
#define AL_CHAIN 8	      /* processes named in an event, from the one that tried upwards */
#define AL_COMM 16	      /* TASK_COMM_LEN */
#define AL_PATH_MAX 4096      /* bytes of path in an event; a longer one keeps its end */
#define AL_PATH_SLACK \
	256 /* behind it: lets the verifier see that a name of 255 bytes always fits */
#define AL_SHARE 32 /* refusals of a session that go first, in each AL_SHARE_NS */
#define AL_SHARE_NS 100000000U
#define AL_TALLY_PATH 512 /* bytes of path in the tally; a longer one keeps its end */

/* What an operation asks of an object. */
#define AL_READ (1U << 0)
#define AL_WRITE (1U << 1)
#define AL_EXEC (1U << 2)
#define AL_CONNECT (1U << 3)
/* How a rule applies; never asked for. */
#define AL_HIDE (1U << 8)    /* refuse with ENOENT */
#define AL_SELF (1U << 9)    /* rights on the object itself, none on what lies below it */
#define AL_PINNED (1U << 10) /* may not be renamed or removed: a stricter rule lies below it;
				with AL_PASS or beside rights */
#define AL_NAMES (1U << 12)  /* on a directory: some names in it have rules of their own */
#define AL_PASS (1U << 13)   /* on a directory: no rule itself, the one above it decides */
#define AL_SCRATCH (1U << 14)	/* on a directory: of what is in it, only what the session put there */
#define AL_SYSTEM (1U << 11) /* from the base policy: allowed uses are counted, never listed */

#define AL_NO_RULE 0xffffffffU /* no rule was met on the way up */

/* Session flags (struct al_session). */
#define AL_AUDIT (1U << 0)    /* refuse nothing, report what would have been refused */
#define AL_TAILED (1U << 1)   /* somebody tails: allowed operations are emitted too */
#define AL_NUMBERED (1U << 2) /* has rules that restrict: look them up by number too */
#define AL_EPHEMERAL (1U << 5) /* ends when its last process is gone: the daemon's business alone */
#define AL_ENTERED (1U << 6)   /* it had a process once; kept here to outlive the daemon */
#define AL_LOCALHOST (1U << 4) /* may connect to TCP services of this machine that are not its own */
#define AL_USERNS (1U << 3)   /* may make user namespaces, and mounts in them */

enum al_verdict {
	AL_IN_BOUNDS,
	AL_SYSTEM_USE, /* allowed by a rule of the base policy */
	AL_REFUSED,
	AL_WOULD_REFUSE, /* audit */
	AL_NVERDICTS,
};

enum al_op {
	AL_OP_READ,  /* open for reading */
	AL_OP_WRITE, /* open for writing, or both */
	AL_OP_EXEC,
	AL_OP_LIST, /* open of a directory */
	AL_OP_CREATE,
	AL_OP_MKDIR,
	AL_OP_MKNOD,
	AL_OP_SYMLINK,
	AL_OP_UNLINK,
	AL_OP_RMDIR,
	AL_OP_RENAME,
	AL_OP_LINK,
	AL_OP_TRUNCATE,
	AL_OP_CHMOD,
	AL_OP_CHOWN,
	AL_OP_UTIMES,
	AL_OP_XATTR,
	AL_OP_ACL,
	AL_OP_CHROOT,
	AL_OP_WATCH,
	AL_OP_RECEIVE, /* a descriptor passed by another process */
	AL_OP_CGROUP,  /* leaving the session's cgroup */
	AL_OP_CREDS,   /* io_uring under registered credentials */
	AL_OP_MOUNT,   /* any new mount or superblock */
	AL_OP_CONNECT, /* to a unix socket */
	AL_OP_SEND,    /* a datagram to a unix socket */
	AL_OP_SOCKET,  /* a socket of a family that is not for the jailed */
	AL_OP_SIGNAL,
	AL_OP_PRIORITY,	  /* nice, scheduler, affinity, I/O priority, limits, memory placement */
	AL_OP_CAPABILITY, /* a use of root's rights over the machine */
	AL_OP_USERNS,
	AL_OP_BPF,
	AL_OP_PERF,
	AL_OP_MODULE, /* have the kernel load one */
	AL_OP_SYSTEM, /* kernel log, clock, quota */
	AL_OP_IPC,    /* System V objects made outside */
	AL_OP_KEY,    /* keys and keyrings made outside */
	AL_OP_IOCTL,
	AL_OP_TRACE, /* ptrace and what the kernel guards like it */
	AL_OP_LOCK,  /* a lock or lease that others would wait for */
	AL_OP_LEAVE, /* somebody outside moved a process out of the session; never refused */
	AL_NOPS,
};

/* Per session slot in the map 'counters': [op][verdict], then these. */
enum al_counter {
	AL_COUNT_LOST = AL_NOPS * AL_NVERDICTS, /* refusals that found no room in their ring */
	AL_COUNT_LOST_OPENS,			/* allowed operations that found none in theirs */
	AL_COUNT_TOLD,	 /* of AL_COUNT_LOST those that the log has: the daemon's to write */
	AL_COUNT_OTHERS, /* refusals that found no room in the tally */
	AL_NCOUNTERS,
};

/* Map 'sessions': cgroup id -> this. The one update of it is what starts a jail. */
struct al_session {
	__u32 slot; /* 0 .. AL_MAX_SESSIONS - 1 */
	__u32 flags;
};

/* Map 'marks' (inode storage): which object of a policy an inode is. */
struct al_mark {
	__u32 object; /* never 0 */
};

/* Map 'rules': (slot << 32 | object) -> this. */
struct al_rule {
	__u32 rights; /* AL_READ | ... | AL_SYSTEM */
	__u32 id;     /* index of the rule in its session's policy */
};

/*
 * Map 'names': the rule for whatever bears a name in a directory -> struct al_rule. So a rule follows
 * its name when the file is replaced, and is there before the file is. 64 bits of FNV-1a: whoever can
 * make a colliding name could have made the name itself.
 */
struct al_name {
	__u64 hash;
	__u32 object; /* the directory's */
	__u32 slot;
};

#define AL_NAME_MAX 255
#define AL_FNV_BASIS 14695981039346656037ULL
#define AL_FNV_PRIME 1099511628211ULL

/*
 * Map 'numbers': restricting objects once more by number, for when the inode was evicted and its
 * mark with it. Numbers can collide (btrfs subvolumes): so they only ever refuse.
 */
struct al_number {
	__u64 ino;
	__u32 dev; /* s_dev as the kernel has it */
	__u32 generation;
};

/* The second number of a file of /proc: see proc_twin(). */
#define AL_NUMBERS_OF_ONE 2

/*
 * Map 'numbering': whose watch asks for a number, and for which object; object becomes 0 when it is
 * noted, under these keys. A key that is all 0 is none.
 */
struct al_numbering {
	__u32 tgid; /* 0: nobody's */
	__u32 object;
	struct al_number numbers[AL_NUMBERS_OF_ONE];
};

/*
 * Map 'question': what may a session do with an object? Asked by the daemon, by watching it; answered by
 * what decides for the session itself.
 */
struct al_question {
	__u64 cgroup; /* of the session */
	__u64 name;   /* hash of a name in the directory that is watched (al_name), 0: about itself */
	__u32 slot;
	__u32 flags;
	__u32 tgid; /* whose watch asks; 0: nobody's. Becomes 0 when it is answered. */
	__u32 rights;
	__u32 rule; /* AL_NO_RULE or al_rule.id */
	__u32 distance; /* levels between the object and what the rule is about */
};

/*
 * Map 'tally': what was refused, how often, to whom. Identity of the target is parent and name, so
 * that a file that does not exist has one too.
 */
struct al_tally_key {
	__u64 parent; /* inode number of the directory */
	__u64 name;   /* d_name.hash_len, salted by the kernel with the parent */
	__u32 dev;
	__u16 slot;
	__u8 op;
	__u8 verdict;
	char comm[AL_COMM];
};

struct al_tally {
	__u64 count;
	__u64 first_ns; /* CLOCK_BOOTTIME */
	__u64 last_ns;
	__u32 pid;   /* of the first that tried */
	__u32 rule;  /* AL_NO_RULE or al_rule.id */
	__u32 dev;   /* s_dev, when AL_PATH_IN_FS is set in flags */
	__u32 flags; /* AL_PATH_* */
	__u32 start; /* path is path[start .. AL_TALLY_PATH - 1]; written last, 0 = not yet */
	char path[AL_TALLY_PATH];
	__u32 unused;
};

/* Map 'shares': what of the ring of refusals one session had of late. */
struct al_share {
	__u64 moment; /* in AL_SHARE_NS since boot */
	__u64 used;
};

/* What is no file is named by a label and a number: "process:812". Index of al_labels in report.h. */
enum al_label {
	AL_LABEL_NONE,
	AL_LABEL_PROCESS,
	AL_LABEL_CAPABILITY,
	AL_LABEL_COMMAND,
	AL_LABEL_FAMILY,
	AL_LABEL_KEY,
	AL_LABEL_IPC,
	AL_LABEL_MODULE,
	AL_LABEL_FILESYSTEM,
	AL_LABEL_PORT,
};

#define AL_PATH_CUT (1U << 0)	/* the beginning is missing */
#define AL_PATH_IN_FS (1U << 1) /* begins at the file system's root, which is mounted somewhere */

struct al_task {
	__u32 pid; /* thread group id in the initial pid namespace */
	char comm[AL_COMM];
};

/* Ring record of 'refusals', 'floods' and 'opens'. */
struct al_event {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup;  /* id of the session */
	__u32 op;
	__u32 verdict;
	__u32 rule;
	__u32 flags; /* AL_PATH_* */
	__u32 uid;
	__u32 dev;
	__u32 error; /* positive errno that the process saw, 0 if allowed */
	__u32 chain_len;
	struct al_task chain[AL_CHAIN];
	__u32 start; /* path is path[start .. AL_PATH_MAX - 1] */
	char path[AL_PATH_MAX + AL_PATH_SLACK];
	__u32 unused;
};

_Static_assert(sizeof(struct al_session) == 8, "al_session is part of the contract");
_Static_assert(sizeof(struct al_rule) == 8, "al_rule is part of the contract");
_Static_assert(sizeof(struct al_name) == 16, "al_name is part of the contract");
_Static_assert(sizeof(struct al_number) == 16, "al_number is part of the contract");
_Static_assert(sizeof(struct al_question) == 40, "al_question is part of the contract");
_Static_assert(sizeof(struct al_tally_key) == 40, "al_tally_key is part of the contract");
_Static_assert(sizeof(struct al_tally) == 48 + AL_TALLY_PATH, "al_tally is part of the contract");
_Static_assert(sizeof(struct al_share) == 16, "al_share is part of the contract");
_Static_assert(sizeof(struct al_event) == 56 + 20 * AL_CHAIN + AL_PATH_MAX + AL_PATH_SLACK,
	       "al_event is part of the contract");

#endif
