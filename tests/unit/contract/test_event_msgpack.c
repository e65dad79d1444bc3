#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/event_codec.h"
#include "contract/event_room.h"
#include "room_of.h"

#define NO_ROOM "message.roomId: must be " ROOM_ID_ALLOWED
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* {"message":{"roomId":1,"v":<value>}}, decoded; the message's JSON in out. */
static int decode_value(struct bytes value, struct buffer *out, struct error_text *why)
{
    struct buffer document;
    struct event event;
    int problem;

    buffer_init(&document, 1 << 20);
    buffer_append_text(&document, "\x81\xa7message\x82\xa6roomId\x01\xa1v");
    buffer_append_bytes(&document, value);
    problem = event_decode(RH_MSGPACK, buffer_bytes(&document), &event, why);
    buffer_release(&document);
    if (problem)
        return problem;
    buffer_append_bytes(out, event.message);
    event_release(&event);
    return 0;
}

static void every_type_json_knows_is_written(void **state)
{
    static const struct {
        struct bytes value;
        const char *json;
    } rows[] = {
        {BYTES("\xc0"), "null"},
        {BYTES("\xc2"), "false"},
        {BYTES("\xc3"), "true"},
        {BYTES("\x00"), "0"},
        {BYTES("\x7f"), "127"},
        {BYTES("\xff"), "-1"},
        {BYTES("\xe0"), "-32"},
        {BYTES("\xcc\xff"), "255"},
        {BYTES("\xcd\xff\xff"), "65535"},
        {BYTES("\xce\xff\xff\xff\xff"), "4294967295"},
        {BYTES("\xcf\x00\x20\x00\x00\x00\x00\x00\x01"), "9007199254740993"}, /* 2^53 + 1 */
        {BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807"},
        {BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), "9223372036854775808"},
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
        {BYTES("\xd0\x80"), "-128"},
        {BYTES("\xd1\x80\x00"), "-32768"},
        {BYTES("\xd2\x80\x00\x00\x00"), "-2147483648"},
        {BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808"},
        {BYTES("\xd3\x00\x00\x00\x00\x00\x00\x00\x05"), "5"}, /* positive in a signed form */
        {BYTES("\xca\x3d\xcc\xcc\xcd"), "0.10000000149011612"},
        {BYTES("\xca\x3f\x80\x00\x00"), "1"},
        {BYTES("\xca\x3f\xc0\x00\x00"), "1.5"},
        {BYTES("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1"},
        {BYTES("\xcb\x80\x00\x00\x00\x00\x00\x00\x00"), "-0.0"},
        {BYTES("\xcb\x42\x78\x44\x19\xd4\x72\x90\x00"), "1667548137257"},
        {BYTES("\xcb\xc0\x08\x00\x00\x00\x00\x00\x00"), "-3"},
        {BYTES("\xcb\x43\x40\x00\x00\x00\x00\x00\x00"), "9007199254740992"}, /* 2^53 */
        {BYTES("\xcb\xc3\x40\x00\x00\x00\x00\x00\x00"), "-9007199254740992"},
        {BYTES("\xcb\x43\x40\x00\x00\x00\x00\x00\x01"), "9007199254740994.0"},
        {BYTES("\xcb\x7f\xef\xff\xff\xff\xff\xff\xff"), "1.7976931348623157e+308"},
        {BYTES("\xa0"), "\"\""},
        {BYTES("\xa3"
               "a\0b"),
         "\"a\\u0000b\""},
        {BYTES("\xd9\x01\""), "\"\\\"\""},
        {BYTES("\xda\x00\x02\xc3\xa4"), "\"\xc3\xa4\""},
        {BYTES("\xdb\x00\x00\x00\x01x"), "\"x\""},
        {BYTES("\x90"), "[]"},
        {BYTES("\xdc\x00\x02\x01\x90"), "[1,[]]"},
        {BYTES("\xdd\x00\x00\x00\x01\xc0"), "[null]"},
        {BYTES("\x80"), "{}"},
        {BYTES("\x82\xa1z\x01\xa1y\x80"), "{\"z\":1,\"y\":{}}"},
        {BYTES("\xde\x00\x01\xa0\x01"), "{\"\":1}"},
        {BYTES("\x81\xa3"
               "a\0b\x02"),
         "{\"a\\u0000b\":2}"},
        {BYTES("\x82\xa1k\x01\xa1k\x02"), "{\"k\":1,\"k\":2}"},
        {BYTES("\xdf\x00\x00\x00\x01\xd9\x02\n\t\x01"), "{\"\\n\\t\":1}"},
    };
    struct buffer out;

    (void)state;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct error_text why = {""};
        char expected[128];

        buffer_clear(&out);
        if (decode_value(rows[i].value, &out, &why))
            fail_msg("%s: %s", rows[i].json, why.text);
        snprintf(expected, sizeof(expected), "{\"roomId\":1,\"v\":%s}", rows[i].json);
        assert_string_equal(out.data, expected);
    }
    buffer_release(&out);
}

static void what_json_cannot_carry_is_refused_with_its_place(void **state)
{
    static const struct {
        struct bytes value;
        const char *why;
    } rows[] = {
        {BYTES("\xc4\x00"), "message.v: binary values are not allowed"},
        {BYTES("\xc5\x00\x00"), "message.v: binary values are not allowed"},
        {BYTES("\xc6\x00\x00\x00\x00"), "message.v: binary values are not allowed"},
        {BYTES("\xd6\xff\x00\x00\x00\x00"), "message.v: extension values are not allowed"},
        {BYTES("\xc7\x01\x05x"), "message.v: extension values are not allowed"},
        {BYTES("\xca\x7f\xc0\x00\x00"), "message.v: NaN and infinities are not allowed"},
        {BYTES("\xca\xff\x80\x00\x00"), "message.v: NaN and infinities are not allowed"},
        {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
         "message.v: NaN and infinities are not allowed"},
        {BYTES("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"),
         "message.v: NaN and infinities are not allowed"},
        {BYTES("\xa1\xff"), "message.v: the text is not valid UTF-8"},
        {BYTES("\xa2\xc0\x80"), "message.v: the text is not valid UTF-8"},
        {BYTES("\xa3\xed\xa0\x80"), "message.v: the text is not valid UTF-8"},
        {BYTES("\xa4\xf4\x90\x80\x80"), "message.v: the text is not valid UTF-8"},
        {BYTES("\xa2\xe2\x82"), "message.v: the text is not valid UTF-8"},
        {BYTES("\x81\x01\x02"), "message.v: map keys must be strings"},
        {BYTES("\x81\xc0\x02"), "message.v: map keys must be strings"},
        {BYTES("\x81\xc4\x01x\x02"), "message.v: map keys must be strings"},
        {BYTES("\x81\xa1\xff\x02"), "message.v: the text is not valid UTF-8"},
        {BYTES("\x81\xa5items\x94\x01\x02\x03\xc4\x00"),
         "message.v.items[3]: binary values are not allowed"},
        {BYTES("\x92\x01\x81\xa1"
               "a\x92\xc0\x81\xa1"
               "b\xd4\x01x"),
         "message.v[1].a[1].b: extension values are not allowed"},
        {BYTES("\x81\xa3\n\x1b.\xc4\x00"), "message.v.??.: binary values are not allowed"},
    };
    struct buffer out;

    (void)state;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct error_text why = {""};

        assert_int_equal(decode_value(rows[i].value, &out, &why), EVENT_BAD);
        assert_string_equal(why.text, rows[i].why);
    }
    buffer_release(&out);
}

static void long_paths_are_cut(void **state)
{
    struct buffer value;
    struct buffer out;
    struct error_text why = {""};

    (void)state;
    buffer_init(&value, 4096);
    for (int level = 0; level < 15; level++) {
        buffer_append_text(&value, "\x81\xd9\x40");
        for (int i = 0; i < 64; i++)
            buffer_append_char(&value, (char)('a' + level));
    }
    buffer_append_text(&value, "\xc1");
    value.data[value.len - 1] = '\xff'; /* -1: all is well */
    buffer_init(&out, 65536);
    assert_int_equal(decode_value(buffer_bytes(&value), &out, &why), EVENT_OK);

    value.data[value.len - 1] = '\xa1';
    buffer_append_text(&value, "\xff");
    assert_int_equal(decode_value(buffer_bytes(&value), &out, &why), EVENT_BAD);
    assert_memory_equal(why.text, "message.v.aaaaaaaaaa", 20);
    assert_non_null(strstr(why.text, "…"));
    assert_non_null(strstr(why.text, ": the text is not valid UTF-8"));
    assert_true(bytes_is_utf8(bytes_of(why.text)));
    buffer_release(&value);
    buffer_release(&out);
}

static void documents_of_other_shapes_are_refused(void **state)
{
    static const struct {
        struct bytes document;
        const char *why;
    } rows[] = {
        {BYTES("\xc0"), "the document: must be a map"},
        {BYTES("\x90"), "the document: must be a map"},
        {BYTES("{\"message\":{\"roomId\":1}}"), "byte 1: 23 bytes after the document's end"},
        {BYTES("\x81\x01\x02"), "the document: map keys must be strings"},
        {BYTES("\x82\xa7message\x81\xa6roomId\x01\xc4\x01x\x01"),
         "the document: map keys must be strings"},
        {BYTES("\x81\xc4\x07message\x81\xa6roomId\x01"), "the document: map keys must be strings"},
        {BYTES("\x82\xa7message\x81\xa6roomId\x01\xa7message\x81\xa6roomId\x02"),
         "message: is given twice"},
        {BYTES("\x83\xa7message\x81\xa6roomId\x01\xa4type\xa1x\xd9\x04type\xa1y"),
         "type: is given twice"},
        {BYTES("\x83\xa4room\xc0\xa7message\x81\xa6roomId\x01\xa4room\xc0"),
         "room: is given twice"},
        {BYTES("\x81\xa7message\x82\xa6roomId\x01\xa6roomId\x01"),
         "message.roomId: is given twice"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\x43\x40\x00\x00\x00\x00\x00\x01"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
         "message.roomId: NaN and infinities are not allowed"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\x80\x00\x00\x00\x00\x00\x00\x00"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xc0"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xc4\x01x"),
         "message.roomId: binary values are not allowed"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa0"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa2.."), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa3x/y"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa3x\x00y"), NO_ROOM},
        {BYTES("\x81\xa7message\x81\xc4\x06roomId\x01"), "message: map keys must be strings"},
        {BYTES("\x82\xa7message\x80\xa8webhooks\x92\x80\x81\xa1u\xc4\x00"),
         "webhooks[1].u: binary values are not allowed"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct event event = {.room_id = ROOM_OF("4711")};
        struct room_id room = ROOM_OF("4711"); /* if the document has none */
        struct error_text why = {""};

        assert_int_equal(event_decode(RH_MSGPACK, rows[i].document, &event, &why), EVENT_BAD);
        assert_string_equal(why.text, rows[i].why);
        (void)event_find_room(RH_MSGPACK, rows[i].document, &room);
        assert_string_equal(event.room_id.text, room.text);
    }
}

static void the_whole_range_of_room_ids_is_taken(void **state)
{
    static const struct {
        struct bytes document;
        const char *room;
    } rows[] = {
        {BYTES("\x81\xa7message\x81\xa6roomId\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
         "-9223372036854775808"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
         "9223372036854775807"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcf\x80\x00\x00\x00\x00\x00\x00\x00"),
         "9223372036854775808"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
         "18446744073709551615"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), "1"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xca\x43\xdb\x00\x00"), "438"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xcb\xc3\x40\x00\x00\x00\x00\x00\x00"),
         "-9007199254740992"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa3"
               "438"),
         "438"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa3"
               "007"),
         "007"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xa9"
               "C024BE91L"),
         "C024BE91L"},
        {BYTES("\x81\xa7message\x81\xa6roomId\xff"), "-1"},
        {BYTES("\x81\xa7message\x81\xd9\x06roomId\x00"), "0"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct event event;
        struct error_text why;

        assert_int_equal(event_decode(RH_MSGPACK, rows[i].document, &event, &why), EVENT_OK);
        assert_string_equal(event.room_id.text, rows[i].room);
        event_release(&event);
    }
}

/* What is under keys nobody knows is not looked at, as long as it is msgpack. */
static void unknown_keys_may_hold_anything(void **state)
{
    struct event event;
    struct error_text why;

    (void)state;
    assert_int_equal(
        event_decode(RH_MSGPACK,
                     BYTES("\x84\xa1x\xc4\x01y\xa1x\x81\x01\x02\xa1\xff\xa1\xff\xa7message\x81"
                           "\xa6roomId\x01"),
                     &event, &why),
        EVENT_OK);
    assert_true(bytes_equal_text(event.message, "{\"roomId\":1}"));
    event_release(&event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_json_knows_is_written),
        cmocka_unit_test(what_json_cannot_carry_is_refused_with_its_place),
        cmocka_unit_test(long_paths_are_cut),
        cmocka_unit_test(documents_of_other_shapes_are_refused),
        cmocka_unit_test(the_whole_range_of_room_ids_is_taken),
        cmocka_unit_test(unknown_keys_may_hold_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
