/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * open.bpf.c - descriptors: how a process gets one.
 *
 *   file_open      open, openat2, execve, opendir, O_TMPFILE, reopening through /proc/self/fd,
 *                  io_uring's openat
 *   file_receive   SCM_RIGHTS, pidfd_getfd: as if it were opened
 *   file_lock      an exclusive lock, and
 *   file_fcntl     a lease: who only may read a file must not make its writers wait
 *   file_ioctl     what a descriptor is enough for and should not be
 *   file_truncate  ftruncate and O_TRUNC (from 6.2 on; before that path_truncate sees both)
 *
 * Each of the file hooks stands here twice. Up to 6.x file->f_path is a plain member and its
 * dentry may be walked. From 7.0 on it lies in a union, what is loaded from there is untrusted and
 * bpf_inode_storage_get() refuses it; but a pointer to the path itself may be handed to a global
 * function as a trusted argument (from 6.8 on).
 */
#include "judge.h"

#define ARG_TRUSTED __attribute__((btf_decl_tag("arg:trusted")))

/*
 * Weak, or clang would work out the range of the result and the verifier, which checks a global
 * function apart, not.
 */
__weak int judge_path(struct path *path ARG_TRUSTED, const struct jail *jail,
		      struct judged *out_judged)
{
	if (!jail || !out_judged)
		return 1;
	judge_open(path->mnt, path->dentry, jail, out_judged);
	return 0;
}

static __always_inline int settle_file(struct file *file, u32 op, u32 want,
				       const struct judged *judged, const struct jail *jail)
{
	struct attempt attempt = {
		.op = op,
		.want = want,
		.mnt = BPF_CORE_READ(file, f_path.mnt),
		.dentry = BPF_CORE_READ(file, f_path.dentry),
	};

	return settle(&attempt, judged, jail);
}

/*
 * What an open asks for. Neither reading nor writing (access mode 3, for ioctl alone) asks for
 * both.
 */
static __always_inline u32 wanted(struct file *file)
{
	u32 mode = BPF_CORE_READ(file, f_mode), flags = BPF_CORE_READ(file, f_flags), want = 0;

	if (mode &
	    FMODE_PATH) /* only received, never opened: a handle, decided again when it is used */
		return AL_READ;
	if (flags & F_FLAG_EXEC)
		want |= AL_EXEC;
	if (mode & FMODE_READ)
		want |= AL_READ;
	if ((mode & FMODE_WRITE) || (flags & O_TRUNC))
		want |= AL_WRITE;
	return want ? want : AL_READ | AL_WRITE;
}

static __always_inline u32 open_op(struct file *file, u32 want)
{
	umode_t mode = BPF_CORE_READ(file, f_path.dentry, d_inode, i_mode);

	if (want & AL_EXEC)
		return AL_OP_EXEC;
	if ((mode & S_IFMT) == S_IFDIR)
		return AL_OP_LIST;
	return want & AL_WRITE ? AL_OP_WRITE : AL_OP_READ;
}

static __always_inline int opened(struct file *file, const struct judged *judged,
				  const struct jail *jail)
{
	u32 want = wanted(file);

	return settle_file(file, open_op(file, want), want, judged, jail);
}

/* A file without a name (O_TMPFILE) is made by the open that asks: it is the session's own. */
static __always_inline void own_nameless(struct file *file, const struct jail *jail)
{
	struct inode *inode = file->f_inode;

	if (inode && (BPF_CORE_READ(file, f_flags) & F_TMPFILE))
		own(inode, jail);
}

SEC("?lsm/file_open")
int BPF_PROG(al_file_open, struct file *file, int ret)
{
	struct judged judged;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	own_nameless(file, &jail);
	judge_open(file->f_path.mnt, file->f_path.dentry, &jail, &judged);
	return opened(file, &judged, &jail);
}

SEC("?lsm/file_open")
int BPF_PROG(al_file_open_v7, struct file *file, int ret)
{
	struct judged judged = NO_RIGHTS;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	own_nameless(file, &jail);
	judge_path(&file->f_path, &jail, &judged);
	return opened(file, &judged, &jail);
}

SEC("?lsm/file_receive")
int BPF_PROG(al_file_receive, struct file *file, int ret)
{
	struct judged judged;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge_open(file->f_path.mnt, file->f_path.dentry, &jail, &judged);
	return settle_file(file, AL_OP_RECEIVE, wanted(file), &judged, &jail);
}

SEC("?lsm/file_receive")
int BPF_PROG(al_file_receive_v7, struct file *file, int ret)
{
	struct judged judged = NO_RIGHTS;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge_path(&file->f_path, &jail, &judged);
	return settle_file(file, AL_OP_RECEIVE, wanted(file), &judged, &jail);
}

SEC("?lsm/file_truncate")
int BPF_PROG(al_file_truncate, struct file *file, int ret)
{
	struct judged judged;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge_open(file->f_path.mnt, file->f_path.dentry, &jail, &judged);
	return settle_file(file, AL_OP_TRUNCATE, AL_WRITE, &judged, &jail);
}

SEC("?lsm/file_truncate")
int BPF_PROG(al_file_truncate_v7, struct file *file, int ret)
{
	struct judged judged = NO_RIGHTS;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge_path(&file->f_path, &jail, &judged);
	return settle_file(file, AL_OP_TRUNCATE, AL_WRITE, &judged, &jail);
}

#define TIOCEXCL 0x540C

/*
 * By command alone: what an argument points at may change while we look. Typing into a terminal
 * for its reader (TIOCSTI; TIOCLINUX's paste), taking it over, its line discipline, keeping its
 * other users from it. What acts on the whole file system, or on paths that no path hook sees: every
 * private command of btrfs (0x94) but cloning ranges between descriptors, and of bcachefs (0xbc);
 * ocfs2's reflink; the user's encryption keys, for without them files outside are locked.
 */
static __always_inline bool never_allowed(unsigned int cmd)
{
	switch (cmd) {
	case 0x5412:	 /* TIOCSTI */
	case 0x541C:	 /* TIOCLINUX */
	case 0x541D:	 /* TIOCCONS */
	case 0x5423:	 /* TIOCSETD */
	case 0x5437:	 /* TIOCVHANGUP */
	case 0x40045436: /* TIOCSIG */
	case TIOCEXCL:
	case 0x40186f04: /* OCFS2_IOC_REFLINK */
	case 0xc0506617: /* FS_IOC_ADD_ENCRYPTION_KEY */
	case 0xc0406618: /* FS_IOC_REMOVE_ENCRYPTION_KEY */
	case 0xc0406619: /* FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS */
		return true;
	}
	if ((cmd >> 8 & 0xff) == 0xbc)
		return true;
	return (cmd >> 8 & 0xff) == 0x94 && (cmd & 0xff) != 9 && (cmd & 0xff) != 13 &&
	       (cmd & 0xff) != 54 && (cmd & 0xff) != 49;
}

/* Changes of a file that a descriptor for reading is enough for. */
static __always_inline bool changes_file(unsigned int cmd)
{
	switch (cmd) {
	case 0x40086602: /* FS_IOC_SETFLAGS */
	case 0x40046602: /* FS_IOC32_SETFLAGS */
	case 0x401c5820: /* FS_IOC_FSSETXATTR */
	case 0x40087602: /* FS_IOC_SETVERSION */
	case 0x40047602: /* FS_IOC32_SETVERSION */
	case 0x40086604: /* EXT4_IOC_SETVERSION */
	case 0x40046604: /* EXT4_IOC32_SETVERSION */
	case 0x40806685: /* FS_IOC_ENABLE_VERITY */
	case 0x800c6613: /* FS_IOC_SET_ENCRYPTION_POLICY */
	case 0x6609:	 /* EXT4_IOC_MIGRATE */
		return true;
	}
	return (cmd >> 8 & 0xff) == 0xf5; /* f2fs: some release blocks for ever, or pin them */
}

/* But a terminal that the session opened is its own. */
static __always_inline bool own_exclusive(unsigned int cmd, struct file *file,
					      const struct jail *jail)
{
	struct inode *inode = file->f_inode;

	return cmd == TIOCEXCL && inode && born_here(inode, jail);
}

#define IOCTL_HOOK(name, hook, judge_it) \
	SEC("?lsm/" hook) \
	int BPF_PROG(name, struct file *file, unsigned int cmd, unsigned long arg, int ret) \
	{ \
		struct judged judged = NO_RIGHTS; \
		struct jail jail; \
\
		if (ret || (!never_allowed(cmd) && !changes_file(cmd)) || !jailed(&jail) || \
		    own_exclusive(cmd, file, &jail)) \
			return ret; \
		if (changes_file(cmd)) \
			judge_it; \
		return settle_file(file, AL_OP_IOCTL, AL_WRITE, &judged, &jail); \
	}

#define JUDGE_PLAIN judge_open(file->f_path.mnt, file->f_path.dentry, &jail, &judged)
#define JUDGE_UNION judge_path(&file->f_path, &jail, &judged)

IOCTL_HOOK(al_ioctl, "file_ioctl", JUDGE_PLAIN)
IOCTL_HOOK(al_ioctl_v7, "file_ioctl", JUDGE_UNION)
IOCTL_HOOK(al_ioctl_compat, "file_ioctl_compat", JUDGE_PLAIN)
IOCTL_HOOK(al_ioctl_compat_v7, "file_ioctl_compat", JUDGE_UNION)

#define F_WRLCK 1
#define F_UNLCK 2
#define F_SETLEASE 1024

#define LOCK_HOOK(name, judge_it) \
	SEC("?lsm/file_lock") \
	int BPF_PROG(name, struct file *file, unsigned int cmd, int ret) \
	{ \
		struct judged judged = NO_RIGHTS; \
		struct jail jail; \
\
		if (ret || cmd != F_WRLCK || !jailed(&jail)) \
			return ret; \
		judge_it; \
		return settle_file(file, AL_OP_LOCK, AL_WRITE, &judged, &jail); \
	}

#define LEASE_HOOK(name, judge_it) \
	SEC("?lsm/file_fcntl") \
	int BPF_PROG(name, struct file *file, unsigned int cmd, unsigned long arg, int ret) \
	{ \
		struct judged judged = NO_RIGHTS; \
		struct jail jail; \
\
		if (ret || cmd != F_SETLEASE || arg == F_UNLCK || !jailed(&jail)) \
			return ret; \
		judge_it; \
		return settle_file(file, AL_OP_LOCK, AL_WRITE, &judged, &jail); \
	}

LOCK_HOOK(al_lock, JUDGE_PLAIN)
LOCK_HOOK(al_lock_v7, JUDGE_UNION)
LEASE_HOOK(al_lease, JUDGE_PLAIN)
LEASE_HOOK(al_lease_v7, JUDGE_UNION)
