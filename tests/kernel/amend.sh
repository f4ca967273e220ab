#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: `allow` and `deny` change what a running session may use, at once, as a whole, for its owner
# alone and with the caller's rights; of two rules for one path the later counts; another daemon knows
# them. What is open stays open.
. ./tests/kernel/lib.sh

home=/home/dev
project=$home/work

dev_allow() {
	as_dev "$al" allow work "$@"
}

dev_deny() {
	as_dev "$al" deny work "$@"
}

allow() {
	refused 'before: what is not of the session' inside cat $home/lib/code
	check 'allow --ro' dev_allow --ro lib
	is "$check_said" "ro $home/lib" 'it prints what it is'
	is "$(inside cat $home/lib/code)" code 'is readable'
	refused 'not writable' inside sh -c "echo x >$home/lib/code"
	refused 'and its neighbour is not readable' inside cat $home/other
	control 'the neighbour can be read' as_dev cat $home/other
	check 'a process that ran before: at once' wait_for grep -q '^code' $project/seen
	check 'allow --rw, the later counts' dev_allow --rw lib
	check 'is writable' inside sh -c "echo code >$home/lib/code"
	check 'deny --hide' dev_deny --hide $home/lib/deep
	hidden 'is hidden' inside cat $home/lib/deep/er/file
	check 'allow --ro of several' dev_allow --ro $home/other --ro one
	is "$(inside cat $home/other $home/one | tr '\n' ' ')" 'other one ' 'all of them'
	python3 -ISc 'import socket
s = socket.socket(socket.AF_UNIX); s.bind("/home/dev/socket"); s.listen()
while True: s.accept()[0].close()' &
	server=$!
	wait_for [ -S $home/socket ]
	chown 1000 $home/socket
	connect="import socket; socket.socket(socket.AF_UNIX).connect('$home/socket')"
	refused 'before: a socket' inside python3 -ISc "$connect"
	check 'allow --connect' dev_allow --connect socket
	check 'it is reached' inside python3 -ISc "$connect"
	kill $server
}

# The directories between a writable rule and a stricter one stay where they are, whichever came first.
pins() {
	check 'deny below what is writable' dev_deny $home/lib/a/b/secret
	refused 'is refused' inside cat $home/lib/a/b/secret
	refused 'what lies above cannot be renamed' inside mv $home/lib/a $home/lib/z
	refused 'nor what lies right above' inside mv $home/lib/a/b $home/lib/z
	control 'their neighbour can' inside mv $home/lib/c $home/lib/z
	check 'allow --rw above a rule that was there before' dev_allow --rw store
	refused 'that rule holds' inside cat $home/store/x/secret
	refused 'and what lies above it cannot be renamed' inside mv $home/store/x $home/store/y
	check 'allow --ro of all of it' dev_allow --ro store
	refused 'takes the right to write away, from pinned directories too' inside touch \
		$home/store/x/new
	check 'allow --rw gives it back' dev_allow --rw store
	check 'also to them' inside touch $home/store/x/new
}

deny() {
	check 'deny of several' dev_deny $home/lib $home/other $home/one
	refused 'is refused' inside cat $home/lib/code
	refused 'and so are the others' inside cat $home/other
	refused 'what was allowed as a file' inside cat $home/one
	as_dev sh -c "cp $home/one $home/one.new && mv $home/one.new $home/one"
	refused 'its name is denied, too: whatever is put there' inside cat $home/one
	control 'before: a file of the project' inside cat $project/secret
	check 'deny in the project' dev_deny work/secret
	refused 'is refused there' inside cat $project/secret
	refused 'and cannot be made anew' inside sh -c "rm -f $project/secret"
	check 'the project itself is as it was' inside touch $project/file
	check 'allow: the later counts' dev_allow --ro $project/secret
	is "$(inside cat $project/secret)" hush 'it is readable again'
}

# What is open stays open; what is opened from it is judged anew.
descriptors() {
	check 'a directory that is open' dev_allow --ro held
	inside_background python3 -ISc 'import os, sys, time
held, project = sys.argv[1:]
os.chdir(project)
file, dir = os.open(held + "/file", 0), os.open(held, 0)
open("opened", "w").close()
while not os.path.exists("go"): time.sleep(0.1)
out = open("got", "w")
out.write(os.read(file, 9).decode())
try: os.open("file", 0, dir_fd=dir); out.write("open\n")
except PermissionError: out.write("refused\n")
out.close(); os.rename("got", "told")' $home/held $project
	wait_for [ -e $project/opened ]
	check 'is denied' dev_deny held
	as_dev touch $project/go
	wait_for [ -e $project/told ]
	is "$(tr '\n' ' ' <$project/told)" 'held refused ' \
		'an open file can be read on; from an open directory nothing can be opened'
	wait "$inside_pid"
}

shown() {
	as_dev "$al" show work >"$work/shown"
	check 'show has the new rules' grep -q "^deny = $home/lib/a/b/secret\$" "$work/shown"
	is "$(grep " = $home/lib\$" "$work/shown" | tail -n 1)" "deny = $home/lib" \
		'the last one for a path last'
	check 'new --policy reads it' as_dev "$al" new --name second --policy "$work/shown" $project
	"$al" destroy second >/dev/null
	check 'the log tells of what was allowed' grep -q \
		"session allowed session=work pid=[0-9]* comm=agent-lock rule=ro.x20$home/lib.x20(agent-lock.x20allow)" \
		/var/log/agent-lock/work.log
	check 'and of what was denied' grep -q 'session denied session=work' \
		/var/log/agent-lock/work.log
	check 'tail shows it' sh -c "'$al' tail --no-follow work |
		grep -q 'denied .*rule=deny.x20$home/held.x20(agent-lock.x20deny)'"
	refused 'something refused by a new rule' inside head $home/lib/code
	check 'report names the new rule' sh -c "'$al' report --json work |
		grep -q 'deny $home/lib (agent-lock deny)'"
}

strangers() {
	fails_with "cannot find session 'work'" 'another user cannot allow' as_eve "$al" allow work \
		--ro /home/eve
	fails_with "cannot find session 'work'" 'nor deny' as_eve "$al" deny work $project
	check 'the project is as it was' inside touch $project/file
	refused 'who is inside cannot' inside "$al" allow work --ro $home/other
	control 'the owner can' dev_allow --ro $home/other
	fails_with 'Permission denied' 'nobody allows what they cannot reach' dev_allow --ro \
		$work/closed/file
	check 'control: root can' "$al" allow work --ro $work/closed/file
	fails_with 'is no place for an agent' 'home is not given by mistake' dev_allow --rw $home
	as_dev ln -s $home/.ssh $project/link
	is "$(as_dev "$al" allow work --ro $project/link)" "ro $home/.ssh" \
		'where a link leads is what is printed'
	check 'and denied again' dev_deny $project/link
	refused 'it is refused' inside cat $home/.ssh/id_ed25519
}

errors() {
	as_dev "$al" show work >"$work/before"
	cp /run/agent-lock/sessions/work "$work/state"
	fails_with "agent-lock allow: cannot open '$home/none': No such file or directory" \
		'one path that is missing' dev_allow --ro $home/lib --ro none
	fails_with "agent-lock deny: expected a path, got ''" 'an empty path' dev_deny $home/other ''
	fails_with "cannot find session 'none'" 'no such session' as_dev "$al" deny none $home
	fails_with 'is a directory of procfs' 'procfs is not granted' dev_allow --ro /proc
	as_dev "$al" show work | diff - "$work/before" >"$work/diff"
	is "$? $(cat "$work/diff")" '0 ' 'what fails changes nothing: show'
	check 'nor the state' cmp /run/agent-lock/sessions/work "$work/state"
	refused 'nor what may be used' inside cat $home/lib/code
	for arguments in 'allow' 'allow work' 'allow --ro x' 'allow work x' 'allow work --bad x' \
		'allow work other --ro x' 'deny' 'deny work' 'deny --bad work x'; do
		# shellcheck disable=SC2086 # words
		as_dev "$al" $arguments >"$work/said" 2>&1
		is $? 2 "$arguments: usage"
	done
}

# Rules of both kinds, after the daemon was killed and another one came.
restart() {
	as_dev "$al" show work >"$work/before"
	daemon_stop KILL
	daemon_start
	check 'another daemon shows the same' sh -c "'$al' show work | diff - '$work/before'"
	refused 'what was denied is' inside cat $home/lib/code
	is "$(inside cat $project/secret)" hush 'what was allowed is'
	check 'and allow works' dev_allow --ro $home/lib
	is "$(inside cat $home/lib/code)" code 'again'
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home && cd $home || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p .ssh work lib/deep/er lib/a/b lib/c store/x held
	echo secret >.ssh/id_ed25519; echo code >lib/code; echo other >other; echo one >one
	echo x >lib/deep/er/file; echo s >lib/a/b/secret; echo s >store/x/secret
	echo hush >work/secret; echo held >held/file; : >work/seen' || bail 'no files'
mkdir -m 700 $work/closed && echo x >$work/closed/file
jail --deny $home/store/x/secret work
inside_background sh -c "until cat $home/lib/code 2>/dev/null; do sleep 0.2; done >seen"
allow
pins
deny
descriptors
shown
strangers
errors
restart
cd "$top" && unjail && umount -l $home
plan
