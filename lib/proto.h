/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proto.h - what command and daemon say to each other: messages over a SOCK_SEQPACKET unix socket,
 * each a verb and a row of fields, with descriptors beside it. Reading never goes past the end: a
 * field that isn't there makes the message bad, once and for all, and yields 0 or "".
 *
 *   new       NAME DIRECTORY FLAGS MEMORY PIDS CPU
 *             then any number of rules and sensitive, then commit; limits are 0 for none
 *   rules     (RIGHTS RULE-INDEX PATH)...     with as many descriptors: the objects, opened O_PATH
 *             by the caller
 *   policy    (RIGHT SYSTEM OPTIONAL PATH ORIGIN)...
 *   sensitive PATTERN...
 *   variables (KIND TEXT)...                  also an answer
 *   amend     NAME                            in the place of new: rules for a session that exists
 *   commit                                    -> done NAME
 *   prepare NAME                              -> variables... done DIRECTORY TMPDIR
 *   exec NAME                                 -> done, after the caller was moved
 *   list                                      -> entry... done
 *   report NAME, destroy NAME                 -> head target... done; destroy: busy, ask again
 *   show NAME                                 -> text... done
 *   freeze NAME, thaw NAME                    -> done; busy: not all have yet, ask again
 *   why NAME CHILD, a descriptor              -> done RIGHTS RULE AUDIT; of the object, or of a CHILD
 *                                                that is missing in that directory
 *   tail NAME                                 -> done LOG-SIZE LOG-INODE, then text: a log line each
 *   anything                                  -> fail ERRNO SENTENCE HINT
 */
#ifndef LIB_PROTO_H
#define LIB_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fail.h"
#include "list.h"
#include "policy.h"
#include "report.h"

#define PROTO_RUN_DIR "/run/agent-lock"
#define PROTO_SOCKET PROTO_RUN_DIR "/socket"
#define PROTO_INSIDE PROTO_RUN_DIR "/inside" /* for who is in a session: why, and nothing else */
#define PROTO_LOG_DIR "/var/log/agent-lock"
#define PROTO_MAX 49152 /* bytes in a message */
#define PROTO_FDS 64	/* descriptors beside it */

enum proto_verb {
	PROTO_NEW = 1,
	PROTO_RULES,
	PROTO_POLICY,
	PROTO_SENSITIVE,
	PROTO_COMMIT,
	PROTO_EXEC,
	PROTO_LIST,
	PROTO_REPORT,
	PROTO_SHOW,
	PROTO_TAIL,
	PROTO_DESTROY,
	PROTO_FREEZE,
	PROTO_THAW,
	PROTO_AMEND,
	PROTO_VARIABLES,
	PROTO_PREPARE,
	PROTO_WHY,
	PROTO_ADOPT,
	/* replies */
	PROTO_DONE = 64,
	PROTO_FAIL,
	PROTO_BUSY,
	PROTO_ENTRY,
	PROTO_HEAD,
	PROTO_TARGET,
	PROTO_TEXT,
};

struct message {
	uint32_t verb;
	uint32_t len; /* bytes in data */
	uint32_t at;  /* next to read */
	bool bad;     /* a field did not fit or was not there */
	uint32_t nfds;
	int fds[PROTO_FDS];
	unsigned char data[PROTO_MAX];
};

void message_start(struct message *message, enum proto_verb verb);
void message_put(struct message *message, uint64_t number);
void message_put_bytes(struct message *message, const void *bytes, size_t len);
void message_put_text(struct message *message, const char *text);
/* Does a field of so many bytes still fit? */
bool message_room(const struct message *message, size_t len);

uint64_t message_get(struct message *message);
/* Copies at most size - 1 bytes and a NUL; longer is bad. Returns the length. */
size_t message_get_bytes(struct message *message, char *out, size_t size);
/* The same, and a NUL inside is bad. */
size_t message_get_text(struct message *message, char *out, size_t size);
/* Has everything been read, and nothing bad? */
bool message_complete(const struct message *message);
bool message_more(const struct message *message);

/*
 * Send one whole message with its descriptors. 0 or -1 with errno (EAGAIN on a socket that would
 * block).
 */
int message_send(int socket, const struct message *message);
/*
 * Receive one. Returns 1, 0 at the end of the connection, -1 with errno. What is no message of
 * ours is -1 with EBADMSG. Descriptors are the caller's: message_close() closes those still in
 * fds[].
 */
int message_receive(int socket, struct message *out_message);
void message_close(struct message *message);

/* Structs that cross as a whole. The decoders return false on anything out of range. */
void message_put_limits(struct message *message, const struct limits *limits);
bool message_get_limits(struct message *message, struct limits *out_limits);
/* So many of the policy's variables, from *at on, as fit; *at is the next. */
void message_put_variables(struct message *message, const struct policy *policy, size_t *at);
/* Append those of a message to the policy. -1: there is one that makes no sense, or no room. */
int message_get_variables(struct message *message, struct policy *policy, struct fail *f);
void message_put_fail(struct message *message, const struct fail *f);
void message_get_fail(struct message *message, struct fail *out_fail);
void message_put_entry(struct message *message, const struct list_entry *entry);
bool message_get_entry(struct message *message, struct list_entry *out_entry);
void message_put_head(struct message *message, const struct report *report);
bool message_get_head(struct message *message, struct report *out_report);
void message_put_target(struct message *message, const struct report_target *target);
bool message_get_target(struct message *message, struct report *report);

#endif
