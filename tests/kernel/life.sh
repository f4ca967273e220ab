#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: in a session of which nothing was asked but a project, ordinary work goes on: each thing
# here says the same, and ends the same, as outside. Whatever was refused to it meanwhile is listed
# at the end, with the reason why nothing needs it. A session that audits refuses nothing at all; one
# that may have user namespaces carries the sandboxes that agents put around their own commands.
#
#   PARTS='shells tracing' sh tests/kernel/life.sh   only these
. ./tests/kernel/lib.sh

said=/home/dev/project/said # what is handed to a session as stdout is to be a file it may use

# lives PROMISE PROGRAM COMMANDS: outside they end well; in each of $sessions they end so too, with
# the same words. PROGRAM is what must be installed.
lives() {
	command -v "$2" >/dev/null || {
		skip "$1" "no $2 here"
		return
	}
	as_dev sh -c "$3" >"$said.outside" 2>&1 </dev/null || {
		not_ok "control: $1" "status $?" "$(cat "$said.outside")"
		return
	}
	for session in $sessions; do
		inside sh -c "$3" >"$said" 2>&1 </dev/null
		lives_status=$?
		if [ $lives_status = 0 ] && cmp -s "$said.outside" "$said"; then
			ok "$session: $1"
		else
			not_ok "$session: $1" "status $lives_status" "$(cat "$said")" 'outside:' \
				"$(cat "$said.outside")"
		fi
	done
	session=''
}

# lives_each PROGRAM NEEDED NAME...: for life.c, life.py
lives_each() {
	each_program=$1 each_needed=$2
	shift 2
	for each_name; do
		lives "${each_program##*/} $each_name" "$each_needed" "$each_program $each_name"
	done
}

shells() {
	lives_each 'python3 ../life.py' python3 jobs
	lives 'nohup, setsid and what they leave running' setsid '
		nohup sh -c "echo from nohup" >out 2>/dev/null; cat out
		setsid -f sh -c "echo from setsid >out.new; mv out.new out"
		until grep setsid out; do sleep 0.05; done; rm out'
	lives 'signals between its own: kill, kill -0, trap, a group' setsid '
		sh -c "trap \"echo caught; exit 3\" USR1; echo \$\$ >pid; while :; do sleep 0.05; done" &
		until [ -s pid ]; do sleep 0.05; done
		kill -0 $(cat pid) && kill -USR1 $(cat pid); wait $!; echo $?; rm pid
		setsid sh -c "sleep 1000 & echo >ready; wait" & until [ -e ready ]; do sleep 0.05; done
		kill -- -$!; { wait $!; } 2>/dev/null; echo $?; rm ready'
	lives 'a pipeline under xargs -P' xargs \
		'seq 20 | xargs -P 4 -n 1 sh -c "echo \$((\$0 * 2))" | sort -n | tail -n 1'
	lives 'tail -f sees what is added' tail '
		echo one >log; (sleep 0.5; echo two >>log; echo three >>log) &
		tail -n 1 -f --pid=$! log | head -n 2; wait; rm log'
}

processes() {
	lives 'ps, top, pgrep, pidof, pkill and killall find its own' top '
		cp "$(command -v sleep)" lifesleep; ./lifesleep 1000 &
		ps -o comm= --ppid $$ | grep -c lifesleep
		ps ax | grep -c "[l]ifesleep 1000"
		top -bn1 -p $! | tail -n 1 | awk "{ print \$NF }"
		pgrep -x lifesleep | grep -cx $!; pidof lifesleep | grep -c $!
		pkill -x lifesleep; { wait $!; } 2>/dev/null; echo $?
		./lifesleep 1000 & sleep 0.2
		killall lifesleep; { wait $!; } 2>/dev/null; echo $?; rm lifesleep'
	lives 'nice, renice, taskset, ionice, chrt and prlimit of its children' taskset '
		nice -n 5 nice; sleep 1000 &
		renice -n 7 -p $! >/dev/null; ps -o ni= -p $!
		taskset -cp 0 $! >/dev/null; taskset -cp $! | sed "s/.*: //"
		ionice -c 3 -p $!; ionice -p $!
		chrt -b -p 0 $!; chrt -p $! | sed "s/.*: //"
		prlimit --nofile=100:100 --pid $!; prlimit --nofile --noheadings --raw --pid $!
		kill $!'
	lives 'ulimit, and a crash without a core dump' cat '
		ulimit -n 200; ulimit -n; ulimit -c 0; grep -c Max /proc/self/limits
		sh -c "ulimit -c; ../life crash" 2>/dev/null; echo $?; ls core* 2>/dev/null; :'
	lives 'free, uptime, nproc, lscpu, df, hostname and date ask about the machine' free '
		free | grep -c Mem; uptime -s >/dev/null && nproc; lscpu | grep -m 1 Architecture
		df . | wc -l; hostname; uname -r; date +%Z; getconf PAGE_SIZE; ip -br address'
}

# Outside, a crash may leave a core. In a session it does not: the kernel writes cores, not it.
no_core() {
	control 'a crash leaves a core' as_dev sh -c '../life crash; ls core*; rm -f core*'
	session=project
	is "$(inside sh -c 'ulimit -c; ../life crash; ls core*' 2>/dev/null)" 0 \
		'a crash leaves no core in a session'
	session=''
}

tracing() {
	lives 'gcc, and gdb on a child: a breakpoint, a backtrace, the end' gdb '
		echo "int f(int n) { return n + 1; } int main(void) { return f(1) - 2; }" >f.c
		gcc -g -O0 -o f f.c
		gdb -nx -batch -ex "break f" -ex run -ex bt -ex "print n" -ex continue ./f 2>&1 |
			sed "s/process [0-9]*/process N/; s/0x[0-9a-f]*/ADDRESS/"; rm f f.c'
	lives 'strace -f on a child' strace '
		strace -f -qq -e trace=execve -o trace sh -c "ls >/dev/null; cat /dev/null; :"
		grep -c "execve(" trace; rm trace'
	traced='../life wait >ready & until [ -s ready ]; do sleep 0.05; done'
	lives 'gdb -p on a sibling' gdb "$traced
		gdb -nx -batch -ex bt -p \$! >said 2>&1; echo \$?
		grep -o pause said | sort -u; kill \$!; rm ready said"
	lives 'strace -p on a sibling' strace "$traced
		timeout -s INT 2 strace -o trace -p \$! 2>said; grep -o attached said
		grep -o ^pause trace; kill \$!; rm ready said trace"
	lives 'a leak that the leak sanitizer finds by tracing its own threads' gcc '
		echo "#include <stdlib.h>" >leak.c
		echo "int main(void) { char *volatile p = malloc(7); p = 0; return !!p; }" >>leak.c
		gcc -fsanitize=address -o leak leak.c && ./leak 2>said; echo $?
		grep -o "7 byte(s) leaked" said; rm leak leak.c said'
}

conversations() {
	lives_each 'python3 ../life.py' python3 sockets descriptors web
	two_exec stream a.socket
	two_exec datagram @life-talk
	two_exec seqpacket @life-talk
}

# The server is one command of the session and the client another; neither is the other's child.
two_exec() {
	rm -f "$said"
	session=project
	inside python3 ../life.py serve "$1" "$2" >"$said" &
	two_server=$!
	wait_for test -s "$said"
	is "$(inside python3 ../life.py talk "$1" "$2" 2>&1)" HELLO \
		"two exec of a session talk: a $1 at $2"
	wait $two_server
	rm -f a.socket
	session=''
}

languages() {
	lives_each 'python3 ../life.py' python3 'processes fork' 'processes forkserver' sqlite \
		subprocesses
	lives 'node: threads, fork, a cluster, a unix socket, a watch' node 'node ../life.js'
}

kernel_means() {
	lives_each ../life true ring sysv queue inotify fanotify keys uring timers sigio relatives \
		memfd limits faults locks landlock
	lives 'keyctl: a session keyring of its own' keyctl '
		keyctl session - sh -c "keyctl add user k v @s >k; keyctl print \$(cat k)
			keyctl list @s | grep -c user:; keyctl unlink \$(cat k) @s
			keyctl search @s user k; rm k" 2>&1 | grep -v "^Joined"'
	lives 'ipcmk, ipcs and ipcrm of its own' ipcmk '
		id=$(ipcmk -M 4096 | grep -o "[0-9]*"); ipcs -m -i $id | grep -c bytes=4096; ipcrm -m $id'
	lives 'flock: shared on what it may read, exclusive in the project' flock '
		flock -s /usr/bin/env echo shared
		flock lock sh -c "flock -n lock true || echo held"; rm lock'
}

building() {
	lives 'git: init, commit, branch, merge, stash, gc, fsck, worktree, clone' git '
		exec 2>&1; git init -q -b main r; cd r
		git config user.name dev; git config user.email dev@example.org
		echo one >a; git add a; git commit -qm one; git checkout -qb side; echo two >b
		git add b; git commit -qm two; git checkout -q main; echo three >c; git add c
		git commit -qm three; git merge -q --no-edit side; echo four >>a; git stash -q
		git stash pop -q; git diff --stat; git gc -q; git fsck --no-dangling
		git worktree add -q ../w side; git status --short; cd ..
		git clone -q r c; git -C c log --format=%s; git clone -q --no-local "file://$PWD/r" w/c
		git -C w/c rev-parse --abbrev-ref HEAD; rm -rf r c w'
	lives 'make -j, gcc, ar, a static and a shared library' make '
		mkdir m; cd m; for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" >f$i.c; done
		echo "int f1(void), f4(void); int main(void) { return f1() + f4() - 5; }" >main.c
		printf "%s\n" "CFLAGS := -fPIC" "all: static shared" \
			"static: main.o libf.a" "	gcc -o \$@ main.o libf.a" \
			"libf.a: f1.o f2.o f3.o f4.o" "	ar rc \$@ \$^" \
			"libf.so: f1.o f2.o f3.o f4.o" "	gcc -shared -o \$@ \$^" \
			"shared: main.o libf.so" "	gcc -o \$@ main.o \$(CURDIR)/libf.so" >Makefile
		make -s -j 4 && ./static && ./shared && echo built; cd ..; rm -r m'
	lives 'tar, gzip, find, sed -i, cp -a, diff, touch, chmod' tar '
		mkdir -p t/a; seq 100 >t/a/n; ln -s a t/l; ln t/a/n t/a/m; tar czf t.tgz t; cp -a t u
		rm -r t; tar xzf t.tgz; sed -i s/50/fifty/ u/a/n; diff -r t u; find t u | sort
		touch -d 2020-02-02 t/a/n; chmod 600 t/a/n; stat -c "%a %y %h" t/a/n; rm -r t u t.tgz'
}

terminals() {
	lives 'script(1): a terminal of its own inside' script \
		'script -qec "stty size; test -t 0 && echo a terminal" /dev/null | tr -d "\r"'
	lives 'tmux started inside' tmux '
		tm() { tmux -L life-$$ -f /dev/null "$@"; }; export LC_ALL=C.UTF-8
		tm new-session -d -x 80 -y 24 "echo in tmux; tmux wait-for -S up; exec cat"
		tm wait-for up; tm capture-pane -p | head -n 1
		tm list-sessions -F "#{session_windows}"; tm kill-server'
}

# A terminal of outside, as that of a person who types agent-lock exec: see exec.sh, too.
jobs_from_outside() {
	as_dev python3 ../life.py jobs >"$said.outside" 2>&1
	as_dev python3 ../life.py jobs "$al" exec project -- >"$said" 2>&1
	is "$(cat "$said")" "$(cat "$said.outside")" \
		'project: job control in a shell that agent-lock exec runs'
	rm -f tty
}

# dbus-daemon wants its user's name, and the base policy has no /etc/passwd: asked for by name.
bus() {
	as_dev "$al" new --name names --ro /etc/passwd --ro /etc/group ~dev/project >/dev/null
	sessions='names audit'
	lives 'dbus-run-session: a bus of its own, where /etc/passwd may be read' dbus-run-session '
		dbus-run-session -- dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
			org.freedesktop.DBus.ListNames | grep -c org.freedesktop.DBus'
	sessions='project audit'
}

sudo_gains_nothing() {
	command -v sudo >/dev/null || {
		skip 'sudo gains nothing' 'no sudo here'
		return
	}
	echo 'dev ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/agent-lock-life
	is "$(as_dev sudo -n id -u)" 0 'control: sudo works'
	session=project
	fails_with 'no new privileges' 'sudo says why it does not' inside sudo -n id -u
	session=audit
	fails_with 'no new privileges' 'nor in a session that audits' inside sudo -n id -u
	session=''
	rm /etc/sudoers.d/agent-lock-life
}

# Without a policy that says so there are none.
no_namespaces() {
	control 'unshare -r works' as_dev unshare -r true
	session=project
	refused 'unshare -r is refused' inside unshare -r true
	fails_with 'new namespace' 'bwrap says that it may not' inside bwrap --ro-bind / / true
	sessions=audit
	lives 'unshare -r' unshare 'unshare -r id -u'
	sandboxes
	sessions='project audit'
}

box='bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-pid --unshare-ipc'
box="$box --bind /home/dev/project /home/dev/project --"

# What codex, srt and other agents put around a command.
sandboxes() {
	lives 'bwrap: a read-only root, the project bound' bwrap "$box sh -c 'echo hi >f'; cat f; rm f"
	lives 'bwrap --unshare-all' bwrap 'bwrap --unshare-all --ro-bind / / sh -c "echo in; id -u"'
	lives 'bwrap: a root of its own, a name, a new session, a file from data' bwrap '
		echo made-up:x | bwrap --unshare-all --share-net --die-with-parent --new-session \
			--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
			--symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --dir /run \
			--bind "$PWD" "$PWD" --chdir "$PWD" --hostname box --ro-bind-data 0 /etc/passwd \
			sh -c "hostname; cat /etc/passwd; echo \$(ls -d /*); cd /run && pwd"'
	lives 'bwrap in bwrap' bwrap "$box bwrap --unshare-all --ro-bind / / echo nested"
	lives 'in its own tmpfs: make, write, move, link, remove, a socket' bwrap "$box sh -c '
		cd /tmp; mkdir d; echo 1 >d/a; mv d/a b; ln b c; ln -s c s; cat s; chmod 600 b; mv d e
		python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind(\\\"u\\\")\"
		rm b c s u; rmdir e; ls -a'"
	lives 'in its own procfs: its processes, and what the machine is' bwrap "$box sh -c '
		ps -o pid=,comm= -p 1 | tr -d \" \"; echo \$\$; ls /proc | grep -cE \"^(1|\$\$|self|meminfo)\$\"
		free | grep -c Mem; grep -c ^processor /proc/cpuinfo; cat /proc/sys/kernel/osrelease'"
	lives 'in its own devpts: a terminal' bwrap "$box script -qec 'stty size; tty' /dev/null"
	lives 'python in bwrap' bwrap "$box python3 ../life.py processes fork"
	lives 'node in bwrap' bwrap "$box node -p 'require(\"os\").cpus().length > 0'"
	lives 'git and gcc in bwrap' bwrap "$box sh -c 'git init -q r; rm -rf r; cd /tmp
		echo \"int main(void) { return 0; }\" >m.c; gcc m.c && ./a.out && echo built'"
	lives 'bwrap with no network, and a loopback of its own' bwrap '
		bwrap --dev-bind / / --unshare-net sh -c "ip -br link; python3 ../life.py sockets"'
	lives 'unshare: a tmpfs, a bind mount, its processes alone' unshare '
		unshare -rm sh -c "mount -t tmpfs t /mnt; echo x >/mnt/y; mount --bind /mnt /opt; cat /opt/y"
		unshare -rpf --mount-proc ps -o pid=,comm= ax | tr -d " "
		unshare -rn sh -c "ip link set lo up; ip -br address"'
	lives 'a sandbox as browsers have it' true '../life browser'
}

# The same in a session whose policy allows it; and no more can be opened through it.
namespaces() {
	printf '[session]\nuserns = allow\n[paths]\ndeny = /proc/version\n' >"$work/policy.ini"
	as_dev "$al" new --name spaces --policy "$work/policy.ini" /home/dev/project >/dev/null
	sessions=spaces
	sandboxes
	for file in /home/dev/.ssh/id_ed25519 /proc/version /proc/vmstat /proc/sys/kernel/panic; do
		# shellcheck disable=SC2086 # several words
		control "bwrap: $file can be read" as_dev $box cat $file
		session=spaces
		# shellcheck disable=SC2086
		refused "bwrap: $file cannot" inside $box cat $file
		session=''
	done
	sessions='project audit'
}

# OPERATION PATH PROGRAM, in patterns: why nobody needs what was refused there.
explained() {
	cat <<-'END'
	read /etc/passwd *: user names are not for sessions; numbers are shown, HOME is in the environment
	read /etc/group *: likewise
	list /run/systemd/userdb *: likewise, asked for by nss-systemd
	read /proc/[0-9]*/stat *: who lists processes looks at everybody's; its own it sees
	list /proc/[0-9]* killall: likewise
	read /proc/sysvipc/shm ipcs: it lists everybody's; what is asked by number is told
	mkdir /usr/share/gdb/python/*__pycache__ gdb: a cache that the user could not write either
	read /proc/bus/pci/devices lscpu: a look for a hypervisor
	read /home/dev/.bash_history bash: the history of the user's own shell
	write /home/dev/.bash_history bash: what is typed in a session does not belong there
	read /proc/sys/kernel/pid_max ps: that of a namespace of its own, from 6.14 on; a column is narrower
	read /proc/sys/user/max_user_namespaces bwrap: that of a namespace of its own; bwrap goes on
	read /etc/sudo.conf sudo: sudo is of no use
	userns - unshare: tried on purpose
	userns - bwrap: tried on purpose
	read * cat: tried on purpose
	END
}

# Every refusal of the session has its line above; a count without a target has none.
explain_refusals() {
	explained >"$work/explained"
	"$al" report --json "$1" >"$work/report.json"
	python3 -IS - "$work/report.json" "$work/explained" >"$work/refusals" <<-'END'
	import fnmatch, json, sys
	report = json.load(open(sys.argv[1]))
	reasons = [line.rstrip('\n').partition(': ')[::2] for line in open(sys.argv[2])]
	seen, unexplained = {}, []
	for target in report['targets']:
	    for comm in target['comms']:
	        what = f"{target['op']} {target['path'] or '-'} {comm['comm']}"
	        for pattern, reason in reasons:
	            if fnmatch.fnmatchcase(what, pattern):
	                seen[pattern, reason] = seen.get((pattern, reason), 0) + comm['count']
	                break
	        else:
	            unexplained.append(f"no {comm['count']} unexplained: {what}")
	for (pattern, reason), count in seen.items():
	    print(f'yes {count} explained: {pattern}: {reason}')
	print(*unexplained, sep='\n')
	print('yes' if not report['others'] and not report['lost'] else 'no', 'each is in the list')
	END
	while read -r explain_verdict explain_text; do
		case $explain_verdict in
		yes) ok "$1: refusals: $explain_text" ;;
		no) not_ok "$1: refusals: $explain_text" ;;
		?*) note "$explain_verdict $explain_text" ;;
		esac
	done <"$work/refusals"
}

nothing_refused() {
	"$al" report --json audit >"$work/report.json"
	is "$(python3 -ISc 'import json, sys; print(json.load(open(sys.argv[1]))["refused"])' \
		"$work/report.json")" 0 'audit: nothing was refused'
}

begin
mount_image home ext4 256M || bail "no ext4: $(cat "$work/mkfs.log")"
mount --bind "$work/home" /home/dev && chown 1000:1000 /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 077; mkdir -p project/work .ssh; echo secret >.ssh/id_ed25519' || bail 'no files'
cp "$bin/life" "$top/tests/kernel/life.py" "$top/tests/kernel/life.js" project/ &&
	cd project/work || bail 'no files'
as_dev "$al" new /home/dev/project >/dev/null || bail 'no session'
as_dev "$al" new --audit --name audit /home/dev/project >/dev/null || bail 'no session'
sessions='project audit'
for part in ${PARTS:-shells processes no_core tracing conversations languages kernel_means building \
	terminals jobs_from_outside bus sudo_gains_nothing no_namespaces namespaces}; do
	$part
done
is "$(ls)" '' 'nothing was left lying about'
explain_refusals project
[ ! -s "$work/policy.ini" ] || explain_refusals spaces
nothing_refused
"$al" destroy --all >/dev/null 2>&1
cd "$top" && umount -l /home/dev
plan
