/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mount.bpf.c - mounts: none, by default.
 *
 *   sb_alloc_security        a new superblock, by whichever interface
 *   sb_mount move_mount      mount(2) of all kinds; attaching a tree
 *   fs_context_parse_param   fsconfig(2)
 *   sb_umount sb_remount sb_pivotroot
 *
 * A session whose policy allows user namespaces may do in one of its own what shows nothing new:
 * rules are about inodes, so a bind mount or a new root changes no right. Of file systems it gets
 * those whose objects we can tell: tmpfs (its superblock is remembered as born here), proc (decided by
 * process), devpts and mqueue (decided by birth). Not one that stacks on or is served from something
 * else: overlayfs empties its workdir without any path hook, a FUSE server answers for files of its
 * choice.
 */
#include "judge.h"

/* In a user namespace of the session's own making; the mount namespace it acts on belongs to that. */
static __always_inline bool own_view(const struct jail *jail)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (jail->flags & AL_USERNS) && BPF_CORE_READ(task, cred, user_ns, level) > 0;
}

/* A type's name is its identity: register_filesystem() refuses a second of the same. */
static __always_inline bool tellable(const char *type)
{
	union {
		char text[8];
		u64 word;
	} name = {.word = 0}, tmpfs = {.text = "tmpfs"}, proc = {.text = "proc"},
	  devpts = {.text = "devpts"}, mqueue = {.text = "mqueue"};

	if (bpf_probe_read_kernel_str(name.text, sizeof(name.text), type) < 0)
		return false;
	return name.word == tmpfs.word || name.word == proc.word || name.word == devpts.word ||
	       name.word == mqueue.word;
}

/* Its own user namespace counts, not the task's: an IPC namespace brings a superblock before the task is in. */
SEC("lsm/sb_alloc_security")
int BPF_PROG(al_sb_alloc, struct super_block *sb, int ret)
{
	u64 address = (u64)sb;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	if (!(jail.flags & AL_USERNS) || !BPF_CORE_READ(sb, s_user_ns, level))
		return refuse(AL_OP_MOUNT, 0, 0, &jail);
	/* Full: it isn't remembered, and the session can't use what it made. */
	bpf_map_update_elem(&made_inside, &address, &jail.cgroup, BPF_ANY);
	return 0;
}

SEC("lsm/sb_free_security")
int BPF_PROG(al_sb_free, struct super_block *sb)
{
	u64 address = (u64)sb;

	bpf_map_delete_elem(&made_inside, &address);
	return 0;
}

/* Flags that act on what is mounted already; with any of them the type is not looked at. */
#define MS_REMOUNT 32
#define MS_BIND 4096
#define MS_MOVE 8192
#define MS_PROPAGATION \
	(0x20000 | 0x40000 | 0x80000 | 0x100000) /* unbindable private slave shared */

SEC("lsm/sb_mount")
int BPF_PROG(al_sb_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags, void *data, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	if (own_view(&jail) &&
	    ((flags & (MS_REMOUNT | MS_BIND | MS_MOVE | MS_PROPAGATION)) || tellable(type)))
		return 0;
	return refuse_name(AL_OP_MOUNT, type ? AL_LABEL_FILESYSTEM : 0, type, &jail);
}

/* The hook's own answer for "not mine" is -ENOPARAM; 0 lets it be given. */
SEC("lsm/fs_context_parse_param")
int BPF_PROG(al_fs_param, struct fs_context *fc, void *param, int ret)
{
	const char *type = BPF_CORE_READ(fc, fs_type, name);
	struct jail jail;

	if (ret || !jailed(&jail) || (own_view(&jail) && tellable(type)))
		return ret;
	return refuse_name(AL_OP_MOUNT, AL_LABEL_FILESYSTEM, type, &jail);
}

static __always_inline int change_mount(int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || own_view(&jail))
		return ret;
	return refuse(AL_OP_MOUNT, 0, 0, &jail);
}

SEC("lsm/move_mount")
int BPF_PROG(al_move_mount, const struct path *from_path, const struct path *to_path, int ret)
{
	return change_mount(ret);
}

SEC("lsm/sb_umount")
int BPF_PROG(al_sb_umount, struct vfsmount *mnt, int flags, int ret)
{
	return change_mount(ret);
}

SEC("lsm/sb_remount")
int BPF_PROG(al_sb_remount, struct super_block *sb, void *mnt_opts, int ret)
{
	return change_mount(ret);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(al_pivotroot, const struct path *old_path, const struct path *new_path, int ret)
{
	return change_mount(ret);
}
