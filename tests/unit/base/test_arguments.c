#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arguments.h"

static void what_is_secret_is_blanked(void **unused)
{
    char texts[][48] = {
        "--redis",
        "redis://u:hunter2@h/0",
        "--redis=rediss://:hunter2@h",
        "unix:///run/redis?password=hunter2",
        "--secret",
        "whsec_hunter2",
        "--secret=whsec_hunter2",
        "--signature=hunter2",
        "--header",
        "Authorization: hunter2",
        "--room=438",
        "--url=https://a.example/b",
        "redis+sentinel://h/m?sentinel-password=hunter2",
        "--secretary",
        "hello",
        "--signature",
    };
    const char *const left[] = {
        "--redis",
        "redis://xxxxxxxxxxxxx",
        "--redis=rediss://xxxxxxxxxx",
        "unix://xxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "--secret",
        "xxxxxxxxxxxxx",
        "--secret=xxxxxxxxxxxxx",
        "--signature=xxxxxxx",
        "--header",
        "xxxxxxxxxxxxxxxxxxxxxx",
        "--room=438",
        "--url=https://a.example/b",
        "redis+sentinel://xxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "--secretary",
        "hello",
        "--signature",
    };
    const int count = sizeof(left) / sizeof(left[0]);
    char *argv[sizeof(left) / sizeof(left[0])];

    (void)unused;
    for (int i = 0; i < count; i++)
        argv[i] = texts[i];
    struct arguments copy;
    assert_int_equal(arguments_copy(count, argv, &copy), 0);
    arguments_hide(count, argv);
    for (int i = 0; i < count; i++)
        assert_string_equal(argv[i], left[i]);
    assert_string_equal(copy.argv[1], "redis://u:hunter2@h/0");
    assert_null(copy.argv[count]);
    arguments_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_secret_is_blanked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
