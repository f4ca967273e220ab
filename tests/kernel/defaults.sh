#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: each rule of conf/agent-lock.ini does what it says: the kernel answers with that very line, and what it grants or
# refuses inside is granted or refused. What is not on this machine is made for it. That none is missing is the unit
# test's business (test_defaults.c); profiles, caches and the environment have tests of their own.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# Each rule on a line: its number in the file, the right, the path.
rules() {
	grep -nE '^(ro|rw|list|connect|deny|hide|scratch|guard|state) = ' conf/agent-lock.ini |
		sed -e "s,~/,$home/,; s,\${PROJECT},$project," -e 's/^\([0-9]*\):\([a-z]*\) = /\1 \2 /'
}

# Put something where a rule wants it; what was made is in $work/made, the deepest first.
provide() {
	[ ! -e "$1" ] && [ ! -L "$1" ] || return 0
	missing=$1
	while [ ! -e "${missing%/*}/" ]; do
		missing=${missing%/*}
	done
	mkdir -p "${1%/*}/" && echo "# made" >"$1" && echo "$missing" >>"$work/made"
	[ "$1" != /etc/ld.so.preload ] || : >"$1" # the loader would say so
}

# answer RIGHT: how why begins
answer() {
	case $1 in
	ro | list | guard) echo 'may be read, not written' ;;
	rw | state) echo 'may be read and written' ;;
	connect) echo 'may be connected to' ;;
	deny) echo refused ;;
	hide) echo 'refused, as if it were not there' ;;
	scratch) echo 'holds what the session put there; refused itself' ;;
	esac
}

# Reads each path on stdin and says so: as root, whom nothing else refuses.
# shellcheck disable=SC2016
reader='while read -r path; do
	if [ -d "$path" ]; then ls "$path"; else head -c 1 "$path"; fi >/dev/null 2>&1 && echo "read $path" || echo "not $path"
done'

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev git init -q $project
: >"$work/made"
mkdir -p /etc/agent-lock
rules >"$work/rules"
sort -rk 3 "$work/rules" >"$work/deepest"
while read -r _ _ path; do
	case $path in
	/proc/* | /sys/* | /run/agent-lock/* | */.git/commondir) ;; # a commondir would make it no repository
	*) provide "$path" ;;
	esac
done <"$work/deepest"
chown -R dev:dev $home
jail $project
while read -r number right path; do
	case $path in
	*/.git/commondir) path=$project/.git/commondir wanted='is not there, and may not be made' ;;
	*) wanted=$(answer "$right") ;;
	esac
	[ -e "$path" ] || [ ! "${wanted#is not there}" = "$wanted" ] || {
		skip "line $number: $right $path" 'it is not on this machine, and cannot be made'
		continue
	}
	said=$("$al" why "$session" "$path" | head -n 1)
	case $said in
	*": $wanted: $right "*"agent-lock.ini:$number)") ok "line $number: $right $path" ;;
	*": $wanted: $right $path (git)") ok "line $number: $right $path, where there is git by that" ;;
	*) not_ok "line $number: $right $path" "$said" "wanted: $wanted, by that line" ;;
	esac
done <"$work/rules"

# The acts.
awk '$2 == "ro" || $2 == "list" || $2 == "guard" { print $3 }' "$work/rules" | grep -v commondir >"$work/readable"
inside_as_root sh -c "$reader" <"$work/readable" >"$work/got"
is "$(grep '^not ' "$work/got")" '' 'what may be read is read'
is "$(grep -c '^read ' "$work/got")" "$(grep -c . "$work/readable")" 'all of it'
awk '$2 == "deny" || $2 == "connect" { print $3 }' "$work/rules" >"$work/refused"
inside_as_root sh -c "$reader" <"$work/refused" >"$work/got"
is "$(grep '^read ' "$work/got")" '' 'what is denied is not, nor what may only be connected to'
sh -c "$reader" <"$work/refused" >"$work/got"
is "$(grep '^not ' "$work/got" | grep -v '/socket$\|/inside$\|Resolve$')" '' 'control: outside it is read'

# Without them: none of it.
unjail
printf '[sensitive]\npath = none\n' >"$work/none.ini"
mv /etc/agent-lock/agent-lock.ini "$work/kept.ini" 2>/dev/null
cp "$work/none.ini" /etc/agent-lock/agent-lock.ini
session=$(as_dev "$al" new $project 2>"$work/new.log") || not_ok 'a session without any' "$(cat "$work/new.log")"
while read -r _ right path; do
	case $right in
	ro | list | scratch | connect) ;;
	*) continue ;;
	esac
	[ -e "$path" ] || continue
	said=$("$al" why "$session" "$path" 2>&1 | head -n 1)
	case $said in
	*': refused: no rule' | *' (git)') ;;
	*) echo "$said" ;;
	esac
done <"$work/rules" >"$work/other"
is "$(cat "$work/other")" '' 'control: without the file none of it is granted'
rm /etc/agent-lock/agent-lock.ini
[ ! -e "$work/kept.ini" ] || mv "$work/kept.ini" /etc/agent-lock/agent-lock.ini
unjail
sort -u "$work/made" | while read -r path; do
	rm -rf "$path"
done
plan
