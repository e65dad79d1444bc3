/*
 * Any bytes as the value of Retry-After. "=" and 8 digits of base 16 ask for a date so many seconds
 * ahead instead. Seconds and dates are never undercut, and nothing else makes a pause without end.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contract/parse.h"
#include "local_http.h"

#define MAX_S (366 * INT64_C(86400))
#define DATE_DIGITS 8

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* 0 when the worker took the value for none. */
static int64_t retry_after_s(const char *value, size_t len)
{
    struct event event = {.message = BYTES("{\"roomId\":1}")};
    struct hook hook = {.format = HOOK_FORMAT_BARE};
    struct render_input input = {.event = &event, .hook = &hook, .event_id = BYTES("id")};
    const struct local_post *post;
    struct buffer answer;

    buffer_init(&answer, LOCAL_HTTP_ANSWER_MAX);
    buffer_append_text(&answer, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: ");
    buffer_append(&answer, value, len);
    buffer_append_text(&answer, "\r\n\r\n");
    must(!buffer_failed(&answer));
    post = local_http_post(local_http_get(), &input, buffer_bytes(&answer), true);
    buffer_release(&answer);
    must(post->calls == 1 && post->result.attempt.status == 503);
    must(post->result.attempt.retry_after_ms >= 0);
    must(post->result.attempt.retry_after_ms <= MAX_S * 1000);
    must(post->result.attempt.retry_after_ms % 1000 == 0);
    return post->result.attempt.retry_after_ms / 1000;
}

/* IMF-fixdate (RFC 9110 §5.6.7), as every server should write it. */
static void check_date(int64_t ahead_s)
{
    char text[64];
    time_t now = time(NULL);
    time_t then = now + (time_t)ahead_s;
    struct tm parts;
    int64_t got;
    int64_t expected = ahead_s > MAX_S ? MAX_S : ahead_s;

    must(gmtime_r(&then, &parts) != NULL);
    must(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
    got = retry_after_s(text, strlen(text));
    /* The clock goes on between the two. */
    must(got <= expected && got >= expected - 2 - (time(NULL) - now));
}

static void check_text(const char *value, size_t len)
{
    struct bytes trimmed = hook_header_trim((struct bytes){value, len});
    int64_t got = retry_after_s(value, len);
    uint64_t seconds;
    size_t zeros = 0;

    for (size_t i = 0; i < trimmed.len; i++) {
        if (trimmed.data[i] < '0' || trimmed.data[i] > '9')
            return;
    }
    while (zeros < trimmed.len && trimmed.data[zeros] == '0')
        zeros++;
    if (trimmed.len == 0)
        seconds = 0;
    else if (parse_uint64(trimmed, INT64_MAX, &seconds))
        seconds = trimmed.len - zeros >= 19 ? (uint64_t)MAX_S : 0; /* longer than any pause */
    must(got == (seconds > (uint64_t)MAX_S ? MAX_S : (int64_t)seconds));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    int64_t ahead_s = 0;

    if (size == 0 || size > 4096 || memchr(text, '\r', size) || memchr(text, '\n', size) ||
        memchr(text, '\0', size))
        return 0;
    if (text[0] != '=' || size != 1 + DATE_DIGITS) {
        check_text(text, size);
        return 0;
    }
    for (size_t i = 1; i < size; i++)
        ahead_s = ahead_s * 16 + (text[i] & 15);
    if (ahead_s > 0)
        check_date(ahead_s);
    return 0;
}
