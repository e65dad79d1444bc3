#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "settings/source.h"

static struct settings_draft draft;
static struct error_text why;

static int parse(const char *text)
{
    settings_draft_init(&draft);
    return settings_file_parse(bytes_of(text), "file", &draft, &why);
}

static void test_a_section_is_a_transport(void **state)
{
    (void)state;
    assert_int_equal(parse("queue = other\n"
                           "[transport one]\n"
                           "cert = /a.pem\n"
                           "# a comment\n"
                           "key = /a.key\n"
                           "  [transport two]  \n"
                           "ca-file = /b.pem\n"
                           "proxy = https://proxy.example:3128\n"
                           "[transport three]\n"
                           "proxy =\n"),
                     0);
    assert_int_equal(draft.settings.transports_len, 3);
    const struct transport *transports = draft.settings.transports;
    assert_string_equal(transports[0].name, "one");
    assert_string_equal(transports[0].cert, "/a.pem");
    assert_string_equal(transports[0].key, "/a.key");
    assert_false(transports[0].has_proxy);
    assert_string_equal(transports[1].name, "two");
    assert_string_equal(transports[1].ca_file, "/b.pem");
    assert_string_equal(transports[1].proxy.origin, "https://proxy.example:3128");
    assert_true(transports[2].has_proxy);
    assert_string_equal(transports[2].proxy.origin, "");
    assert_string_equal(draft.settings.queue, "other");
    assert_string_equal(draft.settings.ca_file, "/etc/ssl/certs/ca-certificates.crt");
}

static void test_what_is_none_is_refused(void **state)
{
    static const char *const rows[][2] = {
        {"[", "a section"},
        {"[]", "a section is"},
        {"[transport]", "a section is"},
        {"[transport ]", "a section is"},
        {"[transport a b]", "a section is"},
        {"[transport a/b]", "a section is"},
        {"[Transport a]", "a section is"},
        {"[other a]", "a section is"},
        {"[transport none]", "file:1: no transport can have the name none: "},
        {"[transport a", "a section ends with ]"},
        {"[transport a]\n[transport a]", "file:2: transport a is given twice"},
        {"[transport a]\nqueue = other", "file:2: a transport has"},
        {"[transport a]\ncert =", "must be one path"},
        {"[transport a]\ncert = /a\ncert = /b", "file:3: must be one path"},
        {"[transport a]\nproxy = socks5://a", "proxy must be"},
        {"[transport a]\nproxy = http://user@a", "proxy must be"},
        {"[transport a]\nproxy =\nproxy =", "proxy must be"},
        {"[transport a]\nnonsense", "not \"name = value\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (parse(rows[i][0]) == 0)
            fail_msg("%s is taken", rows[i][0]);
        if (!strstr(why.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], why.text);
    }
}

static void test_there_are_so_many_at_most(void **state)
{
    char text[64 * (TRANSPORTS_MAX + 1)] = "";
    size_t len = 0;

    (void)state;
    for (int i = 0; i < TRANSPORTS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "[transport t%d]\n", i);
    assert_int_equal(parse(text), 0);
    (void)snprintf(text + len, sizeof(text) - len, "[transport more]\n");
    assert_int_equal(parse(text), -1);
    assert_non_null(strstr(why.text, "more than 16 transports"));
}

static void test_long_names_are_whole(void **state)
{
    char text[128];
    char name[RH_NAME_MAX + 1];

    (void)state;
    memset(name, 'n', RH_NAME_MAX);
    name[RH_NAME_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "[transport %s]", name);
    assert_int_equal(parse(text), 0);
    assert_string_equal(draft.settings.transports[0].name, name);
    (void)snprintf(text, sizeof(text), "[transport %sn]", name);
    assert_int_equal(parse(text), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_section_is_a_transport),
        cmocka_unit_test(test_what_is_none_is_refused),
        cmocka_unit_test(test_there_are_so_many_at_most),
        cmocka_unit_test(test_long_names_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
