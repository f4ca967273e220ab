#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: who may move a process out of a session from outside, root, may go on doing so; the
# session's log tells of each such move once, of what was moved and by whom, and no other move is
# taken for one. It is no refusal.
. ./tests/kernel/lib.sh

cgroups=/sys/fs/cgroup outside=/sys/fs/cgroup/leave-test

# How many lines of the session's log, or of a file, are about leaving.
leaves() {
	grep -c ' allowed leave ' "${1:-/var/log/agent-lock/$session.log}"
}

left() {
	[ "$(leaves)" -ge "$1" ]
}

is_in() {
	[ "$(cat "/proc/$1/cgroup")" = "0::${2#"$cgroups"}" ]
}

# A process of dev's in the session; its id is in $inside_pid, the session's cgroup in $own.
start_inside() {
	own=$cgroups/agent-lock/session-$session
	inside_background "$@"
	wait_for is_in "$inside_pid" "$own" || not_ok 'a process is in its session'
}

# move PID FILE: by a process named tee, whose own id is in $work/mover then.
move() {
	printf '%s\n' "$1" | sh -c 'echo $$ >"$1"; exec tee "$0"' "$2" "$work/mover" >/dev/null
}

# logged NUMBER PID PROMISE: the last line, of NUMBER about leaving, is the last move, of PID.
logged() {
	wait_for left "$1"
	mover=$(cat "$work/mover")
	logged_line=$(grep ' allowed leave ' "/var/log/agent-lock/$session.log" | tail -n 1)
	logged_who="pid=$mover comm=tee path=process:$2"
	logged_rest='error=none rule=no\x20rule uid=0 chain= sensitive=no'
	is "$(leaves) ${logged_line#* }" \
		"$1 allowed leave session=$session $logged_who $logged_rest" "$3"
}

# What is no leaving; what follows would be counted too many if it were taken for that.
other_moves() {
	sleep 1000 &
	stranger=$!
	check 'a process is moved in' move $stranger "$own/cgroup.procs"
	mkdir "$own/one" "$own/two" "$outside/one"
	for to in "$own/one" "$own/two" "$own"; do
		check "a process is moved to ${to#"$cgroups"/}" move "$inside_pid" "$to/cgroup.procs"
	done
	check 'control: it is where it was' is_in "$inside_pid" "$own"
	sleep 1000 &
	bystander=$!
	for to in "$outside" "$outside/one"; do
		check "a process outside is moved to ${to#"$cgroups"/}" move $bystander \
			"$to/cgroup.procs"
	done
	kill $bystander
	# What is not a domain takes no process: that move fails.
	mkdir "$outside/threads" && echo threaded >"$outside/threads/cgroup.type" &&
		mkdir "$outside/threads/invalid"
	fails_with 'Operation not supported' 'a move that fails' move "$inside_pid" \
		"$outside/threads/invalid/cgroup.procs"
	rmdir "$outside/threads/invalid" "$outside/threads"
	inside true
}

processes() {
	check 'root moves a process out' move "$inside_pid" "$outside/cgroup.procs"
	check 'control: it is out' is_in "$inside_pid" "$outside"
	logged 1 "$inside_pid" 'it is logged, with its mover; and so is no other move'
	check 'a process that was moved in is moved out' move $stranger "$outside/cgroup.procs"
	logged 2 $stranger 'it is logged too'
	check 'one that left is moved on' move $stranger "$outside/one/cgroup.procs"
	check 'and back in' move $stranger "$own/one/cgroup.procs"
	check 'and out of a child cgroup of the session' move $stranger "$outside/cgroup.procs"
	logged 3 $stranger 'only leaving is logged, from wherever in the session'
	kill $stranger "$inside_pid"
}

shown() {
	is "$(refusals)" 0 'the report counts no refusal'
	check 'it counts what left' grep -q '"leave":{"in_bounds":3,' <<-END
		$("$al" report --json "$session")
	END
	is "$("$al" report "$session" | grep -c '^ *[0-9]* *leave .*process:')" 0 \
		'and lists none of it among what was refused'
	is "$(as_dev "$al" tail --no-follow "$session" | leaves -)" 3 'tail shows them'
	is "$(as_dev "$al" tail --no-follow --denied "$session" | leaves -)" 0 \
		'tail --denied does not'
	inside true
	as_dev "$al" tail -n 1 "$session" >"$work/tail" &
	tail=$!
	wait_for grep -q ' session entered ' "$work/tail"
	start_inside sleep 1000
	check 'while it is followed, another is moved' move "$inside_pid" "$outside/cgroup.procs"
	logged 4 "$inside_pid" 'it is logged'
	wait_for grep -q ' leave ' "$work/tail"
	is "$(leaves "$work/tail") $(grep -c "pid=$mover comm=tee path=process:$inside_pid " \
		"$work/tail")" '1 1' 'and shown by tail, once'
	kill $tail "$inside_pid"
}

# The kernel keeps what nobody reads.
without_daemon() {
	start_inside sleep 1000
	daemon_stop KILL
	check 'a process is moved out while there is no daemon' move "$inside_pid" \
		"$outside/cgroup.procs"
	daemon_start
	logged 5 "$inside_pid" 'the next daemon logs it'
	kill "$inside_pid"
}

# A process of three threads; then one thread, which takes a cgroup that is threaded.
threads() {
	cat >"$work/project/threads.py" <<-'END'
	import threading, time
	for i in range(2):
	    threading.Thread(target=time.sleep, args=[1000], daemon=True).start()
	open('threads-are-there', 'w').close()
	time.sleep(1000)
	END
	mkdir "$own/one"
	echo threaded >"$own/one/cgroup.type"
	start_inside python3 -IS threads.py
	wait_for [ -e "$work/project/threads-are-there" ]
	thread=$(ls "/proc/$inside_pid/task" | tail -n 1)
	check 'a thread is moved within the session' move "$thread" "$own/one/cgroup.threads"
	check 'control: it is there' is_in "$inside_pid/task/$thread" "$own/one"
	check 'a process of three threads is moved out' move "$inside_pid" "$outside/cgroup.procs"
	logged 1 "$inside_pid" 'that is logged once; and nothing of the thread before'
	kill "$inside_pid"
	rm "$work/project/threads-are-there"
}

# Threads leave a session only if root made it and what is above it one domain.
threads_alone() {
	rmdir "$outside/one"
	mkdir "$cgroups/agent-lock/leave-test"
	own=$cgroups/agent-lock/session-$session
	echo threaded >"$own/cgroup.type" && echo threaded >"$cgroups/agent-lock/leave-test/cgroup.type"
	start_inside python3 -IS threads.py
	wait_for [ -e "$work/project/threads-are-there" ]
	thread=$(ls "/proc/$inside_pid/task" | tail -n 1)
	check 'one thread is moved out' move "$thread" "$cgroups/agent-lock/leave-test/cgroup.threads"
	check 'control: it is out' is_in "$inside_pid/task/$thread" "$cgroups/agent-lock/leave-test"
	check 'control: its process is not' is_in "$inside_pid" "$own"
	logged 1 "$inside_pid" 'it is logged, as its process'
	# The kernel kills no threaded cgroup as a whole: who made it one takes it away.
	kill -KILL "$inside_pid"
	wait_for rmdir "$own" && wait_for rmdir "$cgroups/agent-lock/leave-test"
}

# What ends is not moved.
ends() {
	start_inside sh -c 'sleep 1000 & sleep 1000 & wait'
	"$al" destroy "$session" >"$work/destroy.log"
	check 'control: the session is destroyed' grep -q ' session destroyed ' \
		"/var/log/agent-lock/$session.log"
	is "$(leaves)" "$1" "$2"
	session=''
}

begin
mkdir "$work/project" "$outside" && chown 1000:1000 "$work/project" || bail 'no directories'
jail --name leave "$work/project"
start_inside sleep 1000
other_moves
processes
shown
without_daemon
ends 5 'a session that is destroyed does not leave'
jail --name threads "$work/project"
own=$cgroups/agent-lock/session-$session
threads
ends 1 'nor does one with threads'
jail --name thread "$work/project"
threads_alone
unjail
rmdir "$outside"
plan
