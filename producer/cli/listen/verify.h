/*
 * Was a request signed with one of some secrets, and lately? Pure.
 */
#ifndef CLI_LISTEN_VERIFY_H
#define CLI_LISTEN_VERIFY_H

#include <stdint.h>

#include "base/http_request.h"
#include "contract/hook_secret.h"

#define VERIFY_TOLERANCE_S 300

/* True, or false with *why. */
bool verify_request(const struct http_request *request, const struct hook_secret *secrets,
                    size_t secrets_len, int64_t now_s, struct error_text *why);

#endif
