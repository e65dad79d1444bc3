#include "admin/dead/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define NOW_MS INT64_C(1667548137257) /* 2022-11-04T07:48:57.257Z */

static const struct flag_spec specs[] = {
    DEAD_FILTER_SPECS,
    {NULL, NULL, NULL, false},
};

/* The filter that these flags, parted by spaces, give. */
static int read(const char *line, struct dead_filter *ret_filter, struct error_text *why)
{
    static char text[256];
    static char *argv[16];
    struct flags flags = {0};
    int argc = 0;

    assert_true(strlen(line) < sizeof(text));
    memcpy(text, line, strlen(line) + 1);
    for (char *at = text; at && *at;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = '\0';
    }
    assert_int_equal(flags_parse(&flags, specs, NULL, argc, argv, why), 0);
    assert_int_equal(dead_filter_given(&flags), argc > 0);
    return dead_filter_read(ret_filter, &flags, NOW_MS, why);
}

static bool matches(const struct dead_filter *filter, const char *room, const char *hook,
                    const char *reason)
{
    return dead_filter_matches(filter, bytes_of(room), bytes_of(hook), bytes_of(reason));
}

static void no_flags_match_all(void **state)
{
    struct dead_filter filter;
    struct error_text why;

    (void)state;
    assert_int_equal(read("", &filter, &why), 0);
    assert_true(matches(&filter, "438", "main", "gone"));
    assert_true(matches(&filter, NULL, NULL, NULL));
    assert_int_equal(filter.since_ms, 0);
    assert_int_equal(filter.before_ms, DEAD_NO_END);
}

static void every_flag_narrows(void **state)
{
    struct dead_filter filter;
    struct error_text why;

    (void)state;
    assert_int_equal(read("--room=438 --hook=main --reason=hook-removed", &filter, &why), 0);
    assert_true(matches(&filter, "438", "main", "hook-removed"));
    assert_false(matches(&filter, "43", "main", "hook-removed"));
    assert_false(matches(&filter, NULL, "main", "hook-removed"));
    assert_false(matches(&filter, "438", "mai", "hook-removed"));
    assert_false(matches(&filter, "438", NULL, "hook-removed"));
    assert_false(matches(&filter, "438", "main", "hook-disabled"));
    assert_false(matches(&filter, "438", "main", NULL));
}

static void room_0_is_a_room(void **state)
{
    struct dead_filter filter;
    struct error_text why;

    (void)state;
    assert_int_equal(read("--room=0", &filter, &why), 0);
    assert_true(matches(&filter, "0", NULL, NULL));
    assert_false(matches(&filter, "1", NULL, NULL));
    assert_false(matches(&filter, NULL, NULL, NULL));
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *flags;
        const char *why; /* the beginning */
    } rows[] = {
        {"--room=x/y", "--room is x/y: give " ROOM_ID_ALLOWED},
        {"--hook=a/b", "--hook is a/b: give 1 to 64 characters of [A-Za-z0-9_-]"},
        {"--reason=sad", "--reason is sad: give one of exhausted expired"},
        {"--since=yesterday", "--since is yesterday: give an age up to 3650d, like 2h, or a UTC "
                              "time like 2022-11-04T08:28:57Z"},
        {"--before=30", "--before is 30: give an age up to 3650d"},
        {"--before=3651d", "--before is 3651d: give an age up to 3650d"},
        {"--before=\x1b[31m", "--before is ?[31m: give an age"},
        {"--since=2h --before=30d", "--since 2h (2022-11-04T05:48:57.257Z) is not earlier than "
                                    "--before 30d (2022-10-05T07:48:57.257Z)"},
        {"--since=2h --before=2h", "--since 2h (2022-11-04T05:48:57.257Z) is not earlier than "},
        {"--since=2022-11-05 --before=2022-11-04T08:00", "--since 2022-11-05 ("},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dead_filter filter;
        struct error_text why;

        assert_int_equal(read(rows[i].flags, &filter, &why), -1);
        assert_memory_equal(why.text, rows[i].why, strlen(rows[i].why));
    }
}

static void since_and_before_bound_a_range(void **state)
{
    struct dead_filter filter;
    struct error_text why;

    (void)state;
    assert_int_equal(read("--before=30d --since=60d", &filter, &why), 0);
    assert_int_equal(filter.since_ms, NOW_MS - INT64_C(60) * 86400000);
    assert_int_equal(filter.before_ms, NOW_MS - INT64_C(30) * 86400000);
    assert_int_equal(read("--since=2022-11-03 --before=2022-11-04", &filter, &why), 0);
    assert_int_equal(filter.since_ms, INT64_C(1667433600000));
    assert_int_equal(filter.before_ms, INT64_C(1667520000000));
    assert_int_equal(read("--before=1970-01-01", &filter, &why), 0);
    assert_int_equal(filter.before_ms, 0);
}

static void a_bound_is_an_age_or_a_time(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"2h", NOW_MS - 7200000},
        {"0", NOW_MS},
        {"3650d", NOW_MS - INT64_C(3650) * 86400000},
        {"2022-11-04T07:48:57.257Z", NOW_MS},
        {"2022-11-04T07:48:57.257", NOW_MS},
        {"2022-11-04T07:48:57.2", NOW_MS - 57},
        {"2022-11-04T07:48:57.257999Z", NOW_MS},
        {"2022-11-04T07:48:57Z", NOW_MS - 257},
        {"2022-11-04T07:48", NOW_MS - 57257},
        {"2022-11-04", INT64_C(1667520000000)},
        {"1970-01-01", 0},
        {"2024-02-29", INT64_C(1709164800000)},
        {"2023-02-29", -1},
        {"2022-04-31", -1},
        {"2022-13-01", -1},
        {"2022-00-01", -1},
        {"2022-11-00", -1},
        {"2022-11-04T24:00", -1},
        {"2022-11-04T07:60", -1},
        {"2022-11-04T07:48:60", -1},
        {"2022-11-04T07", -1},
        {"2022-11-04T", -1},
        {"2022-11-04T07:48:57.", -1},
        {"2022-11-04T07:48:57+01:00", -1},
        {"2022-11-04 07:48", -1},
        {"2022-1-4", -1},
        {"2022-+1-04", -1},
        {"", -1},
        {"-2h", -1},
        {"2", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;

        assert_int_equal(dead_time_parse(bytes_of(rows[i].text), NOW_MS, &ms),
                         rows[i].ms < 0 ? -1 : 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void an_age_before_1970_is_everything(void **state)
{
    int64_t ms = -1;

    (void)state;
    assert_int_equal(dead_time_parse(bytes_of("2h"), 1000, &ms), 0);
    assert_int_equal(ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_flags_match_all),
        cmocka_unit_test(every_flag_narrows),
        cmocka_unit_test(room_0_is_a_room),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(since_and_before_bound_a_range),
        cmocka_unit_test(a_bound_is_an_age_or_a_time),
        cmocka_unit_test(an_age_before_1970_is_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
