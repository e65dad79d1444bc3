#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http_client_internal.h"

static struct http_client client;

static int tear_down(void **state)
{
    (void)state;
    client_url_free_all(&client);
    assert_null(client.urls);
    return 0;
}

static struct parsed_url *get(const char *text)
{
    struct url url;
    struct error_text why;
    struct http_target target = {.url_text = text, .url = &url};

    assert_int_equal(url_parse(bytes_of(text), &url, &why), 0);
    return client_url_get(&client, &target);
}

static const char *numbered(size_t n)
{
    static char text[64];

    (void)snprintf(text, sizeof(text), "https://host-%zu.test/hook?n=%zu", n, n);
    return text;
}

static void a_url_is_parsed_once(void **state)
{
    struct parsed_url *first = get("https://a.test/x?y=1");
    char *text = NULL;

    (void)state;
    assert_true(first->agrees);
    assert_int_equal(curl_url_get(first->curl, CURLUPART_URL, &text, 0), CURLUE_OK);
    assert_string_equal(text, "https://a.test/x?y=1");
    curl_free(text);
    assert_ptr_equal(get("https://a.test/x?y=1"), first);
    assert_ptr_not_equal(get("https://a.test/x?y=2"), first);
    assert_int_equal(first->users, 2);
    client_url_leave(first);
    client_url_leave(first);
    client_url_leave(NULL);
    assert_ptr_equal(get("https://a.test/x?y=1"), first);
    assert_int_equal(first->users, 1);
}

static void another_reading_does_not_agree(void **state)
{
    struct url url;
    struct error_text why;
    struct http_target target = {.url_text = "https://a.test/", .url = &url};
    struct http_target unreadable = {.url_text = "https://a b/", .url = &url};

    (void)state;
    assert_int_equal(url_parse(bytes_of("https://b.test/"), &url, &why), 0);
    assert_false(client_url_get(&client, &target)->agrees);
    assert_false(client_url_get(&client, &unreadable)->agrees);
}

static void the_longest_unused_makes_way(void **state)
{
    struct parsed_url *first = get(numbered(0));

    (void)state;
    client_url_leave(get(numbered(1)));
    for (size_t n = 2; n < PARSED_URLS_MAX; n++)
        client_url_leave(get(numbered(n)));
    assert_int_equal(HASH_COUNT(client.urls), PARSED_URLS_MAX);
    client_url_leave(get(numbered(PARSED_URLS_MAX)));
    assert_int_equal(HASH_COUNT(client.urls), PARSED_URLS_MAX);
    assert_ptr_equal(get(numbered(0)), first); /* in use: it stayed */
    for (const struct parsed_url *one = client.urls; one != NULL; one = one->hh.next)
        assert_string_not_equal(one->text, numbered(1));
}

static void what_there_is_no_room_for_is_not_kept(void **state)
{
    struct parsed_url *more;

    (void)state;
    for (size_t n = 0; n < PARSED_URLS_MAX; n++)
        assert_true(get(numbered(n))->is_kept);
    more = get(numbered(PARSED_URLS_MAX));
    assert_true(more->agrees);
    assert_false(more->is_kept);
    assert_int_equal(HASH_COUNT(client.urls), PARSED_URLS_MAX);
    client_url_leave(more); /* LeakSanitizer sees that it is freed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_url_is_parsed_once, tear_down),
        cmocka_unit_test_teardown(another_reading_does_not_agree, tear_down),
        cmocka_unit_test_teardown(the_longest_unused_makes_way, tear_down),
        cmocka_unit_test_teardown(what_there_is_no_room_for_is_not_kept, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
