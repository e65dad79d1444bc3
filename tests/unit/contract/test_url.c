#include "contract/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void accepted_urls_have_one_origin(void **state)
{
    static const struct {
        const char *text;
        const char *origin;
    } rows[] = {
        {"https://example.com", "https://example.com:443"},
        {"http://example.com", "http://example.com:80"},
        {"https://example.com/", "https://example.com:443"},
        {"https://example.com?q=1", "https://example.com:443"},
        {"https://example.com:8443/a/b?c=d&e", "https://example.com:8443"},
        {"http://example.com:1", "http://example.com:1"},
        {"http://example.com:65535/", "http://example.com:65535"},
        {"HTTPS://Example.COM:443/Path", "https://example.com:443"},
        {"Http://a", "http://a:80"},
        {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443"},
        {"https://a_b.example-1.com/", "https://a_b.example-1.com:443"},
        {"https://a-.b/", "https://a-.b:443"},
        {"https://host/%2e%2e/%00?a=b@c:d", "https://host:443"},
        {"https://host/a@b:c", "https://host:443"},
        {"https://host?x@y", "https://host:443"},
        {"https://host/[x]{y}|z~^`\"<>", "https://host:443"},
        {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
        /* One address is one origin; whether it is allowed the address guard judges. */
        {"http://127.1/", "http://127.0.0.1:80"},
        {"http://0x7f.1/", "http://127.0.0.1:80"},
        {"http://0X7F.1:81/", "http://127.0.0.1:81"},
        {"http://2130706433/", "http://127.0.0.1:80"},
        {"http://0177.0.0.1", "http://127.0.0.1:80"},
        {"http://0", "http://0.0.0.0:80"},
        {"http://1.2.3.4a/", "http://1.2.3.4a:80"},
        {"http://127.0.0.1.example/", "http://127.0.0.1.example:80"},
        {"http://[::1]/", "http://[::1]:80"},
        {"https://[::1]:8443/x", "https://[::1]:8443"},
        {"http://[0:0:0:0:0:0:0:1]", "http://[::1]:80"},
        {"http://[2001:DB8::A]?x", "http://[2001:db8::a]:80"},
        {"http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]:80"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct url url;
        struct error_text why;
        char origin[URL_ORIGIN_SIZE];

        if (url_parse(bytes_of(rows[i].text), &url, &why))
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_string_equal(url_origin(&url, origin), rows[i].origin);
    }
}

static void addresses_are_told_from_names(void **state)
{
    static const struct {
        const char *text;
        bool is_ipv4, is_ipv6;
    } rows[] = {
        {"http://127.1/", true, false},      {"http://127.0.0.1:80/", true, false},
        {"http://[::1]/", false, true},      {"http://127.0.0.1.example/", false, false},
        {"http://localhost/", false, false},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct url url;
        struct error_text why;

        assert_int_equal(url_parse(bytes_of(rows[i].text), &url, &why), 0);
        assert_int_equal(url.is_ipv4, rows[i].is_ipv4);
        assert_int_equal(url.is_ipv6, rows[i].is_ipv6);
    }
}

static void refused_urls_leave_the_result_alone(void **state)
{
    static const struct {
        const char *text;
        const char *part_of_why;
    } rows[] = {
        {"", "1..2048"},
        {"example.com", "https://"},
        {"127.0.0.1/", "https://"},
        {"//example.com/", "https://"},
        {"http:/127.0.0.1/", "https://"},
        {"http:127.0.0.1/", "https://"},
        {"http", "https://"},
        {"ftp://example.com/", "https://"},
        {"file:///etc/passwd", "https://"},
        {"gopher://example.com/", "https://"},
        {"javascript:alert(1)", "https://"},
        {"httpx://example.com/", "https://"},
        {"http://", "host is missing"},
        {"http:///", "host is missing"},
        {"http:///example.com/", "host is missing"},
        {"http://?x", "host is missing"},
        {"http://:80/", "host is missing"},
        {"http://user@example.com/", "user name"},
        {"http://u:p@example.com/", "--header \"Authorization: Basic"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "write it in punycode, like xn--"},
        {"https://example.\xe3\x83\x86?a", "punycode"},
        {"http://b\xfc"
         "cher.example/",
         "punycode"},
        {"http://example.com/b\xc3\xbc"
         "cher",
         "byte 20 is not ASCII: percent-encode"},
        {"http://example.com?b\xc3\xbc"
         "cher",
         "percent-encode"},
        {"http://user:secret@example.com/", "user name"},
        {"http://@example.com/", "user name"},
        {"http://example.com\\@127.0.0.1/", "not allowed"},
        {"http:\\\\example.com/", "not allowed"},
        {"http://example.com/a b", "not allowed"},
        {" http://example.com/", "not allowed"},
        {"http://example.com/\n", "not allowed"},
        {"http://example.com/\r\nX: y", "not allowed"},
        {"http://example.com/\x7f", "not allowed"},
        {"http://example.com/#fragment", "not allowed"},
        {"http://example.com#", "not allowed"},
        {"http://ex\xc3\xa4mple.com/", "write it in punycode"},
        {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/",
         "write it in punycode"}, /* full-width 127 */
        {"http://example.com/\xc3\xa4", "percent-encode it"},
        {"http://%31%32%37.0.0.1/", "only letters"},
        {"http://exa%6dple.com/", "only letters"},
        {"http://a,b/", "only letters"},
        {"http://a;b/", "only letters"},
        {"http://a!b/", "only letters"},
        {"http://a*b/", "only letters"},
        {"http://"
         "a23456789b23456789c23456789d23456789e23456789f23456789g234567890123.example/",
         "single dots"},
        {"http://a{b/", "only letters"},
        {"http://a|b/", "only letters"},
        {"http://a~b/", "only letters"},
        {"http://a[b/", "only letters"},
        {"http://a^b/", "only letters"},
        {"http://a`b/", "only letters"},
        {"http://a..b/", "single dots"},
        {"http://.a/", "single dots"},
        {"http://./", "single dots"},
        {"http://a./", "single dots"},
        {"http://127.0.0.1./", "single dots"},
        {"http://-a/", "single dots"},
        {"http://256.0.0.1/", "ends in a number"},
        {"http://1.2.3.4.5/", "ends in a number"},
        {"http://example.1/", "ends in a number"},
        {"http://08.1/", "ends in a number"},
        {"http://0x/", "ends in a number"},
        {"http://host:/", "1..65535"},
        {"http://host:0/", "1..65535"},
        {"http://host:080/", "1..65535"},
        {"http://host:65536/", "1..65535"},
        {"http://host:99999999999999999999/", "1..65535"},
        {"http://host:-1/", "1..65535"},
        {"http://host:+1/", "1..65535"},
        {"http://host:8x/", "1..65535"},
        {"http://host:80:80/", "1..65535"},
        {"http://::1/", "1..65535"},
        {"http://[::1/", "IPv6"},
        {"http://[]/", "IPv6"},
        {"http://[::1]80/", "IPv6"},
        {"http://[::1]./", "IPv6"},
        {"http://[::1]:/", "1..65535"},
        {"http://[::1]:0/", "1..65535"},
        {"http://[127.0.0.1]/", "IPv6"},
        {"http://[fe80::1%25eth0]/", "IPv6"},
        {"http://[fe80::1%eth0]/", "IPv6"},
        {"http://[::1]]/", "IPv6"},
        {"http://[[::1]]/", "IPv6"},
        {"http://[1:2:3:4:5:6:7:8:9]/", "IPv6"},
        {"http://[::12345]/", "IPv6"},
        {"http://[v1.x]/", "IPv6"},
        {"http://a[::1]/", "1..65535"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct url url = {.port = 4711};
        struct error_text why = {""};

        if (url_parse(bytes_of(rows[i].text), &url, &why) != -1)
            fail_msg("accepted: %s", rows[i].text);
        if (!strstr(why.text, rows[i].part_of_why))
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_int_equal(url.port, 4711);
    }
}

static void every_byte_that_is_not_plain_is_refused(void **state)
{
    char text[] = "http://example.com/a?b";
    struct url url;
    struct error_text why;

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool allowed = c > 0x20 && c < 0x7f && c != '\\' && c != '#';

        text[20] = (char)c;
        if ((url_parse((struct bytes){text, sizeof(text) - 1}, &url, &why) == 0) != allowed)
            fail_msg("byte %d", c);
    }
}

static void lengths_have_limits(void **state)
{
    struct url url;
    struct error_text why;
    char text[URL_MAX + 2];
    char host[300];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://h/", 9);
    assert_int_equal(url_parse((struct bytes){text, URL_MAX}, &url, &why), 0);
    assert_int_equal(url_parse((struct bytes){text, URL_MAX + 1}, &url, &why), -1);

    /* 63 characters in a label, 253 in a host */
    snprintf(host, sizeof(host), "http://%.63s/", text + 9);
    assert_int_equal(url_parse(bytes_of(host), &url, &why), 0);
    snprintf(host, sizeof(host), "http://%.64s/", text + 9);
    assert_int_equal(url_parse(bytes_of(host), &url, &why), -1);
    snprintf(host, sizeof(host), "http://x.%.64s/", text + 9);
    assert_int_equal(url_parse(bytes_of(host), &url, &why), -1);
    snprintf(host, sizeof(host), "http://%.63s.%.63s.%.63s.%.61s/", text + 9, text + 9, text + 9,
             text + 9);
    assert_int_equal(url_parse(bytes_of(host), &url, &why), 0);
    assert_int_equal(strlen(url.host), 253);
    snprintf(host, sizeof(host), "http://%.63s.%.63s.%.63s.%.62s/", text + 9, text + 9, text + 9,
             text + 9);
    assert_int_equal(url_parse(bytes_of(host), &url, &why), -1);
}

static void errors_show_neither_path_nor_credentials(void **state)
{
    static const char *const texts[] = {
        "http://canary:canary@host/canary?canary",
        "http://ho,st/canary?canary",
        "http://host:x/canary?canary",
        "http://host/canary canary",
        "http://[canary]/canary",
        "canary://host/canary",
    };

    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        struct url url;
        struct error_text why = {""};

        assert_int_equal(url_parse(bytes_of(texts[i]), &url, &why), -1);
        assert_null(strstr(why.text, "canary"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_urls_have_one_origin),
        cmocka_unit_test(addresses_are_told_from_names),
        cmocka_unit_test(refused_urls_leave_the_result_alone),
        cmocka_unit_test(every_byte_that_is_not_plain_is_refused),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(errors_show_neither_path_nor_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
