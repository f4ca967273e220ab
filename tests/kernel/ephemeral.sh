#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: a session of new --ephemeral ends by itself when its last process is gone, and not before
# the first has come; whether a daemon is there to see it, or comes later.
. ./tests/kernel/lib.sh

cgroups=/sys/fs/cgroup/agent-lock
states=/run/agent-lock/sessions
key=/home/dev/key

# Makes one; its name goes to $name.
ephemeral() {
	name=$(as_dev "$al" new --ephemeral work) || bail 'no session can be made'
}

is_there() {
	as_dev "$al" list | grep -q "^$name "
}

has_ended() {
	! is_there && [ ! -e "$cgroups/session-$name" ] && [ ! -e "$states/$name" ]
}

# The one process of the session lives until it is told to go.
stay() {
	rm -f work/go
	as_dev "$al" exec "$name" -- sh -c ': >here; until [ -e go ]; do sleep 0.1; done' &
	stayer=$!
	wait_for [ -e work/here ]
	rm work/here
}

leave() {
	: >work/go
	wait $stayer
}

restart() {
	daemon_stop KILL
	"$@"
	daemon_start
}

by_itself() {
	ephemeral
	sleep 1
	check 'it waits for its first process' is_there
	check 'show says what it is' grep -q "^# session $name in .*, ends with its last process\$" <<-END
	$(as_dev "$al" show "$name")
	END
	as_dev "$al" tail "$name" >"$work/tail" &
	tail=$!
	refused 'in it, what is outside is refused' as_dev "$al" exec "$name" -- cat $key
	control 'outside, it can be read' as_dev cat $key
	check 'its process is gone: it ends' wait_for has_ended
	wait $tail
	is $? 0 'who tails it is told so'
	is "$(grep -c ' session ended ' "/var/log/agent-lock/$name.log")" 1 'the log says so'
	is "$(grep -c ' refused ' "/var/log/agent-lock/$name.log")" 1 'and all that was refused'
	fails_with "cannot find session '$name'" 'nothing can be run in it' as_dev "$al" exec \
		"$name" -- true
	fails_with "cannot find session '$name'" 'destroy says that there is none' as_dev "$al" \
		destroy "$name"
	as_dev "$al" new --name stays work >/dev/null
	as_dev "$al" exec stays -- true
	sleep 1
	check 'control: another session stays' as_dev "$al" report stays
	as_dev "$al" destroy stays >/dev/null
}

not_before() {
	ephemeral
	as_dev "$al" exec "$name" -- sh -c 'sleep 1000 >/dev/null 2>&1 & echo $! >pid'
	as_dev "$al" exec "$name" -- true
	sleep 1
	check 'what was left in the background keeps it' is_there
	as_dev "$al" freeze "$name"
	check 'frozen, too' is_there
	as_dev "$al" thaw "$name"
	kill "$(cat work/pid)"
	check 'until it is gone' wait_for has_ended
	ephemeral
	as_dev "$al" destroy "$name" >/dev/null
	check 'one that was never used can be destroyed' has_ended
	# The rest goes on in a child cgroup that the session made.
	ephemeral
	"$al" exec --root "$name" -- sh -c "sleep 1000 >/dev/null 2>&1 & echo \$! >pid" 2>/dev/null
	mkdir "$cgroups/session-$name/child"
	cat work/pid >"$cgroups/session-$name/child/cgroup.procs"
	sleep 1
	check 'a process in a child cgroup keeps it' is_there
	kill "$(cat work/pid)"
	check 'and it ends with that' wait_for has_ended
}

without_a_daemon() {
	ephemeral
	restart true
	check 'a daemon that comes later lets one wait that nobody entered' is_there
	stay
	restart true
	check 'and one that is in use' is_there
	refused 'which still refuses' as_dev "$al" exec "$name" -- cat $key
	leave
	check 'and ends it when its process is gone' wait_for has_ended
	ephemeral
	stay
	restart leave
	check 'it ends one whose last process left while there was none' wait_for has_ended
	is "$(grep -c ' session ended ' "/var/log/agent-lock/$name.log")" 1 'and says so in the log'
}

many() {
	runs=
	for i in 1 2 3 4 5 6 7 8; do
		as_dev "$al" new --ephemeral --name "e$i" work >/dev/null
		as_dev "$al" exec "e$i" -- true &
		runs="$runs $!"
	done
	# shellcheck disable=SC2086 # one word a process
	wait $runs
	check 'eight at once end' wait_for none_there
}

none_there() {
	[ "$("$al" list --json)" = '[]' ]
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 022; mkdir work; echo secret >key' || bail 'no files'
by_itself
not_before
without_a_daemon
many
as_dev "$al" run --ephemeral work -- true >"$work/said" 2>&1
is "$? $(cat "$work/said")" '125 agent-lock: run ends its session anyway: leave --ephemeral out' \
	'run has no use for it, and says so'
is "$(ls -A $states) $(ls -d $cgroups/*/ 2>/dev/null)" ' ' 'nothing is left'
cd / && umount -l /home/dev
plan
