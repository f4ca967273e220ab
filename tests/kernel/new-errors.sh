#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: what `new` cannot do it refuses with one clear line, and leaves nothing half made
# behind; names are sane whatever directories are called, and no byte of theirs reaches a terminal.
. ./tests/kernel/lib.sh

cgroups=/sys/fs/cgroup/agent-lock
logs=/var/log/agent-lock
esc=$(printf '\033')
newline='
'

dev_new() {
	as_dev timeout 60 "$al" new "$@"
}

# All there is of sessions: names, cgroups, logs, states, and what the kernel has.
snapshot() {
	"$al" list --json | grep -o '"session":"[^"]*"'
	ls -d $cgroups/*/ $logs/* /run/agent-lock/sessions/* 2>/dev/null
	if command -v bpftool >/dev/null; then
		for map in sessions rules numbers; do
			bpftool map dump name $map | grep -c key
		done
	fi
}

# Between these two nothing is to be made.
nothing_made() {
	"$al" destroy --all >/dev/null 2>&1
	snapshot >"$work/before"
}

# nothing_made_by WHAT
nothing_made_by() {
	snapshot >"$work/after"
	is "$(diff "$work/before" "$work/after")" '' "nothing half made is left by $1"
}

# fails STATUS PATTERN PROMISE COMMAND...: one line (and perhaps a hint) of printable bytes on
# stderr, nothing on stdout.
fails() {
	fails_status=$1 fails_pattern=$2 fails_promise=$3
	shift 3
	"$@" >"$work/out" 2>"$work/err"
	fails_got=$?
	fails_said=$(cat "$work/err")
	[ $fails_got = "$fails_status" ] || fails_why="status $fails_got, wanted $fails_status"
	[ ! -s "$work/out" ] || fails_why="on stdout: $(cat "$work/out")"
	[ "$(grep -vc '^hint: ' "$work/err")" = 1 ] || fails_why='not one line'
	grep -q "^agent-lock: .*$fails_pattern" "$work/err" || fails_why="wanted: $fails_pattern"
	! grep -q '[^ -~]' "$work/err" || fails_why='raw bytes'
	if [ "${fails_why:-}" ]; then
		not_ok "$fails_promise" "$fails_why" "$(cat -v "$work/err")"
		fails_why=''
	else
		ok "$fails_promise"
	fi
}

# usage PROMISE COMMAND...: status 2, how it is used on stderr, every line of it our own
usage() {
	usage_promise=$1
	shift
	"$@" >"$work/out" 2>"$work/err"
	is "$? $(cat "$work/out")" '2 ' "$usage_promise: status 2, nothing on stdout"
	case $(cat "$work/err") in
	'usage: agent-lock '*) ok "$usage_promise: says how it is used" ;;
	'agent-lock: '*usage:\ agent-lock*) ok "$usage_promise: says how it is used" ;;
	*) not_ok "$usage_promise: says how it is used" "$(cat -v "$work/err")" ;;
	esac
}

exposure() {
	nothing_made
	while read -r directory exposed; do
		fails 1 "'$directory' is no place for an agent to write: .*$exposed" \
			"refused: $directory, for $exposed is in it" dev_new "$directory"
		check 'the hint tells of --force' grep -q '^hint: .*--force' "$work/err"
	done <<-END
	/ /home/dev/.ssh
	/home /home/dev/.ssh
	/home/dev /home/dev/.ssh
	/home/dev/.ssh /home/dev/.ssh
	/tmp /tmp
	/etc /etc
	/usr /usr
	/run/agent-lock /run/agent-lock
	/run /run/agent-lock
	/var/log $logs
	END
	fails 1 "'/home/dev' is no place for an agent" 'refused: home by a link' dev_new homelink
	mkdir "$work/bound" && mount --bind /home/dev "$work/bound"
	fails 1 "'$work/bound' is no place for an agent" 'refused: home by a bind mount' dev_new \
		"$work/bound"
	umount "$work/bound"
	HOME=/nonexistent fails 1 "'/home/dev' is no place for an agent" \
		'refused: home, though HOME says otherwise' \
		env HOME=/nonexistent "$bin/become" 1000 "$al" new /home/dev
	SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=dev fails 1 "'/home/dev' is no place for an agent" \
		'refused: home of who calls sudo' \
		env SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=dev "$al" new /home/dev
	nothing_made_by 'directories that are no project'
	is "$(dev_new --force /home/dev)" dev 'control: --force makes a session of home'
	as_dev "$al" destroy dev >/dev/null
}

directories() {
	nothing_made
	fails 1 "cannot open the project directory 'none': No such file or directory" \
		'a directory that is not there' dev_new none
	fails 1 "cannot open the project directory '': No such file or directory" \
		'an empty name of a directory' dev_new ''
	fails 1 "cannot open the project directory 'file': Not a directory" 'a file' dev_new file
	fails 1 "cannot open the project directory 'fifo': Not a directory" 'a fifo' dev_new fifo
	fails 1 "cannot open the project directory 'dangling': No such file or directory" \
		'a link to nothing' dev_new dangling
	fails 1 "cannot .* the project directory '/root/work': Permission denied" \
		'a directory below one that is closed' dev_new /root/work
	fails 1 "cannot read the project directory 'closed': Permission denied" \
		'a directory that cannot be read' dev_new closed
	fails 1 "cannot open the project directory 'none.x1b\[31m.x0a'" \
		'a name with escape codes that is not there' \
		dev_new "none${esc}[31m$newline"
	nothing_made_by 'directories that cannot be opened'
	is "$(dev_new link)" work 'a link to a directory: named as the directory'
	check 'and list shows the real directory' grep -q ' /home/dev/work ' <<-END
	$(as_dev "$al" list)
	END
	as_dev "$al" destroy work >/dev/null
}

names() {
	nothing_made
	as_dev "$al" new --name taken work >/dev/null
	long=$(printf '%065d' 0)
	for name in "$long" '' .. . a/b "a${newline}b" "a${esc}[31mb" ' ' 'a b' -x .hidden \
		"$(printf 'a\303\244')" ../../etc "a'b"; do
		fails 1 "' is no name for a session" \
			"refused as a name: $(printf %s "$name" | cat -v | tr '\n' ' ')" dev_new \
			"--name=$name" work
	done
	check 'the hint says what is one' grep -q '^hint: use 1 to 64 letters, digits' "$work/err"
	fails 1 "the name 'taken' is taken" 'a name that is taken' dev_new --name taken work
	as_dev "$al" destroy taken >/dev/null
	rm -f $logs/taken.log*
	nothing_made_by 'names that are none'
	"$al" destroy --all >/dev/null
	is "$(dev_new --name "${long#0}" work)" "${long#0}" 'control: a name of 64 bytes'
	as_dev "$al" destroy "${long#0}" >/dev/null
	as_dev mkdir -p a/work b/work
	is "$(dev_new work) $(dev_new a/work) $(dev_new b/work)" 'work work-2 work-3' \
		'the same name three times: -2, -3'
	as_dev "$al" destroy work-2 >/dev/null
	is "$(dev_new b/work)" work-2 'what was freed is used again'
	as_dev "$al" destroy --all >/dev/null
	pids=
	for i in 0 1 2 3 4 5 6 7 8 9; do
		dev_new work >"$work/new.$i" 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	is "$(cat "$work"/new.? | sort -u | grep -c '^work')" 10 'ten at once: ten names'
	note "$(grep -hv '^work' "$work"/new.?)"
	is "$("$al" list --json | grep -o '"session":"work[-0-9]*"' | sort -u | grep -c .)" 10 \
		'and ten sessions'
	"$al" destroy --all >/dev/null
}

# Directories with names that are hard to show.
odd_directories() {
	as_dev mkdir odd
	for name in "new${newline}line" "es${esc}[31m${esc}]0;title$(printf '\007')c" \
		'two  blanks ' "$(printf '%0255d' 7)" "$(printf 'non\377utf\200')" \
		"$(printf '\303\244\342\202\254')" -rf ... "quote'\"\\x41" '~'; do
		show=$(printf %s "$name" | cut -c1-40 | cat -v | tr '\n' ' ')
		as_dev mkdir "odd/$name"
		as_dev touch "odd/$name/denied"
		session=$(dev_new --deny "odd/$name/denied" "odd/$name") || {
			not_ok "a directory named $show: a session"
			continue
		}
		case $session in
		[!0-9A-Za-z]* | *[!0-9A-Za-z._+-]* | \
			?????????????????????????????????????????????????????????????????*)
			not_ok "a directory named $show: its session's name is sane" "$session" ;;
		*) ok "a directory named $show: its session's name is sane" ;;
		esac
		refused "a directory named $show: holds" as_dev "$al" exec "$session" -- cat denied
		{
			as_dev "$al" report "$session"
			as_dev "$al" report --json "$session"
			as_dev "$al" tail --no-follow "$session"
			as_dev "$al" tail --no-follow --json "$session"
			as_dev "$al" show "$session"
		} >"$work/shown" 2>&1
		is "$(grep -c '[^ -~]' "$work/shown") $(grep -c denied "$work/shown")" '0 5' \
			"a directory named $show: shown without a raw byte"
		as_dev sh -c "umask 022; '$al' show '$session' >odd.ini"
		again=$(dev_new --name again --policy odd.ini "odd/$name" 2>&1)
		is "$again" again "a directory named $show: show is a policy"
		is "$(as_dev "$al" show again | sed 1d)" "$(sed 1d odd.ini)" \
			"a directory named $show: and the same again"
		as_dev "$al" destroy again >/dev/null
		session=''
	done
	script -qec "'$al' list" /dev/null >"$work/shown" </dev/null
	"$al" list --json >>"$work/shown"
	is "$(tr -d '\r' <"$work/shown" | grep -c '[^ -~]')" 0 \
		'list shows them all without a raw byte'
	"$al" destroy --all >/dev/null
}

# bad LINE PATTERN PROMISE FORMAT...: a policy file of that text is refused with its line
bad() {
	bad_line=$1 bad_pattern=$2 bad_promise=$3
	shift 3
	# shellcheck disable=SC2059 # formats they are
	printf "$@" >bad.ini
	fails 1 "bad.ini:$bad_line: $bad_pattern" "policy refused: $bad_promise" dev_new --policy \
		bad.ini work
}

good() {
	good_promise=$1
	shift
	# shellcheck disable=SC2059
	printf "$@" >bad.ini
	is "$(dev_new --policy bad.ini work 2>&1)" work "control: policy accepted: $good_promise"
	as_dev "$al" destroy work >/dev/null 2>&1
}

policies() {
	as_dev sh -c 'umask 022; : >bad.ini'
	deep=/home/dev/$(printf '%0200d' 0)/$(printf '%0200d' 0)
	as_dev mkdir -p "$deep" 'semi ;colon'
	nothing_made
	bad 2 'expected at most' 'a line of 20000 bytes' '[paths]\nro = /%020000d\n' 0
	bad 2 'ro: expected less than' 'a path of 5000 bytes' '[paths]\nro = /%05000d\n' 0
	bad 3 "expected a comment on a line of its own" 'a comment behind a value' \
		'[paths]\nro = /usr\nro = /home/dev ; all\n'
	bad 1 'expected \[paths\]' 'a section name of 60 bytes' '[%060d]\nro = /usr\n' 0
	bad 1 'expected \[paths\].* before the first key' 'a key before the first section' \
		'ro = /usr\n'
	bad 2 'expected \[paths\]' 'an unknown section' '# nothing\n[path]\nro = /usr\n'
	bad 2 '\[paths\]: expected rw, ro' 'an unknown key' '[paths]\nwrite = /usr\n'
	bad 2 'rw: expected a path that is absolute' 'a path that is not absolute' \
		'[paths]\nrw = src\n'
	bad 2 'rw: expected a path' 'no path' '[paths]\nrw =\n'
	bad 2 'mode: expected enforce or audit' 'an unknown mode' '[session]\nmode = off\n'
	bad 2 'userns: expected allow or deny' 'an unknown word for userns' '[session]\nuserns = maybe\n'
	bad 2 'localhost: expected own or any' 'an unknown word for localhost' \
		'[session]\nlocalhost = yes\n'
	bad 2 '\[session\]: expected mode, localhost, userns, memory, pids or cpu' 'an unknown key of a session' \
		'[session]\nusernamespaces = allow\n'
	bad 3 'expected no blanks before a key' 'a continuation line' \
		'[paths]\nro = /usr\n  /home/dev\n'
	bad 2 'expected no control characters' 'a NUL' '[paths]\nro = /usr\000/home\n'
	bad 2 'expected no control characters' 'an escape code' '[paths]\nro = /usr\033[31m\n'
	bad 2 'expected KEY = VALUE' 'no equals sign' '[paths]\nro /usr\n'
	bad 2 'expected KEY = VALUE' 'a colon' '[paths]\nro: /usr\n'
	bad 1 'expected \[SECTION\]' 'something behind a section' '[paths] x\n'
	bad 4 '\[paths\]: expected' 'an error in the last line, without a newline' \
		'[paths]\nro = /usr\n\nro2 = /usr'
	bad 2 "cannot open '/home/dev/none': No such file or directory" 'a path that is not there' \
		'[paths]\nrw = /home/dev/none\n'
	bad 2 "cannot open '/root/work': Permission denied" 'a path that the user cannot reach' \
		'[paths]\nrw = /root/work\n'
	# How many of the 4096 the base policy takes depends on what is there of the system's.
	bad '\(39\|40\)[0-9][0-9]' 'ro: .* at most 4096$' '5000 rules' '[paths]\n%s' \
		"$(seq -f 'ro = /usr/%.0f' 5000)"
	chmod 666 bad.ini
	fails 1 "cannot read policy 'bad.ini': others can write it" \
		'policy refused: others can write it' dev_new --policy bad.ini work
	chmod 644 bad.ini
	chown eve bad.ini
	fails 1 "cannot read policy 'bad.ini': it belongs to uid 1001" \
		'policy refused: it belongs to another user' dev_new --policy bad.ini work
	chmod 600 bad.ini
	fails 1 "cannot read policy 'bad.ini': Permission denied" \
		'policy refused: it cannot be read' dev_new --policy bad.ini work
	chown dev bad.ini
	fails 1 "cannot read policy 'work': it is not a regular file" \
		'policy refused: a directory' dev_new --policy work work
	fails 1 "cannot read policy 'fifo': it is not a regular file" 'policy refused: a fifo' \
		dev_new --policy fifo work
	fails 1 "cannot read policy 'none': No such file or directory" \
		'policy refused: it is not there' dev_new --policy none work
	for option in --rw --ro --deny --connect --hide; do
		fails 1 "cannot open '/home/dev/none': No such file or directory" \
			"$option of a path that is not there" dev_new $option none work
		check "$option: the line says which option" grep -q -e "$option" "$work/err"
		fails 1 '' "$option of nothing is not the working directory" dev_new $option '' work
	done
	nothing_made_by 'policies that are none'
	"$al" destroy --all >/dev/null
	good 'a path of 400 bytes' '[paths]\nro = %s\n' "$deep"
	good 'a path with an escaped blank' '[paths]\nro = /home/dev/semi\\x20;colon\n'
	good 'lines that end as in DOS' '[paths]\r\nro = /usr\r\n'
	good 'a byte order mark' '\357\273\277[paths]\nro = /usr\n'
	good 'every key of a session' \
		'[session]\nmode = enforce\nlocalhost = any\nuserns = allow\n'
	good 'optional paths that are not there' '[optional]\nrw = /home/dev/none\n'
}

options() {
	nothing_made
	usage 'no directory' dev_new
	usage 'an unknown option' dev_new --bad work
	usage 'an option without its value' dev_new work --name
	usage 'an option without its value, alone' dev_new --name
	usage 'two directories' dev_new work work
	usage 'an option behind the directory' dev_new work --audit
	for verb in list\ x report show tail 'tail a b' 'report a b' 'show a b' 'doctor x' \
		'list --bad' 'report --bad a' 'tail --bad a' 'destroy --bad'; do
		# shellcheck disable=SC2086
		usage "$verb" as_dev "$al" $verb
	done
	as_dev "$al" new --help >"$work/out" 2>"$work/err"
	is "$? $(head -c 21 "$work/out") $(cat "$work/err")" '0 usage: agent-lock new ' \
		'new --help: on stdout, and no failure'
	as_dev "$al" nonsense >"$work/out" 2>"$work/err"
	is "$? $(cat "$work/out") $(head -n 1 "$work/err")" "2  agent-lock: 'nonsense' is no verb" \
		'an unknown verb'
	as_dev "$al" >"$work/out" 2>"$work/err"
	is $? 2 'no verb: status 2'
	nothing_made_by 'wrong usage'
}

# full WHERE: new makes a session that holds, or says why not and makes nothing.
full() {
	nothing_made
	if name=$(dev_new work 2>"$work/err"); then
		refused "$1 full: a session was made, and holds" as_dev "$al" exec "$name" -- cat \
			/home/dev/file
		check "$1 full: and can be reported on" as_dev "$al" report "$name"
		check "$1 full: and destroyed" as_dev "$al" destroy "$name"
		rm -f "$logs/$name".log*
	else
		is \
			"$(grep -c 'No space left' "$work/err") $(grep -vc '^hint' "$work/err")" '1 1' \
			"$1 full: new says why not"
		note "$(cat "$work/err")"
	fi
	nothing_made_by "new with $1 full"
}

disks() {
	control 'the file can be read outside' as_dev cat file
	mount -t tmpfs -o size=64k,mode=755 tmpfs $logs
	head -c 1000000 /dev/zero >$logs/filler 2>/dev/null
	full "$logs"
	umount $logs
	mount -t tmpfs -o nr_inodes=1,mode=755 tmpfs $logs
	full "$logs (no inodes)"
	umount $logs
	daemon_stop
	mkdir -p /run/agent-lock
	mount -t tmpfs -o size=64k,nr_inodes=20,mode=755 tmpfs /run/agent-lock
	daemon_start
	head -c 1000000 /dev/zero >/run/agent-lock/filler 2>/dev/null
	full /run/agent-lock
	rm -f /run/agent-lock/filler
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		touch /run/agent-lock/filler.$i
	done 2>/dev/null
	full '/run/agent-lock (no inodes)'
	rm -f /run/agent-lock/filler*
	is "$(dev_new work 2>&1)" work 'control: with room a session is made'
	as_dev "$al" destroy work >/dev/null
	daemon_stop
	umount /run/agent-lock
	daemon_start
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c \
	'umask 022; mkdir -p .ssh work closed; chmod 0 closed; echo hello >file; mkfifo fifo
	ln -s work link; ln -s none dangling; ln -s . homelink' ||
	bail 'no files'
mkdir -p /root/work
chmod 700 /root
exposure
directories
names
odd_directories
policies
options
disks
"$al" destroy --all >/dev/null 2>&1
cd "$top" && umount -l /home/dev
plan
