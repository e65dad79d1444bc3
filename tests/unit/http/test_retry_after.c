#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/retry_after.h"

#define NOW 784111717 /* Sun, 06 Nov 1994 08:48:37 GMT */
#define MAX_S (366 * 86400)

static void expect(const char *value, int64_t seconds)
{
    int64_t got = retry_after_ms(value, NOW);

    if (got != seconds * 1000)
        fail_msg("\"%s\" is %lld ms, not %lld s", value, (long long)got, (long long)seconds);
}

static void test_takes_seconds(void **state)
{
    (void)state;
    expect("0", 0);
    expect("1", 1);
    expect("000060", 60);
    expect("120", 120);
    expect("99999999", MAX_S);
    expect("18446744073709551616", MAX_S);
}

static void test_takes_the_three_forms_of_dates(void **state)
{
    (void)state;
    expect("Sun, 06 Nov 1994 08:49:37 GMT", 60);
    expect("Sunday, 06-Nov-94 08:49:37 GMT", 60);
    expect("Sun Nov  6 08:49:37 1994", 60);
    expect("Sun Nov 06 08:49:37 1994", 60);
    expect("Mon Nov 14 08:48:37 1994", 8 * 86400);
    expect("Sat, 31 Dec 1994 23:59:60 GMT", 55 * 86400 + 15 * 3600 + 11 * 60 + 23);
    expect("Mon, 29 Feb 2096 00:00:00 GMT", MAX_S);
    expect("Sun, 06 Nov 1994 08:48:37 GMT", 0); /* now */
    expect("Sun, 06 Nov 1994 08:48:36 GMT", 0);
    expect("Thu, 01 Jan 1970 00:00:00 GMT", 0);
}

static void test_places_short_years_within_fifty_years(void **state)
{
    (void)state;
    expect("Sunday, 06-Nov-44 08:49:37 GMT", MAX_S); /* 2044 */
    expect("Sunday, 06-Nov-45 08:49:37 GMT", 0);     /* 1945 */
    expect("Sunday, 06-Nov-93 08:49:37 GMT", 0);
}

static void test_anything_else_is_none(void **state)
{
    static const char *const values[] = {
        "",
        "-5",
        "+5",
        " 5",
        "5 ",
        "0x10",
        "1e3",
        "299.997",
        "5, 10",
        "5;10",
        "5s",
        "soon",
        "2099-11-06T08:49:37Z",
        "2099-11-06 08:49:37",
        "Sun, 06 Nov 2099 08:49:37",
        "Sun, 06 Nov 2099 08:49:37 UTC",
        "Sun, 06 Nov 2099 08:49:37 +0000",
        "Sun, 06 Nov 2099 08:49:37 GMT+1",
        "Sun, 06 Nov 2099 08:49:37 gmt",
        "sun, 06 nov 2099 08:49:37 GMT",
        "Sun, 6 Nov 2099 08:49:37 GMT",
        "Sun,  06 Nov 2099 08:49:37 GMT",
        "Sunday, 06 Nov 2099 08:49:37 GMT",
        "Sun, 06 November 2099 08:49:37 GMT",
        "Sun, 06 Nov 99 08:49:37 GMT",
        "06 Nov 2099 08:49:37 GMT",
        "Sun, 06-Nov-99 08:49:37 GMT",
        "Sunday, 06-Nov-2099 08:49:37 GMT",
        "Sun Nov 6 08:49:37 2099",
        "Sun Nov 6  08:49:37 2099",
        "Sun Nov  06 08:49:37 2099",
        "Sun Nov 00 08:49:37 2099",
        "Sun Nov  6 08:49:37 2099 GMT",
        "Sun, 06 Nov 2099 24:00:00 GMT",
        "Sun, 06 Nov 2099 08:60:00 GMT",
        "Sun, 06 Nov 2099 08:49:61 GMT",
        "Mon, 30 Feb 2099 08:49:37 GMT",
        "Mon, 31 Apr 2099 08:49:37 GMT",
        "Thu, 99 Foo 2099 99:99:99 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        expect(values[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_seconds),
        cmocka_unit_test(test_takes_the_three_forms_of_dates),
        cmocka_unit_test(test_places_short_years_within_fifty_years),
        cmocka_unit_test(test_anything_else_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
