/*
 * An HTTP/1 request, as the receiver of "roomhook listen" reads it: whole, with Content-Length.
 * Pure.
 */
#ifndef CLI_LISTEN_REQUEST_H
#define CLI_LISTEN_REQUEST_H

#include <stddef.h>

#include "contract/bytes.h"

#define REQUEST_HEAD_MAX ((size_t)128 << 10)
#define REQUEST_BODY_MAX ((size_t)64 << 20)
#define REQUEST_HEADERS_MAX 100

struct request_header {
    struct bytes name;
    struct bytes value;
};

/* Everything points into the text that was read. */
struct request {
    struct bytes method;
    struct bytes target;
    struct request_header headers[REQUEST_HEADERS_MAX];
    size_t headers_len;
    struct bytes body;
};

/* Reads what came so far. 0: there is more to come; 200: it is whole; else the status to refuse it
 * with, 400, 411, 413 or 431. */
int request_read(struct bytes text, struct request *ret_request);

/* The first header of that name, in letters of either case; no data when there is none. */
struct bytes request_header_of(const struct request *request, const char *name);

#endif
