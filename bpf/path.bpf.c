/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.bpf.c - names: making, moving and removing them, and what is done to a file by its name.
 *
 *   path_mknod path_mkdir path_symlink   write on the directory (mknod: also O_CREAT and bind; no
 *                                        device nodes)
 *   path_unlink path_rmdir               write on what goes and on its directory
 *   path_link                            write on what is linked and on the new directory
 *   path_rename                          write on both ends, and on what is replaced or exchanged
 *   path_truncate path_chmod path_chown  write on the file
 *   path_chroot path_notify              read on the directory; what is watched
 */
#include "judge.h"

static __always_inline int settle_at(u32 op, const struct path *dir, struct dentry *dentry,
				     const struct judged *judged, const struct jail *jail)
{
	struct attempt attempt = {.op = op, .want = AL_WRITE, .mnt = dir->mnt, .dentry = dentry};

	return settle(&attempt, judged, jail);
}

/*
 * dentry is negative and never walked: a new name is decided by its directory, and by a rule for that
 * name, which may take away only.
 */
static __always_inline int make(u32 op, const struct path *dir, struct dentry *dentry,
				const struct jail *jail)
{
	struct al_rule *named = rule_of_new_name(dir->dentry, dentry, jail);
	struct judged judged;

	if (named && !(named->rights & AL_WRITE)) {
		judged = (struct judged){.rights = named->rights & AL_HIDE, .rule = named->id};
		return settle_at(op, dir, dentry, &judged, jail);
	}
	judge(dir->mnt, dir->dentry, jail, &judged);
	if (judged.rights & AL_SELF)
		judged.rights = 0;
	if ((judged.rights & AL_SCRATCH) && !judged.distance)
		judged.rights |= AL_WRITE;
	return settle_at(op, dir, dentry, &judged, jail);
}

/*
 * What the session may give another name it may have under that name, too. Remembered before it is
 * done, and if it fails for all that: the file was the session's already.
 */
static __always_inline int give_name(u32 op, struct dentry *old, const struct path *dir,
				     struct dentry *dentry, const struct jail *jail)
{
	struct inode *inode = old->d_inode;
	int ret = make(op, dir, dentry, jail);

	if (!ret && inode && rule_says(dir->dentry, AL_SCRATCH, jail))
		own_for_good(inode, jail);
	return ret;
}

/*
 * May what dentry names be taken away from dir? If a rule is about it itself, that rule must allow
 * it and so must its directory's; else the directory's rule is the one that the walk met.
 */
static __always_inline void judge_removal(const struct path *dir, struct dentry *dentry,
					  const struct jail *jail, struct judged *out_judged)
{
	judge(dir->mnt, dentry, jail, out_judged);
	/* Pinned: not to be taken away, whoever may write it, for a stricter rule lies below. */
	if (rule_says(dentry, AL_PINNED, jail) || (!out_judged->distance && !(out_judged->rights & AL_WRITE))) {
		out_judged->rights &= AL_HIDE;
		return;
	}
	if (!out_judged->distance)
		walk(dir->dentry, jail, out_judged);
}

static __always_inline int take_away(u32 op, const struct path *dir, struct dentry *dentry,
				     const struct jail *jail)
{
	struct judged judged;

	judge_removal(dir, dentry, jail, &judged);
	return settle_at(op, dir, dentry, &judged, jail);
}

SEC("lsm/path_mknod")
int BPF_PROG(al_path_mknod, const struct path *dir, struct dentry *dentry, umode_t mode,
	     unsigned int dev, int ret)
{
	u32 type = mode & S_IFMT;
	struct judged judged;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	if (type == 0 || type == S_IFREG)
		return make(AL_OP_CREATE, dir, dentry, &jail);
	/* A node is the device, wherever it lies. 0:0 is overlayfs's whiteout and opens nothing. */
	if ((type == S_IFCHR || type == S_IFBLK) && dev) {
		judged = NO_RIGHTS;
		return settle_at(AL_OP_MKNOD, dir, dentry, &judged, &jail);
	}
	return make(AL_OP_MKNOD, dir, dentry, &jail);
}

SEC("lsm/path_mkdir")
int BPF_PROG(al_path_mkdir, const struct path *dir, struct dentry *dentry, umode_t mode, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return make(AL_OP_MKDIR, dir, dentry, &jail);
}

SEC("lsm/path_symlink")
int BPF_PROG(al_path_symlink, const struct path *dir, struct dentry *dentry, const char *old_name,
	     int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return make(AL_OP_SYMLINK, dir, dentry, &jail);
}

SEC("lsm/path_unlink")
int BPF_PROG(al_path_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return take_away(AL_OP_UNLINK, dir, dentry, &jail);
}

SEC("lsm/path_rmdir")
int BPF_PROG(al_path_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return take_away(AL_OP_RMDIR, dir, dentry, &jail);
}

/*
 * A new name must not bring a right: what is linked must be the session's to write under its old
 * name already.
 */
SEC("lsm/path_link")
int BPF_PROG(al_path_link, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry, int ret)
{
	struct judged judged;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge(new_dir->mnt, old_dentry, &jail, &judged);
	if (!(judged.rights & AL_WRITE))
		return settle_at(AL_OP_LINK, new_dir, old_dentry, &judged, &jail);
	return give_name(AL_OP_LINK, old_dentry, new_dir, new_dentry, &jail);
}

/* The inode of a name that may not exist. Probed: see walk.h. */
static __always_inline bool exists(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_inode) != NULL;
}

SEC("lsm/path_rename")
int BPF_PROG(al_path_rename, const struct path *old_dir, struct dentry *old_dentry,
	     const struct path *new_dir, struct dentry *new_dentry, unsigned int flags, int ret)
{
	struct judged judged;
	struct inode *other;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	judge_removal(old_dir, old_dentry, &jail, &judged);
	if (!(judged.rights & AL_WRITE))
		return settle_at(AL_OP_RENAME, old_dir, old_dentry, &judged, &jail);
	/*
	 * What is replaced goes; what is exchanged moves: the same is asked of it as of the old
	 * name.
	 */
	if (exists(new_dentry)) {
		judge_removal(new_dir, new_dentry, &jail, &judged);
		if (!(judged.rights & AL_WRITE))
			return settle_at(AL_OP_RENAME, new_dir, new_dentry, &judged, &jail);
	}
	/* An exchange gives the other one a name, too. */
	other = new_dentry->d_inode;
	if (other && (flags & RENAME_EXCHANGE) && exists(new_dentry) &&
	    rule_says(old_dir->dentry, AL_SCRATCH, &jail))
		own_for_good(other, &jail);
	return give_name(AL_OP_RENAME, old_dentry, new_dir, new_dentry, &jail);
}

SEC("lsm/path_truncate")
int BPF_PROG(al_path_truncate, const struct path *path, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return judge_and_settle(AL_OP_TRUNCATE, AL_WRITE, path->mnt, path->dentry, &jail);
}

SEC("lsm/path_chmod")
int BPF_PROG(al_path_chmod, const struct path *path, umode_t mode, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return judge_and_settle(AL_OP_CHMOD, AL_WRITE, path->mnt, path->dentry, &jail);
}

SEC("lsm/path_chown")
int BPF_PROG(al_path_chown, const struct path *path, u64 uid, u64 gid, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return judge_and_settle(AL_OP_CHOWN, AL_WRITE, path->mnt, path->dentry, &jail);
}

SEC("lsm/path_chroot")
int BPF_PROG(al_path_chroot, const struct path *path, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return judge_and_settle(AL_OP_CHROOT, AL_READ, path->mnt, path->dentry, &jail);
}

/*
 * The daemon asks for an object's number by watching it: user space cannot know s_dev nor the
 * generation.
 */
static __always_inline void note_number(struct inode *inode)
{
	u32 zero = 0, tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct al_numbering *asked = bpf_map_lookup_elem(&numbering, &zero);
	struct al_number number = {}, twin;

	if (!asked || !asked->tgid || asked->tgid != tgid)
		return;
	if (BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_PROC && proc_twin(inode, &twin)) {
		if (bpf_map_update_elem(&numbers, &twin, &asked->object, BPF_ANY))
			return;
		asked->numbers[1] = twin;
	}
	number.ino = BPF_CORE_READ(inode, i_ino);
	number.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	number.generation = BPF_CORE_READ(inode, i_generation);
	if (bpf_map_update_elem(&numbers, &number, &asked->object, BPF_ANY))
		return;
	asked->numbers[0] = number;
	asked->object = 0;
}

/* What making a name in this directory, or what is there, would be judged. */
static __always_inline void judge_named(const struct path *path, u64 name, const struct jail *jail,
					struct judged *out_judged)
{
	struct al_rule *named;

	judge_open(path->mnt, path->dentry, jail, out_judged);
	if (!name)
		return;
	named = rule_of_hash(path->dentry, name, jail);
	if (named && !(named->rights & AL_WRITE))
		*out_judged = (struct judged){.rights = named->rights & AL_HIDE, .rule = named->id};
	else if ((out_judged->rights & AL_SCRATCH) && !out_judged->distance)
		out_judged->rights |= AL_WRITE;
	else if (out_judged->rights & AL_SELF)
		out_judged->rights = 0;
}

/* The daemon asks on behalf of a session: decided as for that, and neither counted nor reported. */
static __always_inline void answer(const struct path *path)
{
	u32 zero = 0, tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct al_question *asked = bpf_map_lookup_elem(&question, &zero);
	struct judged judged = NO_RIGHTS;
	struct jail jail;

	if (!asked || !asked->tgid || asked->tgid != tgid)
		return;
	jail.cgroup = asked->cgroup;
	jail.slot = asked->slot & (AL_MAX_SESSIONS - 1);
	jail.flags = asked->flags;
	judge_named(path, asked->name, &jail, &judged);
	asked->rights = judged.rights;
	asked->rule = judged.rule;
	asked->distance = judged.distance;
	asked->tgid = 0;
}

SEC("lsm/path_notify")
int BPF_PROG(al_path_notify, const struct path *path, u64 mask, unsigned int obj_type, int ret)
{
	struct dentry *dentry = path->dentry;
	struct attempt attempt = {
		.op = AL_OP_WATCH, .want = AL_READ, .mnt = path->mnt, .dentry = dentry};
	struct judged judged = NO_RIGHTS;
	struct jail jail;

	if (ret)
		return ret;
	if (!jailed(&jail)) {
		note_number(BPF_CORE_READ(dentry, d_inode));
		answer(path);
		return 0;
	}
	/*
	 * A watch on a whole mount or file system (obj_type other than 0, an inode) sees what no
	 * rule can bound; one that asks for permission makes everybody outside wait for the jailed.
	 */
	if (!obj_type && !(mask & FAN_PERMISSION))
		judge(path->mnt, dentry, &jail, &judged);
	return settle(&attempt, &judged, &jail);
}
