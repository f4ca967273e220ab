#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: whenever the daemon dies, a session is as it was before a request or as the request wants
# it, never something between: for `new`, `allow`, `deny` and `destroy`, the daemon is killed before
# everything it does that changes something, and another one comes. What was acknowledged holds. No
# leftover stays, and nothing in a session ever reads what it may not.
#
# Of steps that are alike (a hundred rules, one after the other) the first, the last, and if they are
# many one in the middle.
. ./tests/kernel/lib.sh

home=/home/dev
cgroups=/sys/fs/cgroup/agent-lock
logs=/var/log/agent-lock

# count: entries of the maps that belong to sessions
count() {
	pins=$(echo /sys/fs/bpf/agent-lock/maps-*)
	"$bin/maps" count "$pins/sessions" "$pins/rules" "$pins/names" "$pins/numbers"
}

# What there is of sessions besides the maps: cgroups, states, logs that were begun for none.
leavings() {
	find $cgroups -mindepth 1 -type d
	find /run/agent-lock/sessions -type f 2>/dev/null
	[ -e $cgroups/session-work ] || find $logs -type f -empty
}

# request VERB: as dev; what it said goes to $work/said
request() {
	case $1 in
	new) as_dev "$al" new --name work --ro "$bin" --deny $home/work/secret $home/work ;;
	allow) as_dev "$al" allow work --ro $home/lib --rw $home/store ;;
	deny) as_dev "$al" deny work $home/work/sub ;;
	destroy) as_dev "$al" destroy work ;;
	esac >"$work/said" 2>&1
}

# watched NUMBER VERB: the request, its daemon killed before change NUMBER (0: never). Its status is in
# $status; ends well if the daemon was killed.
watched() {
	: >"$work/watching"
	"$bin/kill_at" "$daemon_pid" "$1" "$work/steps" >"$work/watching" 2>&1 &
	watcher=$!
	wait_for [ -s "$work/watching" ] || note "$(cat "$work/watching")"
	request "$2"
	status=$?
	kill $watcher 2>/dev/null
	wait $watcher
}

# The numbers of the steps to die at. Of one kind are those that do the same to one map, or to paths
# that differ in a number. The last ones all, and a few more than there were: some are lines of what else the
# session does meanwhile, and of these there are fewer or more next time.
chosen() {
	awk '{ number = $1; $1 = ""; if ($2 != "bpf") gsub(/[0-9]+/, "N")
		of[$0] = of[$0] " " number; n[$0]++ }
		END { for (kind in of) { split(of[kind], at, " "); print at[1]; print at[n[kind]]
			if (n[kind] > 9) print at[int(n[kind] / 2)] }
			for (last = NR - 3; last <= NR + 6; last++) print last }' "$work/steps" | sort -nu
}

# What a process sees that may read the project, and nothing of the home but what was allowed. No
# program is started for it.
# shellcheck disable=SC2016 # the shell inside is to expand it
look='can() { { read -r line <"$1"; } 2>/dev/null && printf "%s " "$2"; }
	can ~/work/file project; can ~/work/sub/file sub; can ~/lib/code lib; can ~/lib/deep/file deep
	{ true >~/store/new; } 2>/dev/null && printf "store "
	can ~/.ssh/id_ed25519 KEY; can ~/work/secret SECRET; echo'

seen() {
	as_dev "$al" exec work -- sh -c "$look" 2>&1
}

# Runs in the session and looks all the time, whatever becomes of the daemon.
looks_on() {
	as_dev "$al" exec work -- sh -c "while :; do $look; sleep 0.3; done" >>"$work/looked" 2>&1 &
	looker=$!
}

# A session as the verb needs it before; nothing for new.
prepare() {
	[ "$1" != new ] || return 0
	if [ ! -e $cgroups/session-work ]; then
		request new || bail "no session: $(cat "$work/said")"
		looks_on
	elif ! kill -0 $looker 2>/dev/null; then
		looks_on
	fi
}

# snapshot: all that tells one whole state from another
snapshot() {
	count
	leavings
	"$al" list --json | grep -o '"session":"[^"]*"'
	[ ! -e $cgroups/session-work ] || { as_dev "$al" show work && seen; }
}

# Both ends, by requests that nobody disturbs; the steps are in $work/steps.$1.
learn() {
	clear
	rm -f $logs/work.log*
	prepare "$1"
	snapshot >"$work/before"
	watched 0 "$1"
	is "$status" 0 "$1: control: undisturbed it works"
	snapshot >"$work/after"
	check "$1: control: before and after differ" sh -c "! cmp -s '$work/before' '$work/after'"
	mv "$work/steps" "$work/steps.$1"
	note "$1: $(grep -c . "$work/steps.$1") changes"
	clear
}

# No session, by a request.
clear() {
	[ ! -e $cgroups/session-work ] || request destroy || note "$(cat "$work/said")"
	[ ! "${looker:-}" ] || wait $looker
	looker=''
}

# What the client said when its daemon died.
said_so() {
	grep -qE '^agent-lock: (agent-lockd hung up|cannot (understand|reach|talk to) agent-lockd)' \
		"$work/said"
}

# Killed at one it is whole: as it was, or as wanted, and that if it was acknowledged. The watched
# process writes what happens in the session, too: a request may be through before that many changes.
killed_at() {
	prepare "$1"
	if watched "$2" "$1"; then
		wait "$daemon_pid" 2>/dev/null
		[ $status = 0 ] || said_so || wrong="$wrong; $2: said $(cat "$work/said")"
		daemon_start
		killed=$((killed + 1))
	elif [ $status != 0 ]; then
		wrong="$wrong; $2: not killed, and failed: $(cat "$work/said")"
	fi
	snapshot >"$work/now"
	if cmp -s "$work/now" "$work/after"; then
		after=$((after + 1))
		[ "$1" = destroy ] || clear
	elif cmp -s "$work/now" "$work/before"; then
		before=$((before + 1))
		[ $status != 0 ] || wrong="$wrong; $2: acknowledged, and not done"
	else
		wrong="$wrong; $2 ($(sed -n "$2p" "$work/steps.$1")): something between"
		note "$(diff "$work/before" "$work/now")" '---' "$(diff "$work/after" "$work/now")"
		clear
	fi
}

crashes() {
	learn "$1"
	steps=$(cp "$work/steps.$1" "$work/steps" && chosen)
	before=0 after=0 killed=0 wrong=''
	for step in $steps; do
		killed_at "$1" "$step"
	done
	is "$wrong" '' "$1: wherever the daemon was killed it is whole"
	note "$1: killed $killed times, as before $before times, as wanted $after times"
	check "$1: control: it was killed" [ $killed -gt 9 ]
	check "$1: control: some were as before" [ $before -gt 0 ]
	check "$1: control: some were as wanted" [ $after -gt 0 ]
	clear
	is "$("$bin/maps" count "$pins/tally")" 0 "$1: no count is left"
	is "$(count) $(leavings)" '0 0 0 0 ' "$1: nothing is left"
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home && cd $home || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p .ssh work/sub lib/deep store; for file in .ssh/id_ed25519 work/secret \
	work/file work/sub/file lib/code lib/deep/file; do echo x >$file; done' || bail 'no files'
mkdir -p /etc/agent-lock
printf '%s\n' '[optional]' 'deny = /etc/agent-lock' 'ro = /usr' 'ro = /bin' 'ro = /lib' 'ro = /lib64' \
	>/etc/agent-lock/agent-lock.ini
daemon_stop
daemon_start
is "$(as_dev sh -c "$look")" 'project sub lib deep store KEY SECRET ' 'control: outside all is reached'
for verb in ${VERBS:-new allow deny destroy}; do
	crashes "$verb"
done
is "$(grep -cE 'KEY|SECRET' "$work/looked")" 0 'what ran in the sessions never read what it may not'
check 'control: it read the project' grep -q '^project sub ' "$work/looked"
rm -r /etc/agent-lock
cd "$top" && umount -l $home
plan
