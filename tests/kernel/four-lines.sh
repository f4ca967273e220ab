#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: new, exec, tail, report and destroy, typed by an ordinary user, do what they are for:
# what the agent and all its children try outside their project is refused, seen as it happens, and
# counted; what they do inside is seen and not in the way.
. ./tests/kernel/lib.sh

key=/home/dev/.ssh/id_ed25519

# has FILE PATTERN...: a line that has them all, in this order.
has() {
	has_file=$1 has_all=$2
	shift 2
	for has_one; do
		has_all=$has_all.*$has_one
	done
	grep -q "$has_all" "$has_file"
}

# seen PROMISE FILE TEXT...: such a line comes.
seen() {
	seen_promise=$1 seen_file=$2
	shift
	if wait_for has "$@"; then
		ok "$seen_promise"
	else
		not_ok "$seen_promise" "wanted in one line: $*" "$(cat -v "$seen_file")"
	fi
}

unseen() {
	unseen_promise=$1 unseen_file=$2
	shift
	if has "$@"; then
		not_ok "$unseen_promise" "not wanted: $*" "$(cat -v "$unseen_file")"
	else
		ok "$unseen_promise"
	fi
}

# field JSON-FILE EXPRESSION: of the object o in it
field() {
	python3 -ISc \
		'import json, sys; o = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"
}

ended() {
	! kill -0 "$1"
}

# The agent's child's child reads the key.
steal() {
	as_dev "$al" exec "$1" -- sh -c 'sh -c "cat ~/.ssh/id_ed25519; exit \$?"; exit $?'
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c \
	'umask 077; mkdir .ssh project; echo secret >.ssh/id_ed25519; echo hello >project/README' \
	|| bail 'no files'

# Line 1.
as_dev "$al" new /home/dev/project >"$work/out" 2>"$work/err"
is "$? $(cat "$work/out" "$work/err")" '0 project' \
	'new prints the name of the session and nothing else'
as_dev "$al" list >"$work/list"
seen 'list shows it idle' "$work/list" project idle enforce /home/dev/project 1000

# Line 3, in another terminal: into a pipe that notes when each line came, and on a terminal of its
# own.
as_dev "$al" tail project | python3 -ISuc '
import datetime, sys
for line in sys.stdin:
    then = datetime.datetime.strptime(line.split(" ")[0], "%Y-%m-%dT%H:%M:%S.%f%z")
    late = (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()
    print("late" if late > 1 else "at once", line, end="")' >"$work/piped" 2>&1 &
piped=$!
as_dev "$al" tail --json project >"$work/json" 2>&1 &
json=$!
as_dev "$al" tail --denied project >"$work/denied" 2>&1 &
denied=$!
as_dev script -qfec "$al tail project" /dev/null </dev/null >"$work/pty" 2>&1 &
pty=$!
for file in piped json pty; do
	wait_for has "$work/$file" created || note "no tail: $(cat "$work/$file")"
done

# Line 2.
control 'the key can be read outside' as_dev cat $key
refused 'the key cannot be read by a child of a child of the agent' steal project
seen 'tail in a pipe: refused, with path, operation and the chain of processes' "$work/piped" \
	" refused read session=project pid=" " comm=cat path=$key error=EPERM rule=" \
	' uid=1000 chain=sh:' ',sh:' ' sensitive=yes'
seen 'tail in a pipe: within a second' "$work/piped" 'at once ' " path=$key "
seen 'tail on a terminal: refused first, ~ for home, the chain' "$work/pty" REFUSED read \
	'~/.ssh/id_ed25519' \
	'cat\[' ' < sh\[' ' < sh\[' sensitive
seen 'tail --json' "$work/json" '"refused"' '"cat"' "\"$key\""
seen 'tail --denied' "$work/denied" ' refused read ' " path=$key "
seen 'the log' /var/log/agent-lock/project.log ' refused read ' " path=$key "
as_dev "$al" report --json project >"$work/report.json"
is \
	"$(field "$work/report.json" '[o["refused"], o["would_refuse"], o["lost"], len(o["targets"]),
		o["targets"][0]["count"]]')" \
	'[1, 0, 0, 1, 1]' 'report --json counts it once, and nothing else'
is \
	"$(field "$work/report.json" '[o["targets"][0][k] for k in
		("path", "op", "verdict", "sensitive")]')" \
	"['$key', 'read', 'refused', True]" 'report --json says what it was'
as_dev "$al" report project >"$work/report"
seen 'report says JAILED' "$work/report" JAILED '~/project' 'session project' idle
seen 'report says the verdict' "$work/report" '1 escape attempt blocked'
seen 'report lists the target' "$work/report" '   1  read' '~/.ssh/id_ed25519' cat SENSITIVE
seen 'report counts system reads without listing them' "$work/report" 'system reads, not listed'

# In bounds.
is "$(as_dev "$al" exec project -- cat README)" hello 'the project can be read'
seen 'tail shows it as allowed' "$work/piped" ' allowed read session=project ' \
	' comm=cat path=/home/dev/project/README error=none '
seen 'tail shows it as allowed, on a terminal' "$work/pty" allowed read '~/project/README' cat
seen 'tail shows it as allowed, as JSON' "$work/json" '"allowed"' '"/home/dev/project/README"'
check 'the project can be written' as_dev "$al" exec project -- sh -c 'echo more >>README'
seen 'tail shows a write' "$work/piped" ' allowed write ' ' comm=sh path=/home/dev/project/README '
unseen 'tail --denied shows nothing that was allowed' "$work/denied" ' allowed '
unseen 'allowed uses are not in the log' /var/log/agent-lock/project.log ' allowed '
unseen 'system reads are not in tail' "$work/piped" ' path=/usr/'
unseen 'system reads are not in tail on a terminal' "$work/pty" /usr/
check 'every line of tail --json is JSON' python3 -ISc \
	'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$work/json"

# How much tail shows.
steal project >/dev/null 2>&1
as_dev "$al" tail --no-follow -n 1 --denied project >"$work/tail"
is "$(grep -c '' <"$work/tail") $(grep -c " refused read .*path=$key" <"$work/tail")" '1 1' \
	'tail -n 1 --denied: one refusal'
as_dev "$al" tail --no-follow -n 2 project >"$work/tail"
is "$(cat "$work/tail")" "$(tail -n 2 /var/log/agent-lock/project.log)" \
	'tail -n 2: the last two lines of the log'
as_dev "$al" tail --no-follow -n 0 project >"$work/tail"
is "$? $(cat "$work/tail")" '0 ' 'tail -n 0: none'
as_dev "$al" tail --no-follow -n x project >"$work/tail" 2>&1
is "$? $(cat "$work/tail")" "2 agent-lock: -n: expected a number of lines, got 'x'" \
	'tail -n x: says what is wanted'
as_dev "$al" tail --no-follow --denied --json project >"$work/tail"
check 'tail --denied --json: JSON, refusals only' python3 -ISc '
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert len(lines) == 2 and all(l["verdict"] == "refused" for l in lines), lines' "$work/tail"

# While something runs.
as_dev "$al" exec project -- sleep 100 &
sleeper=$!
as_running() {
	as_dev "$al" list >"$work/list" && has "$work/list" project running
}
check 'list shows it running' wait_for as_running
as_dev "$al" list --json >"$work/list.json"
is \
	"$(field "$work/list.json" '[o[0][k] for k in
		("session", "state", "mode", "directory", "processes", "refused", "owner")]')" \
	"['project', 'running', 'enforce', '/home/dev/project', 1, 2, 1000]" \
	'list --json has it all'

# The policy, printed and read back.
as_dev sh -c "umask 022; '$al' show project >show.ini"
seen 'show has the project' show.ini 'rw = /home/dev/project'
is "$(as_dev "$al" new --name copy --policy show.ini project 2>&1)" copy \
	'new accepts what show prints'
as_dev "$al" show copy | sed 1d >"$work/show.copy"
sed 1d show.ini >"$work/show.project"
check 'and show prints the same of it' cmp "$work/show.project" "$work/show.copy"
refused 'and it holds' steal copy
as_dev "$al" destroy copy >/dev/null

# Line 4.
as_dev "$al" destroy project >"$work/out" 2>"$work/err"
is "$? $(head -n 1 "$work/out" | cut -d, -f1) $(cat "$work/err")" \
	'0 session project: 2 escape attempts blocked ' \
	'destroy prints the summary'
seen 'destroy lists what was tried' "$work/out" '   2  read' '~/.ssh/id_ed25519' SENSITIVE
wait $sleeper
is $? 137 'destroy kills what ran'
for tail in "$piped in a pipe" "$json --json" "$denied --denied" "$pty on a terminal"; do
	wait_for ended "${tail%% *}"
	wait "${tail%% *}"
	is $? 0 "tail ${tail#* } ends with its session"
done
seen 'and shows that it was destroyed' "$work/piped" ' session destroyed session=project '
as_dev "$al" list --json >"$work/list.json"
is "$(cat "$work/list.json")" '[]' 'list --json is empty afterwards'
control 'the key can be read as before' as_dev cat $key

# All in one.
as_dev "$al" run project -- sh -c 'echo out; echo err >&2; cat ~/.ssh/id_ed25519; exit 7' \
	>"$work/out" 2>"$work/err"
is "$? $(cat "$work/out")" '7 out' 'run: exit code and output are those of the command'
seen 'run: what the command says on stderr' "$work/err" err
seen 'run: refused' "$work/err" 'Operation not permitted'
seen 'run: the summary on stderr' "$work/err" 'session project: 1 escape attempt blocked'
seen 'run: what was tried' "$work/err" '   1  read' '~/.ssh/id_ed25519' cat SENSITIVE
is "$(as_dev "$al" list --json)" '[]' 'run: the session is gone'
as_dev "$al" run project -- true >"$work/out" 2>"$work/err"
is "$? $(cat "$work/out")" '0 ' 'run: nothing on stdout of its own'
seen 'run: a good agent gets a good word' "$work/err" 'session project: no escape attempts'

# Audit.
as_dev "$al" new --audit project >"$work/out"
is "$(cat "$work/out")" project 'audit: a session'
is "$(steal project 2>&1)" secret 'audit: nothing is refused'
as_dev "$al" tail --no-follow project >"$work/tail"
seen 'audit: tail shows what would have been refused' "$work/tail" ' would-refuse read ' \
	" comm=cat path=$key " sensitive=yes
as_dev "$al" tail --no-follow --denied project >"$work/tail"
seen 'audit: so does tail --denied' "$work/tail" ' would-refuse read ' " comm=cat path=$key " \
	sensitive=yes
as_dev "$al" report --json project >"$work/report.json"
is \
	"$(field "$work/report.json" '[o["mode"], o["refused"], o["would_refuse"],
		o["targets"][0]["verdict"]]')" \
	"['audit', 0, 1, 'would-refuse']" 'audit: report --json counts it'
as_dev "$al" report project >"$work/report"
seen 'audit: report says AUDIT' "$work/report" AUDIT '~/project'
unseen 'audit: report does not say JAILED' "$work/report" JAILED
seen 'audit: report says that none was blocked' "$work/report" \
	'1 escape attempt seen, none blocked (audit)'
as_dev "$al" list >"$work/list"
seen 'audit: list says so' "$work/list" project audit
as_dev "$al" show project >"$work/out"
seen 'audit: show says so' "$work/out" 'mode = audit'
as_dev "$al" destroy project >/dev/null
"$al" destroy --all >/dev/null 2>&1
cd "$top" && umount -l /home/dev
plan
