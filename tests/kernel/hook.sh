#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: `hook` prints what an agent's configuration needs, and what it names tells, when the agent calls it in a
# session, what was refused since it was called last: to that session alone, and nothing outside of one.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# What an agent gets when it calls.
told() {
	echo '{"hook_event_name": "PostToolUse"}' | inside "$al" hook --answer PostToolUse
}

# tells TEXT PROMISE
tells() {
	said=$(told 2>&1)
	case $said in
	*"$1"*) ok "$2" ;;
	*) not_ok "$2" "$said" ;;
	esac
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev sh -c "mkdir -p $project $home/.ssh && echo k >$home/.ssh/id && echo x >$home/x"
jail --ro "${al%/*}" $project
is "$(told)" '' 'nothing was refused: nothing is told'
inside cat $home/.ssh/id 2>/dev/null
is "$(told)" "{\"hookSpecificOutput\":{\"hookEventName\":\"PostToolUse\",\"additionalContext\":\"refused by agent-lock: read $home/.ssh/id; no rule; do not retry; ask the user for: agent-lock allow $session --ro $home/.ssh/id (it is marked as sensitive)\\u000a\"}}" 'a refusal is told'
is "$(told)" '' 'once'
inside sh -c "echo x >.envrc" 2>/dev/null
tells "create $project/.envrc; rule guard $project/.envrc (" 'another one is told with its rule'
inside sh -c "cat $home/x; cat $home/x; exec '$al' hook --answer PostToolUse </dev/null" >"$work/told" 2>/dev/null
is "$(grep -o "read $home/x" "$work/told" | grep -c .)" 1 'at once, what is refused twice is told once'
check 'what it prints is JSON' python3 -ISc 'import json, sys; json.load(open(sys.argv[1]))["hookSpecificOutput"]["additionalContext"]' "$work/told"
head -c 300000 /dev/zero | inside "$al" hook --answer PostToolUse
is $? 0 'an agent with much to say finds that it is read'
fails_with 'usage: agent-lock hook' 'a hook of no name' inside "$al" hook --answer 'x"}'
fails_with 'usage: agent-lock hook' 'no agent' inside "$al" hook
fails_with "'vim' is no agent" 'an agent that is not known' inside "$al" hook vim
first=$session
jail --name second --ro "${al%/*}" $project
is "$(told)" '' "another session hears nothing of it"
session=$first
is "$(as_dev "$al" hook --answer PostToolUse </dev/null 2>&1)" '' 'nor does anybody outside'
is "$(as_dev env AGENT_LOCK_SESSION="$session" AGENT_LOCK_LOG="/var/log/agent-lock/$session.log" "$al" hook --answer PostToolUse </dev/null 2>&1)" '' 'whatever the environment says'
"$al" destroy second >/dev/null

# The configurations: they are what the agents read, and the command in them does it.
as_dev "$al" hook claude 2>/dev/null >"$work/claude.json"
command=$(python3 -ISc 'import json, sys
print(json.load(open(sys.argv[1]))["hooks"]["PostToolUseFailure"][0]["hooks"][0]["command"])' "$work/claude.json")
is "$command" "$al hook --answer PostToolUseFailure" 'claude: JSON, with the command'
as_dev "$al" hook codex 2>/dev/null >"$work/codex.toml"
command=$(python3 -ISc 'import tomllib, sys
print(tomllib.load(open(sys.argv[1], "rb"))["hooks"]["PostToolUse"][0]["hooks"][0]["command"])' "$work/codex.toml")
is "$command" "$al hook --answer PostToolUse" 'codex: TOML, with the command'
is "$(PATH=${al%/*}:$PATH agent-lock hook codex 2>/dev/null | grep -c 'command = "agent-lock hook')" 1 'where it is in the PATH its name is enough'
inside cat $home/x 2>/dev/null
# shellcheck disable=SC2086 # words
is "$(echo '{}' | inside sh -c "$command" | grep -c "read $home/x")" 1 'the command does it'

# Without a daemon nothing is known to be whole.
inside_background sh -c "touch $project/ready; until [ -e $project/dead ]; do sleep 0.1; done; '$al' hook --answer PostToolUse </dev/null >$project/told 2>&1; echo \$? >$project/status"
wait_for [ -e $project/ready ]
daemon_stop KILL
as_dev touch $project/dead
wait_for [ -s $project/status ]
is "$(cat $project/status)" 1 'without a daemon it fails'
is "$(grep -c 'cannot reach agent-lockd' $project/told)" 1 'and says so'
daemon_start
plan
