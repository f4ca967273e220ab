#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: while a session is destroyed nothing in it comes free, whatever it does meanwhile: forks,
# executes programs, is entered; also when the daemon dies in the middle. Afterwards none of it runs.
#
#   ROUNDS=3  how often: a guest takes minutes for it
. ./tests/kernel/lib.sh

rounds=$(seq "${ROUNDS:-3}")
home=/home/dev
key=$home/.ssh/id_ed25519 said=$home/work/said

blowing() {
	[ "$(grep -c storm "$said")" -gt 0 ] &&
		[ "$(grep -c . /sys/fs/cgroup/agent-lock/session-race/cgroup.procs)" -ge "$1" ]
}

no_storm() {
	! pidof "$bin/storm" >/dev/null
}

# storm KIND NUMBER: a session with one, its output in a file of the project.
storm() {
	as_dev sh -c ": >'$said'"
	as_dev "$al" new --name race --ro "$bin" work >/dev/null || bail 'no session'
	as_dev "$al" exec race -- sh -c 'exec "$@" >>said' sh "$bin/storm" "$1" "$2" $key 2>/dev/null &
	stormy=$! # or who waits for it
	wait_for blowing "$2" || note "the storm does not come up: $(cat "$said")"
}

# Outside it reads the key: else that it does not inside proves nothing. In a cgroup, which can be
# killed as a whole: one after the other they would outrun it.
control_of() {
	mkdir -p /sys/fs/cgroup/storm
	as_dev sh -c ": >'$said'"
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'echo $$ >/sys/fs/cgroup/storm/cgroup.procs && exec "$@"' sh \
		"$bin/become" 1000 "$bin/storm" "$1" 4 $key >>"$said" 2>/dev/null &
	outside=$!
	check "control: $1: outside the key is read" wait_for grep -q 'got it' "$said"
	echo 1 >/sys/fs/cgroup/storm/cgroup.kill
	wait $outside
	check "control: $1: and it ends" wait_for no_storm
}

nothing_left() {
	check "$1: no process is left" wait_for no_storm
	is "$(grep -c 'got it' "$said")" 0 "$1: the key was never read"
	check "$1: no cgroup is left" [ ! -e /sys/fs/cgroup/agent-lock/session-race ]
}

destroyed_in() {
	for round in $rounds; do
		storm "$1" 40
		check "$1, $round: destroy ends it" as_dev "$al" destroy race
		wait $stormy
		nothing_left "$1, $round"
	done
}

# Two at once: one ends it, the other one too or finds none.
destroyed_twice() {
	storm fork 40
	as_dev "$al" destroy race >"$work/first" 2>&1 &
	first=$!
	as_dev "$al" destroy race >"$work/second" 2>&1
	second=$?
	wait $first
	first=$?
	case $first$second in
	00 | 01 | 10) ok 'destroyed twice at once: one of them did it' ;;
	*) not_ok 'destroyed twice at once: one of them did it' "$(cat "$work/first" "$work/second")" ;;
	esac
	wait $stormy
	nothing_left 'destroyed twice'
}

# Entered while it goes, and made again under the same name: what enters is in one or the other.
entered_meanwhile() {
	as_dev sh -c ": >'$said'"
	entering=
	for n in 1 2 3 4; do
		(while [ ! -e "$work/enough" ]; do
			as_dev "$al" exec race -- cat $key
		done) >"$work/entered.$n" 2>&1 &
		entering="$entering $!"
	done
	for round in 1 2 3 4 5 6 7 8; do
		as_dev "$al" new --name race work >/dev/null
		sleep 0.5
		as_dev "$al" destroy race >/dev/null
	done
	touch "$work/enough"
	# shellcheck disable=SC2086 # several; and not the daemon
	wait $entering
	is "$(cat "$work"/entered.? | grep -c '^secret')" 0 'entered meanwhile: the key was never read'
	check 'entered meanwhile: control: some were inside' grep -q 'Operation not permitted' \
		"$work"/entered.?
	# Killed: by destroy, and the shell says so; perhaps in the middle of what cat was saying.
	others=$(cat "$work"/entered.? | grep -v 'Operation not permitted' |
		grep -v "^\(cat: .*\)\?Killed$\|cannot find session 'race'\|cannot enter session 'race'\|^hint: " |
		sort | uniq -c)
	is "$others" '' 'entered meanwhile: others were not run'
}

# The daemon dies while it destroys: what is not dead yet stays jailed, and another ends it. That one
# loads its programs beside forty processes that fork, which takes a guest minutes: hence its priority.
daemon_dies() {
	for wait in $(printf '0.05\n0\n0.2\n' | head -n "${ROUNDS:-3}"); do
		storm fork 40
		as_dev "$al" destroy race >/dev/null 2>&1 &
		sleep $wait
		daemon_stop KILL
		sleep 0.5
		is "$(grep -c 'got it' "$said")" 0 \
			"the daemon killed after $wait s: the key was not read"
		renice -n -20 $$ >/dev/null
		daemon_start
		renice -n 0 $$ >/dev/null
		as_dev "$al" destroy race >/dev/null 2>&1
		wait $stormy
		nothing_left "the daemon killed after $wait s"
	done
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p .ssh work; echo secret >.ssh/id_ed25519' || bail 'no files'
control_of fork
control_of exec
destroyed_in fork
destroyed_in exec
destroyed_twice
entered_meanwhile
daemon_dies
cd "$top" && umount -l /home/dev
plan
