#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: where there is no room - in /run, in a map of the kernel, for a descriptor, for memory, for a
# cgroup - a request fails as a whole, with one line that says what is missing; the daemon lives on, and
# the same request works when there is room again. What needs no room, destroy, works without.
. ./tests/kernel/lib.sh

home=/home/dev
run=/run/agent-lock
cgroups=/sys/fs/cgroup/agent-lock

dev_new() {
	as_dev "$al" new --name more --ro "$bin" --deny $home/work/secret $home/work
}

dev_allow() {
	as_dev "$al" allow work --ro $home/lib --rw $home/store
}

dev_destroy() {
	as_dev "$al" destroy "${1:-more}"
}

# All there is of sessions.
snapshot() {
	pins=$(echo /sys/fs/bpf/agent-lock/maps-*)
	"$bin/maps" count "$pins/sessions" "$pins/rules" "$pins/names" "$pins/numbers"
	find $cgroups -mindepth 1 -type d
	find $run/sessions -type f -exec cksum {} +
	find /var/log/agent-lock -type f -empty
	find "/proc/$daemon_pid/fd" -type l | grep -c .
}

# whole PROMISE PATTERN COMMAND...: it fails with one line (and perhaps a hint), and changes nothing.
whole() {
	whole_promise=$1 whole_pattern=$2 whole_why=''
	shift 2
	snapshot >"$work/before"
	"$@" >"$work/out" 2>"$work/err" && whole_why='it succeeded'
	snapshot >"$work/after"
	[ "$(grep -vc '^hint: ' "$work/err")" = 1 ] || whole_why='not one line'
	grep -q "^agent-lock: .*$whole_pattern" "$work/err" || whole_why="wanted: $whole_pattern"
	cmp -s "$work/before" "$work/after" || whole_why="left: $(diff "$work/before" "$work/after")"
	kill -0 "$daemon_pid" 2>/dev/null || whole_why='the daemon died'
	if [ "$whole_why" ]; then
		not_ok "$whole_promise" "$whole_why" "$(cat "$work/err")"
	else
		ok "$whole_promise"
	fi
}

# works WHAT: the proof that it was the room.
works() {
	control "$1: then new works" dev_new
	control "$1: and so does destroy" dev_destroy
}

full_run() {
	head -c 8M /dev/zero >$run/fill 2>/dev/null
	whole '/run is full: new' 'cannot write /run/agent-lock/sessions.*: No space left on device' dev_new
	whole '/run is full: allow' 'cannot write /run/agent-lock/sessions.*: No space left on device' \
		dev_allow
	as_dev "$al" show work >"$work/shown"
	check '/run is full: show has what it had' sh -c "! grep -q 'ro = $home/lib' '$work/shown'"
	refused '/run is full: what allow failed to allow is refused' as_dev "$al" exec work -- cat \
		$home/lib/code
	rm $run/fill
	works 'room in /run'
	dev_new >/dev/null
	head -c 8M /dev/zero >$run/fill 2>/dev/null
	control '/run is full: destroy works' dev_destroy
	rm $run/fill
}

# full_map NAME ROOM PATTERN: full before, or in the middle of a request. What it has of ours is counted.
full_map() {
	pins=$(echo /sys/fs/bpf/agent-lock/maps-*)
	"$bin/maps" fill "$pins/$1" "$2"
	whole "map $1 has room for $2: new" "$3" dev_new
	[ "$1" = sessions ] || whole "map $1 has room for $2: allow" "$3" dev_allow
	"$bin/maps" drain "$pins/$1"
	works "room in $1"
}

full_maps() {
	full_map sessions 0 'cannot publish the session: No space left on device'
	full_map rules 1 'cannot add a rule .*: No space left on device'
	full_map names 1 'cannot add a rule .*: No space left on device'
	full_map numbers 0 'cannot keep an object by number .*: No space left on device'
	dev_new >/dev/null
	"$bin/maps" fill "$pins/rules" 0
	control 'map rules is full: destroy works' dev_destroy
	check 'and what was there holds' as_dev "$al" exec work -- cat $home/work/file
	"$bin/maps" drain "$pins/rules"
}

# room_for COUNT: so many descriptors and not one more, whichever numbers are free. What it has are more
# than poll(2) wants, for the rules that it has; it always has one to say that it has none.
room_for() {
	limit=$(find "/proc/$daemon_pid/fd" -type l | awk -F / -v room="$1" '{ used[$NF] = 1 }
		END { while (room) if (!(n++ in used)) room--
			print n }')
	prlimit --pid "$daemon_pid" --nofile="$limit":
}

no_descriptors() {
	check 'control: it has many' [ "$(find "/proc/$daemon_pid/fd" -type l | grep -c .)" -gt 300 ]
	for more in 1 2 4 20; do
		room_for $more
		whole "room for $more descriptors: new" 'Too many open files' dev_new
	done
	room_for 4
	whole "room for 4 descriptors: allow" 'Too many open files' dev_allow
	room_for 1
	whole 'no descriptor: destroy' 'Too many open files' dev_destroy work
	prlimit --pid "$daemon_pid" --nofile=4096:
	check 'what was there holds' as_dev "$al" exec work -- cat $home/work/file
	works 'descriptors'
}

# The daemon's address space: what it has, and a little. Some of these a small request survives.
no_memory() {
	{ echo '[optional]' && seq -f "deny = $home/work/%.0f" 3000; } >"$work/many.ini"
	# One that loaded the programs has the memory for that left over; one that took them over has not.
	daemon_stop KILL
	daemon_start
	for more in 0 64 256; do
		size=$(($(grep VmSize "/proc/$daemon_pid/status" | tr -dc 0-9) + more))
		prlimit --pid "$daemon_pid" --as=$((size * 1024)):
		whole "$more KiB: a new with 3000 rules" 'Cannot allocate memory' as_dev "$al" new \
			--name more --policy "$work/many.ini" $home/work
		prlimit --pid "$daemon_pid" --as=unlimited:
	done
	check 'what was there holds' as_dev "$al" exec work -- cat $home/work/file
	control 'memory: then new with 3000 rules works' as_dev "$al" new --name more --policy \
		"$work/many.ini" $home/work
	size=$(grep VmSize "/proc/$daemon_pid/status" | tr -dc 0-9)
	prlimit --pid "$daemon_pid" --as=$((size * 1024)):
	whole 'no memory: allow for a session of 3000 rules' 'Cannot allocate memory' as_dev "$al" \
		allow more --ro $home/lib
	prlimit --pid "$daemon_pid" --as=unlimited:
	control 'memory: then allow works' as_dev "$al" allow more --ro $home/lib
	control 'and destroy' dev_destroy
}

no_cgroup() {
	echo 1 >$cgroups/cgroup.max.descendants
	whole 'no cgroup: new' 'cannot make the cgroup of session' dev_new
	echo max >$cgroups/cgroup.max.descendants
	works 'cgroups'
}

begin
daemon_stop
mount -t tmpfs -o mode=755,size=4m tmpfs $run
daemon_start
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home && cd $home || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p work lib store; echo x >work/file; echo x >work/secret; echo x >lib/code' ||
	bail 'no files'
as_dev sh -c 'mkdir work/many && cd work/many && seq 300 | xargs touch'
{ echo '[paths]' && seq -f "deny = $home/work/many/%.0f" 300; } >"$work/files.ini"
as_dev "$al" new --name work --policy "$work/files.ini" $home/work >/dev/null || bail 'no session'
works 'room everywhere'
full_run
full_maps
no_descriptors
no_memory
no_cgroup
control 'allow works at last' dev_allow
is "$(as_dev "$al" exec work -- cat $home/lib/code)" x 'and is in force'
control 'and destroy' dev_destroy work
is "$(snapshot | head -n 1)" '0 0 0 0' 'nothing is left'
daemon_stop
cd "$top" && umount -l $home && umount -l $run
plan
