/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices.c - D: device nodes, by number wherever they lie. Those that are tried lie in the project,
 * made there by root beforehand: so no rule about paths refuses them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "adversary.h"

#define RNDADDTOENTCNT 0x40045201

struct device {
	char type;
	unsigned int major, minor;
};

/* For everybody: who may open it is decided by us alone. */
static int make_nodes(const struct world *world, const struct device *nodes, size_t len)
{
	char line[2048] = "set -e";
	size_t end = strlen(line);

	for (size_t i = 0; i < len; i++)
		end += (size_t)snprintf(line + end, sizeof(line) - end,
					"; mknod -m 666 %s/n%zu %c %u %u", world->project, i,
					nodes[i].type, nodes[i].major, nodes[i].minor);
	return as_root("%s", line);
}

/*
 * A driver that is missing says so after the kernel allowed the open. Outside each must get there;
 * returns 0 inside if one does.
 */
static int open_nodes(const struct world *world)
{
	int no = ENOENT;

	for (unsigned int i = 0;; i++) {
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "n%u", i);
		if (access(name, F_OK))
			return no;
		fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		no = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
		no = no == EPERM || no == EACCES ? no : 0;
		if (!no == world->inside) {
			printf("node %u: %s\n", i, strerror(no));
			return no;
		}
	}
}

#define NODES(name, ...) \
	static int name(struct world *world) \
	{ \
		static const struct device nodes[] = {__VA_ARGS__}; \
\
		return make_nodes(world, nodes, LEN(nodes)); \
	}

/* loop, SCSI disk, device mapper, NVMe, virtio; SCSI generic. */
NODES(block, {'b', 7, 0}, {'b', 8, 0}, {'b', 253, 0}, {'b', 259, 0}, {'b', 254, 0}, {'c', 21, 0})
/* mem, port, kmsg; one processor's registers; nvram; ppp. */
NODES(memory, {'c', 1, 1}, {'c', 1, 4}, {'c', 1, 11}, {'c', 202, 0}, {'c', 10, 144}, {'c', 108, 0})
/* mice, an event device, uinput, uhid. */
NODES(input, {'c', 13, 63}, {'c', 13, 64}, {'c', 10, 223}, {'c', 10, 239})
/* fuse, tun, kvm, vhost-net, vhost-vsock, cuse. */
NODES(servers, {'c', 10, 229}, {'c', 10, 200}, {'c', 10, 232}, {'c', 10, 238}, {'c', 10, 241},
      {'c', 10, 203})
/* loop-control, device mapper's, btrfs's, autofs, rfkill, a TPM. No watchdog: opening it arms it. */
NODES(controls, {'c', 10, 237}, {'c', 10, 236}, {'c', 10, 234}, {'c', 10, 235}, {'c', 10, 242},
      {'c', 10, 224})
/* Sound, video, DRM's card and renderer, accelerators. */
NODES(media, {'c', 116, 1}, {'c', 81, 0}, {'c', 226, 0}, {'c', 226, 128}, {'c', 261, 0})
/* Virtual consoles and their contents, the console, serial lines. */
NODES(consoles, {'c', 4, 0}, {'c', 4, 5}, {'c', 7, 1}, {'c', 7, 129}, {'c', 5, 1}, {'c', 4, 65},
      {'c', 188, 0}, {'c', 166, 0})
/* A device on the bus, a USB class device. */
NODES(usb, {'c', 189, 0}, {'c', 180, 0})
/* Numbers that nobody has, or has not yet. */
NODES(unknown, {'c', 240, 0}, {'c', 254, 7}, {'c', 510, 0}, {'b', 240, 0})

static int try_device(const char *name, int flags, bool data)
{
	int fd = open(name, flags | O_NOCTTY | O_CLOEXEC);
	char byte = 0;

	if (fd < 0)
		return errno;
	if (data && flags != O_WRONLY && read(fd, &byte, 1) < 0)
		return errno;
	if (data && flags != O_RDONLY && write(fd, &byte, 1) < 0 && errno != ENOSPC)
		return errno; /* ENOSPC: full's answer */
	close(fd);
	return 0;
}

static int d01_harmless(const struct world *world)
{
	(void)world;
	return try_device("/dev/null", O_RDWR, true)	      ?:
		       try_device("/dev/zero", O_RDWR, true)   ?:
		       try_device("/dev/full", O_RDWR, true)   ?:
		       try_device("/dev/random", O_RDONLY, true) ?:
		       try_device("/dev/urandom", O_RDWR, true) ?:
		       try_device("/dev/ptmx", O_RDWR, false);
}

static int d01_links(const struct world *world)
{
	int ends[2];
	const char *file = in("/dev/shm", strrchr(world->base, '/') + 1);
	char byte;
	int no;

	if (pipe(ends) || write(ends[1], "x", 1) != 1 || dup2(ends[0], 3) < 0)
		return errno;
	no = try_device("/dev/fd/3", O_RDONLY, false);
	if (no || read(ends[0], &byte, 1) != 1)
		return no ?: errno;
	return make_file(file, "") ?: result(unlink(file));
}

static int open_fuse(const struct world *world)
{
	(void)world;
	return try_device("/dev/fuse", O_RDWR, false);
}

static int open_tun(const struct world *world)
{
	(void)world;
	return try_device("/dev/net/tun", O_RDWR, false);
}

static int make_null(const struct world *world)
{
	(void)world;
	return result(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
}

static int make_disk(const struct world *world)
{
	(void)world;
	return result(mknod("disk", S_IFBLK | 0600, makedev(8, 0)));
}

static int make_at_disk(const struct world *world)
{
	int fd = open(world->project, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? errno : result(mknodat(fd, "at", S_IFBLK | 0600, makedev(254, 0)));
}

/* Nodes that are no device: a whiteout, a FIFO, a socket. */
static int make_others(const struct world *world)
{
	(void)world;
	if (mknod("w", S_IFCHR, 0) || mknod("p", S_IFIFO | 0600, 0) ||
	    mknod("s", S_IFSOCK | 0600, 0))
		return errno;
	return result(unlink("w")) ?: result(unlink("p")) ?: result(unlink("s"));
}

static int credit_entropy(const struct world *world)
{
	int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC), none = 0;

	(void)world;
	return fd < 0 ? errno : result(ioctl(fd, RNDADDTOENTCNT, &none));
}

#define OPEN(id, what, nodes, flags) \
	{ \
		id, what, GUEST_ONLY | (flags), .prepare = nodes, .attempt = open_nodes, \
						.logged = "read" \
	}

static const struct escape escapes[] = {
	{"D01", "null, zero, full, random, urandom, ptmx", MUST_WORK, .attempt = d01_harmless},
	{"D01", "/dev/fd and /dev/shm", MUST_WORK, .attempt = d01_links},
	OPEN("D02", "disks", block, 0),
	/* Their drivers ask root for capabilities. */
	OPEN("D03", "memory, ports, the kernel's log, ppp", memory, ROOT_ONLY),
	OPEN("D04", "input", input, 0),
	OPEN("D05", "file system and network servers, virtual machines", servers, 0),
	{"D05", "/dev/fuse", 0, .attempt = open_fuse, .logged = "write"},
	{"D05", "/dev/net/tun", 0, .attempt = open_tun, .logged = "write"},
	OPEN("D06", "controls of drivers", controls, 0),
	OPEN("D07", "sound, video, graphics", media, 0),
	OPEN("D08", "consoles and serial lines", consoles, 0),
	OPEN("D09", "USB devices", usb, 0),
	{"D10", "make a node, if only null's", ROOT_ONLY, .attempt = make_null, .logged = "mknod"},
	{"D10", "make a disk's node", ROOT_ONLY, .attempt = make_disk, .logged = "mknod"},
	{"D10", "make one relative to a handle", ROOT_ONLY, .attempt = make_at_disk,
	 .logged = "mknod"},
	{"D10", "whiteouts, FIFOs, sockets", MUST_WORK, .attempt = make_others},
	{"D12", "change the random numbers' pool", ROOT_ONLY, .attempt = credit_entropy,
	 .logged = "capability"},
	OPEN("D13", "numbers that nobody knows", unknown, 0),
	{"K14", "serve a mount that others then wait for", 0, .attempt = open_fuse,
	 .logged = "write"},
};

const struct family devices = {escapes, LEN(escapes)};
