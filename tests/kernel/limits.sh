#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: a session has no more memory, processes and CPU time than it was given, or is not made
# at all; what that does to it is in its log; freeze stops all of it where it stands, and thaw lets
# it go on.
. ./tests/kernel/lib.sh

cgroups=/sys/fs/cgroup
logs=/var/log/agent-lock

dev_new() {
	as_dev "$al" new "$@"
}

# What the kernel has in a file of the session's cgroup.
value() {
	cat "$cgroups/agent-lock/session-$session/$1"
}

# listed KEY: what list --json says of the session.
listed() {
	as_dev "$al" list --json | tr '{' '\n' | sed -n "/\"session\":\"$session\"/"'s/.*"'"$1"'":"\{0,1\}\([^,"}]*\).*/\1/p'
}

# logged WHAT: how often it happened, by the lines of the session's log.
logged() {
	sed -n "s/.* session $1 session=$session pid=0 comm=kernel count=//p" "$logs/$session.log" | {
		logged_sum=0
		while read -r logged_count; do
			logged_sum=$((logged_sum + logged_count))
		done
		echo $logged_sum
	}
}

logged_at_least() {
	[ "$(logged "$1")" -ge "$2" ]
}

nothing_left() {
	is "$(as_dev "$al" list --json) $(ls -d $cgroups/agent-lock/*/ $logs/*.log \
		/run/agent-lock/sessions/* 2>/dev/null)" '[] ' "$1: nothing half made is left"
}

arguments() {
	while read -r option text; do
		fails_with "agent-lock: --$option: expected " "--$option '$text' is refused" dev_new \
			"--$option" "$text" work
	done <<-'END'
	memory
	memory 0
	memory 4X
	memory 512
	memory -4G
	memory 1025T
	memory 99999999999999999999G
	memory 18446744073709551616
	pids
	pids 0
	pids 4194305
	pids 5K
	pids 99999999999999999999
	cpu
	cpu 0%
	cpu 200
	cpu %
	cpu 99999999999999999999%
	END
	as_dev sh -c 'umask 022; printf "[session]\npids = 8\nmemory = 4X\n" >bad.ini'
	fails_with "bad.ini:3: memory: expected a size from 1M to 1024T, such as 4G, or none, got '4X'" \
		'a policy file with a wrong limit is refused' dev_new --policy bad.ini work
	as_dev "$al" run --pids 0 work -- true >"$work/said" 2>&1
	is $? 125 'run with a wrong limit runs nothing'
	as_dev "$al" new work --memory 2>"$work/said" >&2
	is $? 2 'usage: an option after the directory'
	nothing_left 'wrong arguments'
}

# The guest's root cgroup hands nothing down; only root may have that changed.
not_delegated() {
	if [ "$(cat $cgroups/cgroup.subtree_control)" ]; then
		skip 'a limit is refused where its controller is not delegated' 'it is, here'
		return
	fi
	fails_with 'agent-lock: cannot limit memory: not enabled for the cgroups below /sys/fs/cgroup' \
		'not delegated: --memory is refused' dev_new --memory 64M work
	nothing_left '--memory'
	echo +memory >$cgroups/cgroup.subtree_control
	fails_with 'cannot limit pids, cpu: not enabled' \
		'of three the two that are not delegated are named' \
		dev_new --memory 64M --pids 9 --cpu 50% work
	nothing_left 'one of three'
	echo -memory >$cgroups/cgroup.subtree_control
	session=$(dev_new work)
	is "$session $(listed memory) $(listed pids_limit)" 'work null null' \
		'control: without limits a session is made; nobody counts what it uses'
	check 'and it works' inside true
	unjail
	dev_new --memory 64M --pids 20 --cpu 150% work 2>"$work/said"
	hint=$(sed -n 's/^hint: as root: //p' "$work/said")
	is "$hint" "echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control" \
		'the hint is the command that cures it'
	check 'which does' sh -c "$hint"
}

delegate() {
	for controller in memory pids cpu; do
		echo "+$controller" >$cgroups/cgroup.subtree_control
	done
}

hog='x = bytearray(200 << 20)'

memory() {
	jail --memory 64M work
	is "$(value memory.max)" 67108864 '--memory 64M: memory.max'
	is "$(value memory.swap.max 2>/dev/null || echo 0)" 0 'and no swap besides'
	control '200M can be had outside' as_dev python3 -ISc "$hog"
	inside python3 -ISc "$hog"
	is $? 137 'what takes 200M is killed inside'
	check 'the session goes on' inside true
	check 'control: and has what it may' inside python3 -ISc 'x = bytearray(20 << 20)'
	wait_for logged_at_least oom-kill 1
	is "$(logged oom-kill)" 1 'the log tells of one that was killed'
	is "$(as_dev "$al" tail --no-follow --json "$session" | grep -c '"op":"oom-kill",.*"count":1}')" \
		1 'and so does tail'
	is "$(listed memory_limit) $(listed pids_limit) $(listed cpu_limit)" '67108864 null null' \
		'list --json: the limit, and that there is no other'
	check 'list --json: what is used' [ "$(listed memory)" -lt 67108864 ]
	check 'list: used and allowed' as_dev sh -c "'$al' list | grep -q ' [0-9.]*[KM]/64M '"
	unjail
}

# made and refused: forks until 40 are there, or 500 were refused; then says how many there were.
forks='
import os, signal, sys, time
made = refused = 0
while made < 40 and refused < 500:
    try:
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
    except BlockingIOError:
        refused += 1
print(made, refused)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.killpg(0, signal.SIGTERM)'

pids() {
	jail --pids 20 work
	is "$(value pids.max)" 20 '--pids 20: pids.max'
	is "$(as_dev setsid python3 -ISc "$forks")" '40 0' 'control: 40 forks outside'
	pids_begin=$(date +%s)
	is "$(inside setsid python3 -ISc "$forks")" '19 500' 'inside there are 20 processes, no more'
	wait_for logged_at_least fork-refused 500
	is "$(logged fork-refused)" 500 'the log tells of each fork that was refused'
	check 'in a line a second, not in one each' [ "$(grep -c ' session fork-refused ' \
		"$logs/$session.log")" -le $(($(date +%s) - pids_begin + 1)) ]
	inside_background python3 -ISc 'import os, time
while True:
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except BlockingIOError:
        time.sleep(0.2)'
	wait_for full
	is "$(listed pids) $(listed pids_limit)" '20 20' 'list --json: full'
	check 'exec gets into a full session: its owner can look' inside sh -c ':'
	unjail
	wait "$inside_pid"
}

full() {
	[ "$(value pids.current)" = 20 ]
}

cpu() {
	jail --cpu 150% work
	is "$(value cpu.max)" '150000 100000' '--cpu 150%: cpu.max'
	is "$(listed cpu_limit)" 150 'list --json: cpu'
	unjail
	jail --cpu 10% work
	inside timeout 2 sh -c 'while :; do :; done'
	check '--cpu 10%: who wants more waits' [ "$(value cpu.stat | sed -n 's/^nr_throttled //p')" -gt 0 ]
	unjail
}

policies() {
	jail --memory 64M --pids 20 --cpu 150% work
	as_dev "$al" show "$session" >"$work/shown"
	is "$(grep -E '^(memory|pids|cpu) ' "$work/shown" | tr '\n' ' ')" \
		'memory = 64M pids = 20 cpu = 150% ' 'show prints the limits'
	unjail
	jail --policy "$work/shown" work
	is "$(value memory.max) $(value pids.max) $(value cpu.max)" '67108864 20 150000 100000' \
		'new --policy reads them again'
	unjail
	jail --policy "$work/shown" --memory none --pids 30 work
	is "$(value memory.max) $(value pids.max) $(value cpu.max)" 'max 30 150000 100000' \
		'an option after the file counts, none takes a limit back'
	as_dev "$al" show "$session" >"$work/shown"
	is "$(grep -E '^(memory|pids) ' "$work/shown" | tr '\n' ' ')" 'memory = none pids = 30 ' \
		'and show says so'
	unjail
	mkdir -p /etc/agent-lock
	{ cat "$top/conf/agent-lock.ini" && printf '[session]\npids = 33\nmemory = 1G\n'; } \
		>/etc/agent-lock/agent-lock.ini
	jail --memory none work
	is "$(value pids.max) $(value memory.max)" '33 max' \
		'limits of the base policy hold for every session, but for what it was given itself'
	unjail
	rm -r /etc/agent-lock
	is "$(as_dev "$al" run --pids 20 work -- cat $cgroups/agent-lock/session-work/pids.max \
		2>"$work/said")" 20 'run knows them too'
}

# What was counted while no daemon lived is told by the next one.
restart() {
	jail --memory 64M --pids 20 work
	inside_background sh -c "until [ -e go ]; do sleep 0.1; done; setsid python3 -ISc '$forks' >made
		python3 -ISc '$hog'; touch done; $count"
	wait_for entered
	daemon_stop KILL
	as_dev touch work/go
	wait_for [ -e work/done ]
	is "$(cat work/made)" '18 500' 'without a daemon the limits hold'
	daemon_start
	is "$(listed memory_limit) $(listed pids_limit)" '67108864 20' 'another daemon knows the limits'
	wait_for logged_at_least oom-kill 1
	is "$(logged fork-refused) $(logged oom-kill)" '500 1' \
		'and tells of what happened in between, once'
	echo 25 >$cgroups/agent-lock/session-work/pids.max
	is "$(listed pids_limit) $(as_dev "$al" show work | grep pids)" '25 pids = 25' \
		'list and show say what the kernel has, also when root changed it'
	control 'it counts' counts_on
	check 'freeze' as_dev "$al" freeze work
	daemon_stop KILL
	check 'it stands still without a daemon' still
	daemon_start
	is "$(listed state)" frozen 'another daemon knows that'
	is "$(logged fork-refused) $(logged oom-kill)" '500 1' 'and does not tell again what was told'
	check 'destroy ends what was frozen before' as_dev "$al" destroy work
	session=''
	wait "$inside_pid"
	rm work/*
}

entered() {
	grep -q " session entered session=$session pid=$inside_pid " "$logs/$session.log" &&
		grep -q until "/proc/$inside_pid/cmdline"
}

still() {
	still_was=$(cat work/count)
	sleep 1
	[ "$(cat work/count)" = "$still_was" ]
}

counts_on() {
	counts_was=$(cat work/count)
	wait_for counted_more
}

counted_more() {
	counts_is=$(cat work/count)
	[ "${counts_is:-$counts_was}" != "$counts_was" ]
}

# shellcheck disable=SC2016 # the shell inside is to expand it
count='i=0; while :; do i=$((i + 1)); echo $i >next; mv next count; done'

freeze() {
	jail work
	inside_background sh -c "$count"
	wait_for [ -s work/count ]
	control 'it counts' counts_on
	is "$(listed state)" running 'control: its state is running'
	check 'freeze' as_dev "$al" freeze work
	check 'what runs stands still' still
	is "$(listed state)" frozen 'its state is frozen'
	as_dev "$al" exec work -- touch work/marker >"$work/said" 2>&1
	is "$? $(ls work/marker 2>/dev/null)$(cat "$work/said")" \
		"125 agent-lock: cannot enter session 'work': it is frozen
hint: agent-lock thaw work" 'exec is refused, and says what to do'
	check 'freeze again' as_dev "$al" freeze work
	check 'thaw' as_dev "$al" thaw work
	check 'it goes on' counts_on
	is "$(listed state)" running 'its state is running again'
	check 'thaw again' as_dev "$al" thaw work
	is "$(grep -c ' session frozen ' $logs/work.log) $(grep -c ' session thawed ' $logs/work.log)" \
		'1 1' 'the log has each once'
	check 'exec works again' inside true
}

strangers() {
	fails_with "cannot find session 'work'" 'another user cannot freeze it' as_eve "$al" freeze work
	check 'it counts on' counts_on
	refused 'who is inside cannot' inside "$al" freeze work
	check 'control: root can' "$al" freeze work
	fails_with "cannot find session 'work'" 'another user cannot thaw it' as_eve "$al" thaw work
	check 'it stands still' still
	for verb in freeze thaw; do
		as_dev "$al" $verb >"$work/said" 2>&1
		is $? 2 "$verb without a session: usage"
		as_dev "$al" $verb --all >"$work/said" 2>&1
		is $? 2 "$verb with an option: usage"
		fails_with "cannot find session ''" "$verb with an empty name" as_dev "$al" $verb ''
	done
}

destroy_frozen() {
	check 'destroy ends what is frozen' as_dev "$al" destroy work
	wait "$inside_pid"
	is $? 137 'its processes are killed'
	is "$(cat /proc/[0-9]*/cgroup 2>/dev/null | grep -c session-work)" 0 'none is left'
	check 'and no cgroup' [ ! -e $cgroups/agent-lock/session-work ]
	session=''
	for name in one two; do
		as_dev "$al" new --name $name work >/dev/null
	done
	session=one
	as_dev "$al" freeze one none two >"$work/said" 2>&1
	is "$? $(grep -c "cannot find session 'none'" "$work/said") $(listed state)" '1 1 frozen' \
		'freeze of several, also with nothing in them'
	session=two
	is "$(listed state)" frozen 'goes on after one that is not there'
	check 'thaw of several' as_dev "$al" thaw one two
	is "$(listed state)" idle 'their state is idle again'
	session=''
	"$al" destroy --all >/dev/null
	jail work
	inside_background sh -c 'kill -STOP $$'
	wait_for stopped
	check 'what was stopped before can be frozen' as_dev "$al" freeze work
	check 'and destroyed' as_dev "$al" destroy work
	session=''
	wait "$inside_pid"
}

stopped() {
	grep -q '^State:.*stopped' "/proc/$inside_pid/status"
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev mkdir work || bail 'no files'
arguments
not_delegated
delegate
memory
pids
cpu
policies
restart
freeze
strangers
destroy_frozen
cd "$top" && umount -l /home/dev
plan
