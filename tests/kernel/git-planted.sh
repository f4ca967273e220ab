#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: no file of a repository, or in the place of one, that an earlier session may have written brings
# a right; nor does it keep what would run something from being guarded, or new from coming to an end.
. ./tests/kernel/lib.sh

home=/home/dev

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev mkdir -p $home/.ssh
as_dev sh -c "echo secret >$home/.ssh/id_ed25519 && git config --global user.name dev && git config --global user.email dev@x &&
	git config --global init.defaultBranch main"
repository $home/plain

# What an earlier session may have planted.
as_dev mkdir -p $home/evil $home/private
repository $home/private/repo
git_as_dev $home/private/repo worktree add -q $home/private/wt
as_dev sh -c "echo 'gitdir: $home/private/repo/.git' >$home/evil/.git"
doubt=$(as_dev "$al" new $home/evil 2>&1 >/dev/null)
case $doubt in
*'not given, as it does not point back here'*) ok 'a .git file that the other side does not confirm: it is said' ;;
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
# What two sessions could make up together: places of one that pass for a repository of the other's. Each file
# that is asked for is there, and what is beside them is what the first session was denied.
as_dev sh -c "mkdir -p $home/src/other $home/src/a/wt && echo mine >$home/src/other/notes && cd $home/src/a &&
	echo $home/evil/.git >wt/gitdir && echo ../.. >wt/commondir && echo ref >wt/HEAD && echo 'gitdir: $home/src/a/wt' >$home/evil/.git"
not_given() {
	doubt=$(as_dev "$al" new --ro "$bin" $home/evil 2>&1 >"$work/name")
	session=$(cat "$work/name")
	case $doubt in
	*'not given'*) ok "$1: it is said" ;;
	*) not_ok "$1: it is said" "$doubt" ;;
	esac
	shift
	for file; do
		refused "$file is not given" inside cat "$file"
		control "outside it is read" as_dev cat "$file"
	done
	unjail
}
not_given 'a directory two levels below all projects' $home/src/other/notes
# The project itself dressed up as a submodule's repository: its own .git would lie in it.
as_dev sh -c "cd $home/src/a && rm -r wt && git init -q && echo secret >.env && mkdir objects refs && echo ref >HEAD &&
	git config -f config core.worktree $home/evil && echo 'gitdir: $home/src/a' >$home/evil/.git"
not_given 'a project that passes for a repository' $home/src/a/.env $home/src/a/.git/config
as_dev sh -c "cd $home/src/a && mkdir modules && mkdir modules/m && mv objects refs HEAD config modules/m && echo secret >modules/m/.env &&
	echo 'gitdir: $home/src/a/modules/m' >$home/evil/.git"
not_given 'a directory of a project that passes for one of a repository' $home/src/a/modules/m/.env
as_dev sh -c "cd $home/src/a && cp -r modules/m/objects modules/m/refs modules/m/HEAD . && echo >config && mkdir -p worktrees/x && cd worktrees/x &&
	echo $home/evil/.git >gitdir && echo ../.. >commondir && echo ref >HEAD && echo 'gitdir: $home/src/a/worktrees/x' >$home/evil/.git"
not_given 'a project that passes for a main repository' $home/src/a/.env
# The user means it: what would run something is guarded all the same.
as_dev sh -c "echo 'gitdir: $home/private/repo/.git' >$home/evil/.git"
jail --rw $home/private/repo/.git $home/evil
check 'with --rw it is given' inside git -c core.worktree=$home/evil status --short
refused 'but for its hooks' inside touch $home/private/repo/.git/hooks/pre-commit
refused 'and its configuration' inside sh -c "echo >>$home/private/repo/.git/config"
unjail
# Files that are no files: none of them holds new up.
for kind in 'mkfifo .git' 'ln -s /dev/zero .git' 'ln -s /proc/self/mem .git' 'truncate -s 1G .git' "echo 'gitdir: $home/evil/loop' >.git && ln -sf loop loop" \
	"printf 'gitdir: \\033[31m\\n\\033[0m\\n' >.git" "mkdir -p r/objects r/refs && touch r/HEAD && mkfifo r/config && echo 'gitdir: r' >.git" ': >.git'; do
	as_dev sh -c "cd $home/evil && rm -rf .git r loop && $kind" || not_ok "made: $kind"
	check "new is not held up by: $kind" timeout 20 "$bin/become" 1000 env HOME=$home "$al" new --name odd $home/evil
	case $check_said in
	*"$(printf '\033')"*) not_ok 'it prints what is in it' ;;
	esac
	"$al" destroy odd >/dev/null 2>&1
done
# More submodules than are looked at, and names that hide one: all of it is guarded.
as_dev sh -c "rm -rf $home/many && mkdir $home/many && cd $home/many && git init -q && mkdir -p .git/modules && cd .git/modules && for i in 1 2 3; do
	for j in 1 2 3 4 5 6 7 8 9 0; do for k in 1 2 3 4 5 6 7 8 9 0; do mkdir a\$i\$j\$k && echo ref >a\$i\$j\$k/HEAD; done; done; done &&
	for m in .dot group/sub z; do mkdir -p \$m/hooks && echo ref >\$m/HEAD; done && echo ref >group/HEAD"
jail $home/many
for module in .dot group/sub z a111; do
	refused "of many, $module has no hook put into it" inside sh -c "mkdir -p .git/modules/$module/hooks && touch .git/modules/$module/hooks/pre-commit"
done
unjail
as_dev sh -c "cd $home/many/.git/modules && rm -rf a*"
jail $home/many
for module in .dot group/sub z; do
	refused "of few, $module has no hook put into it" inside touch .git/modules/$module/hooks/pre-commit
done
check 'what is beside them is free' inside sh -c 'echo ref >.git/modules/z/HEAD'
unjail
# Configuration that the repository's own includes from the work tree.
as_dev sh -c "cd $home/many && git config include.path ../.gitconfig && git config --file .gitconfig include.path more.inc && git config core.hooksPath $home/many/tools/hooks"
jail $home/many
for file in .gitconfig more.inc tools/hooks/pre-commit; do
	refused "$file in the tree is not written, as the configuration names it" inside sh -c "mkdir -p tools/hooks; echo '[core]' >>$file"
done
control 'outside it is' as_dev sh -c "cd $home/many && echo >>.gitconfig && echo >>more.inc && mkdir -p tools/hooks && touch tools/hooks/pre-commit"
unjail
as_dev sh -c "rm -rf $home/evil && mkdir $home/evil"

# Links in places that are guarded: a guard gives nothing.
as_dev sh -c "cd $home/evil && git init -q . && mkdir -p .git/modules/m .claude && echo ref >.git/modules/m/HEAD &&
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
plan
