#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: rules follow names. What somebody outside puts in the place of a file or directory that a
# rule is about is under that rule at once; a rule about what is not there yet holds from the moment
# that it is; and no session can bring either about.
. ./tests/kernel/lib.sh

home=/home/dev
project=$home/project

write() {
	as_dev sh -c 'printf %s "$1" >"$2"' - "$1" "$2"
}

# replace TEXT FILE: as editors and git config do it
replace() {
	write "$1" "$2.new" && as_dev mv -f "$2.new" "$2"
}

begin
# Numbers of overlayfs's own, by which a daemon that came later refuses, are some of them twice.
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev mkdir -p $project/sub $home/state $home/conf
for file in $project/.env $home/.other $home/.toolrc $project/sub/key $home/state/f $home/conf/f; do
	write old $file
done
cat >$home/policy.ini <<-END
	[optional]
	deny = $project/.envrc
	hide = $project/sub/later
	ro = $home/.laterrc
	connect = $home/socket
END
jail --deny $project/.env --ro $home/.toolrc --deny $project/sub/key --rw $home/state --ro $home/conf \
	--policy $home/policy.ini $project

refused 'a denied file' inside cat $project/.env
check 'a readable one' inside cat $home/.toolrc
refused 'is not writable' inside sh -c "echo x >>$home/.toolrc"

replace new $project/.env
replace new $home/.toolrc
refused 'a denied file that was replaced is denied' inside cat $project/.env
control 'without the session it is read' as_dev cat $project/.env
is "$(inside cat $home/.toolrc)" new 'a readable one that was replaced is readable'
refused 'and not writable' inside sh -c "echo x >>$home/.toolrc"
refused 'nor removable' inside rm -f $home/.toolrc
refused 'its neighbour is nothing of the kind' inside cat $home/.other

as_dev rm $project/.env
refused 'a denied name that is free cannot be made by the session' inside touch $project/.env
refused 'nor by renaming' inside sh -c "touch $project/x && mv $project/x $project/.env"
refused 'nor by linking' inside ln $project/x $project/.env
refused 'nor as a link' inside ln -s /etc/hosts $project/.env
refused 'nor as a directory' inside mkdir $project/.env
control 'outside it can' as_dev mkdir $project/.env
refused 'and is denied with all that is in it' inside ls $project/.env

refused 'what was missing cannot be made' inside touch $project/.envrc
write later $project/.envrc
refused 'what was missing and denied is denied when it is there' inside cat $project/.envrc
refused 'nor replaced' inside mv $project/x $project/.envrc
as_dev mkdir $project/sub/later
hidden 'what was missing and hidden is hidden' inside ls $project/sub/later
write later $home/.laterrc
is "$(inside cat $home/.laterrc)" later 'what was missing and readable is readable'
refused 'and no more' inside sh -c "echo x >$home/.laterrc"

as_dev mv $home/state $home/state.old
as_dev mkdir $home/state
check 'a writable directory that was replaced is writable' inside touch $home/state/new
as_dev mv $home/conf $home/conf.old
as_dev mkdir $home/conf
write new $home/conf/f
is "$(inside cat $home/conf/f)" new 'a readable one is readable'
refused 'and not writable' inside touch $home/conf/g

refused 'the directory of a denied name stays in its place' inside mv $project/sub $project/other
replace new $project/sub/key
refused 'and the name is denied there' inside cat $project/sub/key
check 'a directory without such names may be moved' inside sh -c "mkdir $project/a && mv $project/a $project/b"

daemon_stop KILL
replace newest $project/sub/key
daemon_start
refused 'replaced while the daemon was dead: denied' inside cat $project/sub/key
is "$(inside cat $home/.toolrc)" new 'and the readable one is readable'
unjail
jail --deny $project/.env $project
check 'the rules of an earlier session are gone' inside cat $project/.envrc
unjail
umount -l $home
plan
