#include "contract/json_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static int setup(void **state)
{
    static struct buffer out;

    buffer_init(&out, 1 << 20);
    *state = &out;
    return 0;
}

static int teardown(void **state)
{
    buffer_release(*state);
    return 0;
}

static void strings_escape_only_what_they_must(void **state)
{
    static const struct {
        struct bytes text;
        const char *json;
    } rows[] = {
        {BYTES(""), "\"\""},
        {BYTES("plain text, longer than one word"), "\"plain text, longer than one word\""},
        {BYTES("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
        {BYTES("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {BYTES("\0\x01\x1f"), "\"\\u0000\\u0001\\u001f\""},
        {BYTES(" ~\x7f"), "\" ~\x7f\""},
        {BYTES("\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\""},
        {BYTES("\"\"\"\"\"\"\"\"\""), "\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\""},
        {BYTES("\n12345678\n12345678"), "\"\\n12345678\\n12345678\""},
    };
    struct buffer *out = *state;

    for (size_t i = 0; i < LEN(rows); i++) {
        buffer_clear(out);
        json_put_string(out, rows[i].text);
        assert_string_equal(out->data, rows[i].json);
    }
    buffer_clear(out);
    json_put_string(out, bytes_of(NULL));
    assert_string_equal(out->data, "\"\"");
}

/* Each byte at each place of a word, against jansson reading it back. */
static void every_ascii_byte_reads_back_at_every_place(void **state)
{
    struct buffer *out = *state;

    for (int c = 0; c < 128; c++) {
        for (size_t at = 0; at < 17; at++) {
            char text[17];
            json_t *value;

            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            buffer_clear(out);
            json_put_string(out, (struct bytes){text, sizeof(text)});
            value = json_loadb(out->data, out->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            assert_non_null(value);
            assert_int_equal(json_string_length(value), sizeof(text));
            assert_memory_equal(json_string_value(value), text, sizeof(text));
            json_decref(value);
        }
    }
}

/* But for ".0" the expected texts are what JavaScript gives. */
static void reals_are_written_as_javascript_does(void **state)
{
    static const struct {
        double value;
        const char *json;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.0, "-1.0"},
        {0.1, "0.1"},
        {-0.5, "-0.5"},
        {4.35, "4.35"},
        {100.25, "100.25"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.1f, "1.100000023841858"},
        {123456789.125, "123456789.125"},
        {9007199254740991.0, "9007199254740991.0"},
        {9007199254740992.0, "9007199254740992.0"},
        {9007199254740994.0, "9007199254740994.0"},
        {1e17, "100000000000000000.0"},
        {123456789012345680000.0, "123456789012345680000.0"},
        {1e20, "100000000000000000000.0"},
        {999999999999999868928.0, "999999999999999900000.0"},
        {1e21, "1e+21"},
        {1.5e21, "1.5e+21"},
        {-1.5e300, "-1.5e+300"},
        {0.000001, "0.000001"},
        {0.00000123, "0.00000123"},
        {1e-7, "1e-7"},
        {1.23e-7, "1.23e-7"},
        {1.23e-18, "1.23e-18"},
        {5e-324, "5e-324"},
        {2.2250738585072009e-308, "2.225073858507201e-308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {3.4028234663852886e38, "3.4028234663852886e+38"}, /* the largest float */
    };
    struct buffer *out = *state;

    for (size_t i = 0; i < LEN(rows); i++) {
        buffer_clear(out);
        json_put_real(out, rows[i].value);
        assert_string_equal(out->data, rows[i].json);
    }
}

/* Any bit pattern: reads back to the same double, as a real, and no other way than through JSON. */
static void reals_read_back_to_the_same_value(void **state)
{
    struct buffer *out = *state;
    uint64_t bits = 88172645463325252u;

    for (int i = 0; i < 20000; i++) {
        double value;
        json_t *read;

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        buffer_clear(out);
        json_put_real(out, value);
        assert_true(out->len <= 25);
        read = json_loadb(out->data, out->len, JSON_DECODE_ANY, NULL);
        if (!json_is_real(read) || memcmp(&(double){json_real_value(read)}, &value, sizeof(value)))
            fail_msg("%a: %s", value, out->data);
        json_decref(read);
    }
}

static void values_come_out_compact_and_in_order(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"z\":1,\"a\":[true,false,null,-5,\"x\"],\"m\":{\"\":{}}}",
        "[[[]],{\"a\":[]}]",
        "[9223372036854775807,-9223372036854775808]",
        "[\"\\u0000\",\"\\\"\"]",
        "[0.1,1.0,1e+21]",
    };
    struct buffer *out = *state;

    for (size_t i = 0; i < LEN(texts); i++) {
        json_t *value = json_loads(texts[i], JSON_ALLOW_NUL, NULL);

        assert_non_null(value);
        buffer_clear(out);
        assert_int_equal(json_put_value(out, value, 16), 0);
        assert_string_equal(out->data, texts[i]);
        json_decref(value);
    }
}

static void values_deeper_than_allowed_are_refused(void **state)
{
    static const struct {
        const char *text;
        int depth;
    } rows[] = {
        {"[]", 1}, {"{}", 1}, {"[1,2]", 1}, {"[{}]", 2}, {"{\"a\":[[]]}", 3}, {"[1,[],[[1]]]", 3},
    };
    struct buffer *out = *state;

    for (size_t i = 0; i < LEN(rows); i++) {
        json_t *value = json_loads(rows[i].text, 0, NULL);

        assert_int_equal(json_put_value(out, value, rows[i].depth), 0);
        assert_int_equal(json_put_value(out, value, rows[i].depth - 1), -1);
        json_decref(value);
    }
}

static void untrusted_text_is_always_valid(void **state)
{
    static const struct {
        struct bytes text;
        const char *json;
    } rows[] = {
        {BYTES(""), "\"\""},
        {BYTES("sound \xc3\xa4\n"), "\"sound \xc3\xa4\\n\""},
        {BYTES("\xff"), "\"\xef\xbf\xbd\""},
        {BYTES("a\xc3"), "\"a\xef\xbf\xbd\""},
        {BYTES("\xe2\x82z"), "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
        {BYTES("\xff\"\xfe"), "\"\xef\xbf\xbd\\\"\xef\xbf\xbd\""},
    };
    struct buffer *out = *state;

    for (size_t i = 0; i < LEN(rows); i++) {
        buffer_clear(out);
        json_put_untrusted(out, rows[i].text);
        assert_string_equal(out->data, rows[i].json);
    }
}

static void a_full_buffer_is_remembered(void **state)
{
    struct buffer small;

    (void)state;
    buffer_init(&small, 5);
    json_put_string(&small, BYTES("1234"));
    assert_true(buffer_failed(&small));
    buffer_clear(&small);
    json_put_string(&small, BYTES("123"));
    assert_false(buffer_failed(&small));
    assert_string_equal(small.data, "\"123\"");
    buffer_release(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_escape_only_what_they_must),
        TEST(every_ascii_byte_reads_back_at_every_place),
        TEST(reals_are_written_as_javascript_does),
        TEST(reals_read_back_to_the_same_value),
        TEST(values_come_out_compact_and_in_order),
        TEST(values_deeper_than_allowed_are_refused),
        TEST(untrusted_text_is_always_valid),
        TEST(a_full_buffer_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
