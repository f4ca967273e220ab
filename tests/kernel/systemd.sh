#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: under systemd the daemon is started by who asks first, is ready when it says so, comes
# back when it is killed, reads its configuration again without touching a session, and has the
# objects of every rule kept meanwhile: what was moved while no daemon lived is still what it was.
# A machine or a configuration that it cannot work with stops it for good, and says so.
#
# In a guest of its own: ci/vm --systemd
. ./tests/kernel/lib.sh

home=/home/dev
units=/run/systemd/system
conf=/etc/agent-lock/agent-lock.ini
service=agent-lockd.service
sockets=agent-lockd.socket
stored=NFileDescriptorStore

# property NAME: of the service
property() {
	systemctl show --property="$1" --value $service
}

property_is() {
	[ "$(property "$1")" = "$2" ]
}

# The daemon is another one than this, and serves.
another_than() {
	[ "$(property MainPID)" != "$1" ] && [ "$(property MainPID)" != 0 ] &&
		property_is ActiveState active
}

# killed: as by the kernel's OOM killer; systemd starts another.
killed() {
	killed_pid=$(property MainPID)
	kill -9 "$killed_pid"
	wait_for another_than "$killed_pid" || note "$(systemctl status $service 2>&1)"
}

# unmarked SESSION: of how many of its objects no daemon knows where they are
unmarked() {
	"$al" list --json | sed 's/.*"unmarked":\([0-9]*\).*/\1/'
}

# shellcheck disable=SC2120 # once with a line, once without
configure() {
	mkdir -p "${conf%/*}"
	{ cat "$top/conf/agent-lock.ini" && printf '%s\n' "$@"; } >$conf
}

install_units() {
	cp "$top/conf/$service" "$top/conf/$sockets" $units/
	mkdir -p $units/$service.d
	# It is not installed, and there is no journal.
	printf '%s\n' '[Service]' ExecStart= "ExecStart=$daemon" "StandardError=append:$work/daemon.log" \
		>$units/$service.d/here.conf
	systemctl daemon-reload
}

files() {
	# On a disk: the kernel can drop what nobody holds, with its marks.
	mount_image home ext4 32M && mount --bind "$work/home" $home && chown 1000:1000 $home &&
		cd $home || bail 'no home'
	as_dev sh -c 'umask 022; mkdir -p work lib .ssh plain; echo x >work/file; echo code >lib/code
		echo key >.ssh/id_ed25519; echo text >plain/file' || bail 'no files'
}

started_by_the_first() {
	check 'the socket starts' systemctl start $sockets
	is "$(property MainPID)" 0 'control: no daemon runs'
	timeout 200 "$al" list >/dev/null || { note "$(cat "$work/daemon.log")" && bail 'no daemon'; }
	is "$(as_dev "$al" list --json)" '[]' 'who asks first has it started, and is answered'
	daemon_pid=$(property MainPID)
	is "$(readlink "/proc/$daemon_pid/exe")" "$daemon" 'it is the one of the unit'
	is "$(property ActiveState) $(property StatusText)" \
		"active enforcing, and serving at $socket" 'systemd knows when it is ready, and of what'
	fails_with 'another agent-lockd is running' 'there is no second one' "$daemon"
	check 'root starts none by hand either' "$al" list
	is "$(daemons)" "$daemon_pid" 'control: it is the same as before'
}

# A stopped service, a listening socket: root's command asks systemd, and does not start its own.
asked_of_systemd() {
	check 'stopped, sessions stay' systemctl stop $service
	fails_with 'the service manager listens at' 'a daemon by hand does not take its place' "$daemon"
	check 'root is served' "$al" list
	is "$(daemons)" "$(property MainPID)" 'by the one that systemd started'
}

holds() {
	check "$1: the project can be read" inside cat $home/work/file
	refused "$1: the key cannot" inside cat $home/.ssh/id_ed25519
	control "$1: outside it can" as_dev cat $home/.ssh/id_ed25519
}

kept() {
	jail --ro $home/lib --memory 64M work
	check 'the limits that it was asked for are there' \
		grep -q 67108864 "/sys/fs/cgroup/agent-lock/session-$session/memory.max"
	holds 'made'
	check 'the service manager keeps descriptors' [ "$(property $stored)" -gt 0 ]
	as_dev "$al" allow "$session" --ro $home/plain >/dev/null
	for round in 1 2 3; do
		kill -STOP "$(property MainPID)"
		mv $home/lib $home/moved-$round
		mv $home/plain $home/text-$round
		killed
		is "$(unmarked)" 0 "killed, round $round: every object is known again"
		check "killed, round $round: what was moved meanwhile is what it was" inside cat \
			$home/moved-$round/code $home/text-$round/file
		holds "killed, round $round"
		mv $home/moved-$round $home/lib
		mv $home/text-$round $home/plain
	done
	kept_number=$(property $stored)
	check 'restarted' systemctl restart $service
	is "$(unmarked) $(property $stored)" "0 $kept_number" 'restarted: nothing more is kept, or less'
	holds 'restarted'
}

# The control: a stop gives up what was kept, and then the path is all that there is.
not_kept() {
	systemctl stop $service
	mv $home/lib $home/moved
	sync && echo 2 >/proc/sys/vm/drop_caches
	systemctl start $service
	refused 'stopped, and not kept: what was moved is refused' inside cat $home/moved/code
	control 'outside it can be read' as_dev cat $home/moved/code
	missing=$(unmarked)
	check 'list says how many objects it misses' [ "$missing" -gt 0 ]
	check 'report says so, too' sh -c "'$al' report '$session' | grep -q 'not found again when'"
	mv $home/moved $home/lib
	systemctl restart $service
	# Not all else: the guest's root is an overlay, where some directories have another number now.
	check 'back at its place it is known again' inside cat $home/lib/code
	check 'and list misses the less' [ "$(unmarked)" -lt "$missing" ]
	holds 'stopped and started'
}

reload() {
	pid=$(property MainPID)
	configure '[users]' 'sessions = 1'
	check 'reload' systemctl reload $service
	wait_for property_is ActiveState active
	fails_with 'session' 'a new limit holds after it' as_dev "$al" new work
	configure '[users]' 'sessions = many'
	systemctl reload $service 2>/dev/null
	wait_for sh -c "systemctl show --property=StatusText $service | grep -q 'expected'" ||
		note "$(property StatusText)"
	is "$(property StatusText | grep -c "^$conf:[0-9]*: .*expected")" 1 \
		'an error is in systemctl status, with its file and line'
	fails_with 'session' 'and the limits stay as they were' as_dev "$al" new work
	rm $conf
	systemctl reload $service
	wait_for property_is StatusText "enforcing, and serving at $socket"
	control 'without that limit a second session can be made' as_dev "$al" new --name second work
	as_dev "$al" destroy second >/dev/null
	is "$(property MainPID)" "$pid" 'it was the same daemon all the time'
	holds 'reloaded'
}

# It does not try for ever what cannot work, and who asks is told where to look.
hopeless() {
	mkfifo "$work/questions"
	(
		export HOME=$home USER=dev LOGNAME=dev
		exec "$bin/become" 1000 "$al" exec "$session" -- "$bin/try" <"$work/questions" \
			>"$work/answers"
	) &
	exec 7>"$work/questions"
	echo "read $home/work/file" >&7
	wait_for grep -q . "$work/answers"
	systemctl stop $service
	configure '[users]' 'sessions = many'
	fails_with 'hint: systemctl status agent-lockd' 'a bad configuration: root is told where to look' \
		"$al" list
	is "$(property NRestarts) $(property ExecMainStatus) $(property ActiveState)" '0 3 failed' \
		'it is not started again and again'
	echo "read $home/.ssh/id_ed25519" >&7
	wait_for grep -q EPERM "$work/answers"
	is "$(xargs <"$work/answers")" 'ok EPERM' 'who is jailed stays jailed meanwhile'
	exec 7>&-
	rm $conf
	systemctl reset-failed $service $sockets
	check 'with a good one it starts' systemctl start $sockets $service
	holds 'started again'
}

hardened() {
	systemd-analyze security --no-pager $service >"$work/security" 2>&1
	exposure=$(sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\) .*/\1/p' "$work/security")
	note "systemd-analyze security: $exposure"
	check 'systemd-analyze finds it exposed no more than 4.4' \
		awk "BEGIN { exit !(${exposure:-10} <= 4.4) }"
}

ended() {
	unjail
	wait_for property_is $stored 0
	is "$(property $stored)" 0 'with the last session nothing is kept'
	check 'stop' systemctl stop $service $sockets
	is "$(find /sys/fs/bpf -name agent-lock) $(ls /sys/fs/cgroup/agent-lock 2>/dev/null |
		grep session)" ' ' 'and nothing is left'
	rm -r "${units:?}/$service" "$units/$sockets" "$units/$service.d"
	systemctl daemon-reload
}

begin
[ -d /run/systemd/system ] || bail 'systemd is not here: ci/vm --systemd'
daemon_stop
files
install_units
started_by_the_first
asked_of_systemd
kept
not_kept
reload
hopeless
hardened
ended
cd "$top" && umount -l $home
plan
