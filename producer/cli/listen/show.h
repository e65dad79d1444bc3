/*
 * A request that "roomhook listen" got, on stdout: for eyes, or as one JSON object.
 */
#ifndef CLI_LISTEN_SHOW_H
#define CLI_LISTEN_SHOW_H

#include "base/http_request.h"

#define LISTEN_HEAD_MAX ((size_t)128 << 10)
#define LISTEN_BODY_MAX ((size_t)64 << 20)

struct shown_request {
    const struct http_request *request;
    const char *from;   /* address and port of its sender */
    int64_t at_ms;      /* wall clock */
    int answered;       /* status */
    bool is_verified;   /* is there a secret to verify it with? */
    const char *faults; /* of its signature; NULL: it is valid */
};

int show_request_text(const struct shown_request *shown); /* 0, or -1: out of memory */
int show_request_json(const struct shown_request *shown);

#endif
