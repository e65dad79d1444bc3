#include "contract/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static struct hook hook = {.id = "main", .fingerprint = "0ecbac1bbee71e56"};

static void a_lane_is_a_room_and_a_hook(void **state)
{
    char lane[LANE_SIZE];
    char id[RH_NAME_MAX + 1] = "";

    (void)state;
    assert_string_equal(lane_of(438, "main", lane), "438/main");
    memset(id, 'i', RH_NAME_MAX);
    assert_int_equal(strlen(lane_of(INT64_MIN, id, lane)), LANE_SIZE - 1);
}

static void an_inline_hook_is_known_by_room_and_fingerprint(void **state)
{
    char lane[LANE_SIZE];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    int64_t room = 438;

    (void)state;
    assert_string_equal(lane_of_inline(&hook, &room, lane), "438/:0ecbac1bbee71e56");
    assert_string_equal(lane_of_inline(&hook, NULL, lane), "/:0ecbac1bbee71e56");
    room = INT64_MIN;
    assert_string_equal(lane_of_inline(&hook, &room, lane),
                        "-9223372036854775808/:0ecbac1bbee71e56");
    assert_string_equal(lane_fingerprint(&hook, fingerprint), "0ecbac1b");
}

static void lanes_are_split(void **state)
{
    struct lane_parts parts;

    (void)state;
    assert_int_equal(lane_split(BYTES("-7/audit"), &parts), 0);
    assert_true(parts.has_room && parts.room_id == -7 && !parts.is_inline);
    assert_string_equal(parts.hook_id, "audit");
    assert_int_equal(lane_split(BYTES("-7/:0ecbac1bbee71e56"), &parts), 0);
    assert_true(parts.has_room && parts.is_inline);
    assert_int_equal(lane_split(BYTES("/:0ecbac1bbee71e56"), &parts), 0);
    assert_true(!parts.has_room && parts.is_inline);
}

static void other_texts_are_no_lanes(void **state)
{
    static const char *const texts[] = {"",       "/",          "438",      "438/",
                                        "/main",  "x/main",     "438/a b",  "438/main/0123abcd",
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_a_room_and_a_hook),
        cmocka_unit_test(an_inline_hook_is_known_by_room_and_fingerprint),
        cmocka_unit_test(lanes_are_split),
        cmocka_unit_test(other_texts_are_no_lanes),
        cmocka_unit_test(deliveries_are_in_the_order_of_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
