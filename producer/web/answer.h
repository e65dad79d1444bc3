/*
 * An answer to a request, in the making. Bodies are JSON unless type says otherwise.
 */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "contract/bytes.h"

#define ANSWER_BODY_MAX ((size_t)32 << 20)
#define ANSWER_ALLOW_SIZE 64
#define ANSWER_JSON "application/json"

struct answer {
    int status;
    const char *type;              /* of the body; a literal */
    char allow[ANSWER_ALLOW_SIZE]; /* header Allow, of a 405; "" for none */
    const char *tag;      /* header ETag, weak, of what may be kept; NULL for none; a literal */
    const char *encoding; /* header Content-Encoding; NULL for none; a literal */
    const char *location; /* header Location, of a redirect; lives as long as the service */
    struct buffer body;   /* released by the sender */
    bool has_secret;      /* the body is wiped when it was sent */
};

void answer_init(struct answer *answer); /* 200, JSON, no body */
void answer_release(struct answer *answer);

/* Makes it an error: {"error":{"code":…,"message":…}}. message says what is allowed. */
void answer_refuse(struct answer *answer, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const char *answer_reason(int status); /* "Not Found" */

#endif
