/* SPDX-License-Identifier: GPL-2.0-only */
/* proto.c - see proto.h */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "proto.h"
#include "util.h"

#define PROTO_MAGIC 0x324b4c41U /* "ALK2": changes with every change of the messages */

struct header {
	uint32_t magic;
	uint32_t verb;
};

void message_start(struct message *message, enum proto_verb verb)
{
	message->verb = verb;
	message->len = 0;
	message->at = 0;
	message->bad = false;
	message->nfds = 0;
}

bool message_room(const struct message *message, size_t len)
{
	return !message->bad && len + sizeof(uint64_t) <= PROTO_MAX - message->len;
}

/* Every field is a 64-bit number; bytes have their length before them. */
void message_put(struct message *message, uint64_t number)
{
	if (!message_room(message, 0)) {
		message->bad = true;
		return;
	}
	memcpy(message->data + message->len, &number, sizeof(number));
	message->len += sizeof(number);
}

void message_put_bytes(struct message *message, const void *bytes, size_t len)
{
	if (!message_room(message, len)) {
		message->bad = true;
		return;
	}
	message_put(message, len);
	if (len)
		memcpy(message->data + message->len, bytes, len);
	message->len += (uint32_t)len;
}

void message_put_text(struct message *message, const char *text)
{
	message_put_bytes(message, text, strlen(text));
}

uint64_t message_get(struct message *message)
{
	uint64_t number;

	if (message->bad || message->len - message->at < sizeof(number)) {
		message->bad = true;
		return 0;
	}
	memcpy(&number, message->data + message->at, sizeof(number));
	message->at += sizeof(number);
	return number;
}

size_t message_get_bytes(struct message *message, char *out, size_t size)
{
	uint64_t len = message_get(message);

	out[0] = '\0';
	if (message->bad || len > message->len - message->at || len >= size) {
		message->bad = true;
		return 0;
	}
	memcpy(out, message->data + message->at, len);
	out[len] = '\0';
	message->at += (uint32_t)len;
	return len;
}

size_t message_get_text(struct message *message, char *out, size_t size)
{
	size_t len = message_get_bytes(message, out, size);

	if (strlen(out) == len)
		return len;
	message->bad = true;
	out[0] = '\0';
	return 0;
}

bool message_more(const struct message *message)
{
	return !message->bad && message->at < message->len;
}

bool message_complete(const struct message *message)
{
	return !message->bad && message->at == message->len;
}

/*
 * A user has no more descriptors under way than RLIMIT_NOFILE (unix(7)): with ten sessions being made
 * at once that is met. They count until they are received, so it passes; root never meets it.
 */
static bool passes(int *patience)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	if (errno != ETOOMANYREFS || (*patience)-- <= 0)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

int message_send(int socket, const struct message *message)
{
	struct header header = {.magic = PROTO_MAGIC, .verb = message->verb};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)message->data, .iov_len = message->len},
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * PROTO_FDS)];
	} control;
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov)};
	int patience = 3000; /* of 10 milliseconds */
	ssize_t sent;

	if (message->bad) {
		errno = EMSGSIZE;
		return -1;
	}
	if (message->nfds) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * message->nfds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * message->nfds);
		memcpy(CMSG_DATA(cmsg), message->fds, sizeof(int) * message->nfds);
	}
	do
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL);
	while (sent < 0 && (errno == EINTR || passes(&patience)));
	return sent < 0 ? -1 : 0;
}

/* Take what descriptors came; more than fit were closed by the kernel, which says MSG_CTRUNC. */
static void take_descriptors(struct msghdr *msg, struct message *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (count > PROTO_FDS - message->nfds)
			count = PROTO_FDS - message->nfds;
		memcpy(message->fds + message->nfds, CMSG_DATA(cmsg), count * sizeof(int));
		message->nfds += (uint32_t)count;
	}
}

int message_receive(int socket, struct message *out_message)
{
	struct header header = {0};
	struct iovec iov[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = out_message->data, .iov_len = PROTO_MAX},
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * PROTO_FDS)];
	} control;
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = ARRAY_SIZE(iov),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len;

	message_start(out_message, PROTO_DONE);
	do
		len = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	take_descriptors(&msg, out_message);
	if (len == 0) {
		/* The end, or an empty message: which may carry descriptors all the same. */
		message_close(out_message);
		return 0;
	}
	if ((size_t)len < sizeof(header) || header.magic != PROTO_MAGIC ||
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		bool room = out_message->nfds < PROTO_FDS;

		message_close(out_message);
		/* There was room for more descriptors here, but this process may have no more. */
		errno = (msg.msg_flags & MSG_CTRUNC) && room ? EMFILE : EBADMSG;
		return -1;
	}
	out_message->verb = header.verb;
	out_message->len = (uint32_t)((size_t)len - sizeof(header));
	return 1;
}

void message_close(struct message *message)
{
	for (uint32_t i = 0; i < message->nfds; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->nfds = 0;
}

void message_put_variables(struct message *message, const struct policy *policy, size_t *at)
{
	message_start(message, PROTO_VARIABLES);
	for (; *at < policy->variables_len; ++*at) {
		const struct policy_variable *variable = &policy->variables[*at];

		if (!message_room(message, strlen(variable->text) + 64))
			return;
		message_put(message, variable->kind);
		message_put_text(message, variable->text);
	}
}

int message_get_variables(struct message *message, struct policy *policy, struct fail *f)
{
	char text[PATH_MAX];

	while (message_more(message)) {
		uint64_t kind = message_get(message);

		message_get_text(message, text, sizeof(text));
		if (message->bad || kind >= POLICY_NVARIABLES)
			return fail(f, EBADMSG, "cannot understand the message");
		if (policy_add_variable(policy, (enum policy_variable_kind)kind, text, f))
			return -1;
	}
	return message_complete(message) ? 0 : fail(f, EBADMSG, "cannot understand the message");
}

void message_put_fail(struct message *message, const struct fail *f)
{
	message_start(message, PROTO_FAIL);
	message_put(message, (uint64_t)f->no);
	message_put_text(message, f->msg);
	message_put_text(message, f->hint);
}

void message_get_fail(struct message *message, struct fail *out_fail)
{
	out_fail->no = (int)message_get(message);
	message_get_text(message, out_fail->msg, sizeof(out_fail->msg));
	message_get_text(message, out_fail->hint, sizeof(out_fail->hint));
}

void message_put_limits(struct message *message, const struct limits *limits)
{
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		message_put(message, limits->of[i]);
}

bool message_get_limits(struct message *message, struct limits *out_limits)
{
	bool valid = true;

	for (enum limit kind = 0; kind < LIMIT_KINDS; kind++) {
		out_limits->of[kind] = message_get(message);
		valid &= limit_valid(kind, out_limits->of[kind]);
	}
	return valid && !message->bad;
}

void message_put_entry(struct message *message, const struct list_entry *entry)
{
	message_start(message, PROTO_ENTRY);
	message_put_text(message, entry->name);
	message_put_text(message, entry->state);
	message_put_text(message, entry->directory);
	message_put(message, entry->audit);
	message_put(message, entry->processes);
	message_put(message, entry->opens);
	message_put(message, entry->refused);
	message_put(message, (uint64_t)entry->created);
	message_put(message, entry->owner);
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		message_put(message, entry->usage.now[i]);
		message_put(message, entry->usage.limits.of[i]);
	}
	message_put(message, (uint64_t)entry->log_error);
	message_put(message, entry->log_missing);
	message_put(message, entry->unmarked);
}

bool message_get_entry(struct message *message, struct list_entry *out_entry)
{
	message_get_text(message, out_entry->name, sizeof(out_entry->name));
	message_get_text(message, out_entry->state, sizeof(out_entry->state));
	message_get_text(message, out_entry->directory, sizeof(out_entry->directory));
	out_entry->audit = message_get(message);
	out_entry->processes = message_get(message);
	out_entry->opens = message_get(message);
	out_entry->refused = message_get(message);
	out_entry->created = (int64_t)message_get(message);
	out_entry->owner = (uint32_t)message_get(message);
	for (size_t i = 0; i < LIMIT_KINDS; i++) {
		out_entry->usage.now[i] = message_get(message);
		out_entry->usage.limits.of[i] = message_get(message);
	}
	out_entry->log_error = (int)message_get(message);
	out_entry->log_missing = message_get(message);
	out_entry->unmarked = (uint32_t)message_get(message);
	return message_complete(message);
}

void message_put_head(struct message *message, const struct report *report)
{
	message_start(message, PROTO_HEAD);
	message_put_text(message, report->name);
	message_put_text(message, report->state);
	message_put_text(message, report->directory);
	message_put(message, report->audit);
	message_put(message, report->lost);
	message_put(message, report->others);
	message_put(message, report->unmarked);
	message_put(message, report->age);
	message_put(message, report->processes);
	message_put(message, report->owner);
	for (int op = 0; op < AL_NOPS; op++)
		for (int verdict = 0; verdict < AL_NVERDICTS; verdict++)
			message_put(message, report->counts[op][verdict]);
}

bool message_get_head(struct message *message, struct report *out_report)
{
	message_get_text(message, out_report->name, sizeof(out_report->name));
	message_get_text(message, out_report->state, sizeof(out_report->state));
	message_get_text(message, out_report->directory, sizeof(out_report->directory));
	out_report->audit = message_get(message);
	out_report->lost = message_get(message);
	out_report->others = message_get(message);
	out_report->unmarked = (uint32_t)message_get(message);
	out_report->age = message_get(message);
	out_report->processes = message_get(message);
	out_report->owner = (uint32_t)message_get(message);
	for (int op = 0; op < AL_NOPS; op++)
		for (int verdict = 0; verdict < AL_NVERDICTS; verdict++)
			out_report->counts[op][verdict] = message_get(message);
	return message_complete(message);
}

static void put_time(struct message *message, const struct timespec *time)
{
	message_put(message, (uint64_t)time->tv_sec);
	message_put(message, (uint64_t)time->tv_nsec);
}

static struct timespec get_time(struct message *message)
{
	struct timespec time = {.tv_sec = (time_t)message_get(message)};

	time.tv_nsec = (long)(message_get(message) % 1000000000);
	return time;
}

void message_put_target(struct message *message, const struct report_target *target)
{
	message_start(message, PROTO_TARGET);
	message_put_bytes(message, target->path, target->path_len);
	message_put(message, target->op);
	message_put(message, target->verdict);
	message_put(message, target->count);
	message_put_text(message, target->rule);
	message_put(message, target->sensitive);
	put_time(message, &target->first);
	put_time(message, &target->last);
	message_put(message, target->comms_len);
	for (uint32_t i = 0; i < target->comms_len; i++) {
		message_put_text(message, target->comms[i].comm);
		message_put(message, target->comms[i].pid);
		message_put(message, target->comms[i].count);
	}
}

bool message_get_target(struct message *message, struct report *report)
{
	char path[AL_PATH_MAX + 1];
	size_t len = message_get_bytes(message, path, sizeof(path));
	struct report_target *target = report_add(report, path, len);
	uint64_t comms;

	if (!target)
		return false;
	target->op = (uint32_t)message_get(message);
	target->verdict = (enum al_verdict)message_get(message);
	target->count = message_get(message);
	message_get_text(message, target->rule, sizeof(target->rule));
	target->sensitive = message_get(message);
	target->first = get_time(message);
	target->last = get_time(message);
	comms = message_get(message);
	if (target->op >= AL_NOPS || target->verdict >= AL_NVERDICTS || comms > REPORT_COMMS)
		return false;
	for (; target->comms_len < comms; target->comms_len++) {
		struct report_comm *comm = &target->comms[target->comms_len];

		message_get_text(message, comm->comm, sizeof(comm->comm));
		comm->pid = (uint32_t)message_get(message);
		comm->count = message_get(message);
	}
	return message_complete(message);
}
