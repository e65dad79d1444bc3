/*
 * The key "secret" of a hook's JSON: one secret, or a list of them, newest first. One that was
 * replaced may be an object that says when it ends:
 *
 *   "secret": ["whsec_<new>", {"key": "whsec_<old>", "until": 1667634537257}]
 *
 * until is in ms since 1970; from then on it signs no more. The newest has no end, so that a hook
 * with secrets never falls silent about its origin.
 */
#ifndef CONTRACT_HOOK_SECRET_H
#define CONTRACT_HOOK_SECRET_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

#define HOOK_MAX_SECRETS 4
#define HOOK_SECRET_MIN 24 /* bytes behind the base64; Standard Webhooks 1.0.0 */
#define HOOK_SECRET_MAX 64

struct hook_secret {
    unsigned char key[HOOK_SECRET_MAX];
    size_t key_len;
    int64_t until_ms; /* wall clock; it signs before that only; 0: no end */
};

/* Reads the key's value. 0 with *ret_secrets, of *ret_len, for hook_secrets_free; -1 with *why when
 * the value is not valid; -2 with *why when memory is out. */
int hook_secrets_read(json_t *value, struct hook_secret **ret_secrets, size_t *ret_len,
                      struct error_text *why);

void hook_secrets_free(struct hook_secret *secrets, size_t len); /* NULL allowed; wipes them */

/* A secret text "whsec_…" to its key, without an end. 0 or -1 with *why. */
int hook_secret_parse(struct bytes text, struct hook_secret *ret_secret, struct error_text *why);

#define HOOK_SECRET_TEXT_SIZE 64

/* Makes credentials from the system's randomness. 0, or -1 when there is none. */
int hook_make_signature(char out[17]);                 /* 16 of [A-Za-z0-9], as Spika does */
int hook_make_secret(char out[HOOK_SECRET_TEXT_SIZE]); /* "whsec_" and base64 of 32 bytes */

#endif
