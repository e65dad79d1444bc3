#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/listen/request.h"

/* Whatever the text's cut, it is read as incomplete, and without a byte beyond it. */
static void assert_cuts_are_incomplete(const char *text, size_t len)
{
    for (size_t cut = 0; cut < len; cut++) {
        struct request request;
        char *copy = malloc(cut + 1);

        assert_non_null(copy);
        memcpy(copy, text, cut);
        assert_int_equal(request_read((struct bytes){copy, cut}, &request), 0);
        free(copy);
    }
}

static void assert_status(const char *text, int status)
{
    struct request request;

    assert_int_equal(request_read(bytes_of(text), &request), status);
}

static void read_takes_all_parts(void **unused)
{
    static const char text[] = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n"
                               "content-length:  4 \r\n\r\nbody";
    struct request request;

    (void)unused;
    assert_cuts_are_incomplete(text, sizeof(text) - 1);
    assert_int_equal(request_read(BYTES(text), &request), 200);
    assert_true(bytes_equal_text(request.method, "POST"));
    assert_true(bytes_equal_text(request.target, "/a?b=c"));
    assert_int_equal(request.headers_len, 3);
    assert_true(bytes_equal_text(request_header_of(&request, "HOST"), "x"));
    assert_true(bytes_equal_text(request_header_of(&request, "x-empty"), ""));
    assert_non_null(request_header_of(&request, "x-empty").data);
    assert_null(request_header_of(&request, "absent").data);
    assert_true(bytes_equal_text(request.body, "body"));
}

static void read_without_length_has_no_body(void **unused)
{
    static const char text[] = "GET / HTTP/1.0\n\nmore";
    struct request request;

    (void)unused;
    assert_int_equal(request_read(BYTES(text), &request), 200);
    assert_int_equal(request.body.len, 0);
}

static void read_what_is_no_request_is_refused(void **unused)
{
    (void)unused;
    assert_status("hello\r\n", 400);
    assert_status("\r\n\r\n", 400);
    assert_status("GET /\r\n", 400);
    assert_status("GET / HTTP/2\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\n: no name\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 4x\r\n\r\n", 400);
    assert_status("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n", 413);
    assert_status("GET / HTTP/1.1\r\nContent-Length: 67108864\r\n\r\n", 0);
}

static void read_head_has_a_limit(void **unused)
{
    char *text = malloc(REQUEST_HEAD_MAX + 2);
    struct request request;

    (void)unused;
    assert_non_null(text);
    memset(text, 'a', REQUEST_HEAD_MAX + 2);
    assert_int_equal(request_read((struct bytes){text, REQUEST_HEAD_MAX}, &request), 0);
    assert_int_equal(request_read((struct bytes){text, REQUEST_HEAD_MAX + 1}, &request), 431);
    text[REQUEST_HEAD_MAX + 1] = '\n';
    assert_int_equal(request_read((struct bytes){text, REQUEST_HEAD_MAX + 2}, &request), 431);
    free(text);
}

static void read_headers_have_a_limit(void **unused)
{
    struct request request;
    struct buffer text;

    (void)unused;
    buffer_init(&text, 65536);
    buffer_append_text(&text, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < REQUEST_HEADERS_MAX; i++)
        buffer_append_text(&text, "A: b\r\n");
    assert_int_equal(request_read(buffer_bytes(&text), &request), 0);
    buffer_append_text(&text, "A: b\r\n");
    assert_int_equal(request_read(buffer_bytes(&text), &request), 431);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_takes_all_parts),
        cmocka_unit_test(read_without_length_has_no_body),
        cmocka_unit_test(read_what_is_no_request_is_refused),
        cmocka_unit_test(read_head_has_a_limit),
        cmocka_unit_test(read_headers_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
