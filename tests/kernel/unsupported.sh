#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: where the kernel cannot enforce, nothing is started and nothing is made: each command
# says in one line what is missing and how it is cured, doctor first of all, and the command of run
# and exec is not run.
#
# For a guest whose LSM list has no bpf:
#   ci/vm --lsm lockdown,capability,yama -- 'NO_BPF=1 sh tests/kernel/unsupported.sh'
. ./tests/kernel/lib.sh

marker=/tmp/marker

# says STATUS TEXT PROMISE COMMAND...
says() {
	says_status=$1 says_text=$2 says_promise=$3
	shift 3
	rm -f $marker
	says_said=$("$@" 2>&1)
	says_got=$?
	case $says_got,$says_said in
	"$says_status",*"$says_text"*) [ ! -e $marker ] && ok "$says_promise" || not_ok \
		"$says_promise: the command was run" ;;
	*) not_ok "$says_promise" "status $says_got, wanted $says_status and: $says_text" \
		"$says_said" ;;
	esac
}

# What another test had is taken away by the kernel a moment after its end.
nothing_loaded() {
	! bpftool map list | grep -q 'name \(sessions\|marks\|rules\)' &&
		! bpftool prog list | grep -q ' name al_'
}

nothing_made() {
	check "$1: no pins" [ ! -e /sys/fs/bpf/agent-lock ]
	check "$1: no socket" [ ! -e "$socket" ]
	is "$(ls -d /sys/fs/cgroup/agent-lock/*/ 2>/dev/null)" '' "$1: no cgroup"
	if command -v bpftool >/dev/null; then
		check "$1: no maps and no programs" wait_for nothing_loaded
	else
		skip "$1: no maps, no programs" 'no bpftool here'
	fi
}

without_bpf() {
	read -r active </sys/kernel/security/lsm
	"$al" doctor >"$work/doctor" 2>&1
	is $? 1 'doctor: exits 1'
	check 'doctor: says that the BPF LSM is off, and what is on' grep -qx \
		"no   BPF LSM is off (active: $active)" "$work/doctor"
	check 'doctor: the cure has the parameter as it has to be' grep -q \
		"cure: .*lsm=$active,bpf\( \|,\|$\)" "$work/doctor"
	check 'doctor: says that nothing was started' grep -q 'nothing was started' "$work/doctor"
	[ "$tap_failed" = 0 ] || note "$(cat "$work/doctor")"
	says 1 'BPF LSM is off' 'doctor: for an ordinary user too' as_dev "$al" doctor
	for who in '' as_dev; do
		by=${who:+ by an ordinary user}
		says 1 'BPF LSM is off' "new$by: says so" $who "$al" new /home/dev/work
		says 1 "hint: " "new$by: with the cure" $who "$al" new /home/dev/work
		says 1 "lsm=$active,bpf" "new$by: which has the parameter" $who "$al" new \
			/home/dev/work
		says 125 'BPF LSM is off' "exec$by: says so, and does not run it" $who "$al" exec \
			work -- touch $marker
		says 125 'BPF LSM is off' "run$by: says so, and does not run it" $who "$al" run \
			/home/dev/work -- touch $marker
		says 1 'BPF LSM is off' "list$by: says so" $who "$al" list
		says 1 'BPF LSM is off' "destroy$by: says so" $who "$al" destroy --all
	done
	control 'the command can be run' as_dev touch $marker
	says 3 'BPF LSM is off' 'agent-lockd: says so' "$daemon"
	nothing_made 'without bpf in the LSM list'
}

# What is missing here, in a mount namespace of its own.
without() {
	without_mount=$1
	shift
	unshare -m sh -c 'umount -l "$0" && exec "$@"' "$without_mount" "$@"
}

without_mounts() {
	says 1 'no   no cgroup v2 is mounted' 'no cgroup v2: doctor says so' without \
		/sys/fs/cgroup "$al" doctor
	says 1 'cure: ' 'no cgroup v2: doctor has a cure' without /sys/fs/cgroup "$al" doctor
	says 1 'mount -t cgroup2' 'no cgroup v2: agent-lockd has the cure' without /sys/fs/cgroup \
		"$daemon"
	says 1 'no cgroup v2' 'no cgroup v2: root'"'"'s first command says so' without \
		/sys/fs/cgroup "$al" list
	says 125 'no cgroup v2' 'no cgroup v2: run does not run it' without /sys/fs/cgroup "$al" \
		run /home/dev/work -- touch $marker
	nothing_made 'no cgroup v2'
	says 1 'no   no BPF file system at /sys/fs/bpf' 'no BPF file system: doctor says so' \
		without /sys/fs/bpf "$al" doctor
	says 1 'cure: mount -t bpf bpf /sys/fs/bpf' 'no BPF file system: doctor has the cure' \
		without /sys/fs/bpf "$al" doctor
	says 3 'mount -t bpf bpf /sys/fs/bpf' 'no BPF file system: agent-lockd has the cure' \
		without /sys/fs/bpf "$daemon"
	says 125 'mount -t bpf bpf /sys/fs/bpf' \
		'no BPF file system: run has it, and does not run it' \
		without /sys/fs/bpf "$al" run /home/dev/work -- touch $marker
	nothing_made 'no BPF file system'
	says 1 'mount -t securityfs' 'no securityfs: doctor has the cure' without \
		/sys/kernel/security "$al" doctor
	says 125 'mount -t securityfs' 'no securityfs: run has it, and does not run it' \
		without /sys/kernel/security "$al" run /home/dev/work -- touch $marker
	nothing_made 'no securityfs'
	says 0 'all is well' 'control: doctor, with all of it' "$al" doctor
	# It started one, as root's commands do; the next test wants its own.
	for pid in $(daemons); do
		kill "$pid" && wait_for gone "$pid"
	done
}

[ "$(id -u)" = 0 ] || bail 'run it as root, in a guest: it mounts and it changes the system'
mkdir -p "$work"
mount -t tmpfs -o mode=755 tmpfs "$work" || bail 'a tmpfs cannot be mounted'
trap finish EXIT
as_dev mkdir -p /home/dev/work || bail 'no directory'
mount_lsm=$(cat /sys/kernel/security/lsm)
case ,$mount_lsm, in
*,bpf,*)
	[ ! "${NO_BPF:-}" ] || bail "NO_BPF is set, and bpf is active: $mount_lsm"
	without_mounts
	;;
*)
	[ "${NO_BPF:-}" ] || bail "bpf is not active: $mount_lsm"
	without_bpf
	;;
esac
plan
