/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_requests.c - libFuzzer target for what the daemon does with requests: any row of messages,
 * from a client that has no session, is answered or refused, and nothing of it is left. What would
 * put a session in force is left out: there is no kernel half here.
 *
 * Input: messages, each VERB DESCRIPTORS LENGTH (1, 1 and 2 bytes) and so many bytes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../cmd/agent-lockd/requests.h"
#include "util.h"

#define HEAD 4
#define MOST_FDS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int object = -1, ends[2];
static struct daemon lockd;

static void prepare(void)
{
	struct fail f;

	settings_init(&lockd.settings);
	object = open("/", O_PATH | O_CLOEXEC);
	if (object < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) ||
	    sessions_open(NULL, NULL, &lockd.settings.log, &lockd.settings.users, &lockd.sessions,
			  &f))
		abort();
}

/* The next one, and how many bytes it took; 0 when there is none. */
static size_t next(struct message *message, const uint8_t *data, size_t size)
{
	size_t len;

	if (size < HEAD)
		return 0;
	len = (size_t)data[2] | (size_t)data[3] << 8;
	if (len > size - HEAD)
		len = size - HEAD;
	if (len > PROTO_MAX)
		len = PROTO_MAX;
	message_start(message, data[0]);
	memcpy(message->data, data + HEAD, len);
	message->len = (uint32_t)len;
	for (; message->nfds < data[1] % (MOST_FDS + 1); message->nfds++) {
		message->fds[message->nfds] = fcntl(object, F_DUPFD_CLOEXEC, 0);
		if (message->fds[message->nfds] < 0)
			abort();
	}
	return HEAD + len;
}

static int lowest_free(void)
{
	int fd = fcntl(object, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message message, answer;
	struct client client = {0};
	struct fail f = {0};
	size_t took;
	int before, ret = 0;

	if (object < 0)
		prepare();
	client.socket = ends[0];
	before = lowest_free();
	while (ret == 0 && (took = next(&message, data, size)) > 0) {
		if (message.verb != PROTO_COMMIT || !client.draft)
			ret = request(&lockd, &client, &message, &f);
		message_close(&message);
		while (message_receive(ends[1], &answer) > 0)
			message_close(&answer);
		data += took;
		size -= took;
	}
	if (ret && !f.msg[0])
		abort(); /* refused without a reason */
	session_free(client.draft);
	if (lowest_free() != before)
		abort(); /* a descriptor was left open */
	return 0;
}
