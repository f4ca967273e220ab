#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: when memory is short and the kernel forgets inodes, and with them their marks, no allowed
# path becomes refused while the daemon lives, and none outside is ever allowed. While it is dead what
# is allowed may be refused; what a rule takes away stays refused even then.
. ./tests/kernel/lib.sh

files=20000

# Of the file system that the session is about: how many inodes the kernel has in memory.
inodes() {
	awk '$1 == "ext4_inode_cache" { print $2 }' /proc/slabinfo
}

# Look at so many files that forgetting them is worth it.
fill() {
	find "$disk/many" -type f -size +1M
	filled=$(inodes)
}

forget() {
	sync
	for i in 1 2 3; do echo 2 >/proc/sys/vm/drop_caches; done
	check "$1: inodes were forgotten ($filled before, $(inodes) after)" \
		[ "$(inodes)" -lt $((filled / 10)) ]
}

# Takes all memory that there is but for a little, in steps, and gives it back. Killed first, if need be.
hog() {
	python3 -ISc '
import sys
open("/proc/self/oom_score_adj", "w").write("1000")
def available():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable"):
            return int(line.split()[1])
held = []
while available() > 60000:
    held.append(b"x" * (16 << 20))
for i in range(20):
    held.append(b"x" * (1 << 20))
'
}

# What is asked: WANTED VERB ARG..., as for verdicts(). $1 takes the place of what is allowed.
asked() {
	cat <<-END
		$1 read $disk/work/file
		$1 read $disk/work/a/b/c/file
		$1 list $disk/work/a
		$1 write $disk/work/file
		$1 read $disk/granted/a/file
		EPERM write $disk/granted/a/file
		EPERM read $disk/work/denied/file
		EPERM read $disk/work/a/key
		ENOENT read $disk/work/hidden
		EPERM write $disk/work/a/kept/file
		EPERM read $disk/outside/a/file
		EPERM list $disk/outside
		EPERM read $disk/work/link
		EPERM read $disk/work/../outside/a/file
		EPERM create $disk/outside/new-$2
	END
}

answers() {
	[ "$(grep -c . "$work/answers")" = "$answers" ]
}

# ask WHEN ALLOWED: who is in the session since before.
ask() {
	: >"$work/promises"
	asked "$2" "$1" >"$work/promises"
	while read -r wanted line; do
		echo "$line" >&7
		answers=$((answers + 1))
	done <"$work/promises"
	wait_for answers || note "it does not answer: $(tail -n 1 "$work/answers")"
	tail -n "$(grep -c . "$work/promises")" "$work/answers" >"$work/got"
	exec 5<"$work/got"
	while read -r wanted line; do
		read -r got <&5
		case /$wanted/ in
		*/"$got"/*) ok "$1: $line: $got" ;;
		*) not_ok "$1: $line" "got: $got" "wanted: $wanted" ;;
		esac
	done <"$work/promises"
	exec 5<&-
}

begin
disk=$work/disk
mount_image disk ext4 256M -N 40000 || bail "no ext4: $(cat "$work/mkfs.log")"
mkdir -p "$disk/work/a/b/c" "$disk/work/a/kept" "$disk/work/denied" "$disk/granted/a" \
	"$disk/outside/a" "$disk/many"
for file in work/file work/a/b/c/file work/a/key work/a/kept/file work/denied/file work/hidden \
	granted/a/file outside/a/file; do
	echo text >"$disk/$file"
done
ln -s ../outside/a/file "$disk/work/link"
chown -R 1000:1000 "$disk"
(cd "$disk/many" && seq $files | xargs touch)
cd "$work" || bail 'no directory'
jail --ro "$disk/granted" --ro "$disk/work/a/kept" --deny "$disk/work/denied" \
	--deny "$disk/work/a/key" --hide "$disk/work/hidden" "$disk/work"
mkfifo "$work/questions"
: >"$work/answers" && answers=0
(
	export HOME=/home/dev USER=dev LOGNAME=dev
	exec "$bin/become" 1000 "$al" exec "$session" -- "$bin/try" <"$work/questions" \
		>"$work/answers" 2>/dev/null
) &
exec 7>"$work/questions"
asked ok control >"$work/all"
verdicts <"$work/all" # with the control that all of it works outside
rm -f "$disk/outside/new-control"
ask 'before' ok
fill
hog
forget 'memory taken'
ask 'after memory was short' ok
verdicts <"$work/all"
rm -f "$disk/outside/new-control"
fill
daemon_stop KILL
forget 'the daemon is dead'
ask 'dead' ok/EPERM
fill
hog
forget 'dead, memory taken'
ask 'dead, after memory was short' ok/EPERM
daemon_start
ask 'alive again' ok
verdicts <"$work/all"
rm -f "$disk/outside/new-control"
exec 7>&-
unjail
cd "$top" && umount -l "$disk"
plan
