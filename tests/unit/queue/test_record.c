#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue/record.h"

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void assert_encodes(const struct record *record, const char *expected, size_t expected_len)
{
    struct buffer out;

    buffer_init(&out, 1 << 20);
    record_encode(record, &out);
    assert_false(buffer_failed(&out));
    assert_int_equal(out.len, expected_len);
    assert_memory_equal(out.data, expected, expected_len);
    buffer_release(&out);
}

static void encode_empty_values_are_left_out(void **unused)
{
    static const char expected[] = "- 0\n{\"hook\":\"main\",\"encoding\":\"json\"}\n{}";
    struct record record = {.hook = "main", .document = BYTES("{}")};

    (void)unused;
    assert_encodes(&record, expected, sizeof(expected) - 1);
}

static void encode_all_values_stand_in_their_order(void **unused)
{
    static const char expected[] =
        "host-1-0a1b2c3d:17 3\n{\"room\":-438,\"hook\":\"inline-0\",\"event_id\":\"order_7\","
        "\"attempts\":1,\"deferrals\":2,\"first_attempt_at\":1667548137257,"
        "\"last_attempt_at\":1667548137258,\"status\":503,"
        "\"error\":\"said \\\"no\\\"\\n\\u0001 \xef\xbf\xbd\",\"traceparent\":\"" TRACEPARENT "\","
        "\"encoding\":\"msgpack\"}\n\x81\n\0\xff";
    struct record record = {
        .fence = "host-1-0a1b2c3d:17",
        .claims = 3,
        .has_room = true,
        .room_id = -438,
        .hook = "inline-0",
        .event_id = "order_7",
        .traceparent = TRACEPARENT,
        .history = {.attempts = 1,
                    .deferrals = 2,
                    .first_attempt_ms = 1667548137257,
                    .last_attempt_ms = 1667548137258,
                    .status = 503,
                    .error = "said \"no\"\n\x01 \xff"},
        .encoding = RH_MSGPACK,
        .document = BYTES("\x81\n\0\xff"),
    };

    (void)unused;
    assert_encodes(&record, expected, sizeof(expected) - 1);
}

static void encode_room_zero_is_a_room(void **unused)
{
    static const char expected[] = "- 0\n{\"room\":0,\"hook\":\"a\",\"encoding\":\"json\"}\n";
    struct record record = {.has_room = true, .hook = "a"};

    (void)unused;
    assert_encodes(&record, expected, sizeof(expected) - 1);
}

static struct record decode_ok(struct bytes text)
{
    struct record record;
    struct error_text why = {.text = "none"};

    if (record_decode(text, &record, &why))
        fail_msg("%s", why.text);
    return record;
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_string_equal(a->fence, b->fence);
    assert_int_equal(a->claims, b->claims);
    assert_int_equal(a->has_room, b->has_room);
    assert_true(a->room_id == b->room_id);
    assert_string_equal(a->hook, b->hook);
    assert_string_equal(a->event_id, b->event_id);
    assert_string_equal(a->traceparent, b->traceparent);
    assert_int_equal(a->history.attempts, b->history.attempts);
    assert_int_equal(a->history.deferrals, b->history.deferrals);
    assert_true(a->history.first_attempt_ms == b->history.first_attempt_ms);
    assert_true(a->history.last_attempt_ms == b->history.last_attempt_ms);
    assert_int_equal(a->history.status, b->history.status);
    assert_string_equal(a->history.error, b->history.error);
    assert_int_equal(a->encoding, b->encoding);
    assert_true(bytes_equal(a->document, b->document));
}

static void decode_gives_back_what_was_encoded(void **unused)
{
    static const struct record rows[] = {
        {.hook = "main", .document = {"{}", 2}},
        {.hook = "main"},
        {.hook = "-", .event_id = "-", .document = {"\n\n", 2}},
        {.fence = "h-1-00000000:1", .hook = "a", .document = {"\0", 1}},
        {.claims = INT_MAX, .has_room = true, .room_id = INT64_MIN, .hook = "a"},
        {.has_room = true, .room_id = INT64_MAX, .hook = "a", .traceparent = TRACEPARENT},
        {.hook = "a",
         .history = {.attempts = INT_MAX,
                     .deferrals = INT_MAX,
                     .first_attempt_ms = INT64_MAX,
                     .last_attempt_ms = INT64_MAX,
                     .status = 999,
                     .error = "\x7f\x01\"\\/\b\f\n\r\t h\xc3\xa9llo \xf0\x9f\x8e\x89"},
         .encoding = RH_MSGPACK,
         .document = {"\x80\n{\"hook\":1}\n- 0\n\0\xff", 19}},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer out;
        struct record back;

        buffer_init(&out, 1 << 20);
        record_encode(&rows[i], &out);
        back = decode_ok(buffer_bytes(&out));
        assert_same(&back, &rows[i]);
        buffer_release(&out);
    }
}

static void longest_values_fit_the_named_limits(void **unused)
{
    struct record record = {.claims = INT_MAX, .has_room = true, .room_id = INT64_MIN};
    struct record back;
    struct buffer out;
    const char *newline;

    (void)unused;
    memset(record.fence, 'f', RECORD_FENCE_SIZE - 1);
    memset(record.hook, 'h', RH_NAME_MAX);
    memset(record.event_id, 'e', RH_NAME_MAX);
    memset(record.history.error, 1, RECORD_ERROR_SIZE - 1); /* six bytes each when escaped */
    memcpy(record.traceparent, TRACEPARENT, sizeof(TRACEPARENT));
    record.history.attempts = record.history.deferrals = record.history.status = INT_MAX;
    record.history.first_attempt_ms = record.history.last_attempt_ms = INT64_MAX;
    buffer_init(&out, 1 << 20);
    record_encode(&record, &out);
    newline = memchr(out.data, '\n', out.len);
    assert_non_null(newline);
    assert_true(out.len - (size_t)(newline - out.data) < RECORD_META_MAX / 2);
    back = decode_ok(buffer_bytes(&out));
    assert_same(&back, &record);
    buffer_release(&out);
}

static void decode_document_is_a_view_of_the_text(void **unused)
{
    static const char text[] = "- 0\n{\"hook\":\"a\",\"encoding\":\"json\"}\n{\"a\":\"\n\"}";
    struct record record = decode_ok((struct bytes){text, sizeof(text) - 1});

    (void)unused;
    assert_ptr_equal(record.document.data, strrchr(text, '{'));
    assert_int_equal(record.document.len, 9);
}

static void decode_unknown_keys_and_other_layout_are_passed_over(void **unused)
{
    struct record record = decode_ok(BYTES("x:1 7\n { \"later\" : {\"a\":[1,null]} , \"encoding\":"
                                           "\"json\",\"hook\":\"\\u006dain\", \"status\":0 } \nD"));

    (void)unused;
    assert_string_equal(record.fence, "x:1");
    assert_int_equal(record.claims, 7);
    assert_string_equal(record.hook, "main");
    assert_false(record.has_room);
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
        buffer_append_text(&text, "- 0\n{\"hook\":\"a\",\"encoding\":\"json\",\"error\":\"");
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

#define META(meta) BYTES("- 0\n" meta "\n{}")
#define WITH(pair) META("{\"hook\":\"a\",\"encoding\":\"json\"," pair "}")
#define NAME_65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    struct bytes text;
    const char *named; /* stands in the error text */
} wrong_records[] = {
    {{NULL, 0}, "line 1"},
    {BYTES("- 0"), "line 1"},
    {BYTES("\n{}\n"), "line 1"},
    {BYTES("-\n{}\n"), "line 1"},
    {BYTES(" 0\n{}\n"), "line 1"},
    {BYTES("a\0b 0\n{}\n"), "fence"},
    {BYTES("- \n{}\n"), "claims"},
    {BYTES("- -1\n{}\n"), "claims"},
    {BYTES("- 2147483648\n{}\n"), "claims"},
    {BYTES("- 0 0\n{}\n"), "claims"},
    {BYTES("- 0\r\n{}\n"), "claims"},
    {BYTES("- 0\n"), "line 2"},
    {BYTES("- 0\n{\"hook\":\"a\",\"encoding\":\"json\"}"), "line 2"},
    {META(""), "line 2"},
    {META("[]"), "line 2"},
    {META("1"), "line 2"},
    {META("{\"hook\":\"a\"\x01,\"encoding\":\"json\"}"), "line 2"},
    {META("{\"hook\":\"a\xff\",\"encoding\":\"json\"}"), "line 2"},
    {META("{\"hook\":\"a\\u0000\",\"encoding\":\"json\"}"), "line 2"},
    {META("{\"hook\":\"a\",\"encoding\":\"json\"} {}"), "line 2"},
    {META("{\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":\"\",\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":\"a b\",\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":\"" NAME_65 "\",\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":5,\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":null,\"encoding\":\"json\"}"), "\"hook\""},
    {META("{\"hook\":\"a\"}"), "\"encoding\""},
    {META("{\"hook\":\"a\",\"encoding\":\"bson\"}"), "\"encoding\""},
    {META("{\"hook\":\"a\",\"encoding\":1}"), "\"encoding\""},
    {WITH("\"room\":\"438\""), "\"room\""},
    {WITH("\"room\":438.0"), "\"room\""},
    {WITH("\"room\":null"), "\"room\""},
    {WITH("\"room\":9223372036854775808"), "line 2"},
    {WITH("\"event_id\":7"), "\"event_id\""},
    {WITH("\"event_id\":\"a.b\""), "\"event_id\""},
    {WITH("\"attempts\":\"1\""), "\"attempts\""},
    {WITH("\"attempts\":-1"), "\"attempts\""},
    {WITH("\"attempts\":2147483648"), "\"attempts\""},
    {WITH("\"attempts\":true"), "\"attempts\""},
    {WITH("\"deferrals\":[]"), "\"deferrals\""},
    {WITH("\"deferrals\":-1"), "\"deferrals\""},
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
        struct record record = {.claims = -77};
        struct error_text why = {.text = ""};

        assert_int_equal(record_decode(wrong_records[i].text, &record, &why), -1);
        if (!strstr(why.text, wrong_records[i].named))
            fail_msg("row %zu: \"%s\" does not name %s", i, why.text, wrong_records[i].named);
        assert_int_equal(record.claims, -77); /* untouched */
    }
}

static void decode_lines_over_their_limits_are_refused(void **unused)
{
    static char text[RECORD_META_MAX + 64];
    struct record record;
    struct error_text why;
    int len = snprintf(text, sizeof(text), "- 0\n{\"hook\":\"a\",\"encoding\":\"json\"");

    (void)unused;
    /* A second line of exactly RECORD_META_MAX bytes is read, one of one more is not. */
    memset(text + len, ' ', sizeof(text) - (size_t)len);
    text[4 + RECORD_META_MAX - 1] = '}';
    text[4 + RECORD_META_MAX] = '\n';
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), 0);
    text[4 + RECORD_META_MAX] = ' ';
    text[4 + RECORD_META_MAX + 1] = '\n';
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), -1);
    assert_non_null(strstr(why.text, "line 2"));

    memset(text, 'f', sizeof(text));
    memcpy(text + RECORD_FENCE_SIZE, " 0\n", 3);
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), -1);
    assert_non_null(strstr(why.text, "fence"));
    memset(text, 'f', sizeof(text));
    memcpy(text + RECORD_META_MAX, " 0\n", 3);
    assert_int_equal(record_decode((struct bytes){text, sizeof(text)}, &record, &why), -1);
    assert_non_null(strstr(why.text, "line 1"));
}

static void decode_text_without_newline_is_not_read_past_its_end(void **unused)
{
    (void)unused;
    for (size_t len = 0; len <= RECORD_FENCE_SIZE + 20; len++) {
        char *text = malloc(len + 1); /* the byte behind it is AddressSanitizer's */
        struct record record;
        struct error_text why;

        assert_non_null(text);
        memset(text, 'f', len + 1);
        assert_int_equal(record_decode((struct bytes){text + 1, len}, &record, &why), -1);
        free(text);
    }
}

static void decode_error_text_holds_no_strange_bytes(void **unused)
{
    struct record record;
    struct error_text why;

    (void)unused;
    assert_int_equal(record_decode(META("{\"\x1b[31m\xff"), &record, &why), -1);
    for (const char *c = why.text; *c; c++)
        assert_in_range(*c, 0x20, 0x7e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_empty_values_are_left_out),
        cmocka_unit_test(encode_all_values_stand_in_their_order),
        cmocka_unit_test(encode_room_zero_is_a_room),
        cmocka_unit_test(decode_gives_back_what_was_encoded),
        cmocka_unit_test(longest_values_fit_the_named_limits),
        cmocka_unit_test(decode_document_is_a_view_of_the_text),
        cmocka_unit_test(decode_unknown_keys_and_other_layout_are_passed_over),
        cmocka_unit_test(decode_long_error_is_cut_between_characters),
        cmocka_unit_test(decode_refuses_what_is_wrong_and_names_it),
        cmocka_unit_test(decode_lines_over_their_limits_are_refused),
        cmocka_unit_test(decode_text_without_newline_is_not_read_past_its_end),
        cmocka_unit_test(decode_error_text_holds_no_strange_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
