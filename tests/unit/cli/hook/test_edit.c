#include "cli/hook/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/hook.h"

#define OLD_SECRET "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"

struct edit {
    json_t *hook;
    int result;
    char secret[HOOK_SECRET_TEXT_SIZE];
    struct error_text why;
};

/* Edits the JSON text old ("{}": a new hook) by words, which end with NULL. */
static void edit(struct edit *edit, const char *old, const char *const *words)
{
    static char *argv[16];
    struct flags flags = {0};
    int argc = 0;

    for (; words[argc]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    assert_int_equal(flags_parse(&flags, hook_edit_specs, NULL, argc, argv, &edit->why), 0);
    edit->hook = json_loads(old, 0, NULL);
    assert_non_null(edit->hook);
    edit->result = hook_edit(edit->hook, &flags, edit->secret, &edit->why);
}

static void assert_json(const struct edit *edit, const char *expected)
{
    char *text = json_dumps(edit->hook, JSON_COMPACT);

    assert_int_equal(edit->result, 0);
    assert_string_equal(text, expected);
    free(text);
    json_decref(edit->hook);
}

static const char *text_of(const struct edit *edit, const char *key)
{
    return json_string_value(json_object_get(edit->hook, key));
}

static void a_new_hook_gets_a_signature(void **state)
{
    struct edit made;

    (void)state;
    edit(&made, "{}", (const char *const[]){"--url=https://a.example/", NULL});
    assert_int_equal(made.result, 0);
    assert_int_equal(json_object_size(made.hook), 2);
    assert_string_equal(text_of(&made, "url"), "https://a.example/");
    assert_int_equal(strlen(text_of(&made, "verificationSignature")), 16);
    assert_string_equal(made.secret, "");
    json_decref(made.hook);
}

static void a_new_hook_may_go_without(void **state)
{
    struct edit made;

    (void)state;
    edit(&made, "{}", (const char *const[]){"--url=https://a.example/", "--signature=none", NULL});
    assert_json(&made, "{\"url\":\"https://a.example/\"}");
}

static void a_new_hook_needs_a_url(void **state)
{
    struct edit made;

    (void)state;
    edit(&made, "{}", (const char *const[]){"--format=bare", NULL});
    assert_int_equal(made.result, -1);
    assert_string_equal(made.why.text, "--url is required for a new hook");
    json_decref(made.hook);
}

static void what_is_not_given_stays(void **state)
{
    static const char old[] = "{\"url\":\"https://a.example/\",\"verificationSignature\":\"s\","
                              "\"secret\":\"" OLD_SECRET "\",\"enabled\":false,\"x\":1}";
    struct edit changed;

    (void)state;
    edit(&changed, old, (const char *const[]){"--format=bare", NULL});
    assert_json(&changed,
                "{\"url\":\"https://a.example/\",\"verificationSignature\":\"s\","
                "\"secret\":\"" OLD_SECRET "\",\"enabled\":false,\"x\":1,\"format\":\"bare\"}");
}

static void none_takes_away(void **state)
{
    static const char old[] = "{\"url\":\"https://a.example/\",\"verificationSignature\":\"s\","
                              "\"secret\":\"" OLD_SECRET "\",\"format\":\"bare\","
                              "\"maxAge\":\"1h\",\"timeout\":\"5s\",\"rateLimit\":\"1/s\","
                              "\"acceptStatus\":[302],\"types\":[\"a\"],\"description\":\"d\"}";
    struct edit changed;

    (void)state;
    edit(&changed, old,
         (const char *const[]){"--signature=none", "--secret=none", "--format=none",
                               "--max-age=none", "--timeout=none", "--rate-limit=none",
                               "--accept-status=none", "--types=none", "--description=none", NULL});
    assert_json(&changed, "{\"url\":\"https://a.example/\"}");
}

static void a_made_secret_is_told_and_comes_first(void **state)
{
    struct edit changed;
    struct hook_secret key;
    struct error_text why;

    (void)state;
    edit(&changed, "{\"url\":\"https://a.example/\",\"secret\":\"" OLD_SECRET "\"}",
         (const char *const[]){"--secret=auto", "--secret=" OLD_SECRET, NULL});
    assert_int_equal(changed.result, 0);
    json_t *secrets = json_object_get(changed.hook, "secret");
    assert_int_equal(json_array_size(secrets), 2);
    assert_string_equal(json_string_value(json_array_get(secrets, 0)), changed.secret);
    assert_string_equal(json_string_value(json_array_get(secrets, 1)), OLD_SECRET);
    assert_int_equal(hook_secret_parse(bytes_of(changed.secret), &key, &why), 0);
    json_decref(changed.hook);
}

static void one_secret_is_text_not_a_list(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"https://a.example/\"}",
         (const char *const[]){"--secret=" OLD_SECRET, NULL});
    assert_json(&changed, "{\"url\":\"https://a.example/\",\"secret\":\"" OLD_SECRET "\"}");
    assert_string_equal(changed.secret, "");
}

static void two_made_secrets_are_refused(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"https://a.example/\"}",
         (const char *const[]){"--secret=auto", "--secret=auto", NULL});
    assert_int_equal(changed.result, -1);
    json_decref(changed.hook);
}

static void headers_are_set_one_by_one(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"u\",\"headers\":{\"X-A\":\"1\",\"X-B\":\"2\"}}",
         (const char *const[]){"--header=x-a:  3 ", "--header=X-B:", "--header=X-C:\t4:5", NULL});
    assert_json(&changed, "{\"url\":\"u\",\"headers\":{\"x-a\":\"3\",\"X-C\":\"4:5\"}}");
    edit(&changed, "{\"url\":\"u\",\"headers\":{\"X-A\":\"1\"}}",
         (const char *const[]){"--header=X-A:", NULL});
    assert_json(&changed, "{\"url\":\"u\"}");
}

static void bad_headers_are_refused(void **state)
{
    static const char *const rows[] = {"--header=X-A", "--header=Host: a", "--header=X A: b",
                                       "--header=: b", "--header=X-A: a\nb"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct edit changed;

        edit(&changed, "{\"url\":\"u\"}", (const char *const[]){rows[i], NULL});
        assert_int_equal(changed.result, -1);
        json_decref(changed.hook);
    }
}

/* What is not as it must be is refused when all of the hook is checked. */
static void lists_are_separated_by_commas(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"u\"}",
         (const char *const[]){"--accept-status=302,,x 3,-1", "--types=message.*,a, b,", NULL});
    assert_json(&changed, "{\"url\":\"u\",\"types\":[\"message.*\",\"a\",\" b\",\"\"],"
                          "\"acceptStatus\":[302,\"\",\"x 3\",-1]}");
    edit(&changed, "{\"url\":\"u\"}", (const char *const[]){"--types=a,\xff", NULL});
    assert_int_equal(changed.result, -1);
    assert_string_equal(changed.why.text, "types is not UTF-8, or out of memory");
    json_decref(changed.hook);
}

static void a_template_and_a_format_take_each_other_away(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"u\",\"format\":\"bare\"}",
         (const char *const[]){"--template= {\"a\": \"{{type}}\"}", NULL});
    assert_json(&changed, "{\"url\":\"u\",\"template\":{\"a\":\"{{type}}\"}}");
    edit(&changed, "{\"url\":\"u\",\"template\":{\"a\":\"x\"}}",
         (const char *const[]){"--format=slack", NULL});
    assert_json(&changed, "{\"url\":\"u\",\"format\":\"slack\"}");
    edit(&changed, "{\"url\":\"u\",\"template\":{\"a\":\"x\"}}",
         (const char *const[]){"--template=none", NULL});
    assert_json(&changed, "{\"url\":\"u\"}");
}

static void a_template_comes_from_a_file_too(void **state)
{
    static const struct {
        const char *content;
        const char *why; /* NULL: it is taken */
    } rows[] = {
        {"\n [ \"{{type}}\" ]\n", NULL},
        {"\"text\"", "--template: line 1"},
        {"", "--template: "},
    };
    char name[] = "/tmp/test-edit-XXXXXX";
    char flag[64];
    int fd = mkstemp(name);

    (void)state;
    assert_true(fd >= 0);
    (void)snprintf(flag, sizeof(flag), "--template=%s", name);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct edit changed;

        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, rows[i].content, strlen(rows[i].content), 0),
                         strlen(rows[i].content));
        edit(&changed, "{\"url\":\"u\"}", (const char *const[]){flag, NULL});
        if (!rows[i].why) {
            assert_json(&changed, "{\"url\":\"u\",\"template\":[\"{{type}}\"]}");
            continue;
        }
        assert_int_equal(changed.result, -1);
        assert_non_null(strstr(changed.why.text, rows[i].why));
        json_decref(changed.hook);
    }
    assert_int_equal(ftruncate(fd, HOOK_JSON_MAX + 1), 0);
    struct edit changed;
    edit(&changed, "{\"url\":\"u\"}", (const char *const[]){flag, NULL});
    assert_int_equal(changed.result, -1);
    assert_string_equal(changed.why.text, "--template: the file has more than 65536 bytes");
    json_decref(changed.hook);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(name), 0);
    edit(&changed, "{\"url\":\"u\"}", (const char *const[]){flag, NULL});
    assert_int_equal(changed.result, -1);
    assert_non_null(strstr(changed.why.text, "no file that can be read: No such file"));
    json_decref(changed.hook);
}

static void bad_templates_are_named(void **state)
{
    static const struct {
        const char *flags[3];
        const char *why;
    } rows[] = {
        {{"--template={\"a\":", NULL}, "--template: line 1"},
        {{"--template=[]", "--format=bare", NULL}, "give --format or --template"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct edit changed;

        edit(&changed, "{\"url\":\"u\"}", rows[i].flags);
        assert_int_equal(changed.result, -1);
        assert_non_null(strstr(changed.why.text, rows[i].why));
        json_decref(changed.hook);
    }
}

static void descriptions_are_text(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"u\"}", (const char *const[]){"--description=a, b", NULL});
    assert_json(&changed, "{\"url\":\"u\",\"description\":\"a, b\"}");
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    struct edit changed;

    (void)state;
    edit(&changed, "{\"url\":\"u\"}", (const char *const[]){"--format=\xff", NULL});
    assert_int_equal(changed.result, -1);
    json_decref(changed.hook);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_hook_gets_a_signature),
        cmocka_unit_test(a_new_hook_may_go_without),
        cmocka_unit_test(a_new_hook_needs_a_url),
        cmocka_unit_test(what_is_not_given_stays),
        cmocka_unit_test(none_takes_away),
        cmocka_unit_test(a_made_secret_is_told_and_comes_first),
        cmocka_unit_test(one_secret_is_text_not_a_list),
        cmocka_unit_test(two_made_secrets_are_refused),
        cmocka_unit_test(headers_are_set_one_by_one),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(lists_are_separated_by_commas),
        cmocka_unit_test(a_template_and_a_format_take_each_other_away),
        cmocka_unit_test(a_template_comes_from_a_file_too),
        cmocka_unit_test(bad_templates_are_named),
        cmocka_unit_test(descriptions_are_text),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
