#include "json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void problems_say_where_and_never_quote(void **state)
{
    static const struct {
        struct bytes text;
        const char *why;
    } rows[] = {
        {BYTES(""), "line 1, column 0: ends too early"},
        {BYTES("{\n  \"canary\" 1}"), "line 2, column 12: not JSON"},
        {BYTES("{\"canary\":1"), "line 1, column 11: ends too early"},
        {BYTES("{} canary"), "line 1, column 9: more text behind the end"},
        {BYTES("{\"canary\":1,\"canary\":2}"),
         "line 1, column 20: the same key twice in one object"},
        {BYTES("[\"canary\xff\"]"), "line 1, column 8: not valid UTF-8"},
        {BYTES("[\"canary\xed\xa0\x80\"]"), "line 1, column 8: not valid UTF-8"},
        {BYTES("[9223372036854775808]"), "line 1, column 20: a number too large for 64 bits"},
        {BYTES("[-9223372036854775809]"), "line 1, column 21: a number too large for 64 bits"},
        {BYTES("[1e999]"), "line 1, column 6: a number too large for 64 bits"},
        {BYTES("[\"canary\\u0000\"]"), "line 1, column 15: \\u0000 is not allowed here"},
        {BYTES("{\"canary\\u0000\":1}"), "line 1, column 15: \\u0000 is not allowed here"},
        {BYTES("\"canary\""), "line 1, column 8: not JSON"},
        {BYTES("canary"), "line 1, column 6: not JSON"},
        {BYTES("{canary}"), "line 1, column 7: not JSON"},
        {BYTES("['canary']"), "line 1, column 2: not JSON"},
        {BYTES("[01]"), "line 1, column 2: not JSON"},
        {BYTES("[1,]"), "line 1, column 4: not JSON"},
        {BYTES("[NaN]"), "line 1, column 4: not JSON"},
        {BYTES("\xef\xbb\xbf{}"), "line 1, column 1: not JSON"}, /* a byte order mark */
        {BYTES("{}\0"), "line 1, column 3: more text behind the end"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        bool no_memory = true;
        struct error_text why = {""};

        if (json_read(rows[i].text, JSON_NUL_REFUSED, &no_memory, &why) || no_memory)
            fail_msg("row %zu", i);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void depth_is_limited(void **state)
{
    char text[3000];
    bool no_memory = true;
    struct error_text why = {""};

    (void)state;
    memset(text, '[', sizeof(text));
    assert_null(json_read((struct bytes){text, sizeof(text)}, JSON_NUL_REFUSED, &no_memory, &why));
    assert_false(no_memory);
    assert_non_null(strstr(why.text, "nested too deep"));
}

static void nul_in_values_can_be_allowed(void **state)
{
    bool no_memory;
    struct error_text why = {""};
    json_t *list = json_read(BYTES("[\"a\\u0000b\"]"), JSON_NUL_ALLOWED, &no_memory, &why);

    (void)state;
    assert_non_null(list);
    assert_true(bytes_equal(json_text_of(json_array_get(list, 0)), BYTES("a\0b")));
    json_decref(list);
    assert_null(json_read(BYTES("{\"\\u0000\":1}"), JSON_NUL_ALLOWED, &no_memory, &why));
}

static void text_of_other_values_is_empty(void **state)
{
    json_t *number = json_integer(7);

    (void)state;
    assert_int_equal(json_text_of(number).len, 0);
    assert_int_equal(json_text_of(NULL).len, 0);
    json_decref(number);
}

static int allocations_left;

static void *allocate_some(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

/* jansson does not always say that memory was lacking, but it must never be the text's fault. */
static void lack_of_memory_is_not_a_syntax_error(void **state)
{
    static const char text[] = "{\"key\":[1,2.5,\"a string of some length\",{\"a\":null}]}";
    json_t *value = NULL;
    int allocations = 0;

    (void)state;
    json_set_alloc_funcs(allocate_some, free);
    for (; !value; allocations++) {
        bool no_memory = false;
        struct error_text why;

        allocations_left = allocations;
        value = json_read(bytes_of(text), JSON_NUL_REFUSED, &no_memory, &why);
        if (!value && !no_memory)
            fail_msg("%d allocations: %s", allocations, why.text);
    }
    assert_true(allocations > 10);
    json_decref(value);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problems_say_where_and_never_quote),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(nul_in_values_can_be_allowed),
        cmocka_unit_test(lack_of_memory_is_not_a_syntax_error),
        cmocka_unit_test(text_of_other_values_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
