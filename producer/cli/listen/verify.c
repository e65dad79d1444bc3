#include "cli/listen/verify.h"

#include <inttypes.h>

#include "contract/parse.h"
#include "contract/signature.h"

/* A header that a signed request has. False with *why. */
static bool need(const struct http_request *request, const char *name, struct bytes *ret_value,
                 struct error_text *why)
{
    *ret_value = http_request_header(request, name);
    if (ret_value->data)
        return true;
    error_text_set(why, "there is no %s", name);
    return false;
}

bool verify_request(const struct http_request *request, const struct hook_secret *secrets,
                    size_t secrets_len, int64_t now_s, struct error_text *why)
{
    struct bytes id, timestamp, signatures;
    int64_t time_s;

    if (!need(request, "webhook-id", &id, why) ||
        !need(request, "webhook-timestamp", &timestamp, why) ||
        !need(request, "webhook-signature", &signatures, why))
        return false;
    if (parse_int64(timestamp, 0, INT64_MAX, &time_s) < 0) {
        error_text_set(why, "webhook-timestamp is not a number");
        return false;
    }
    if (time_s < now_s - VERIFY_TOLERANCE_S || time_s > now_s + VERIFY_TOLERANCE_S) {
        error_text_set(why, "webhook-timestamp is %" PRId64 " s off, %d are allowed",
                       time_s < now_s ? now_s - time_s : time_s - now_s, VERIFY_TOLERANCE_S);
        return false;
    }
    for (size_t i = 0; i < secrets_len; i++) {
        int verified = signature_verify(signatures, &secrets[i], id, time_s, request->body);
        if (verified > 0)
            return true;
        if (verified < 0) {
            error_text_set(why, "out of memory");
            return false;
        }
    }
    error_text_set(why, "it was made with another secret, or the request was changed");
    return false;
}
