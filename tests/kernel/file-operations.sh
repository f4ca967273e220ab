#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: each operation on files (fsops.c) is refused to a session outside its project and leaves nothing changed there,
# is allowed inside as it is without a session, and is allowed to everybody else; on each kind of file system, and
# the report counts each refusal once.
. ./tests/kernel/lib.sh

worked=' '	# operations that succeeded somewhere without a session
missing=' '	# ... that this kernel does not have

# Eight directories full of objects, all dev's.
populate() {
	mkdir -p "$1/control" "$1/while" "$1/project" &&
		chown 1000:1000 "$1" "$1/control" "$1/while" "$1/project" &&
		as_dev "$bin/fsops" --prepare "$1/control/a" "$1/control/b" "$1/while/a" "$1/while/b" "$1/out" "$1/project" \
			"$1/project/a" "$1/project/b"
}

# same NAME CONTROL IN WHILE: allowed where it was to be, as without a session.
same() {
	case $1 in
	# Root inside has no capabilities but those that file ownership needs.
	root-chown) [ "$3" = "$2" ] ;;
	root-*) [ "$3" = "$2" ] || [ "$3" = EPERM ] ;;
	never-*) [ "$3" = EPERM ] ;;
	*) [ "$3" = "$2" ] ;;
	esac && [ "$4" = "$2" ]
}

# out_of_bounds NAME CONTROL OUT: refused; what this file system can't do anyway may say so first.
out_of_bounds() {
	case $1 in
	free-*) [ "$3" = "$2" ] ;;
	*) [ "$3" = EPERM ] || { [ "$2" != ok ] && [ "$3" = "$2" ]; } ;;
	esac
}

# compare FILESYSTEM: what the four runs said, operation by operation. Sets expected: how many refusals that makes.
compare() {
	expected=0
	paste -d ' ' "$work/control" "$work/out" "$work/in" "$work/while" >"$work/runs"
	while read -r name without _ out _ in _ while; do
		[ "$out" = EPERM ] && [ "$without" != EPERM ] && expected=$((expected + 1))
		case $without in
		ok) worked="$worked$name " ;;
		ENOSYS) missing="$missing$name " ;;
		esac
		promise="$1: $name: $without without a session, $out outside, $in inside"
		if same "$name" "$without" "$in" "$while" && out_of_bounds "$name" "$without" "$out"; then
			ok "$promise"
		else
			not_ok "$promise" "to others meanwhile: $while"
		fi
	done <"$work/runs"
}

fingerprint_of() {
	"$bin/fingerprint" "$1" >"$work/fingerprint.$2" || note "$1 cannot be read"
}

unchanged() {
	if [ -s "$work/fingerprint.before" ] && cmp -s "$work/fingerprint.before" "$work/fingerprint.after"; then
		ok "$1"
	else
		not_ok "$1" "$(diff "$work/fingerprint.before" "$work/fingerprint.after" | head -n 20)"
	fi
}

# examine FILESYSTEM DIR: DIR was populated; as dev.
examine() {
	as_dev "$bin/fsops" "$2/control/a" "$2/control/b" >"$work/control"
	jail --name "on-$1" "$2/project"
	fingerprint_of "$2/out" before
	inside "$bin/fsops" "$2/project" "$2/out" >"$work/out"
	fingerprint_of "$2/out" after
	counted=$(refusals)
	inside "$bin/fsops" "$2/project/a" "$2/project/b" >"$work/in"
	counted_in=$(refusals)
	as_dev "$bin/fsops" "$2/while/a" "$2/while/b" >"$work/while"
	compare "$1"
	unchanged "$1: nothing outside has changed"
	is "$counted" "$expected" "$1: the report counts each refusal once"
	is "$counted_in" "$counted" "$1: the report counts none inside"
}

# ... and what takes root: on the objects that are still there.
examine_as_root() {
	"$bin/fsops" --root "$2/control/a" "$2/control/b" >"$work/control"
	fingerprint_of "$2/out" before
	inside_as_root "$bin/fsops" --root "$2/project" "$2/out" >"$work/out"
	fingerprint_of "$2/out" after
	inside_as_root "$bin/fsops" --root "$2/project/a" "$2/project/b" >"$work/in"
	"$bin/fsops" --root "$2/while/a" "$2/while/b" >"$work/while"
	compare "$1"
	unchanged "$1: nothing outside has changed by root inside"
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
		base=$1/out/inherited-$name object=$1/out/inherited-$name
		[ $name = open-at ] || [ $name = dnotify ] || object=$base/f
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
		btrfs -q subvolume create "$1/$volume" && mkdir "$1/$volume/dir" && echo "$volume" >"$1/$volume/dir/f" &&
			mkdir "$1/$volume/dir/deep" && echo "$volume" >"$1/$volume/dir/deep/g"
	done
	chown -R 1000:1000 "$1/one" "$1/two"
	is "$(stat -c %i "$1/two/dir")" "$(stat -c %i "$1/one/dir")" 'subvolumes: the twins have one number'
	is "$(stat -c %i "$1/two/dir/f")" "$(stat -c %i "$1/one/dir/f")" 'subvolumes: so have their files'
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
	populate /home/dev/overlay && examine_both overlay-root /home/dev/overlay && examine_inherited /home/dev/overlay
}

on_tmpfs() {
	mkdir "$work/tmpfs" && mount -t tmpfs tmpfs "$work/tmpfs" && populate "$work/tmpfs" && examine_both tmpfs "$work/tmpfs"
}

on_ext4() {
	mount_image ext4 ext4 256M && populate "$work/ext4" && examine_both ext4 "$work/ext4"
}

on_xfs() {
	mount_image xfs xfs 320M && populate "$work/xfs" && examine_both xfs "$work/xfs"
}

on_btrfs() {
	mount_image btrfs btrfs 256M && btrfs -q subvolume create "$work/btrfs/volume" &&
		populate "$work/btrfs/volume" && examine_both btrfs "$work/btrfs/volume" && examine_subvolumes "$work/btrfs" "$work/btrfs/volume/project"
}

# All objects are in the lower layer: inside, too, the first change copies them up.
on_overlay() {
	mount_image layers ext4 256M && mkdir "$work/layers/upper" "$work/layers/work" "$work/overlay" &&
		populate "$work/layers/lower" && chown 1000:1000 "$work/layers/upper" &&
		mount -t overlay -o "lowerdir=$work/layers/lower,upperdir=$work/layers/upper,workdir=$work/layers/work" \
			overlay "$work/overlay" && examine_both overlay "$work/overlay"
}

# Mounted inside the project before the session is made: in bounds.
on_mount_below() {
	mount_image below ext4 256M && umount "$work/below" && mkdir -p /home/dev/mounted/project/mnt &&
		mount -o loop "$work/below.img" /home/dev/mounted/project/mnt && populate /home/dev/mounted/project/mnt &&
		chown -R 1000:1000 /home/dev/mounted || return
	below=/home/dev/mounted/project/mnt
	as_dev "$bin/fsops" $below/control/a $below/control/b >"$work/control"
	jail --name mounted /home/dev/mounted/project
	inside "$bin/fsops" $below/project/a $below/project/b >"$work/in"
	if cmp -s "$work/control" "$work/in"; then
		ok 'mounted below: every operation is allowed in it'
	else
		not_ok 'mounted below: every operation is allowed in it' "$(diff "$work/control" "$work/in")"
	fi
	is "$(refusals)" 0 'mounted below: nothing is refused'
	unjail
	umount $below
}

begin
for filesystem in ${*:-overlay_root tmpfs ext4 xfs btrfs overlay mount_below}; do
	before=$tap_count
	"on_$filesystem"
	[ $tap_count -gt $before ] || skip "$filesystem" "no such file system here: $(tail -n 1 "$work/mkfs.log" 2>/dev/null)"
done

# An operation that works nowhere proves nothing.
[ $# -gt 0 ] || for name in $("$bin/fsops" --list | grep -v '^inherited'); do
	case $worked$missing in
	*" $name "*) ;;
	*) not_ok "$name is possible on some file system here" ;;
	esac
done
plan
