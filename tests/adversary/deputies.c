/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deputies.c - U: those who listen on unix sockets outside and do what they are asked: stand-ins at
 * the places that the programs use, below a directory of the test's own. The programs themselves:
 * tests/kernel/deputies.sh.
 */
#include <errno.h>

#include "sockets.h"

#define DEPUTIES(id, ...) \
	static const struct place id[] = {__VA_ARGS__}; \
	static int id##_listen(struct world *world) \
	{ \
		return unix_listen(world, id, LEN(id)); \
	} \
	static int id##_call(const struct world *world) \
	{ \
		return unix_call_each(world, id, LEN(id)); \
	}
#define CALL(id) .prepare = id##_listen, .attempt = id##_call, .logged = "connect"

/* clang-format off */
DEPUTIES(managers,
	{SOCK_STREAM, "more/bus"},
	{SOCK_STREAM, "more/systemd/private"},
	{SOCK_STREAM, "more/dbus/system_bus_socket"},
	{SOCK_STREAM, "@/tmp/dbus-agentlock"})
DEPUTIES(desktop,
	{SOCK_STREAM, "more/keyring/control"},
	{SOCK_STREAM, "more/gvfsd/socket-7cAh2Ufz"},
	{SOCK_STREAM, "more/at-spi/bus_0"},
	{SOCK_STREAM, "more/.flatpak/instance/bwrapinfo"})
DEPUTIES(containers,
	{SOCK_STREAM, "more/docker.sock"},
	{SOCK_STREAM, "more/podman/podman.sock"},
	{SOCK_STREAM, "more/containerd/containerd.sock"},
	{SOCK_STREAM, "more/buildkit/buildkitd.sock"},
	{SOCK_STREAM, "more/incus/unix.socket"},
	{SOCK_STREAM, "more/libvirt/libvirt-sock"})
DEPUTIES(agents,
	{SOCK_STREAM, "more/ssh-XXXXXXvTn1qS/agent.4711"},
	{SOCK_STREAM, "more/gnupg/S.gpg-agent"},
	{SOCK_STREAM, "more/gnupg/S.gpg-agent.ssh"},
	{SOCK_STREAM, "more/.1password/agent.sock"},
	{SOCK_STREAM, "more/.ssh/cm-dev@example:22"})
DEPUTIES(multiplexers,
	{SOCK_STREAM, "more/tmux-1000/default"},
	{SOCK_STREAM, "more/screen/S-dev/812.pts-0.host"},
	{SOCK_STREAM, "more/zellij/0.40.1/main"},
	{SOCK_STREAM, "more/dtach"})
DEPUTIES(editors,
	{SOCK_STREAM, "more/emacs/server"},
	{SOCK_STREAM, "more/nvim.812.0"},
	{SOCK_STREAM, "more/vscode-ipc-c0ffee.sock"},
	{SOCK_STREAM, "more/vscode-git-c0ffee.sock"},
	{SOCK_STREAM, "more/kakoune/dev/812"})
DEPUTIES(displays,
	{SOCK_STREAM, "@/tmp/.X11-unix/X97"},
	{SOCK_STREAM, "more/.X11-unix/X97"},
	{SOCK_STREAM, "more/wayland-0"},
	{SOCK_DGRAM, "more/.ydotool_socket"},
	{SOCK_STREAM, "@/tmp/ibus/dbus-agentlock"})
DEPUTIES(windows,
	{SOCK_STREAM, "more/sway-ipc.1000.812.sock"},
	{SOCK_STREAM, "more/i3/ipc-socket.812"},
	{SOCK_STREAM, "more/hypr/812/.socket.sock"},
	{SOCK_STREAM, "more/mpvsocket"},
	{SOCK_STREAM, "@kitty-agentlock"},
	{SOCK_STREAM, "more/pulse/native"},
	{SOCK_STREAM, "more/pipewire-0"})
DEPUTIES(databases,
	{SOCK_STREAM, "more/postgresql/.s.PGSQL.5432"},
	{SOCK_STREAM, "more/mysqld/mysqld.sock"},
	{SOCK_STREAM, "more/redis.sock"})
DEPUTIES(hosts,
	{SOCK_SEQPACKET, "more/WSL/8_interop"},
	{SOCK_STREAM, "more/WSL/1_interop"},
	{SOCK_STREAM, "more/qemu-ga/agent"})

/* One of the agents is granted: that one answers, the others do not. */
static int granted_call(const struct world *world)
{
	int no = unix_call(world, &agents[0]);

	if (no || !world->inside)
		return no;
	return unix_call_each(world, agents + 1, LEN(agents) - 1) == EPERM ? 0 : EXFULL;
}

static const struct escape escapes[] = {
	{"U01", "systemd's manager and the buses", 0, CALL(managers)},
	{"U02", "services of a desktop", 0, CALL(desktop)},
	{"U03", "docker, podman, containerd and the like", 0, CALL(containers)},
	{"U04", "agents that hold keys", 0, CALL(agents)},
	{"U04", "the one agent that the policy grants, and no other", MUST_WORK,
		.prepare = agents_listen, .attempt = granted_call,
		.policy = "[paths]\nconnect = ${PROJECT}/../more/ssh-XXXXXXvTn1qS/agent.4711\n"},
	{"U05", "terminal multiplexers", 0, CALL(multiplexers)},
	{"U06", "editors that take commands", 0, CALL(editors)},
	{"U07", "X11, Wayland and input methods", 0, CALL(displays)},
	{"U08", "window managers, players and sound servers", 0, CALL(windows)},
	{"U10", "databases", 0, CALL(databases)},
	{"U11", "the host of a virtual machine", 0, CALL(hosts)},
};
/* clang-format on */

const struct family deputies = {escapes, LEN(escapes)};
