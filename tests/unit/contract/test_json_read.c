#include "contract/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
        {BYTES("{} canary"), "line 1, column 9: more text after the end"},
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
        {BYTES("{}\0"), "line 1, column 3: more text after the end"},
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

/* --- with memory of its own: the last tests, as it cannot be undone --- */

static json_t *read_text(const char *text)
{
    bool no_memory;
    struct error_text why;
    json_t *value = json_read(bytes_of(text), JSON_NUL_REFUSED, &no_memory, &why);

    assert_non_null(value);
    return value;
}

static void its_memory_is_used_again(void **state)
{
    json_t *first, *second;

    (void)state;
    json_read_own_memory();
    first = read_text("{\"message\":{\"id\":1}}");
    json_decref(first);
    for (int i = 0; i < 10000; i++) {
        second = read_text("{\"message\":{\"id\":2},\"list\":[\"a\",\"b\",\"c\"]}");
#ifndef ROOMHOOK_SANITIZE
        assert_ptr_equal(second, first);
#endif
        json_decref(second);
    }
}

static void what_lives_on_is_not_overwritten(void **state)
{
    static char numbers[40000];
    size_t len = 0;
    json_t *values[40], *large = NULL;

    (void)state;
    json_read_own_memory();
    for (; len < sizeof(numbers) - 8; len += 5)
        memcpy(numbers + len, len == 0 ? "[1234" : ",1234", 5);
    numbers[len] = ']';
    for (int i = 0; i < 40; i++) {
        char text[64];

        snprintf(text, sizeof(text), "{\"number\":%d,\"text\":\"number %d\"}", i, i);
        values[i] = read_text(text);
        if (i == 20)
            large = read_text(numbers); /* more than the memory holds */
    }
    for (int i = 0; i < 40; i += 2)
        json_decref(values[i]);
    for (int i = 1; i < 40; i += 2) {
        char text[64];

        snprintf(text, sizeof(text), "number %d", i);
        assert_int_equal(json_integer_value(json_object_get(values[i], "number")), i);
        assert_string_equal(json_string_value(json_object_get(values[i], "text")), text);
        json_decref(values[i]);
    }
    assert_int_equal(json_integer_value(json_array_get(large, json_array_size(large) - 1)), 1234);
    json_decref(large);
    its_memory_is_used_again(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problems_say_where_and_never_quote),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(nul_in_values_can_be_allowed),
        cmocka_unit_test(lack_of_memory_is_not_a_syntax_error),
        cmocka_unit_test(text_of_other_values_is_empty),
        cmocka_unit_test(its_memory_is_used_again),
        cmocka_unit_test(what_lives_on_is_not_overwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
