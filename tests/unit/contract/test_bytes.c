#include "contract/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void views_compare_by_length_and_content(void **state)
{
    (void)state;
    assert_true(bytes_equal(BYTES("ab"), BYTES("ab")));
    assert_false(bytes_equal(BYTES("ab"), BYTES("abc")));
    assert_false(bytes_equal(BYTES("ab"), BYTES("aB")));
    assert_true(bytes_equal(bytes_of(NULL), BYTES("")));
    assert_true(bytes_equal_text(BYTES("a\0b"), "a") == false);
    assert_true(bytes_equal_text(BYTES("x"), "x"));
}

static void nocase_folds_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(bytes_equal_nocase(BYTES("Content-TYPE"), BYTES("cONTENT-type")));
    assert_false(bytes_equal_nocase(BYTES("a"), BYTES("ab")));
    assert_false(bytes_equal_nocase(BYTES("["), BYTES("{")));       /* 0x20 apart, no letters */
    assert_false(bytes_equal_nocase(BYTES("\xc4"), BYTES("\xe4"))); /* letters only in Latin-1 */
    assert_false(bytes_equal_nocase(BYTES("@"), BYTES("`")));
}

static void utf8_follows_rfc_3629(void **state)
{
    static const struct {
        struct bytes text;
        bool valid;
        size_t prefix;
    } rows[] = {
        {BYTES(""), true, 0},
        {BYTES("plain ascii over eight bytes"), true, 28},
        {BYTES("\0"), true, 1},
        {BYTES("\x7f"), true, 1},
        {BYTES("\xc2\x80"), true, 2},
        {BYTES("\xdf\xbf"), true, 2},
        {BYTES("\xe0\xa0\x80"), true, 3},
        {BYTES("\xed\x9f\xbf"), true, 3},     /* last before the surrogates */
        {BYTES("\xee\x80\x80"), true, 3},     /* first behind them */
        {BYTES("\xef\xbf\xbf"), true, 3},     /* U+FFFF, a noncharacter, is valid UTF-8 */
        {BYTES("\xf0\x90\x80\x80"), true, 4}, /* U+10000 */
        {BYTES("\xf4\x8f\xbf\xbf"), true, 4}, /* U+10FFFF */
        {BYTES("\x80"), false, 0},            /* a continuation alone */
        {BYTES("\xbf"), false, 0},
        {BYTES("\xc0\x80"), false, 0},         /* overlong NUL */
        {BYTES("\xc1\xbf"), false, 0},         /* overlong 0x7f */
        {BYTES("\xe0\x80\x80"), false, 0},     /* overlong */
        {BYTES("\xe0\x9f\xbf"), false, 0},     /* overlong U+07FF */
        {BYTES("\xf0\x80\x80\x80"), false, 0}, /* overlong */
        {BYTES("\xf0\x8f\xbf\xbf"), false, 0}, /* overlong U+FFFF */
        {BYTES("\xed\xa0\x80"), false, 0},     /* U+D800 */
        {BYTES("\xed\xbf\xbf"), false, 0},     /* U+DFFF */
        {BYTES("\xf4\x90\x80\x80"), false, 0}, /* U+110000 */
        {BYTES("\xf5\x80\x80\x80"), false, 0},
        {BYTES("\xf8\x88\x80\x80\x80"), false, 0}, /* five bytes */
        {BYTES("\xfe"), false, 0},
        {BYTES("\xff"), false, 0},
        {BYTES("\xc2"), false, 0}, /* cut short */
        {BYTES("\xe2\x82"), false, 0},
        {BYTES("\xf0\x9f\x98"), false, 0},
        {BYTES("\xc2\x41"), false, 0}, /* no continuation */
        {BYTES("\xe2\x82\x41"), false, 0},
        {BYTES("\xf0\x9f\x98\x41"), false, 0},
        {BYTES("\xe2\x28\xa1"), false, 0},
        {BYTES("12345678\xff"), false, 8}, /* behind a word taken at once */
        {BYTES("1234567\xff"
               "8"),
         false, 7}, /* inside of one */
        {BYTES("12345\xf0\x9f\x98\x80"
               "678"),
         true, 12}, /* across the words */
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        if (bytes_is_utf8(rows[i].text) != rows[i].valid ||
            bytes_utf8_prefix(rows[i].text) != rows[i].prefix)
            fail_msg("row %zu", i);
    }
}

static void copy_text_fits_or_leaves_nothing(void **state)
{
    char out[4] = "xxx";

    (void)state;
    assert_true(bytes_copy_text(BYTES("abc"), out, sizeof(out)));
    assert_string_equal(out, "abc");
    assert_false(bytes_copy_text(BYTES("abcd"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_true(bytes_copy_text(BYTES(""), out, sizeof(out)));
    assert_true(bytes_copy_text(bytes_of(NULL), out, 1));
    memcpy(out, "xxx", 4);
    assert_false(bytes_copy_text(BYTES("a\0b"), out, sizeof(out)));
    assert_string_equal(out, "");
    assert_false(bytes_copy_text(BYTES(""), out, 0));
}

static void printable_hides_and_cuts(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(bytes_printable(BYTES("ab\n\x1b\xe9~"), out, sizeof(out)), "ab???~");
    assert_string_equal(bytes_printable(BYTES("1234567"), out, sizeof(out)), "1234567");
    assert_string_equal(bytes_printable(BYTES("12345678"), out, sizeof(out)), "1234…");
    assert_string_equal(bytes_printable(BYTES("12345678"), out, 4), "…");
    assert_string_equal(bytes_printable(BYTES("12345678"), out, 3), ""); /* no room for the mark */
    assert_string_equal(bytes_printable(BYTES(""), out, 1), "");
    assert_string_equal(bytes_printable(BYTES("a\0b"), out, sizeof(out)), "a?b");
}

static void buffer_grows_up_to_its_maximum(void **state)
{
    struct buffer buffer;
    char hundred[100];

    (void)state;
    memset(hundred, 'x', sizeof(hundred));
    buffer_init(&buffer, 1000);
    assert_null(buffer.data);
    for (int i = 0; i < 10; i++)
        buffer_append(&buffer, hundred, sizeof(hundred));
    assert_false(buffer_failed(&buffer));
    assert_int_equal(buffer_bytes(&buffer).len, 1000);
    assert_int_equal(buffer.data[1000], '\0');
    assert_true(buffer.cap <= 1001);

    buffer_append_char(&buffer, 'y'); /* one too many */
    assert_true(buffer_failed(&buffer));
    assert_int_equal(buffer.len, 1000);
    buffer_clear(&buffer);
    assert_false(buffer_failed(&buffer));
    assert_string_equal(buffer.data, "");
    buffer_append_text(&buffer, "again");
    assert_string_equal(buffer.data, "again");
    buffer_release(&buffer);
    assert_null(buffer.data);
    buffer_release(&buffer);
}

static void buffer_stays_failed_until_cleared(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 4);
    buffer_append_text(&buffer, "12345");
    assert_true(buffer_failed(&buffer));
    buffer_append_text(&buffer, "1"); /* would fit, but there is a hole in front of it */
    buffer_append_format(&buffer, "%d", 1);
    assert_int_equal(buffer.len, 0);
    assert_null(buffer_extend(&buffer, 1));
    assert_null(buffer_take(&buffer));
    buffer_release(&buffer);
}

static void buffer_reserve_is_no_more_than_a_hint(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 10);
    buffer_reserve(&buffer, SIZE_MAX);
    assert_false(buffer_failed(&buffer));
    assert_int_equal(buffer.cap, 11);
    assert_int_equal(buffer.len, 0);
    assert_string_equal(buffer.data, "");
    buffer_release(&buffer);
}

static void buffer_refuses_lengths_that_wrap(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, SIZE_MAX);
    buffer_append_char(&buffer, 'x');
    assert_null(buffer_extend(&buffer, SIZE_MAX - 1));
    assert_true(buffer_failed(&buffer));
    buffer_release(&buffer);
}

static void buffer_writes_numbers_exactly(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 200);
    buffer_append_int64(&buffer, INT64_MIN);
    buffer_append_char(&buffer, ' ');
    buffer_append_int64(&buffer, INT64_MAX);
    buffer_append_char(&buffer, ' ');
    buffer_append_uint64(&buffer, UINT64_MAX);
    buffer_append_char(&buffer, ' ');
    buffer_append_int64(&buffer, 0);
    buffer_append_char(&buffer, ' ');
    buffer_append_int64(&buffer, -1);
    assert_string_equal(buffer.data,
                        "-9223372036854775808 9223372036854775807 18446744073709551615 0 -1");
    buffer_release(&buffer);
}

static void buffer_formats_within_its_maximum(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 6);
    buffer_append_format(&buffer, "%s-%d", "ab", 123);
    assert_string_equal(buffer.data, "ab-123");
    buffer_append_format(&buffer, "%s", "");
    assert_false(buffer_failed(&buffer));
    buffer_append_format(&buffer, "%s", "x");
    assert_true(buffer_failed(&buffer));
    assert_string_equal(buffer.data, "ab-123");
    buffer_release(&buffer);
}

static void buffer_take_hands_over_once(void **state)
{
    struct buffer buffer;
    char *text;

    (void)state;
    buffer_init(&buffer, 10);
    assert_null(buffer_take(&buffer));
    buffer_append_bytes(&buffer, BYTES("text"));
    text = buffer_take(&buffer);
    assert_string_equal(text, "text");
    free(text);
    assert_null(buffer.data);
    assert_int_equal(buffer.max, 10);
    assert_null(buffer_take(&buffer));
    buffer_release(&buffer);
}

static void error_text_is_cut_between_characters(void **state)
{
    struct error_text error;
    char many[600];

    (void)state;
    error_text_set(&error, "%s: %d", "port", 7);
    assert_string_equal(error.text, "port: 7");
    for (size_t shift = 0; shift < 4; shift++) {
        memset(many, 'x', shift);
        many[shift] = '\0';
        for (size_t i = 0; i < 100; i++)
            memcpy(many + shift + i * 3, "\xe2\x82\xac", 4);
        error_text_set(&error, "%s", many);
        assert_true(strlen(error.text) < sizeof(error.text));
        assert_true(strlen(error.text) > sizeof(error.text) - 8);
        assert_true(bytes_is_utf8(bytes_of(error.text)));
        assert_string_equal(error.text + strlen(error.text) - 3, "…");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_length_and_content),
        cmocka_unit_test(nocase_folds_ascii_letters_only),
        cmocka_unit_test(utf8_follows_rfc_3629),
        cmocka_unit_test(copy_text_fits_or_leaves_nothing),
        cmocka_unit_test(printable_hides_and_cuts),
        cmocka_unit_test(buffer_grows_up_to_its_maximum),
        cmocka_unit_test(buffer_stays_failed_until_cleared),
        cmocka_unit_test(buffer_reserve_is_no_more_than_a_hint),
        cmocka_unit_test(buffer_refuses_lengths_that_wrap),
        cmocka_unit_test(buffer_writes_numbers_exactly),
        cmocka_unit_test(buffer_formats_within_its_maximum),
        cmocka_unit_test(buffer_take_hands_over_once),
        cmocka_unit_test(error_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
