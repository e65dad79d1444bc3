/*
 * Any bytes as a request to the web service. What is read points into them, is read in the same way
 * when more comes behind it, and holds no character that another reader could take for an end.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/http_request.h"

static const struct http_limits limits = {4096, 16384};

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void must_lie_in(struct bytes part, struct bytes text)
{
    must(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

static void must_stay_when_more_comes(struct bytes text, const struct http_request *request)
{
    struct http_request again;
    char *more = malloc(text.len + 1);

    must(more != NULL);
    if (text.len > 0)
        memcpy(more, text.data, text.len);
    more[text.len] = 'x';
    must(http_request_read((struct bytes){more, text.len + 1}, &limits, &again) == 200);
    must(again.headers_len == request->headers_len && bytes_equal(again.body, request->body) &&
         bytes_equal(again.method, request->method) && bytes_equal(again.target, request->target));
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct http_request request;

    int status = http_request_read(text, &limits, &request);
    must(status == 0 || status == 200 || status == 400 || status == 411 || status == 413 ||
         status == 431);
    if (status != 200)
        return 0;
    must_lie_in(request.method, text);
    must_lie_in(request.target, text);
    must_lie_in(request.body, text);
    for (size_t i = 0; i < request.headers_len; i++) {
        must_lie_in(request.headers[i].name, text);
        must_lie_in(request.headers[i].value, text);
        must(memchr(request.headers[i].value.data, '\n', request.headers[i].value.len) == NULL);
        must(memchr(request.headers[i].value.data, '\r', request.headers[i].value.len) == NULL);
        must(memchr(request.headers[i].value.data, '\0', request.headers[i].value.len) == NULL);
    }
    must_stay_when_more_comes(text, &request);
    return 0;
}
