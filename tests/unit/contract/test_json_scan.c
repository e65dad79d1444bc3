#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/json_scan.h"
#include "json_cases.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Exactly sized, so that a sanitizer sees a read or a write too far. The result is to be freed. */
static char *scan_whole(struct bytes text, struct json_scan *scan, size_t *ret_len)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    char *out = malloc(text.len > 0 ? text.len : 1);

    assert_non_null(copy);
    assert_non_null(out);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    json_scan_init(scan, (struct bytes){copy, text.len}, out, LEVELS);
    (void)json_scan_value(scan);
    (void)json_scan_end(scan);
    *ret_len = (size_t)((char *)scan->out - out);
    free(copy);
    return out;
}

static void json_is_told_from_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(json_cases); i++) {
        const struct json_case *row = &json_cases[i];
        struct json_scan scan;
        size_t len;
        char *out = scan_whole(row->text, &scan, &len);

        if (scan.problem != row->problem)
            fail_msg("case %zu: %.*s: problem %d", i, (int)row->text.len, row->text.data,
                     (int)scan.problem);
        if (row->compact && !bytes_equal_text((struct bytes){out, len}, row->compact))
            fail_msg("%s became %.*s", row->compact, (int)len, out);
        free(out);
    }
}

/* Strings are looked at in blocks: every byte must be seen, wherever it stands. */
static void each_byte_is_judged_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t before = 0; before < 20; before++) {
        for (int byte = 0; byte < 256; byte++) {
            for (size_t behind = 0; behind < 20; behind += 19) {
                char text[64] = "\"";
                struct json_scan scan;
                size_t len;
                char *out;
                bool sound = byte >= 0x20 && byte < 0x80 && byte != '\\' && byte != '"';

                memset(text + 1, 'a', before + 1 + behind);
                text[1 + before] = (char)byte;
                text[2 + before + behind] = '"';
                out = scan_whole((struct bytes){text, before + behind + 3}, &scan, &len);
                if ((scan.problem == JSON_SOUND) != sound)
                    fail_msg("byte %d behind %zu: problem %d", byte, before, (int)scan.problem);
                free(out);
            }
        }
    }
}

static void what_is_cut_anywhere_ends_too_early(void **state)
{
    static const char text[] =
        "{\"a\":[true,null,-1.5e+7,\"x\\n\\ud83d\\ude00 longer than a block\"],\"b\":{\"\":false}}";

    (void)state;
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        struct json_scan scan;
        size_t len;

        free(scan_whole((struct bytes){text, cut}, &scan, &len));
        if (scan.problem != JSON_ENDS_EARLY)
            fail_msg("%.*s: problem %d", (int)cut, text, (int)scan.problem);
    }
}

static void maps_and_lists_are_gone_through(void **state)
{
    static const char text[] = " { \"a\" : [ 1 , [ 2 ] ] , \"\\u0062\" : { } , \"c\" : \"x\" } ";
    char out[sizeof(text)];
    struct json_scan scan;
    struct bytes key;

    (void)state;
    json_scan_init(&scan, BYTES(text), out, LEVELS);
    assert_int_equal(json_scan_open(&scan), JSON_KIND_MAP);
    assert_true(json_scan_key(&scan, &key));
    assert_true(bytes_equal_text(key, "a"));
    assert_int_equal(json_scan_open(&scan), JSON_KIND_LIST);
    assert_true(json_scan_item(&scan));
    assert_int_equal(json_scan_value(&scan), JSON_KIND_NUMBER);
    assert_true(json_scan_item(&scan));
    assert_int_equal(json_scan_value(&scan), JSON_KIND_LIST);
    assert_false(json_scan_item(&scan));
    assert_true(json_scan_key(&scan, &key));
    assert_true(bytes_equal_text(key, "\\u0062"));
    assert_int_equal(json_scan_value(&scan), JSON_KIND_MAP);
    assert_true(json_scan_key(&scan, &key));
    assert_int_equal(json_scan_open(&scan), JSON_KIND_STRING);
    assert_false(json_scan_key(&scan, &key));
    assert_true(json_scan_end(&scan));
    assert_true(bytes_equal_text((struct bytes){out, (size_t)((char *)scan.out - out)},
                                 "{\"a\":[1,[2]],\"\\u0062\":{},\"c\":\"x\"}"));
}

/* A level that was closed may be opened again. */
static void only_what_is_open_counts_as_depth(void **state)
{
    struct json_scan scan;
    size_t len;

    (void)state;
    free(scan_whole(BYTES("[[[[]]],[[[],[]]],{\"a\":[{}]},[[[1]]]]"), &scan, &len));
    assert_int_equal(scan.problem, JSON_SOUND);
}

static void a_problem_ends_the_scan(void **state)
{
    char out[16];
    struct json_scan scan;
    struct bytes key;

    (void)state;
    json_scan_init(&scan, BYTES("[x,{\"a\":1}]"), out, LEVELS);
    assert_int_equal(json_scan_open(&scan), JSON_KIND_LIST);
    assert_true(json_scan_item(&scan));
    assert_int_equal(json_scan_value(&scan), JSON_KIND_NONE);
    assert_false(json_scan_item(&scan));
    assert_int_equal(json_scan_open(&scan), JSON_KIND_NONE);
    assert_false(json_scan_key(&scan, &key));
    assert_false(json_scan_end(&scan));
    assert_int_equal(scan.problem, JSON_BAD_SYNTAX);
}

static void problems_name_line_and_column(void **state)
{
    static const struct {
        struct bytes text;
        const char *why;
    } rows[] = {
        {BYTES(""), "line 1, column 1: ends too early"},
        {BYTES("[1,\n 2,\n x]"), "line 3, column 2: not JSON"},
        {BYTES("[1,2"), "line 1, column 5: ends too early"},
        {BYTES("\n\"ab\xff\""), "line 2, column 4: not valid UTF-8"},
        {BYTES("[[[[["), "line 1, column 5: nested too deep"},
        {BYTES("{}\n{}"), "line 2, column 1: more text after the end"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char out[32];
        struct json_scan scan;
        struct error_text why;

        json_scan_init(&scan, rows[i].text, out, LEVELS);
        (void)json_scan_value(&scan);
        assert_false(json_scan_end(&scan));
        json_scan_explain(&scan, &why);
        assert_string_equal(why.text, rows[i].why);
    }
}

static void whole_texts_are_compacted(void **state)
{
    struct buffer out;

    (void)state;
    buffer_init(&out, 64);
    buffer_append_text(&out, "x=");
    assert_true(json_compact(BYTES(" [ 1 , \"\\ud83d\" ] "), 1, &out));
    assert_string_equal(out.data, "x=[1,\"\\ud83d\"]");
    assert_false(json_compact(BYTES("[1,]"), 1, &out));
    assert_false(json_compact(BYTES("[[]]"), 1, &out));
    assert_false(json_compact(BYTES(""), 1, &out));
    assert_string_equal(out.data, "x=[1,\"\\ud83d\"]");
    buffer_release(&out);
}

static void kinds_are_known_by_the_first_character(void **state)
{
    (void)state;
    assert_int_equal(json_kind_of(BYTES("{}")), JSON_KIND_MAP);
    assert_int_equal(json_kind_of(BYTES("[]")), JSON_KIND_LIST);
    assert_int_equal(json_kind_of(BYTES("\"\"")), JSON_KIND_STRING);
    assert_int_equal(json_kind_of(BYTES("-1")), JSON_KIND_NUMBER);
    assert_int_equal(json_kind_of(BYTES("0")), JSON_KIND_NUMBER);
    assert_int_equal(json_kind_of(BYTES("true")), JSON_KIND_BOOLEAN);
    assert_int_equal(json_kind_of(BYTES("false")), JSON_KIND_BOOLEAN);
    assert_int_equal(json_kind_of(BYTES("null")), JSON_KIND_NULL);
    assert_int_equal(json_kind_of(BYTES("")), JSON_KIND_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_told_from_what_is_not),
        cmocka_unit_test(each_byte_is_judged_wherever_it_stands),
        cmocka_unit_test(what_is_cut_anywhere_ends_too_early),
        cmocka_unit_test(maps_and_lists_are_gone_through),
        cmocka_unit_test(only_what_is_open_counts_as_depth),
        cmocka_unit_test(a_problem_ends_the_scan),
        cmocka_unit_test(problems_name_line_and_column),
        cmocka_unit_test(whole_texts_are_compacted),
        cmocka_unit_test(kinds_are_known_by_the_first_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
