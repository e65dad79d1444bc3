#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/assets.h"

static void the_page_is_at_the_root(void **state)
{
    (void)state;
    const struct asset *page = asset_find(BYTES("/"));

    assert_non_null(page);
    assert_ptr_equal(page, asset_find(BYTES("/index.html")));
    assert_string_equal(asset_type(page), "text/html; charset=utf-8");
    assert_memory_equal(page->content, "<!DOCTYPE html>", 15);
    assert_string_equal(asset_type(asset_find(BYTES("/style.css"))), "text/css; charset=utf-8");
    assert_string_equal(asset_type(asset_find(BYTES("/main.js"))),
                        "text/javascript; charset=utf-8");
    assert_string_equal(asset_type(asset_find(BYTES("/icon.svg"))), "image/svg+xml");
}

static void nothing_else_is_there(void **state)
{
    (void)state;
    assert_null(asset_find(BYTES("/main.js/")));
    assert_null(asset_find(BYTES("//main.js")));
    assert_null(asset_find(BYTES("/../web.c")));
    assert_null(asset_find(BYTES("/MAIN.JS")));
    assert_null(asset_find(BYTES("/main.j")));
}

/* No script, style or handler stands in the page: the policy forbids them. */
static void the_page_has_nothing_inline(void **state)
{
    (void)state;
    static const char *const forbidden[] = {"<style", " style=", " onclick=", "<script>", "http:"};
    const struct asset *page = asset_find(BYTES("/"));
    char text[8192];

    assert_true(page->len < sizeof(text));
    memcpy(text, page->content, page->len);
    text[page->len] = '\0';
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        assert_null(strstr(text, forbidden[i]));
}

static void a_browser_that_has_it_is_recognized(void **state)
{
    (void)state;
    const struct asset *page = asset_find(BYTES("/"));
    const struct asset *style = asset_find(BYTES("/style.css"));
    char list[128];

    assert_int_equal(strlen(page->tag), 18);
    assert_true(asset_is_known(page, bytes_of(page->tag)));
    (void)snprintf(list, sizeof(list), "\"other\", W/%s", page->tag);
    assert_true(asset_is_known(page, bytes_of(list)));
    assert_false(asset_is_known(page, bytes_of(style->tag)));
    assert_false(asset_is_known(page, BYTES("")));
    assert_false(asset_is_known(page, (struct bytes){NULL, 0}));
}

static void gzip_is_sent_to_those_that_accept_it(void **state)
{
    static const char *const accepted[] = {"gzip", "deflate, gzip;q=1.0, *;q=0.5", "br,GZIP ,x",
                                           "gzip; q=0.001"};
    static const char *const refused[] = {"",  "br", "gzip;q=0", "gzip; q=0.000", "x-gzip", "*",
                                          ",", ";",  "gzi"};
    const struct asset *script = asset_find(BYTES("/main.js"));

    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
        assert_true(asset_may_be_packed(bytes_of(accepted[i])));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(asset_may_be_packed(bytes_of(refused[i])));
    assert_false(asset_may_be_packed((struct bytes){NULL, 0}));
    assert_memory_equal(script->packed, "\x1f\x8b", 2);
    assert_true(script->packed_len < script->len / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_at_the_root),
        cmocka_unit_test(nothing_else_is_there),
        cmocka_unit_test(the_page_has_nothing_inline),
        cmocka_unit_test(a_browser_that_has_it_is_recognized),
        cmocka_unit_test(gzip_is_sent_to_those_that_accept_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
