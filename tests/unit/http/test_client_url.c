#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/client_internal.h"

static struct http_client client;

static int set_up(void **state)
{
    (void)state;
    client_url_init(&client);
    return 0;
}

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

static bool is_kept(const char *text)
{
    struct parsed_url *found;

    HASH_FIND_STR(client.urls, text, found);
    return found != NULL;
}

static void the_longest_unused_makes_way(void **state)
{
    (void)state;
    assert_true(get(numbered(0))->is_kept); /* and stays in use */
    for (size_t n = 1; n < PARSED_URLS_MAX; n++)
        client_url_leave(get(numbered(n)));
    client_url_leave(get(numbered(1))); /* used again: 2 is the oldest now */
    assert_int_equal(HASH_COUNT(client.urls), PARSED_URLS_MAX);
    client_url_leave(get(numbered(PARSED_URLS_MAX)));
    assert_int_equal(HASH_COUNT(client.urls), PARSED_URLS_MAX);
    assert_true(is_kept(numbered(0)));
    assert_true(is_kept(numbered(1)));
    assert_false(is_kept(numbered(2)));
    assert_true(is_kept(numbered(3)));
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
        cmocka_unit_test_setup_teardown(a_url_is_parsed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_reading_does_not_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_unused_makes_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_there_is_no_room_for_is_not_kept, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
