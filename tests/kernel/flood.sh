#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: an agent that is refused things as fast as it can loses no count, fills no disk, takes no
# memory, and hides nothing of anybody else. What the log and each tail show adds up to what was
# done: lines, repeats, and lines that say how many are missing. A full disk stops the log, not the
# jail.
#
#   FLOOD=1   a million refusals of the same file, too, in place of 100,000
. ./tests/kernel/lib.sh

logs=/var/log/agent-lock
conf=/etc/agent-lock/agent-lock.ini
key=/home/dev/.ssh/id_ed25519
flood=100000 million=1000000
[ ! "${FLOOD:-}" ] || flood=$million
memory=65536 # KiB that the daemon may have had at most
size=65536 keep=2

# What the lines of a file stand for: refusals, and lines that say how many are missing.
weight() {
	awk '$2 == "refused" || $2 == "lost" {
		n = 1
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^repeat=/) n = substr($i, 8)
			if ($i ~ /^count=/) n = substr($i, 7)
		}
		sum += n
	} END { printf "%d\n", sum }' "$@"
}

weighs() {
	[ "$(weight "$1")" = "$2" ]
}

# adds_up PROMISE FILE COUNT: it will, once all was written.
adds_up() {
	wait_for weighs "$2" "$3"
	is "$(weight "$2")" "$3" "$1"
}

# The largest that all files of a session's log together have been, until it is told to end.
watch_size() {
	most=0
	while [ ! -e "$work/enough" ]; do
		now=$(stat -c %s $logs/many.log $logs/many.log.* 2>/dev/null |
			awk '{ sum += $1 } END { print sum + 0 }')
		[ "$now" -le $most ] || most=$now
		sleep 0.1
	done
	echo $most
}

# timed SESSION FILE: a tail whose lines come with their age in seconds.
timed() {
	as_dev "$al" tail -n 0 --denied "$1" | python3 -ISuc '
import datetime, sys
for line in sys.stdin:
    then = datetime.datetime.strptime(line.split(" ")[0], "%Y-%m-%dT%H:%M:%S.%f%z")
    print((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds(), line, end="")' \
		>"$2"
}

# field SESSION KEY: a number of its report's, of the whole session.
field() {
	field_json=$("$al" report --json "$1")
	field_json=${field_json#*"\"$2\":"}
	echo "${field_json%%[!0-9]*}"
}

# tail_to FILE SESSION: in the background; its process is $!.
tail_to() {
	(
		export HOME=/home/dev USER=dev LOGNAME=dev
		exec "$bin/become" 1000 "$al" tail -n 0 "$2" >"$1" 2>&1
	) &
}

oldest() {
	sort -rn "$1" | head -n 1 | cut -d' ' -f1
}

# begun FILE...: the tails that write these follow.
begun() {
	for begun_file; do
		wait_for grep -q ' session entered ' "$begun_file" || note "no tail: $begun_file"
	done
}

peak() {
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$daemon_pid/status"
}

configure() {
	mkdir -p "${conf%/*}"
	[ ! -e $conf ] || mv $conf "$work/agent-lock.ini"
	{ cat "$top/conf/agent-lock.ini" && printf '%s\n' '' '[log]' "$@"; } >$conf
}

configuration() {
	for line in 'size = 63K' 'keep = -1' 'sizes = 1'; do
		configure "$line"
		daemon_stop
		"$daemon" >"$work/out" 2>&1
		is "$? $(grep -c "^agent-lockd: $conf:[0-9]*: .*expected .*, got" "$work/out")" '3 1' \
			"[log] $line: the daemon does not start, and names the line"
		as_dev "$al" new work >"$work/out" 2>&1
		rm $conf
	done
	configure "size = $size" "keep = $keep"
	daemon_start
	as_dev sh -c "printf '[log]\nkeep = 1\n' >work/policy.ini"
	fails_with 'expected it in agent-lock.ini only' \
		'[log] is nothing for a policy of the user'"'"'s' \
		as_dev "$al" new --policy work/policy.ini work
}

# One file, again and again: few lines, and none missing.
same() {
	as_dev "$al" new --name same --ro "$bin" work >/dev/null
	tail_to "$work/same" same
	sleep 1
	is "$(as_dev "$al" exec same -- "$bin/flood" $flood $key)" $flood \
		"$flood opens of one file are all refused"
	is "$(field same refused)" $flood "report counts $flood"
	adds_up "the log adds up to $flood" $logs/same.log $flood
	adds_up "so does tail" "$work/same" $flood
	note "lines: $(grep -c . $logs/same.log), lost: $(field same lost)"
	check 'in a hundredth of the lines' [ "$(grep -c . $logs/same.log)" -lt $((flood / 100)) ]
	check 'a repeat says when' grep -q \
		' repeat=[1-9][0-9]* first=20[0-9T:.-]*Z last=20[0-9T:.-]*Z$' $logs/same.log
	as_dev "$al" exec same -- "$bin/flood" 1000 $key >/dev/null
	as_dev "$al" destroy same >/dev/null
	is "$(weight $logs/same.log)" $((flood + 1000)) 'destroy leaves nothing out of the log'
}

# Sixty-four files in turn: nothing to fold. Somebody reads, somebody does not, somebody else works.
many() {
	as_dev "$al" new --name many --ro "$bin" work >/dev/null
	as_dev "$al" new --name other work >/dev/null
	tail_to "$work/fast" many
	tail_to "$work/slow" many
	slow=$!
	timed other "$work/other" &
	sleep 1
	as_dev "$al" exec many -- true
	begun "$work/fast" "$work/slow"
	for i in 1 2 3 4 5; do as_dev "$al" exec other -- cat $key 2>/dev/null; done
	wait_for [ "$(grep -c refused "$work/other")" = 5 ]
	before=$(oldest "$work/other")
	kill -STOP $slow
	watch_size >"$work/most" &
	watcher=$!
	as_dev "$al" exec many -- "$bin/flood" $million /home/dev/many/ 64 >"$work/refused" &
	flooder=$!
	tried=5
	while kill -0 $flooder 2>/dev/null; do
		as_dev "$al" exec other -- cat $key 2>/dev/null
		tried=$((tried + 1))
	done
	wait $flooder
	: >"$work/enough"
	wait $watcher
	is "$(cat "$work/refused")" $million "$million opens of 64 files are all refused"
	is "$(field many refused)" $million "report counts $million"
	adds_up 'what tail shows and what it says is missing add up' "$work/fast" $million
	is "$(grep -c ' lost ' "$work/slow")" 0 'a stopped tail has been told nothing so far'
	kill -CONT $slow
	adds_up 'when it goes on, it is told how many it missed' "$work/slow" $million
	note "lost in the ring: $(field many lost); lines: fast $(grep -c . "$work/fast")" \
		"slow $(grep -c . "$work/slow"), of these lost $(grep -c ' lost ' "$work/slow")"
	check 'which are most' [ "$(grep -c . "$work/slow")" -lt $(($(grep -c . "$work/fast") / 2)) ]
	check 'the log was never larger than size * (keep + 1)' \
		[ "$(cat "$work/most")" -le $((size * (keep + 1))) ]
	check 'control: it was full' [ "$(cat "$work/most")" -gt $((size * keep)) ]
	is "$(ls $logs | grep -c '^many.log')" $((keep + 1)) 'in keep + 1 files'
	is "$(stat -c '%a %U' $logs/many.log*)" "$(for i in 0 1 2; do echo '600 dev'; done)" \
		'all are the owner'"'"'s, and nobody else'"'"'s to read'
	wait_for [ "$(grep -c refused "$work/other")" = $tried ]
	is "$(grep -c ' refused ' "$work/other")" $tried \
		'another session'"'"'s refusals are all in its tail'
	note "their age in seconds: at most $before before, $(oldest "$work/other") meanwhile"
	check 'within a second of when they happened' \
		awk "BEGIN { exit !($(oldest "$work/other") < 1 + $before) }"
	note "the daemon's memory: $(peak) KiB at most"
	check "the daemon stays below $memory KiB" [ "$(peak)" -lt $memory ]
	# Lines of a log that was rotated.
	lines=$(cat $logs/many.log* | grep -c .)
	as_dev "$al" tail --no-follow -n 100000 many >"$work/tail"
	is "$(grep -c . "$work/tail")" "$lines" 'tail -n reads the rotated files as well'
	is "$(cat "$work/tail")" "$(cat $logs/many.log.2 $logs/many.log.1 $logs/many.log)" \
		'in their order'
	lines=$(($(grep -c . $logs/many.log) + 3))
	is "$(as_dev "$al" tail --no-follow -n $lines many)" "$(tail -n $lines "$work/tail")" \
		'and no more of them than it was asked for'
}

# What ends while somebody is late.
late() {
	tail_to "$work/late" many
	late=$!
	sleep 1
	as_dev "$al" exec many -- true
	begun "$work/late"
	kill -STOP $late
	as_dev "$al" exec many -- "$bin/flood" 2000 /home/dev/many/ 64 >/dev/null
	as_dev "$al" destroy many >/dev/null
	kill -CONT $late
	wait $late
	status=$?
	# What it missed may be the line of the end, too.
	is "$status $(weight "$work/late")" "0 $((2001 - $(grep -c ' session destroyed ' "$work/late")))" \
		'a session that ends: who is late is told what it missed, and that it ended'
}

# However the daemon ends.
ended() {
	as_dev "$al" new --name ended --ro "$bin" work >/dev/null
	as_dev "$al" exec ended -- "$bin/flood" 1000 $key >/dev/null
	daemon_stop
	is "$(weight $logs/ended.log)" 1000 'a daemon that is stopped writes what it held back'
	daemon_start
	as_dev "$al" exec ended -- "$bin/flood" 1000 $key >/dev/null
	sleep 1
	daemon_stop KILL
	is "$(weight $logs/ended.log)" 2000 'one that is killed has written all but the last second'
	daemon_start
	as_dev "$al" exec ended -- "$bin/flood" 10 $key >/dev/null
	as_dev "$al" destroy ended >/dev/null
	is "$(weight $logs/ended.log)" 2010 'the next one goes on in the same file'
	is "$(grep -vc '^20.* session=ended ' $logs/ended.log)" 0 'no line is there in part'
}

state_of_log() {
	"$al" list --json | sed "s/.*\"session\":\"$1\"[^}]*\"log\":\"\([^}]*\)}.*/\1/;s/,\"memory\".*//;s/\"//g"
}

log_is() {
	[ "$(state_of_log "$1" | cut -d, -f1,2)" = "$2" ]
}

full_disk() {
	daemon_stop
	mount -t tmpfs -o size=512k,mode=755 tmpfs $logs
	daemon_start
	as_dev "$al" new --name full --ro "$bin" work >/dev/null
	is "$(state_of_log full)" ok 'control: list says that the log is written'
	head -c 1000000 /dev/zero >$logs/filler 2>/dev/null
	as_dev "$al" exec full -- "$bin/flood" 1000 /home/dev/many/ 64 >"$work/refused"
	is "$(cat "$work/refused")" 1000 'a full disk: the jail holds'
	check 'list --json says so' wait_for log_is full full,log_error:ENOSPC
	# The line that says how many are missing may just find room, and for that moment all is well.
	tried=1000
	until "$al" list >"$work/list" && grep -q '^full .* full ' "$work/list" || [ $tried -ge 3000 ]; do
		as_dev "$al" exec full -- "$bin/flood" 100 /home/dev/many/ 64 >/dev/null
		tried=$((tried + 100))
	done
	check 'list says so' grep -q '^full .* full ' "$work/list"
	as_dev "$al" new --name new work >"$work/out" 2>&1
	is "$(cat "$work/out")" new 'new makes a session all the same'
	as_dev "$al" exec new -- cat $key 2>/dev/null
	rm $logs/filler
	check 'with room again it goes on' wait_for log_is full ok
	as_dev "$al" exec full -- cat $key 2>/dev/null
	as_dev "$al" destroy full >/dev/null
	is "$(weight $logs/full.log)" $((tried + 1)) 'and says how many are missing'
	note "$(grep ' lost ' $logs/full.log)"
	check 'in one line' [ "$(grep -c ' lost ' $logs/full.log)" -le $((2 + (tried - 1000) / 100)) ]
	is "$(grep -vc '^20.* session=full ' $logs/full.log)" 0 'no line is there in part'
	as_dev "$al" destroy new >/dev/null
	is "$(weight $logs/new.log)" 3 'so does that of the session that was made meanwhile'
	daemon_stop
	umount $logs
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev || bail 'no home'
as_dev sh -c 'umask 022; cd; mkdir -p .ssh work many; echo secret >.ssh/id_ed25519
	cd many && seq 0 63 | xargs touch' || bail 'no files'
control 'the key can be read outside' as_dev cat $key
cd /home/dev || bail 'no home'
configuration
same
many
late
ended
full_disk
daemon_start
as_dev "$al" destroy --all >/dev/null
rm -f $conf
[ ! -e "$work/agent-lock.ini" ] || mv "$work/agent-lock.ini" $conf
cd "$top" && umount -l /home/dev
plan
