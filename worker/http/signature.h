/*
 * Signing of requests: Standard Webhooks 1.0.0, scheme v1 (HMAC-SHA256 over
 * "<id>.<timestamp>.<body>"). Pure: no clock, no I/O.
 */
#ifndef HTTP_SIGNATURE_H
#define HTTP_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/hook.h"

/* Appends "v1,<base64>" for each secret that has not ended at that time, newest first, parted by
 * spaces. -1 when OpenSSL fails or out is full. */
int signature_append(struct buffer *out, const struct hook_secret *secrets, size_t secrets_len,
                     struct bytes id, int64_t timestamp_s, struct bytes body);

#endif
