/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_proto.c - libFuzzer target for the message readers: any bytes are read to their end by each
 * of them, and no further.
 */
#include <stdint.h>
#include <string.h>

#include "proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(struct message *message, const uint8_t *data, size_t size)
{
	message_start(message, PROTO_DONE);
	message->len = (uint32_t)(size > PROTO_MAX ? PROTO_MAX : size);
	memcpy(message->data, data, message->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message message;
	struct report report = {0};
	struct list_entry entry;
	struct limits limits;
	struct fail f = {0};
	char text[256];

	load(&message, data, size);
	(void)message_get_head(&message, &report);
	load(&message, data, size);
	(void)message_get_target(&message, &report);
	load(&message, data, size);
	(void)message_get_entry(&message, &entry);
	load(&message, data, size);
	(void)message_get_limits(&message, &limits);
	load(&message, data, size);
	message_get_fail(&message, &f);
	load(&message, data, size);
	while (message_more(&message)) {
		(void)message_get(&message);
		(void)message_get_text(&message, text, sizeof(text));
		(void)message_get_bytes(&message, text, sizeof(text));
	}
	report_done(&report);
	return 0;
}
