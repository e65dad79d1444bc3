#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/http_request.h"

static const struct http_limits limits = {131072, 67108864};

/* Whatever the text's cut, it is read as incomplete, and without a byte beyond it. */
static void assert_cuts_are_incomplete(const char *text, size_t len)
{
    for (size_t cut = 0; cut < len; cut++) {
        struct http_request request;
        char *copy = malloc(cut + 1);

        assert_non_null(copy);
        memcpy(copy, text, cut);
        assert_int_equal(http_request_read((struct bytes){copy, cut}, &limits, &request), 0);
        free(copy);
    }
}

static void assert_status(const char *text, int status)
{
    struct http_request request;

    assert_int_equal(http_request_read(bytes_of(text), &limits, &request), status);
}

static void read_takes_all_parts(void **unused)
{
    static const char text[] = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n"
                               "content-length:  4 \r\n\r\nbody";
    struct http_request request;

    (void)unused;
    assert_cuts_are_incomplete(text, sizeof(text) - 1);
    assert_int_equal(http_request_read(BYTES(text), &limits, &request), 200);
    assert_true(bytes_equal_text(request.method, "POST"));
    assert_true(bytes_equal_text(request.target, "/a?b=c"));
    assert_int_equal(request.headers_len, 3);
    assert_true(bytes_equal_text(http_request_header(&request, "HOST"), "x"));
    assert_true(bytes_equal_text(http_request_header(&request, "x-empty"), ""));
    assert_non_null(http_request_header(&request, "x-empty").data);
    assert_null(http_request_header(&request, "absent").data);
    assert_true(bytes_equal_text(request.body, "body"));
}

static void read_without_length_has_no_body(void **unused)
{
    static const char text[] = "GET / HTTP/1.0\r\n\r\nmore";
    struct http_request request;

    (void)unused;
    assert_int_equal(http_request_read(BYTES(text), &limits, &request), 200);
    assert_int_equal(request.body.len, 0);
}

static void read_what_is_no_request_is_refused(void **unused)
{
    (void)unused;
    assert_status("hello\r\n\r\n", 400);
    assert_status("\x16\x03\x01", 400);
    assert_status("\r\n\r\n", 400);
    assert_status("GET /\r\n\r\n", 400);
    assert_status("GET / HTTP/2\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\n: no name\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 4x\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n", 413);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 67108864\r\n\r\n", 0);
}

/* What two readers could take differently. */
static void read_ambiguous_is_refused(void **unused)
{
    static const char *const headers[] = {
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4, 4",
        "Content-Length: +4",
        "Content-Length: 0x4",
        "Content-Length:",
        "Host : x",
        " folded: x",
        "A: b\r\n c",
        "A: b\nB: c",
        "A: b\rB: c",
        "A: \x01",
        "A: \x7f",
        "A\x80: b",
        "A(: b",
    };
    static const char *const lines[] = {
        "GET  / HTTP/1.1",        "GET / HTTP/1.1 ",  "GET / HTTP/1.2",
        "GET / http/1.1",         "GET / HTTP/1.1 x", "GET /\x7f HTTP/1.1",
        "GET /\xc3\xa4 HTTP/1.1", "G(T / HTTP/1.1",   "GET /\tx HTTP/1.1",
    };
    char text[256];

    (void)unused;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n%s\r\n\r\n1234", headers[i]);
        assert_status(text, 400);
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s\r\n\r\n", lines[i]);
        assert_status(text, 400);
    }
    assert_status("POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: x\r\n\r\n1234", 411);
}

/* Read piece by piece, the end is found wherever it is cut. */
static void read_head_in_pieces(void **unused)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const size_t len = sizeof(text) - 1;

    (void)unused;
    for (size_t looked = 0; looked < len; looked++) {
        struct http_request request;
        assert_int_equal(
            http_request_read_head((struct bytes){text, len}, looked, &limits, &request), 200);
        assert_int_equal(request.head_len, len);
    }
}

static void read_head_has_a_limit(void **unused)
{
    char *text = malloc(limits.head_max + 2);
    struct http_request request;

    (void)unused;
    assert_non_null(text);
    memset(text, 'a', limits.head_max + 2);
    assert_int_equal(http_request_read((struct bytes){text, limits.head_max}, &limits, &request),
                     0);
    assert_int_equal(
        http_request_read((struct bytes){text, limits.head_max + 1}, &limits, &request), 431);
    text[limits.head_max + 1] = '\n';
    assert_int_equal(
        http_request_read((struct bytes){text, limits.head_max + 2}, &limits, &request), 431);
    free(text);
}

static void read_headers_have_a_limit(void **unused)
{
    struct http_request request;
    struct buffer text;

    (void)unused;
    buffer_init(&text, 65536);
    buffer_append_text(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        buffer_append_text(&text, "A: b\r\n");
    size_t len = text.len;
    buffer_append_text(&text, "\r\n");
    assert_int_equal(http_request_read(buffer_bytes(&text), &limits, &request), 200);
    text.len = len;
    buffer_append_text(&text, "A: b\r\n\r\n");
    assert_int_equal(http_request_read(buffer_bytes(&text), &limits, &request), 431);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_takes_all_parts),
        cmocka_unit_test(read_without_length_has_no_body),
        cmocka_unit_test(read_what_is_no_request_is_refused),
        cmocka_unit_test(read_ambiguous_is_refused),
        cmocka_unit_test(read_head_in_pieces),
        cmocka_unit_test(read_head_has_a_limit),
        cmocka_unit_test(read_headers_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
