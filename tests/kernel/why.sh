#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: `why` says what the kernel would decide, by what decides, for each kind of object; what it
# says would change that does; a process in a session may ask about its own session and read its own log,
# and nothing more comes of that.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# says PATTERN PATH PROMISE
says() {
	said=$(as_dev "$al" why "$session" "$2" 2>&1)
	case $said in
	$1) ok "$3" ;;
	*) not_ok "$3" "got: $said" "wanted: $1" ;;
	esac
}

# agrees PATH: what is said of reading and writing, and what happens
agrees() {
	said=$(as_dev "$al" why "$session" "$1")
	inside sh -c 'exec 3<"$1"' - "$1" 2>/dev/null && reads=yes || reads=no
	inside sh -c 'exec 3>>"$1"' - "$1" 2>/dev/null && writes=yes || writes=no
	case $reads$writes in
	yesyes) words='may be read and written' ;;
	yesno) words='may be read, not written' ;;
	noyes) words='may be written, not read' ;;
	*) words='refused' ;;
	esac
	case $said in
	"$1: $words"*) ok "$1: $words, and so it is" ;;
	*) not_ok "$1: $words, and so it is" "$said" ;;
	esac
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev sh -c "mkdir -p $project/secrets $project/sub $home/.ssh $home/state && echo x >$project/f && echo k >$home/.ssh/id && echo e >$project/.envrc &&
	echo h >$project/secrets/h && echo s >$home/state/s && echo r >$home/readable && echo d >$project/.env && echo theirs >/tmp/why.theirs && chmod 644 /tmp/why.theirs"
jail --ro "${al%/*}" --ro $home/readable --rw $home/state --deny $project/.env --hide $project/secrets $project
inside sh -c 'echo mine >/tmp/why.mine'
for path in $project/f $project/sub/../f $home/.ssh/id $project/.envrc $home/readable $home/state/s $project/.env \
	/tmp/why.theirs /tmp/why.mine /etc/hosts /usr/bin/env /dev/null; do
	agrees "$(readlink -f "$path")"
done
says "$home/.ssh/id: refused: no rule
    agent-lock allow $session --ro $home/.ssh/id" $home/.ssh/id 'what no rule names, and the line that would change it'
says "*refused, as if it were not there: hide $project/secrets (--hide)*" $project/secrets/h 'what is hidden'
says "*deny $project/.env (--deny)*" $project/.env 'which rule it was'
says "*guard $project/.envrc (*agent-lock.ini:*)*agent-lock allow $session --rw $project/.envrc" $project/.envrc 'a guard, and its line in the file'
says "*holds what the session put there*" /tmp 'a scratch directory'
says "*is not there, and may be made: rw $project*" $project/new 'what is missing and may be made'
says "*is not there, and may not be made: guard*" $project/.mcp.json 'what is missing and guarded'
says "*is not there, and may not be made: no rule*" $home/.ssh/new 'what is missing elsewhere'
check 'it may be made' inside touch $project/new
refused 'and that not' inside touch $project/.mcp.json
ln -s $home/.ssh/id $project/link
says "$home/.ssh/id: refused*" $project/link 'a link: what it leads to'
as_dev sh -c 'mkdir -p "$1" && echo x >"$1/$2"' - $project/odd "$(printf 'a\nb\033[2J')"
says "$project/odd/a\\\\x0ab\\\\x1b?2J: may be read and written*" "$project/odd/$(printf 'a\nb\033[2J')" 'a hostile name is escaped'
before=$(refusals)
as_dev "$al" why "$session" $home/.ssh/id >/dev/null
is "$(refusals)" "$before" 'a question is not counted as an attempt'
# What it says would change it does.
line=$(as_dev "$al" why "$session" $home/.ssh/id | sed -n 's/^    agent-lock //p')
# shellcheck disable=SC2086 # words
check 'the line that it prints is accepted' as_dev "$al" $line
is "$(inside cat $home/.ssh/id)" k 'and does what it says'
says "*may be read, not written: ro $home/.ssh/id (agent-lock allow)*" $home/.ssh/id 'and why knows it'
fails_with 'cannot look at' 'what cannot be looked at' as_dev "$al" why "$session" /nowhere/at/all
fails_with "cannot find session 'other'" 'a session that is not there' as_dev "$al" why other /
fails_with "cannot find session" "another user's session" as_eve "$al" why "$session" /
as_eve sh -c "echo x >/home/eve/f; chmod 700 /home/eve"
fails_with 'cannot look at' 'what the caller may not look at' as_dev "$al" why "$session" /home/eve/f

# From inside.
is "$(inside "$al" why "$session" $home/state/s)" "$home/state/s: may be read and written: rw $home/state (--rw)" 'asked from inside'
jail_one=$session
session=$(as_dev "$al" new --name second --ro "$bin" --ro "${al%/*}" $project)
session=$jail_one
fails_with 'may ask about that session alone' "another session's" inside "$al" why second /
for verb in list "show $jail_one" "report $jail_one" "destroy $jail_one" "exec $jail_one -- true" "allow $jail_one --ro /"; do
	# shellcheck disable=SC2086
	refused "from inside: $verb" inside "$al" $verb
done
control 'outside a list is answered' as_dev "$al" list
fails_with 'is for processes in a session' 'nobody outside asks there' python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect('/run/agent-lock/inside')
s.send(bytes([16, 0, 0, 0]) + b'')
print(s.recv(4096))
raise SystemExit('is for processes in a session')"
# Held open, they take nobody's place.
inside python3 -c "
import socket, time
held = []
for i in range(60):
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect('/run/agent-lock/inside')
	held.append(s)
open('$project/held', 'w').close()
time.sleep(30)" 2>/dev/null &
holder=$!
wait_for [ -e $project/held ]
check 'connections held open inside are in nobody'\''s way outside' as_dev "$al" list
kill $holder 2>/dev/null

# Its own log.
log=$(inside sh -c 'echo $AGENT_LOCK_LOG')
is "$log" "/var/log/agent-lock/$session.log" 'the session knows its log'
as_dev sh -c "echo k >$home/.ssh/second"
inside cat $home/.ssh/second 2>/dev/null
check 'and reads it' wait_for inside grep -q "path=$home/.ssh/second" "$log"
refused 'and does not write it' inside sh -c "echo x >>$log"
refused 'nor remove it' inside rm -f "$log"
refused "another session's it does not read" inside cat /var/log/agent-lock/second.log
refused 'nor list them' inside ls /var/log/agent-lock
control 'outside they are read' as_dev cat /var/log/agent-lock/second.log
"$al" destroy second >/dev/null
daemon_stop KILL
daemon_start
check 'another daemon answers from inside, too' inside "$al" why "$session" $project/f
check 'and the log is still read' inside grep -q "path=$home/.ssh/second" "$log"
plan
