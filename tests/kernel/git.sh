#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: git works in a session, in a repository, in a linked work tree and in a submodule whose
# repositories lie outside the project; and what a session leaves in a repository runs nothing later.
. ./tests/kernel/lib.sh

home=/home/dev

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

# With a remote: what is written to its configuration is refused, nothing half made stays, and the rest goes on.
repository $home/upstream
git_as_dev $home/plain remote add origin $home/upstream
git_as_dev $home/plain config extensions.worktreeConfig true
git_as_dev $home/plain config --worktree core.commitGraph true
as_dev cp -a $home/plain $home/plain.remote
cp $home/plain/.git/config $home/plain/.git/config.worktree "$work"
outside=$home/plain.remote
jail --ro $home/upstream $home/plain
works 'fetch from a path' 'git fetch -q origin && git rev-parse -q --verify origin/other'
works 'with configuration of the work tree: status, commit' 'git status --short && echo w >>a && git commit -qam w'
says=$(inside git checkout -b tracks origin/other 2>&1)
note "git checkout -b tracks origin/other: $?" "$says"
case $says in
*'Operation not permitted'*) ok 'a branch that would track: git says what was refused' ;;
*) not_ok 'a branch that would track: git says what was refused' "$says" ;;
esac
check 'without tracking it is made' inside git checkout -q --no-track -b tracks-not origin/other
control 'outside it tracks' git_as_dev $home/plain.remote checkout -q -b tracks origin/other
# Whatever it ends with: some of these git counts as done.
for command in 'config user.name x' 'remote add other /nowhere' 'remote set-url origin /nowhere' 'branch --set-upstream-to=origin/main' \
	'config --worktree core.commitGraph false' 'sparse-checkout set sub' "submodule --quiet add $home/upstream sub"; do
	says=$(inside sh -c "git checkout -q main && git $command" 2>&1)
	case $says in
	*'Operation not permitted'*) ok "git $command: git says what was refused" ;;
	*) not_ok "git $command: git says what was refused" "$says" ;;
	esac
	check 'nothing is written' sh -c "cmp '$work/config' $home/plain/.git/config && cmp '$work/config.worktree' $home/plain/.git/config.worktree"
	check 'no lock of it stays' sh -c "! find $home/plain/.git -name '*.lock' | grep ."
	control "git $command" as_dev sh -c "cd $home/plain.remote && git checkout -q main && git $command"
done
control 'outside all that is written' sh -c "! cmp '$work/config' $home/plain.remote/.git/config && ! cmp '$work/config.worktree' $home/plain.remote/.git/config.worktree"
unjail
control "outside the repository's configuration can be written afterwards" git_as_dev $home/plain config user.name dev
git_as_dev $home/plain remote remove origin

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
git_as_dev $home/main worktree add -q -b second $home/second
as_dev cp -a $home/main $home/main.out
git_as_dev $home/main.out worktree add -q -f -b linked.out $home/linked.out
outside=$home/linked.out
jail $home/linked
daily_work linked
guarded $home/main/.git config hooks/post-commit HEAD
refused 'where it points to is not changed' inside sh -c "echo /tmp >$home/main/.git/worktrees/linked/commondir"
refused 'nor where it is' inside sh -c "echo /tmp >$home/main/.git/worktrees/linked/gitdir"
refused 'the main work tree is not the session'\''s' inside cat $home/main/a
refused 'the .git file is not written' inside sh -c 'echo "gitdir: /tmp" >.git'
refused 'nor removed' inside rm -f .git
refused 'nor replaced by a repository of its own' inside sh -c 'mkdir g && mv -T .git g/old; mkdir .git'
for file in HEAD index gitdir commondir config.worktree; do
	refused "another work tree's $file is not written" inside sh -c "echo x >>$home/main/.git/worktrees/second/$file"
	control "outside it is" as_dev sh -c "cp -a $home/main/.git/worktrees/second $home/copy && echo x >>$home/copy/$file && rm -r $home/copy"
done
check 'nor is it in the way' inside git worktree list
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

# A clone whose submodules were not fetched yet, and a work tree of the session's own project.
as_dev git clone -q $home/super $home/fresh
as_dev git clone -q $home/super $home/fresh.out
git_as_dev $home/fresh worktree add -q $home/fresh/inner
jail --ro $home/lib --ro $home/super $home/fresh
refused 'git submodule update --init' inside git submodule --quiet update --init
check 'no lock of it stays' sh -c "! find $home/fresh/.git -name '*.lock' | grep ."
control 'git submodule update --init' git_as_dev $home/fresh.out submodule --quiet update --init
check 'git goes on' inside git status --short
check 'in the inner work tree, too' inside sh -c 'cd inner && echo i >i && git add i && git commit -qm i'
refused 'which is not removed' inside git worktree remove inner
unjail
jail --ro $home/lib --ro $home/super --rw $home/fresh/.git/config $home/fresh
check 'git submodule update --init with --rw .git/config' inside git submodule --quiet update --init
unjail

# Hooks that are kept in the tree.
git_as_dev $home/plain config core.hooksPath tools/hooks
as_dev mkdir -p $home/plain/tools/hooks
jail $home/plain
refused 'hooks that the tree keeps' inside touch tools/hooks/pre-commit
check 'what is beside them' inside touch tools/x
unjail
plan
