#include "admin/lane/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct lane_place place;

static void a_place_comes_back_as_it_was(void **state)
{
    static const struct lane_place places[] = {
        {0, "438/main"},
        {1667548137257, "-9223372036854775808/a"},
        {1667548137257.25, "#room:example.org/:0123456789abcdef"},
        {-17, "unreadable"},
        {INFINITY, "1/a"},
        {-INFINITY, "1/a"},
        {1e300, "1/a"},
    };
    char text[LANE_PLACE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        assert_int_equal(lane_place_parse(bytes_of(lane_place_text(&places[i], text)), &place), 0);
        assert_true(place.score == places[i].score);
        assert_string_equal(place.name, places[i].name);
    }
    assert_string_equal(lane_place_text(&places[1], text), "1667548137257:-9223372036854775808/a");
}

static void what_is_no_place_is_refused(void **state)
{
    static const char *const texts[] = {
        "",       ":",         "1",       "1:",
        ":1/a",   "x:1/a",     "nan:1/a", "1 :1/a",
        "1e:1/a", "0x1p3:1/a", "--1:1/a", "11111111111111111111111111111111111111:1/a"};
    char longest[LANE_SIZE + 8] = "1:";

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(lane_place_parse(bytes_of(texts[i]), &place), -1);
    memset(longest + 2, 'a', LANE_SIZE);
    assert_int_equal(lane_place_parse(bytes_of(longest), &place), -1);
    longest[LANE_SIZE + 1] = '\0';
    assert_int_equal(lane_place_parse(bytes_of(longest), &place), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_comes_back_as_it_was),
        cmocka_unit_test(what_is_no_place_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
