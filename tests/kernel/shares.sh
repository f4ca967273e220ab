#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: no user but root has more of the daemon than [users] says: sessions, rules, connections;
# who is at a limit is told so, keeps what there is, and takes nothing from others.
. ./tests/kernel/lib.sh

conf=/etc/agent-lock/agent-lock.ini

# users KEY=NUMBER...: a daemon with these limits
users() {
	daemon_stop KILL
	{
		sed '/^sessions = /d; /^rules = /d; /^requests = /d' conf/agent-lock.ini
		printf '[users]\n'
		printf '%s\n' "$@"
	} >$conf
	daemon_start
}

made() {
	as_dev "$al" list --json | grep -o '"session":' | grep -c .
}

sessions() {
	users 'sessions = 2'
	check 'the first' as_dev "$al" new --name a "$dev"
	check 'the last' as_dev "$al" new --name b "$dev"
	fails_with 'there are 2 sessions of yours already, the most you may have' \
		'one more is refused' as_dev "$al" new --name c "$dev"
	is "$(made)" 2 'what was there is there'
	is "$(ls -d /sys/fs/cgroup/agent-lock/session-c /run/agent-lock/sessions/c 2>/dev/null)" '' \
		'nothing of the one more is left'
	check 'another user has as many' as_eve "$al" new --name d "$eve"
	for i in 1 2 3; do
		check "root has no such limit: number $i" "$al" new --root --name "r$i" "$dev"
	done
	as_dev "$al" destroy a >/dev/null
	check 'when one is gone there is room' as_dev "$al" new --name c "$dev"
	"$al" destroy --all >/dev/null
}

# of FILE...: how many rules the sessions have
of() {
	cat "$@" | grep -c '^object '
}

rules() {
	five="--ro $dev/1 --ro $dev/2 --ro $dev/3 --ro $dev/4 --ro $dev/5"
	as_dev "$al" new --name a "$dev" >/dev/null
	# shellcheck disable=SC2086 # several words
	as_dev "$al" new --name b $five "$dev" >/dev/null
	cp /run/agent-lock/sessions/a /run/agent-lock/sessions/b "$work"
	most=$(of "$work/a" "$work/b")
	# A directory that is named is two: itself, and its name in the directory above.
	is "$(of "$work/b")" $(($(of "$work/a") + 10)) 'control: five rules more are ten objects'
	"$al" destroy --all >/dev/null
	users "rules = $most"
	check 'one session has room' as_dev "$al" new --name a "$dev"
	# shellcheck disable=SC2086
	check 'the second with five rules more' as_dev "$al" new --name b $five "$dev"
	as_dev "$al" destroy b >/dev/null
	# shellcheck disable=SC2086
	fails_with "your sessions would have $((most + 2)) rules, the most is $most" \
		'one rule more is refused' as_dev "$al" new --name b $five --ro "$dev/6" "$dev"
	is "$(made)" 1 'and no session is made'
	check 'another user has as many' as_eve "$al" new --name d "$eve"
	daemon_stop KILL
	daemon_start
	fails_with "your sessions would have" 'a new daemon counts what it took over' as_dev "$al" \
		new --name b --ro "$dev/1" --ro "$dev/2" --ro "$dev/3" --ro "$dev/4" --ro "$dev/5" \
		--ro "$dev/6" "$dev"
	"$al" destroy --all >/dev/null
}

requests() {
	users 'requests = 3'
	as_dev "$al" new --name a "$dev" >/dev/null
	tails= open=$(connections)
	for i in 1 2 3; do
		# No function: $! is to be tail's own number.
		"$bin/become" 1000 "$al" tail a >"$work/tail.$i" 2>&1 &
		tails="$tails $!"
	done
	# Not by asking: who asks takes the place of the third.
	check 'three connections are open' wait_for connected $((open + 3))
	as_dev "$al" list >"$work/said" 2>&1
	is "$? $(cat "$work/said")" \
		'1 agent-lock: 3 connections of yours are open already, the most you may have' \
		'one more is refused'
	check 'another user is served' as_eve "$al" list
	check 'so is root' "$al" list
	kill "${tails##* }"
	check 'when one is closed there is room' wait_for as_dev "$al" list
	"$al" destroy --all >/dev/null
	# shellcheck disable=SC2086 # one word a process
	wait $tails
}

connections() {
	find "/proc/$daemon_pid/fd" -lname 'socket:*' | grep -c .
}

connected() {
	[ "$(connections)" -ge "$1" ]
}

wrong() {
	daemon_stop KILL
	for line in 'sessions = 0' 'sessions = 497' 'rules = many' 'requests = 241' 'files = 3'; do
		printf '[users]\n%s\n' "$line" >$conf
		"$daemon" >"$work/said" 2>&1
		is "$? $(grep -c "^agent-lockd: $conf:2: .*expected " "$work/said")" '3 1' \
			"[users] $line: no daemon, and the line is named"
	done
}

begin
dev=$work/dev eve=$work/eve
mkdir -p "$dev/1" "$dev/2" "$dev/3" "$dev/4" "$dev/5" "$dev/6" "$eve" /etc/agent-lock
chown -R 1000:1000 "$dev"
chown 1001:1001 "$eve"
sessions
rules
requests
wrong
rm -r /etc/agent-lock
plan
