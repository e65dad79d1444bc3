/*
 * Signatures of requests: Standard Webhooks 1.0.0, scheme v1 (HMAC-SHA256 over
 * "<id>.<timestamp>.<body>"). Pure: no clock, no I/O.
 */
#ifndef CONTRACT_SIGNATURE_H
#define CONTRACT_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/hook_secret.h"

/* Appends "v1,<base64>" for each secret that has not ended at that time, newest first, parted by
 * spaces. -1 when OpenSSL fails or out is full. */
int signature_append(struct buffer *out, const struct hook_secret *secrets, size_t secrets_len,
                     struct bytes id, int64_t timestamp_s, struct bytes body);

/* Is one of the signatures in given, parted by spaces as in the header, the secret's? 1 or 0; -1
 * when OpenSSL fails. Its time does not depend on where a wrong one differs. */
int signature_verify(struct bytes given, const struct hook_secret *secret, struct bytes id,
                     int64_t timestamp_s, struct bytes body);

#endif
