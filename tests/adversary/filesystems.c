/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filesystems.c - F: what file systems offer besides files: objects pinned in them, accounting, swap,
 * quota, commands of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adversary.h"

/* bpffs: pinned there, an object outlives the session. */

#define PIN "/sys/fs/bpf/agent-lock-adversary"

static int f33_pin(const struct world *world)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	union bpf_attr pin = {.pathname = (unsigned long)PIN};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map));

	(void)world;
	if (fd < 0)
		return errno;
	pin.bpf_fd = (unsigned int)fd;
	return result(syscall(SYS_bpf, BPF_OBJ_PIN, &pin, sizeof(pin)));
}

static int f33_directory(const struct world *world)
{
	(void)world;
	return result(mkdir(PIN, 0700));
}

static bool f33_is_there(const struct world *world)
{
	(void)world;
	return access(PIN, F_OK) == 0;
}

static void f33_take_away(struct world *world)
{
	(void)world;
	if (unlink(PIN))
		rmdir(PIN);
}

/* Accounting, swap and quota: asked such that it fails with 'granted' if one may. */

static int permitted(long ret, int granted)
{
	return ret == 0 || errno == granted ? 0 : errno;
}

static int f34_account(const struct world *world)
{
	(void)world;
	if (make_file("accounts", ""))
		return why_not("a file cannot be made");
	return result(acct("accounts"));
}

static void f34_account_no_more(struct world *world)
{
	(void)world;
	(void)acct(NULL);
}

static int f34_swap(const struct world *world)
{
	(void)world;
	return permitted(swapon("there-is-none", 0), ENOENT);
}

static int f34_quota(unsigned int command)
{
	struct statfs fs;
	int flags = 0, fd = open(".", O_RDONLY | O_DIRECTORY);

	/* Others say that they have no quota before they say who may ask. */
	if (fstatfs(fd, &fs) || fs.f_type != XFS_SUPER_MAGIC)
		return why_not("no file system that has quota");
	if (syscall(SYS_quotactl_fd, fd, QCMD(command, USRQUOTA), 0, &flags) == 0)
		return 0;
	return errno == EPERM ? EPERM : 0; /* quota is not on */
}

#define Q_XQUOTAON_ 0x5801 /* linux/dqblk_xfs.h doesn't go with sys/quota.h */

static int f34_quota_on(const struct world *world)
{
	(void)world;
	return f34_quota(Q_XQUOTAON_);
}

static int f34_quota_information(const struct world *world)
{
	(void)world;
	return f34_quota(Q_GETINFO);
}

/* What a file system can be told through a descriptor of one's own. */

static int f38_freeze(const struct world *world)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	(void)world;
	if (ioctl(fd, FIFREEZE, 0))
		return errno;
	return result(ioctl(fd, FITHAW, 0));
}

static int f38_label(const struct world *world)
{
	char label[FSLABEL_MAX] = "al";

	(void)world;
	return result(ioctl(open(".", O_RDONLY | O_DIRECTORY), FS_IOC_SETFSLABEL, label));
}

static int f38_mount_btrfs(struct world *world)
{
	return mount_new("btrfs", world->project);
}

static void f38_unmount(struct world *world)
{
	umount2(world->project, MNT_DETACH);
}

static int f38_subvolume(const struct world *world)
{
	struct btrfs_ioctl_vol_args args = {.name = "new"};

	return result(ioctl(open(world->project, O_RDONLY | O_DIRECTORY), BTRFS_IOC_SUBVOL_CREATE,
			    &args));
}

static int f38_snapshot(const struct world *world)
{
	int fd = open(world->project, O_RDONLY | O_DIRECTORY);
	struct btrfs_ioctl_vol_args_v2 args = {.fd = fd, .name = "snapshot"};

	return result(ioctl(fd, BTRFS_IOC_SNAP_CREATE_V2, &args));
}

/* Names of files, whatever directory they are in. */
static int f38_search(const struct world *world)
{
	static struct btrfs_ioctl_search_args args = {
		.key = {.tree_id = BTRFS_FS_TREE_OBJECTID,
			.max_objectid = UINT64_MAX,
			.max_offset = UINT64_MAX,
			.max_transid = UINT64_MAX,
			.max_type = UINT32_MAX,
			.nr_items = 8},
	};

	return result(
		ioctl(open(world->project, O_RDONLY | O_DIRECTORY), BTRFS_IOC_TREE_SEARCH, &args));
}

static const struct escape escapes[] = {
	{"F33", "pin a BPF object", ROOT_ONLY, .attempt = f33_pin, .reached = f33_is_there,
	 .cleanup = f33_take_away, .logged = "bpf capability"},
	{"F33", "make a directory in bpffs", ROOT_ONLY, .attempt = f33_directory,
	 .reached = f33_is_there, .cleanup = f33_take_away, .logged = "mkdir"},
	{"F34", "acct", ROOT_ONLY | GUEST_ONLY, .attempt = f34_account,
	 .cleanup = f34_account_no_more, .logged = "capability"},
	{"F34", "swapon", ROOT_ONLY, .attempt = f34_swap, .logged = "capability"},
	{"F34", "quota on", ROOT_ONLY | GUEST_ONLY, .attempt = f34_quota_on,
	 .logged = "capability"},
	{"F34", "quota's state", ROOT_ONLY | GUEST_ONLY, .attempt = f34_quota_information,
	 .logged = "system"},
	{"F38", "freeze the project's file system", ROOT_ONLY | GUEST_ONLY, .attempt = f38_freeze,
	 .logged = "capability"},
	{"F38", "label the project's file system", ROOT_ONLY | GUEST_ONLY, .attempt = f38_label,
	 .logged = "ioctl"},
	{"F38", "btrfs: make a subvolume", ROOT_ONLY | GUEST_ONLY, .prepare = f38_mount_btrfs,
	 .attempt = f38_subvolume, .cleanup = f38_unmount, .logged = "ioctl", .policy = ""},
	{"F38", "btrfs: make a snapshot", ROOT_ONLY | GUEST_ONLY, .prepare = f38_mount_btrfs,
	 .attempt = f38_snapshot, .cleanup = f38_unmount, .logged = "ioctl", .policy = ""},
	{"F38", "btrfs: search its trees", ROOT_ONLY | GUEST_ONLY, .prepare = f38_mount_btrfs,
	 .attempt = f38_search, .cleanup = f38_unmount, .logged = "ioctl", .policy = ""},
	{"F40", "have a look-up mount or fetch something",
	 .reason = "names are looked up freely; what is opened then is decided"},
};

const struct family filesystems = {escapes, LEN(escapes)};
