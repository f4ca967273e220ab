/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inode.bpf.c - what changes a file without any path hook: times, extended attributes, access
 * control lists, flags.
 *
 *   inode_setattr                        utimensat; also once more what path_chmod, path_chown,
 *                                        path_truncate decided
 *   inode_setxattr inode_removexattr     every attribute; up to 6.1 access control lists too
 *   inode_set_acl inode_remove_acl       from 6.2 on
 *   inode_getxattr                       user.* attributes: they are content; the others are
 *                                        metadata, as stat's
 *   inode_file_setattr                   flags set by name (from 6.17 on; before that it needs an
 *                                        open descriptor)
 *
 * No mount comes with these: their text begins at the file system's root, the reader puts the
 * mount point before it.
 */
#include "judge.h"

static __always_inline int change(u32 op, u32 want, struct dentry *dentry, const struct jail *jail)
{
	if (on_behalf_of_a_mount())
		return 0;
	return judge_and_settle(op, want, NULL, dentry, jail);
}

/*
 * Only times are news here: the rest was decided and counted by a path hook a moment ago, writes
 * by the open.
 */
static __always_inline int set_attributes(struct dentry *dentry, struct iattr *attr,
					  const struct jail *jail)
{
	struct attempt attempt = {.op = AL_OP_CHMOD, .want = AL_WRITE, .dentry = dentry};
	u32 valid = BPF_CORE_READ(attr, ia_valid);
	struct judged judged;

	if (on_behalf_of_a_mount())
		return 0;
	/* Before it is asked what it is about: the verifier goes through it once. */
	judge(NULL, dentry, jail, &judged);
	if (!(valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE | ATTR_FORCE)))
		attempt.op = AL_OP_UTIMES;
	/* ATTR_FORCE: the kernel's own, when a write takes set-id bits away. */
	else if ((valid & ATTR_FORCE) || (judged.rights & AL_WRITE))
		return 0;
	else if (valid & ATTR_SIZE)
		attempt.op = AL_OP_TRUNCATE;
	return settle(&attempt, &judged, jail);
}

SEC("?lsm/inode_setattr")
int BPF_PROG(al_inode_setattr, void *idmap, struct dentry *dentry, struct iattr *attr, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return set_attributes(dentry, attr, &jail);
}

/* Before 6.3 the hook had no idmap (commit c14329d39f2d). */
SEC("?lsm/inode_setattr")
int BPF_PROG(al_inode_setattr_v61, struct dentry *dentry, struct iattr *attr, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return set_attributes(dentry, attr, &jail);
}

/*
 * Does the attribute's name begin with this prefix? The name is a kernel copy: nobody changes it
 * meanwhile.
 */
#define HAS_PREFIX(name, prefix) has_prefix(name, prefix, sizeof(prefix) - 1)
static __always_inline bool has_prefix(const char *name, const char *prefix, u32 len)
{
	char begin[24] = {};
	u32 i;

	bpf_probe_read_kernel_str(begin, sizeof(begin), name);
	for (i = 0; i < len; i++)
		if (begin[i] != prefix[i])
			return false;
	return true;
}

static __always_inline u32 xattr_op(const char *name)
{
	return HAS_PREFIX(name, "system.posix_acl_") ? AL_OP_ACL : AL_OP_XATTR;
}

SEC("lsm/inode_setxattr")
int BPF_PROG(al_inode_setxattr, void *idmap, struct dentry *dentry, const char *name,
	     const void *value, u64 size, int flags, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return change(xattr_op(name), AL_WRITE, dentry, &jail);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(al_inode_removexattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return change(xattr_op(name), AL_WRITE, dentry, &jail);
}

SEC("lsm/inode_getxattr")
int BPF_PROG(al_inode_getxattr, struct dentry *dentry, const char *name, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || !HAS_PREFIX(name, "user."))
		return ret;
	return change(AL_OP_XATTR, AL_READ, dentry, &jail);
}

SEC("?lsm/inode_set_acl")
int BPF_PROG(al_inode_set_acl, void *idmap, struct dentry *dentry, const char *acl_name, void *kacl,
	     int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return change(AL_OP_ACL, AL_WRITE, dentry, &jail);
}

SEC("?lsm/inode_remove_acl")
int BPF_PROG(al_inode_remove_acl, void *idmap, struct dentry *dentry, const char *acl_name, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return change(AL_OP_ACL, AL_WRITE, dentry, &jail);
}

SEC("?lsm/inode_file_setattr")
int BPF_PROG(al_inode_file_setattr, struct dentry *dentry, void *fa, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return change(AL_OP_CHMOD, AL_WRITE, dentry, &jail);
}
