#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: what an object is decides, not what it is called, from where it is seen or which task of
# the session asks; what has no file system below it (pipes, memory, terminals) goes on working;
# processes, devices and the kernel's own files are decided by what they are; a rule below another
# holds, whatever happens to the daemon and the caches.
. ./tests/kernel/lib.sh

base=$work/disk/home project=$work/disk/home/project out=$work/disk/home/out
secret='the secret of out'

make_tree() {
	mount_image disk ext4 256M && mkdir "$base" && chown 1000:1000 "$base" && as_dev sh -c '
		cd "$1" && mkdir project project-evil out out/tmp project/below project/late project/x \
			project/bound project/bound-later project/ro project/ro/rw project/sub \
			project/sub/deep project/private project/hidden project/stays \
			project/overlay project/overlay/upper project/overlay/work || exit
		for f in out/f out/tmp/f out/h out/granted; do echo "$2" >$f; done
		for f in f .env secret ro/f ro/rw/f sub/deep/key sub/f private/f hidden/f stays/f x/f \
			gone ../project-evil/f; do
			echo content >project/$f
		done' sh "$base" "$secret" && link_tree | as_dev "$bin/try" >/dev/null
}

# Links, each one a line that try.c understands.
link_tree() {
	cat <<-END
		link $out/h $project/linked-before
		symlink $out/f $project/to-out
		symlink ../out/f $project/to-out-relative
		symlink ../out $project/to-out-directory
		symlink $out/new $project/to-new
		symlink ../project/f $project/to-f
		symlink ../f $out/to-project
		symlink $out/f $project/chain-out-0
		symlink f $project/chain-in-0
	END
	i=1
	while [ $i -le 40 ]; do
		echo "symlink chain-out-$((i - 1)) $project/chain-out-$i"
		echo "symlink chain-in-$((i - 1)) $project/chain-in-$i"
		i=$((i + 1))
	done
}

names() {
	verdicts <<-END
		ok read $project/f # the control of it all
		ok read $project/../project/./below/../f
		ok read $out/../project/f # through a directory outside
		ok read-from $out ../project/f
		ok read $project/to-f
		ok read $project/chain-in-39 # 40 links
		EPERM read $out/f
		EPERM write $out/f
		EPERM read $project/../out/f
		EPERM read-from $out f
		EPERM read-from $project ../out/f
		EPERM read /proc/self/root$out/f
		EPERM list $out
		EPERM list $base # an ancestor of the project
		EPERM read $project-evil/f # its name begins like the project's
		EPERM read $project/to-out
		EPERM read $project/to-out-relative
		EPERM read $project/to-out-directory/f
		EPERM list $project/to-out-directory
		EPERM create $project/to-out-directory/new
		!EEXIST create $project/to-new # O_EXCL follows no link
		EPERM read $project/chain-out-39
		!ELOOP read $project/chain-in-40
		ok stat $out/f # what it is called and how large, is no secret
		ok readlink $project/to-out
		EPERM list /
	END
}

links() {
	verdicts <<-END
		ok read $project/linked-before # a hard link that was there before is the project's
		EPERM link $out/f $project/alias
		EPERM link $project/f $out/alias
		EPERM rename $project $base/project-moved # its name belongs to the directory above
		!EPERM exchange $out/f $project/f
		!EPERM rename $out/f $project/stolen
		!EPERM rename $out $project/stolen
		!EPERM rename $project/f $out/f
		EPERM symlink $out/f $out/new-link
		ok symlink $out/f $project/new-link
		ok link $project/f $project/new-name
	END
	as_dev mv "$base/project-moved" "$project"
	verdicts <<-END
		ok read $project/f # back under its name
		EPERM read $out/f
	END
}

# A tmpfs is known only by the session that was made after it was mounted.
mounts() {
	mount --bind "$out" "$project/bound-later"
	mount -t tmpfs tmpfs "$project/late"
	echo late >"$project/late/f"
	mount --bind "$project/stays" "$out/tmp"
	verdicts <<-END
		EPERM read $project/bound/f # bound here by root before the session was made
		EPERM list $project/bound
		EPERM read $project/bound-later/f # ... and after
		EPERM create $project/bound-later/newer
		EPERM read $project/late/f # a file system mounted here after the session was made
		ok read $project/below/f # ... and before
		ok read $out/tmp/f # a part of the project bound outside is the project's
	END
	umount "$out/tmp" "$project/bound-later" "$project/late"
}

# namespaces PROMISE TEXT SCRIPT: as root of its own, with mounts of its own. The secret must not
# come out, and the last that is said ends with TEXT.
namespaces() {
	namespaces_said=$(as_dev unshare -rm sh -c "$3" 2>&1)
	case $namespaces_said in
	*"$secret"*) ;;
	*) not_ok "control: $1" "$namespaces_said" && return ;;
	esac
	namespaces_said=$(inside unshare -rm sh -c "$3" 2>&1)
	case $namespaces_said in
	*"$secret"*) not_ok "$1" "$namespaces_said" ;;
	*"$2") ok "$1: ${namespaces_said##*
}" ;;
	*) not_ok "$1: for another reason" "$namespaces_said" ;;
	esac
}

no_namespaces() {
	control 'a user namespace can be made' as_dev unshare -r true
	refused 'a session makes no user namespace' inside unshare -r true
}

# In a session that may make them: rules are about objects, so no view of them gives more.
own_namespaces() {
	over=$project/overlay refused='Operation not permitted'
	verdicts <<-END
		EPERM chroot-read $out /tmp/f # a view in which it looks like scratch
		ok chroot-read $project /f
	END
	check 'a directory of the project bound over another: the project' inside unshare -rm \
		sh -c "mount --bind $project/sub $project/x && cat $project/x/deep/key"
	check 'a file system of its own can be used' inside unshare -rm \
		sh -c "mount -t tmpfs tmpfs $project/x && echo y >$project/x/y && cat $project/x/y"
	namespaces 'bound over a directory of the project, it stays closed' "$refused" \
		"mount --bind $out $project/x; cat $project/x/f"
	namespaces 'bound over a file of the project, it stays closed' "$refused" \
		"mount --bind $out/f $project/gone; cat $project/gone"
	namespaces 'below a stacking file system, it stays closed: there is no such mount' content \
		"mount -t overlay overlay $project/x \
			-o userxattr,lowerdir=$out,upperdir=$over/upper,workdir=$over/work
		cat $project/x/f"
	namespaces 'below a file system of its own, it stays closed' "$refused" \
		"mount -t tmpfs tmpfs $project/x; mkdir $project/x/y
		mount --rbind $base $project/x/y; cat $project/x/y/out/f"
	namespaces 'as the new root, it stays closed' "$refused" \
		"mount --bind $base $base; cd $base; mkdir -p project/put; pivot_root . project/put
		cat /out/f || cat $out/f"
}

# As dev, outside: makes what is missing of it first.
deep() {
	is "$(as_dev "$bin/deep" "$project/below" 300)" ok 'control: 300 directories below'
	is "$(inside "$bin/deep" "$project/below" 300)" ok '300 directories below are in bounds'
	is "$(inside "$bin/deep" "$project/sub" 260)" ok '260 directories can be made below'
	is "$(as_dev "$bin/deep" "$project/below" 4200)" ok 'control: 4200 directories below'
	is "$(inside "$bin/deep" "$project/below" 4200)" EPERM 'deeper than 4096 is refused'
	is "$(inside "$bin/deep" "$project/below" 4000)" ok '4000 directories are in bounds'
}

# through PROMISE SCRIPT: what goes into the script, $jailed there to be put before a command, comes
# out of it. All pipes are dev's own: others' can't be opened by name anyway.
through() {
	is "$(as_dev sh -c "jailed='$al exec $session --'; $2" 2>&1 | tr -d '\r')" through "$1"
}

pipes() {
	through 'a pipe as standard input' 'echo through | $jailed cat | cat'
	through '/dev/stdin is a pipe' 'echo through | $jailed cat /dev/stdin | cat'
	through '/dev/fd/0 is a pipe' 'echo through | $jailed cat /dev/fd/0 | cat'
	through '/dev/stdout is a pipe' "\$jailed sh -c 'echo through >/dev/stdout' | cat"
	through '/dev/stderr is a pipe' "\$jailed sh -c 'echo through >/dev/stderr' 2>&1 | cat"
	through 'bash: <(...)' "\$jailed bash -c 'cat <(echo through)'"
	through 'bash: <<<' "\$jailed bash -c 'cat <<<through'"
	through 'a terminal opened inside works' "\$jailed script -qec 'echo through' /dev/null"
}

devices() {
	verdicts <<-END
		ok read /dev/null
		ok write /dev/null
		ok read /dev/zero
		ok read /dev/full
		ok read /dev/random
		ok read /dev/urandom
		ok open /dev/ptmx
		EPERM open $foreign_terminal # a terminal of the same user
		EPERM write $foreign_terminal
	END
	verdicts terminal <<-END
		ok read /dev/tty
		ok write /dev/tty
		ok read /dev/null
		EPERM write $foreign_terminal
	END
	[ -e /dev/loop0 ] || modprobe loop
	verdicts root <<-END
		ok write /dev/null
		EPERM read /dev/loop0
		EPERM write /dev/loop0
		EPERM open /dev/kmsg
		EPERM write /dev/kmsg
		EPERM open /dev/mem
		EPERM open /dev/console
		EPERM open /dev/ttyS0
		EPERM open $foreign_terminal
	END
}

processes() {
	verdicts <<-END
		ok read /proc/self/environ
		ok read /proc/self/cmdline
		ok read /proc/self/status
		ok read /proc/self/maps
		ok read /proc/self/mountinfo
		ok read /proc/thread-self/stat
		ok list /proc/self/fd
		ok list /proc/self/task
		ok write /proc/self/comm
		ok write /proc/self/oom_score_adj
		ok list /proc/self/ns
		ok read /proc/$sibling/environ # another process of the session
		ok read /proc/$sibling/cmdline
		ok list /proc/$sibling/fd
		ok list /proc/$sibling/cwd
		EPERM read /proc/$victim/environ
		EPERM read /proc/$victim/cmdline
		EPERM read /proc/$victim/status
		EPERM read /proc/$victim/stat
		EPERM read /proc/$victim/maps
		EPERM read /proc/$victim/mountinfo
		EPERM read /proc/$victim/limits
		EPERM read /proc/$victim/cgroup
		EPERM read /proc/$victim/net/unix
		EPERM read /proc/$victim/task/$victim/comm
		EPERM write /proc/$victim/comm
		EPERM write /proc/$victim/oom_score_adj
		EPERM list /proc/$victim
		EPERM list /proc/$victim/fd
		EPERM list /proc/$victim/map_files
		EPERM list /proc/$victim/ns
		EPERM/EACCES read /proc/$victim/fd/0
		EPERM/EACCES read /proc/$victim/fd/9 # deleted
		EPERM/EACCES readlink /proc/$victim/fd/0
		EPERM/EACCES readlink /proc/$victim/exe
		EPERM/EACCES read /proc/$victim/cwd/f
		EPERM/EACCES read /proc/$victim/root$out/f
		EPERM/EACCES list /proc/$victim/root
		ok list /proc
		ok read /proc/cpuinfo
		ok read /proc/meminfo
		ok read /proc/uptime
		ok read /proc/version
		ok read /proc/sys/kernel/osrelease
	END
}

# Much of it asks for no capability: a file of root's, opened by root.
kernel_files() {
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	verdicts root <<-END
		ok read /proc/cpuinfo
		ok list /sys/class
		ok read /sys/kernel/mm/transparent_hugepage/enabled
		EPERM write /sys/kernel/mm/transparent_hugepage/enabled
		EPERM write /sys/power/state
		EPERM open /proc/kcore
		EPERM open /proc/kmsg
		EPERM write /proc/sysrq-trigger
		EPERM write /proc/sys/kernel/core_pattern
		EPERM write /proc/sys/kernel/modprobe
		EPERM write /proc/sys/vm/drop_caches
		EPERM read /proc/1/environ
		EPERM read /proc/$victim/environ
		ok read /sys/fs/cgroup/cgroup.procs
		EPERM write /sys/fs/cgroup/cgroup.procs
		EPERM write /sys/fs/cgroup$cgroup/cgroup.procs
		EPERM mkdir /sys/fs/cgroup/escape
		EPERM mkdir /sys/fs/cgroup$cgroup/child
		EPERM list /sys/fs/bpf
		EPERM list /sys/kernel/tracing
		EPERM list /sys/kernel/security
	END
	is "$("$bin/clone_into" /sys/fs/cgroup)" ok 'control: a child can be born in another cgroup'
	is "$(inside_as_root "$bin/clone_into" /sys/fs/cgroup)" EPERM 'no child is born outside the cgroup'
}

# opened_by RUN PATH: how many of the kinds of tasks succeeded.
opened_by() {
	"$1" "$bin/relatives" "$2" | grep -c ' ok$'
}

tasks() {
	is "$(opened_by as_dev "$out/f")" 8 'control: every kind of task can open it'
	is "$(opened_by inside "$project/f")" 8 'every kind of task can open what is in bounds'
	n=0
	# Through a pipe: it ends when the last of them does, the orphan outliving the first.
	inside "$bin/relatives" "$out/f" | cat >"$work/relatives"
	while read -r kind got; do
		n=$((n + 1))
		is "$got" EPERM "$kind is jailed"
	done <"$work/relatives"
	is $n 8 'all of them answered'
}

# A process that waits in the session and performs what it is asked. (The shell gives what runs in
# the background /dev/null as standard input: so it is said once more.)
start_servant() {
	mkfifo "$work/asks" "$work/answers" && chmod 666 "$work/asks" "$work/answers"
	(
		cd "$project/stays" && export HOME=/home/dev
		exec "$bin/become" 1000 "$al" exec "$session" -- "$bin/try" <"$work/asks" >"$work/answers"
	) &
	servant=$!
	exec 7>"$work/asks" 8<"$work/answers"
}

# ask WANTED OPERATION... PROMISE in one string: "VERB PATH: promise"
ask() {
	printf '%s\n' "${2%%: *}" >&7
	IFS= read -r answer <&8
	is "$answer" "$1" "${2#*: } (${2%%: *})"
}

child_cgroup() {
	mkdir "/sys/fs/cgroup$cgroup/child" && echo "$servant" >"/sys/fs/cgroup$cgroup/child/cgroup.procs"
	is "$(sed 's/.*:://' "/proc/$servant/cgroup")" "$cgroup/child" \
		'root outside moved the process into a child cgroup'
	ask EPERM "read $out/f: it is still jailed there"
	ask ok "read $project/f: and still in its session"
	echo "$servant" >"/sys/fs/cgroup$cgroup/cgroup.procs"
	rmdir "/sys/fs/cgroup$cgroup/child"
}

rules_below() {
	verdicts <<-END
		ok read $project/f
		EPERM read $project/.env # denied
		EPERM write $project/.env
		EPERM truncate $project/.env
		!EPERM unlink $project/.env
		!EPERM rename $project/.env $project/env
		!EPERM rename $project/f $project/.env
		!EPERM exchange $project/f $project/.env
		!EPERM link $project/.env $project/env
		EPERM chmod $project/.env
		EPERM touch $project/.env
		EPERM watch $project/.env
		ENOENT read $project/secret # hidden
		ENOENT write $project/secret
		!ENOENT unlink $project/secret
		!ENOENT rename $project/secret $project/no-secret
		ENOENT list $project/hidden
		ENOENT read $project/hidden/f
		ENOENT create $project/hidden/new
		EPERM read $project/private/f # below a denied directory
		EPERM list $project/private
		EPERM mkdir $project/private/new
		!EPERM rename $project/f $project/private/f
		!EPERM rename $project/private $project/public
		EPERM read $project/sub/deep/key
		!EPERM rename $project/sub/deep $project/shallow # or the key would go with it
		!EPERM rename $project/sub $project/elsewhere
		!EPERM exchange $project/sub $project/stays
		ok rename $project/sub/f $project/sub/g
		ok rename $project/sub/g $project/sub/f
		ok read $project/ro/f # read only
		ok list $project/ro
		EPERM write $project/ro/f
		EPERM create $project/ro/new
		!EPERM unlink $project/ro/f
		!EPERM rename $project/ro $project/rw
		!EPERM rename $project/f $project/ro/f
		ok write $project/ro/rw/f # a writable directory in it
		ok create $project/ro/rw/new
		!EPERM rename $project/ro/rw $project/rw
	END
}

# The marks of objects that nobody holds any more go with their inodes; what was refused must stay
# so.
without_daemon() {
	ask EPERM "read $project/.env: denied while the daemon is there"
	ask ok "read $out/granted: a single file outside is granted"
	daemon_stop KILL
	sync
	for i in 1 2 3; do echo 3 >/proc/sys/vm/drop_caches; done
	ask EPERM "read $out/granted: the control: its mark is gone, which refuses"
	ask EPERM "read $project/.env: denied without a daemon and without caches"
	ask EPERM "read $project/sub/deep/key: the one further down, too"
	ask ENOENT "read $project/secret: hidden without a daemon"
	ask EPERM "read $project/private/f: so is what lies below a denied directory"
	ask ENOENT "read $project/hidden/f: and below a hidden one"
	ask EPERM "write $project/ro/f: what was read only is not writable"
	ask EPERM "read $out/f: the rest stays outside"
	daemon_start
	ask ok "read $project/f: with a new daemon the project is there again"
	ask ok "read $out/granted: and what was granted"
	ask EPERM "read $project/.env: denied with a new daemon"
	ask ENOENT "read $project/secret: hidden with a new daemon"
	ask EPERM "write $project/ro/f: read only with a new daemon"
	ask ok "write $project/ro/rw/f: and what is writable in it"
}

# The last session: its servant holds the inodes above it.
pressure() {
	as_dev sh -c 'cd "$1" && i=0 &&
		while [ $i -lt 2000 ]; do : >"fill$i"; i=$((i + 1)); done' sh "$out"
	echo 2 >/proc/sys/vm/drop_caches
	verdicts <<-END
		EPERM read $project/.env # the daemon holds it in the caches
		ok read $project/f
	END
}

begin
make_tree || bail "no tree can be made: $(cat "$work/mkfs.log")"
mount --bind "$out" "$project/bound"
mount_image below ext4 32M && umount "$work/below" &&
	mount -o loop "$work/below.img" "$project/below" &&
	chown 1000:1000 "$project/below" && echo content >"$project/below/f"

# Outside, dev's: with a secret in what /proc tells of it, and a terminal.
(
	cd "$out" && exec 9<>"$out/deleted" && rm "$out/deleted"
	SECRET=$secret exec "$bin/become" 1000 sleep 600 <"$out/f"
) &
victim=$!
before=" $(echo /dev/pts/*) "
(exec "$bin/become" 1000 script -qec 'sleep 600' /dev/null >/dev/null 2>&1) &
typist=$!
new_terminal() {
	for foreign_terminal in /dev/pts/[0-9]*; do
		case $before in
		*" $foreign_terminal "*) ;;
		*) [ -c "$foreign_terminal" ] && return ;;
		esac
	done
	return 1
}
wait_for new_terminal || bail 'no terminal can be made'

jail "$project"
inside_background sleep 600
sibling=$inside_pid
wait_for grep -q "/[^/]*$session\$" "/proc/$sibling/cgroup"
cgroup=$(sed 's/.*:://' "/proc/$sibling/cgroup")
names
mounts
links
no_namespaces
deep
pipes
devices
processes
kernel_files
tasks
unjail

jail --policy "$userns" "$project"
own_namespaces
unjail

jail --deny "$project/.env" --hide "$project/secret" --hide "$project/hidden" \
	--deny "$project/private" --deny "$project/sub/deep/key" --ro "$project/ro" \
	--rw "$project/ro/rw" --ro "$out/granted" "$project"
start_servant
ask ok "read $project/f: the servant is there"
cgroup=$(sed 's/.*:://' "/proc/$servant/cgroup")
rules_below
pressure
child_cgroup
without_daemon
exec 7>&- 8<&-
kill "$victim" "$typist"
plan
