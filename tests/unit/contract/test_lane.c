#include "contract/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "room_of.h"

static struct hook hook = {.id = "main", .fingerprint = "0ecbac1bbee71e56"};

static void a_lane_is_a_room_and_a_hook(void **state)
{
    char lane[LANE_SIZE];
    char id[RH_NAME_MAX + 1] = "";
    struct room_id longest = {.len = ROOM_ID_MAX};

    (void)state;
    assert_string_equal(lane_of(&ROOM_OF("438"), "main", lane), "438/main");
    memset(id, 'i', RH_NAME_MAX);
    memset(longest.text, 'r', ROOM_ID_MAX);
    assert_int_equal(strlen(lane_of(&longest, id, lane)), LANE_SIZE - 1);
    assert_string_equal(lane_of(&ROOM_OF("-9223372036854775808"), "m", lane),
                        "-9223372036854775808/m");
    assert_string_equal(lane_of(&ROOM_OF("!a:b.org"), "m", lane), "!a:b.org/m");
}

static void an_inline_hook_is_known_by_room_and_fingerprint(void **state)
{
    char lane[LANE_SIZE];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];

    (void)state;
    assert_string_equal(lane_of_inline(&hook, &ROOM_OF("438"), lane), "438/:0ecbac1bbee71e56");
    assert_string_equal(lane_of_inline(&hook, &(struct room_id){.len = 0}, lane),
                        "/:0ecbac1bbee71e56");
    assert_string_equal(lane_of_inline(&hook, &ROOM_OF(":a:"), lane), ":a:/:0ecbac1bbee71e56");
    assert_string_equal(lane_fingerprint(&hook, fingerprint), "0ecbac1b");
}

static void lanes_are_split(void **state)
{
    struct lane_parts parts;

    (void)state;
    assert_int_equal(lane_split(BYTES("-7/audit"), &parts), 0);
    assert_string_equal(parts.room.text, "-7");
    assert_false(parts.is_inline);
    assert_string_equal(parts.hook_id, "audit");
    assert_int_equal(lane_split(BYTES("-7/:0ecbac1bbee71e56"), &parts), 0);
    assert_string_equal(parts.room.text, "-7");
    assert_true(parts.is_inline);
    assert_int_equal(lane_split(BYTES(":0ecbac1bbee71e56/main"), &parts), 0);
    assert_string_equal(parts.room.text, ":0ecbac1bbee71e56");
    assert_string_equal(parts.hook_id, "main");
    assert_false(parts.is_inline);
    assert_int_equal(lane_split(BYTES("!a:b.org/:0ecbac1bbee71e56"), &parts), 0);
    assert_string_equal(parts.room.text, "!a:b.org");
    assert_true(parts.is_inline);
    assert_int_equal(lane_split(BYTES("/:0ecbac1bbee71e56"), &parts), 0);
    assert_int_equal(parts.room.len, 0);
    assert_true(parts.is_inline);
}

static void other_texts_are_no_lanes(void **state)
{
    static const char *const texts[] = {"",       "/",          "438",      "438/",
                                        "/main",  "../main",    "438/a b",  "438/main/0123abcd",
                                        "unread", "438 1/main", "438/a\x1b"};
    struct lane_parts parts;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(lane_split(bytes_of(texts[i]), &parts), -1);
}

static void deliveries_are_in_the_order_of_the_stream(void **state)
{
    char stream[LANE_STREAM_SIZE];
    char id[DELIVERY_ID_SIZE];
    char stream_id[RH_STREAM_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1];

    (void)state;
    lane_stream(1667548137, 7, stream);
    assert_string_equal(delivery_id(stream, "main", id), "0001667548137-000007/main");
    assert_int_equal(delivery_split(bytes_of(id), stream_id, hook_id), 0);
    assert_string_equal(stream_id, "1667548137-7");
    assert_string_equal(hook_id, "main");
    assert_int_equal(delivery_split(BYTES("1-/main"), stream_id, hook_id), -1);
    assert_int_equal(delivery_split(BYTES("1-1"), stream_id, hook_id), -1);
}

static void a_stream_is_padded_and_never_cut(void **state)
{
    char stream[LANE_STREAM_SIZE];

    (void)state;
    assert_string_equal(lane_stream(0, 0, stream), "0000000000000-000000");
    assert_string_equal(lane_stream(1667548137257, 1000000, stream), "1667548137257-1000000");
    assert_string_equal(lane_stream(UINT64_MAX, UINT64_MAX, stream),
                        "18446744073709551615-18446744073709551615");
}

/* Up to sequence number 999,999. */
static void order_of_the_text_is_that_of_the_stream(void **state)
{
    static const struct {
        uint64_t ms, seq;
    } rows[] = {
        {0, 1},
        {1, 0},
        {9, 999999},
        {10, 0},
        {99, 10},
        {1667548137, 9},
        {1667548137257, 0},
        {1667548137257, 9},
        {1667548137257, 10},
        {1667548137257, 99999},
        {1667548137257, 100000},
        {1667548137257, 999999},
        {1667548137258, 0},
        {9999999999999, 0},
    };
    char before[DELIVERY_ID_SIZE] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char stream[LANE_STREAM_SIZE];
        char id[DELIVERY_ID_SIZE];

        /* The hook's id does not change it. */
        delivery_id(lane_stream(rows[i].ms, rows[i].seq, stream), i % 2 == 0 ? "z" : "-", id);
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof(before));
    }
}

static void longest_delivery_fits_and_comes_back(void **state)
{
    char stream[LANE_STREAM_SIZE];
    char id[DELIVERY_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1] = "";
    char stream_id[RH_STREAM_ID_SIZE];
    char back[RH_NAME_MAX + 1];

    (void)state;
    memset(hook_id, 'h', RH_NAME_MAX);
    lane_stream(UINT64_MAX, UINT64_MAX, stream);
    assert_string_equal(stream, "18446744073709551615-18446744073709551615");
    delivery_id(stream, hook_id, id);
    assert_int_equal(strlen(id), DELIVERY_ID_SIZE - 1);
    assert_int_equal(delivery_split(bytes_of(id), stream_id, back), 0);
    assert_string_equal(stream_id, stream);
    assert_string_equal(back, hook_id);
}

static void other_texts_are_no_deliveries(void **state)
{
    static const char *const texts[] = {
        "",        "/",        "1-1",      "1-1/",       "/main",
        "1/main",  "-/main",   "1-/main",  "-1/main",    "1-1/a b",
        "1-1/a/b", "x-1/main", "1-x/main", "1-1-1/main", "18446744073709551616-1/main"};
    char stream_id[RH_STREAM_ID_SIZE] = "untouched";
    char hook_id[RH_NAME_MAX + 1] = "untouched";

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(delivery_split(bytes_of(texts[i]), stream_id, hook_id), -1);
        assert_string_equal(stream_id, "untouched");
        assert_string_equal(hook_id, "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_a_room_and_a_hook),
        cmocka_unit_test(an_inline_hook_is_known_by_room_and_fingerprint),
        cmocka_unit_test(lanes_are_split),
        cmocka_unit_test(other_texts_are_no_lanes),
        cmocka_unit_test(deliveries_are_in_the_order_of_the_stream),
        cmocka_unit_test(a_stream_is_padded_and_never_cut),
        cmocka_unit_test(order_of_the_text_is_that_of_the_stream),
        cmocka_unit_test(longest_delivery_fits_and_comes_back),
        cmocka_unit_test(other_texts_are_no_deliveries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
