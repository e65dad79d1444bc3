#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "contract/proxy.h"

static void test_reads_a_proxy(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
        bool https;
    } rows[] = {
        {"", "", false},
        {"http://proxy.example:3128", "http://proxy.example:3128", false},
        {"http://proxy.example", "http://proxy.example:80", false},
        {"https://Proxy.Example/", "https://proxy.example:443", true},
        {"http://ana@10.1.2.3:8080", "http://ana@10.1.2.3:8080", false},
        {"https://a.b_c-d~e+f@[fd00::1]:8443/", "https://a.b_c-d~e+f@[fd00::1]:8443", true},
    };
    char shown[PROXY_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proxy_address proxy;
        struct error_text why = {""};

        assert_int_equal(proxy_address_parse(bytes_of(rows[i].text), &proxy, &why), 0);
        assert_string_equal(proxy_address_format(&proxy, shown), rows[i].shown);
        assert_int_equal(proxy.https, rows[i].https);
        assert_null(strchr(proxy.origin, '@'));
    }
}

static void test_refuses_what_is_no_proxy(void **state)
{
    static const char *const texts[] = {
        "proxy.example:3128",
        "proxy.example",
        "socks5://proxy:1080",
        "HTTP://proxy",
        "http://",
        "http:///",
        "http://@proxy",
        "http://a b@proxy",
        "http://a%41@proxy",
        "http://a@b@proxy",
        "http://proxy/path",
        "http://proxy?query",
        "http://proxy:0",
        "http://proxy:99999",
        "http://proxy#x",
        "http://a/b@proxy",
        "http://pro xy",
        " http://proxy",
    };
    struct proxy_address proxy;
    struct error_text why = {""};
    char long_user[200] = "http://";

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (proxy_address_parse(bytes_of(texts[i]), &proxy, &why) == 0)
            fail_msg("%s is one", texts[i]);
        assert_string_equal(why.text, "");
    }
    memset(long_user + 7, 'u', PROXY_USER_MAX + 1);
    memcpy(long_user + 7 + PROXY_USER_MAX + 1, "@proxy", sizeof("@proxy"));
    assert_int_equal(proxy_address_parse(bytes_of(long_user), &proxy, &why), -1);
}

static void test_a_password_has_no_place_in_it(void **state)
{
    struct proxy_address proxy;
    struct error_text why = {""};

    (void)state;
    assert_int_equal(proxy_address_parse(BYTES("http://ana:hidden@proxy:80"), &proxy, &why), -1);
    assert_non_null(strstr(why.text, "proxy-password-file"));
    assert_null(strstr(why.text, "hidden"));
}

static void test_exceptions_cover(void **state)
{
    static const struct {
        const char *exception;
        const char *url;
        bool covers;
    } rows[] = {
        {"intern.example", "https://intern.example/", true},
        {"intern.example", "https://a.b.Intern.example:8443/", true},
        {".Intern.Example", "https://intern.example/", true},
        {"intern.example", "https://notintern.example/", false},
        {"intern.example", "https://intern.example.attack/", false},
        {"intern.example", "https://example/", false},
        {"localhost", "http://localhost/", true},
        {"localhost", "http://127.0.0.1/", false},
        {"10.0.0.0/8", "http://10.255.1.2/", true},
        {"10.0.0.0/8", "http://167772161/", true}, /* 10.0.0.1 */
        {"10.0.0.0/8", "http://11.0.0.1/", false},
        {"10.128.0.0/9", "http://10.127.255.255/", false},
        {"10.128.0.0/9", "http://10.128.0.0/", true},
        {"10.1.2.3", "http://10.1.2.3/", true},
        {"10.1.2.3", "http://10.1.2.4/", false},
        {"0.0.0.0/0", "http://8.8.8.8/", true},
        {"0.0.0.0/0", "http://[2600::1]/", false},
        {"0.0.0.0/0", "http://host.example/", false},
        {"fd00::/8", "http://[fdff::1]/", true},
        {"fd00::/8", "http://[fe00::1]/", false},
        {"::/0", "http://8.8.8.8/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proxy_exception exception;
        struct error_text why;
        struct url url;

        assert_int_equal(proxy_exception_parse(bytes_of(rows[i].exception), &exception), 0);
        assert_int_equal(url_parse(bytes_of(rows[i].url), &url, &why), 0);
        if (proxy_exception_covers(&exception, &url) != rows[i].covers)
            fail_msg("%s and %s", rows[i].exception, rows[i].url);
    }
}

static void test_refuses_what_is_no_exception(void **state)
{
    static const char *const texts[] = {
        "", ".", "*", "*.example", "a b", "http://a", "a:80", "10.0.0.0/8:80", "10.0.0.0/33", "a/b",
    };
    struct proxy_exception exception;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (proxy_exception_parse(bytes_of(texts[i]), &exception) == 0)
            fail_msg("%s is one", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_proxy),
        cmocka_unit_test(test_refuses_what_is_no_proxy),
        cmocka_unit_test(test_a_password_has_no_place_in_it),
        cmocka_unit_test(test_exceptions_cover),
        cmocka_unit_test(test_refuses_what_is_no_exception),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
