/*
 * A hook's JSON with a new secret: the old ones go on to sign for a while, so that the receiver can
 * change over meanwhile. Those that have ended are dropped. Pure, but for the randomness of the new
 * secret. What comes out is to be checked by hook_parse.
 */
#ifndef ADMIN_HOOK_ROTATE_H
#define ADMIN_HOOK_ROTATE_H

#include <jansson.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/hook_secret.h"

/* keep_ms: how long the old ones sign yet; 0 drops them. None is made to last longer than it was to
 * before. *ret_until_ms is when the last of them ends, 0 when there is none. 0, or -1 with *why. */
int hook_rotate(json_t *hook, int64_t now_ms, int64_t keep_ms,
                char ret_secret[HOOK_SECRET_TEXT_SIZE], int64_t *ret_until_ms,
                struct error_text *why);

#endif
