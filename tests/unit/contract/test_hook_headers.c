#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "contract/hook.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void ordinary_headers_are_allowed(void **state)
{
    static const char *const names[] = {
        "Authorization", "X-Room",      "Accept",     "x",
        "X-Method",      "Webhook",     "Hosts",      "Metadatax",
        "X_Room",        "X-Hosts",     "X-Rewrit",   "Remote",
        "X-Envoy",       "X-Azure-Ref", "Client-IPs", "!#$%&'*+-.^_`|~0aZ",
    };
    struct error_text why;

    (void)state;
    for (size_t i = 0; i < LEN(names); i++) {
        if (hook_header_check(bytes_of(names[i]), BYTES("value"), &why))
            fail_msg("%s", why.text);
    }
}

static void names_of_http_and_roomhook_are_refused(void **state)
{
    static const char *const names[] = {
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
        "Max-Forwards",
        "Via",
        "Proxy",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Content-Type",
        "Content-Encoding",
        "Content-Range",
        "Range",
        "If-Range",
        "Accept-Encoding",
        "User-Agent",
        "Verification-Signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "webhook-hops",
        "webhook-event",
        "WEBHOOK_ATTEMPT",
        "Webhook-Anything",
        "traceparent",
        "tracestate",
        "Cookie",
        "Cookie2",
        "Metadata",
        "Metadata-Flavor",
        "X-aws-ec2-metadata-token",
        "X-aws-ec2-metadata-token-ttl-seconds",
        "X-Google-Metadata-Request",
        "X-aliyun-ecs-metadata-token-ttl-seconds",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Original-URL",
        "X-Original-Host",
        "X-Rewrite-URL",
        "X-Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "Forwarded",
        "X-Host",
        "X-Real-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Connecting-IPv6",
        "Client-IP",
        "X-Originating-IP",
        "Fastly-Client-IP",
        "Fly-Client-IP",
        "X-Azure-ClientIP",
        "X-Azure-SocketIP",
        "Remote-User",
        "Remote-Groups",
        "X-Remote-User",
        "X-Remote-Addr",
        "X-Remote-IP",
        "X-Override-URL",
        "X-Envoy-Original-Path",
        "X-Envoy-External-Address",
        /* an underscore is as good as a hyphen */
        "Content_Length",
        "content_length",
        "TRANSFER_ENCODING",
        "User_Agent",
        "webhook_id",
        "Verification_Signature",
        "X_Forwarded_For",
        "X-Forwarded_For",
        "X_HTTP_Method_Override",
        "REMOTE_USER",
        "X_Envoy-Internal",
        "X_Original-URL",
        "Proxy_Authorization",
        "Metadata_Flavor",
        /* case does not matter */
        "hOST",
        "content-type",
        "WEBHOOK-ID",
        "TRACEPARENT",
        "x-AWS-EC2-Metadata-Token",
    };
    struct error_text why;

    (void)state;
    for (size_t i = 0; i < LEN(names); i++) {
        if (hook_header_check(bytes_of(names[i]), BYTES("value"), &why) != -1)
            fail_msg("%s", names[i]);
        if (!strstr(why.text, names[i]) || !strstr(why.text, "may not be set"))
            fail_msg("%s: %s", names[i], why.text);
    }
}

static void names_are_tokens_of_up_to_64_characters(void **state)
{
    char name[66];
    struct error_text why;

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_int_equal(hook_header_check((struct bytes){name, 64}, BYTES("v"), &why), 0);
    assert_int_equal(hook_header_check((struct bytes){name, 65}, BYTES("v"), &why), -1);
    assert_int_equal(hook_header_check(BYTES(""), BYTES("v"), &why), -1);
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       (c > 0 && strchr("!#$%&'*+-.^_`|~", c));

        name[1] = (char)c;
        if ((hook_header_check((struct bytes){name, 3}, BYTES("v"), &why) == 0) != allowed)
            fail_msg("character %d", c);
    }
}

static void values_cannot_end_their_line(void **state)
{
    char value[] = "a.b";
    struct error_text why;

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= 0x20 && c <= 0x7e) || c == '\t';

        value[1] = (char)c;
        if ((hook_header_check(BYTES("X-A"), (struct bytes){value, 3}, &why) == 0) != allowed)
            fail_msg("character %d", c);
    }
}

static void values_are_measured_without_blanks_around(void **state)
{
    char value[HOOK_MAX_HEADER_VALUE + 3];
    struct error_text why;

    (void)state;
    memset(value, 'a', sizeof(value));
    assert_int_equal(
        hook_header_check(BYTES("X-A"), (struct bytes){value, HOOK_MAX_HEADER_VALUE + 1}, &why),
        -1);
    value[0] = ' ';
    value[HOOK_MAX_HEADER_VALUE + 1] = '\t';
    assert_int_equal(
        hook_header_check(BYTES("X-A"), (struct bytes){value, HOOK_MAX_HEADER_VALUE + 2}, &why), 0);
    assert_int_equal(hook_header_check(BYTES("X-A"), BYTES(""), &why), -1);
    assert_int_equal(hook_header_check(BYTES("X-A"), BYTES(" \t "), &why), -1);
    assert_true(bytes_equal(hook_header_trim(BYTES(" \t a b\t ")), BYTES("a b")));
    assert_int_equal(hook_header_trim(BYTES(" \t ")).len, 0);
}

static void errors_do_not_show_the_value(void **state)
{
    struct error_text why;

    (void)state;
    assert_int_equal(hook_header_check(BYTES("X-A"), BYTES("canary\n"), &why), -1);
    assert_null(strstr(why.text, "canary"));
    assert_int_equal(hook_header_check(BYTES("X\x1b["), BYTES("v"), &why), -1);
    assert_null(strchr(why.text, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_headers_are_allowed),
        cmocka_unit_test(names_of_http_and_roomhook_are_refused),
        cmocka_unit_test(names_are_tokens_of_up_to_64_characters),
        cmocka_unit_test(values_cannot_end_their_line),
        cmocka_unit_test(values_are_measured_without_blanks_around),
        cmocka_unit_test(errors_do_not_show_the_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
