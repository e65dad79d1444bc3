/*
 * The key "secret" of a hook's JSON: one secret, or a list of them, newest first. One that was
 * replaced may be an object that tells when it ends:
 *
 *   "secret": ["whsec_<new>", {"key": "whsec_<old>", "until": 1667634537257}]
 *
 * until is in ms since 1970; from then on it signs no more. The newest has no end, so that a hook
 * with secrets never falls silent about its origin.
 */
#ifndef CONTRACT_HOOK_SECRET_H
#define CONTRACT_HOOK_SECRET_H

#include <jansson.h>

#include "hook.h"

/* Fills hook->secrets. HOOK_OK, or an enum hook_problem with *why. */
int hook_secrets_read(json_t *value, struct hook *hook, struct error_text *why);

#endif
