#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: there is one daemon; root's first command starts it; however it ends, what is jailed
# stays jailed, and another can start. When it ends without sessions nothing of it is left. destroy
# ends all of a session, also what forks as fast as it can.
. ./tests/kernel/lib.sh

project=/home/dev/work
said=$project/said

key=/home/dev/.ssh/id_ed25519
pins=/sys/fs/bpf/agent-lock
cgroups=/sys/fs/cgroup/agent-lock

adopt() {
	daemon_pid=$(daemons)
	is "$(echo "$daemon_pid" | grep -c '^[0-9][0-9]*$')" 1 "$1"
}

# It is nobody's child here, so it can't be waited for.
end() {
	kill "-$1" "$daemon_pid"
	wait_for gone "$daemon_pid"
	daemon_pid=''
}

# Asks the process that is jailed since before to read the key: what did it say?
ask() {
	asked=$(($(grep -c . $said) + 1))
	echo go >$project/ask
	wait_for said_so
	sed -n "${asked}p" $said
}

said_so() {
	[ "$(grep -c . $said)" -ge "$asked" ]
}

still_jailed() {
	is "$(ask)" 'cat: /home/dev/.ssh/id_ed25519: Operation not permitted' "$1"
}

# The kernel takes them away a moment later.
no_programs() {
	! bpftool prog list | grep -q ' name al_'
}

one_at_a_time() {
	"$daemon" >"$work/out" 2>&1
	is "$? $(cat "$work/out")" '1 agent-lockd: another agent-lockd is running' \
		'a second daemon says so and ends'
	check 'the first one goes on' "$al" list
	as_dev "$daemon" >"$work/out" 2>&1
	is "$? $(head -n 1 "$work/out" | cut -d: -f2)" '1  agent-lockd must run as root' \
		'an ordinary user'"'"'s daemon says that it must be root'
	"$daemon" --bad >"$work/out" 2>&1
	is $? 2 'a wrong option: 2'
	daemon_stop
	check 'ended without sessions: no pins are left' [ ! -e $pins ]
	check 'ended without sessions: no socket is left' [ ! -e "$socket" ]
	is "$(ls -d $cgroups/*/ 2>/dev/null)" '' \
		'ended without sessions: no cgroup of a session is left'
	if command -v bpftool >/dev/null; then
		check 'ended without sessions: no program is left' wait_for no_programs
	else
		skip 'ended without sessions: no program is left' 'no bpftool here'
	fi
}

first_command() {
	as_dev "$al" list >"$work/out" 2>&1
	is "$? $(grep -c . "$work/out")" '1 2' \
		'an ordinary user without a daemon gets one line and a hint'
	is "$(head -n 1 "$work/out")" \
		"agent-lock: cannot reach agent-lockd at $socket: No such file or directory" 'the line'
	check 'the hint' grep -q '^hint: as root, any agent-lock command starts it' "$work/out"
	exec 7<$key
	for i in 1 2 3 4 5; do
		"$al" list >"$work/first.$i" 2>&1 &
		eval "first_$i=$!"
	done
	for i in 1 2 3 4 5; do
		eval "wait \$first_$i"
		is "$? $(tail -n 1 "$work/first.$i")" "0 $(tail -n 1 "$work/first.1")" \
			"five first commands of root's at once: number $i works"
	done
	adopt 'and there is one daemon'
	is "$(ls -l "/proc/$daemon_pid/fd" | grep -c id_ed25519)" 0 \
		'it keeps nothing open of who started it'
	is "$(readlink "/proc/$daemon_pid/cwd")" / 'it stands in no directory of theirs'
	is "$(cut -d' ' -f6 "/proc/$daemon_pid/stat")" "$daemon_pid" \
		'it is in a session of its own: no ^C reaches it'
	exec 7<&-
	end TERM
	check 'ended: no pins are left' [ ! -e $pins ]
}

unsafe_directory() {
	chmod 777 /run/agent-lock
	"$al" list >"$work/out" 2>&1
	is $? 1 'a directory that others can write: no daemon'
	check 'and it says why' grep -q \
		'/run/agent-lock is not a directory that only root can write' "$work/out"
	chmod 755 /run/agent-lock
}

outlives() {
	"$al" list >/dev/null || note 'no daemon'
	adopt 'a daemon'
	as_dev "$al" new work >/dev/null || bail 'no session'
	as_dev sh -c 'mkfifo work/ask; : >work/said'
	as_dev "$al" exec work -- sh -c \
		'while :; do read go <ask && cat ~/.ssh/id_ed25519; done >>said 2>&1' &
	control 'the key can be read outside' as_dev cat $key
	still_jailed 'control: a process is jailed'
	for signal in TERM KILL; do
		end $signal
		check "daemon ended by $signal: the pins stay" [ "$(ls -d $pins/maps-*)" ]
		still_jailed "daemon ended by $signal: a jailed process stays jailed"
		control "daemon ended by $signal: others are not" as_dev cat $key
		fails_with 'cannot reach agent-lockd' "daemon ended by $signal: exec says so" \
			as_dev "$al" exec work -- true
		check "after $signal: root's command starts another" "$al" list
		adopt "after $signal: and there is one"
		still_jailed "after $signal: a process that was jailed before stays jailed"
		is "$(as_dev "$al" new --name "after-$signal" work 2>&1)" "after-$signal" \
			"after $signal: new works"
		refused "after $signal: and what is jailed now is refused" as_dev "$al" exec \
			"after-$signal" -- cat $key
		check "after $signal: and can work" as_dev "$al" exec "after-$signal" -- sh -c \
			'echo x >file; rm file'
	done
}

attached() {
	ls $pins/links-*
}

programs() {
	bpftool prog list | grep ' name al_' | cut -d: -f1 | sort -n
}

# Something that is jailed tries all the time: was there a moment between the old set and the new?
replaced() {
	as_dev "$al" list >/dev/null 2>&1 || "$al" list >/dev/null || note 'no daemon'
	adopt 'a daemon again'
	as_dev "$al" exec work -- sh -c 'until cat ~/.ssh/id_ed25519 2>/dev/null; do echo x >>tries; done' \
		>"$work/leaked" &
	wait_for tried 1
	before=$(attached) ids=$(programs)
	end KILL
	"$al" list >/dev/null && adopt 'killed: there is another'
	is "$(attached)" "$before" 'attached programs of the same build are taken over'
	is "$(programs)" "$ids" 'and are the same ones'
	refused 'and refuse' as_dev "$al" exec work -- cat $key
	check 'and know who is attended to: a file that is only numbered by name is in bounds' \
		as_dev "$al" exec work -- sh -c 'echo x >file; rm file'
	end KILL
	mv $pins/links-* $pins/links-0123456789abcdef
	mkdir $pins/attaching-1
	"$al" list >/dev/null && adopt 'another build: there is a daemon'
	is "$(attached)" "$before" 'programs of another build are replaced by a whole set'
	is "$(ls -d $pins/*)" "$(ls -d $pins/links-[0-9a-f]* $pins/maps-*)" \
		'and nothing else is left of them, nor of an attempt'
	check 'these are new ones' [ "$(programs)" != "$ids" ]
	ids=$(programs)
	end KILL
	rm $pins/links-*/al_syslog
	"$al" list >/dev/null && adopt 'a link is gone: there is a daemon'
	is "$(attached)" "$before" 'a set that lacks one is replaced'
	check 'as a whole' [ "$(programs)" != "$ids" ]
	tries=$(tried)
	wait_for tried $((tries + 3))
	is "$(cat "$work/leaked")" '' 'and at no moment could be read what is outside'
	still_jailed 'who was jailed first still is'
}

# How often it tried; at least $1 times?
tried() {
	count=$(grep -c x $project/tries)
	[ $# -eq 0 ] && echo "$count" || [ "$count" -ge "$1" ]
}

# As many processes as dev may have, each of them making more as soon as there is room.
bomb() {
	as_dev "$al" new --name bomb work >/dev/null
	as_dev "$al" exec bomb -- python3 -ISc '
import os, random, resource, signal, time
resource.setrlimit(resource.RLIMIT_NPROC, (100, 100))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    try:
        if os.fork() == 0 and random.random() < 0.5:
            os._exit(0)
    except OSError:
        time.sleep(0.05)' >/dev/null 2>&1 &
	bomb=$!
	wait_for crowded
	check 'destroy ends what forks as fast as it can' as_dev "$al" destroy bomb
	wait $bomb
	check 'no cgroup is left' [ ! -e $cgroups/session-bomb ]
	is "$(cat /proc/[0-9]*/cgroup 2>/dev/null | grep -c session-bomb)" 0 'no process is left'
	fails_with "cannot find session 'bomb'" 'a second destroy says that there is none' as_dev \
		"$al" destroy bomb
}

crowded() {
	[ "$(grep -c . $cgroups/session-bomb/cgroup.procs)" -ge 60 ]
}

destroy_all() {
	as_dev "$al" destroy >"$work/out" 2>&1
	is $? 2 'destroy without a name: usage'
	as_dev "$al" destroy --all work >"$work/out" 2>&1
	is $? 2 'destroy --all with a name: usage'
	for name in one two three; do
		as_dev "$al" new --name $name work >/dev/null
	done
	as_eve "$al" new --name hers /home/eve/work >/dev/null
	as_dev "$al" exec one -- sleep 1000 &
	one=$!
	as_dev "$al" destroy two none three >"$work/out" 2>&1
	is \
		"$? $(grep -c '^session t' "$work/out") $(grep -c "cannot find session 'none'" "$work/out")" '1 2 1' \
		'destroy of several goes on after one that is not there'
	check 'destroy --all ends all of a user'"'"'s' as_dev "$al" destroy --all
	wait $one
	is $? 137 'and what ran'
	is "$("$al" list --json | grep -o '"session":"[^"]*"')" '"session":"hers"' \
		'and nobody else'"'"'s'
	check 'destroy --all of root'"'"'s ends all' "$al" destroy --all
	is "$("$al" list --json)" '[]' 'so there is none'
	is "$(ls -d $cgroups/*/ 2>/dev/null)" '' 'no cgroup of a session is left'
}

stopped() {
	end TERM
	check 'no pins are left' [ ! -e $pins ]
}

# Root can make it so where nothing runs in any session, and the kernel has no cgroup.kill then.
threaded() {
	threaded_cgroup=$cgroups/session-threaded
	as_dev "$al" new --name threaded work >/dev/null
	# Not while the cgroup above hands a controller down that threads cannot have.
	for threaded_controller in $(cat $cgroups/cgroup.subtree_control); do
		echo "-$threaded_controller" >$cgroups/cgroup.subtree_control
	done
	check 'control: a cgroup is made threaded' bash -c \
		"echo threaded >$threaded_cgroup/cgroup.type"
	as_dev "$al" exec threaded -- sh -c 'sleep 1000 & sleep 1000' &
	sleeping=$!
	wait_for grep -q . $threaded_cgroup/cgroup.threads
	fails_with 'not supported' 'control: and cannot be killed then' bash -c \
		"echo 1 >$threaded_cgroup/cgroup.kill"
	check 'destroy ends it all the same' as_dev "$al" destroy threaded
	wait $sleeping
	is $? 137 'and what ran in it was killed'
	check 'and nothing is left of it' [ ! -e $threaded_cgroup ]
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p .ssh work; echo secret >.ssh/id_ed25519' && as_eve mkdir -p \
	/home/eve/work || bail 'no files'
one_at_a_time
first_command
unsafe_directory
outlives
replaced
bomb
destroy_all
threaded
stopped
cd "$top" && umount -l /home/dev
plan
