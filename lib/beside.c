/* SPDX-License-Identifier: GPL-2.0-only */
/* beside.c - see beside.h */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/agent_lock.h"
#include "beside.h"

bool beside_self(const char *name, char *out, size_t size)
{
	char self[AL_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[len < 0 ? 0 : len] = '\0';
	slash = strrchr(self, '/');
	snprintf(out, size, "%.*s/%s", slash ? (int)(slash - self) : 0, self, name);
	return slash && access(out, F_OK) == 0;
}
