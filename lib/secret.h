/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * secret.h - what looks like a secret in settings of people's: by the name it has, or by how it is made.
 * It guesses; who asks leaves out what it says yes to.
 */
#ifndef LIB_SECRET_H
#define LIB_SECRET_H

#include <stdbool.h>

/* scheme://user:password@host, anywhere in the text. */
bool secret_address(const char *text);
/* That, or http://token@host, a token of a known service, a header or a setting that holds one. */
bool secret_text(const char *text);
/* A key in lower case: token, smtppass, oauth-token, ... */
bool secret_key(const char *key);

#endif
