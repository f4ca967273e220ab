#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: whatever somebody asks about a session of somebody else's, with whatever verb and however
# it is put, the answer is the one about a session that is not there, and nothing happens to it. Who
# is jailed gets no answer about any session, its own included.
. ./tests/kernel/lib.sh

# All that can be seen of every session, but for what goes by itself.
state() {
	"$al" list --json | sed 's/"\(age\|memory\)":[0-9]*//g'
	for name in running idle frozen audited rooted hers; do
		"$al" show $name
		"$al" report --json $name | sed 's/"\(age\|memory\)":[0-9]*//g'
		cat /sys/fs/cgroup/agent-lock/session-$name/cgroup.procs \
			/sys/fs/cgroup/agent-lock/session-$name/cgroup.freeze \
			/var/log/agent-lock/$name.log
	done
}

# ask_all PROMISE COMMAND...: which asks for everything, and changes nothing.
ask_all() {
	asked_promise=$1
	shift
	state >"$work/before"
	"$@" >"$work/said" 2>&1
	status=$?
	judge "$work/said"
	is "$status $(grep -c '^yes' "$work/said")" "0 $(grep -c . "$work/said")" \
		"$asked_promise: all was refused"
	state >"$work/after"
	check "$asked_promise: and nothing happened" cmp "$work/before" "$work/after"
}

sessions() {
	for name in running frozen; do
		as_dev "$al" new --name $name --ro "$bin" work >/dev/null
		as_dev "$al" exec $name -- sleep 1000 &
		wait_for grep -q . /sys/fs/cgroup/agent-lock/session-$name/cgroup.procs
	done
	sleep 1
	as_dev "$al" freeze frozen
	as_dev "$al" new --name idle work >/dev/null
	as_dev "$al" new --name audited --audit work >/dev/null
	"$al" new --name rooted /home/dev/work >/dev/null
	as_eve "$al" new --name hers --ro "$top" /home/eve/work >/dev/null
	as_eve "$al" exec hers -- true
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev mkdir -p work && as_eve mkdir -p /home/eve/work || bail 'no files'
sessions
ask_all 'another user' as_eve "$bin/requests" foreign running idle frozen audited rooted
ask_all 'and she of hers and root'"'"'s' as_dev "$bin/requests" foreign hers rooted
as_eve "$bin/requests" jailed hers running >"$work/said" 2>&1
judge "$work/said"
as_dev "$bin/requests" jailed running >"$work/said" 2>&1
judge "$work/said"
as_dev "$bin/requests" owner running >"$work/said" 2>&1
sed -i 's/^yes owner/yes control: owner/' "$work/said"
judge "$work/said"
"$al" destroy --all >/dev/null
cd "$top" && umount -l /home/dev
plan
