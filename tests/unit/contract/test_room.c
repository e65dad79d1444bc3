#include "contract/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LONGEST "abcdefghijklmnopqrstuvwxyzABCDEF0123456789._:!@#$+=~-abcdefghijk"
#define FULL LONGEST LONGEST /* 128 */

static const struct {
    const char *json;
    const char *room;
} rooms[] = {
    {"438", "438"},
    {"0", "0"},
    {"-0", "0"},
    {"-7", "-7"},
    {"9007199254740993", "9007199254740993"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"18446744073709551615", "18446744073709551615"},
    {"\"438\"", "438"},
    {"\"007\"", "007"},
    {"\"-0\"", "-0"},
    {"\"1e3\"", "1e3"},
    {"\"1.5\"", "1.5"},
    {"\"18446744073709551616\"", "18446744073709551616"},
    {"\"...\"", "..."},
    {"\"-\"", "-"},
    {"\"!OGEhHVWSdvArJzumhm:matrix.org\"", "!OGEhHVWSdvArJzumhm:matrix.org"},
    {"\"#room:example.org\"", "#room:example.org"},
    {"\"C024BE91L\"", "C024BE91L"},
    {"\"1234567890123456789\"", "1234567890123456789"},
    {"\"room@conference.example.org\"", "room@conference.example.org"},
    {"\"\\u0043\\u00302\\u00344\"", "C0244"},
    {"\"\\u003d\\u003D\\u007e\"", "==~"},
    {"\"" FULL "\"", FULL},
};

static const char *const refused[] = {
    "",
    "-",
    "1.5",
    "1.0",
    "1e3",
    "1E0",
    "007",
    "-01",
    "+1",
    " 1",
    "18446744073709551616",
    "-9223372036854775809",
    "100000000000000000000000000000000000000000",
    "null",
    "true",
    "[1]",
    "{}",
    "\"",
    "\"\"",
    "\".\"",
    "\"..\"",
    "\"\\u002e\"",
    "\"a b\"",
    "\"a/b\"",
    "\"a\\/b\"",
    "\"{a}\"",
    "\"a*\"",
    "\"a?\"",
    "\"[a]\"",
    "\"a%b\"",
    "\"a\\\\b\"",
    "\"a\\\"b\"",
    "\"a\\nb\"",
    "\"a\\u000ab\"",
    "\"a\\u0000\"",
    "\"a\\u2024\"",
    "\"a\\u00e9\"",
    "\"a\\u004\"",
    "\"a\\u004g\"",
    "\"a\\u00\"",
    "\"\\",
    "\"\\\"",
    "\"\xc3\xa9\"",
    "\"a\"b\"",
    "\"" FULL "a\"",
    "\"" FULL "\\u0061\"",
};

static void a_json_value_names_a_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        struct room_id room = {.len = 0};

        assert_int_equal(room_id_of_json(bytes_of(rooms[i].json), &room), 0);
        assert_string_equal(room.text, rooms[i].room);
        assert_int_equal(room.len, strlen(rooms[i].room));
    }
    assert_int_equal(strlen(FULL), ROOM_ID_MAX);
}

static void other_values_name_none(void **state)
{
    struct room_id room = {.len = 4, .text = "kept"};

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(room_id_of_json(bytes_of(refused[i]), &room), -1);
    assert_int_equal(room_id_of_json((struct bytes){"\"a\0\"", 4}, &room), -1);
    assert_int_equal(room_id_of_json((struct bytes){"1\0", 2}, &room), -1);
    assert_string_equal(room.text, "kept");
}

static void every_byte_is_judged(void **state)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:!@#$+=~-";
    struct room_id room;

    (void)state;
    for (int i = 0; i < 256; i++) {
        const char text[2] = {'a', (char)i};
        bool is_allowed = i != 0 && strchr(allowed, i) != NULL;

        assert_int_equal(room_id_of_text((struct bytes){text, 2}, &room), is_allowed ? 0 : -1);
    }
}

static void a_text_is_taken_as_it_is(void **state)
{
    static const char *const texts[] = {"438", "007", "-0", "-5", "C024BE91L", "!a:b.org", FULL};
    struct room_id room;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(room_id_of_text(bytes_of(texts[i]), &room), 0);
        assert_string_equal(room.text, texts[i]);
    }
    assert_int_equal(room_id_of_text(BYTES(""), &room), -1);
    assert_int_equal(room_id_of_text((struct bytes){NULL, 0}, &room), -1);
    assert_int_equal(room_id_of_text(BYTES("."), &room), -1);
    assert_int_equal(room_id_of_text(BYTES(".."), &room), -1);
    assert_int_equal(room_id_of_text(BYTES(FULL "a"), &room), -1);
}

static void integers_have_one_spelling(void **state)
{
    struct room_id room;

    (void)state;
    room_id_of_int64(INT64_MIN, &room);
    assert_string_equal(room.text, "-9223372036854775808");
    room_id_of_int64(-1, &room);
    assert_string_equal(room.text, "-1");
    room_id_of_int64(0, &room);
    assert_string_equal(room.text, "0");
    room_id_of_int64(INT64_MAX, &room);
    assert_string_equal(room.text, "9223372036854775807");
    assert_int_equal(room.len, 19);
}

static struct room_id room_of(const char *text)
{
    struct room_id room = {.len = 0};

    assert_int_equal(room_id_of_text(bytes_of(text), &room), 0);
    return room;
}

static void rooms_have_an_order(void **state)
{
    static const char *const sorted[] = {"-9223372036854775808",
                                         "-10",
                                         "-9",
                                         "0",
                                         "9",
                                         "10",
                                         "18446744073709551615",
                                         "!a:b",
                                         "-0",
                                         "-9223372036854775809",
                                         "007",
                                         "18446744073709551616",
                                         "C024BE91L",
                                         "C024BE91L.",
                                         "c"};
    const size_t len = sizeof(sorted) / sizeof(sorted[0]);

    (void)state;
    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; j < len; j++) {
            struct room_id one = room_of(sorted[i]);
            struct room_id other = room_of(sorted[j]);
            int order = room_id_compare(&one, &other);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(room_id_equal(&one, &other), i == j);
        }
    }
}

static void json_readers_keep_its_digits(void **state)
{
    static const struct {
        const char *room;
        const char *json;
    } cases[] = {
        {"0", "0"},
        {"-1", "-1"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740992", "-9007199254740992"},
        {"9007199254740993", "\"9007199254740993\""},
        {"-9223372036854775808", "\"-9223372036854775808\""},
        {"007", "\"007\""},
        {"-0", "\"-0\""},
        {"1e3", "\"1e3\""},
        {"!a:b.org", "\"!a:b.org\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct room_id room = room_of(cases[i].room);
        struct room_id again = {.len = 0};
        struct buffer json;

        buffer_init(&json, 1024);
        room_id_put_json(&json, &room);
        assert_string_equal(json.data, cases[i].json);
        assert_int_equal(room_id_of_json(buffer_bytes(&json), &again), 0);
        assert_true(room_id_equal(&room, &again));
        buffer_release(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_value_names_a_room),    cmocka_unit_test(other_values_name_none),
        cmocka_unit_test(every_byte_is_judged),         cmocka_unit_test(a_text_is_taken_as_it_is),
        cmocka_unit_test(integers_have_one_spelling),   cmocka_unit_test(rooms_have_an_order),
        cmocka_unit_test(json_readers_keep_its_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
