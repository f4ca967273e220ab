#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: exec has no parent. Exit code, signals, terminal, environment, pipes and job control are
# the command's own, as without agent-lock; what was open is closed; all its children stay inside;
# and when anything fails, the command is not run.
. ./tests/kernel/lib.sh

key=/home/dev/.ssh/id_ed25519
marker=/tmp/marker

dev_exec() {
	as_dev "$al" exec "$@"
}

# wait_for, but for what takes its time to look: half a minute is enough
soon() {
	soon_end=$(($(date +%s) + 30))
	until "$@"; do
		[ "$(date +%s)" -lt $soon_end ] || return 1
	done
}

# status WANTED PROMISE COMMAND...
status() {
	status_wanted=$1 status_promise=$2
	shift 2
	status_said=$("$@" 2>&1)
	status_got=$?
	is $status_got "$status_wanted" "$status_promise"
	[ $status_got = "$status_wanted" ] || note "$status_said"
}

# not_run PROMISE TEXT COMMAND...: 125, a message with TEXT in it, and the command, which is to
# make the marker, was not run.
not_run() {
	not_run_promise=$1 not_run_text=$2
	shift 2
	rm -f $marker
	not_run_said=$("$@" 2>&1)
	not_run_status=$?
	[ ! -e $marker ] && [ $not_run_status = 125 ] || {
		not_ok "$not_run_promise" "status $not_run_status" "$(ls -l $marker 2>&1)" \
			"$not_run_said"
		return
	}
	case $not_run_said in
	*"$not_run_text"*) ok "$not_run_promise" ;;
	*) not_ok "$not_run_promise" "wanted: $not_run_text" "$not_run_said" ;;
	esac
}

exit_codes() {
	status 42 'the exit code is the command'"'"'s' dev_exec work -- sh -c 'exit 42'
	status 0 'the -- may be left out' dev_exec work sh -c 'exit 0'
	status 127 'a command that is not there: 127' dev_exec work -- no-such-command
	status 126 'a command that is not executable: 126' dev_exec work -- ./README
	status 125 'usage: 125' dev_exec --bad work -- true
	status 125 'no command: 125' dev_exec work --
	python3 -IS - "$bin/become" 1000 "$al" <<-'END' >"$work/signals"
	import subprocess, sys
	def ended(verb, where, command):
	    return subprocess.run(sys.argv[1:] + [verb, where, '--', 'sh', '-c', command],
	                          stderr=subprocess.DEVNULL).returncode
	def promise(good, what):
	    print('yes' if good else 'no', what)
	promise(ended('exec', 'work', 'kill -TERM $$') == -15,
	        'exec: killed by a signal is killed by that signal')
	promise(ended('run', '/home/dev/work', 'kill -TERM $$') == 143,
	        'run: killed by signal 15 is 143')
	END
	judge "$work/signals"
}

descriptors() {
	exec 7<$key 8</home/dev
	control 'the descriptor can be used without agent-lock' as_dev sh -c 'cat <&7'
	exec 7<$key
	fails_with 'Bad file descriptor' 'a file that the parent holds open is closed' dev_exec \
		work -- sh -c 'cat <&7'
	fails_with 'No such file' 'a directory that the parent holds open is closed' dev_exec work \
		-- cat /proc/self/fd/8/.ssh/id_ed25519
	is "$(dev_exec work -- sh -c 'echo /proc/self/fd/*')" \
		'/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3' \
		'nothing is open but 0, 1, 2 (and what lists them)'
	exec 7<&- 8<&-
}

surroundings() {
	is "$(dev_exec work -- sed -n 's/^NoNewPrivs:[[:blank:]]*//p' /proc/self/status)" 1 \
		'no_new_privs is set'
	is "$(dev_exec work -- cat /proc/self/cgroup)" 0::/agent-lock/session-work \
		'it is in the cgroup of its session'
	env -i A=1 'B=two words' HOME=/home/dev "$bin/become" 1000 /usr/bin/env >"$work/env.outside"
	env -i A=1 'B=two words' HOME=/home/dev "$bin/become" 1000 "$al" exec work -- /usr/bin/env \
		>"$work/env.inside"
	sed -i '/^TMPDIR=\|^TMUX_TMPDIR=\|^AGENT_LOCK_/d' "$work/env.inside"
	check 'the environment is kept, but for what is the session'\''s' cmp "$work/env.outside" "$work/env.inside"
	is "$(head -c 1000000 /dev/zero | dev_exec work -- cat | wc -c)" 1000000 \
		'stdin and stdout are pipes'
	is "$(dev_exec work -- sh -c 'echo loud >&2' 2>&1 >/dev/null)" loud 'stderr is its own'
	cd ~dev/work/sub || exit
	is "$(dev_exec work -- pwd -P)" ~dev/work/sub \
		'a working directory inside the project stays'
	cd /home/dev || exit
	is "$(dev_exec work -- pwd -P)" /home/dev/work \
		'from a working directory outside it goes to the project'
	ln -s work/sub link && cd link || exit
	is "$(dev_exec work -- pwd -P)" ~dev/work/sub \
		'a working directory inside, by a link from outside, stays'
	cd /home/dev || exit
}

# dumped COMMAND...: did its crash start the program in core_pattern? It says so itself.
dumped() {
	rm -f "$work/dumped"
	"$@" >/dev/null 2>&1
	sleep 0.3
	[ ! -e "$work/dumped" ] && echo no || echo yes
}

# A crash hands memory to a program of root's: none is started, whatever the limit was or is set to.
core_dumps() {
	core_crash='kill -SEGV $$'
	core_pattern=$(cat /proc/sys/kernel/core_pattern)
	printf '#!/bin/sh\necho >%s/dumped\n' "$work" >"$work/dump"
	chmod 755 "$work/dump"
	echo "|$work/dump" >/proc/sys/kernel/core_pattern
	is "$(dumped as_dev sh -c "$core_crash")" yes 'control: a crash starts a program outside'
	is "$(dumped as_dev sh -c "ulimit -c 0; $core_crash")" yes 'control: also at a limit of 0'
	is "$(dumped dev_exec work -- sh -c "$core_crash")" no 'a crash inside starts none'
	is "$(dumped dev_exec work -- sh -c "ulimit -Sc 0; ulimit -Hc 0; $core_crash")" no \
		'nor after a limit of 0 was asked for'
	is "$(dumped as_dev sh -c "ulimit -c 0; exec '$al' exec work -- sh -c '$core_crash'")" no \
		'nor when the limit outside is 0'
	is "$(dumped "$al" exec --root work -- sh -c "ulimit -c unlimited; $core_crash")" no \
		'nor for root'
	echo "$core_pattern" >/proc/sys/kernel/core_pattern
	is "$(as_dev sh -c "ulimit -Sc 0; '$al' exec work -- sh -c 'ulimit -Hc; ulimit -c 0; ulimit -c'" |
		xargs)" "$(ulimit -Hc) 0" 'and the limit is the command'"'"'s own'
}

# The session keyring of who calls it is outside; inside there is a new one.
keyrings() {
	# shellcheck disable=SC2016
	as_dev keyctl session - sh -c '
		keyctl add user outer secret @s >/dev/null
		keyctl id @s; sh -c "keyctl id @s; keyctl search @s user outer >/dev/null && echo found"
		"$0" exec work -- sh -c "keyctl id @s; keyctl add user inner value @s >/dev/null
			keyctl search @s user inner >/dev/null && echo found
			keyctl search @s user outer"' "$al" >"$work/keyrings" 2>&1
	{
		read -r joined && read -r outer && read -r child && read -r child_found
		read -r inner && read -r inner_found && read -r inner_lost
	} <"$work/keyrings"
	note "$joined"
	is "$child $child_found" "$outer found" 'control: a child has the session keyring, and its keys'
	case $inner in
	"$outer" | *[!0-9]* | '') not_ok 'exec has a new session keyring' "$(cat "$work/keyrings")" ;;
	*) ok 'exec has a new session keyring' ;;
	esac
	is "$inner_found" found 'which it can use'
	is "$inner_lost" 'keyctl_search: Required key not available' 'and which has no key of the other'
}

children() {
	cat >work/children.py <<-'END'
	import os, sys, threading
	def look(who):
	    try:
	        os.close(os.open(sys.argv[1], os.O_RDONLY))
	        seen = 'could read'
	    except PermissionError as e:
	        seen = e.strerror
	    with open('/proc/thread-self/cgroup') as f:
	        good = (f.read(), seen) == ('0::/agent-lock/session-work\n', 'Operation not permitted')
	    print('yes' if good else 'no', who, 'is inside and refused', flush=True)
	def child(what):
	    pid = os.fork()
	    if pid == 0:
	        what()
	        os._exit(0)
	    return pid
	def daemon():
	    os.setsid()
	    child(lambda: (os.waitpid, look('a daemon after setsid and two forks')))
	look('the command')
	thread = threading.Thread(target=look, args=['a thread'])
	thread.start()
	thread.join()
	os.waitpid(child(lambda: look('a child')), 0)
	read, write = os.pipe()
	os.waitpid(child(daemon), 0)
	os.close(write)
	os.read(read, 1)		# all its children have ended
	END
	dev_exec work -- python3 -IS children.py $key >"$work/children" 2>&1
	judge "$work/children"
	is "$(grep -c '^yes' "$work/children")" 4 'all four of them were seen'
	control 'the key can be read outside' as_dev cat $key
}

refusals_to_run() {
	check 'control: the command makes its marker' dev_exec work -- touch $marker
	is "$(ls $marker)" $marker 'control: there it is'
	not_run 'somebody else'"'"'s session: not run' "cannot find session 'work'" as_eve "$al" \
		exec work -- touch $marker
	as_eve "$al" exec work -- touch $marker 2>"$work/other"
	as_eve "$al" exec wurk -- touch $marker 2>"$work/none"
	is "$(sed s/work/wurk/ "$work/other")" "$(cat "$work/none")" \
		'the message is that for a session that is not there'
	not_run 'an unknown session: not run' "cannot find session 'none'" dev_exec none -- touch \
		$marker
	not_run 'a name with a colon: not run, and the message is whole' \
		"cannot find session 'a:b'" dev_exec a:b -- touch $marker
	as_dev "$al" new --name gone work >/dev/null
	as_dev "$al" destroy gone >/dev/null
	not_run 'a destroyed session: not run' "cannot find session 'gone'" dev_exec gone -- touch \
		$marker
	status 0 'control: root may enter any session' "$al" exec work -- true
	not_run "a cgroup's file as stdin: not run, its opener's rights would lead out" \
		'stdin is a file of a cgroup' dev_exec work -- touch $marker \
		</sys/fs/cgroup/cgroup.procs
	as_dev "$al" new --name nested --ro "$top/out" work >/dev/null
	not_run 'from inside a session: not run' 'not permitted' dev_exec nested -- "$al" exec \
		work -- touch $marker
}

by_sudo() {
	SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=dev "$al" "$@"
}

under_sudo() {
	echo team:x:2000:dev >>/etc/group
	is \
		"$(by_sudo exec work -- sh -c 'id -u; id -g; id -G; echo $HOME $USER $LOGNAME' | xargs)" \
		'1000 1000 1000 2000 /home/dev dev dev' \
		'under sudo it is the user who called it, with groups, HOME, USER and LOGNAME'
	is \
		"$(HOME=/root by_sudo exec --root work -- sh -c 'id -u; echo $HOME' | xargs)" '0 /root' \
		'under sudo --root keeps root'
	is "$("$al" exec work -- id -u)" 0 'root without sudo stays root'
	name=$(by_sudo new --name sudo work)
	is "$name $(as_dev "$al" list | grep -c '^sudo ')" 'sudo 1' \
		'under sudo a new session belongs to the user who called it'
	"$al" destroy sudo >/dev/null
	not_run 'under sudo of a user who has no entry: not run as root' '54321' env \
		SUDO_UID=54321 SUDO_GID=54321 "$al" exec work -- touch $marker
	not_run 'under sudo with nonsense in SUDO_UID: not run as root' 'SUDO_UID' env \
		SUDO_UID=1000x "$al" exec work -- touch $marker
}

# A terminal, and a person at it who waits for what she types to have had its effect.
job_control() {
	cat >"$work/jobs.py" <<-'END'
	import os, pty, select, sys, time
	def start(*command):
	    pid, fd = pty.fork()
	    if pid == 0:
	        os.execv(sys.argv[1], [sys.argv[1], '1000', *command])
	    return fd
	rest = {}
	def expect(fd, text, promise):
	    seen, end = rest.get(fd, b''), time.time() + 30
	    while text not in seen and select.select([fd], [], [], max(0, end - time.time()))[0]:
	        try:
	            seen += os.read(fd, 4096)
	        except OSError:
	            break
	    print('yes' if text in seen else 'no', promise)
	    rest[fd] = seen.partition(text)[2]
	    if text not in seen:
	        print('saw', repr(seen))
	def job(fd, what, where):
	    os.write(fd, what + b'\n')
	    expect(fd, b'ready', where + 'a job starts')
	    os.write(fd, b'\x1a')
	    expect(fd, b'Stopped', where + '^Z stops it')
	    expect(fd, b'READY> ', where + 'the shell is back')
	    os.write(fd, b'jobs\n')
	    expect(fd, b'[1]+  Stopped', where + 'jobs lists it')
	    expect(fd, b'READY> ', where + 'the shell waits')
	    shell, end = os.tcgetpgrp(fd), time.time() + 30
	    os.write(fd, b'fg\n')
	    expect(fd, b'sleep 1000', where + 'fg goes on with it')
	    # The shell says so before it hands the terminal over: a ^C in between would be its own.
	    while os.tcgetpgrp(fd) == shell and time.time() < end:
	        time.sleep(0.02)
	    os.write(fd, b'\x03')
	    expect(fd, b'READY> ', where + '^C ends it')
	    os.write(fd, b'echo status $?\n')
	    expect(fd, b'status 130', where + 'of which the shell learns')
	os.environ.update(PS1='READY> ', HOME='/home/dev', TERM='dumb')
	shell = ['bash', '--norc', '-i']
	sleep = b'sh -c "echo rea\'\'dy; exec sleep 1000"'
	al = sys.argv[2].encode()
	for where, command, what in (
	    ('control: ', shell, sleep),
	    ('exec from a shell: ', shell, al + b' exec work -- ' + sleep),
	    ('a shell in a session: ', [sys.argv[2], 'exec', 'work', '--', *shell], sleep),
	):
	    fd = start(*command)
	    expect(fd, b'READY> ', where + 'a shell with job control')
	    job(fd, what, where)
	    os.close(fd)
	    rest.clear()
	END
	python3 -IS "$work/jobs.py" "$bin/become" "$al" >"$work/jobs" 2>&1
	judge "$work/jobs"
	is "$(grep -c '^yes' "$work/jobs")" 27 'all of that was tried'
}

tm() {
	as_dev tmux -L agent-lock-test "$@"
}

screen() {
	tm capture-pane -p -t "$1" >"$work/screen.$1"
}

shows() {
	screen "$1"
	grep -q "$2" "$work/screen.$1"
}

# type_in_both PROMISE TEXT KEY...: typed in both windows; then both show TEXT, and are the same.
# Else no more is tried.
type_in_both() {
	[ $tap_failed = "$failed_before" ] || return
	type_promise=$1 type_text=$2
	shift 2
	tm send-keys -t outside "$@" \; send-keys -t inside "$@"
	soon shows outside "$type_text" && soon shows inside "$type_text"
	is "$(cat "$work/screen.inside")" "$(cat "$work/screen.outside")" "$type_promise"
}

full_screen() {
	for program in tmux less vim; do
		command -v $program >/dev/null || {
			skip 'full-screen programs work as outside' "no $program here"
			return
		}
	done
	failed_before=$tap_failed
	seq -f 'line %.0f of this file' 200 >work/text
	chown 1000 work/text
	cd work || exit
	tm -f /dev/null new-session -d -x 80 -y 24 -n outside 'bash --norc -i' \; \
		new-window -n inside "$al exec work -- bash --norc -i"
	cd ..
	type_in_both 'a shell looks as outside' '^bash-.*\$ *$' ''
	type_in_both 'less fills the screen as outside' '^text$' 'less text' Enter
	type_in_both 'less goes to its end as outside' 'line 200 of this file' G
	type_in_both 'less ends as outside' '^bash-.*\$ *$' q
	type_in_both 'an editor fills the screen as outside' '"text" 200' \
		'clear; vim -n -u NONE -i NONE text' Enter
	type_in_both 'it takes text as outside' '^typed here' i 'typed here, ' Escape
	type_in_both '^Z stops it as outside' 'Stopped' C-z
	type_in_both 'fg goes on with it as outside' '^typed here' fg Enter
	type_in_both 'it ends as outside' '^bash-.*\$ *$' ':q!' Enter
	tm kill-server
}

without_daemon() {
	daemon_stop KILL
	not_run 'no daemon: not run, and the cure is told' \
		'cannot reach agent-lockd at /run/agent-lock/socket' dev_exec work -- touch $marker
	not_run 'no daemon: not run, and the cure is told' \
		'hint: as root, any agent-lock command starts it' dev_exec work -- touch $marker
	daemon_start
	as_dev "$al" new --name second work >/dev/null
	: >"$work/during"
	for i in 1 2 3 4 5 6 7 8; do
		[ $i != 5 ] || kill -KILL "$daemon_pid"
		dev_exec second -- cat /proc/self/cgroup >>"$work/during" 2>"$work/during.$i" &
		pids="${pids:-} $!"
	done
	for pid in $pids; do
		wait "$pid"
	done
	daemon_stop
	is "$(grep -vc '^0::/agent-lock/session-second$' "$work/during")" 0 \
		'daemon killed meanwhile: a command is run inside or not at all'
	check 'control: some were not run' grep -q 'agent-lockd' "$work"/during.?
	daemon_start
	is "$(as_dev "$al" new --name third work)" third 'a daemon started again makes sessions'
	status 3 'and runs commands in them' dev_exec third -- sh -c 'exit 3'
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c \
	'umask 022; mkdir -p .ssh work/sub; echo secret >.ssh/id_ed25519; echo hello >work/README' \
	|| bail 'no files'
as_dev "$al" new work >/dev/null || bail 'no session'
exit_codes
descriptors
surroundings
core_dumps
keyrings
children
refusals_to_run
under_sudo
job_control
full_screen
without_daemon
"$al" destroy --all >/dev/null 2>&1
cd "$top" && umount -l /home/dev
plan
