/*
 * Any bytes as a request to the receiver of the command line. What is read points into them, and
 * is read in the same way when more comes behind it.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cli/listen/request.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void must_lie_in(struct bytes part, struct bytes text)
{
    must(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

static void must_stay_when_more_comes(struct bytes text, const struct request *request)
{
    struct request again;
    char *more = malloc(text.len + 1);

    must(more != NULL);
    if (text.len > 0)
        memcpy(more, text.data, text.len);
    more[text.len] = 'x';
    must(request_read((struct bytes){more, text.len + 1}, &again) == 200);
    must(again.headers_len == request->headers_len && bytes_equal(again.body, request->body) &&
         bytes_equal(again.method, request->method) && bytes_equal(again.target, request->target));
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct request request;

    int status = request_read(text, &request);
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
    }
    must_stay_when_more_comes(text, &request);
    return 0;
}
