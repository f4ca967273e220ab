#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: nobody outside does for a session what it may not do itself. Programs that take orders on
# a socket (D-Bus, tmux, ssh-agent, docker, X11, the daemon that codex leaves behind) are refused to
# it, by path and abstract; one that is granted is reached, and the others are not. Name services
# that the base policy grants are reached; a session's own servers work; two sessions do not see
# each other's.
. ./tests/kernel/lib.sh

home=/home/dev
started=''

# With the addresses that a session is not told of: whoever knows them all the same is refused.
inside() {
	as_dev "$al" exec --keep-env "$session" -- "$@"
}

# background COMMAND...: as dev, outside, until the test ends.
background() {
	as_dev "$@" >>"$work/background.log" 2>&1 &
	started="$started $!"
}

root_background() {
	"$@" >>"$work/background.log" 2>&1 &
	started="$started $!"
}

# listening PATH: something listens there; @NAME: an abstract name.
listening() {
	grep -q " $1\$" /proc/net/unix
}

await() {
	wait_for "$@" || bail "nothing comes of: $* ($(tail -3 "$work/background.log"))"
}

# What listens outside: -t, so that a slow answer is waited for after the question has ended.
serve() {
	background socat -t 30 "$@"
}

# ask ADDRESS [FILE]: what is answered there to that.
ask() {
	as_dev socat -t 30 - "$1" <"${2:-/dev/null}"
}

ask_inside() {
	inside socat -t 30 - "$1" <"${2:-/dev/null}"
}

# logged OPERATION PATH: the session's log tells of it.
logged() {
	wait_for grep -q " refused $1 .* path=$2 " "/var/log/agent-lock/$session.log"
}

unreachable() {
	refused "$1: refused" ask_inside "$2"
}

# D-Bus: a daemon of the user's; it starts services for who asks.
bus() {
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$home/bus
	as_dev mkdir -p .local/share/dbus-1/services
	printf '[D-BUS Service]\nName=org.example.Marker\nExec=/usr/bin/touch %s/by-bus\n' $home \
		>.local/share/dbus-1/services/org.example.Marker.service
	background dbus-daemon --session --nofork --nopidfile --address="unix:path=$home/bus"
	await listening $home/bus
	set -- --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames
	control 'dbus-send talks to the bus' as_dev dbus-send "$@"
	refused 'dbus-send: refused' inside dbus-send "$@"
	check 'and logged' logged connect $home/bus
	set -- call --session --dest org.freedesktop.DBus --object-path / \
		--method org.freedesktop.DBus.ListNames
	control 'gdbus talks to the bus' as_dev gdbus "$@"
	refused 'gdbus: refused' inside gdbus "$@"
	set -- --session --print-reply --dest=org.example.Marker / org.freedesktop.DBus.Peer.Ping
	refused 'the bus starts nothing for a session' inside dbus-send "$@"
	check 'nothing was started' [ ! -e by-bus ]
	as_dev dbus-send "$@" >/dev/null 2>&1
	control 'the bus starts a program' wait_for [ -e by-bus ]
	set -- --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames
	unjail
	jail --ro /etc/passwd --ro /etc/dbus-1 project # what the daemon reads
	allowed 'a bus of the session'"'"'s own works' inside dbus-run-session -- dbus-send "$@"
	unset DBUS_SESSION_BUS_ADDRESS
	unjail
	jail project
}

multiplexer() {
	as_dev tmux -S $home/tmux -f /dev/null new-session -d sh
	started="$started $(as_dev tmux -S $home/tmux display-message -p '#{pid}')"
	refused 'tmux new-window: refused' inside tmux -S $home/tmux new-window 'touch ~/by-window'
	refused 'tmux send-keys: refused' inside tmux -S $home/tmux send-keys 'touch ~/by-keys' Enter
	check 'and logged' logged connect $home/tmux
	control 'tmux new-window' as_dev tmux -S $home/tmux new-window 'touch ~/by-window-outside'
	control 'tmux runs it' wait_for [ -e by-window-outside ]
	control 'tmux send-keys' as_dev tmux -S $home/tmux send-keys 'touch ~/by-keys-outside' Enter
	control 'the shell runs it' wait_for [ -e by-keys-outside ]
	check 'nothing was run for the session' [ ! -e by-window -a ! -e by-keys ]
}

agents() {
	for name in agent other; do
		background ssh-agent -D -a $home/$name
		await listening $home/$name
		as_dev ssh-keygen -q -t ed25519 -N '' -C key-of-$name -f .ssh/$name
		SSH_AUTH_SOCK=$home/$name as_dev ssh-add -q .ssh/$name
	done
	export SSH_AUTH_SOCK=$home/agent
	control 'ssh-add -l lists the key' as_dev ssh-add -l
	refused 'ssh-add -l: refused' inside ssh-add -l
	check 'and logged' logged connect $home/agent
	unjail
	jail --connect "$SSH_AUTH_SOCK" project
	is "$(inside ssh-add -l | grep -c key-of-agent)" 1 'ssh-add -l, with --connect for it: lists the key'
	export SSH_AUTH_SOCK=$home/other
	control 'the other agent lists its key' as_dev ssh-add -l
	refused 'another agent: refused all the same' inside ssh-add -l
	unset SSH_AUTH_SOCK
	unjail
	jail project
}

docker() {
	printf '#!/bin/sh\nprintf "HTTP/1.0 200 OK\\r\\n\\r\\nversion"\n' >"$work/docker"
	chmod 755 "$work/docker"
	root_background socat UNIX-LISTEN:/run/docker.sock,fork,mode=666 "EXEC:$work/docker"
	await listening /run/docker.sock
	set -- curl -sS --unix-socket /run/docker.sock http://docker/version
	is "$(as_dev "$@")" version 'control: curl gets an answer from /run/docker.sock'
	fails_with "Couldn't connect" 'curl: cannot connect' inside "$@"
	check 'refused, and logged' logged connect /run/docker.sock
	unreachable 'by the link /var/run' UNIX-CONNECT:/var/run/docker.sock
}

display() {
	mkdir -m 1777 -p /tmp/.X11-unix
	serve ABSTRACT-LISTEN:/tmp/.X11-unix/X97,fork SYSTEM:'echo display'
	serve UNIX-LISTEN:/tmp/.X11-unix/X97,fork SYSTEM:'echo display'
	await listening @/tmp/.X11-unix/X97
	await listening /tmp/.X11-unix/X97
	for by in ABSTRACT UNIX; do
		is "$(ask $by-CONNECT:/tmp/.X11-unix/X97)" display \
			"control: X11's socket, $by, answers"
		unreachable "X11's socket, $by" $by-CONNECT:/tmp/.X11-unix/X97
	done
	check 'and logged' logged connect @/tmp/.X11-unix/X97
}

# What codex leaves behind: a server in /tmp, a link to it in ~/.codex, which the session may write. It
# runs commands. A stand-in of the same layout.
codex() {
	server=/tmp/codex-daemon-1000/5f2a91c0d3e4
	unjail
	as_dev mkdir -m 700 -p /tmp/codex-daemon-1000 .codex/app-server-control
	as_dev ln -s $server .codex/app-server-control/app-server-control.sock
	serve UNIX-LISTEN:$server,fork EXEC:sh
	serve UNIX-LISTEN:$home/.codex/app-server.sock,fork EXEC:sh
	await listening $server
	await listening $home/.codex/app-server.sock
	jail --rw $home/.codex project
	check 'the session may write ~/.codex' inside touch $home/.codex/mine
	echo 'cat ~/.ssh/secret' >"$work/order"
	for socket in $server $home/.codex/app-server-control/app-server-control.sock \
		$home/.codex/app-server.sock; do
		is "$(ask "UNIX-CONNECT:$socket" "$work/order")" sesame \
			"control: codex's daemon at $socket reads the key for who asks"
		refused "codex's daemon at $socket: refused" ask_inside "UNIX-CONNECT:$socket" \
			"$work/order"
	done
	check 'and logged' logged connect $server
	unjail
	jail project
}

# TCP to this machine's own services, as curl sees it.
services() {
	port=18234
	background python3 -IS -m http.server --bind 127.0.0.1 --directory $home/project $port
	await grep -q "0100007F:$(printf %04X $port) 00000000:0000 0A" /proc/net/tcp
	set -- curl -sS "http://localhost:$port/README"
	is "$(as_dev "$@")" hello 'control: a web server outside answers'
	fails_with "connect" 'curl: a web server outside: refused' inside "$@"
	check 'and logged' logged connect tcp-port:$port
	unjail
	jail --localhost project
	is "$(inside "$@")" hello 'with --localhost it answers'
	unjail
	jail project
	inside_background python3 -IS -m http.server --bind 127.0.0.1 $((port + 1))
	await grep -q "0100007F:$(printf %04X $((port + 1))) 00000000:0000 0A" /proc/net/tcp
	set -- curl -sS "http://localhost:$((port + 1))/README"
	is "$(inside "$@")" hello 'a web server of the session'"'"'s own answers it'
}

# A server in one session, and another session of the same user.
two_sessions() {
	inside_background socat -t 30 UNIX-LISTEN:server,fork SYSTEM:'echo served'
	inside_background socat -t 30 ABSTRACT-LISTEN:agent-lock-test,fork SYSTEM:'echo served'
	await listening server
	await listening @agent-lock-test
	for by in UNIX-CONNECT:$home/project/server ABSTRACT-CONNECT:agent-lock-test; do
		is "$(ask_inside $by)" served "$by: its own session is served"
		is "$(ask $by)" served "control: $by: outside is served"
	done
	first=$session
	as_dev mkdir second
	jail --ro $home/project second
	for by in UNIX-CONNECT:$home/project/server ABSTRACT-CONNECT:agent-lock-test; do
		unreachable "$by: another session" $by
	done
	unjail
	session=$first
}

# What name services talk to: granted is what tells of hosts, refused what tells of users or believes.
name_services() {
	unjail
	granted='/run/systemd/resolve/io.systemd.Resolve /run/avahi-daemon/socket'
	others='/run/nscd/socket /run/systemd/userdb/io.systemd.Multiplexer /var/lib/sss/pipes/nss
		/run/nslcd/socket /run/dbus/system_bus_socket'
	datagrams='/run/systemd/journal/socket /run/systemd/journal/dev-log /run/systemd/notify'
	for socket in $granted $others $datagrams; do
		mkdir -p "${socket%/*}"
	done
	for socket in $granted $others; do
		root_background socat -t 30 "UNIX-LISTEN:$socket,fork,mode=666" SYSTEM:'echo name'
	done
	for socket in $datagrams; do
		root_background socat -u "UNIX-RECV:$socket,mode=666" "OPEN:$work/told,append,creat"
	done
	for socket in $granted $others $datagrams; do
		await listening "$socket"
	done
	jail project
	for socket in $granted; do
		is "$(ask_inside "UNIX-CONNECT:$socket")" name "$socket: granted"
	done
	for socket in $others; do
		is "$(ask "UNIX-CONNECT:$socket")" name \
			"control: $socket answers"
		unreachable "$socket" "UNIX-CONNECT:$socket"
	done
	for socket in $datagrams; do
		control "$socket takes what is sent" as_dev sh -c \
			"echo outside | socat -u - UNIX-SENDTO:$socket"
		refused "$socket: refused" inside sh -c "echo inside | socat -u - UNIX-SENDTO:$socket"
	done
	check 'what was sent outside was taken' wait_for grep -q outside "$work/told"
	check 'nothing else was' [ "$(grep -c inside "$work/told")" = 0 ]
	for query in 'ahosts localhost' 'ahosts 127.0.0.1' 'hosts localhost' 'services ssh' \
		'protocols tcp'; do
		# shellcheck disable=SC2086 # two words
		is "$(inside getent $query 2>&1)" "$(as_dev getent $query 2>&1)" \
			"getent $query: as outside"
	done
	# The tests behind this one look at what programs find on this machine.
	rm -rf /run/systemd/userdb
}

# A user's keyrings are made when they are first asked for. Who asks first does not get them.
keyrings() {
	unjail
	mkdir -p /home/eve/project && chown 1001:1001 /home/eve/project
	session=$(as_eve "$al" new /home/eve/project)
	for try in first second; do
		fails_with 'not' "keyctl get_persistent in a session, $try time" \
			as_eve "$al" exec "$session" -- keyctl get_persistent @s
		fails_with 'not' "keyctl add to @u in a session, $try time" \
			as_eve "$al" exec "$session" -- keyctl add user planted x @u
		fails_with 'not' "keyctl list @us in a session, $try time" \
			as_eve "$al" exec "$session" -- keyctl list @us
	done
	allowed 'keyctl add to @s in a session' \
		as_eve "$al" exec "$session" -- keyctl add user own x @s
	control 'keyctl add to @u outside' as_eve keyctl add user mine x @u
	fails_with 'not' 'keyctl search @u in a session' \
		as_eve "$al" exec "$session" -- keyctl search @u user mine
	is "$(as_eve keyctl list @u | grep -c planted)" 0 'nothing was planted'
	control 'keyctl get_persistent outside' as_eve keyctl get_persistent @s
}

begin
for program in dbus-daemon dbus-send gdbus tmux ssh-agent curl socat keyctl; do
	command -v $program >/dev/null || bail "$program is missing: ci/deps vm"
done
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home && cd $home || bail 'no home'
as_dev sh -c 'umask 077; mkdir .ssh project; echo sesame >.ssh/secret; echo hello >project/README'
jail project
bus
multiplexer
agents
docker
display
codex
services
two_sessions
name_services
keyrings
cd /
# shellcheck disable=SC2086 # several
kill $started 2>/dev/null
plan
