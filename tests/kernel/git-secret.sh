#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: git works in a session whatever the user's own configuration is: missing, included, elsewhere, or
# with secrets in it, which the session then does not get to see.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# A file of the user's: put FILE <TEXT
put() {
	as_dev sh -c "mkdir -p '${1%/*}' && cat >'$1'"
}

works_in_it() {
	check "$1: status" inside git status --short
	check "$1: commit" inside sh -c 'echo x >>a && git commit -qam more'
	is "$(inside git log -1 --format='%an %ae')" 'Ana ana@x' "$1: by whom"
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'

# None at all, nor the directory that it would be in.
as_dev git init -q $project
jail $project
check 'without any configuration: status' inside git status --short
check 'without any configuration: commit' inside sh -c 'echo a >a && git add a && git -c user.name=x -c user.email=x@x commit -qm a'
unjail

# Without secrets it is read where it is.
put $home/.gitconfig <<-END
	[user]
		name = Ana
	[include]
		path = more.inc
	[core]
		excludesFile = ~/.ignored
	[commit]
		template = ~/.template
END
put $home/more.inc <<-END
	[user]
		email = ana@x
	[alias]
		st = status --short
END
echo '*.o' | put $home/.ignored
echo hello | put $home/.template
echo '*.tmp' | put $home/.config/git/ignore
echo '*.txt text' | put $home/.config/git/attributes
printf '[alias]\n\tlo = log --oneline\n' | put $home/.config/git/config
echo https://u:stored@h | put $home/.config/git/credentials
jail $project
works_in_it plain
check 'what it includes counts' inside git st
check 'and what is beside it' inside git lo
is "$(inside sh -c 'touch x.o; git status --short; rm x.o')" '' 'files to ignore are read where it says'
is "$(inside sh -c 'echo "$GIT_CONFIG_GLOBAL"')" '' 'no copy is made'
refused 'stored passwords are not read' inside cat $home/.config/git/credentials
refused 'nor is it written' inside git config --global user.name x
control 'outside they are, and it is' as_dev sh -c "cat $home/.config/git/credentials && git config --global x.y z && git config --global --unset x.y"
unjail

# Elsewhere.
as_dev cp -r $home/.config $home/xdg
as_dev rm -r $home/.config/git
export XDG_CONFIG_HOME=$home/xdg
jail $project
check 'XDG_CONFIG_HOME' inside git lo
refused 'stored passwords there' inside cat $home/xdg/git/credentials
unjail
unset XDG_CONFIG_HOME

# With secrets: in it, in what it includes, in the name of a section, in a comment.
as_dev sh -c "cp -r $home/xdg/git $home/.config/"
put $home/.gitconfig <<-END
	# token = SECRET-1
	[user]
		name = Ana
	[http "https://h/"]
		extraHeader = Authorization: basic SECRET-2
	[url "https://u:SECRET-3@h/"]
		insteadOf = https://h/
	[include]
		path = more.inc
	[includeIf "gitdir:./project/"]
		path = ~/work/here.inc
	[includeIf "gitdir:~/nowhere/"]
		path = ~/work/there.inc
	[core]
		excludesFile = ~/.ignored
END
put $home/more.inc <<-END
	[user]
		email = ana@x
	[github]
		token = SECRET-4
	[alias]
		st = status --short
END
printf '[alias]\n\there = status\n[github]\n\ttoken = SECRET-5\n' | put $home/work/here.inc
printf '[alias]\n\tthere = status\n' | put $home/work/there.inc
control 'outside the secrets are there' sh -c "[ \$(HOME=$home '$bin/become' 1000 git -C $project config -l | grep -c SECRET) = 4 ]"
jail $project
check 'new says that it makes a copy, and because of which key' grep -q "git: .*comment in '/home/dev/.gitconfig'.*copy without it" "$work/new.log"
check 'and not the secret' sh -c "! grep -q SECRET '$work/new.log'"
works_in_it secret
check 'what the copy includes counts' inside git st
check 'with a condition, too' inside git here
fails_with 'not a git command' 'that does not hold' inside git there
check 'and what is read before it' inside git lo
is "$(inside sh -c 'touch x.o; git status --short; rm x.o')" '' 'files to ignore are read where the original says'
is "$(inside git config -l | grep -c SECRET)" 0 'git tells no secret'
for file in .gitconfig more.inc work/here.inc; do
	refused "$file is not read" inside cat $home/$file
	control "outside $file is" as_dev cat $home/$file
done
is "$(inside sh -c 'cat $TMPDIR/gitconfig* | grep -c SECRET')" 0 'nor is one in a copy'
check 'git config --global is for the session alone' inside git config --global x.y z
check 'the original has none of it' sh -c "! grep -q y $home/.gitconfig"
check 'show says it' sh -c "'$al' show '$session' | grep -q 'set = GIT_CONFIG_GLOBAL='"

# What the session puts in the place of its copies.
as_dev sh -c "echo mine >$home/mine"
inside sh -c "rm \$TMPDIR/gitconfig*; ln -s $project/victim \$TMPDIR/gitconfig; mkfifo \$TMPDIR/gitconfig.1; echo bad >\$TMPDIR/gitconfig.2"
check 'a link, a fifo or another file there: new copies' inside git st
check 'which do not go where the link does' [ ! -e $project/victim ]
inside sh -c 'rm $TMPDIR/gitconfig; mkdir $TMPDIR/gitconfig'
fails_with 'cannot write a copy' 'a directory there: nothing is run, and it is said' inside true
unjail

# What changes is seen at the next exec.
jail $project
as_dev sh -c "sed -i 's/Ana/Bea/' $home/.gitconfig"
is "$(inside git config user.name)" Bea 'a change is seen by the next command'
as_dev git config --global --unset-all url.https://u:SECRET-3@h/.insteadOf
is "$(inside git config -l | grep -c SECRET)" 0 'what was replaced meanwhile is still refused'
refused 'by its name' inside cat $home/.gitconfig
unjail
is "$(as_dev "$al" run $project -- sh -c 'git config user.name; git config -l | grep -c SECRET' 2>/dev/null)" 'Bea
0' 'run does the same'

# Of a file in a place that a session may write only what it says itself counts, and no link there.
as_dev sh -c "printf '[include]\n\tpath = $home/.ssh/config\n[a]\n\ttoken = SECRET-6\n\tb = c\n' >$project/inc && mkdir -p $home/.ssh && printf '[k]\n\tey = PRIVATE\n' >$home/.ssh/config"
put $home/.gitconfig <<-END
	[user]
		name = Ana
	[include]
		path = $project/inc
	[include]
		path = $project/link
END
as_dev ln -s $home/.ssh/config $project/link
control 'outside all of it is read' sh -c "[ \$(HOME=$home '$bin/become' 1000 git -C $project config -l | grep -c PRIVATE) = 2 ]"
jail $project
is "$(inside git config a.b)" c 'an include in the project counts'
is "$(inside git config -l | grep -cE 'SECRET|PRIVATE')" 0 'but not what it includes, its secrets, or a link in its place'
refused 'nor is that given' inside cat $home/.ssh/config
unjail
plan
