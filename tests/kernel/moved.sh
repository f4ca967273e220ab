#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: who may move processes between cgroups can move one out of a session from outside: then it
# is free, and the session's log tells of it. In a child cgroup it stays jailed.
. ./tests/kernel/lib.sh

log=/var/log/agent-lock/moved.log

# The jailed process reads the key once more: what did it say?
ask() {
	asked=$(($(grep -c . /home/dev/work/said) + 1))
	echo go >/home/dev/work/ask
	wait_for said_so
	sed -n "${asked}p" /home/dev/work/said
}

said_so() {
	[ "$(grep -c . /home/dev/work/said)" -ge "$asked" ]
}

left() {
	grep -c ' leave ' "$log"
}

logged() {
	[ "$(left)" -ge "$1" ]
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs /home/dev && cd /home/dev || bail 'no home'
as_dev sh -c 'umask 022; mkdir -p .ssh work; echo secret >.ssh/id_ed25519
	mkfifo work/ask; : >work/said' || bail 'no files'
jail --name moved work
cgroup=/sys/fs/cgroup/agent-lock/session-moved
inside_background sh -c 'while :; do read go <ask && cat ~/.ssh/id_ed25519; done >>said 2>&1'
jailed=$inside_pid
refusal='cat: /home/dev/.ssh/id_ed25519: Operation not permitted'
is "$(ask)" "$refusal" 'control: it is jailed'
mkdir $cgroup/child
echo $jailed >$cgroup/child/cgroup.procs
is "$(ask)" "$refusal" 'moved into a child cgroup: it is jailed'
is "$(left)" 0 'and has not left'
fails_with 'Permission denied' 'its own user cannot move it' as_dev sh -c \
	"echo $jailed >/sys/fs/cgroup/cgroup.procs"
is "$(ask)" "$refusal" 'and it is jailed'
mkdir -p /sys/fs/cgroup/elsewhere
echo $jailed >/sys/fs/cgroup/elsewhere/cgroup.procs
is "$(ask)" secret 'root outside moved it out: it is free'
check 'the log tells of it' wait_for logged 1
check 'and of whom' grep -q " leave session=moved pid=[0-9]* .*process:$jailed " $log
echo $jailed >$cgroup/cgroup.procs
is "$(ask)" "$refusal" 'moved in again: it is jailed'
is "$(left)" 1 'which is no leaving'
unjail
wait $jailed
is $? 137 'destroy ends it'
rmdir /sys/fs/cgroup/elsewhere
cd "$top" && umount -l /home/dev
plan
