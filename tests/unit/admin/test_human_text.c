#include "admin/human_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static void ages_are_in_the_unit_that_suits(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0.0s"},        {12345, "12.3s"},  {59949, "59.9s"},
        {60000, "1m"},      {3599999, "59m"},  {3600000, "1h"},
        {172799999, "47h"}, {172800000, "2d"}, {INT64_MAX, "106751991167d"},
    };
    char out[HUMAN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(human_age(cases[i].ms, out), cases[i].text);
}

static void times_are_told_from_now(void **state)
{
    const int64_t now = 1667548137257;
    const struct {
        int64_t at_ms;
        const char *text;
    } cases[] = {
        {0, ""},
        {-1, ""},
        {now, "now"},
        {now - 999, "now"},
        {now + 999, "now"},
        {now - 1000, "1s ago"},
        {now - 59999, "59s ago"},
        {now - 180000, "3m ago"},
        {now - 7200000, "2h ago"},
        {now - INT64_C(259200000), "3d ago"},
        {1, "19300d ago"},
        {now + 12345, "in 12s"},
        {now + 3600000, "in 1h"},
        {INT64_MAX, "in 106751971866d"},
    };
    char out[HUMAN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(human_when(cases[i].at_ms, now, out), cases[i].text);
}

static void sizes_are_in_the_unit_that_suits(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KB"},
        {1536, "1.5 KB"},
        {INT64_C(20) << 20, "20.0 MB"},
        {INT64_C(3) << 30, "3.0 GB"},
        {INT64_C(3) << 40, "3072.0 GB"},
        {INT64_MAX, "8589934592.0 GB"},
    };
    char out[HUMAN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(human_size(cases[i].bytes, out), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_are_in_the_unit_that_suits),
        cmocka_unit_test(times_are_told_from_now),
        cmocka_unit_test(sizes_are_in_the_unit_that_suits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
