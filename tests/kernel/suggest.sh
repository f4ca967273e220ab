#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: `suggest` prints a small policy out of what a session was refused, or would have been: `new --policy` takes
# it, what was refused works then, and nothing sensitive, no socket and nothing against a rule is granted by it.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project
hostile="$(printf 'a\n[session]\nmode = audit\033[2J # x')"

# suggests PATTERN PROMISE: a line of what is in $work/suggested is so
suggests() {
	if grep -qxE -- "$1" "$work/suggested"; then
		ok "$2"
	else
		not_ok "$2" "wanted: $1" "$(cat "$work/suggested")"
	fi
}

# not_granted PATTERN PROMISE: no line that is no comment is so
not_granted() {
	if grep -v '^#' "$work/suggested" | grep -qE -- "$1"; then
		not_ok "$2" "$(cat "$work/suggested")"
	else
		ok "$2"
	fi
}

# another POLICY: the session that it makes is $session
another() {
	unjail
	chmod 644 "$1"
	chown dev "$1"
	jail --policy "$1" $project
}

story() {
	cat <<EOF
cat /srv/data/set/one
cat /srv/data/set/two
cat /srv/data/set/deep/three
cat /srv/data/held/1
cat /srv/data/held/2
cat /srv/data/held/3
cat /srv/data/single
cat "/srv/data/$hostile"
cat $home/.ssh/id
cat $home/later
ls $home
ls $home/tool
cat $home/tool/t
(echo o >/srv/data/out/1)
(echo o >/srv/data/out/2)
(echo o >/srv/data/out/3)
(echo o >>$project/.envrc)
python3 -c "import socket; socket.socket(socket.AF_UNIX).connect('/srv/data/socket')"
kill -0 $listener
EOF
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
mkdir -p /srv/data/set/deep /srv/data/held /srv/data/out && echo s >/srv/data/held/server.pem
for name in set/one set/two set/deep/three held/1 held/2 held/3 single "$hostile"; do
	echo "$name" >"/srv/data/$name"
done
chmod -R a+rX /srv/data && chown -R dev /srv/data/out
as_dev sh -c "mkdir -p $project $home/.ssh $home/tool && echo k >$home/.ssh/id && echo t >$home/tool/t && echo e >$project/.envrc && echo g >$home/later"
"$bin/become" 1000 python3 -c "
import socket, time
s = socket.socket(socket.AF_UNIX); s.bind('/srv/data/out/socket'); s.listen(); time.sleep(1200)" &
listener=$!
wait_for [ -S /srv/data/out/socket ]
mv /srv/data/out/socket /srv/data/socket
chmod 666 /srv/data/socket
story >"$work/story"
jail $project
inside sh -s <"$work/story" >"$work/first" 2>&1
is "$(grep -c 'not permitted' "$work/first")" 19 'all of it was refused'
control 'without a session nothing is' as_dev sh -es <"$work/story"
as_dev "$al" allow "$session" --ro $home/later >/dev/null
as_dev "$al" suggest "$session" >"$work/suggested"
is $? 0 'something is suggested'
suggests 'ro = /srv/data/set' 'three things in one directory: the directory'
suggests "ro = $home/tool" 'a directory that was listed, and what is in it'
suggests "list = $home" 'a home directory is listed, no more'
suggests 'rw = /srv/data/out' 'what was written'
suggests 'ro = /srv/data/held/2' 'a directory with something sensitive in it is not taken as a whole'
suggests 'ro = /srv/data/a\\x0a\[session\].*' 'a hostile name is escaped'
suggests "#   read $home/.ssh/id: .*" 'a secret is a comment'
suggests '#connect = /srv/data/socket' 'so is a socket, with its line'
suggests "#rw = $project/.envrc" 'and what a rule refuses'
not_granted '\.ssh|socket|envrc|later|pem' 'none of these is granted, and nothing that is granted already'

cp "$work/suggested" "$work/policy.ini"
another "$work/policy.ini"
ok 'new --policy takes it'
is "$("$al" list --json | grep -o '"mode":"[a-z]*"')" '"mode":"enforce"' 'and a name in it changes nothing else'
inside sh -s <"$work/story" >"$work/second" 2>&1
is "$(grep -c 'not permitted' "$work/second")" 5 'what is left: the secret, what was allowed later, the guarded file, the socket, the signal'
is "$(inside cat "/srv/data/$hostile")" "${hostile}" 'the hostile name can be read'
refused 'the secret is refused as before' inside cat $home/.ssh/id
refused 'so is another one beside what was read' inside cat /srv/data/held/server.pem
refused 'and what else is in the home directory' inside cat $home/later
refused 'and the guarded file' inside sh -c "cat $project/.envrc && echo x >>$project/.envrc"

# An audit run.
unjail
jail --audit $project
inside sh -es <"$work/story" >"$work/audit" 2>&1
is $? 0 'an audit run refuses nothing'
as_dev "$al" suggest "$session" >"$work/suggested"
suggests '# What session project would have been refused, beside what it has\..*' 'what would have been refused'
suggests 'ro = /srv/data/set' 'it suggests the same'
not_granted '\.ssh|socket|envrc|pem' 'and no secret'
cp "$work/suggested" "$work/audit.ini"
another "$work/audit.ini"
check 'what it did is allowed then' inside sh -c "cat /srv/data/set/one $home/later && ls $home && echo o >/srv/data/out/4"
refused 'but for the secret' inside cat $home/.ssh/id
as_dev "$al" suggest "$session" >"$work/suggested"
not_granted . 'and then there is nothing to grant'

fails_with "cannot find session 'other'" 'a session that is not there' as_dev "$al" suggest other
fails_with 'cannot find session' "another user's" as_eve "$al" suggest "$session"
fails_with 'usage: agent-lock suggest' 'no session' as_dev "$al" suggest
fails_with 'No space left' 'where it cannot be printed' sh -c "'$al' suggest '$session' >/dev/full"
kill $listener
rm -rf /srv/data
plan
