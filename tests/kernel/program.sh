#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: a program that a session could have put where it is found brings no profile and no rule with
# it, whatever leads to it; what was looked at is what is executed; and what is given with a program is
# never the project, the home directory, or a place of secrets.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/work/app/project other=/home/dev/work/other

# as_user DIRECTORY PATH COMMAND...
as_user() {
	as_dev sh -c 'cd "$1" && PATH=$2 && shift 2 && exec "$@"' - "$@"
}

# A program that shows the agent's key to whoever calls it.
# program FILE
program() {
	as_dev sh -c 'mkdir -p "${1%/*}" && printf "#!/bin/sh\ncat ~/.codex/auth.json\n" >"$1" && chmod 755 "$1"' - "$1"
}

# planted PROMISE DIRECTORY PATH [OPTION]... -- COMMAND [ARGUMENT]...
planted() {
	planted_promise=$1 planted_dir=$2 planted_path=$3
	shift 3
	planted_said=$(as_user "$planted_dir" "$planted_path" "$al" run "$@" 2>&1 </dev/null)
	case $planted_said in
	*its-key*) not_ok "$planted_promise" "$planted_said" ;;
	*'Operation not permitted'* | *'PermissionError'*) ok "$planted_promise" ;;
	*) not_ok "$planted_promise" "failed otherwise: $planted_said" ;;
	esac
}

said() {
	case $planted_said in
	*"$1"*) ok "$2" ;;
	*) not_ok "$2" "$planted_said" ;;
	esac
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
as_dev sh -c "mkdir -p $project $home/.codex $other && echo its-key >$home/.codex/auth.json && echo plan >$other/plan"
program $home/honest/bin/codex
usual=$home/honest/bin:/usr/bin:/bin
is "$(as_user $home $usual "$al" run $project -- codex 2>/dev/null)" its-key 'a program of the user has its profile'

# Found by a relative name: the command starts in the project, whose file of that name is another one.
program $project/honest/bin/codex
control 'planted, it works outside' as_user $project "honest/bin:$usual" codex
planted 'a name relative to where the user stands is one in the project' $home "$usual" $project -- ./honest/bin/codex
said "no profile: './honest/bin/codex' lies where a session may write" 'and it is said'
planted 'an entry of PATH that is relative, too' $home "honest/bin:/usr/bin:/bin" $project -- codex
program $project/codex
planted 'and an empty one' $home/honest/bin ":/usr/bin:/bin" $project -- codex
rm $project/codex
planted 'found by the PATH that the session gets' $home "$usual" --env "PATH=$project/honest/bin:/usr/bin:/bin" $project -- codex

# A link of the session's gives the name to a program of the system, which reads what the session wrote.
as_dev sh -c "mkdir -p $project/bin && ln -s /usr/bin/python3 $project/bin/codex && echo 'print(open(\"$home/.codex/auth.json\").read())' >$project/exec"
control 'such a link works outside' as_user $project "$project/bin:/usr/bin:/bin" sh -c 'codex exec | grep its-key'
planted 'a link in the project to a program outside of it' $project "$project/bin:/usr/bin:/bin" $project -- codex exec
as_dev sh -c "ln -s $project/bin $home/mine && ln -s ../work/app/project/bin/codex $home/honest/codex"
planted 'a link to a directory in it' $project "$home/mine:/usr/bin:/bin" $project -- codex exec
planted 'a link to such a link' $project "/usr/bin:/bin" $project -- $home/honest/codex exec
planted 'by the links of /proc' $project "/usr/bin:/bin" $project -- /proc/self/root$project/bin/codex exec
mkdir -p $work/window && mount --bind $project $work/window
planted 'by another mount' $project "$work/window/bin:/usr/bin:/bin" $project -- codex exec
umount $work/window

# Whatever else the session may write.
program $home/shared/bin/codex
planted 'a program in a directory that is given with --rw' $project "$home/shared/bin:/usr/bin:/bin" --rw $home/shared $project -- codex
is "$(as_user $project "$home/shared/bin:/usr/bin:/bin" "$al" run $project -- codex 2>/dev/null)" its-key 'control: it has its profile without'
program $home/.codex/bin/codex
planted 'a program in what its own profile lets it write' $project "$home/.codex/bin:/usr/bin:/bin" $project -- codex
is "$(as_user $project "$home/.codex/bin:/usr/bin:/bin" "$al" run --profile codex $project -- codex 2>/dev/null)" its-key \
	'unless the profile is given by name'
program $home/.npm/bin/codex
planted 'a program in a cache' $project "$home/.npm/bin:/usr/bin:/bin" --cache npm $project -- codex

# What runs a script: found in PATH, where a session put a link to a program of another project.
as_dev sh -c "mkdir -p $other/bin $project/tools && printf '#!/bin/sh\ncat $other/plan\n' >$other/bin/deploy && chmod 755 $other/bin/deploy &&
	ln -s $other/bin/deploy $project/tools/node && printf '#!/usr/bin/env node\n' >$home/honest/bin/script && chmod 755 $home/honest/bin/script"
planted 'an interpreter that a session put there gives nothing away' $project "$project/tools:$usual" $project -- script
said "is in reach of a session" 'and it is said'
control 'outside it does' as_user $project "$project/tools:$usual" script

# With the prefix of an interpreter come no secrets, no project, no home.
# prefixed PROMISE PREFIX FILE: FILE is not read by a script whose interpreter is PREFIX/bin/cat
prefixed() {
	as_dev sh -c 'mkdir -p "$1/bin" && cp /bin/cat "$1/bin/cat" && printf "#!$1/bin/cat\n" >"$1/bin/show" && chmod 755 "$1/bin/show" &&
		mkdir -p "${2%/*}" && [ -e "$2" ] || echo its-key >"$2"' - "$2" "$3"
	control "$1" as_user $project "$usual" "$2/bin/show" "$3"
	planted "$1" $project "$usual" --profile none $project -- "$2/bin/show" "$3"
	said 'not all of' 'and it is said'
	is "$(as_user $project "$usual" "$al" run $project -- "$2/bin/show" 2>/dev/null)" "#!$2/bin/cat" 'and the program runs'
}
prefixed 'not the home directory' $home $home/letter
prefixed 'not what other programs keep' $home/.local $home/.local/share/app/token
prefixed 'not what is called sensitive' $home/.config/gcloud $home/.config/gcloud/credentials.db
prefixed 'not what holds something sensitive' $home/.cargo $home/.cargo/credentials.toml
prefixed 'not what the project is in' $home/work/app $home/work/app/notes

# What cannot be executed says how it could; which profile is meant must be clear.
fails_with 'new --profile NAME, or new --ro DIR' 'a program that no rule gives' sh -c \
	"HOME=$home '$bin/become' 1000 '$al' new --name plain $project && HOME=$home '$bin/become' 1000 '$al' exec plain -- $home/honest/bin/codex"
mkdir -p /etc/agent-lock/profiles
printf '[profile]\nprogram = codex\n' >/etc/agent-lock/profiles/mine.ini
fails_with "two profiles are for 'codex': codex and mine" 'two profiles for one program are none' as_user $project "$usual" "$al" run $project -- codex
is "$(as_user $project "$usual" "$al" run --profile codex $project -- codex 2>/dev/null)" its-key 'unless one is given by name'
printf '[profile]\nprogram = codex\n[paths]\nrx = /\n' >/etc/agent-lock/profiles/mine.ini
fails_with '/etc/agent-lock/profiles/mine.ini:4: [paths]: expected rw' 'one with an error is none' as_user $project "$usual" "$al" run $project -- codex
rm /etc/agent-lock/profiles/mine.ini
printf '[profile]\nprogram = other\n' >/etc/agent-lock/profiles/codex.ini
planted "the machine's own hides the one that came with the program" $project "$usual" $project -- codex
rm -r /etc/agent-lock/profiles
fails_with 'and a profile as well' '--profile none with another' as_dev "$al" new --profile none --profile codex $project
plan
