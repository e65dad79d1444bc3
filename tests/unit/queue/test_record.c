#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../contract/room_of.h"
#include "queue/record.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* As it is stored: the JSON, and behind a newline the document. */
static void encode(const struct record *record, struct buffer *out)
{
    buffer_init(out, 1 << 20);
    record_encode(record, out);
    if (!record->is_shared) {
        buffer_append_char(out, '\n');
        buffer_append_bytes(out, record->document);
    }
    assert_false(buffer_failed(out));
}

static void assert_encodes(const struct record *record, const char *expected)
{
    struct buffer out;

    buffer_init(&out, 1 << 20);
    record_encode(record, &out);
    assert_false(buffer_failed(&out));
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    buffer_release(&out);
}

static void encode_empty_values_are_left_out(void **unused)
{
    struct record record = {.lane = "438/main", .document = BYTES("{}")};

    (void)unused;
    assert_encodes(&record, "{\"lane\":\"438/main\",\"encoding\":\"json\"}");
}

static void encode_all_values_stand_in_their_order(void **unused)
{
    static const char expected[] =
        "{\"lane\":\"-438/:0a1b2c3d4e5f6071\",\"event_id\":\"order_7\",\"attempts\":1,"
        "\"first_attempt_at\":1667548137257,\"last_attempt_at\":1667548137258,\"status\":503,"
        "\"error\":\"said \\\"no\\\"\\n\\u0001 \xef\xbf\xbd\",\"cuts\":2,\"resent\":1,"
        "\"traceparent\":\"" TRACEPARENT "\",\"encoding\":\"msgpack\"}";
    struct record record = {
        .lane = "-438/:0a1b2c3d4e5f6071",
        .event_id = "order_7",
        .traceparent = TRACEPARENT,
        .is_resent = true,
        .history = {.attempts = 1,
                    .cuts = 2,
                    .first_attempt_ms = 1667548137257,
                    .last_attempt_ms = 1667548137258,
                    .status = 503,
                    .error = "said \"no\"\n\x01 \xff"},
        .encoding = RH_MSGPACK,
        .document = BYTES("\x81\n\0\xff"),
    };

    (void)unused;
    assert_encodes(&record, expected);
}

static struct record decode_ok(struct bytes text)
{
    struct record record;
    struct error_text why = {.text = "none"};

    if (record_decode(text, &record, &why))
        fail_msg("%s", why.text);
    return record;
}

static void assert_same_rest(const struct record *a, const struct record *b)
{
    assert_string_equal(a->event_id, b->event_id);
    assert_string_equal(a->traceparent, b->traceparent);
    assert_int_equal(a->history.attempts, b->history.attempts);
    assert_int_equal(a->history.cuts, b->history.cuts);
    assert_true(a->history.first_attempt_ms == b->history.first_attempt_ms);
    assert_true(a->history.last_attempt_ms == b->history.last_attempt_ms);
    assert_int_equal(a->history.status, b->history.status);
    assert_string_equal(a->history.error, b->history.error);
    assert_int_equal(a->encoding, b->encoding);
    assert_int_equal(a->is_resent, b->is_resent);
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_string_equal(a->lane, b->lane);
    assert_same_rest(a, b);
    assert_int_equal(a->is_shared, b->is_shared);
    assert_true(bytes_equal(a->document, b->document));
}

static void decode_gives_back_what_was_encoded(void **unused)
{
    static const struct record rows[] = {
        {.lane = "438/main", .document = {"{}", 2}},
        {.lane = "0/main"},
        {.lane = "!OGEhHVWSdvArJzumhm:matrix.org/main"},
        {.lane = ":a:/:0ecbac1bbee71e56"},
        {.lane = "438/main", .is_shared = true, .is_resent = true},
        {.lane = "438/-", .event_id = "-", .document = {"\n\n", 2}},
        {.lane = "/:0123456789abcdef", .document = {"\0", 1}},
        {.lane = "-9223372036854775808/a"},
        {.lane = "9223372036854775807/:0123456789abcdef", .traceparent = TRACEPARENT},
        {.lane = "1/a",
         .history = {.attempts = INT_MAX,
                     .cuts = INT_MAX,
                     .first_attempt_ms = INT64_MAX,
                     .last_attempt_ms = INT64_MAX,
                     .status = 999,
                     .error = "\x7f\x01\"\\/\b\f\n\r\t h\xc3\xa9llo \xf0\x9f\x8e\x89"},
         .encoding = RH_MSGPACK,
         .document = {"\x80\n{\"lane\":1}\n- 0\n\0\xff", 19}},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer out;
        struct record back;

        encode(&rows[i], &out);
        back = decode_ok(buffer_bytes(&out));
        assert_same(&back, &rows[i]);
        buffer_release(&out);
    }
}

static void longest_values_fit_the_named_limits(void **unused)
{
    static const char room[] = "-9223372036854775808/";
    struct record record = {.is_shared = true};
    struct record back;
    struct buffer out;

    (void)unused;
    memcpy(record.lane, room, sizeof(room));
    memset(record.lane + sizeof(room) - 1, 'h', RH_NAME_MAX);
    memset(record.event_id, 'e', RH_NAME_MAX);
    memset(record.history.error, 1, RECORD_ERROR_SIZE - 1); /* six bytes each when escaped */
    memcpy(record.traceparent, TRACEPARENT, sizeof(TRACEPARENT));
    record.history.attempts = record.history.cuts = record.history.status = INT_MAX;
    record.history.first_attempt_ms = record.history.last_attempt_ms = INT64_MAX;
    encode(&record, &out);
    assert_true(out.len < RECORD_META_MAX / 2);
    back = decode_ok(buffer_bytes(&out));
    assert_same(&back, &record);
    buffer_release(&out);
}

static void decode_document_is_a_view_of_the_text(void **unused)
{
    static const char text[] = "{\"lane\":\"1/a\",\"encoding\":\"json\"}\n{\"a\":\"\n\"}";
    struct record record = decode_ok((struct bytes){text, sizeof(text) - 1});

    (void)unused;
    assert_ptr_equal(record.document.data, strrchr(text, '{'));
    assert_int_equal(record.document.len, 9);
    assert_false(record.is_shared);
}

/* Without the newline the document is elsewhere; with it, it may be empty. */
static void decode_newline_says_where_the_document_is(void **unused)
{
    struct record record = decode_ok(BYTES("{\"lane\":\"1/a\",\"encoding\":\"json\"}"));

    (void)unused;
    assert_true(record.is_shared);
    assert_int_equal(record.document.len, 0);
    record = decode_ok(BYTES("{\"lane\":\"1/a\",\"encoding\":\"json\"}\n"));
    assert_false(record.is_shared);
    assert_int_equal(record.document.len, 0);
}

static void decode_unknown_keys_and_other_layout_are_passed_over(void **unused)
{
    struct record record = decode_ok(BYTES(" { \"later\" : {\"a\":[1,null]} , \"encoding\":"
                                           "\"json\",\"lane\":\"7\\/\\u006dain\","
                                           " \"due_at\":1667548137257, \"status\":0 } \nD"));

    (void)unused;
    assert_string_equal(record.lane, "7/main");
    assert_true(bytes_equal_text(record.document, "D"));
}

/* An error text of a later version may be longer; it is cut in front of a character. */
static void decode_long_error_is_cut_between_characters(void **unused)
{
    static const struct {
        size_t ascii; /* bytes in front of a run of two-byte characters */
        size_t pairs;
        size_t kept;
    } rows[] = {{159, 0, 159}, {160, 0, 159}, {161, 0, 159}, {157, 1, 159}, {158, 1, 158},
                {0, 200, 158}, {1, 200, 159}, {158, 9, 158}, {159, 9, 159}, {200, 9, 159}};

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer text;
        struct record record;

        buffer_init(&text, 8192);
        buffer_append_text(&text, "{\"lane\":\"1/a\",\"encoding\":\"json\",\"error\":\"");
        for (size_t n = 0; n < rows[i].ascii; n++)
            buffer_append_char(&text, 'x');
        for (size_t n = 0; n < rows[i].pairs; n++)
            buffer_append_text(&text, "\xc3\xa9");
        buffer_append_text(&text, "\"}\n");
        record = decode_ok(buffer_bytes(&text));
        assert_int_equal(strlen(record.history.error), rows[i].kept);
        assert_true(bytes_is_utf8(bytes_of(record.history.error)));
        buffer_release(&text);
    }
}

#define META(meta) BYTES(meta "\n{}")
#define WITH(pair) META("{\"lane\":\"1/a\",\"encoding\":\"json\"," pair "}")
#define LANE(lane) META("{\"lane\":\"" lane "\",\"encoding\":\"json\"}")
#define NAME_65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define JSON_OBJECT "JSON object"

static const struct {
    struct bytes text;
    const char *named; /* stands in the error text */
} wrong_records[] = {
    {{NULL, 0}, JSON_OBJECT},
    {BYTES("\n"), JSON_OBJECT},
    {BYTES("- 0\n{\"hook\":\"a\",\"encoding\":\"json\"}\n{}"), JSON_OBJECT}, /* of contract 1 */
    {META(""), JSON_OBJECT},
    {META("[]"), JSON_OBJECT},
    {META("1"), JSON_OBJECT},
    {META("{\"lane\":\"1/a\",\"encoding\":\"json\""), JSON_OBJECT},
    {META("{\"lane\":\"1/a\"\x01,\"encoding\":\"json\"}"), JSON_OBJECT},
    {META("{\"lane\":\"1/a\xff\",\"encoding\":\"json\"}"), JSON_OBJECT},
    {META("{\"lane\":\"1/a\\u0000\",\"encoding\":\"json\"}"), JSON_OBJECT},
    {META("{\"lane\":\"1/a\",\"encoding\":\"json\"} {}"), JSON_OBJECT},
    {META("{\"encoding\":\"json\"}"), "\"lane\""},
    {META("{\"lane\":5,\"encoding\":\"json\"}"), "\"lane\""},
    {META("{\"lane\":null,\"encoding\":\"json\"}"), "\"lane\""},
    {LANE(""), "\"lane\""},
    {LANE("/"), "\"lane\""},
    {LANE("main"), "\"lane\""},
    {LANE("/main"), "\"lane\""},
    {LANE("438/"), "\"lane\""},
    {LANE("438/a b"), "\"lane\""},
    {LANE("438/a/b"), "\"lane\""},
    {LANE("x y/a"), "\"lane\""},
    {LANE("438/" NAME_65), "\"lane\""},
    {LANE("../a"), "\"lane\""},
    {LANE(NAME_65 NAME_65 "/a"), "\"lane\""},
    {LANE("438/:" NAME_65 NAME_65 NAME_65), "\"lane\""},
    {META("{\"lane\":\"1/a\"}"), "\"encoding\""},
    {META("{\"lane\":\"1/a\",\"encoding\":\"bson\"}"), "\"encoding\""},
    {META("{\"lane\":\"1/a\",\"encoding\":1}"), "\"encoding\""},
    {WITH("\"event_id\":7"), "\"event_id\""},
    {WITH("\"event_id\":\"a.b\""), "\"event_id\""},
    {WITH("\"event_id\":\"" NAME_65 "\""), "\"event_id\""},
    {WITH("\"attempts\":\"1\""), "\"attempts\""},
    {WITH("\"attempts\":-1"), "\"attempts\""},
    {WITH("\"attempts\":2147483648"), "\"attempts\""},
    {WITH("\"attempts\":true"), "\"attempts\""},
    {WITH("\"attempts\":9223372036854775808"), JSON_OBJECT},
    {WITH("\"cuts\":[]"), "\"cuts\""},
    {WITH("\"cuts\":-1"), "\"cuts\""},
    {WITH("\"cuts\":2147483648"), "\"cuts\""},
    {WITH("\"first_attempt_at\":-1"), "\"first_attempt_at\""},
    {WITH("\"first_attempt_at\":1.5"), "\"first_attempt_at\""},
    {WITH("\"last_attempt_at\":-1"), "\"last_attempt_at\""},
    {WITH("\"last_attempt_at\":{}"), "\"last_attempt_at\""},
    {WITH("\"status\":\"503\""), "\"status\""},
    {WITH("\"status\":-1"), "\"status\""},
    {WITH("\"error\":404"), "\"error\""},
    {WITH("\"traceparent\":1"), "\"traceparent\""},
    {WITH("\"traceparent\":\"00-0\""), "\"traceparent\""},
};

static void decode_refuses_what_is_wrong_and_names_it(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(wrong_records) / sizeof(wrong_records[0]); i++) {
        struct record record = {.history = {.attempts = -77}};
        struct error_text why = {.text = ""};

        assert_int_equal(record_decode(wrong_records[i].text, &record, &why), RECORD_BAD);
        if (!strstr(why.text, wrong_records[i].named))
            fail_msg("row %zu: \"%s\" does not name %s", i, why.text, wrong_records[i].named);
        assert_int_equal(record.history.attempts, -77); /* untouched */
    }
}

static void decode_line_over_its_limit_is_refused(void **unused)
{
    static char text[RECORD_META_MAX + 64];
    struct record record;
    struct error_text why;
    int len = snprintf(text, sizeof(text), "{\"lane\":\"1/a\",\"encoding\":\"json\"");

    (void)unused;
    /* A line of exactly RECORD_META_MAX bytes is read, one of one more is not. */
    memset(text + len, ' ', sizeof(text) - (size_t)len);
    text[RECORD_META_MAX - 1] = '}';
    text[RECORD_META_MAX] = '\n';
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), RECORD_OK);
    assert_int_equal(record_decode((struct bytes){text, RECORD_META_MAX}, &record, &why),
                     RECORD_OK);
    assert_true(record.is_shared);
    text[RECORD_META_MAX] = ' ';
    text[RECORD_META_MAX + 1] = '\n';
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), RECORD_BAD);
    assert_non_null(strstr(why.text, "first line"));
    assert_int_equal(record_decode((struct bytes){text, RECORD_META_MAX + 1}, &record, &why),
                     RECORD_BAD);
}

static void decode_text_without_newline_is_not_read_past_its_end(void **unused)
{
    static const char whole[] = "{\"lane\":\"1/a\",\"encoding\":\"json\"}\n";

    (void)unused;
    for (size_t len = 0; len < sizeof(whole) - 2; len++) {
        char *text = malloc(len + 1); /* the byte behind it is AddressSanitizer's */
        struct record record;
        struct error_text why;

        assert_non_null(text);
        memcpy(text + 1, whole, len);
        assert_int_equal(record_decode((struct bytes){text + 1, len}, &record, &why), RECORD_BAD);
        free(text);
    }
}

static void decode_error_text_holds_no_strange_bytes(void **unused)
{
    struct record record;
    struct error_text why;

    (void)unused;
    assert_int_equal(record_decode(META("{\"\x1b[31m\xff"), &record, &why), RECORD_BAD);
    for (const char *c = why.text; *c; c++)
        assert_in_range(*c, 0x20, 0x7e);
}

static void old_record_gives_its_hook_and_what_both_have(void **unused)
{
    static const struct record expected = {
        .event_id = "order_7",
        .traceparent = TRACEPARENT,
        .history = {.attempts = 1,
                    .first_attempt_ms = 1667548137257,
                    .last_attempt_ms = 1667548137258,
                    .status = 503,
                    .error = "answered 503"},
        .encoding = RH_MSGPACK,
    };
    struct record record;
    struct record_hook hook;
    struct error_text why = {.text = "none"};

    (void)unused;
    assert_int_equal(
        record_decode_old(BYTES("{\"room\":-438,\"hook\":\"main\",\"event_id\":\"order_7\","
                                "\"attempts\":1,\"deferrals\":2,\"first_attempt_at\":1667548137257,"
                                "\"last_attempt_at\":1667548137258,\"status\":503,"
                                "\"error\":\"answered 503\",\"traceparent\":\"" TRACEPARENT
                                "\",\"encoding\":\"msgpack\"}"),
                          &record, &hook, &why),
        RECORD_OK);
    assert_string_equal(hook.room_id.text, "-438");
    assert_string_equal(hook.hook_id, "main");
    assert_same(&record, &expected);
    assert_int_equal(record_decode_old(BYTES("{\"hook\":\"inline-0\",\"encoding\":\"json\"}"),
                                       &record, &hook, &why),
                     RECORD_OK);
    assert_int_equal(hook.room_id.len, 0);
    assert_string_equal(hook.hook_id, "inline-0");
}

static void old_record_that_is_wrong_is_refused(void **unused)
{
    static const struct {
        struct bytes line;
        const char *named;
    } rows[] = {
        {BYTES(""), JSON_OBJECT},
        {BYTES("[]"), JSON_OBJECT},
        {BYTES("{\"encoding\":\"json\"}"), "\"hook\""},
        {BYTES("{\"hook\":\"\",\"encoding\":\"json\"}"), "\"hook\""},
        {BYTES("{\"hook\":\"a b\",\"encoding\":\"json\"}"), "\"hook\""},
        {BYTES("{\"hook\":\"" NAME_65 "\",\"encoding\":\"json\"}"), "\"hook\""},
        {BYTES("{\"hook\":\"a\",\"room\":\"438\",\"encoding\":\"json\"}"), "\"room\""},
        {BYTES("{\"hook\":\"a\",\"room\":null,\"encoding\":\"json\"}"), "\"room\""},
        {BYTES("{\"hook\":\"a\",\"attempts\":-1,\"encoding\":\"json\"}"), "\"attempts\""},
        {BYTES("{\"hook\":\"a\"}"), "\"encoding\""},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record record = {.history = {.attempts = -77}};
        struct record_hook hook = {.room_id = ROOM_OF("-77")};
        struct error_text why = {.text = ""};

        assert_int_equal(record_decode_old(rows[i].line, &record, &hook, &why), RECORD_BAD);
        if (!strstr(why.text, rows[i].named))
            fail_msg("row %zu: \"%s\" does not name %s", i, why.text, rows[i].named);
        assert_int_equal(record.history.attempts, -77); /* untouched */
        assert_string_equal(hook.room_id.text, "-77");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_empty_values_are_left_out),
        cmocka_unit_test(encode_all_values_stand_in_their_order),
        cmocka_unit_test(decode_gives_back_what_was_encoded),
        cmocka_unit_test(longest_values_fit_the_named_limits),
        cmocka_unit_test(decode_document_is_a_view_of_the_text),
        cmocka_unit_test(decode_newline_says_where_the_document_is),
        cmocka_unit_test(decode_unknown_keys_and_other_layout_are_passed_over),
        cmocka_unit_test(decode_long_error_is_cut_between_characters),
        cmocka_unit_test(decode_refuses_what_is_wrong_and_names_it),
        cmocka_unit_test(decode_line_over_its_limit_is_refused),
        cmocka_unit_test(decode_text_without_newline_is_not_read_past_its_end),
        cmocka_unit_test(decode_error_text_holds_no_strange_bytes),
        cmocka_unit_test(old_record_gives_its_hook_and_what_both_have),
        cmocka_unit_test(old_record_that_is_wrong_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
