#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: two users who are hostile to each other share a daemon. Neither learns of, enters, reads
# or ends a session of the other's, and nothing that one of them sends to the daemon delays or ends
# it for the other. Root can do all. The jailed cannot ask at all.
. ./tests/kernel/lib.sh

marker=/tmp/marker

# The other user's session is to her as one that is not there.
foreign() {
	for verb in report tail show destroy exec; do
		set --
		[ $verb != exec ] || set -- -- touch $marker
		as_eve "$al" $verb work "$@" >"$work/other" 2>&1
		status=$?
		as_eve "$al" $verb none "$@" >"$work/none" 2>&1
		is "$status $(sed s/work/none/ "$work/other")" "$? $(cat "$work/none")" \
			"$verb: as if it were not there"
		case "$status $(cat "$work/other")" in
		0*) not_ok "$verb: fails" ;;
		*"cannot find session 'work'"*) ok "$verb: fails and says that there is none" ;;
		*) not_ok "$verb: fails and says that there is none" "$(cat "$work/other")" ;;
		esac
	done
	check 'exec: was not run' [ ! -e $marker ]
	is "$(as_eve "$al" list --json)" '[]' 'list: does not show it'
	is "$(as_dev "$al" list --json | grep -c '"session":"work"')" 1 \
		'control: list shows it to its owner'
	is "$(stat -c '%a %U' /var/log/agent-lock/work.log)" '600 dev' \
		'the log is its owner'"'"'s, for nobody else to read'
	fails_with 'Permission denied' 'the log cannot be read' as_eve cat \
		/var/log/agent-lock/work.log
	control 'its owner can read it' as_dev cat /var/log/agent-lock/work.log
	fails_with 'Permission denied' 'no log can be put in its place' as_eve ln -s /etc/passwd \
		/var/log/agent-lock/next.log
	fails_with 'taken' 'its name is taken' as_eve "$al" new --name work /home/eve/work
}

root_can() {
	check 'root: list' [ "$("$al" list --json | grep -c '"session":"work"')" = 1 ]
	check 'root: report' "$al" report work
	check 'root: show' "$al" show work
	check 'root: tail' "$al" tail --no-follow work
	check 'root: exec' "$al" exec work -- true
	as_eve "$al" new --name hers /home/eve/work >/dev/null
	check 'root: destroy' "$al" destroy hers
}

jailed() {
	control 'the daemon answers outside' as_dev "$al" list
	refused 'a jailed process cannot ask the daemon' as_dev "$al" exec work -- "$al" list
	refused 'a jailed root cannot ask the daemon' "$al" exec --root work -- "$al" list
	fails_with 'not permitted' 'nor destroy its own session' as_dev "$al" exec work -- "$al" \
		destroy work
}

# A name is used by one user after the other: the log that the first one left is still there for
# him.
log_of_a_name() {
	as_dev "$al" new --name shared work >/dev/null
	as_dev "$al" exec shared -- cat /home/dev/secret 2>/dev/null
	as_dev "$al" destroy shared >/dev/null
	for i in 1 2; do
		as_eve "$al" new --name shared /home/eve/work >/dev/null
		as_eve "$al" destroy shared >/dev/null
	done
	is "$(cat /var/log/agent-lock/shared* | grep -c ' path=/home/dev/secret ')" 1 \
		'what a session logged is not lost when another user takes its name, twice'
}

hostile_clients() {
	cat >"$work/client.py" <<-'END'
	import array, os, random, resource, socket, struct, sys, time
	(NEW, RULES, POLICY, SENSITIVE, COMMIT, EXEC, LIST, REPORT, SHOW, TAIL,
	 DESTROY) = range(1, 12)
	DONE, FAIL, ENTRY = 64, 65, 66
	def connect():
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect('/run/agent-lock/socket')
	    s.settimeout(20)
	    return s
	def head(verb):
	    return b'ALK2' + struct.pack('=I', verb)
	def text(t):
	    return struct.pack('=Q', len(t)) + t
	def number(n):
	    return struct.pack('=Q', n)
	def send(s, data, fds=()):
	    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))]
	    s.sendmsg([data], rights if fds else [])
	def answer(s):
	    try:
	        data = s.recv(65536)
	    except ConnectionResetError:  # once, before what it answered
	        data = s.recv(65536)
	    return struct.unpack('=I', data[4:8])[0] if len(data) >= 8 else None
	def lives():
	    with connect() as s:
	        send(s, head(LIST) + text(b''))
	        return answer(s)
	# One connection, these messages; the last answer, or None if it hung up.
	def say(*messages):
	    with connect() as s:
	        for m in messages:
	            try:
	                send(s, *m) if isinstance(m, tuple) else send(s, m)
	            except OSError:
	                break
	        return answer(s)
	def promise(good, what):
	    print('yes' if good else 'no', what, flush=True)
	END
	cat >"$work/nonsense.py" <<-'END'
	from client import *
	promise(lives() in (DONE, ENTRY), 'control: this client is understood')
	random.seed(1)
	new = head(NEW) + text(b'') + text(b'/home/eve/work') + number(0) * 4
	here = os.open('/home/eve/work', os.O_PATH)
	rule = number(3) + number(0) + text(b'/home/eve/work')
	policy = head(POLICY) + number(0) * 3 + text(b'/home/eve/work') + text(b'x')
	nonsense = {
	    'a byte': [b'x'], 'seven bytes': [b'ALK2\1\0\0'],
	    'random bytes': [random.randbytes(4096)],
	    'a wrong magic': [b'ALK9' + head(LIST)[4:] + text(b'')],
	    'no such verb': [head(99)], 'verb 0': [head(0)], 'an answer': [head(DONE)],
	    'a name that is longer than the message': [head(REPORT) + number(1 << 20) + b'x'],
	    'a name of 2^64 - 1 bytes': [head(REPORT) + number((1 << 64) - 1) + b'x'],
	    'half a number': [head(REPORT) + b'1234'],
	    'a name with a NUL': [head(REPORT) + text(b'a\0b')],
	    'a name of 20000 bytes': [head(REPORT) + text(b'x' * 20000)],
	    'more behind the end': [head(REPORT) + text(b'x') + b'more'],
	    'a message of 60000 bytes': [head(REPORT) + b'\0' * 60000],
	    'rules before new': [(head(RULES) + rule, [here])],
	    'commit before new': [head(COMMIT)],
	    'new twice': [new, new],
	    'unknown flags': [head(NEW) + text(b'') + text(b'/x') + number(1 << 7) + number(0) * 3, head(COMMIT)],
	    'flags that are the daemon\'s':
	        [head(NEW) + text(b'') + text(b'/x') + number(2 | 4 | 64) + number(0) * 3, head(COMMIT)],
	    'flags of 64 bits':
	        [head(NEW) + text(b'') + text(b'/x') + number(1 << 63) + number(0) * 3, head(COMMIT)],
	    'no limits': [head(NEW) + text(b'') + text(b'/home/eve/work') + number(0), head(COMMIT)],
	    'a limit of one byte':
	        [head(NEW) + text(b'') + text(b'/x') + number(0) + number(1) + number(0) * 2,
	         head(COMMIT)],
	    'a directory that is not absolute': [head(NEW) + text(b'') + text(b'x') + number(0) * 4],
	    'a name with a slash':
	        [head(NEW) + text(b'../x') + text(b'/x') + number(0) * 4, head(COMMIT)],
	    'the daemon\'s own name':
	        [head(NEW) + text(b'.trial') + text(b'/x') + number(0) * 4, head(COMMIT)],
	    'a rule of a policy that is not there':
	        [new, (head(RULES) + number(3) + number(7) + text(b'/x'), [here])],
	    'unknown rights':
	        [new, policy, (head(RULES) + number(1 << 40) + number(0) + text(b'/x'), [here])],
	    'an unknown right in a policy':
	        [new, head(POLICY) + number(99) + number(0) * 2 + text(b'/x') + text(b'x')],
	    'a policy of half a rule': [new, policy[:-4]],
	    'fewer descriptors than rules': [new, policy, (head(RULES) + rule + rule, [here])],
	    'more descriptors than rules': [new, policy, (head(RULES) + rule, [here] * 5)],
	    'more descriptors than fit': [new, policy, (head(RULES) + rule * 64, [here] * 200)],
	    'descriptors with a report': [(head(REPORT) + text(b'none'), [here] * 60)],
	}
	for what, messages in nonsense.items():
	    got = say(*messages)
	    promise(got in (FAIL, None), what + ': an error')
	    if got not in (FAIL, None):
	        print('got', got)
	promise(lives() in (DONE, ENTRY), 'the daemon lives')
	# Objects that are no files of a file system: a session of them, or an error, and the
	# daemon lives.
	pipe, pair = os.pipe(), socket.socketpair()
	server = connect()
	odd = [pipe[0], pair[0].fileno(), os.memfd_create('x'), os.pidfd_open(os.getpid()),
	       server.fileno()]
	for path in ('/dev/null', '/proc/self/mem', '/proc/self/ns/mnt', '/proc/self/fd',
	             '/sys/fs/cgroup/cgroup.procs'):
	    odd.append(os.open(path, os.O_RDONLY))
	for fd in odd:
	    say(new, policy, (head(RULES) + rule, [fd]), head(COMMIT))
	got = lives()
	promise(got in (DONE, ENTRY), 'odd descriptors: the daemon lives')
	if got not in (DONE, ENTRY):
	    print('got', got)
	# A directory that is made to look like something else on a terminal.
	say(head(NEW) + text(b'ugly') + text(b'/x\n/\x1b[31mred\x9b\xff') + number(0) * 4, head(COMMIT))
	END
	cat >"$work/greedy.py" <<-'END'
	from client import *
	kind = sys.argv[1]
	most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
	resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
	here = os.open('/home/eve/work', os.O_PATH)
	new = head(NEW) + text(b'') + text(b'/home/eve/work') + number(0) * 4
	policy = head(POLICY) + number(0) * 3 + text(b'/home/eve/work') + text(b'x')
	held = []
	def hold(*messages):
	    s = connect()
	    held.append(s)
	    s.settimeout(0.5)
	    for m in messages:
	        try:
	            send(s, *m)
	        except OSError:
	            return
	if kind == 'connections':
	    for i in range(300):
	        hold()
	elif kind == 'descriptors':
	    # The last ones one by one: who asks for too many at once is hung up on.
	    rule = number(3) + number(0) + text(b'/home/eve/work')
	    for each in [64] * 20 + [1] * 20:
	        hold([new], [policy], [head(RULES) + rule * each, [here] * each])
	elif kind == 'readers':
	    say(head(NEW) + text(b'talk') + text(b'/home/eve/work') + number(0) * 4, head(COMMIT))
	    for i in range(20):
	        hold([head(TAIL) + text(b'talk')])
	        hold(*[[head(LIST) + text(b'')]] * 500)
	print('ready', flush=True)
	sys.stdin.read()
	END
	before=$(ls "/proc/$daemon_pid/fd" | wc -l)
	as_eve python3 -S "$work/nonsense.py" >"$work/nonsense" 2>&1
	judge "$work/nonsense"
	is "$(grep -c '^yes' "$work/nonsense")" 36 'all of that was tried'
	"$al" list >"$work/list"
	"$al" list --json >>"$work/list"
	is "$(LC_ALL=C grep -c '[^ -~]' "$work/list")" 0 \
		'no byte of hers drives root'"'"'s terminal'
	check 'though it is listed' grep -q '^ugly .*red' "$work/list"
	"$al" destroy --all >/dev/null 2>&1
	as_dev "$al" new work >/dev/null
	twenty_lists
	alone=$took
	for kind in connections descriptors readers; do
		mkfifo "$work/$kind.fifo"
		as_eve python3 -S "$work/greedy.py" $kind <"$work/$kind.fifo" >"$work/$kind.out" \
			2>&1 &
		greedy=$!
		exec 9>"$work/$kind.fifo"
		wait_for grep -q ready "$work/$kind.out" || note "$(cat "$work/$kind.out")"
		note \
			"$(cat "$work/$kind.out"), descriptors: $(ls "/proc/$daemon_pid/fd" | wc -l)"
		check "a user greedy for $kind: the daemon lives" kill -0 "$daemon_pid"
		check "a user greedy for $kind: another user is served" timeout 10 "$bin/become" \
			1000 "$al" report work
		as_dev timeout 20 "$al" new --name "new-$kind" work >"$work/new.out" 2>&1
		is "$(cat "$work/new.out")" "new-$kind" \
			"a user greedy for $kind: another user can make a session"
		check "a user greedy for $kind: and run a command in it" as_dev timeout 10 "$al" \
			exec "new-$kind" -- true
		check "a user greedy for $kind: root is served" timeout 10 "$al" list
		twenty_lists
		note "twenty lists: $alone ms without, $took ms with her"
		check "a user greedy for $kind: nobody else waits" [ "$took" -lt $((3 * alone)) ]
		idle || not_ok "a user greedy for $kind: the daemon does not spin"
		exec 9>&-
		wait $greedy
	done
	# What she made can be taken away again, and nothing of her connections is left.
	timeout 100 "$al" destroy --all >/dev/null 2>"$work/err" || note "$(head -n 5 "$work/err")"
	is "$("$al" list --json)" '[]' 'root can clear it all away'
	after=$(ls "/proc/$daemon_pid/fd" | wc -l)
	is "$after" "$before" 'the daemon holds no more descriptors than before'
}

# How long another user waits for twenty answers, in $took.
twenty_lists() {
	took=$(date +%s%3N)
	for n in $(seq 20); do
		as_dev "$al" list >/dev/null || note "list $n is refused"
	done
	took=$(($(date +%s%3N) - took))
}

# Does the daemon sleep when nobody asks? In ticks of a hundredth of a second.
idle() {
	set -- $(cut -d' ' -f14,15 "/proc/$daemon_pid/stat")
	sleep 0.5
	set -- "$@" $(cut -d' ' -f14,15 "/proc/$daemon_pid/stat")
	[ $(($3 + $4 - $1 - $2)) -lt 20 ]
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p work; echo secret >secret' && as_eve sh -c \
	'mkdir -p /home/eve/work' || bail 'no files'
hostile_clients
as_dev "$al" new --name work --ro "$top/out" work >/dev/null || bail 'no session'
foreign
root_can
jailed
log_of_a_name
"$al" destroy --all >/dev/null 2>&1
cd "$top" && umount -l /home/dev
plan
