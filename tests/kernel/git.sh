#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: git works in a session, in a repository, in a linked work tree and in a submodule whose
# repositories lie outside the project; what a session leaves in a repository runs nothing later; and no
# file that an earlier session may have written brings a right.
. ./tests/kernel/lib.sh

home=/home/dev

git_as_dev() {
	as_dev git -c protocol.file.allow=always -C "$@"
}

# repository DIR: with two commits and a branch
repository() {
	as_dev git init -q -b main "$1" && as_dev sh -c "cd '$1' && echo a >a && git add a && git commit -qm a &&
		git branch other && echo b >b && git add b && git commit -qm b"
}

# In the project that the session is for, and the same outside.
works() {
	works_promise=$1
	shift
	control "$works_promise" as_dev sh -c "cd '$outside' && $*"
	check "inside: $works_promise" inside sh -c "$*"
}

daily_work() {
	works "$1: status" 'git status --short'
	works "$1: commit" "echo $1 >c.$1 && git add c.$1 && git commit -qm c.$1 && git log -1 --format=%s | grep -q c.$1"
	works "$1: branch and switch" "git switch -qc new.$1 && git switch -q -"
	works "$1: merge" "git merge -q new.$1"
	works "$1: rebase" "git switch -qc topic.$1 other && echo t.$1 >t.$1 && git add . && git commit -qm t && git rebase -q main && git switch -q -"
	works "$1: stash" "echo x >>a && git stash -q && git stash pop -q && git checkout -q a"
	works "$1: tag, blame, diff" "git tag t.$1 && git blame a >/dev/null && git diff HEAD~ --stat"
	works "$1: delete a branch" "git branch -qD new.$1"
	works "$1: a work tree in the project" "git worktree add -q wt.$1 && cd wt.$1 && echo w >w && git add w && git commit -qm w && cd .. && git worktree remove wt.$1"
	works "$1: gc" 'git gc -q'
	works "$1: fsck" 'git fsck'
}

# guarded DIR FILE...: a repository's own files that something would run
guarded() {
	dir=$1
	shift
	for file; do
		refused "$dir/$file is not written" inside sh -c "echo x >>'$dir/$file'"
	done
	check 'and git left no lock behind' [ ! -e "$dir/config.lock" ]
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev mkdir -p $home/.ssh $home/.config
as_dev sh -c "echo secret >$home/.ssh/id_ed25519 && cd $home && git config --global user.name dev && git config --global user.email dev@x &&
	git config --global init.defaultBranch main && git config --global include.path extra.inc && git config --global protocol.file.allow always &&
	printf '[alias]\n\tst = status\n' >extra.inc && printf 'https://u:p@h\n' >.git-credentials"

# A plain repository.
repository $home/plain
as_dev cp -a $home/plain $home/plain.out
outside=$home/plain.out
jail $home/plain
daily_work plain
check 'a file that the configuration includes is read' inside git st --short
refused 'stored passwords are not' inside cat $home/.git-credentials
guarded .git config hooks/post-commit
fails_with 'could not' 'git config says that it could not' inside git config user.name x
refused 'tracking a remote branch, too' inside sh -c 'git config branch.main.remote .'
fails_with '' 'git remote add is refused' inside git remote add origin /nowhere
check 'git goes on afterwards' inside git status --short
check 'a hook from outside still runs inside' sh -c "printf '#!/bin/sh\necho ran >ran\n' >$home/plain/.git/hooks/post-commit && chmod 755 $home/plain/.git/hooks/post-commit"
inside sh -c 'echo h >h && git add h && git commit -qm h'
is "$(cat $home/plain/ran)" ran 'one that the user made'
unjail

# No repository yet: that would be one with hooks and configuration of the session's.
as_dev mkdir -p $home/empty
jail $home/empty
fails_with 'Operation not permitted' 'git init inside is refused' inside git init -q
check 'and nothing is left of it' [ ! -e $home/empty/.git ]
refused 'nor a .git file' inside sh -c "echo 'gitdir: /tmp' >.git"
control 'outside it works' as_dev git init -q $home/empty
unjail

# Linked work trees.
repository $home/main
git_as_dev $home/main worktree add -q -b linked $home/linked
as_dev cp -a $home/main $home/main.out
git_as_dev $home/main.out worktree add -q -f -b linked.out $home/linked.out
outside=$home/linked.out
jail $home/linked
daily_work linked
guarded $home/main/.git config hooks/post-commit HEAD
refused 'where it points to is not changed' inside sh -c "echo /tmp >$home/main/.git/worktrees/linked/commondir"
refused 'nor where it is' inside sh -c "echo /tmp >$home/main/.git/worktrees/linked/gitdir"
refused 'the main work tree is not the session'\''s' inside cat $home/main/a
unjail
is "$(git_as_dev $home/main log --format=%s -1 linked)" c.linked 'its commits are in the main repository'

# Submodules.
repository $home/lib
repository $home/super
git_as_dev $home/super submodule --quiet add $home/lib sub && git_as_dev $home/super commit -qm sub || bail 'no submodule'
as_dev cp -a $home/super $home/super.out
outside=$home/super.out/sub
for tree in super super.out; do
	git_as_dev $home/$tree/sub branch other HEAD~1
done
jail $home/super/sub
daily_work submodule
guarded $home/super/.git/modules/sub config hooks/post-commit
unjail
outside=$home/super.out
jail --ro $home/lib $home/super
works 'submodule update' 'git submodule --quiet update'
guarded .git/modules/sub hooks/post-commit
unjail

# What an earlier session may have planted.
as_dev mkdir -p $home/evil $home/private
repository $home/private/repo
git_as_dev $home/private/repo worktree add -q $home/private/wt
as_dev sh -c "echo 'gitdir: $home/private/repo/.git' >$home/evil/.git"
doubt=$(as_dev "$al" new $home/evil 2>&1 >/dev/null)
case $doubt in
*'does not point back here'*) ok 'a .git file that the other side does not confirm: it is said' ;;
*) not_ok 'a .git file that the other side does not confirm: it is said' "$doubt" ;;
esac
session=evil
refused 'and nothing is granted' inside cat $home/private/repo/.git/HEAD
unjail
as_dev sh -c "echo 'gitdir: $home/private/repo/.git/worktrees/wt' >$home/evil/.git"
jail $home/evil
refused "another work tree's" inside cat $home/private/repo/.git/worktrees/wt/HEAD
unjail
control 'outside all of it is read' as_dev cat $home/private/repo/.git/worktrees/wt/HEAD
# One that points back, but whose commondir leads elsewhere.
as_dev sh -c "mkdir -p $home/fake/worktrees/x && echo $home/evil/.git >$home/fake/worktrees/x/gitdir &&
	echo $home/private/repo/.git >$home/fake/worktrees/x/commondir && echo 'gitdir: $home/fake/worktrees/x' >$home/evil/.git"
jail $home/evil
refused 'a commondir that leads elsewhere' inside cat $home/private/repo/.git/HEAD
unjail
# Links in places that are guarded: a guard gives nothing.
as_dev sh -c "rm $home/evil/.git && cd $home/evil && git init -q . && mkdir -p .git/modules/m .claude && echo ref >.git/modules/m/HEAD &&
	ln -s $home/.ssh/id_ed25519 .git/modules/m/config && ln -s $home/.ssh .git/modules/m/hooks && rm -rf .git/hooks && ln -s $home/.ssh .git/hooks &&
	ln -s $home/.ssh .codex && ln -s $home/.ssh/id_ed25519 .envrc && ln -s $home/.ssh .git/modules/l"
jail $home/evil
for link in .git/modules/m/config .git/modules/m/hooks/id_ed25519 .git/hooks/id_ed25519 .codex/id_ed25519 .envrc .git/modules/l/id_ed25519; do
	refused "$link leads to a key: not read" inside cat $link
	control "outside $link is" as_dev cat $home/evil/$link
done
as_dev sh -c "echo new >$home/.ssh/config"
refused 'nor what comes to be there' inside cat $home/.ssh/config
unjail
# An include that lies in a project says nothing.
as_dev sh -c "git config --global --add include.path $home/plain/inc && printf '[include]\npath = $home/.ssh/id_ed25519\n' >$home/plain/inc"
jail $home/plain
refused 'what a file in a project includes' inside cat $home/.ssh/id_ed25519
unjail
as_dev sh -c "ln -sf $home/.ssh/id_ed25519 $home/plain/inc"
jail $home/plain
refused 'what a link in a project leads to' inside cat $home/.ssh/id_ed25519
unjail
# Hooks that are kept in the tree.
as_dev rm $home/plain/inc
git_as_dev $home/plain config core.hooksPath tools/hooks
as_dev mkdir -p $home/plain/tools/hooks
jail $home/plain
refused 'hooks that the tree keeps' inside touch tools/hooks/pre-commit
check 'what is beside them' inside touch tools/x
unjail
plan
