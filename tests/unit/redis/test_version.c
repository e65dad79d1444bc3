#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "redis/version.h"
#include "reply_of.h"

static void versions_grow(void **unused)
{
    static const char *const versions[] = {"6.2.19", "7.0.4", "7.0.5", "7.0.15", "7.2.0", "8.10.1"};

    (void)unused;
    assert_int_equal(redis_version_number(BYTES("7.0.15")), 7000015);
    for (size_t i = 1; i < sizeof(versions) / sizeof(versions[0]); i++)
        assert_true(redis_version_number(bytes_of(versions[i - 1])) <
                    redis_version_number(bytes_of(versions[i])));
}

static void what_is_no_version_has_no_number(void **unused)
{
    static const char *const texts[] = {"",          "7",    "7.0",    "7.0.",     "7.0.x",
                                        "7.0.5-rc1", "7..5", "-7.0.5", "7.0.1000", "7.0.5 "};

    (void)unused;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(redis_version_number(bytes_of(texts[i])), REDIS_VERSION_UNKNOWN);
}

static bool is_too_old(const char *bytes, struct error_text *why)
{
    struct reply *reply = reply_of(bytes);
    bool old = redis_version_is_too_old(reply, why);

    reply_free(reply);
    return old;
}

/* The words are those of Redis 6.0 and 6.2. */
static void an_old_redis_is_named(void **unused)
{
    static const char *const old[] = {
        "$5\r\n7.0.4\r\n",
        "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'\r\n",
    };
    struct error_text why;

    (void)unused;
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        why.text[0] = '\0';
        assert_true(is_too_old(old[i], &why));
        assert_non_null(strstr(why.text, "Redis 7.0.5 or later is needed"));
        assert_non_null(strstr(why.text, i == 0 ? "is 7.0.4" : "unexpected symbol"));
    }
}

static void others_are_not(void **unused)
{
    static const char *const others[] = {
        "$5\r\n7.0.5\r\n", "$11\r\n255.255.255\r\n",     "$0\r\n\r\n",    "$-1\r\n",
        ":1\r\n",          "-NOPERM no permissions\r\n", "-ERR Error\r\n"};
    struct error_text why;

    (void)unused;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(is_too_old(others[i], &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_grow),
        cmocka_unit_test(what_is_no_version_has_no_number),
        cmocka_unit_test(an_old_redis_is_named),
        cmocka_unit_test(others_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
