/*
 * What stands between a stranger's request and the service: which requests are looked at, and what
 * every answer carries. Pure.
 *
 * A page of another origin may make a browser send requests here, or point a name of its own at
 * this address (DNS rebinding). So the host that was asked for must be an address, localhost, or a
 * name that was given; a request that changes something must come from this origin, by what
 * browsers say (Sec-Fetch-Site, else Origin). Programs send neither.
 */
#ifndef WEB_FENCE_H
#define WEB_FENCE_H

#include "base/http_request.h"
#include "web/answer.h"

#define FENCE_HEAD_MAX ((size_t)16 << 10)
#define FENCE_BODY_MAX ((size_t)256 << 10)
#define FENCE_HOSTS_MAX 16

extern const struct http_limits fence_limits;

struct fence {
    const char *hosts[FENCE_HOSTS_MAX]; /* names that the service is reached by, without port */
    size_t hosts_len;
};

/* True: the request may be looked at. False: the answer is made. */
bool fence_admit(const struct fence *fence, const struct http_request *request,
                 struct answer *answer);

/* The answer to what could not be read, by the status of http_request_read_head. */
void fence_refuse_unread(int status, struct answer *answer);

bool fence_is_safe(struct bytes method); /* it changes nothing: GET, HEAD */

/* An answer's head, with the empty line behind it. */
void fence_put_head(struct buffer *out, const struct answer *answer);

#endif
