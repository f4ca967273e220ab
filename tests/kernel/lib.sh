# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# lib.sh - what the tests in a guest share: TAP, the daemon under test, sessions, and checks that
# come with their control. To be sourced by tests that run as root from the checkout. Nothing here
# runs a program where the shell can do it: in a guest each program costs a twentieth of a second.
#
#   MUST=1 in the environment makes a skipped check a failed one

set -u
export LC_ALL=C

# shellcheck disable=SC2034 # for the tests
top=$(pwd -P) bin=$(pwd -P)/out/tests
al=${AGENT_LOCK:-$top/out/agent-lock}
daemon=${AGENT_LOCKD:-$top/out/agent-lockd}
socket=/run/agent-lock/socket
work=/srv/agent-lock-test userns=/srv/agent-lock-test/userns.ini
tap_count=0 tap_failed=0 daemon_pid='' session=''

ok() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# not_ok PROMISE [WHY]...
not_ok() {
	tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	shift
	[ $# -eq 0 ] || note "$@"
}

# skip PROMISE REASON
skip() {
	if [ "${MUST:-}" ]; then
		not_ok "$1" "skipped: $2"
		return
	fi
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# Each line of each argument as a comment: what a program said must not look like a result.
note() {
	printf '%s\n' "$@" | while IFS= read -r note_line; do
		printf '# %s\n' "$note_line"
	done
}

bail() {
	printf 'Bail out! %s\n' "$1"
	exit 1
}

# is GOT WANTED PROMISE
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3" "got: $1" "wanted: $2"
	fi
}

# check PROMISE COMMAND...: it ends well.
check() {
	check_promise=$1
	shift
	if check_said=$("$@" 2>&1); then
		ok "$check_promise"
	else
		not_ok "$check_promise" "status $?: $*" "$check_said"
	fi
}

allowed() {
	check "$@"
}

# The proof that a refusal is ours: the same without a session works.
control() {
	control_promise=$1
	shift
	check "control: $control_promise" "$@"
}

# refused PROMISE COMMAND...: it fails and says that it was not permitted.
refused() {
	fails_with 'Operation not permitted' "$@"
}

hidden() {
	fails_with 'No such file or directory' "$@"
}

# fails_with TEXT PROMISE COMMAND...
fails_with() {
	fails_text=$1 fails_promise=$2
	shift 2
	if fails_said=$("$@" 2>&1); then
		not_ok "$fails_promise" "succeeded: $*" "$fails_said"
		return
	fi
	case $fails_said in
	*"$fails_text"*) ok "$fails_promise" ;;
	*) not_ok "$fails_promise" "failed otherwise: $*" "$fails_said" ;;
	esac
}

as_dev() {
	HOME=/home/dev USER=dev LOGNAME=dev "$bin/become" 1000 "$@"
}

git_as_dev() {
	as_dev git -c protocol.file.allow=always -C "$@"
}

# repository DIR: with two commits and a branch
repository() {
	as_dev git init -q -b main "$1" && as_dev sh -c "cd '$1' && echo a >a && git add a && git commit -qm a &&
		git branch other && echo b >b && git add b && git commit -qm b"
}

as_eve() {
	HOME=/home/eve USER=eve LOGNAME=eve "$bin/become" 1001 "$@"
}

# judge FILE: what a program of ours found, a check a line: yes PROMISE or no PROMISE; others explain.
judge() {
	while read -r judge_verdict judge_text; do
		case $judge_verdict in
		yes) ok "$judge_text" ;;
		no) not_ok "$judge_text" ;;
		*) note "$judge_verdict $judge_text" ;;
		esac
	done <"$1"
}

# Wait up to 30 seconds for a command to end well.
wait_for() {
	wait_rounds=600
	until "$@" 2>/dev/null; do
		wait_rounds=$((wait_rounds - 1))
		[ $wait_rounds -gt 0 ] || return 1
		sleep 0.05
	done
}

# A socket that a killed daemon left behind is no daemon.
daemon_start() {
	rm -f "$socket"
	# shellcheck disable=SC2086 # several words
	"$daemon" ${AGENT_LOCKD_OPTIONS:-} >>"$work/daemon.log" 2>&1 &
	daemon_pid=$!
	wait_for daemon_ready && return
	note "$(cat "$work/daemon.log")"
	bail 'the daemon does not come up'
}

# Ends the waiting early when the daemon died.
daemon_ready() {
	kill -0 "$daemon_pid" 2>/dev/null || wait_rounds=1
	[ -S "$socket" ]
}

# daemon_stop [SIGNAL]
daemon_stop() {
	[ "$daemon_pid" ] || return 0
	kill "-${1:-TERM}" "$daemon_pid" 2>/dev/null
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=''
}

# mount_image NAME TYPE SIZE [MKFS-OPTION]...: makes a file system and mounts it at $work/NAME.
mount_image() {
	mount_name=$1 mount_type=$2 mount_size=$3
	shift 3
	truncate -s "$mount_size" "$work/$mount_name.img"
	mkdir -p "$work/$mount_name"
	modprobe -q loop
	modprobe -q "$mount_type"
	{
		"mkfs.$mount_type" -q "$@" "$work/$mount_name.img" &&
			mount -o loop "$work/$mount_name.img" "$work/$mount_name"
	} >"$work/mkfs.log" 2>&1
}

# jail [OPTION]... DIR: makes a session of dev's that may also run the test programs; its name is in
# $session.
jail() {
	if ! session=$(as_dev "$al" new --ro "$bin" "$@" 2>"$work/new.log"); then
		note "agent-lock new $*" "$(cat "$work/new.log")"
		bail 'no session can be made'
	fi
}

inside() {
	as_dev "$al" exec "$session" -- "$@"
}

inside_as_root() {
	"$al" exec --root "$session" -- "$@"
}

# Runs on in the session; its process id is $inside_pid, for exec leaves no parent behind.
inside_background() {
	(
		export HOME=/home/dev USER=dev LOGNAME=dev
		exec "$bin/become" 1000 "$al" exec "$session" -- "$@"
	) &
	inside_pid=$!
}

# On a terminal of its own.
try_on_terminal() {
	chmod 666 "$work/got"
	as_dev script -qec "'$al' exec '$session' -- '$bin/try' <'$work/ops' >'$work/got'" \
		/dev/null >"$work/said"
}

# The pids of all daemons, whoever started them.
daemons() {
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$daemon" 2>/dev/null | cut -d/ -f3
}

gone() {
	! kill -0 "$1"
}

unjail() {
	[ "$session" ] || return 0
	"$al" destroy "$session" >"$work/destroy.log" 2>&1 ||
		not_ok "session $session is destroyed" "$(cat "$work/destroy.log")"
	session=''
}

# How many refusals the session's report counts.
refusals() {
	refusals_json=$("$al" report --json "$session")
	refusals_json=${refusals_json#*'"refused":'}
	echo "${refusals_json%%[!0-9]*}"
}

# verdicts [root|terminal] <LINES, each: WANTED VERB ARG... [# WHY] Performs each line inside the
# session (try.c knows the verbs), then those that were to be refused once more outside, where they
# must succeed. WANTED is ok, or names of errors separated by slashes; an ! before it: not possible
# outside either.
verdicts() {
	: >"$work/ops" && : >"$work/controls" && : >"$work/promises" && : >"$work/got"
	while read -r wanted line; do
		[ "$wanted" ] || continue
		printf '%s\n' "${line%% #*}" >>"$work/ops"
		printf '%s %s\n' "$wanted" "$line" >>"$work/promises"
		case $wanted in
		ok | !*) ;;
		*) printf '%s\n' "${line%% #*}" >>"$work/controls" ;;
		esac
	done
	case ${1:-} in
	root) inside_as_root "$bin/try" <"$work/ops" >"$work/got" 2>"$work/said" ;;
	terminal) try_on_terminal ;;
	*) inside "$bin/try" <"$work/ops" >"$work/got" 2>"$work/said" ;;
	esac
	judge_verdicts "${1:-}"
}

try_outside() {
	[ -s "$work/controls" ] || return 0
	if [ "$1" = root ]; then
		"$bin/try"
	else
		as_dev "$bin/try"
	fi <"$work/controls"
}

# One check for each line: what was got inside, and outside where that is asked.
judge_verdicts() {
	try_outside "$1" >"$work/got-outside"
	[ ! -s "$work/said" ] || note "$(cat "$work/said")"
	exec 5<"$work/got" 6<"$work/got-outside"
	while read -r wanted line; do
		got=nothing without=ok
		IFS= read -r got <&5
		case $wanted in
		ok | !*) ;;
		*) IFS= read -r without <&6 ;;
		esac
		promise="${wanted#!}: ${line%% #*}"
		[ "$line" = "${line#* # }" ] || promise="$promise: ${line#* # }"
		case /${wanted#!}/$without in
		*"/$got/"*ok) ok "$promise" ;;
		*) not_ok "$promise" "inside: $got, outside: $without" ;;
		esac
	done <"$work/promises"
	exec 5<&- 6<&-
}

# The last line of a test.
plan() {
	printf '1..%d\n' "$tap_count"
	[ $tap_failed -eq 0 ]
	exit
}

finish() {
	finish_status=$?
	[ ! "$session" ] || unjail
	# MORE: what is attached the next test's daemon takes over; to verify it anew takes many seconds here.
	if [ "${MORE:-}" ] && [ "$daemon_pid" ]; then
		"$al" destroy --all >/dev/null
		daemon_stop KILL
	fi
	daemon_stop
	cd /
	# What a test left running may hold it: then it goes with the last of them.
	umount -R "$work" 2>/dev/null || umount -R -l "$work" 2>/dev/null
	umount -l "$begin_logs" 2>/dev/null
	exit $finish_status
}

# Everything of a test is below $work, a tmpfs of its own: not below /tmp, which sessions may write. So
# are its logs: those of an earlier test's sessions are not taken for its own.
begin_logs=/var/log/agent-lock
begin() {
	[ "$(id -u)" = 0 ] || bail 'run it as root, in a guest: it mounts and it changes the system'
	for begin_file in "$al" "$daemon" "$bin/become" "$bin/try" "$bin/fsops"; do
		[ -x "$begin_file" ] || bail "$begin_file is missing"
	done
	mkdir -p "$work"
	mkdir -p "$begin_logs"
	mount -t tmpfs -o mode=755 tmpfs "$work" && mount -t tmpfs -o mode=755 tmpfs "$begin_logs" ||
		bail 'a tmpfs cannot be mounted'
	trap finish EXIT
	trap 'exit 1' HUP INT TERM
	# For jail --policy "$userns"
	printf '[session]\nuserns = allow\n' >"$userns"
	daemon_start
}
