#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: what a session does in /tmp, /var/tmp and /dev/shm is its own. It has what it made there, in
# whatever way, also when the kernel forgot the inode meanwhile; of what others made there, with the same
# uid or in another session, it has nothing, whatever it is called.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

# others DIR: what is there already
others() {
	as_dev sh -c 'cd "$1" && mkdir -p theirs/below && echo secret | tee theirs/f theirs/below/f theirs.file >theirs.other &&
		ln -sf theirs.file theirs.link && mkfifo theirs.fifo' - "$1"
}

# nothing_of_others DIR: each is first tried outside by verdicts
nothing_of_others() {
	verdicts <<-END
		EPERM list $1 # it would tell of others' names
		EPERM read $1/theirs.file
		EPERM write $1/theirs.file
		EPERM read $1/theirs.link # leads to theirs
		EPERM read $1/theirs/f # by its name
		EPERM list $1/theirs
		EPERM list $1/theirs/below
		EPERM read $1/theirs/below/f
		EPERM create $1/theirs/new
	END
	refused "$1: another's file is not removed" inside rm -f "$1/theirs.file"
	refused "$1: nor renamed" inside mv -f "$1/theirs.file" "$1/mine.now"
	refused "$1: nor another's directory" inside mv "$1/theirs" "$1/mine.now"
	refused "$1: nor linked to one's own name" inside ln "$1/theirs.file" "$1/mine.now"
	refused "$1: nor replaced" inside sh -c "echo x >'$1/mine.x' && mv -f '$1/mine.x' '$1/theirs.file'"
	refused "$1: nor its mode changed" inside chmod 666 "$1/theirs.file"
	refused "$1: nor its times" inside touch "$1/theirs.file"
	control "$1: outside it can be linked and renamed" as_dev sh -c \
		"ln '$1/theirs.file' '$1/linked' && mv '$1/linked' '$1/moved' && rm '$1/moved'"
}

# A name that was tried before it was theirs stays theirs: tried, failed, made outside.
not_by_trying() {
	inside sh -c "mkdir '$1/race/x'; mkdir -m 0 '$1/race'; rmdir '$1/race'; cat '$1/race'" >"$work/said" 2>&1
	as_dev sh -c "mkdir '$1/race' && echo secret >'$1/race/f'"
	refused "$1: a name that was one's own once is not when another makes it" inside cat "$1/race/f"
	refused "$1: nor can it be listed" inside ls "$1/race"
	control "$1: outside it can" as_dev cat "$1/race/f"
}

own() {
	check "$1: a file" inside sh -c "echo mine >'$1/mine' && [ \"\$(cat '$1/mine')\" = mine ] && chmod 600 '$1/mine'"
	check "$1: a directory, and what is below" inside sh -c \
		"mkdir -p '$1/mine.d/a/b' && echo x >'$1/mine.d/a/b/f' && ls '$1/mine.d/a' && cat '$1/mine.d/a/b/f' && mv '$1/mine.d/a/b/f' '$1/moved.up' && cat '$1/moved.up'"
	check "$1: links" inside sh -c "ln -s mine '$1/mine.s' && cat '$1/mine.s' && ln '$1/mine' '$1/mine.h' && cat '$1/mine.h' && rm '$1/mine.s' '$1/mine.h'"
	check "$1: a fifo" inside sh -c "mkfifo '$1/mine.fifo' && rm '$1/mine.fifo'"
	check "$1: mktemp" inside sh -c "d=\$(mktemp -d -p '$1') && echo x >\$d/f && ls \$d && rm -r \$d"
	check "$1: from the project and back" inside sh -c \
		"echo p >'$project/p' && mv '$project/p' '$1/from.p' && cat '$1/from.p' && mv '$1/from.p' '$project/p' && cat '$project/p'"
	check "$1: a socket" inside python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX); s.bind('$1/mine.sock'); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect('$1/mine.sock'); os.unlink('$1/mine.sock')"
	check "$1: a file without a name" inside python3 -c "
import os, errno
try:
	fd = os.open('$1', os.O_TMPFILE | os.O_RDWR, 0o600)
except OSError as e:
	if e.errno != errno.EOPNOTSUPP: raise
else:
	os.write(fd, b'x')
	os.close(os.open(f'/proc/self/fd/{fd}', os.O_RDONLY))"
	check "$1: an exchange" inside python3 -c "
import ctypes, os
os.makedirs('$1/e.d', exist_ok=True); open('$1/e.d/in', 'w').write('in'); open('$1/e.out', 'w').write('out')
r = ctypes.CDLL(None, use_errno=True).renameat2(-100, b'$1/e.d/in', -100, b'$1/e.out', 2)
assert r == 0 or ctypes.get_errno() == 22
open('$1/e.out').read(); open('$1/e.d/in').read()"
}

# forgotten DIR: the inodes that nobody uses leave memory
forgotten() {
	sync
	echo 2 >/proc/sys/vm/drop_caches
	check "$1: still its own when the kernel had forgotten it" inside sh -c "cat '$1/mine' '$1/mine.d/a/../../mine' '$1/moved.up'"
	refused "$1: and another's still another's" inside cat "$1/theirs.file"
}

begin
as_dev mkdir -p $project
mount_image ext4 ext4 64M && mkdir -p "$work/disk" && chmod 1777 "$work/ext4" || bail 'no ext4'
mount --bind "$work/ext4" /var/tmp
for dir in /tmp /var/tmp /dev/shm; do
	others $dir
done
jail $project
for dir in /tmp /var/tmp /dev/shm; do
	nothing_of_others $dir
	not_by_trying $dir
	own $dir
done
forgotten /var/tmp
check 'the log names the rule' grep -q 'path=/tmp/theirs.file.*rule=scratch.x20/tmp' "$begin_logs/$session.log"

# Another session of the same user.
first=$session
jail --name other $project
refused "another session's files" inside cat /tmp/mine
refused "another session's directories" inside ls /tmp/mine.d
refused "another session's files, on a disk" inside cat /var/tmp/mine
session=$first
check 'which are there' inside cat /tmp/mine
"$al" destroy other >/dev/null
# The next one of the same name and place.
"$al" destroy "$first" >/dev/null
jail $project
refused "an ended session's files" inside cat /tmp/mine
refused "an ended session's files, on a disk" inside cat /var/tmp/mine
control 'outside they are there' as_dev cat /tmp/mine /var/tmp/mine
unjail
umount /var/tmp

# The daemon's death changes nothing of it.
jail $project
inside sh -c 'echo kept >/tmp/kept'
daemon_stop KILL
daemon_start
is "$(inside cat /tmp/kept)" kept 'made before the daemon was killed'
refused "others' are still others'" inside cat /tmp/theirs.file
unjail

# A session that is told so shares all the same.
jail --rw /tmp --force $project
check 'with --rw /tmp it is shared' inside cat /tmp/theirs.file
unjail
plan
