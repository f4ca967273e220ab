#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: no known way out works, neither for an ordinary user nor for root; each was shown to work
# outside first, and the log tells of it. The ways are in tests/adversary, a function each. One that
# cannot be shown on a kernel is listed here, so that none loses its proof unnoticed.
. ./tests/kernel/lib.sh
. ./tests/adversary/ground.sh

# KERNEL|* USER|* ID REASON
without_control=$(cat tests/adversary/without-control)

expected() {
	release=$(uname -r)
	printf '%s\n' "$without_control" | while read -r kernel who id _; do
		case $release/$1/$2 in
		$kernel/$who/$id) echo yes ;;
		esac
	done
}

# tell WHO < what the program printed
tell() {
	while read -r verdict rest; do
		case $verdict in
		blocked | works) ok "as $1: $verdict $rest" ;;
		LEAKED | BROKEN) not_ok "as $1: $verdict $rest" ;;
		no)
			id=${rest#control }
			id=${id%% *}
			if [ "$(expected "$1" "$id")" ]; then
				note "as $1: no $rest"
			else
				not_ok "as $1: has a control: $rest"
			fi
			;;
		*) note "as $1: $verdict $rest" ;;
		esac
	done <"$work/said"
}

begin
ground
for who in dev root; do
	adversary $who >"$work/said" 2>&1
	status=$?
	tell $who
	is $status 0 "as $who: nothing leaked"
	check "as $who: it came to its end" grep -q '^[0-9]* blocked, 0 leaked, [0-9]* without control' \
		"$work/said"
done
check 'doctor --adversary tries it on this machine' \
	sh -c '"$0" doctor --adversary F01 >"$1" && grep -q "^blocked .*F01" "$1"' "$al" "$work/said"
plan
