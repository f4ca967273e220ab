/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pseudo.h - objects that no rule names: decided by what they are. Asked only after the walk met no
 * rule, but for device nodes, which are decided by number wherever they lie.
 */
#ifndef PSEUDO_H
#define PSEUDO_H

#include "walk.h"

/* Allowed as the kernel's own doing: counted as system use, never listed. */
#define PSEUDO_ALL (AL_READ | AL_WRITE | AL_EXEC | AL_SYSTEM)
#define PSEUDO_READ (AL_READ | AL_EXEC | AL_SYSTEM)

#define PIDTYPE_PID 0 /* include/linux/pid_types.h, first since 2.6 */

/* The device number of the caller's controlling terminal, 0 if it has none. */
static __always_inline u32 own_terminal(void **out_driver_data)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

	if (!tty)
		return 0;
	*out_driver_data = BPF_CORE_READ(tty, driver_data);
	return DEV(BPF_CORE_READ(tty, driver, major),
		   BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index));
}

static __always_inline bool sb_born_here(struct super_block *sb, const struct jail *jail)
{
	u64 address = (u64)sb, *owner = bpf_map_lookup_elem(&made_inside, &address);

	return owner && *owner == jail->cgroup;
}

/*
 * A pseudo terminal's number says nothing without its devpts instance. Its dentry does: the slave's
 * driver_data is it (ptmx_open() in drivers/tty/pty.c). One opened by a process of this session was
 * marked at birth.
 */
static __always_inline u32 pty_rights(struct dentry *dentry, struct inode *inode,
				      const struct jail *jail)
{
	void *own = NULL;

	if (born_here(inode, jail))
		return PSEUDO_ALL;
	return own_terminal(&own) && own == (void *)dentry ? PSEUDO_ALL : 0;
}

/* Character and block devices, by number: the harmless ones, and the session's own terminals. */
static __always_inline u32 device_rights(struct dentry *dentry, struct inode *inode,
					 const struct jail *jail)
{
	void *unused = NULL;
	u32 dev = inode->i_rdev;

	if ((inode->i_mode & S_IFMT) != S_IFCHR)
		return 0;
	switch (dev) {
	case DEV(1, 3): /* null */
	case DEV(1, 5): /* zero */
	case DEV(1, 7): /* full */
	case DEV(1, 8): /* random */
	case DEV(1, 9): /* urandom */
	case DEV(5, 0): /* tty: the opener's own, whatever it is */
	case DEV(5, 2): /* ptmx */
		return PSEUDO_ALL;
	}
	if (BPF_CORE_READ(dentry, d_sb, s_magic) == MAGIC_DEVPTS)
		return pty_rights(dentry, inode, jail);
	return own_terminal(&unused) == dev ? PSEUDO_ALL : 0;
}

/*
 * The session of the process that a procfs inode is about: container_of(inode)->pid, as procfs
 * itself finds it.
 */
static __always_inline bool proc_pid_inside(struct pid *pid, const struct jail *jail)
{
	struct hlist_node *link = BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);

	if (!link)
		return false;
	return same_session(core_container_of(link, struct task_struct, pid_links[PIDTYPE_PID]),
			    jail);
}

/*
 * What is the same in every instance of procfs: the entry behind an inode, or the line of a sysctl
 * table and its header (without it a table's address could come back as another's). Whoever holds
 * the inode holds them. No inode number looks like that.
 */
static __always_inline bool proc_twin(struct inode *inode, struct al_number *out_twin)
{
	struct proc_inode *proc = core_container_of(inode, struct proc_inode, vfs_inode);

	out_twin->ino = (u64)BPF_CORE_READ(proc, pde);
	if (!out_twin->ino)
		out_twin->ino = (u64)BPF_CORE_READ(proc, sysctl_entry);
	out_twin->dev = (u32)((u64)BPF_CORE_READ(proc, sysctl) >> 4);
	out_twin->generation = (u32)-1;
	return out_twin->ino;
}

/*
 * A rule for /proc/meminfo is about that of the procfs that the daemon sees. In one that the session
 * mounted for itself it is the same file. Only while the daemon is there: see proc_twin().
 */
static __always_inline bool proc_twin_rights(struct inode *inode, const struct jail *jail,
					     u32 distance, u32 *out_rights)
{
	struct al_number twin;
	struct al_rule *rule;
	u32 *object;

	if (!proc_twin(inode, &twin))
		return false;
	object = bpf_map_lookup_elem(&numbers, &twin);
	rule = object ? rule_for(jail->slot, *object) : NULL;
	if (!rule || (rule->rights & AL_PASS))
		return false;
	*out_rights = (rule->rights & AL_SELF) && distance ? 0 : rule->rights & ~AL_SELF;
	return true;
}

/* An object as a global function can take it: read by probe only. */
struct probed {
	struct dentry *dentry;
};

/*
 * procfs: what is below a process's directory belongs to that process. Files of /proc/PID/net carry
 * no pid of their own, their parents do. Files about no process are for the policy to name.
 */
__weak u32 proc_rights(const struct probed *probed, const struct jail *jail)
{
	struct dentry *dentry;
	u32 rights, i;
	bool own;

	if (!probed || !jail)
		return 0;
	dentry = probed->dentry;
	own = attended_by && sb_born_here(BPF_CORE_READ(dentry, d_sb), jail);
	for (i = 0; i < 8; i++) {
		struct inode *inode = BPF_CORE_READ(dentry, d_inode);
		struct pid *pid =
			BPF_CORE_READ(core_container_of(inode, struct proc_inode, vfs_inode), pid);

		if (!inode)
			return 0;
		if (pid)
			return proc_pid_inside(pid, jail) ? PSEUDO_ALL : 0;
		if (own && proc_twin_rights(inode, jail, i, &rights))
			return rights;
		dentry = BPF_CORE_READ(dentry, d_parent);
	}
	return 0;
}

#define IS_OWN(space) (BPF_CORE_READ(nsproxy, space, ns.inum) == inum)

/* A namespace file gives its holder nothing new if the namespace is the caller's own. */
__weak u32 namespace_rights(u32 inum)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct nsproxy *nsproxy = BPF_CORE_READ(task, nsproxy);

	if (IS_OWN(mnt_ns) || IS_OWN(net_ns) || IS_OWN(pid_ns_for_children) || IS_OWN(uts_ns) ||
	    IS_OWN(ipc_ns) || IS_OWN(time_ns) || IS_OWN(cgroup_ns) ||
	    BPF_CORE_READ(task, cred, user_ns, ns.inum) == inum)
		return PSEUDO_READ;
	return 0;
}

/*
 * A mount that the kernel keeps to itself (MNT_NS_INTERNAL, ERR_PTR(-EINVAL), fs/mount.h): pipes,
 * sockets, memfds and anonymous inodes reopened through /proc/self/fd, and the layers below a
 * stacking file system, whose outer object was decided when it was opened. Nothing on one can be
 * reached by a name.
 */
static __always_inline bool internal_mount(struct vfsmount *mnt)
{
	return (long)BPF_CORE_READ(core_container_of(mnt, struct mount, mnt), mnt_ns) == -22;
}

/* Rights on an object that no rule names. mnt may be NULL where a hook gets none. */
static __always_inline u32 pseudo_rights(struct vfsmount *mnt, struct dentry *dentry,
					 struct inode *inode, const struct jail *jail)
{
	struct probed probed = {.dentry = dentry};

	switch (BPF_CORE_READ(dentry, d_sb, s_magic)) {
	case MAGIC_PROC:
		return proc_rights(&probed, jail);
	case MAGIC_SYSFS: /* what root alone may read there: devices' memory, addresses, serial numbers */
		return inode->i_mode & S_IROTH ? PSEUDO_READ : 0;
	case MAGIC_CGROUP2:
		return PSEUDO_READ;
	case MAGIC_NSFS:
		return namespace_rights((u32)inode->i_ino);
	case MAGIC_DEVPTS: /* the directory; its terminals are devices */
		return PSEUDO_READ;
	case MAGIC_MQUEUE: /* on an internal mount, yet everybody's of the namespace */
		return born_here(inode, jail) ? PSEUDO_ALL : 0;
	case MAGIC_TMPFS: /* mounted by the session in a user namespace of its own */
		if (sb_born_here(BPF_CORE_READ(dentry, d_sb), jail))
			return PSEUDO_ALL;
		break;
	}
	if (BPF_CORE_READ(dentry, d_sb, s_flags) & SB_NOUSER)
		return PSEUDO_ALL;
	return mnt && internal_mount(mnt) ? PSEUDO_ALL : 0;
}

#endif
