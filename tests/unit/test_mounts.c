/* SPDX-License-Identifier: GPL-2.0-only */
/* The mount table is read as the kernel writes it, and nothing else is taken for one. */
#include "../tap.h"

#include <sched.h>
#include <sys/mount.h>

#include "mounts.h"

static const char table[] =
	"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"22 21 0:21 / /proc rw,nosuid - proc proc rw\n"
	"23 21 0:30 /@home /home rw shared:2 master:1 - btrfs /dev/sdb rw,subvol=/@home\n"
	"24 23 8:17 / /home/ana/with\\040blank\\012line\\134 rw - ext4 /dev/sdb1 rw\n"
	"25 21 8:17 /part /mnt rw - ext4 /dev/sdb1 rw\n"
	"26 21 0:40 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

static void reads_the_table(void)
{
	struct mounts mounts;
	struct fail f = {0};

	if (!ok(mounts_parse(table, &mounts, &f) == 0, "a mount table is read"))
		return;
	ok(mounts.len == 6, "every line is one mount");
	is_str(mounts.entries[3].point, "/home/ana/with blank\nline\\", "octal escapes are undone");
	is_str(mounts.entries[2].root, "/@home", "the root of a mount is kept");
	ok(mounts.entries[0].major == 8 && mounts.entries[0].minor == 1,
	   "the device number is read");
	is_str(mounts_of_type(&mounts, "cgroup2")->point, "/sys/fs/cgroup",
	       "a mount is found by its type");
	ok(!mounts_of_type(&mounts, "cgroup"), "a type is compared whole");
	is_str(mounts_at(&mounts, "/mnt")->root, "/part", "a mount is found by its place");
	is_str(mounts_of_device(&mounts, 8 << 20 | 17)->point, "/home/ana/with blank\nline\\",
	       "a device is found where the whole of it is mounted, not a part");
	ok(!mounts_of_device(&mounts, 30), "a device of which only a part is mounted is nowhere");
	mounts_done(&mounts);
}

static void refuses_what_is_none(void)
{
	static const char *const bad[] = {
		"nonsense\n",
		"21 1 8:1 / /\n",
		"21 1 8:1 / / rw\n",
		"21 1 x:y / / rw - ext4 a rw\n",
		"21 1 8:1 / / rw shared:1\n",
	};
	struct mounts mounts;
	struct fail f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&f, 0, sizeof(f));
		ok(mounts_parse(bad[i], &mounts, &f) == -1 && f.msg[0],
		   "bad line %zu is refused with a reason", i);
	}
	ok(mounts_parse("", &mounts, NULL) == 0 && mounts.len == 0, "an empty table has no mounts");
}

static void reads_this_machine(void)
{
	struct mounts mounts;

	ok(mounts_read(&mounts, NULL) == 0 && mounts_at(&mounts, "/"),
	   "this machine's own table has a root");
	mounts_done(&mounts);
}

static void keeps_up(void)
{
	struct mounts_cache cache = {0};
	const struct mounts *mounts = mounts_now(&cache);
	size_t before = mounts ? mounts->len : 0;

	ok(before && mounts_now(&cache) == mounts && mounts->len == before,
	   "the table that is kept is this machine's");
	/* /proc/self/mountinfo is of the namespace that it was opened in. */
	mounts_cache_done(&cache);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		ok(true, "a mount is noticed # SKIP may not mount");
		return;
	}
	before = mounts_now(&cache)->len;
	(void)!mount("none", "/mnt", "tmpfs", 0, NULL);
	mounts = mounts_now(&cache);
	ok(mounts && mounts->len == before + 1 &&
		   strcmp(mounts_at(mounts, "/mnt")->type, "tmpfs") == 0,
	   "a mount is noticed");
	umount("/mnt");
	mounts = mounts_now(&cache);
	ok(mounts && mounts->len == before, "so is its end");
	mounts_cache_done(&cache);
}

static void compares_components(void)
{
	ok(path_below("/a/b", "/a"), "/a/b is below /a");
	ok(!path_below("/a", "/a"), "/a is not below itself");
	ok(!path_below("/ab", "/a"), "/ab is not below /a");
	ok(path_below("/a", "/"), "/a is below /");
	ok(!path_below("/", "/"), "/ is not below itself");
}

int main(void)
{
	reads_the_table();
	refuses_what_is_none();
	reads_this_machine();
	keeps_up();
	compares_components();
	return tap_done();
}
