/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the kernel's types as far as we read them. Every access is relocated by name against
 * the running kernel's BTF (CO-RE), so that nothing here depends on a version and no BTF is needed
 * to build.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#ifndef NULL
#define NULL ((void *)0)
#endif
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef unsigned short umode_t;

#define EPERM 1
#define ENOENT 2

#define S_IFMT 00170000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IROTH 00004

/*
 * include/linux/fs.h; stable since 2.6 but for FMODE_EXEC, which open(2) never sets from user
 * flags.
 */
#define FMODE_READ 1U
#define FMODE_WRITE 2U
#define FMODE_PATH 0x4000U
#define O_TRUNC 01000
#define F_FLAG_EXEC 0x20
#define RENAME_EXCHANGE 2U
#define F_TMPFILE 020000000 /* __O_TMPFILE */

#define ATTR_MODE (1U << 0)
#define ATTR_UID (1U << 1)
#define ATTR_GID (1U << 2)
#define ATTR_SIZE (1U << 3)
#define ATTR_FORCE (1U << 9)

#define CLONE_INTO_CGROUP 0x200000000ULL
/* FAN_OPEN_PERM, FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_PRE_ACCESS */
#define FAN_PERMISSION 0x170000ULL
#define PTRACE_MODE_NOAUDIT 0x04U
#define PF_SIGNALED 0x00000400U /* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010U /* include/linux/sched.h; unchanged since 5.12 */

/* s_magic, include/uapi/linux/magic.h; mqueue's is in ipc/mqueue.c, pipefs' and others' are uapi.
 */
/* A superblock that user space can never mount: of pipes, sockets, memfds (include/linux/fs.h). */
#define SB_NOUSER (1UL << 31)
#define MAGIC_PROC 0x9fa0
#define MAGIC_SYSFS 0x62656572
#define MAGIC_CGROUP2 0x63677270
#define MAGIC_DEVPTS 0x1cd1
#define MAGIC_MQUEUE 0x19800202
#define MAGIC_NSFS 0x6e736673
#define MAGIC_TMPFS 0x01021994

#define DEV_MAJOR(dev) ((u32)(dev) >> 20)
#define DEV_MINOR(dev) ((u32)(dev)&0xfffff)
#define DEV(major, minor) ((u32)(major) << 20 | (u32)(minor))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct file_system_type {
	const char *name;
};

struct fs_context {
	struct file_system_type *fs_type;
};

struct user_namespace;

struct super_block {
	u32 s_dev;
	struct user_namespace *s_user_ns;
	unsigned long s_flags;
	unsigned long s_magic;
};

struct inode {
	umode_t i_mode;
	unsigned long i_ino;
	u32 i_rdev;
	u32 i_generation;
	struct super_block *i_sb;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mnt_namespace;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
	unsigned int f_flags;
	unsigned int f_mode;
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock;

struct sock_reuseport {
	u16 num_socks;
	struct sock *socks[1];
};

struct sock {
	struct sock_reuseport *sk_reuseport_cb;
	struct sock_cgroup_data sk_cgrp_data;
};

struct unix_sock {
	struct sock *peer;
	struct unix_address *addr;
	struct path path;
};

struct socket {
	struct sock *sk;
};

struct key_type {
	const char *name;
};

struct key {
	int serial;
	struct key_type *type;
};

struct kern_ipc_perm {
	int id;
};

struct iattr {
	unsigned int ia_valid;
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[1];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
	void *driver_data;
};

struct signal_struct {
	struct tty_struct *tty;
};

struct ns_common {
	unsigned int inum;
};

struct uts_namespace {
	struct ns_common ns;
};
struct ipc_namespace {
	struct ns_common ns;
};
struct mnt_namespace {
	struct ns_common ns;
};
struct pid_namespace {
	struct ns_common ns;
};
struct net {
	struct ns_common ns;
};
struct time_namespace {
	struct ns_common ns;
};
struct cgroup_namespace {
	struct ns_common ns;
};
struct user_namespace {
	int level;
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct cgroup_namespace *cgroup_ns;
};

typedef struct {
	u64 val;
} kernel_cap_t;

struct cred {
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct pid {
	struct hlist_head tasks[4];
};

struct task_struct {
	unsigned int flags;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct hlist_node pid_links[4];
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
	void *io_uring; /* NULL until the task uses it; CONFIG_IO_URING */
};

struct proc_dir_entry;
struct ctl_table_header;
struct ctl_table;

struct proc_inode {
	struct pid *pid;
	struct proc_dir_entry *pde;
	struct ctl_table_header *sysctl;
	struct ctl_table *sysctl_entry;
	struct inode vfs_inode;
};

#pragma clang attribute pop

/* The object that holds member at ptr; a probe-read address, never dereferenced directly. */
#define core_container_of(ptr, type, member) \
	((type *)((void *)(ptr)-bpf_core_field_offset(type, member)))

char LICENSE[] SEC("license") __weak = "GPL";

#endif
