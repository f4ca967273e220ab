#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: what the user's own programs would run later, because it lies in a project, no session makes,
# changes, moves or removes, whether it is there already or not; nothing is made in its place; and what
# the user does outside is not in the way.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# Every way to bring a name about, in a project where it is missing.
cannot_be_made() {
	dir=${1%/*}
	[ "$dir" != "$1" ] || dir=.
	verdicts <<-END
		EPERM create $project/$1
	END
	rm -rf "${project:?}/${1:?}"
	refused "$1: made by a shell" inside sh -c "echo x >$1"
	refused "$1: as a directory" inside mkdir "$1"
	refused "$1: as a link" inside ln -s /bin/sh "$1"
	refused "$1: by renaming" inside sh -c "echo x >x.$$ && mv x.$$ $1"
	refused "$1: by linking" inside sh -c "echo x >y.$$; ln y.$$ $1"
	refused "$1: by renaming a directory" inside sh -c "mkdir -p d.$$ && mv -T d.$$ $1"
	check "$1: nothing was made" [ ! -e "$project/$1" ]
}

cannot_be_changed() {
	check "$1: is read" inside cat "$1"
	refused "$1: is not written" inside sh -c "echo x >>$1"
	refused "$1: nor removed" inside rm -f "$1"
	refused "$1: nor renamed" inside mv "$1" moved
	refused "$1: nor replaced" inside sh -c "echo x >z && mv -f z $1"
	refused "$1: nor its mode changed" inside chmod 777 "$1"
	refused "$1: nor linked" inside ln "$1" linked
	is "$(cat "$project/$1")" outside "$1: is as it was"
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev mkdir -p $project $home/elsewhere

# Nothing is there: what the first missing name is is what is guarded.
jail $project
for name in .envrc .mcp.json .claude .codex .vscode .git; do
	cannot_be_made $name
done
refused 'a directory on the way to what is guarded' inside mkdir .claude
check 'other names are free' inside sh -c 'mkdir -p src/.git && echo x >src/.envrc && echo x >Makefile && echo x >.env'
check 'the log names the rule' grep -q 'create.*path=/home/dev/project/.envrc.*rule=guard' "$begin_logs/$session.log"
control 'outside all of it is made' as_dev sh -c \
	"cd $project && mkdir -p .git/hooks .claude .codex .husky && touch .git/config .envrc .mcp.json"
refused 'what somebody outside makes meanwhile is guarded at once' inside sh -c 'echo x >.envrc'
refused 'with all that is in it' inside touch .codex/config.toml
unjail

# All is there.
as_dev sh -c "cd $project && for f in .git/config .git/hooks/pre-commit .envrc .claude/settings.json .mcp.json .husky/pre-push; do echo outside >\$f; done; echo ref >.git/HEAD"
jail $project
for name in .git/config .git/hooks/pre-commit .envrc .claude/settings.json .mcp.json .husky/pre-push; do
	cannot_be_changed $name
done
refused 'a new hook' inside touch .git/hooks/post-commit
refused 'the directory above is not moved away' inside mv .git .git.old
refused 'nor removed' inside rm -rf .claude
refused 'nor exchanged' inside python3 -c "
import ctypes, os
os.mkdir('g')
r = ctypes.CDLL(None, use_errno=True).renameat2(-100, b'g', -100, b'.git', 2)
e = ctypes.get_errno()
os.rmdir('g')
if r: raise OSError(e, os.strerror(e))"
refused 'what is missing there is not made' inside sh -c 'echo /x >.git/commondir'
check 'the rest of it is written' inside sh -c 'echo x >.git/HEAD && mkdir .git/refs && rmdir .git/refs && echo x >.claude/notes'
control 'outside it is changed' as_dev sh -c "cd $project && echo outside >>.envrc && mv .git g && mv g .git"
unjail

# Links on the way: to the guarded file, and to the directory that it is in.
as_dev sh -c "cd $project && rm -r .claude .envrc && mkdir dot && echo outside >dot/settings.json && ln -s dot .claude && echo outside >env && ln -s env .envrc"
jail $project
refused 'what a link leads to' inside sh -c 'echo x >>env'
refused 'by the link' inside sh -c 'echo x >>.envrc'
refused 'the link is not replaced' inside sh -c 'echo x >q && mv -f q .envrc'
refused 'nor removed' inside rm .envrc
refused 'the link to its directory is not replaced' inside rm .claude
refused 'nor is the directory moved' inside mv dot dot2
refused 'nor the file in it written' inside sh -c 'echo x >dot/settings.json'
control 'outside they are' as_dev sh -c "cd $project && rm .envrc .claude && mv dot dot2 && echo x >>env"
unjail

# Whoever wants it otherwise says so.
jail --rw $project/.git/config --rw $project/.git/hooks $project
check 'given by name it is written' inside sh -c 'echo x >>.git/config && touch .git/hooks/post-commit'
unjail

# A state directory is made if it is missing, and nothing else.
cat >$home/policy.ini <<-END
	[paths]
	state = ~/.local/share/tool
	guard = ~/.local/share/tool/config
END
jail --policy $home/policy.ini $project
is "$(stat -c '%a %U' $home/.local/share/tool)" '700 dev' 'a state directory is made, for its owner alone'
check 'and writable' inside sh -c "echo x >$home/.local/share/tool/db"
refused 'but for what is guarded in it' inside sh -c "echo x >$home/.local/share/tool/config"
refused 'and what it is in is not' inside touch $home/.local/share/other
unjail
plan
