/*
 * The worker's HTTP client and a receiver beside it, in one thread: a request goes out over a real
 * socket, is kept as it came, and is answered with the bytes that the fuzz target chose. What
 * cannot be set up ends the process.
 */
#ifndef FUZZ_LOCAL_HTTP_H
#define FUZZ_LOCAL_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "http/client.h"

#define LOCAL_HTTP_REQUEST_MAX 262144
#define LOCAL_HTTP_ANSWER_MAX 65536 /* what a socket takes at once */

struct local_http;

/* The one of this process. Its guard lets it reach its receiver on 127.0.0.1 and nothing else. */
struct local_http *local_http_get(void);

const char *local_http_url(struct local_http *local); /* "http://127.0.0.1:<port>/hook" */

/* What came of the last post, valid until the next. */
struct local_post {
    struct http_result result; /* its response is in response */
    char response[DEAD_RESPONSE_MAX];
    char request[LOCAL_HTTP_REQUEST_MAX]; /* as it came, head and body */
    size_t request_len;
    int requests; /* that came; libcurl may send one again on a new connection */
    int calls;    /* of the client's done_fn */
};

/* POSTs a rendered request. answer is sent when the whole request has come; then the receiver says
 * that no more will come, unless keep. */
const struct local_post *local_http_post(struct local_http *local, const struct render_input *input,
                                         struct bytes answer, bool keep);

#endif
