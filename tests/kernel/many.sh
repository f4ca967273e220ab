#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: two hundred sessions with fifty rules each are held at once, each by its own rules; what
# the daemon does for one more, and to take one away, does not grow with their number.
. ./tests/kernel/lib.sh

sessions=200 rules=50
cgroups=/sys/fs/cgroup/agent-lock

# CPU time that the daemon had so far, in microseconds.
spent() {
	echo $(($(cut -d' ' -f1 "/proc/$daemon_pid/schedstat") / 1000))
}

# Its directories are nobody else's, but for one that all of them name.
policy() {
	echo '[paths]'
	echo "ro = $work/shared"
	seq "$rules" | sed "s|^|ro = $work/d/$1/|"
}

# new FROM TO: makes these
new() {
	for n in $(seq "$1" "$2"); do
		policy "$n" >"$work/policy"
		as_dev "$al" new --name "s$n" --policy "$work/policy" "$work/p/$n" >/dev/null ||
			note "session $n is not made"
	done
}

# destroy FROM TO
destroy() {
	for n in $(seq "$1" "$2"); do
		as_dev "$al" destroy "s$n" >/dev/null || note "session $n is not destroyed"
	done
}

# during COMMAND...: leaves the CPU time that it had the daemon use in $took
during() {
	before=$(spent)
	"$@"
	took=$(($(spent) - before))
}

# grows PROMISE EARLY LATE: no, by no more than half
grows() {
	note "microseconds of the daemon: $2, then $3: x$((100 * $3 / $2))/100"
	check "$1" [ $((2 * $3)) -le $((3 * $2)) ]
}

made() {
	new 1 10
	during new 11 30
	early=$took
	new 31 $((sessions - 20))
	during new $((sessions - 19)) $sessions
	grows 'the last twenty cost no more than the first' "$early" "$took"
	is "$(as_dev "$al" list | grep -c '^s[0-9]')" $sessions 'all of them are listed'
	is "$(ls -d $cgroups/session-s* | grep -c .)" $sessions 'each has its cgroup'
}

# held N OTHER: N may read its own directories, and none of OTHER's
held() {
	check "session $1: its own rules hold" as_dev "$al" exec "s$1" -- cat "$work/d/$1/1/file" \
		"$work/d/$1/$rules/file" "$work/shared/file"
	refused "session $1: those of session $2 do not" as_dev "$al" exec "s$1" -- cat \
		"$work/d/$2/1/file"
	refused "session $1: nor does its project" as_dev "$al" exec "s$1" -- ls "$work/p/$2"
	control "session $1: outside, they can be read" as_dev cat "$work/d/$2/1/file"
	control "session $1: and listed" as_dev ls "$work/p/$2"
}

destroyed() {
	during destroy 1 20
	late=$took
	destroy 21 $((sessions - 40))
	held $sessions 1
	during destroy $((sessions - 39)) $((sessions - 20))
	grows 'to take one away costs no more when there are many' "$took" "$late"
	check 'destroy --all ends the rest' as_dev "$al" destroy --all
	is "$("$al" list --json)" '[]' 'none is left'
	is "$(ls -d $cgroups/*/ /run/agent-lock/sessions/* 2>/dev/null)" '' \
		'nor a cgroup, nor a state'
	is "$(find "/proc/$daemon_pid/fd" -lname "$work/[dp]/*" -o -lname "$work/shared")" '' 'nor a descriptor of their objects'
}

begin
for n in $(seq $sessions); do
	seq "$rules" | sed "s|^|$work/d/$n/|" | xargs mkdir -p "$work/p/$n"
	echo "file of $n" | tee "$work/d/$n/1/file" >"$work/d/$n/$rules/file"
done
mkdir "$work/shared" && echo 'of all' >"$work/shared/file"
chown -R 1000:1000 "$work/p"
made
held 1 $sessions
held $((sessions / 2)) 1
held $sessions 1
destroyed
plan
