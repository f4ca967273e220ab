# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# ground.sh - what the controls need in a guest, where something of the system's own would refuse
# them: to be sourced after lib.sh.

delegated=/sys/fs/cgroup/dev

ground() {
	# Homes on a file system that can do whatever an attempt is about: shared blocks, attributes,
	# lists.
	mount_image w xfs 320M || bail "no file system for it: $(cat "$work/mkfs.log")"
	mkdir "$work/w/dev" "$work/w/root" && chown 1000:1000 "$work/w/dev"
	[ ! -e /proc/sys/kernel/yama/ptrace_scope ] || echo 0 >/proc/sys/kernel/yama/ptrace_scope
	echo 1 >/proc/sys/kernel/perf_event_paranoid
	# What an ordinary user's tries need to have been made possible by root. $work goes at the end.
	install -m 4755 "$bin/as_root" "$work/as-root"
	export AGENT_LOCK_AS_ROOT="$work/as-root"
	# A cgroup of dev's own, as systemd gives one to each user.
	mkdir -p $delegated
	chown 1000:1000 $delegated $delegated/cgroup.procs $delegated/cgroup.threads \
		$delegated/cgroup.subtree_control
}

# adversary WHO [ID]...: runs it as dev or as root.
adversary() {
	adversary_who=$1
	shift
	if [ "$adversary_who" = root ]; then
		HOME=$work/w/root "$top/out/agent-lock-adversary" "$@"
		return
	fi
	# shellcheck disable=SC2016 # for the inner shell
	HOME=$work/w/dev USER=dev LOGNAME=dev sh -c 'echo $$ >"$0" && exec "$@"' \
		$delegated/cgroup.procs "$bin/become" 1000 "$top/out/agent-lock-adversary" "$@"
}
