#include "contract/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED 4711

static void int64_is_decimal_and_in_range(void **state)
{
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        int64_t value; /* UNTOUCHED: refused */
    } rows[] = {
        {"0", 0, 10, 0},
        {"10", 0, 10, 10},
        {"11", 0, 10, UNTOUCHED},
        {"-1", -1, 10, -1},
        {"-2", -1, 10, UNTOUCHED},
        {"-0", 0, 0, 0},
        {"007", 0, 10, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"99999999999999999999999", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"-", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"--1", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"+1", INT64_MIN, INT64_MAX, UNTOUCHED},
        {" 1", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"1 ", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"1\n", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"0x1", INT64_MIN, INT64_MAX, UNTOUCHED},
        {"1e3", INT64_MIN, INT64_MAX, UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        int64_t value = UNTOUCHED;
        int problem = parse_int64(bytes_of(rows[i].text), rows[i].min, rows[i].max, &value);

        if (value != rows[i].value || (problem != 0) != (rows[i].value == UNTOUCHED))
            fail_msg("%s", rows[i].text);
    }
    assert_int_equal(parse_int64(BYTES("1\0"), 0, 9, &(int64_t){0}), -1);
}

static void uint64_takes_digits_up_to_its_maximum(void **state)
{
    uint64_t value = UNTOUCHED;

    (void)state;
    assert_int_equal(parse_uint64(BYTES("18446744073709551615"), UINT64_MAX, &value), 0);
    assert_true(value == UINT64_MAX);
    value = UNTOUCHED;
    assert_int_equal(parse_uint64(BYTES("18446744073709551616"), UINT64_MAX, &value), -1);
    assert_int_equal(parse_uint64(BYTES("256"), 255, &value), -1);
    assert_int_equal(parse_uint64(BYTES("6"), 5, &value), -1);
    assert_int_equal(parse_uint64(BYTES("-1"), UINT64_MAX, &value), -1);
    assert_int_equal(parse_uint64(BYTES(""), UINT64_MAX, &value), -1);
    assert_int_equal(value, UNTOUCHED);
    assert_int_equal(parse_uint64(BYTES("255"), 255, &value), 0);
    assert_int_equal(value, 255);
}

static void rates_become_intervals(void **state)
{
    static const struct {
        const char *text;
        int64_t interval_us;
    } rows[] = {
        {"1/s", 1000000},
        {"10/s", 100000},
        {"3/s", 333334}, /* rounded up: never more than three */
        {"100000/s", 10},
        {"99999/s", 11},
        {"1/m", 60000000},
        {"90/m", 666667},
        {"1/h", INT64_C(3600000000)},
        {"100000/h", 36000},
        {"007/s", 142858},
        {"0/s", UNTOUCHED},
        {"100001/s", UNTOUCHED},
        {"99999999999999999999/s", UNTOUCHED},
        {"-1/s", UNTOUCHED},
        {"1.5/s", UNTOUCHED},
        {"1/d", UNTOUCHED},
        {"1/S", UNTOUCHED},
        {"1/sec", UNTOUCHED},
        {"1/", UNTOUCHED},
        {"1s", UNTOUCHED},
        {"10", UNTOUCHED},
        {"/s", UNTOUCHED},
        {"s", UNTOUCHED},
        {"", UNTOUCHED},
        {" 1/s", UNTOUCHED},
        {"1/s ", UNTOUCHED},
        {"1 /s", UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        int64_t us = UNTOUCHED;
        int problem = parse_rate_us(bytes_of(rows[i].text), 100000, &us);

        if (us != rows[i].interval_us || (problem != 0) != (us == UNTOUCHED))
            fail_msg("%s: %lld", rows[i].text, (long long)us);
    }
}

static void durations_need_a_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"5ms", 5},
        {"5s", 5000},
        {"2m", 120000},
        {"3h", 10800000},
        {"1d", 86400000},
        {"90s", 90000},
        {"5", UNTOUCHED},
        {"00", UNTOUCHED},
        {"s", UNTOUCHED},
        {"", UNTOUCHED},
        {"5S", UNTOUCHED},
        {"5 s", UNTOUCHED},
        {"5sec", UNTOUCHED},
        {"1m30s", UNTOUCHED},
        {"-5s", UNTOUCHED},
        {"1.5s", UNTOUCHED},
        {"5w", UNTOUCHED},
        {"5s ", UNTOUCHED},
        {"106751991167d", INT64_C(9223372036828800000)},
        {"106751991168d", UNTOUCHED}, /* past int64_t */
        {"213503982335d", UNTOUCHED}, /* past uint64_t */
        {"18446744073709551616ms", UNTOUCHED},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        int64_t ms = UNTOUCHED;

        (void)parse_duration_ms(bytes_of(rows[i].text), 0, INT64_MAX, &ms);
        if (ms != rows[i].ms)
            fail_msg("%s", rows[i].text);
    }
}

static void durations_keep_to_their_range(void **state)
{
    int64_t ms = UNTOUCHED;

    (void)state;
    assert_int_equal(parse_duration_ms(BYTES("99ms"), 100, 300000, &ms), -1);
    assert_int_equal(parse_duration_ms(BYTES("301s"), 100, 300000, &ms), -1);
    assert_int_equal(parse_duration_ms(BYTES("0"), 100, 300000, &ms), -1);
    assert_int_equal(ms, UNTOUCHED);
    assert_int_equal(parse_duration_ms(BYTES("100ms"), 100, 300000, &ms), 0);
    assert_int_equal(ms, 100);
    assert_int_equal(parse_duration_ms(BYTES("5m"), 100, 300000, &ms), 0);
    assert_int_equal(ms, 300000);
}

static void sizes_count_in_1024s(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } rows[] = {
        {"0", 0},
        {"17", 17},
        {"1k", 1024},
        {"256k", 262144},
        {"3m", 3145728},
        {"1g", 1073741824},
        {"k", UNTOUCHED},
        {"", UNTOUCHED},
        {"1K", UNTOUCHED},
        {"1kb", UNTOUCHED},
        {"-1", UNTOUCHED},
        {"1.5k", UNTOUCHED},
        {"17179869184g", UNTOUCHED},
    };
    uint64_t size = UNTOUCHED;

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        size = UNTOUCHED;
        (void)parse_size(bytes_of(rows[i].text), 0, UINT64_MAX, &size);
        if (size != rows[i].size)
            fail_msg("%s", rows[i].text);
    }
    assert_int_equal(parse_size(BYTES("1k"), 1025, 4096, &size), -1);
    assert_int_equal(parse_size(BYTES("5k"), 1025, 4096, &size), -1);
    assert_int_equal(parse_size(BYTES("4k"), 1025, 4096, &size), 0);
}

static void formatted_durations_and_sizes_read_back(void **state)
{
    static const struct {
        int64_t value;
        const char *duration;
        const char *size;
    } rows[] = {
        {0, "0", "0"},
        {1, "1ms", "1"},
        {1000, "1s", "1000"},
        {1024, "1024ms", "1k"},
        {90000, "90s", "90000"},
        {300000, "5m", "300000"},
        {5400000, "90m", "5400000"},
        {262144, "262144ms", "256k"},
        {86400000, "1d", "84375k"},
        {1073741824, "1073741824ms", "1g"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        int64_t ms = UNTOUCHED;
        uint64_t size = UNTOUCHED;

        assert_string_equal(format_duration(rows[i].value, text, sizeof(text)), rows[i].duration);
        assert_int_equal(parse_duration_ms(bytes_of(text), 0, INT64_MAX, &ms), 0);
        assert_int_equal(ms, rows[i].value);
        assert_string_equal(format_size((uint64_t)rows[i].value, text, sizeof(text)), rows[i].size);
        assert_int_equal(parse_size(bytes_of(text), 0, UINT64_MAX, &size), 0);
        assert_int_equal(size, rows[i].value);
    }
}

static void bools_are_eight_words(void **state)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    static const char *const neither[] = {"", "YES", "y", "2", "yes ", "10", "tru"};
    bool value;

    (void)state;
    for (size_t i = 0; i < LEN(yes); i++) {
        value = false;
        assert_int_equal(parse_bool(bytes_of(yes[i]), &value), 0);
        assert_true(value);
        assert_int_equal(parse_bool(bytes_of(no[i]), &value), 0);
        assert_false(value);
    }
    value = true;
    for (size_t i = 0; i < LEN(neither); i++)
        assert_int_equal(parse_bool(bytes_of(neither[i]), &value), -1);
    assert_true(value);
}

static void names_have_1_to_64_safe_characters(void **state)
{
    char name[66];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_true(parse_is_name(BYTES("a")));
    assert_true(parse_is_name(BYTES("AZaz09_-")));
    assert_true(parse_is_name((struct bytes){name, 64}));
    assert_false(parse_is_name((struct bytes){name, 65}));
    assert_false(parse_is_name(BYTES("")));
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '_' || c == '-';

        name[1] = (char)c;
        if (parse_is_name((struct bytes){name, 3}) != allowed)
            fail_msg("character %d", c);
    }
}

static void event_types_are_words_with_dots(void **state)
{
    char name[129];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_true(parse_is_event_type((struct bytes){name, 128}));
    assert_false(parse_is_event_type((struct bytes){name, 129}));
    assert_false(parse_is_event_type(BYTES("")));
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '_' || c == '.';

        name[1] = (char)c;
        if (parse_is_event_type((struct bytes){name, 3}) != allowed)
            fail_msg("character %d", c);
    }
}

#define TRACE_IDS "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"

static void traceparents_follow_w3c(void **state)
{
    static const struct {
        const char *text;
        const char *sent;
    } good[] = {
        {"00-" TRACE_IDS "-01", "00-" TRACE_IDS "-01"},
        {"00-" TRACE_IDS "-ff", "00-" TRACE_IDS "-ff"},
        {"00-00000000000000000000000000000001-0000000000000001-00",
         "00-00000000000000000000000000000001-0000000000000001-00"},
        /* A higher version is sent on as the one that is known. */
        {"01-" TRACE_IDS "-01", "00-" TRACE_IDS "-01"},
        {"fe-" TRACE_IDS "-ff", "00-" TRACE_IDS "-01"},
        {"cc-" TRACE_IDS "-0e", "00-" TRACE_IDS "-00"},
        {"cc-" TRACE_IDS "-03-", "00-" TRACE_IDS "-01"},
        {"cc-" TRACE_IDS "-01-what-the-future-has", "00-" TRACE_IDS "-01"},
    };
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE_IDS "-0",
        "00-" TRACE_IDS "-011",
        "00-" TRACE_IDS "-01-",
        "00-" TRACE_IDS "-01-more",
        "01-" TRACE_IDS "-0",
        "01-" TRACE_IDS "-011",
        "01-" TRACE_IDS "-01.more",
        "0x-" TRACE_IDS "-01",
        "CC-" TRACE_IDS "-01",
        "ff-" TRACE_IDS "-01",
        "ff-" TRACE_IDS "-01-more",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "01-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00_" TRACE_IDS "-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-" TRACE_IDS "_01",
        "00-" TRACE_IDS "-0\n",
        "00-" TRACE_IDS "-0A",
    };
    char sent[TRACEPARENT_SIZE];

    (void)state;
    for (size_t i = 0; i < LEN(good); i++) {
        assert_int_equal(parse_traceparent(bytes_of(good[i].text), sent), 0);
        assert_string_equal(sent, good[i].sent);
    }
    for (size_t i = 0; i < LEN(bad); i++) {
        if (parse_traceparent(bytes_of(bad[i]), sent) == 0)
            fail_msg("%s", bad[i]);
    }
}

static void stream_ids_have_one_spelling(void **state)
{
    static const char *const bad[] = {"",     "1",    "-",     "1-",
                                      "-1",   "01-0", "1-00",  "1-0-0",
                                      "1 -0", "+1-0", "1-0 ",  "18446744073709551616-0",
                                      "*",    "1-*",  "0x1-0", "1--1"};
    uint64_t ms = UNTOUCHED;
    uint64_t seq = UNTOUCHED;

    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        if (parse_stream_id(bytes_of(bad[i]), &ms, &seq) != -1)
            fail_msg("%s", bad[i]);
    }
    assert_int_equal(ms, UNTOUCHED);
    assert_int_equal(seq, UNTOUCHED);
    assert_int_equal(parse_stream_id(BYTES("1667548137257-0"), &ms, &seq), 0);
    assert_true(ms == UINT64_C(1667548137257) && seq == 0);
    assert_int_equal(parse_stream_id(BYTES("18446744073709551615-18446744073709551615"), &ms, &seq),
                     0);
    assert_true(ms == UINT64_MAX && seq == UINT64_MAX);
    assert_int_equal(parse_stream_id(BYTES("0-1"), &ms, &seq), 0);
    assert_true(ms == 0 && seq == 1);
}

/* The expected texts are what JavaScript's toISOString gives. */
static void iso8601_is_as_in_javascript(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(1667548137257), "2022-11-04T07:48:57.257Z"},
        {INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {INT64_C(253402300800000), "+010000-01-01T00:00:00.000Z"},
        {INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
        {INT64_C(-62167219200001), "-000001-12-31T23:59:59.999Z"},
        {INT64_C(8640000000000000), "+275760-09-13T00:00:00.000Z"},
        {INT64_MAX, "+275760-09-13T00:00:00.000Z"},
        {INT64_MIN, "-271821-04-20T00:00:00.000Z"},
    };
    char text[32];

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++)
        assert_string_equal(format_iso8601(rows[i].ms, text, sizeof(text)), rows[i].text);
}

static void a_rate_is_a_number_a_second(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",     "/s",    "0",    "0/s", "-1",  "1000001",
                                        "50/m", "5/s/s", "5 /s", "s",   "1e3", "50/"};
    int64_t rate = 0;

    assert_int_equal(parse_rate(BYTES("50/s"), &rate), 0);
    assert_int_equal(rate, 50);
    assert_int_equal(parse_rate(BYTES("1000000"), &rate), 0);
    assert_int_equal(rate, 1000000);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse_rate(bytes_of(wrong[i]), &rate), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_a_number_a_second),
        cmocka_unit_test(int64_is_decimal_and_in_range),
        cmocka_unit_test(uint64_takes_digits_up_to_its_maximum),
        cmocka_unit_test(rates_become_intervals),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(durations_keep_to_their_range),
        cmocka_unit_test(sizes_count_in_1024s),
        cmocka_unit_test(formatted_durations_and_sizes_read_back),
        cmocka_unit_test(bools_are_eight_words),
        cmocka_unit_test(names_have_1_to_64_safe_characters),
        cmocka_unit_test(event_types_are_words_with_dots),
        cmocka_unit_test(traceparents_follow_w3c),
        cmocka_unit_test(stream_ids_have_one_spelling),
        cmocka_unit_test(iso8601_is_as_in_javascript),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
