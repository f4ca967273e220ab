/* SPDX-License-Identifier: GPL-2.0-only */
/* secret.c - see secret.h */
#include <string.h>

#include "secret.h"
#include "util.h"

/* An address with a user, and with a password too if that is asked for; at: at its "://". */
static bool has_user(const char *at, bool password)
{
	size_t authority = strcspn(at + 3, "/?# \t\n\"'");
	const char *end = memchr(at + 3, '@', authority);

	return end && (!password || memchr(at + 3, ':', (size_t)(end - at - 3)));
}

bool secret_address(const char *text)
{
	for (const char *at = text; (at = strstr(at, "://")); at += 3)
		if (has_user(at, true))
			return true;
	return false;
}

/* A user alone is a name for ssh, and for http as often as not a token. */
static bool has_http_user(const char *text)
{
	for (const char *at = text; (at = strcasestr(at, "http")); at += 4) {
		size_t scheme = at[4] == 's' || at[4] == 'S' ? 5 : 4;

		if (strncmp(at + scheme, "://", 3) == 0 && has_user(at + scheme, false))
			return true;
	}
	return false;
}

bool secret_text(const char *text)
{
	static const char *const parts[] = {
		"authorization:", "bearer ",	 "cookie:", "private-token", "password=",
		"passwd=",	  "token=",	 "secret=", "apikey=",	     "sshpass",
		"github_pat_",	  "ghp_",	 "gho_",    "ghs_",	     "ghu_",
		"glpat-",	  "-----begin ", "xoxb-",   "sk-ant-",
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcasestr(text, parts[i]))
			return true;
	return strstr(text, "AKIA") || secret_address(text) || has_http_user(text);
}

bool secret_key(const char *key)
{
	static const char *const parts[] = {"token",  "password", "passwd", "passphrase",
					    "secret", "apikey",	  "oauth",  "extraheader"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strstr(key, parts[i]))
			return true;
	return strcmp(key, "pass") == 0 || strcmp(key, "smtppass") == 0;
}
