#include "admin/hook/rotate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/hook.h"

#define A "\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\""
#define B "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\""
#define NOW 1667548137257
#define HOUR INT64_C(3600000)

/* A stored secret with an end; until is a text. */
#define ENDS(key, until) "{\"key\":" key ",\"until\":" until "}"

struct rotation {
    json_t *hook;
    char secret[HOOK_SECRET_TEXT_SIZE];
    int64_t until_ms;
    struct error_text why;
};

static int rotate(struct rotation *rotation, const char *secret, int64_t keep_ms)
{
    struct buffer text;
    int result;

    *rotation = (struct rotation){.until_ms = -1};
    buffer_init(&text, 4096);
    buffer_append_format(&text, "{\"url\":\"https://a.example/\",\"secret\":%s}", secret);
    rotation->hook = json_loads(text.data, 0, NULL);
    buffer_release(&text);
    assert_non_null(rotation->hook);
    result = hook_rotate(rotation->hook, NOW, keep_ms, rotation->secret, &rotation->until_ms,
                         &rotation->why);
    return result;
}

/* What is stored: the new secret first, then exactly these. "" for none: then it stands alone. */
static void assert_kept(struct rotation *rotation, const char *rest)
{
    char *text =
        json_dumps(json_object_get(rotation->hook, "secret"), JSON_COMPACT | JSON_ENCODE_ANY);
    struct buffer expected;
    struct hook *hook = NULL;
    char *whole = json_dumps(rotation->hook, JSON_COMPACT);

    buffer_init(&expected, 4096);
    if (rest[0] == '\0')
        buffer_append_format(&expected, "\"%s\"", rotation->secret);
    else
        buffer_append_format(&expected, "[\"%s\",%s]", rotation->secret, rest);
    assert_string_equal(text, expected.data);
    assert_int_equal(hook_parse(BYTES("main"), bytes_of(whole), &hook, &rotation->why), HOOK_OK);
    hook_free(hook);
    free(text);
    free(whole);
    buffer_release(&expected);
    json_decref(rotation->hook);
}

static void the_old_secret_gets_an_end(void **state)
{
    struct rotation rotation;

    (void)state;
    assert_int_equal(rotate(&rotation, A, 24 * HOUR), 0);
    assert_int_equal(strncmp(rotation.secret, "whsec_", 6), 0);
    assert_int_equal(rotation.until_ms, NOW + 24 * HOUR);
    assert_kept(&rotation, ENDS(A, "1667634537257"));
}

static void without_keeping_the_new_one_stands_alone(void **state)
{
    struct rotation rotation;

    (void)state;
    assert_int_equal(rotate(&rotation, "[" A "," B "," ENDS(A, "9999999999999") "]", 0), 0);
    assert_int_equal(rotation.until_ms, 0);
    assert_kept(&rotation, "");
}

static void what_has_ended_is_dropped(void **state)
{
    struct rotation rotation;

    (void)state;
    assert_int_equal(rotate(&rotation,
                            "[" A "," ENDS(B, "1667548137257") "," ENDS(B, "1667548137258") "]",
                            HOUR),
                     0);
    assert_int_equal(rotation.until_ms, NOW + HOUR);
    assert_kept(&rotation, ENDS(A, "1667551737257") "," ENDS(B, "1667548137258"));
}

static void an_end_is_never_put_off(void **state)
{
    struct rotation rotation;

    (void)state;
    assert_int_equal(rotate(&rotation,
                            "[" A "," ENDS(B, "1667548137300") "," ENDS(A, "1667999999999") "]",
                            HOUR),
                     0);
    assert_kept(&rotation,
                ENDS(A, "1667551737257") "," ENDS(B, "1667548137300") "," ENDS(A, "1667551737257"));
}

static void no_more_than_four_sign(void **state)
{
    struct rotation rotation;

    (void)state;
    assert_int_equal(rotate(&rotation, "[" A "," B "," A "]", HOUR), 0);
    json_decref(rotation.hook);
    assert_int_equal(rotate(&rotation, "[" A "," B "," A "," B "]", HOUR), -1);
    assert_non_null(strstr(rotation.why.text, "4 secrets"));
    assert_non_null(strstr(rotation.why.text, "--keep 0"));
    json_decref(rotation.hook);
}

static void a_hook_without_a_secret_is_refused(void **state)
{
    struct rotation rotation = {.hook = json_pack("{s:s}", "url", "https://a.example/")};

    (void)state;
    assert_int_equal(
        hook_rotate(rotation.hook, NOW, HOUR, rotation.secret, &rotation.until_ms, &rotation.why),
        -1);
    assert_non_null(strstr(rotation.why.text, "hook set --secret auto"));
    json_decref(rotation.hook);
}

/* It stays for hook_parse to complain of, which says what is wrong. */
static void what_is_no_secret_is_left_in(void **state)
{
    struct rotation rotation;
    struct hook *hook = NULL;
    char *text;

    (void)state;
    assert_int_equal(rotate(&rotation, "[" A ",7]", HOUR), 0);
    text = json_dumps(rotation.hook, 0);
    assert_int_equal(hook_parse(BYTES("main"), bytes_of(text), &hook, &rotation.why), HOOK_BAD);
    assert_non_null(strstr(rotation.why.text, "secret: "));
    free(text);
    json_decref(rotation.hook);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_old_secret_gets_an_end),
        cmocka_unit_test(without_keeping_the_new_one_stands_alone),
        cmocka_unit_test(what_has_ended_is_dropped),
        cmocka_unit_test(an_end_is_never_put_off),
        cmocka_unit_test(no_more_than_four_sign),
        cmocka_unit_test(a_hook_without_a_secret_is_refused),
        cmocka_unit_test(what_is_no_secret_is_left_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
