#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: `adopt` moves what is running already into a session, with its threads and all that it started, from then on
# jailed; it says what these hold open; and what would stay able to get out, or is not the caller's, is not adopted, nor
# anything beside it.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project key=/home/dev/.ssh/id

# A process with a thread, a child with a thread, a grandchild whose parent has ended, and one that does nothing but
# start others. When told so, each tries to read the key, and says what came of it.
tree() {
	cat <<'EOF'
import os, sys, threading, time
project, key = sys.argv[1:3]
def attempt():
    try:
        return open(key).read().strip()
    except OSError as error:
        return error.strerror
def actor(name):
    result = attempt()
    while True:
        with open(f"{project}/.{name}", "w") as file: print(result, file=file)
        os.rename(f"{project}/.{name}", f"{project}/said.{name}")
        while not os.path.exists(f"{project}/go"): time.sleep(0.05)
        result = attempt()
        if os.path.exists(f"{project}/said.{name}.after"): time.sleep(1)
        with open(f"{project}/.{name}", "w") as file: print(result, file=file)
        os.rename(f"{project}/.{name}", f"{project}/said.{name}.after")
def start(name): threading.Thread(target=actor, args=(name,), daemon=True).start()
held = open(key)
start("thread")
if os.fork() == 0:
    start("child-thread")
    if os.fork() == 0:
        actor("grandchild")
    while True:
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(0.2)
                if os.path.exists(f"{project}/go"):
                    with open(f"{project}/born.{os.getpid()}", "w") as file: print(attempt(), file=file)
            os._exit(0)
        os.wait()
        time.sleep(0.02)
actor("first")
EOF
}

start_tree() {
	tree >"$work/tree.py"
	as_dev rm -f $project/go
	as_dev sh -c "rm -f $project/said.* $project/born.*"
	"$bin/become" 1000 python3 "$work/tree.py" $project $key &
	root=$!
	for actor in first thread child-thread grandchild; do
		wait_for [ -e $project/said.$actor ] || bail 'the processes do not start'
	done
}

stop_tree() {
	pkill -KILL -f "$work/tree.py"
	wait $root 2>/dev/null
}

said() {
	cat $project/said.first$1 $project/said.thread$1 $project/said.child-thread$1 $project/said.grandchild$1 | sort -u | tr '\n' ' '
}

# sleeper: of dev's, its pid is $sleeper
sleeper() {
	"$bin/become" 1000 sleep 1000 &
	sleeper=$!
	wait_for grep -q sleep /proc/$sleeper/comm
}

cgroup_of() {
	cat /proc/"$1"/cgroup
}

# refused_whole PATTERN PROMISE PID...: nothing of it was moved
refused_whole() {
	pattern=$1 promise=$2
	shift 2
	before=$(for pid; do cgroup_of "$pid"; done)
	fails_with "$pattern" "$promise" as_dev "$al" adopt "$session" "$@"
	is "$(for pid; do cgroup_of "$pid"; done)" "$before" "$promise: nothing was moved"
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev sh -c "mkdir -p $project $home/.ssh && echo k >$key && echo x >$home/other"

# The tree.
jail $project
start_tree
as_dev "$al" adopt "$session" $root >"$work/adopted"
is $? 0 'processes that run are adopted'
is "$(said '')" 'k ' 'control: before, each of them read the key'
is "$(for pid in $(pgrep -f "$work/tree.py"); do cgroup_of "$pid"; done | grep -vc "/session-$session")" 0 'all of them are in the session'
as_dev touch $project/go
for actor in first thread child-thread grandchild; do
	wait_for [ -e $project/said.$actor.after ]
done
is "$(said .after)" 'Operation not permitted ' 'afterwards none reads it: no thread, no child, no grandchild'
wait_for sh -c "[ \$(ls $project | grep -c born) -gt 3 ]"
sleep 0.5
is "$(cat $project/born.* | sort -u)" 'Operation not permitted' 'nor what they start, the orphans among it'
check 'it says who' grep -q "^$root python3\$" "$work/adopted"
check 'and what stays open' grep -qx "    reads $key" "$work/adopted"
check 'the log has it' grep -q "session adopted session=$session pid=$root comm=python3" "/var/log/agent-lock/$session.log"
is "$(as_dev "$al" adopt "$session" $root >/dev/null 2>&1; echo $?)" 0 'once more is no error'
"$al" destroy "$session" >/dev/null
session=''
check 'destroy ends it with the rest' wait_for sh -c "! kill -0 $root"
stop_tree

# A shell adopts itself.
jail $project
is "$(as_dev sh -c "cat $key; '$al' adopt $session \$\$ >/dev/null; cat $key" 2>&1)" "k
cat: $key: Operation not permitted" 'a shell adopts itself'

# A set-user-ID program of a process that agent-lock did not start: root, and jailed as that is.
install -m 4755 /usr/bin/cat /usr/local/bin/adopted-cat
echo of-root >/srv/of-root
chmod 600 /srv/of-root
is "$(as_dev sh -c "/usr/local/bin/adopted-cat /srv/of-root; '$al' adopt $session \$\$ >/dev/null; /usr/local/bin/adopted-cat /srv/of-root" 2>&1)" "of-root
/usr/local/bin/adopted-cat: /srv/of-root: Operation not permitted" 'a set-user-ID program in it is jailed, too'
rm /usr/local/bin/adopted-cat /srv/of-root

# What it is connected to is said.
"$bin/become" 1000 python3 -c "
import os, socket, time
server = socket.socket(socket.AF_UNIX); server.bind('$home/bus'); server.listen()
tcp = socket.create_server(('127.0.0.1', 4711))
if os.fork() == 0:
    server.close(); tcp.close()
    one = socket.socket(socket.AF_UNIX); one.connect('$home/bus')
    two = socket.create_connection(('127.0.0.1', 4711))
    with open('$project/.connected', 'w') as file: print(os.getpid(), file=file)
    os.rename('$project/.connected', '$project/connected')
    time.sleep(1000)
a = server.accept(); b = tcp.accept(); time.sleep(1000)" &
listener=$!
wait_for [ -s $project/connected ]
as_dev "$al" adopt "$session" "$(cat $project/connected)" >"$work/adopted"
is "$(grep -c "^    connected to $home/bus\$" "$work/adopted") $(grep -c '^    connected to 127.0.0.1 port 4711$' "$work/adopted")" '1 1' 'what it is connected to is said'
kill $listener "$(cat $project/connected)"

# What is not.
sleeper
jailed=$session session=other
refused_whole "cannot find session 'other'" 'a session that is not there' $sleeper
session=$jailed
fails_with 'cannot adopt process 999999' 'a process that is not there' as_dev "$al" adopt "$session" $sleeper 999999
is "$(cgroup_of $sleeper | grep -c session)" 0 'nor the one beside it'
fails_with "'12x' is no process id" 'what is no number' as_dev "$al" adopt "$session" 12x
fails_with "'-1' is no process id" 'nor a negative one' as_dev "$al" adopt "$session" -1
fails_with 'usage: agent-lock adopt' 'none' as_dev "$al" adopt "$session"
sleep 1000 &
of_root=$!
"$bin/become" 1001 sleep 1000 &
of_eve=$!
wait_for grep -q sleep /proc/$of_eve/comm
refused_whole "another user's" "root's" $of_root $sleeper
refused_whole "another user's" "another user's" $sleeper $of_eve
refused_whole "another user's" 'the first of all' 1
fails_with 'cannot find session' "into another user's session" as_eve "$al" adopt "$session" $of_eve
is "$(cgroup_of $of_eve | grep -c session)" 0 'it was not moved'
fails_with "machine's own" 'not even by root' "$al" adopt "$session" "$(pgrep -x kthreadd)"
check 'root adopts what is not its own' "$al" adopt "$session" $of_root
is "$(cgroup_of $of_root | grep -c "session-$session")" 1 'and there it is'

as_dev "$al" freeze "$session"
refused_whole 'it is frozen' 'into a frozen session' $sleeper
as_dev "$al" thaw "$session"
first=$session
jail --name second $project
inside_background sleep 1000
wait_for grep -q sleep /proc/$inside_pid/comm
second=$inside_pid session=$first
refused_whole "which is in session 'second'" 'what is in another session' $sleeper $second
session=second
refused 'from inside of one' inside "$al" adopt "$first" $sleeper
unjail
session=$first

# Ways out that it would keep.
"$bin/become" 1000 python3 -c "
import threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
time.sleep(1000)" &
threaded=$!
wait_for sh -c "[ \$(ls /proc/$threaded/task | grep -c .) -gt 1 ]"
threaded_thread=$(find /proc/$threaded/task -mindepth 1 -maxdepth 1 ! -name $threaded | sed 's,.*/,,')
"$bin/become" 1000 python3 -c "
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    time.sleep(1000)
if libc.ptrace(16, child, None, None): raise SystemExit('ptrace')
os.waitpid(child, 0)
if os.fork() == 0: # not of the tracer's tree
    pass
open('$project/tracing', 'w').write(str(child))
time.sleep(1000)" &
tracer=$!
wait_for [ -s $project/tracing ]
check 'who traces a process of its own tree is adopted' as_dev "$al" adopt "$session" $tracer
"$bin/become" 1000 python3 -c "
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, $sleeper, None, None): raise SystemExit('ptrace')
open('$project/tracing-other', 'w').write('x')
time.sleep(1000)" &
tracer=$!
wait_for [ -s $project/tracing-other ]
refused_whole "traces process $sleeper" 'who traces a process outside' $tracer
kill $tracer

# The same by a thread that is not the first one of its process, of one that is not either.
"$bin/become" 1000 python3 -c "
import ctypes, os, threading, time
def trace(what):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, what, None, None): os._exit(1)
    open('$project/tracing-thread', 'w').write('x')
    time.sleep(1000)
threading.Thread(target=trace, args=($threaded_thread,)).start()" &
tracer=$!
wait_for [ -s $project/tracing-thread ] || not_ok 'control: a thread traces one'
refused_whole "traces process $threaded" 'a thread that traces a thread outside' $tracer
kill -KILL $tracer $threaded

mkdir -p /sys/fs/cgroup/adopt-test
chmod 666 /sys/fs/cgroup/adopt-test/cgroup.procs
"$bin/become" 1000 sh -c "exec 7>/sys/fs/cgroup/adopt-test/cgroup.procs; touch $project/has-cgroup; sleep 1000" &
holder=$!
wait_for [ -e $project/has-cgroup ]
refused_whole 'a file of a cgroup open' 'who has a file of a cgroup open' $holder
kill $holder

# A ring whose requests a thread of another process does.
"$bin/become" 1000 python3 -c "
import ctypes, os, time
params = (ctypes.c_uint32 * 30)()
params[2] = 2 # IORING_SETUP_SQPOLL
ring = ctypes.CDLL(None, use_errno=True).syscall(425, 4, ctypes.byref(params))
if ring < 0: raise SystemExit('io_uring')
child = os.fork()
if child == 0: time.sleep(1000)
open('$project/ring', 'w').write(str(child))
time.sleep(1000)" &
server=$!
wait_for [ -s $project/ring ] || not_ok 'an io_uring can be made'
refused_whole 'an io_uring that a process outside serves' "who has an io_uring of another's" "$(cat $project/ring)"
check 'with the other it is adopted' as_dev "$al" adopt "$session" $server
unjail

# An ephemeral session lives as long as what it adopted.
sleep 0.1
jail --ephemeral $project
as_dev "$al" adopt "$session" $sleeper >/dev/null
kill -KILL $sleeper # it may be stopped: it was traced
check 'an ephemeral session ends with what it adopted' wait_for sh -c "! '$al' show '$session'"
session=''
kill $of_root $of_eve 2>/dev/null
rmdir /sys/fs/cgroup/adopt-test
plan
