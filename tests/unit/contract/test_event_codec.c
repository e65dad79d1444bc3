#include "contract/event_codec.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/event_room.h"

#include "room_of.h"

#define NO_ROOM "message.roomId: must be " ROOM_ID_ALLOWED
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The example of Spika's documentation, laid out as it is there. */
#define EXAMPLE_MESSAGE                                                                          \
    "{\"id\":24006,\"fromUserId\":54,\"totalUserCount\":3,\"deliveredCount\":0,\"seenCount\":0," \
    "\"roomId\":438,\"type\":\"text\",\"body\":{\"text\":\"test\"},\"createdAt\":1667548137257," \
    "\"modifiedAt\":1667548137257,\"localId\":null,\"deleted\":false,\"replyId\":null}"
#define EXAMPLE_FROM_USER "{\"displayName\":\"Stjepan\",\"avatarFileId\":88}"
#define EXAMPLE_ROOM "{\"name\":\"tstt\",\"avatarFileId\":88}"

static const char example[] = "{\n"
                              "\"message\": {\n"
                              "\"id\": 24006,\n"
                              "\"fromUserId\": 54,\n"
                              "\"totalUserCount\": 3,\n"
                              "\"deliveredCount\": 0,\n"
                              "\"seenCount\": 0,\n"
                              "\"roomId\": 438,\n"
                              "\"type\": \"text\",\n"
                              "\"body\": {\n"
                              "\"text\": \"test\"\n"
                              "},\n"
                              "\"createdAt\": 1667548137257,\n"
                              "\"modifiedAt\": 1667548137257,\n"
                              "\"localId\": null,\n"
                              "\"deleted\": false,\n"
                              "\"replyId\": null\n"
                              "},\n"
                              "\"fromUser\": {\n"
                              "\"displayName\": \"Stjepan\",\n"
                              "\"avatarFileId\": 88\n"
                              "},\n"
                              "\"room\": {\n"
                              "\"name\": \"tstt\",\n"
                              "\"avatarFileId\": 88\n"
                              "}\n"
                              "}\n";

/* The bytes Python's msgpack.packb makes of the example. */
static const char example_msgpack[] =
    "\x83\xa7message\x8d\xa2id\xcd\x5d\xc6\xaa"
    "fromUserId\x36\xae"
    "totalUserCount\x03\xae"
    "deliveredCount\x00\xa9"
    "seenCount\x00\xa6roomId\xcd\x01\xb6\xa4type\xa4text\xa4"
    "body\x81\xa4text\xa4test\xa9"
    "createdAt\xcf\x00\x00\x01\x84\x41\x9d\x47\x29\xaamodifiedAt\xcf\x00\x00\x01\x84\x41\x9d\x47"
    "\x29\xa7localId\xc0\xa7"
    "deleted\xc2\xa7replyId\xc0\xa8"
    "fromUser\x82\xab"
    "displayName\xa7Stjepan\xac"
    "avatarFileId\x58\xa4room\x82\xa4name\xa4tstt\xac"
    "avatarFileId\x58";

static void assert_view(struct bytes view, const char *expected)
{
    if (!bytes_equal_text(view, expected))
        fail_msg("%.*s, expected %s", (int)view.len, view.data, expected);
}

static void assert_example(enum rh_encoding encoding, struct bytes document)
{
    struct event event;
    struct error_text why = {""};

    if (event_decode(encoding, document, &event, &why))
        fail_msg("%s", why.text);
    assert_string_equal(event.room_id.text, "438");
    assert_true(event.has_created_at);
    assert_true(event.created_at_ms == INT64_C(1667548137257));
    assert_view(event.type, "message.created");
    assert_view(event.message, EXAMPLE_MESSAGE);
    assert_view(event.from_user, EXAMPLE_FROM_USER);
    assert_view(event.room, EXAMPLE_ROOM);
    assert_false(event.has_inline_hooks);
    event_release(&event);
    assert_null(event.text.data);
    assert_int_equal(event.message.len, 0);
    event_release(&event);
}

static void the_example_comes_out_byte_for_byte(void **state)
{
    struct buffer packed;
    struct error_text why;

    (void)state;
    assert_example(RH_JSON, bytes_of(example));
    assert_example(RH_MSGPACK, (struct bytes){example_msgpack, sizeof(example_msgpack) - 1});

    buffer_init(&packed, sizeof(example));
    assert_int_equal(event_json_to_msgpack(bytes_of(example), &packed, &why), 0);
    assert_true(bytes_equal(buffer_bytes(&packed),
                            (struct bytes){example_msgpack, sizeof(example_msgpack) - 1}));
    buffer_release(&packed);
}

static const struct {
    const char *document;
    const char *type;
    const char *message;
    const char *from_user;
    const char *room;
} accepted[] = {
    {"{\"message\":{\"roomId\":1}}", "message.created", "{\"roomId\":1}", "", ""},
    {"{\"room\":null,\"fromUser\":null,\"message\":{\"roomId\":1}}", "message.created",
     "{\"roomId\":1}", "", ""},
    {"{\"room\":{},\"fromUser\":{},\"message\":{\"roomId\":1}}", "message.created",
     "{\"roomId\":1}", "{}", "{}"},
    {"{\"type\":\"a.B_9\",\"message\":{\"roomId\":1}}", "a.B_9", "{\"roomId\":1}", "", ""},
    {"{\"later\":[{\"x\":1.5}],\"message\":{\"roomId\":1},\"\":0}", "message.created",
     "{\"roomId\":1}", "", ""},
    {"{\"message\":{\"z\":1,\"roomId\":1,\"a\":[1,\"\",[],{}],\"roomid\":\"x\"}}",
     "message.created", "{\"z\":1,\"roomId\":1,\"a\":[1,\"\",[],{}],\"roomid\":\"x\"}", "", ""},
    {"{\"message\":{\"roomId\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}}", "message.created",
     "{\"roomId\":\"!OGEhHVWSdvArJzumhm:matrix.org\"}", "", ""},
    {"{\"message\":{\"roomId\":\"1\"}}", "message.created", "{\"roomId\":\"1\"}", "", ""},
    {"{\"message\":{\"roomId\":-9223372036854775808,\"n\":9223372036854775807}}", "message.created",
     "{\"roomId\":-9223372036854775808,\"n\":9223372036854775807}", "", ""},
    {"{\"message\":{\"roomId\":1,\"r\":[0.1,-7,1e+21,1e-7,2.5,5e-324]}}", "message.created",
     "{\"roomId\":1,\"r\":[0.1,-7,1e+21,1e-7,2.5,5e-324]}", "", ""},
    {"{\"message\":{\"roomId\":1,\"s\":\"\\u0000\\u001f\\\"\\\\\\b\xc3\xa4\xf0\x9f\x98\x80\"}}",
     "message.created",
     "{\"roomId\":1,\"s\":\"\\u0000\\u001f\\\"\\\\\\b\xc3\xa4\xf0\x9f\x98\x80\"}", "", ""},
    {"{\"message\":{\"roomId\":1,\"\xc3\xa4\\n\":true}}", "message.created",
     "{\"roomId\":1,\"\xc3\xa4\\n\":true}", "", ""},
    {"{\"message\":{},\"webhooks\":[]}", "message.created", "{}", "", ""},
};

/* JSON and what event_json_to_msgpack makes of it. */
static void what_is_accepted_is_the_same_in_both_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(accepted); i++) {
        struct bytes json = bytes_of(accepted[i].document);
        struct error_text why = {""};
        struct buffer packed;

        buffer_init(&packed, 4096);
        if (event_json_to_msgpack(json, &packed, &why))
            fail_msg("%s: %s", accepted[i].document, why.text);
        for (int encoding = RH_JSON; encoding <= RH_MSGPACK; encoding++) {
            struct bytes document = encoding == RH_JSON ? json : buffer_bytes(&packed);
            struct event event;

            if (event_decode((enum rh_encoding)encoding, document, &event, &why))
                fail_msg("%s: %s", accepted[i].document, why.text);
            assert_view(event.type, accepted[i].type);
            assert_view(event.message, accepted[i].message);
            assert_view(event.from_user, accepted[i].from_user);
            assert_view(event.room, accepted[i].room);
            event_release(&event);
        }
        buffer_release(&packed);
    }
}

/* What a user can type, and a chat server can write: passed on to the letter, whatever it is. */
static const char *const contents[] = {
    "\"\\ud83d\"",
    "\"\\ude00\\ud83d\"",
    "\"\\uD83Dx\"",
    "{\"\\ud83d\":1}",
    "\"\\ud83d\\ude00\"",
    "0.12345678901234567890",
    "19.90",
    "1E5",
    "-0",
    "-0.0",
    "1.0",
    "1e400",
    "-1e-400",
    "1e+21",
    "12345678901234567890",
    "18446744073709551616",
    "-9223372036854775809",
    "1234567890123456789012345678901234567890",
    "\"\\u0000\"",
    "{\"a\\u0000b\":1}",
    "{\"k\":1,\"k\":2}",
    "{\"roomId\":1,\"roomId\":2}",
    "{\"k\":1,\"\\u006b\":{\"k\":1,\"k\":1}}",
    "\"\\/\\u0041\\u00e4\\u20AC\"",
    "\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\x7f\"",
    "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]",
};

static void content_is_passed_on_as_it_was_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(contents); i++) {
        struct error_text why = {""};
        struct buffer document;
        char message[256];
        char user[256];
        struct event event;

        snprintf(message, sizeof(message), "{\"roomId\":1,\"v\":%s}", contents[i]);
        snprintf(user, sizeof(user), "{\"v\":%s,\"w\":[]}", contents[i]);
        buffer_init(&document, 4096);
        buffer_append_format(&document,
                             " { \"x\" : %s , \"message\" : %s , \"fromUser\":%s,\n"
                             "\"room\": { \"v\" : %s , \"w\" : [ ] } }\n",
                             contents[i], message, user, contents[i]);
        if (event_decode(RH_JSON, buffer_bytes(&document), &event, &why))
            fail_msg("%s: %s", contents[i], why.text);
        assert_view(event.message, message);
        assert_view(event.from_user, user);
        assert_view(event.room, user);
        event_release(&event);
        buffer_release(&document);
    }
}

static void keys_are_compared_by_what_they_mean(void **state)
{
    struct error_text why = {""};
    struct event event;

    (void)state;
    assert_int_equal(event_decode(RH_JSON,
                                  BYTES("{\"\\u006dessage\":{\"room\\u0049d\":438},\"ty\\u0070e\":"
                                        "\"a\\u002eb\",\"roo\\u006d\":{}}"),
                                  &event, &why),
                     0);
    assert_string_equal(event.room_id.text, "438");
    assert_view(event.type, "a.b");
    assert_view(event.message, "{\"room\\u0049d\":438}");
    assert_view(event.room, "{}");
    event_release(&event);
}

static void refused_documents_say_why(void **state)
{
    static const struct {
        const char *document;
        const char *why;
    } rows[] = {
        {"", "line 1, column 1: ends too early"},
        {"{\"message\":{\"roomId\":1}", "line 1, column 24: ends too early"},
        {"{\"message\":{\"roomId\":1}} ]", "line 1, column 26: more text after the end"},
        {"[]", "the document: must be a map"},
        {"{}", "message: is missing"},
        {"{\"Message\":{\"roomId\":1}}", "message: is missing"},
        {"{\"message\":null}", "message: must be a map"},
        {"{\"message\":[]}", "message: must be a map"},
        {"{\"message\":\"\"}", "message: must be a map"},
        {"{\"message\":{}}", "message.roomId: is missing, and no webhooks are given instead"},
        {"{\"message\":{\"roomId\":null}}", NO_ROOM},
        {"{\"message\":{\"roomId\":\"a b\"}}", NO_ROOM},
        {"{\"message\":{\"roomId\":1.0}}", NO_ROOM},
        {"{\"message\":{\"roomId\":true}}", NO_ROOM},
        {"{\"message\":{\"roomId\":\"\"},\"webhooks\":[]}", NO_ROOM},
        {"{\"message\":{\"roomId\":1},\"fromUser\":[]}", "fromUser: must be a map or null"},
        {"{\"message\":{\"roomId\":1},\"fromUser\":false}", "fromUser: must be a map or null"},
        {"{\"message\":{\"roomId\":1},\"room\":\"x\"}", "room: must be a map or null"},
        {"{\"message\":{\"roomId\":1},\"type\":null}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"type\":7}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"type\":\"\"}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"type\":\"a-b\"}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"type\":\"a\\\"b\"}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"type\":\"a\\u0000b\"}",
         "type: must be a string of 1..128 of A-Z a-z 0-9 _ ."},
        {"{\"message\":{\"roomId\":1},\"hops\":null}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":-1}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":1001}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":9223372036854775807}",
         "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":1.0}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":\"1\"}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":true}", "hops: must be an integer from 0 to 1000"},
        {"{\"message\":{\"roomId\":1},\"hops\":[]}", "hops: must be an integer from 0 to 1000"},
        {"{\"hops\":1,\"message\":{\"roomId\":1},\"hops\":1}", "hops: is given twice"},
        {"{\"message\":{},\"webhooks\":null}", "webhooks: must be a list of at most 64 hooks"},
        {"{\"message\":{},\"webhooks\":{}}", "webhooks: must be a list of at most 64 hooks"},
        {"{\"message\":{},\"webhooks\":[{},null]}", "webhooks[1]: must be a map"},
        {"{\"message\":{},\"webhooks\":[\"https://example.com/\"]}", "webhooks[0]: must be a map"},
        {"{\"message\":{\"roomId\":1},\"message\":{\"roomId\":1}}", "message: is given twice"},
        {"{\"message\":{\"roomId\":1},\"mess\\u0061ge\":0}", "message: is given twice"},
        {"{\"type\":\"a\",\"type\":\"a\",\"message\":{\"roomId\":1}}", "type: is given twice"},
        {"{\"room\":null,\"room\":{},\"message\":{\"roomId\":1}}", "room: is given twice"},
        {"{\"fromUser\":{},\"fromUser\":{},\"message\":{\"roomId\":1}}",
         "fromUser: is given twice"},
        {"{\"message\":{},\"webhooks\":[],\"webhooks\":[]}", "webhooks: is given twice"},
        {"{\"message\":{\"roomId\":1,\"roomId\":1}}", "message.roomId: is given twice"},
        {"{\"message\":{\"roomId\":1,\"room\\u0049d\":1}}", "message.roomId: is given twice"},
        {"{\"message\":{\"roomId\":18446744073709551616}}", NO_ROOM},
        {"{\"message\":{\"roomId\":1}}\n0", "line 2, column 1: more text after the end"},
        {"{\"message\":{\"roomId\":1},\"x\":\"\xff\"}", "line 1, column 30: not valid UTF-8"},
        {"{\"message\":{\"roomId\":1},\"x\":nul}", "line 1, column 32: not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct event event = {.room_id = ROOM_OF("4711")};
        struct room_id room = ROOM_OF("4711"); /* if the document has none */
        struct error_text why = {""};
        struct buffer packed;

        assert_int_equal(event_decode(RH_JSON, bytes_of(rows[i].document), &event, &why),
                         EVENT_BAD);
        assert_string_equal(why.text, rows[i].why);
        (void)event_find_room(RH_JSON, bytes_of(rows[i].document), &room);
        assert_string_equal(event.room_id.text, room.text);
        buffer_init(&packed, 4096);
        assert_int_equal(event_json_to_msgpack(bytes_of(rows[i].document), &packed, &why),
                         EVENT_BAD);
        assert_int_equal(packed.len, 0);
        buffer_release(&packed);
    }
}

static void types_are_at_most_128_characters(void **state)
{
    char document[256];
    char type[130];

    (void)state;
    memset(type, 't', sizeof(type));
    for (int len = 128; len <= 129; len++) {
        struct event event;
        struct error_text why;

        snprintf(document, sizeof(document), "{\"type\":\"%.*s\",\"message\":{\"roomId\":1}}", len,
                 type);
        assert_int_equal(event_decode(RH_JSON, bytes_of(document), &event, &why),
                         len == 128 ? EVENT_OK : EVENT_BAD);
        if (len == 128) {
            assert_int_equal(event.type.len, 128);
            event_release(&event);
        }
    }
}

static void hops_are_read_in_both_encodings(void **state)
{
    static const struct {
        const char *document;
        int hops;
    } rows[] = {
        {"{\"message\":{\"roomId\":1}}", 0},
        {"{\"message\":{\"roomId\":1,\"hops\":7}}", 0},
        {"{\"message\":{\"roomId\":1},\"hops\":0}", 0},
        {"{\"message\":{\"roomId\":1},\"hops\":1}", 1},
        {"{\"hops\":8,\"message\":{\"roomId\":1}}", 8},
        {"{\"hops\":1000,\"message\":{\"roomId\":1}}", 1000},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct bytes json = bytes_of(rows[i].document);
        struct error_text why = {""};
        struct buffer packed;

        buffer_init(&packed, 4096);
        assert_int_equal(event_json_to_msgpack(json, &packed, &why), 0);
        for (int encoding = RH_JSON; encoding <= RH_MSGPACK; encoding++) {
            struct bytes document = encoding == RH_JSON ? json : buffer_bytes(&packed);
            struct event event;

            assert_int_equal(event_decode((enum rh_encoding)encoding, document, &event, &why), 0);
            assert_int_equal(event.hops, rows[i].hops);
            event_release(&event);
        }
        buffer_release(&packed);
    }
}

static void hops_of_msgpack_are_checked(void **state)
{
    static const struct {
        struct bytes value;
        const char *why;
    } rows[] = {
        {BYTES("\xcd\x03\xe9"), "hops: must be an integer from 0 to 1000"}, /* 1001 */
        {BYTES("\xff"), "hops: must be an integer from 0 to 1000"},         /* -1 */
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "hops: must be an integer from 0 to 1000"},
        {BYTES("\xc0"), "hops: must be an integer from 0 to 1000"}, /* nil */
        {BYTES("\xa1"
               "1"),
         "hops: must be an integer from 0 to 1000"}, /* "1" */
        {BYTES("\x01\xa4hops\x01"), "hops: is given twice"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        bool twice = rows[i].value.len > 4 && rows[i].value.data[0] == 1;
        struct error_text why = {""};
        struct buffer document;
        struct event event;

        buffer_init(&document, 256);
        buffer_append_text(&document, twice ? "\x83" : "\x82");
        buffer_append_text(&document, "\xa7message\x81\xa6roomId\x01\xa4hops");
        buffer_append_bytes(&document, rows[i].value);
        assert_int_equal(event_decode(RH_MSGPACK, buffer_bytes(&document), &event, &why),
                         EVENT_BAD);
        assert_string_equal(why.text, rows[i].why);
        buffer_release(&document);
    }
}

static void created_at_is_taken_when_it_is_a_time(void **state)
{
    static const struct {
        const char *value;
        bool taken;
        int64_t ms;
    } rows[] = {
        {"0", true, 0},
        {"1667548137257", true, INT64_C(1667548137257)},
        {"253402300799999", true, INT64_C(253402300799999)}, /* the last of the year 9999 */
        {"253402300800000", false, 0},
        {"1667548137257000", false, 0}, /* in microseconds */
        {"-1", false, 0},
        {"1.5", false, 0},
        {"1e3", false, 0},
        {"99999999999999999999", false, 0},
        {"1,\"createdAt\":1", false, 0},
        {"\"2022-11-04T07:48:57.257Z\"", false, 0},
        {"null", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char document[128];
        struct event event;
        struct error_text why;

        snprintf(document, sizeof(document), "{\"message\":{\"roomId\":1,\"createdAt\":%s}}",
                 rows[i].value);
        assert_int_equal(event_decode(RH_JSON, bytes_of(document), &event, &why), 0);
        assert_int_equal(event.has_created_at, rows[i].taken);
        assert_true(event.created_at_ms == rows[i].ms);
        event_release(&event);
    }
}

static void inline_hooks_are_kept_as_json(void **state)
{
    static const char json[] =
        "{\"message\":{\"id\":1},\"webhooks\":"
        "[ {\"url\" : \"https://a.example/\"} , {} , {\"x\":[1,{\"y\":null}]} ]}";
    static const char *const expected[] = {"{\"url\":\"https://a.example/\"}", "{}",
                                           "{\"x\":[1,{\"y\":null}]}"};
    struct error_text why;
    struct buffer packed;

    (void)state;
    buffer_init(&packed, 4096);
    assert_int_equal(event_json_to_msgpack(bytes_of(json), &packed, &why), 0);
    for (int encoding = RH_JSON; encoding <= RH_MSGPACK; encoding++) {
        struct bytes document = encoding == RH_JSON ? bytes_of(json) : buffer_bytes(&packed);
        struct event event;

        assert_int_equal(event_decode((enum rh_encoding)encoding, document, &event, &why), 0);
        assert_true(event.has_inline_hooks);
        assert_int_equal(event.room_id.len, 0);
        assert_int_equal(event.inline_hooks_len, LEN(expected));
        for (size_t i = 0; i < LEN(expected); i++)
            assert_view(event.inline_hooks[i], expected[i]);
        event_release(&event);
    }
    buffer_release(&packed);
}

static void at_most_64_inline_hooks_are_allowed(void **state)
{
    struct buffer json;

    (void)state;
    buffer_init(&json, 4096);
    for (int hooks = 64; hooks <= 65; hooks++) {
        struct event event;
        struct error_text why;

        buffer_clear(&json);
        buffer_append_text(&json, "{\"message\":{},\"webhooks\":[{}");
        for (int i = 1; i < hooks; i++)
            buffer_append_text(&json, ",{}");
        buffer_append_text(&json, "]}");
        assert_int_equal(event_decode(RH_JSON, buffer_bytes(&json), &event, &why),
                         hooks == 64 ? EVENT_OK : EVENT_BAD);
        if (hooks == 64) {
            assert_int_equal(event.inline_hooks_len, 64);
            event_release(&event);
        }
    }
    buffer_release(&json);
}

/* levels counts the lists inside "x", so message has one more. */
static int decode_nested(enum rh_encoding encoding, const char *key, int levels,
                         struct error_text *why)
{
    struct buffer json;
    struct buffer document;
    struct event event;
    int problem;

    buffer_init(&json, 1024);
    buffer_append_format(&json, "{\"%s\":{\"x\":", key);
    for (int i = 0; i < levels; i++)
        buffer_append_char(&json, '[');
    for (int i = 0; i < levels; i++)
        buffer_append_char(&json, ']');
    buffer_append_text(&json, "},\"webhooks\":[]");
    buffer_append_text(&json, strcmp(key, "message") ? ",\"message\":{}}" : "}");

    buffer_init(&document, 1024);
    if (encoding == RH_JSON) {
        buffer_append_bytes(&document, buffer_bytes(&json));
    } else { /* packed by hand: event_json_to_msgpack would refuse it */
        buffer_append_text(&document, strcmp(key, "message") ? "\x83" : "\x82");
        buffer_append_char(&document, (char)(0xa0 + strlen(key)));
        buffer_append_text(&document, key);
        buffer_append_text(&document, "\x81\xa1x");
        for (int i = 1; i < levels; i++)
            buffer_append_text(&document, "\x91");
        buffer_append_text(&document, "\x90\xa8webhooks\x90");
        if (strcmp(key, "message"))
            buffer_append_text(&document, "\xa7message\x80");
    }
    problem = event_decode(encoding, buffer_bytes(&document), &event, why);
    if (!problem)
        event_release(&event);
    buffer_release(&json);
    buffer_release(&document);
    return problem;
}

static void depth_ends_at_16_levels_in_both_encodings(void **state)
{
    static const char *const keys[] = {"message", "fromUser", "room", "unknown"};
    struct error_text why = {""};

    (void)state;
    for (size_t i = 0; i < LEN(keys); i++) {
        assert_int_equal(decode_nested(RH_JSON, keys[i], 15, &why), EVENT_OK);
        assert_int_equal(decode_nested(RH_MSGPACK, keys[i], 15, &why), EVENT_OK);
        assert_int_equal(decode_nested(RH_JSON, keys[i], 16, &why), EVENT_BAD);
        assert_non_null(strstr(why.text, "nested too deep"));
        assert_int_equal(decode_nested(RH_MSGPACK, keys[i], 16, &why), EVENT_BAD);
        assert_non_null(strstr(why.text, "nested deeper than 16 levels"));
    }
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    struct error_text why;

    (void)state;
    for (size_t len = 0; len < sizeof(example_msgpack) - 1; len++) {
        struct event event;
        char *copy = malloc(len + 1); /* exactly sized, so that a read too far is seen */

        assert_non_null(copy);
        memcpy(copy + 1, example_msgpack, len);
        assert_int_equal(event_decode(RH_MSGPACK, (struct bytes){copy + 1, len}, &event, &why),
                         EVENT_BAD);
        free(copy);
    }
    for (size_t len = 0; len < sizeof(example) - 2; len++) { /* but for the last newline */
        struct event event;

        assert_int_equal(event_decode(RH_JSON, (struct bytes){example, len}, &event, &why),
                         EVENT_BAD);
    }
}

/* The worst growth there is: every byte of the document becomes six of the text. */
static void escapes_never_outgrow_the_text(void **state)
{
    enum {
        MANY = 60000
    };
    struct buffer document;
    struct event event;
    struct error_text why = {""};
    char *filler;

    (void)state;
    buffer_init(&document, 100000);
    buffer_append_text(&document, "\x81\xa7message\x82\xa6roomId\x01\xa1s\xda");
    buffer_append_char(&document, (char)(MANY >> 8));
    buffer_append_char(&document, (char)(MANY & 0xff));
    filler = buffer_extend(&document, MANY);
    assert_non_null(filler);
    memset(filler, 0x1f, MANY);
    assert_int_equal(event_decode(RH_MSGPACK, buffer_bytes(&document), &event, &why), 0);
    assert_int_equal(event.message.len, strlen("{\"roomId\":1,\"s\":\"\"}") + 6 * MANY);
    event_release(&event);

    buffer_clear(&document);
    buffer_append_text(&document, "\x81\xa7message\x82\xa6roomId\x01\xa1s\xdc");
    buffer_append_char(&document, (char)(MANY >> 8));
    buffer_append_char(&document, (char)(MANY & 0xff));
    filler = buffer_extend(&document, MANY);
    assert_non_null(filler);
    memset(filler, 0xc2, MANY);
    assert_int_equal(event_decode(RH_MSGPACK, buffer_bytes(&document), &event, &why), 0);
    assert_int_equal(event.message.len, strlen("{\"roomId\":1,\"s\":[]}") + 6 * MANY - 1);
    event_release(&event);
    buffer_release(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_comes_out_byte_for_byte),
        cmocka_unit_test(what_is_accepted_is_the_same_in_both_encodings),
        cmocka_unit_test(content_is_passed_on_as_it_was_written),
        cmocka_unit_test(keys_are_compared_by_what_they_mean),
        cmocka_unit_test(refused_documents_say_why),
        cmocka_unit_test(types_are_at_most_128_characters),
        cmocka_unit_test(hops_are_read_in_both_encodings),
        cmocka_unit_test(hops_of_msgpack_are_checked),
        cmocka_unit_test(created_at_is_taken_when_it_is_a_time),
        cmocka_unit_test(inline_hooks_are_kept_as_json),
        cmocka_unit_test(at_most_64_inline_hooks_are_allowed),
        cmocka_unit_test(depth_ends_at_16_levels_in_both_encodings),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(escapes_never_outgrow_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
