/*
 * An HTTP/1 request, for programs that receive them: the web service and "roomhook listen". One a
 * connection, with Content-Length. What two readers of the same bytes could take differently is
 * refused: bare line feeds, folded headers, blanks before a colon, control characters, lengths that
 * are given twice, and every Transfer-Encoding. Pure.
 */
#ifndef BASE_HTTP_REQUEST_H
#define BASE_HTTP_REQUEST_H

#include <stddef.h>

#include "contract/bytes.h"

#define HTTP_HEADERS_MAX 100

struct http_limits {
    size_t head_max; /* request line and headers, with the empty line behind them */
    size_t body_max;
};

struct http_header {
    struct bytes name;
    struct bytes value; /* without the blanks around it */
};

/* Everything points into the text that was read. */
struct http_request {
    struct bytes method;
    struct bytes target; /* visible ASCII */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t headers_len;
    size_t head_len;
    size_t body_len; /* as declared; 0 without Content-Length */
    struct bytes body;
};

/* Reads the head alone, of text that came so far; looked is how much of it an earlier call has
 * seen. 0: there is more to come; 200: it is whole, and so is ret_request but for the body; else
 * the status to refuse it with, 400, 411, 413 or 431. */
int http_request_read_head(struct bytes text, size_t looked, const struct http_limits *limits,
                           struct http_request *ret_request);

/* The same for all of it: 200 when the body is there too. */
int http_request_read(struct bytes text, const struct http_limits *limits,
                      struct http_request *ret_request);

/* The first header of that name, in letters of either case; no data when there is none. */
struct bytes http_request_header(const struct http_request *request, const char *name);

/* How many headers have that name. */
size_t http_request_count(const struct http_request *request, const char *name);

#endif
