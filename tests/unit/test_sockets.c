/* SPDX-License-Identifier: GPL-2.0-only */
/* test_sockets.c - what sockets.h promises: who is at the other end, by path, abstract name and address. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../lib/sockets.h"
#include "../../lib/util.h"
#include "../tap.h"

static uint64_t inode_of(int fd)
{
	struct stat st = {0};

	fstat(fd, &st);
	return st.st_ino;
}

static const char *end_of(const struct socket_end *list, size_t len, int fd)
{
	const char *text = sockets_find(list, len, inode_of(fd));

	return text ? text : "nothing";
}

/* A connection, its other end, and who listens at the address. Before it is accepted the other end has no inode. */
static int connect_to(const void *address, socklen_t len, int *out_listener, int *out_other)
{
	sa_family_t family = ((const struct sockaddr *)address)->sa_family;
	struct sockaddr_storage bound;
	socklen_t bound_len = sizeof(bound);
	int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*out_listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*out_listener, address, len) || listen(*out_listener, 1) ||
	    getsockname(*out_listener, (struct sockaddr *)&bound, &bound_len) ||
	    connect(client, (struct sockaddr *)&bound, bound_len))
		return -1;
	*out_other = accept4(*out_listener, NULL, NULL, SOCK_CLOEXEC);
	return client;
}

int main(void)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX}, abstract = {.sun_family = AF_UNIX};
	struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	cleanup_free struct socket_end *list = NULL;
	int listeners[3], clients[3], others[3], pair[2];
	char dir[] = "/tmp/test-sockets-XXXXXX";
	char wanted[160];
	size_t len;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/a\nb", dir);
	snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "%s", dir);
	clients[0] = connect_to(&path, sizeof(path), &listeners[0], &others[0]);
	clients[1] = connect_to(
		&abstract, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(dir)),
		&listeners[1], &others[1]);
	clients[2] = connect_to(&tcp, sizeof(tcp), &listeners[2], &others[2]);
	ok(clients[0] >= 0 && clients[1] >= 0 && clients[2] >= 0, "there are connections");
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "and a pair");
	sockets_list(&list, &len);
	snprintf(wanted, sizeof(wanted), "connected to %s/a\\x0ab", dir);
	is_str(end_of(list, len, clients[0]), wanted, "by path, escaped");
	snprintf(wanted, sizeof(wanted), "connected to @%s", dir);
	is_str(end_of(list, len, clients[1]), wanted, "by an abstract name");
	ok(strncmp(end_of(list, len, clients[2]), "connected to 127.0.0.1 port ", 28) == 0,
	   "by address: %s", end_of(list, len, clients[2]));
	is_str(end_of(list, len, pair[0]), "nothing", "a pair has no names");
	is_str(end_of(list, len, listeners[0]), "nothing", "and who listens is not connected");
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		close(clients[i]);
		close(listeners[i]);
		close(others[i]);
	}
	unlink(path.sun_path);
	rmdir(dir);
	return tap_done();
}
