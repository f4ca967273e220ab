/* SPDX-License-Identifier: GPL-2.0-only */
/* requests.h - one connection, and what may be asked on it. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "daemon.h"
#include "peer.h"
#include "proto.h"

struct client {
	int socket; /* -1: free */
	struct peer peer;
	struct session *draft; /* between new or amend and commit */
	uint64_t amends;       /* the cgroup of the session that it is for; 0: of a new one */
	char wanted[SESSION_NAME_MAX +
		    2]; /* its name, "" for any; one byte more, so that too long is seen as such */
	struct session *follows; /* after tail; NULL again when the session has ended */
	char followed[SESSION_NAME_MAX + 1];
	uint64_t missed; /* events whose lines found no room since it last read */
	bool answered;	 /* with something long: it has to be read before anything else is asked */
	size_t draft_bytes; /* text that the draft holds */
	bool over;	    /* nothing more is taken from it */
	bool inside;	    /* it came by PROTO_INSIDE, where who is in a session may ask */
};

/* Answer one request. On failure the caller says why and hangs up. */
int request(struct daemon *daemon, struct client *client, struct message *message, struct fail *f);

/* control.c: how many sessions of this user are being made just now. */
unsigned int control_drafts(const struct daemon *daemon, uid_t uid);
/* control.c: this client is told all that happens in this session from now on. */
void control_follow(struct client *client, struct session *session);

#endif
