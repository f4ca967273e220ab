/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages arrive as they were sent; nothing else is taken for one; reading never leaves what
 * arrived.
 */
#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto.h"
#include "util.h"

static struct message sent, got;

static void pair(int out[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, out))
		_exit(99);
}

static void fields_come_back(void)
{
	char text[32], bytes[32];
	int s[2];

	pair(s);
	message_start(&sent, PROTO_EXEC);
	message_put(&sent, 0);
	message_put(&sent, UINT64_MAX);
	message_put_text(&sent, "a name\n");
	message_put_bytes(&sent, "x\0y", 3);
	ok(message_send(s[0], &sent) == 0 && message_receive(s[1], &got) == 1,
	   "a message is sent and received");
	ok(got.verb == PROTO_EXEC, "the verb comes back");
	ok(message_get(&got) == 0 && message_get(&got) == UINT64_MAX, "numbers come back");
	ok(message_get_text(&got, text, sizeof(text)) == 7 && strcmp(text, "a name\n") == 0,
	   "text comes back");
	ok(!message_complete(&got) && message_more(&got),
	   "a message with something left is not complete");
	ok(message_get_bytes(&got, bytes, sizeof(bytes)) == 3 && memcmp(bytes, "x\0y", 4) == 0,
	   "bytes come back");
	ok(message_complete(&got) && !message_more(&got), "a message read to its end is complete");
	ok(message_get(&got) == 0 && got.bad && !message_complete(&got),
	   "reading on makes it bad, not undefined");
	close(s[0]);
	ok(message_receive(s[1], &got) == 0, "the end of a connection is told apart");
	close(s[1]);
}

static void every_length_is_checked(void)
{
	char small[4], byte[2];

	message_start(&got, PROTO_EXEC);
	message_put_text(&got, "four");
	ok(message_get_text(&got, small, sizeof(small)) == 0 && got.bad,
	   "a text that does not fit is bad");
	message_start(&got, PROTO_EXEC);
	message_put(&got, UINT64_MAX);
	ok(message_get_bytes(&got, small, sizeof(small)) == 0 && got.bad,
	   "a length of 2^64-1 is bad");
	message_start(&got, PROTO_EXEC);
	message_put(&got, 3);
	ok(message_get_bytes(&got, small, sizeof(small)) == 0 && got.bad,
	   "a length beyond the message is bad");
	message_start(&got, PROTO_EXEC);
	message_put_bytes(&got, "a\0b", 3);
	ok(message_get_text(&got, small, sizeof(small)) == 0 && got.bad,
	   "a text with a NUL in it is bad");
	message_start(&sent, PROTO_EXEC);
	memset(byte, 'x', sizeof(byte));
	while (message_room(&sent, 1))
		message_put_bytes(&sent, byte, 1);
	ok(!sent.bad && sent.len <= PROTO_MAX, "a message can be filled to its end");
	message_put_bytes(&sent, byte, 1);
	ok(sent.bad && message_send(-1, &sent) == -1 && errno == EMSGSIZE,
	   "what does not fit is never sent in part");
}

static void strangers_are_refused(void)
{
	static const char *const raw[] = {"", "x", "12345678",
					  "hello, this is no message of ours at all"};
	int s[2];

	for (size_t i = 1; i < ARRAY_SIZE(raw); i++) {
		pair(s);
		send(s[0], raw[i], strlen(raw[i]), 0);
		ok(message_receive(s[1], &got) == -1 && errno == EBADMSG,
		   "stranger %zu is no message", i);
		close(s[0]);
		close(s[1]);
	}
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void descriptors_travel(void)
{
	int s[2], before;

	pair(s);
	message_start(&sent, PROTO_RULES);
	while (sent.nfds < PROTO_FDS)
		sent.fds[sent.nfds++] = 0;
	before = open_descriptors();
	ok(message_send(s[0], &sent) == 0 && message_receive(s[1], &got) == 1 &&
		   got.nfds == PROTO_FDS,
	   "%d descriptors travel with one message", PROTO_FDS);
	ok(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC, "and are closed at exec");
	message_close(&got);
	ok(open_descriptors() == before, "none is left open");
	/* A stranger with descriptors. */
	{
		char byte = 'x';
		struct iovec iov = {.iov_base = &byte, .iov_len = 1};
		char control[CMSG_SPACE(sizeof(int))] = {0};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		int fd = 0;

		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
		sendmsg(s[0], &msg, 0);
	}
	ok(message_receive(s[1], &got) == -1 && open_descriptors() == before,
	   "a stranger's descriptors are closed");
	close(s[0]);
	close(s[1]);
}

static void structs_come_back(void)
{
	struct list_entry entry = {.name = "n",
				   .state = "idle",
				   .directory = "/d",
				   .audit = true,
				   .processes = 1,
				   .opens = 2,
				   .refused = 3,
				   .created = 4,
				   .owner = 5,
				   .usage = {{6, 7, 8}, {{9, 10, UINT64_MAX}}},
				   .log_error = ENOSPC,
				   .log_missing = 6,
				   .unmarked = 11},
			  entry_got = {0};
	struct report report = {.name = "n",
				.state = "running",
				.directory = "/d\n",
				.lost = 7,
				.others = 8,
				.unmarked = 9},
		      back = {0};
	struct report_target *target = report_add(&report, "p\0q", 3);
	struct fail f = {.no = EPERM, .msg = "why", .hint = "cure"}, f_got;
	struct limits limits = {{4ULL << 30, 512, 200}}, limits_got;

	message_put_entry(&got, &entry);
	ok(message_get_entry(&got, &entry_got) && memcmp(&entry, &entry_got, sizeof(entry)) == 0,
	   "a list entry comes back");
	message_start(&got, PROTO_NEW);
	message_put_limits(&got, &limits);
	ok(message_get_limits(&got, &limits_got) &&
		   memcmp(&limits, &limits_got, sizeof(limits)) == 0 && message_complete(&got),
	   "limits come back");
	ok(!message_get_limits(&got, &limits_got), "limits that are not there are refused");
	limits.of[LIMIT_CPU] = UINT64_MAX;
	message_start(&got, PROTO_NEW);
	message_put_limits(&got, &limits);
	ok(!message_get_limits(&got, &limits_got), "a limit that no text gives is refused");
	report.counts[AL_NOPS - 1][AL_NVERDICTS - 1] = 9;
	message_put_head(&got, &report);
	ok(message_get_head(&got, &back) && back.lost == 7 && back.others == 8 &&
		   back.unmarked == 9 && back.counts[AL_NOPS - 1][AL_NVERDICTS - 1] == 9,
	   "a report's head comes back");
	target->op = AL_OP_LINK;
	target->verdict = AL_REFUSED;
	target->comms_len = REPORT_COMMS;
	message_put_target(&got, target);
	ok(message_get_target(&got, &back) && back.len == 1 && back.targets[0].path_len == 3 &&
		   back.targets[0].op == AL_OP_LINK && back.targets[0].comms_len == REPORT_COMMS,
	   "a target comes back, whatever bytes its path has");
	target->op = AL_NOPS;
	message_put_target(&got, target);
	ok(!message_get_target(&got, &back), "an operation that does not exist is refused");
	target->op = 0;
	target->comms_len = REPORT_COMMS;
	message_put_target(&got, target);
	got.len -= 8;
	ok(!message_get_target(&got, &back), "a target cut short is refused");
	message_put_fail(&got, &f);
	message_get_fail(&got, &f_got);
	ok(f_got.no == EPERM && strcmp(f_got.msg, "why") == 0 && strcmp(f_got.hint, "cure") == 0,
	   "a failure comes back");
	report_done(&report);
	report_done(&back);
}

int main(void)
{
	fields_come_back();
	every_length_is_checked();
	strangers_are_refused();
	descriptors_travel();
	structs_come_back();
	return tap_done();
}
