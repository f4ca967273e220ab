#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: kill -9 of the daemon, again and again and at any moment, opens nothing, loses no count and
# leaves nothing behind. Two users make sessions meanwhile, use, freeze, ask about and destroy them:
# what `report`, the summary and the log say of each is what was done in it.
#
#   SOAK=100        kills
#   SOAK_SEED=...   of what is random, as an earlier run printed it
. ./tests/kernel/lib.sh

kills=${SOAK:-100}
seed=${SOAK_SEED:-$(date +%s)}
pins=/sys/fs/bpf/agent-lock
cgroups=/sys/fs/cgroup/agent-lock

field() {
	field_rest=${result#*"$1="}
	echo "${field_rest%% *}"
}

descriptors() {
	find "/proc/$(daemons)/fd" -mindepth 1 | wc -l
}

idle_descriptors() {
	[ "$(descriptors)" = "$1" ]
}


soak() {
	note "SOAK=$kills SOAK_SEED=$seed"
	daemon_stop KILL
	"$bin/soak" "$kills" "$seed" "$al" "$daemon" "$work/bin/soaker" 2>&1 |
		tee "$work/soak" | sed -u 's/^/# /'
	daemon_pid=$(daemons)
	result=$(grep '^killed=' "$work/soak" | tail -n 1)
	is "$(field killed)" "$kills" "the daemon was killed $kills times, and never ended otherwise"
	is "$(field breaches)" 0 'no outside read succeeded'
	is "$(field faults)" 0 'all else was as it should be'
	check 'control: sessions were made, used and destroyed' [ "$(field rounds)" -ge $((kills / 8)) ]
	check 'control: they were refused things' [ "$(field refused)" -ge "$kills" ]
	check 'control: some commands found no daemon' [ "$(field away)" -gt 0 ]
	check 'control: some lost it' [ "$(field lost)" -gt 0 ]
	check 'control: some sessions were destroyed in their work' [ "$(field torn)" -gt 0 ]
}

map_is_empty() {
	bpftool -j map dump pinned "$1" | grep -qx '\[\]'
}

leftovers() {
	is "$("$al" list --json)" '[]' 'no session is left'
	is "$(find $cgroups -mindepth 1 -maxdepth 1 -type d)" '' 'no cgroup'
	is "$(ls -A /run/agent-lock/sessions)" '' 'no file of a session in /run'
	for map in sessions rules names numbers tally; do
		check "nothing in the map $map" map_is_empty $pins/maps-*/$map
	done
	is "$(find $pins -name 'attaching-*') $(find $pins -name 'links-*' | grep -c .)" ' 1' \
		'one set of links, and it is whole'
	check "no descriptor of the daemon's but the $1 that it had before" \
		wait_for idle_descriptors "$1"
	[ "$(descriptors)" = "$1" ] || note "$(ls -l "/proc/$(daemons)/fd")"
	is "$(pgrep -x soaker)" '' 'no process'
	# Of each user the last hundred, and each is whole.
	for user in dev eve; do
		check "$user has 100 logs at most" \
			[ "$(find /var/log/agent-lock -user $user | wc -l)" -le 100 ]
	done
	is "$(cat /var/log/agent-lock/soak-* | grep -vc '^20[^ ]*Z [a-z-]* .* \?session=soak-')" 0 \
		'no line of a log is there in part'
	kill "$daemon_pid"
	wait_for gone "$daemon_pid"
	daemon_pid=''
	check 'stopped, it leaves no pin' [ ! -e $pins ]
}

begin
for user in dev eve; do
	mount -t tmpfs -o "mode=755,uid=$(id -u $user)" tmpfs /home/$user || bail 'no home'
	echo secret >/home/$user/secret
done
mkdir "$work/bin" && cp "$bin/soaker" "$work/bin" && cd "$work" || bail 'no soaker'
# What a daemon that took over holds when it has no session.
daemon_stop KILL
daemon_start
"$al" list >/dev/null
before=$(descriptors)
soak
leftovers "$before"
cd "$top" && umount -l /home/dev /home/eve
plan
