/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lsm_kernel.c - see lsm_kernel.h; and lsm_supported(): the questions to ask a kernel before a map
 * is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "lsm_kernel.h"
#include "util.h"

#define LSM_LIST "/sys/kernel/security/lsm"

const struct lsm_program lsm_programs[] = {
	{"al_file_open", "file_open", 1, PATH_PLAIN, NULL},
	{"al_file_open_v7", "file_open", 1, PATH_UNION, NULL},
	{"al_file_receive", "file_receive", 1, PATH_PLAIN, NULL},
	{"al_file_receive_v7", "file_receive", 1, PATH_UNION, NULL},
	{"al_file_truncate", "file_truncate", 1, PATH_PLAIN,
	 "path_truncate sees ftruncate on this kernel"},
	{"al_file_truncate_v7", "file_truncate", 1, PATH_UNION,
	 "path_truncate sees ftruncate on this kernel"},
	{"al_d_instantiate", "d_instantiate", 2, PATH_ANY, NULL},
	{"al_path_mknod", "path_mknod", 4, PATH_ANY, NULL},
	{"al_path_mkdir", "path_mkdir", 3, PATH_ANY, NULL},
	{"al_path_symlink", "path_symlink", 3, PATH_ANY, NULL},
	{"al_path_unlink", "path_unlink", 2, PATH_ANY, NULL},
	{"al_path_rmdir", "path_rmdir", 2, PATH_ANY, NULL},
	{"al_path_link", "path_link", 3, PATH_ANY, NULL},
	{"al_path_rename", "path_rename", 5, PATH_ANY, NULL},
	{"al_path_truncate", "path_truncate", 1, PATH_ANY, NULL},
	{"al_path_chmod", "path_chmod", 2, PATH_ANY, NULL},
	{"al_path_chown", "path_chown", 3, PATH_ANY, NULL},
	{"al_path_chroot", "path_chroot", 1, PATH_ANY, NULL},
	{"al_path_notify", "path_notify", 3, PATH_ANY, NULL},
	{"al_inode_setattr", "inode_setattr", 3, PATH_ANY, NULL},
	{"al_inode_setattr_v61", "inode_setattr", 2, PATH_ANY, NULL},
	{"al_inode_setxattr", "inode_setxattr", 6, PATH_ANY, NULL},
	{"al_inode_removexattr", "inode_removexattr", 3, PATH_ANY, NULL},
	{"al_inode_getxattr", "inode_getxattr", 2, PATH_ANY, NULL},
	{"al_inode_set_acl", "inode_set_acl", 4, PATH_ANY,
	 "inode_setxattr sees access control lists on this kernel"},
	{"al_inode_remove_acl", "inode_remove_acl", 3, PATH_ANY,
	 "inode_removexattr sees them on this kernel"},
	{"al_inode_file_setattr", "inode_file_setattr", 2, PATH_ANY,
	 "flags need an open descriptor on this kernel"},
	{"al_task_alloc", "task_alloc", 2, PATH_ANY, NULL},
	{"al_sb_alloc", "sb_alloc_security", 1, PATH_ANY, NULL},
	{"al_sb_free", "sb_free_security", 1, PATH_ANY, NULL},
	{"al_fs_param", "fs_context_parse_param", 2, PATH_ANY, NULL},
	{"al_sb_mount", "sb_mount", 5, PATH_ANY, NULL},
	{"al_move_mount", "move_mount", 2, PATH_ANY, NULL},
	{"al_lock", "file_lock", 2, PATH_PLAIN, NULL},
	{"al_lock_v7", "file_lock", 2, PATH_UNION, NULL},
	{"al_lease", "file_fcntl", 3, PATH_PLAIN, NULL},
	{"al_lease_v7", "file_fcntl", 3, PATH_UNION, NULL},
	{"al_ioctl", "file_ioctl", 3, PATH_PLAIN, NULL},
	{"al_ioctl_v7", "file_ioctl", 3, PATH_UNION, NULL},
	{"al_ioctl_compat", "file_ioctl_compat", 3, PATH_PLAIN,
	 "this kernel takes 32-bit ioctls as others"},
	{"al_ioctl_compat_v7", "file_ioctl_compat", 3, PATH_UNION,
	 "this kernel takes 32-bit ioctls as others"},
	{"al_unix_connect", "unix_stream_connect", 3, PATH_ANY, NULL},
	{"al_unix_send", "unix_may_send", 2, PATH_ANY, NULL},
	{"al_socket_create", "socket_create", 4, PATH_ANY, NULL},
	{"al_task_kill", "task_kill", 4, PATH_ANY, NULL},
	{"al_set_fowner", "file_set_fowner", 1, PATH_ANY, NULL},
	{"al_send_sigio", "file_send_sigiotask", 3, PATH_ANY, NULL},
	{"al_ptrace_traceme", "ptrace_traceme", 1, PATH_ANY, NULL},
	{"al_task_setnice", "task_setnice", 2, PATH_ANY, NULL},
	{"al_task_setscheduler", "task_setscheduler", 1, PATH_ANY, NULL},
	{"al_task_setioprio", "task_setioprio", 2, PATH_ANY, NULL},
	{"al_task_setrlimit", "task_setrlimit", 3, PATH_ANY, NULL},
	{"al_cred_prepare", "cred_prepare", 3, PATH_ANY, NULL},
	{"al_task_movememory", "task_movememory", 1, PATH_ANY, NULL},
	{"al_task_getscheduler", "task_getscheduler", 1, PATH_ANY, NULL},
	{"al_task_getioprio", "task_getioprio", 1, PATH_ANY, NULL},
	{"al_task_getpgid", "task_getpgid", 1, PATH_ANY, NULL},
	{"al_task_getsid", "task_getsid", 1, PATH_ANY, NULL},
	{"al_capable", "capable", 4, PATH_ANY, NULL},
	{"al_userns_create", "userns_create", 1, PATH_ANY, NULL},
	{"al_bpf", "bpf", 3, PATH_ANY, NULL},
	{"al_bpf_v7", "bpf", 4, PATH_ANY, NULL},
	{"al_perf", "perf_event_open", 1, PATH_ANY, "this kernel has no perf events"},
	{"al_perf_v61", "perf_event_open", 2, PATH_ANY, "this kernel has no perf events"},
	{"al_module_request", "kernel_module_request", 1, PATH_ANY, NULL},
	{"al_syslog", "syslog", 1, PATH_ANY, NULL},
	{"al_settime", "settime", 2, PATH_ANY, NULL},
	{"al_quotactl", "quotactl", 4, PATH_ANY, NULL},
	{"al_sb_umount", "sb_umount", 2, PATH_ANY, NULL},
	{"al_sb_remount", "sb_remount", 2, PATH_ANY, NULL},
	{"al_pivotroot", "sb_pivotroot", 2, PATH_ANY, NULL},
	{"al_shm_alloc", "shm_alloc_security", 1, PATH_ANY, NULL},
	{"al_shm_free", "shm_free_security", 1, PATH_ANY, NULL},
	{"al_msg_queue_alloc", "msg_queue_alloc_security", 1, PATH_ANY, NULL},
	{"al_msg_queue_free", "msg_queue_free_security", 1, PATH_ANY, NULL},
	{"al_sem_alloc", "sem_alloc_security", 1, PATH_ANY, NULL},
	{"al_sem_free", "sem_free_security", 1, PATH_ANY, NULL},
	{"al_ipc_permission", "ipc_permission", 2, PATH_ANY, NULL},
	{"al_shmctl", "shm_shmctl", 2, PATH_ANY, NULL},
	{"al_msgctl", "msg_queue_msgctl", 2, PATH_ANY, NULL},
	{"al_semctl", "sem_semctl", 2, PATH_ANY, NULL},
	{"al_key_alloc", "key_alloc", 3, PATH_ANY, "this kernel has no keys"},
	{"al_key_permission", "key_permission", 3, PATH_ANY, "this kernel has no keys"},
	{"al_blank_creds", "cred_alloc_blank", 2, PATH_ANY, NULL},
	{"al_inode_unlink", "inode_unlink", 2, PATH_ANY, NULL},
	{"al_uring_creds", "uring_override_creds", 1, PATH_ANY, "this kernel has no io_uring"},
	{"al_ptrace_access_check", "ptrace_access_check", 2, PATH_ANY, NULL},
};
const unsigned int lsm_programs_len = ARRAY_SIZE(lsm_programs);

/* The prototype of bpf_lsm_<hook>, NULL if the kernel has no such hook. */
static const struct btf_type *hook_proto(const char *hook, const struct btf *btf)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, (__u32)id);
	return btf__type_by_id(btf, type->type);
}

bool lsm_hook_present(const char *hook, const struct btf *btf)
{
	return hook_proto(hook, btf) != NULL;
}

/* Is f_path a member of struct file itself, or of a union in it? */
static bool plain_path(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "file", BTF_KIND_STRUCT);
	const struct btf_type *file = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);
	const struct btf_member *member;

	if (!file)
		return false;
	member = btf_members(file);
	for (int i = 0; i < btf_vlen(file); i++)
		if (strcmp(btf__name_by_offset(btf, member[i].name_off), "f_path") == 0)
			return true;
	return false;
}

bool lsm_program_fits(const struct lsm_program *program, const struct btf *btf)
{
	const struct btf_type *proto = hook_proto(program->hook, btf);

	if (!proto || btf_vlen(proto) != program->args)
		return false;
	return program->path == PATH_ANY || plain_path(btf) == (program->path == PATH_PLAIN);
}

int lsm_hooks_complete(const struct btf *btf, struct fail *f)
{
	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		const struct lsm_program *wanted = &lsm_programs[i];
		bool fits = wanted->covered != NULL && !lsm_hook_present(wanted->hook, btf);

		for (unsigned int j = 0; j < lsm_programs_len && !fits; j++)
			fits = strcmp(lsm_programs[j].hook, wanted->hook) == 0 &&
			       lsm_program_fits(&lsm_programs[j], btf);
		if (fits)
			continue;
		fail(f, 0, "this kernel's LSM hook %s is %s", wanted->hook,
		     lsm_hook_present(wanted->hook, btf) ? "of an unknown shape" : "missing");
		return fail_hint(f, "%s",
				 strncmp(wanted->hook, "path_", 5) == 0
					 ? "use a kernel with CONFIG_SECURITY_PATH=y (AppArmor, "
					   "Tomoyo or Landlock enabled)"
					 : "use a kernel that agent-lock was tested on (6.1, 6.12, "
					   "7.x), or a newer agent-lock");
	}
	return 0;
}

int lsm_hooks(void (*each)(const struct lsm_hook *hook, void *data), void *data, struct fail *f)
{
	struct btf *btf = lsm_btf(f);
	const char *last = "";

	if (!btf)
		return -1;
	for (unsigned int i = 0; i < lsm_programs_len; i++) {
		struct lsm_hook hook = {
			.name = lsm_programs[i].hook,
			.present = lsm_hook_present(lsm_programs[i].hook, btf),
			.required = !lsm_programs[i].covered,
			.covered = lsm_programs[i].covered,
		};

		if (strcmp(hook.name, last) != 0)
			each(&hook, data);
		last = hook.name;
	}
	btf__free(btf);
	return 0;
}

/* Is word one of the comma-separated words of list? */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
		if ((at == list || at[-1] == ',') &&
		    (at[len] == ',' || at[len] == '\0' || at[len] == '\n'))
			return true;
	return false;
}

static int bpf_active(struct fail *f)
{
	char list[512];
	ssize_t len = read_text_at(AT_FDCWD, LSM_LIST, list, sizeof(list));

	if (len < 0) {
		fail(f, errno, "cannot read the active LSM list %s", LSM_LIST);
		return fail_hint(
			f, "mount securityfs: mount -t securityfs securityfs /sys/kernel/security");
	}
	list[strcspn(list, "\n")] = '\0';
	if (listed(list, "bpf"))
		return 0;
	fail(f, 0, "the BPF LSM is off: the active LSM list is '%s'", list);
	return fail_hint(f,
			 "boot with the kernel parameter lsm=%s%sbpf (agent-lock doctor says where "
			 "to put it)",
			 list, list[0] ? "," : "");
}

int lsm_active(struct fail *f)
{
	struct statfs fs;

	if (bpf_active(f))
		return -1;
	if (statfs("/sys/fs/bpf", &fs) || fs.f_type != BPF_FS_MAGIC) {
		fail(f, 0, "no BPF file system is mounted at /sys/fs/bpf");
		return fail_hint(f, "mount -t bpf bpf /sys/fs/bpf");
	}
	return 0;
}

struct btf *lsm_btf(struct fail *f)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (btf)
		return btf;
	fail(f, errno, "cannot read the kernel's types in /sys/kernel/btf/vmlinux");
	fail_hint(f, "use a kernel with CONFIG_DEBUG_INFO_BTF=y (every Debian kernel since 11 "
		     "has it)");
	return NULL;
}

int lsm_supported(struct fail *f)
{
	struct btf *btf = lsm_active(f) ? NULL : lsm_btf(f);
	int ret = btf ? lsm_hooks_complete(btf, f) : -1;

	btf__free(btf);
	return ret;
}

uint64_t lsm_symbol(const char *name)
{
	cleanup_file FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[1024], found[512];
	uint64_t address;

	while (symbols && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%" SCNx64 " %*c %511s", &address, found) == 2 &&
		    strcmp(found, name) == 0 && !strchr(line, '['))
			return address;
	return 0;
}
