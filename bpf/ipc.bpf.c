/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ipc.bpf.c - objects without a path that a user's processes share: a session sees those that it
 * made itself. An object is remembered by its address from its birth to its end; a birth outside
 * forgets what was at that address, too.
 *
 *   {shm,msg_queue,sem}_alloc_security, _free_security   birth and end
 *   ipc_permission                                       every use
 *   shm_shmctl msg_queue_msgctl sem_semctl               removing and changing ask nothing else
 *   key_alloc key_permission                             keys and keyrings; no upcall for one
 *   cred_alloc_blank                                     the parent's session keyring
 *   inode_unlink                                         POSIX queues (their birth: d_instantiate)
 */
#include "judge.h"

/* include/linux/key.h: NOT_IN_QUOTA (persistent keyrings) and UID_KEYRING; users' own have neither. */
#define KEY_ALLOC_SHARED (0x0002 | 0x0010)
#define KEYCTL_SESSION_TO_PARENT 18

static __always_inline int remember(void *object, int ret)
{
	u64 address = (u64)object;
	struct jail jail;

	/* Full: it isn't remembered, and the session can't use what it made. */
	if (!ret && jailed(&jail))
		bpf_map_update_elem(&made_inside, &address, &jail.cgroup, BPF_ANY);
	else
		bpf_map_delete_elem(&made_inside, &address);
	return ret;
}

static __always_inline int forget(void *object)
{
	u64 address = (u64)object;

	bpf_map_delete_elem(&made_inside, &address);
	return 0;
}

static __always_inline int use(u32 op, u32 label, u32 number, void *map, void *object, int ret)
{
	u64 address = (u64)object, *cgroup;
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	cgroup = bpf_map_lookup_elem(map, &address);
	if (cgroup && *cgroup == jail.cgroup)
		return 0;
	return refuse(op, label, number, &jail);
}

#define BIRTH_AND_END(kind) \
	SEC("lsm/" #kind "_alloc_security") \
	int BPF_PROG(al_##kind##_alloc, struct kern_ipc_perm *perm, int ret) \
	{ \
		return remember(perm, ret); \
	} \
	SEC("lsm/" #kind "_free_security") \
	int BPF_PROG(al_##kind##_free, struct kern_ipc_perm *perm) \
	{ \
		return forget(perm); \
	}

BIRTH_AND_END(shm)
BIRTH_AND_END(msg_queue)
BIRTH_AND_END(sem)

static __always_inline int use_ipc(struct kern_ipc_perm *perm, int ret)
{
	return use(AL_OP_IPC, AL_LABEL_IPC, BPF_CORE_READ(perm, id), &made_inside, perm, ret);
}

SEC("lsm/ipc_permission")
int BPF_PROG(al_ipc_permission, struct kern_ipc_perm *ipcp, short flag, int ret)
{
	return use_ipc(ipcp, ret);
}

/* perm is NULL for commands that ask about the whole system (IPC_INFO): limits and sums. */
static __always_inline int control_ipc(struct kern_ipc_perm *perm, int ret)
{
	return perm ? use_ipc(perm, ret) : ret;
}

SEC("lsm/shm_shmctl")
int BPF_PROG(al_shmctl, struct kern_ipc_perm *perm, int cmd, int ret)
{
	return control_ipc(perm, ret);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(al_msgctl, struct kern_ipc_perm *perm, int cmd, int ret)
{
	return control_ipc(perm, ret);
}

SEC("lsm/sem_semctl")
int BPF_PROG(al_semctl, struct kern_ipc_perm *perm, int cmd, int ret)
{
	return control_ipc(perm, ret);
}

/* Enough of ".request_key_auth" (security/keys/request_key_auth.c): no other type begins so. */
static __always_inline bool for_upcall(struct key *key)
{
	char name[] = {'.', 'r', 'e', 'q', 'u', 'e', 's', 0};
	char type[sizeof(name)] = {0};

	bpf_probe_read_kernel_str(type, sizeof(type), BPF_CORE_READ(key, type, name));
	return *(u64 *)type == *(u64 *)name;
}

/*
 * Keys that a session made: address -> cgroup id. Apart from the others, because since 6.12 nothing
 * tells of a key's end: an entry stays until a key is born at that address, or others push it out. A
 * key that was pushed out is refused to its session.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, u64);
} keys_inside SEC(".maps");

/*
 * With a key of that type the kernel has a program make the key asked for: outside, and as root. A
 * keyring of the user's, which the kernel makes when it is first asked for, is nobody's in particular.
 */
SEC("?lsm/key_alloc")
int BPF_PROG(al_key_alloc, struct key *key, const struct cred *cred, unsigned long flags, int ret)
{
	u64 address = (u64)key;
	struct jail jail;

	bpf_map_delete_elem(&keys_inside, &address);
	if (ret || !jailed(&jail))
		return ret;
	if (for_upcall(key))
		return refuse(AL_OP_KEY, 0, 0, &jail);
	if (!(flags & KEY_ALLOC_SHARED))
		bpf_map_update_elem(&keys_inside, &address, &jail.cgroup, BPF_ANY);
	return 0;
}

/*
 * The lowest bit of a key_ref_t says possession; the rest is the key (include/linux/key.h). Its type
 * is incomplete to BTF, so the verifier refuses the argument as such: hence the helper. ctx[3] is ret.
 */
SEC("?lsm/key_permission")
int al_key_permission(unsigned long long *ctx)
{
	int ret = (int)ctx[3];
	u64 key_ref = 0;
	struct key *key;

	if (bpf_get_func_arg(ctx, 0, &key_ref))
		return -EPERM;
	key = (void *)(key_ref & ~1ULL);
	return use(AL_OP_KEY, AL_LABEL_KEY, BPF_CORE_READ(key, serial), &keys_inside, key, ret);
}

/*
 * Credentials without anything in them are made for one purpose: KEYCTL_SESSION_TO_PARENT, which puts
 * the caller's session keyring in the place of its parent's. Whose parent that is when it happens
 * cannot be told here: so never.
 */
SEC("lsm/cred_alloc_blank")
int BPF_PROG(al_blank_creds, struct cred *cred, unsigned int gfp, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(AL_OP_KEY, AL_LABEL_COMMAND, KEYCTL_SESSION_TO_PARENT, &jail);
}

/* mq_unlink() asks no path hook. A queue's dentry exists: the inode may be walked. */
SEC("lsm/inode_unlink")
int BPF_PROG(al_inode_unlink, struct inode *dir, struct dentry *dentry, int ret)
{
	struct attempt attempt = {.op = AL_OP_UNLINK, .want = AL_WRITE, .dentry = dentry};
	struct judged judged = NO_RIGHTS;
	struct inode *inode = dentry->d_inode;
	struct jail jail;

	if (ret || BPF_CORE_READ(dir, i_sb, s_magic) != MAGIC_MQUEUE || !jailed(&jail) || !inode ||
	    born_here(inode, &jail))
		return ret;
	return settle(&attempt, &judged, &jail);
}
