/*
 * A hook: one registered webhook of a room, stored as JSON in {Q}:room:<roomId> under its id, or
 * given inline in an event. Parsing checks everything a worker relies on; the command line uses the
 * same code, so that what it accepts works.
 *
 *   url                    required
 *   verificationSignature  1..256 visible ASCII characters, sent as a header and in spika bodies
 *   secret                 "whsec_<base64 of 24..64 bytes>" or a list of at most 4, newest first;
 *                          older ones may have an end (see hook_secret.h)
 *   format                 "spika" (default) or another one (see hook_format.h)
 *   template               instead of format: what a body looks like (see template.h)
 *   headers                object of at most 32; names are RFC 9110 tokens of up to 64 bytes, none
 *                          twice; values are 0x20..0x7e and tab, 1 byte to 1 KiB, trimmed; the
 *                          names Roomhook or HTTP itself sets are refused (see hook_headers.c)
 *   enabled                true (default) or false
 *   maxAge, timeout        durations like "15s"; can only lower the settings
 *   types                  list of 1..32 event types; "message.*" is all below. Others are skipped
 *   description            1..200 characters, for people; no control characters
 *   acceptStatus           list of 1..16 integers from 300 to 599: these, too, count as delivered
 *   transport              name of a transport of the worker's settings file
 *   rateLimit              "<N>/s", "<N>/m" or "<N>/h", N in 1..100000: at most this many attempts
 *
 * Unknown keys are refused with their name: a misspelt key must not be ignored silently.
 */
#ifndef CONTRACT_HOOK_H
#define CONTRACT_HOOK_H

#include <jansson.h>
#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/hook_format.h"
#include "contract/hook_secret.h"
#include "contract/url.h"

#define HOOK_JSON_MAX 65536
#define HOOKS_PER_ROOM_MAX 256
#define HOOK_MAX_HEADERS 32
#define HOOK_MAX_HEADER_VALUE 1024
#define HOOK_SIGNATURE_MAX 256
#define HOOK_ACCEPT_STATUS_MAX 16
#define HOOK_STATUS_LEAST 300
#define HOOK_STATUS_MOST 599
#define HOOK_TYPES_MAX 32
#define HOOK_DESCRIPTION_MAX 200 /* characters */
#define HOOK_RATE_MAX 100000
#define HOOK_RATE_TEXT_SIZE 12        /* "100000/s", and a few zeros in front */
#define HOOK_FINGERPRINT_SIZE 17      /* 16 hex and NUL */
#define HOOK_STATE_FINGERPRINT_SIZE 9 /* of these the first 8, and NUL */

struct hook {
    char id[RH_NAME_MAX + 1];
    char *url_text; /* as given */
    struct url url;
    char *verification_signature; /* NULL when the hook has none */
    struct hook_secret *secrets;  /* newest first; wiped when freed */
    size_t secrets_len;
    char **headers; /* "Name: value" lines, checked and trimmed, in the hook's order */
    size_t headers_len;
    enum hook_format format;
    struct template *template; /* of formats that are one, else NULL */
    char *template_json;       /* the hook's own, else NULL */
    bool enabled;
    int64_t max_age_ms; /* 0: the setting's */
    int64_t timeout_ms; /* 0: the setting's */
    char **types;       /* patterns, checked */
    size_t types_len;
    char *transport;                           /* NULL when the hook has none */
    char *description;                         /* NULL when the hook has none */
    int accept_status[HOOK_ACCEPT_STATUS_MAX]; /* 300..599 */
    size_t accept_status_len;
    int64_t rate_interval_us;                /* between two attempts; 0: no rate limit */
    char rate_limit[HOOK_RATE_TEXT_SIZE];    /* the same as given; "": none */
    char fingerprint[HOOK_FINGERPRINT_SIZE]; /* 16 hex of SHA-256 of url and credentials */
};

enum hook_problem {
    HOOK_OK = 0,
    HOOK_BAD = -1,     /* dead letter reason bad-hook */
    HOOK_BAD_URL = -2, /* dead letter reason bad-url: url is a string, but not an acceptable one */
    HOOK_NO_MEMORY = -3
};

/* HOOK_OK with a hook for hook_free, or a problem with *why set (it never quotes credentials).
 * id is [A-Za-z0-9_-]{1,64}. */
int hook_parse(struct bytes id, struct bytes json, struct hook **ret_hook, struct error_text *why);

void hook_free(struct hook *hook); /* NULL allowed; wipes secrets and signature */

/* Does it want events of this type? */
bool hook_takes_type(const struct hook *hook, struct bytes type);

/* Reads the key types. 0, -1 with *why when it is not valid, or -2 with *why: no memory. */
int hook_types_read(struct hook *hook, const json_t *value, struct error_text *why);

/* Checks one header against the rules above. 0, or -1 with *why. Used for hooks and on the
 * command line. */
int hook_header_check(struct bytes name, struct bytes value, struct error_text *why);

/* A header's value without the blanks around it, as it is sent. */
struct bytes hook_header_trim(struct bytes value);

#endif
