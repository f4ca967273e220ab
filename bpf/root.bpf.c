/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root.bpf.c - rights over the machine: what root in a session, or a set-id program, does not get.
 *
 *   capable                 in the initial user namespace: only what file ownership needs
 *   userns_create           none, unless the policy allows it (then see mount.bpf.c)
 *   bpf                     all of it: programs, maps and links are what jails are made of
 *   perf_event_open         other than one's own processes in user mode
 *   kernel_module_request   autoloading by odd families, file systems, magic numbers
 *   syslog settime quotactl
 */
#include "judge.h"

#define CAP(n) (1ULL << (n))
/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT AUDIT_WRITE SETFCAP */
#define CAPS_LEFT \
	(CAP(0) | CAP(1) | CAP(3) | CAP(4) | CAP(5) | CAP(6) | CAP(7) | CAP(8) | CAP(10) | \
	 CAP(18) | CAP(29) | CAP(31))
/* Asked at every read by root before DAC_OVERRIDE is: refused, not reported. */
#define CAP_DAC_READ_SEARCH 2
#define CAP_OPT_NOAUDIT 2U

#define PERF_SECURITY_OPEN 0

SEC("lsm/capable")
int BPF_PROG(al_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts, int ret)
{
	struct jail jail;

	if (ret || (CAPS_LEFT & CAP(cap & 63)) || BPF_CORE_READ(ns, level) || !jailed(&jail) ||
	    on_behalf_of_a_mount())
		return ret;
	/* Who doesn't have it never gets here: the capability module is asked first. */
	if ((opts & CAP_OPT_NOAUDIT) || cap == CAP_DAC_READ_SEARCH)
		return jail.flags & AL_AUDIT ? 0 : -EPERM;
	return refuse(AL_OP_CAPABILITY, AL_LABEL_CAPABILITY, cap, &jail);
}

static __always_inline int never(u32 op, u32 number, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse(op, AL_LABEL_COMMAND, number, &jail);
}

SEC("lsm/userns_create")
int BPF_PROG(al_userns_create, const struct cred *cred, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail) || (jail.flags & AL_USERNS))
		return ret;
	return refuse(AL_OP_USERNS, 0, 0, &jail);
}

SEC("?lsm/bpf")
int BPF_PROG(al_bpf, int cmd, void *attr, unsigned int size, int ret)
{
	return never(AL_OP_BPF, cmd, ret);
}

/* One argument more (bool kernel) from 6.16 on. */
SEC("?lsm/bpf")
int BPF_PROG(al_bpf_v7, int cmd, void *attr, unsigned int size, int kernel, int ret)
{
	return never(AL_OP_BPF, cmd, ret);
}

SEC("?lsm/perf_event_open")
int BPF_PROG(al_perf, int type, int ret)
{
	return type == PERF_SECURITY_OPEN ? ret : never(AL_OP_PERF, type, ret);
}

/* Before 6.12's stable series the hook had the attributes first. */
SEC("?lsm/perf_event_open")
int BPF_PROG(al_perf_v61, void *attr, int type, int ret)
{
	return type == PERF_SECURITY_OPEN ? ret : never(AL_OP_PERF, type, ret);
}

SEC("lsm/kernel_module_request")
int BPF_PROG(al_module_request, char *kmod_name, int ret)
{
	struct jail jail;

	if (ret || !jailed(&jail))
		return ret;
	return refuse_name(AL_OP_MODULE, AL_LABEL_MODULE, kmod_name, &jail);
}

SEC("lsm/syslog")
int BPF_PROG(al_syslog, int type, int ret)
{
	return never(AL_OP_SYSTEM, type, ret);
}

SEC("lsm/settime")
int BPF_PROG(al_settime, void *ts, void *tz, int ret)
{
	return never(AL_OP_SYSTEM, 0, ret);
}

SEC("lsm/quotactl")
int BPF_PROG(al_quotactl, int cmds, int type, int id, void *sb, int ret)
{
	return never(AL_OP_SYSTEM, cmds, ret);
}
