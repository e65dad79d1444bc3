/*
 * Names and values of headers, sent by the worker's client to a receiver: what it reads must be
 * what was meant, whatever the bytes (T11). "name US value RS name US value …"; US and RS are the
 * unit and record separators of ASCII, which no header may hold.
 */
#define _GNU_SOURCE 1
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_text.h"
#include "local_http.h"

#define RECORDS_MAX 8
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct record {
    struct bytes name;
    struct bytes value;
};

static void must(bool truth)
{
    if (!truth)
        abort();
}

static struct bytes cut(struct bytes *rest, char separator)
{
    const char *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    struct bytes before = {rest->data, len};

    *rest = at ? (struct bytes){at + 1, rest->len - len - 1} : (struct bytes){NULL, 0};
    return before;
}

static size_t read_records(struct bytes rest, struct record records[RECORDS_MAX])
{
    size_t len = 0;

    while (rest.len > 0 && len < RECORDS_MAX) {
        struct bytes record = cut(&rest, '\x1e');

        records[len].name = cut(&record, '\x1f');
        records[len].value = record;
        if (!bytes_is_utf8(records[len].name) || !bytes_is_utf8(records[len].value))
            return 0; /* no JSON could say it */
        len++;
    }
    return len;
}

static struct hook *parse_hook(const char *url, const struct record *records, size_t len)
{
    struct hook *hook = NULL;
    struct error_text why;
    struct buffer json;

    buffer_init(&json, HOOK_JSON_MAX);
    buffer_append_format(&json, "{\"url\":\"%s\",\"format\":\"bare\",\"headers\":{", url);
    for (size_t i = 0; i < len; i++) {
        if (i > 0)
            buffer_append_char(&json, ',');
        json_put_string(&json, records[i].name);
        buffer_append_char(&json, ':');
        json_put_string(&json, records[i].value);
    }
    buffer_append_text(&json, "}}");
    if (!buffer_failed(&json))
        (void)hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why);
    buffer_release(&json);
    return hook;
}

/* The next line of a head, without its end; the empty one ends the head. */
static struct bytes next_line(struct bytes *head)
{
    const char *end = memmem(head->data, head->len, "\r\n", 2);
    struct bytes line = {head->data, end ? (size_t)(end - head->data) : 0};

    must(end != NULL);
    *head = (struct bytes){end + 2, head->len - line.len - 2};
    return line;
}

/* A receiver's reading: up to the first colon, and the rest without blanks around it. */
static struct record read_line(struct bytes line)
{
    struct record record = {.name = cut(&line, ':')};

    record.value = hook_header_trim(line);
    return record;
}

static void must_be(struct bytes line, const char *name)
{
    must(bytes_equal_text(read_line(line).name, name));
}

/* A hook's own stands among its headers. */
static bool sets_accept(const struct record *records, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes_equal_nocase(records[i].name, BYTES("Accept")))
            return true;
    }
    return false;
}

static void check_request(struct bytes request, const struct record *records, size_t len)
{
    must(bytes_equal_text(next_line(&request), "POST /hook HTTP/1.1"));
    must_be(next_line(&request), "Host");
    if (!sets_accept(records, len))
        must_be(next_line(&request), "Accept");
    must_be(next_line(&request), "Content-Type");
    must_be(next_line(&request), "User-Agent");
    must_be(next_line(&request), "webhook-id");
    must_be(next_line(&request), "webhook-timestamp");
    must_be(next_line(&request), "webhook-event");
    must_be(next_line(&request), "webhook-attempt");
    for (size_t i = 0; i < len; i++) {
        struct record read = read_line(next_line(&request));

        must(bytes_equal(read.name, records[i].name));
        must(bytes_equal(read.value, hook_header_trim(records[i].value)));
    }
    must_be(next_line(&request), "Content-Length");
    must(next_line(&request).len == 0);
    must(bytes_equal_text(request, "{\"message\":{\"roomId\":1}}"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct local_http *local = local_http_get();
    struct record records[RECORDS_MAX];
    size_t len = read_records((struct bytes){(const char *)data, size}, records);
    struct hook *hook = parse_hook(local_http_url(local), records, len);
    struct event event = {.type = BYTES("a.b"), .message = BYTES("{\"roomId\":1}")};
    const struct local_post *post;
    struct render_input input = {
        .event = &event, .hook = hook, .event_id = BYTES("id"), .now_s = 1667548137};

    if (!hook)
        return 0;
    post = local_http_post(local, &input, BYTES(ANSWER), true);
    must(post->calls == 1 && post->requests == 1);
    must(post->result.attempt.status == 200 && post->result.attempt.request_sent);
    check_request((struct bytes){post->request, post->request_len}, records, len);
    hook_free(hook);
    return 0;
}
