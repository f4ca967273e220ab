#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: each operation on files (fsops.c) is refused to a session outside its project and leaves
# nothing changed there, is allowed inside as it is without a session, and is allowed to everybody
# else; on each kind of file system, and the report counts each refusal once.
. ./tests/kernel/lib.sh

worked=' '	# operations that succeeded somewhere without a session
missing=' '	# ... that this kernel does not have

# Directories full of objects, all dev's but for c and d, which are root's: populate DIR.
populate() {
	mkdir -p "$1/free" "$1/project" && chown 1000:1000 "$1" "$1/free" "$1/project" &&
		as_dev "$bin/fsops" --prepare "$1/free/a" "$1/free/b" "$1/out" "$1/project" \
			"$1/project/a" "$1/project/b" &&
		"$bin/fsops" --prepare "$1/free/c" "$1/free/d" "$1/project/c" "$1/project/d"
}

# same NAME FREE IN: allowed where it was to be, as without a session.
same() {
	case $1 in
	never-*) out_of_bounds "$@" ;;
	*) [ "$3" = "$2" ] ;;
	esac
}

# out_of_bounds NAME FREE OUT: refused; what this file system can't do anyway may say so first.
out_of_bounds() {
	case $1 in
	free-*) [ "$3" = "$2" ] ;;
	*) [ "$3" = EPERM ] || { [ "$2" != ok ] && [ "$3" = "$2" ]; } ;;
	esac
}

# Is this refusal counted? Not that of reading by handle: the kernel asks for the same capability
# whenever root opens what its owner closed to others, and then for another one.
is_counted() {
	[ "$3" = EPERM ] && [ "$2" != EPERM ] && [ "$1" != never-open-by-handle ]
}

# compare FILESYSTEM: what the three runs said, operation by operation. Sets expected and
# expected_in: how many refusals that makes.
compare() {
	expected=0 expected_in=0
	paste -d ' ' "$work/free" "$work/out" "$work/in" >"$work/runs"
	while read -r name free _ out _ in; do
		is_counted "$name" "$free" "$out" && expected=$((expected + 1))
		is_counted "$name" "$free" "$in" && expected_in=$((expected_in + 1))
		case $free in
		ok) worked="$worked$name " ;;
		ENOSYS) missing="$missing$name " ;;
		esac
		promise="$1: $name: $free without a session, $out outside, $in inside"
		if same "$name" "$free" "$in" && out_of_bounds "$name" "$free" "$out"; then
			ok "$promise"
		else
			not_ok "$promise"
		fi
	done <"$work/runs"
}

# Overlayfs copies a directory up before anybody is asked whether an O_TMPFILE may be made in it. It
# is the same directory as before to all who look at it, but for its link count and ctime.
fingerprint_of() {
	"$bin/fingerprint" "$1/out" >"$work/fingerprint.$2" || note "$1/out cannot be read"
	case $1 in
	*/overlay) sed -i '/\/out 40/d; /\/open-tmpfile 40/d' "$work/fingerprint.$2" ;;
	esac
}

unchanged() {
	fingerprint_of "$2" after
	if [ -s "$work/fingerprint.before" ] &&
		cmp -s "$work/fingerprint.before" "$work/fingerprint.after"; then
		ok "$1: nothing outside has changed"
	else
		not_ok "$1: nothing outside has changed" \
			"$(diff "$work/fingerprint.before" "$work/fingerprint.after" | head -n 20)"
	fi
}

# examine FILESYSTEM DIR: DIR was populated; as dev. Those without a session run while there is one.
# One of the operations needs a user namespace.
examine() {
	jail --name "on-$1" --policy "$userns" "$2/project"
	fingerprint_of "$2" before
	inside "$bin/fsops" "$2/project" "$2/out" >"$work/out"
	unchanged "$1" "$2"
	counted=$(refusals)
	inside "$bin/fsops" "$2/project/a" "$2/project/b" >"$work/in"
	counted_in=$(refusals)
	as_dev "$bin/fsops" "$2/free/a" "$2/free/b" >"$work/free"
	compare "$1"
	is "$counted" "$expected" "$1: the report counts each refusal once"
	is "$counted_in" "$counted" "$1: the report counts none inside"
}

# ... and what takes root: on the objects that are still there.
examine_as_root() {
	fingerprint_of "$2" before
	counted_before=$(refusals)
	inside_as_root "$bin/fsops" --root "$2/project" "$2/out" >"$work/out"
	unchanged "$1, as root" "$2"
	counted=$(refusals)
	inside_as_root "$bin/fsops" --root "$2/project/a" "$2/project/b" >"$work/in"
	counted_in=$(refusals)
	"$bin/fsops" --root "$2/free/a" "$2/free/b" >"$work/free"
	compare "$1"
	is $((counted - counted_before)) "$expected" "$1, as root: the report counts each refusal once"
	is $((counted_in - counted)) "$expected_in" "$1, as root: and so it does inside"
	examine_all_as_root "$@"
}

# What takes no root works for root as well. One of it asks for more first, and goes on without:
# fanotify, for a group that may watch everything. That is counted each time.
examine_all_as_root() {
	"$bin/fsops" "$2/free/c" "$2/free/d" >"$work/free"
	counted_before=$(refusals)
	inside_as_root "$bin/fsops" "$2/project/c" "$2/project/d" >"$work/in"
	counted=$(refusals)
	inside_as_root "$bin/fsops" --only watch-fanotify "$2/project/d" >/dev/null
	counted_in=$(refusals)
	check "$1, as root: every other operation is allowed inside" diff "$work/free" "$work/in"
	is $((counted - counted_before)) $((counted_in - counted)) \
		"$1, as root: the report counts none of them"
}

examine_both() {
	examine "$@"
	examine_as_root "$@"
	unjail
}

# Standard input crosses the border open. Neither a wider right nor another object comes of it.
examine_inherited() {
	jail --name inherited "$1/project"
	for name in ftruncate reopen open-at dnotify; do
		object=$1/out/inherited-$name
		case $name in
		ftruncate | reopen) object=$object/f ;;
		esac
		run_inherited inside "$object" "$1/out"
		is "$answer" "inherited-$name EPERM" "inherited: $name is refused"
		run_inherited as_dev "$object" "$1/out"
		is "$answer" "inherited-$name ok" "control: inherited: $name"
	done
	unjail
}

run_inherited() {
	if [ -d "$2" ]; then
		answer=$("$1" "$bin/fsops" --only "inherited-$name" "$3" <"$2")
	else
		answer=$("$1" "$bin/fsops" --only "inherited-$name" "$3" <>"$2")
	fi
}

# Two subvolumes give the same numbers to different files, and the kernel one s_dev to both.
examine_subvolumes() {
	for volume in one two; do
		btrfs -q subvolume create "$1/$volume" && mkdir "$1/$volume/dir" &&
			echo f >"$1/$volume/dir/f" && mkdir "$1/$volume/dir/deep" &&
			echo g >"$1/$volume/dir/deep/g"
	done
	chown -R 1000:1000 "$1/one" "$1/two"
	# shellcheck disable=SC2046 # four numbers
	set -- "$1" "$2" $(stat -c %i "$1/two/dir" "$1/one/dir" "$1/two/dir/f" "$1/one/dir/f")
	is "$3" "$4" 'subvolumes: the twins have one number'
	is "$5" "$6" 'subvolumes: so have their files'
	jail --name subvolume "$1/one/dir"
	verdicts <<-END
		ok read $1/one/dir/f
		ok list $1/one/dir
		EPERM read $1/two/dir/f # its directory has the number of the project
		EPERM list $1/two/dir
		EPERM write $1/two/dir/deep/g
	END
	unjail
	jail --name subvolume-file --rw "$1/one/dir/f" "$2"
	verdicts <<-END
		ok read $1/one/dir/f # a rule on a file
		EPERM read $1/two/dir/f # its twin has the same number
	END
	unjail
	jail --name subvolume-deny --rw "$1/one/dir" --deny "$1/one/dir/deep" "$2"
	verdicts <<-END
		ok read $1/one/dir/f
		EPERM read $1/one/dir/deep/g
		EPERM read $1/two/dir/f
	END
	unjail
}

on_overlay_root() {
	populate /home/dev/root && examine_both overlay-root /home/dev/root &&
		examine_inherited /home/dev/root
}

# Also once before there is any session.
on_tmpfs() {
	mkdir "$work/tmpfs" && mount -t tmpfs tmpfs "$work/tmpfs" && populate "$work/tmpfs" || return
	mkdir -m 777 "$work/tmpfs/control" &&
		as_dev "$bin/fsops" --prepare "$work/tmpfs/control/a" "$work/tmpfs/control/b" &&
		as_dev "$bin/fsops" "$work/tmpfs/control/a" "$work/tmpfs/control/b" >"$work/control"
	examine tmpfs "$work/tmpfs"
	check 'tmpfs: the same works before there is a session' cmp "$work/control" "$work/free"
	examine_as_root tmpfs "$work/tmpfs"
	unjail
}

on_ext4() {
	mount_image ext4 ext4 256M && populate "$work/ext4" && examine_both ext4 "$work/ext4"
}

on_xfs() {
	mount_image xfs xfs 320M && populate "$work/xfs" && examine_both xfs "$work/xfs"
}

on_btrfs() {
	mount_image btrfs btrfs 256M && btrfs -q subvolume create "$work/btrfs/volume" &&
		populate "$work/btrfs/volume" && examine_both btrfs "$work/btrfs/volume" &&
		examine_subvolumes "$work/btrfs" "$work/btrfs/volume/project"
}

# All objects are in the lower layer: inside, too, the first change copies them up.
on_overlay() {
	layers=$work/layers
	mount_image layers ext4 256M && mkdir "$layers/upper" "$layers/work" "$work/overlay" &&
		populate "$layers/lower" && chown 1000:1000 "$layers/upper" &&
		mount -t overlay overlay "$work/overlay" -o \
			"lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work" &&
		examine_both overlay "$work/overlay"
}

# Mounted inside the project before the session is made: in bounds.
on_mount_below() {
	below=/home/dev/mounted/project/mnt
	mount_image below ext4 256M && umount "$work/below" && mkdir -p "$below" &&
		mount -o loop "$work/below.img" "$below" && populate "$below" &&
		chown -R 1000:1000 /home/dev/mounted || return
	as_dev "$bin/fsops" "$below/free/a" "$below/free/b" >"$work/free"
	jail --name mounted --policy "$userns" /home/dev/mounted/project
	inside "$bin/fsops" "$below/project/a" "$below/project/b" >"$work/in"
	check 'mounted below: every operation is allowed in it' diff "$work/free" "$work/in"
	is "$(refusals)" 0 'mounted below: nothing is refused'
	unjail
	umount "$below"
}

begin
# shellcheck disable=SC2048
for filesystem in ${*:-overlay_root tmpfs ext4 xfs btrfs overlay mount_below}; do
	before=$tap_count
	"on_$filesystem"
	[ "$tap_count" -gt "$before" ] ||
		skip "$filesystem" "it cannot be made here: $(tail -n 1 "$work/mkfs.log" 2>/dev/null)"
done

# An operation that works nowhere proves nothing.
[ $# -gt 0 ] || for name in $("$bin/fsops" --list | grep -v '^inherited'); do
	case $worked$missing in
	*" $name "*) ;;
	*) not_ok "$name is possible on some file system here" ;;
	esac
done
plan
