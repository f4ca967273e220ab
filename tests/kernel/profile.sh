#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: an agent by its name works with nothing else typed: its program is found wherever its user
# installed it, its own directories are there and writable, what a later run outside would obey is not,
# and it gets its own key. Each line of each profile and cache is tried, with and without it.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# lines FILE KEY: the values, ~ replaced
lines() {
	sed -n "s/^$2 = //p" "$1" | sed "s,^~,$home,"
}

fake() {
	as_dev sh -c '
		package=$HOME/.npm-global/lib/node_modules/@x/$1
		mkdir -p "$package/bin" "$HOME/.local/bin" &&
		printf "#!/usr/bin/env sh\nexec \"\$@\"\n" >"$package/bin/run.sh" && chmod 755 "$package/bin/run.sh" &&
		ln -sf "../../.npm-global/lib/node_modules/@x/$1/bin/run.sh" "$HOME/.local/bin/$1"' - "$1"
}

as_agent() {
	as_dev env "PATH=$home/.local/bin:$PATH" "$@"
}

# A program of the agent's name runs a script in a session that was made for it.
with_profile() {
	as_agent "$al" run $project -- "$1" sh -c "$2" 2>"$work/said"
}

# lines_hold FILE PROMISE: each line of one, in $session, which has it, and in $bare, which does not.
lines_hold() {
	with=$session
	for dir in $(lines "$1" state); do
		is "$(stat -c '%a %U' "$dir")" '700 dev' "$2: $dir is made, and its owner's"
		check "$2: and writable" inside sh -c "echo x >'$dir/new' && rm '$dir/new'"
		session=$bare
		refused "$2: without it $dir is not" inside sh -c "echo x >'$dir/new'"
		session=$with
	done
	for name in $(lines "$1" guard); do
		as_dev mkdir -p "${name%/*}"
		refused "$2: $name is not made" inside sh -c "echo x >'$name'"
		control "$2: outside it is" as_dev sh -c "echo x >'$name'"
		check "$2: it is read" inside cat "$name"
		refused "$2: and not written" inside sh -c "echo x >>'$name'"
		as_dev rm "$name"
	done
	for dir in $(lines "$1" ro); do
		check "$2: $dir is listed" inside ls "$dir"
		session=$bare
		refused "$2: without it $dir is not" inside ls "$dir"
		session=$with
	done
}

# variables_hold FILE PROMISE
variables_hold() {
	with=$session
	for name in $(lines "$1" pass); do
		# shellcheck disable=SC2016 # for the inner shell
		is "$(export "$name=its-key"; inside sh -c "echo \$$name")" its-key "$2: $name is handed in"
		session=$bare
		is "$(export "$name=its-key"; inside sh -c "echo \$$name")" '' "$2: without it $name is not"
		session=$with
	done
	for name in $(sed -n 's/^set = \([A-Z_]*\)=.*/\1/p' "$1"); do
		check "$2: $name is set" inside sh -c "test \"\${$name+set}\""
		session=$bare
		fails_with '' "$2: without it $name is not" inside sh -c "test \"\${$name+set}\""
		session=$with
	done
}

each_profile() {
	file=conf/profiles/$1.ini
	fake "$1"
	for name in $(lines "$file" ro); do
		mkdir -p "$name"
	done
	bare=$(as_dev "$al" new --name bare $project)
	jail --profile "$1" $project
	lines_hold "$file" "$1"
	variables_hold "$file" "$1"
	unjail
	"$al" destroy "$bare" >/dev/null
	with_profile "$1" "test -e '$(lines "$file" state | head -n 1)'"
	is "$(grep -c "^agent-lock: $1: " "$work/said")" 1 "$1: run chooses it, and prints its hint once"
}

each_cache() {
	file=conf/caches/$1.ini
	for name in $(lines "$file" ro); do
		as_dev mkdir -p "$name"
	done
	bare=$(as_dev "$al" new --name bare $project)
	jail --cache "$1" $project
	lines_hold "$file" "cache $1"
	unjail
	"$al" destroy "$bare" >/dev/null
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev mkdir -p $project $home/.ssh
as_dev sh -c "echo secret >$home/.ssh/id_ed25519"
for file in conf/profiles/*.ini; do
	case $file in
	*-sandbox.ini) continue ;; # agents.sh has them
	esac
	name=${file##*/}
	each_profile "${name%.ini}"
done
for file in conf/caches/*.ini; do
	name=${file##*/}
	each_cache "${name%.ini}"
done
fails_with 'Operation not permitted' 'a secret is refused with a profile, too' \
	as_agent "$al" run $project -- codex cat $home/.ssh/id_ed25519

# Where a program may lie.
as_dev sh -c "mkdir -p $home/.nvm/versions/node/v22/bin $home/.nvm/versions/node/v22/lib && cp /bin/sh $home/.nvm/versions/node/v22/bin/node &&
	echo lib >$home/.nvm/versions/node/v22/lib/x && mkdir -p $home/.npm-global/lib/node_modules/@x/neighbour && echo n >$home/.npm-global/lib/node_modules/@x/neighbour/f &&
	printf '#!/usr/bin/env node\ncat $home/.nvm/versions/node/v22/lib/x $home/.npm-global/lib/node_modules/@x/neighbour/f\n' >$home/.npm-global/lib/node_modules/@x/codex/bin/run.sh"
is "$(as_dev env "PATH=$home/.local/bin:$home/.nvm/versions/node/v22/bin:$PATH" "$al" run $project -- codex 2>/dev/null)" "lib
n" 'the interpreter of a version manager, and what lies beside the program'
fails_with 'Operation not permitted' 'and nothing else of the home directory' \
	as_agent "$al" run $project -- sh -c "ls $home/.npm-global"

# One that a session may have put into the project has no profile.
as_dev sh -c "mkdir -p $project/bin && printf '#!/bin/sh\necho x >$home/.codex/new\n' >$project/bin/codex && chmod 755 $project/bin/codex && mkdir -p $home/.codex"
fails_with 'Operation not permitted' 'a program in the project has no profile' \
	as_dev env "PATH=$project/bin:$PATH" "$al" run $project -- codex
as_dev env "PATH=$project/bin:$PATH" "$al" run $project -- codex 2>"$work/said"
check 'and it is said' grep -q "no profile: 'codex' lies where a session may write" "$work/said"
check 'unless its user says so' as_dev env "PATH=$project/bin:$PATH" "$al" run --profile codex $project -- codex

fails_with "there is none of the name 'nothing'" 'an unknown profile' as_dev "$al" new --profile nothing $project
fails_with 'there are: claude, claude-sandbox, codex, codex-sandbox, gemini, omp, opencode' 'and which there are' as_dev "$al" new --profile ../codex $project
fails_with "there is none of the name ''" 'an unknown cache' as_dev "$al" new --cache npm, $project
check 'two caches at once' as_dev "$al" run --cache npm,pip $project -- sh -c "touch $home/.npm/x $home/.cache/pip/x"

jail --profile codex $project
check 'new has a profile where it is told' inside sh -c "touch $home/.codex/x"
unjail

# The ssh agent, and who the users are.
as_dev sh -c "socat UNIX-LISTEN:$home/agent,fork SYSTEM:'echo signed' & echo \$! >$home/agent.pid"
wait_for [ -S $home/agent ]
export SSH_AUTH_SOCK=$home/agent
# shellcheck disable=SC2016
is "$(as_dev "$al" run --ssh-agent $project -- sh -c 'socat -t5 - "UNIX-CONNECT:$SSH_AUTH_SOCK" </dev/null' 2>/dev/null)" signed \
	'--ssh-agent: its socket is reached'
fails_with 'Operation not permitted' 'without it it is not' as_dev "$al" run $project -- socat -t5 - "UNIX-CONNECT:$home/agent"
kill "$(cat $home/agent.pid)"
SSH_AUTH_SOCK=$home/.ssh/id_ed25519
fails_with 'is no socket' '--ssh-agent with something else' as_dev "$al" new --ssh-agent $project
unset SSH_AUTH_SOCK
fails_with 'SSH_AUTH_SOCK names no socket' '--ssh-agent without one' as_dev "$al" new --ssh-agent $project
for file in /etc/passwd /etc/group; do
	check "--identity: $file is read" as_dev "$al" run --identity $project -- cat $file
	fails_with 'Operation not permitted' "without it $file is not" as_dev "$al" run $project -- cat $file
done
plan
