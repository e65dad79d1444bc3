/*
 * Any bytes as what a receiver answers before it closes the connection. Whatever they are, an
 * attempt has one result that makes sense, and what looks like a plain answer is taken as one.
 */
#define _GNU_SOURCE 1
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "delivery/verdict.h"
#include "local_http.h"

#define RETRY_AFTER_MAX_MS (366 * 86400000LL)

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool is_printable(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    for (size_t i = 0; i < len; i++) {
        /* The mark of a cut, "…", is the one character that is not ASCII. */
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return len < size && bytes_is_utf8((struct bytes){text, len});
}

/* The status of an answer whose head is beyond doubt: "HTTP/1.1 <200..599> OK", lines of
 * "X-…: …", an empty line. 0 for all others. */
static int plain_status(struct bytes answer)
{
    int status = 0;
    const char *at;
    const char *end = answer.data + answer.len;
    const char *stop = answer.len > 0 ? memmem(answer.data, answer.len, "\r\n\r\n", 4) : NULL;

    if (!stop || answer.len < 17 || memcmp(answer.data, "HTTP/1.1 ", 9) != 0 ||
        memcmp(answer.data + 12, " OK\r\n", 5) != 0 || stop - answer.data > 4096)
        return 0;
    for (int i = 9; i < 12; i++) {
        if (answer.data[i] < '0' || answer.data[i] > '9')
            return 0;
        status = status * 10 + (answer.data[i] - '0');
    }
    for (at = answer.data + 15; at < stop; at++) {
        if (*at == '\r' && (end - at < 4 || memcmp(at + 1, "\nX-", 3) != 0))
            return 0;
        if (*at == '\n' && at[-1] != '\r')
            return 0;
        if (*at == '\0')
            return 0;
    }
    return status >= 200 && status <= 599 ? status : 0;
}

static void check_result(const struct http_result *result)
{
    const struct attempt_result *attempt = &result->attempt;
    bool answered = attempt->end == ATTEMPT_ANSWERED;

    must(answered == (attempt->status >= 200 && attempt->status <= 999));
    must(answered || attempt->status == 0);
    must(attempt->end == ATTEMPT_ANSWERED || attempt->end == ATTEMPT_BROKEN ||
         attempt->end == ATTEMPT_DIRTY);
    must(attempt->retry_after_ms >= 0 && attempt->retry_after_ms <= RETRY_AFTER_MAX_MS);
    must(answered || attempt->retry_after_ms == 0);
    must(result->response.len <= DEAD_RESPONSE_MAX);
    must((result->error[0] == '\0') == answered);
    must(is_printable(result->error, sizeof(result->error)));
    must(result->duration_ms >= 0);
}

static void check_verdict(const struct attempt_result *attempt)
{
    static const int64_t schedule[] = {1000};
    static const int permanent[] = {400};
    const struct verdict_policy policy = {
        .retry_schedule_ms = schedule,
        .retry_schedule_len = 1,
        .permanent = {permanent, 1},
        .max_age_ms = 86400000,
        .retry_after_max_ms = 3600000,
    };
    struct verdict verdict = verdict_of(attempt, &policy, 1, 0, 4);
    bool is_2xx = attempt->status >= 200 && attempt->status <= 299;

    must((verdict.kind == VERDICT_DELIVERED) == (is_2xx && attempt->request_sent));
    must(verdict.disable_hook == (attempt->status == 410));
    must(verdict.pause_ms >= 0 && verdict.pause_ms <= policy.retry_after_max_ms);
    must(verdict.delay_ms >= verdict.pause_ms || verdict.kind == VERDICT_DEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes answer = {(const char *)data, size};
    struct event event = {.message = BYTES("{\"roomId\":1}")};
    struct hook hook = {.format = HOOK_FORMAT_BARE};
    struct render_input input = {.event = &event, .hook = &hook, .event_id = BYTES("id")};
    const struct local_post *post;
    int status = plain_status(answer);

    if (size > LOCAL_HTTP_ANSWER_MAX)
        return 0;
    post = local_http_post(local_http_get(), &input, answer, false);
    must(post->calls == 1);
    check_result(&post->result);
    check_verdict(&post->result.attempt);
    must(status == 0 || post->result.attempt.status == status);
    return 0;
}
