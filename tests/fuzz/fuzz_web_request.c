/*
 * Any bytes as a request to the web service, up to where Redis would be asked: read, let through
 * the fence or not, its route found, its path, parameters and body checked. What is refused says
 * why, and what an answer's head says ends where it should.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "web/call.h"
#include "web/fence.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_answer(struct answer *answer)
{
    struct buffer head;

    buffer_init(&head, 4096);
    must(answer->status >= 400 && answer->status < 504 && answer->body.len > 0);
    fence_put_head(&head, answer);
    must(!buffer_failed(&head) && memcmp(head.data + head.len - 4, "\r\n\r\n", 4) == 0);
    buffer_release(&head);
}

static void read_call(const struct http_request *request, const struct route *route,
                      struct bytes path, struct bytes query)
{
    struct call *call = calloc(1, sizeof(*call));

    must(call != NULL);
    call->route = route;
    answer_init(&call->answer);
    if (!call_read(call, path, query, request->body, http_request_header(request, "Content-Type")))
        check_answer(&call->answer);
    answer_release(&call->answer);
    call_release(call);
    free(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fence fence = {.hosts = {"hooks.example.com"}, .hosts_len = 1};
    struct http_request request;
    struct answer answer;
    char allow[ANSWER_ALLOW_SIZE];

    int status =
        http_request_read((struct bytes){(const char *)data, size}, &fence_limits, &request);
    if (status == 0)
        return 0;
    answer_init(&answer);
    if (status != 200) {
        fence_refuse_unread(status, &answer);
        check_answer(&answer);
    } else if (!fence_admit(&fence, &request, &answer)) {
        check_answer(&answer);
    } else {
        struct bytes path = request.target;
        const char *question = memchr(path.data, '?', path.len);
        struct bytes query = {path.data + path.len, 0};
        if (question != NULL) {
            size_t len = (size_t)(question - path.data);
            query = (struct bytes){question + 1, path.len - len - 1};
            path.len = len;
        }
        const struct route *route = route_find(request.method, path, allow);
        if (route != NULL)
            read_call(&request, route, path, query);
    }
    answer_release(&answer);
    return 0;
}
