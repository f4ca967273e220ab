#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: a command in a session gets its caller's environment without what carries a secret or leads to
# a service outside; the names of what is left out are said once, the values never; TMPDIR is a directory
# of the session's own.
. ./tests/kernel/lib.sh

project=/home/dev/project

# What the policy of conf/agent-lock.ini leaves out, a name for each pattern.
patterns=$(sed -n 's/^drop = //p' conf/agent-lock.ini)
name_of() {
	printf '%s\n' "$1" | sed 's/^\*\(.*\)\*$/MY_\1_1/; s/\*$/X/'
}

begin
as_dev mkdir -p $project
for pattern in $patterns; do
	name=$(name_of "$pattern")
	export "$name=value-of-$name"
done
export PLAIN=plain JAVA_HOME=/opt/java PROXY_URL=http://ana:value-of-proxy@host/ LANG=C.UTF-8 TERM=vt100
export "TMPDIR=$work"

session=$(as_dev "$al" new $project 2>"$work/said")
inside env >"$work/env" 2>"$work/exec-said"
for pattern in $patterns; do
	name=$(name_of "$pattern")
	check "$pattern: $name is left out" sh -c "! grep -q '^$name=' '$work/env'"
	check "$pattern: new says so" grep -q "\\b$name\\b" "$work/said"
done
control 'outside they are all there' sh -c "[ \"\$(env | grep -c value-of)\" -gt 30 ]"
check 'an address with a password in it is left out' sh -c "! grep -q PROXY_URL '$work/env'"
check 'no value of them is in what is said' sh -c "! grep -q value-of '$work/said'"
is "$(wc -l <"$work/said")" 1 'it is one line'
is "$(cat "$work/exec-said")" '' 'exec does not say it again'
for kept in PLAIN=plain JAVA_HOME=/opt/java LANG=C.UTF-8 TERM=vt100 HOME=/home/dev USER=dev; do
	check "$kept is handed in" grep -qx "$kept" "$work/env"
done
check 'and PATH' grep -q '^PATH=/' "$work/env"
is "$(sed -n 's/^AGENT_LOCK_SESSION=//p' "$work/env")" project 'the session has its name'
tmp=$(sed -n 's/^TMPDIR=//p' "$work/env")
is "$(stat -c '%a %U' "$tmp")" '700 dev' 'TMPDIR is a directory of the user'
# shellcheck disable=SC2016 # for the inner shell
check 'and usable' inside sh -c 'f=$(mktemp) && echo x >"$f" && ls "$TMPDIR" && case $f in "$TMPDIR"/*) rm "$f" ;; *) exit 1 ;; esac'
# shellcheck disable=SC2016
is "$(inside sh -c 'echo $TMPDIR')" "$tmp" 'the next command has the same one'
unjail

as_dev sh -c "rm -rf '$tmp'"
jail --env MY_TOKEN_1 --env "NEW=a b=c" $project
is "$(inside sh -c 'echo "$MY_TOKEN_1 $NEW"')" 'value-of-MY_TOKEN_1 a b=c' 'new --env hands one in, and sets one'
is "$(MY_TOKEN_1=later inside sh -c 'echo "$MY_TOKEN_1"')" later 'as it is at each exec'
is "$(as_dev "$al" exec --env MY_SECRET_1 --env A=1 "$session" -- sh -c 'echo "$MY_SECRET_1 $A"')" \
	'value-of-MY_SECRET_1 1' 'exec --env, too'
is "$(inside sh -c 'echo "$MY_SECRET_1"')" '' 'for that command alone'
is "$(as_dev "$al" exec --keep-env "$session" -- env | grep -c value-of)" "$(env | grep -c value-of)" \
	'exec --keep-env hands all in'
check 'show prints it in the form that --policy reads' sh -c \
	"'$al' show '$session' >'$work/shown.ini' && grep -qx 'set = NEW=a.x20b.x3dc' '$work/shown.ini'"
# A directory that another user made beforehand is no TMPDIR: it gets another.
tmp=$(inside sh -c 'echo $TMPDIR')
as_dev rmdir "$tmp"
as_eve mkdir -m 777 "$tmp"
other=$(inside sh -c 'echo $TMPDIR')
case $other in
"$tmp"-??????) ok "a name that is taken is not used" ;;
*) not_ok 'a name that is taken is not used' "TMPDIR: $other" ;;
esac
is "$(stat -c %U "$other")" dev 'but one of its own'
unjail

for bad in '' =x '1A=x' 'A B' "$(printf 'A\nB=x')" 'A-=x'; do
	fails_with "cannot add variable" "--env $(printf %s "$bad" | tr '\n' '?')" as_dev "$al" new --env "$bad" $project
done
refused_line=$(as_dev "$al" exec --env '=' project -- true 2>&1)
is "$?" 125 'exec --env with nonsense runs nothing'
case $refused_line in
*'expected NAME=VALUE'*) ok 'and says what it wants' ;;
*) not_ok 'and says what it wants' "$refused_line" ;;
esac
run_said=$(as_dev "$al" run --keep-env $project -- sh -c 'echo $MY_TOKEN_1' 2>/dev/null)
is "$run_said" value-of-MY_TOKEN_1 'run --keep-env'
plan
