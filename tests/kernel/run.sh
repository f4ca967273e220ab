#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [NAME]... - runs the kernel tests, all or those named, one after the other; as root in a
# guest, from the checkout: ci/vm -k 6.12 -- sh tests/kernel/run.sh. Each line of a test begins
# with the test's name. A test that ends without its plan, or not with as many results as planned,
# has one failure more.
#
#   MUST=1            a skipped check is a failed one
#   TEST_TIMEOUT=1500 seconds for one test

set -u
cd "$(dirname "$0")/../.." || exit
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

# A test is what says how it wants to be run: lib.sh does not.
is_test() {
	read -r first_line <"$1"
	[ "$first_line" = '#!/bin/sh' ] && [ "${1##*/}" != run.sh ]
}

# run NAME: what a test leaves running may hold its end of the pipe, so the last line ends it.
run() {
	began=$(date +%s)
	{
		timeout -k 10 "${TEST_TIMEOUT:-1500}" sh "tests/kernel/$1.sh" 2>&1 </dev/null
		echo "status of the test: $?"
	} | {
		passed=0 failed=0 skipped=0 planned='' status=''
		while IFS= read -r line; do
			case $line in
			'status of the test: '*) status=${line##* } && break ;;
			'ok '*' # SKIP '*) skipped=$((skipped + 1)) ;;
			'ok '*) passed=$((passed + 1)) ;;
			'not ok '*) failed=$((failed + 1)) ;;
			'1..'*) planned=${line#1..} ;;
			esac
			printf '%s: %s\n' "$1" "$line"
		done
		judge "$1"
	}
}

judge() {
	if [ "$planned" != $((passed + failed + skipped)) ]; then
		failed=$((failed + 1))
		echo "$1: not ok - it ended before its end, with status $status"
	elif [ "$status" != 0 ] && [ $failed = 0 ]; then
		failed=$((failed + 1))
		echo "$1: not ok - it ended with status $status"
	fi
	echo "# $1: $passed passed, $failed failed, $skipped skipped, in $(($(date +%s) - began)) s"
	echo "$passed $failed $skipped" >>"$counts"
}

if [ $# -eq 0 ]; then
	for file in tests/kernel/*.sh; do
		name=${file##*/}
		! is_test "$file" || set -- "$@" "${name%.sh}"
	done
fi
more=$#
for name in "$@"; do
	more=$((more - 1))
	MORE=${more#0} run "$name"
done
all_passed=0 all_failed=0 all_skipped=0
while read -r passed failed skipped; do
	all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed))
	all_skipped=$((all_skipped + skipped))
done <"$counts"
echo "$all_passed passed, $all_failed failed, $all_skipped skipped"
[ $all_failed -eq 0 ] && [ $all_passed -gt 0 ]
