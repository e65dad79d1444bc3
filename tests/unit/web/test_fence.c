#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/fence.h"

static int judge(const char *text)
{
    static const struct fence fence = {.hosts = {"hooks.example.com"}, .hosts_len = 1};
    struct http_request request;
    struct answer answer;

    assert_int_equal(http_request_read(bytes_of(text), &fence_limits, &request), 200);
    answer_init(&answer);
    bool admitted = fence_admit(&fence, &request, &answer);
    int status = admitted ? 0 : answer.status;
    answer_release(&answer);
    return status;
}

static int judge_host(const char *host)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    return judge(text);
}

static void hosts(void **unused)
{
    static const char *const ours[] = {"127.0.0.1",    "127.0.0.1:80",      "10.1.2.3:65535",
                                       "[::1]",        "[2001:db8::1]:443", "localhost",
                                       "LocalHost:80", "hooks.example.com", "HOOKS.example.com:1",
                                       "localhost:"};
    static const char *const others[] = {"",
                                         "example.com",
                                         "localhost.example",
                                         "::1",
                                         "[::1",
                                         "[::1]80",
                                         "[localhost]x",
                                         "127.1",
                                         "0x7f.0.0.1",
                                         "127.0.0.1:a",
                                         "127.0.0.1:123456",
                                         "a@localhost",
                                         "localhost:80:80",
                                         "hooks.example.com.",
                                         "*"};

    (void)unused;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        assert_int_equal(judge_host(ours[i]), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(judge_host(others[i]), 421);
}

static int judge_change(const char *headers)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "DELETE / HTTP/1.1\r\nHost: localhost:8080\r\n%s\r\n",
                   headers);
    return judge(text);
}

static void origins(void **unused)
{
    (void)unused;
    assert_int_equal(judge_change(""), 0);
    assert_int_equal(judge_change("Sec-Fetch-Site: same-origin\r\n"), 0);
    assert_int_equal(judge_change("Origin: http://localhost:8080\r\n"), 0);
    assert_int_equal(judge_change("Origin: http://LOCALHOST:8080\r\n"), 0);
    assert_int_equal(judge_change("Sec-Fetch-Site: none\r\n"), 403);
    assert_int_equal(judge_change("Sec-Fetch-Site:\r\n"), 403);
    assert_int_equal(judge_change("Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_int_equal(judge_change("Origin: http://localhost\r\n"), 403);
    assert_int_equal(judge_change("Origin: ftp://localhost:8080\r\n"), 403);
    assert_int_equal(judge_change("Origin: null\r\n"), 403);
    assert_int_equal(judge_change("Origin:\r\n"), 403);
    assert_int_equal(judge_change("Origin: http://localhost:8080\r\nOrigin: x\r\n"), 400);
}

static void methods(void **unused)
{
    (void)unused;
    assert_int_equal(judge("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 0);
    assert_int_equal(judge("TRACE / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x\r\n\r\n"), 403);
    assert_int_equal(judge("GET x HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
}

/* No answer is without these, whatever its status. */
static void head(void **unused)
{
    static const int statuses[] = {200, 201, 204, 400, 401, 405, 431, 503, 599};
    struct buffer out;
    struct answer answer;

    (void)unused;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        buffer_init(&out, 4096);
        answer_init(&answer);
        answer.status = statuses[i];
        fence_put_head(&out, &answer);
        assert_false(buffer_failed(&out));
        assert_non_null(strstr(out.data, "\r\nConnection: close\r\n"));
        assert_non_null(strstr(out.data, "frame-ancestors 'none'"));
        assert_null(strstr(out.data, "unsafe"));
        assert_int_equal(strstr(out.data, "Content-Length") != NULL, statuses[i] != 204);
        assert_string_equal(out.data + out.len - 4, "\r\n\r\n");
        answer_release(&answer);
        buffer_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(origins),
        cmocka_unit_test(methods),
        cmocka_unit_test(head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
