#include "contract/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define URL "\"url\":\"https://example.com/hook\""
#define SECRET_1 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECRET_2 "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

/* A secret with an end; the text is that of "until". */
#define ENDS(until) "{\"key\":\"" SECRET_1 "\",\"until\":" until "}"

static struct hook *parse(const char *json)
{
    struct hook *hook = NULL;
    struct error_text why;

    if (hook_parse(BYTES("main"), bytes_of(json), &hook, &why))
        fail_msg("%s: %s", json, why.text);
    return hook;
}

static void a_url_is_enough(void **state)
{
    struct hook *hook = parse("{" URL "}");

    (void)state;
    assert_string_equal(hook->id, "main");
    assert_string_equal(hook->url_text, "https://example.com/hook");
    assert_string_equal(hook->url.host, "example.com");
    assert_true(hook->url.https);
    assert_null(hook->verification_signature);
    assert_int_equal(hook->secrets_len, 0);
    assert_int_equal(hook->headers_len, 0);
    assert_int_equal(hook->format, HOOK_FORMAT_SPIKA);
    assert_true(hook->enabled);
    assert_int_equal(hook->max_age_ms, 0);
    assert_int_equal(hook->timeout_ms, 0);
    assert_int_equal(hook->rate_interval_us, 0);
    assert_string_equal(hook->rate_limit, "");
    assert_int_equal(hook->accept_status_len, 0);
    assert_int_equal(hook->types_len, 0);
    assert_null(hook->description);
    assert_null(hook->template);
    assert_null(hook->template_json);
    hook_free(hook);
}

static void every_key_is_taken_over(void **state)
{
    struct hook *hook = parse(
        "{\"enabled\":false,\"url\":\"HTTP://Example.com:8080/a?b=c\",\"format\":\"standard\","
        "\"verificationSignature\":\"9JOLCJUVylQxxdhX\",\"secret\":[\"" SECRET_2 "\",\"" SECRET_1
        "\"],\"maxAge\":\"2h\",\"timeout\":\"1500ms\",\"rateLimit\":\"90/m\","
        "\"acceptStatus\":[302,599],\"types\":[\"message.*\"],\"description\":\"für 🐎\","
        "\"headers\":{\"X-B\":\" two words \",\"Authorization\":\"Bearer x\"}}");

    (void)state;
    assert_string_equal(hook->url_text, "HTTP://Example.com:8080/a?b=c");
    assert_int_equal(hook->url.port, 8080);
    assert_string_equal(hook->verification_signature, "9JOLCJUVylQxxdhX");
    assert_int_equal(hook->secrets_len, 2);
    assert_int_equal(hook->secrets[0].key[0], 0x0b); /* newest first: SECRET_2 */
    assert_int_equal(hook->secrets[1].key[0], 0x31);
    assert_int_equal(hook->format, HOOK_FORMAT_STANDARD);
    assert_false(hook->enabled);
    assert_int_equal(hook->max_age_ms, 7200000);
    assert_int_equal(hook->timeout_ms, 1500);
    assert_int_equal(hook->accept_status_len, 2);
    assert_int_equal(hook->accept_status[0], 302);
    assert_int_equal(hook->accept_status[1], 599);
    assert_int_equal(hook->types_len, 1);
    assert_string_equal(hook->types[0], "message.*");
    assert_string_equal(hook->description, "für 🐎");
    assert_int_equal(hook->rate_interval_us, 666667);
    assert_string_equal(hook->rate_limit, "90/m");
    assert_int_equal(hook->headers_len, 2);
    assert_string_equal(hook->headers[0], "X-B: two words");
    assert_string_equal(hook->headers[1], "Authorization: Bearer x");
    hook_free(hook);
}

static void problems_are_named(void **state)
{
    static const struct {
        const char *json;
        int problem;
        const char *part_of_why;
    } rows[] = {
        {"", HOOK_BAD, "ends too early"},
        {"{", HOOK_BAD, "line 1, column 1"},
        {"[]", HOOK_BAD, "must be a JSON object"},
        {"\"https://example.com\"", HOOK_BAD, "not JSON"},
        {"{}", HOOK_BAD, "url: is missing"},
        {"{\"format\":\"bare\"}", HOOK_BAD, "url: is missing"},
        {"{" URL "}x", HOOK_BAD, "more text"},
        {"{" URL "," URL "}", HOOK_BAD, "twice"},
        {"{" URL ",\"Enabled\":true}", HOOK_BAD, "unknown key \"Enabled\""},
        {"{" URL ",\"verification_signature\":\"x\"}", HOOK_BAD, "\"verification_signature\""},
        {"{" URL ",\"\":1}", HOOK_BAD, "unknown key \"\""},
        {"{\"url\":null}", HOOK_BAD, "url: must be a string"},
        {"{\"url\":7}", HOOK_BAD, "url: must be a string"},
        {"{\"url\":\"\"}", HOOK_BAD_URL, "url: "},
        {"{\"url\":\"ftp://example.com/\"}", HOOK_BAD_URL, "url: "},
        {"{\"url\":\"https://user:canary@example.com/\"}", HOOK_BAD_URL, "user name"},
        {"{\"url\":\"https://example.com/\\u0000\"}", HOOK_BAD, "\\u0000"},
        {"{" URL ",\"verificationSignature\":\"\"}", HOOK_BAD, "verificationSignature: "},
        {"{" URL ",\"verificationSignature\":\"canary x\"}", HOOK_BAD, "verificationSignature: "},
        {"{" URL ",\"verificationSignature\":\"canary\\r\\nX: y\"}", HOOK_BAD, "verificationSign"},
        {"{" URL ",\"verificationSignature\":\"canary\xc3\xa4\"}", HOOK_BAD, "verificationSign"},
        {"{" URL ",\"verificationSignature\":null}", HOOK_BAD, "verificationSignature: "},
        {"{" URL ",\"secret\":\"canary\"}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":null}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[]}", HOOK_BAD, "0 entries"},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\",7]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\",\"canary\"]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[1,2,3,4,5]}", HOOK_BAD, "5 entries"},
        {"{" URL ",\"secret\":{}}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":" ENDS("1") "}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[" ENDS("1") "]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[" ENDS("1") ",\"" SECRET_1 "\"]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\"," ENDS("0") "]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\"," ENDS("-1") "]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\"," ENDS("1.5") "]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\"," ENDS("\"1\"") "]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\"," ENDS("1,\"canary\":1") "]}", HOOK_BAD,
         "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\",{\"key\":\"" SECRET_1 "\"}]}", HOOK_BAD,
         "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\",{\"until\":1}]}", HOOK_BAD, "secret: "},
        {"{" URL ",\"secret\":[\"" SECRET_1 "\",{\"key\":\"canary\",\"until\":1}]}", HOOK_BAD,
         "secret: "},
        {"{" URL ",\"format\":\"Spika\"}", HOOK_BAD, "format: "},
        {"{" URL ",\"format\":0}", HOOK_BAD, "format: "},
        {"{" URL ",\"format\":\"template\"}", HOOK_BAD, "format: "},
        {"{" URL ",\"template\":null}", HOOK_BAD, "template: must be a JSON object or list"},
        {"{" URL ",\"template\":{},\"format\":\"bare\"}", HOOK_BAD, "has no format"},
        {"{" URL ",\"format\":\"slack\",\"template\":{}}", HOOK_BAD, "has no format"},
        {"{" URL ",\"template\":[\"{{x}}\"]}", HOOK_BAD, "template: {{x}}: allowed are"},
        {"{" URL ",\"enabled\":\"yes\"}", HOOK_BAD, "enabled: "},
        {"{" URL ",\"enabled\":1}", HOOK_BAD, "enabled: "},
        {"{" URL ",\"maxAge\":60}", HOOK_BAD, "maxAge: "},
        {"{" URL ",\"maxAge\":\"0\"}", HOOK_BAD, "maxAge: "},
        {"{" URL ",\"maxAge\":\"999ms\"}", HOOK_BAD, "maxAge: "},
        {"{" URL ",\"maxAge\":\"3651d\"}", HOOK_BAD, "maxAge: "},
        {"{" URL ",\"timeout\":\"99ms\"}", HOOK_BAD, "timeout: "},
        {"{" URL ",\"timeout\":\"15\"}", HOOK_BAD, "timeout: "},
        {"{" URL ",\"rateLimit\":10}", HOOK_BAD, "rateLimit: must be like \"10/s\": 1 to 100000"},
        {"{" URL ",\"rateLimit\":null}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"rateLimit\":\"\"}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"rateLimit\":\"10\"}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"rateLimit\":\"0/s\"}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"rateLimit\":\"100001/s\"}", HOOK_BAD, "then /s, /m or /h"},
        {"{" URL ",\"rateLimit\":\"1/d\"}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"rateLimit\":\"0000000010/s\"}", HOOK_BAD, "rateLimit: "},
        {"{" URL ",\"types\":\"message.*\"}", HOOK_BAD, "types: must be a list"},
        {"{" URL ",\"description\":\"\"}", HOOK_BAD, "description: must be 1..200 characters"},
        {"{" URL ",\"description\":7}", HOOK_BAD, "description: "},
        {"{" URL ",\"description\":null}", HOOK_BAD, "description: "},
        {"{" URL ",\"description\":\"two\\nlines\"}", HOOK_BAD, "control characters"},
        {"{" URL ",\"description\":\"\\u001b[31m\"}", HOOK_BAD, "description: "},
        {"{" URL ",\"description\":\"\\u009b31m\"}", HOOK_BAD, "description: "},
        {"{" URL ",\"description\":\"a\\u202eb\"}", HOOK_BAD, "description: "},
        {"{" URL ",\"acceptStatus\":302}", HOOK_BAD, "acceptStatus: must be a list of 1 to 16"},
        {"{" URL ",\"acceptStatus\":[]}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":{\"a\":302}}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":[\"302\"]}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":[302.0]}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":[299]}", HOOK_BAD, "from 300 to 599"},
        {"{" URL ",\"acceptStatus\":[302,600]}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":[4294967598]}", HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"acceptStatus\":[300,301,302,303,304,305,306,307,308,309,310,311,312,313,"
         "314,315,316]}",
         HOOK_BAD, "acceptStatus: "},
        {"{" URL ",\"headers\":[]}", HOOK_BAD, "headers: "},
        {"{" URL ",\"headers\":null}", HOOK_BAD, "headers: "},
        {"{" URL ",\"headers\":{\"X-A\":1}}", HOOK_BAD, "\"X-A\" must be a string"},
        {"{" URL ",\"headers\":{\"X-A\":\"\"}}", HOOK_BAD, "\"X-A\" has 0 bytes"},
        {"{" URL ",\"headers\":{\"Host\":\"canary\"}}", HOOK_BAD, "\"Host\""},
        {"{" URL ",\"headers\":{\"X A\":\"canary\"}}", HOOK_BAD, "\"X A\""},
        {"{" URL ",\"headers\":{\"X-A\":\"canary\\nX-B: c\"}}", HOOK_BAD, "\"X-A\""},
        {"{" URL ",\"headers\":{\"X-A\":\"a\",\"x-a\":\"b\"}}", HOOK_BAD, "\"x-a\" is given twice"},
        {"{" URL ",\"verificationSignature\":\"canary\",\"secret\":\"canary}", HOOK_BAD, "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hook *hook = NULL;
        struct error_text why = {""};
        int problem = hook_parse(BYTES("main"), bytes_of(rows[i].json), &hook, &why);

        if (problem != rows[i].problem || !strstr(why.text, rows[i].part_of_why))
            fail_msg("%s: %d %s", rows[i].json, problem, why.text);
        if (strstr(why.text, "canary"))
            fail_msg("quotes a credential: %s", why.text);
        assert_null(hook);
    }
}

static void ids_are_names(void **state)
{
    static const char *const bad[] = {"", "a b", "a/b", "\xc3\xa4"};
    char long_id[RH_NAME_MAX + 1];
    struct hook *hook = NULL;
    struct error_text why;

    (void)state;
    for (size_t i = 0; i < LEN(bad); i++)
        assert_int_equal(hook_parse(bytes_of(bad[i]), BYTES("{" URL "}"), &hook, &why), HOOK_BAD);
    memset(long_id, 'a', sizeof(long_id));
    assert_int_equal(
        hook_parse((struct bytes){long_id, sizeof(long_id)}, BYTES("{" URL "}"), &hook, &why),
        HOOK_BAD);
    assert_int_equal(hook_parse(BYTES("inline-0"), BYTES("{" URL "}"), &hook, &why), HOOK_OK);
    hook_free(hook);
}

static void sizes_are_limited(void **state)
{
    struct hook *hook = NULL;
    struct error_text why;
    struct buffer json;
    size_t filler;

    (void)state;
    /* the whole text: blanks up to the limit, and one more */
    buffer_init(&json, HOOK_JSON_MAX + 1);
    buffer_append_text(&json, "{" URL "}");
    filler = HOOK_JSON_MAX - json.len;
    memset(buffer_extend(&json, filler), ' ', filler);
    assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), HOOK_OK);
    hook_free(hook);
    buffer_append_char(&json, ' ');
    assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), HOOK_BAD);
    buffer_release(&json);

    /* headers: 32, and one more; descriptions: 200 characters; signatures: 256 */
    for (int extra = 0; extra <= 1; extra++) {
        int expected = extra ? HOOK_BAD : HOOK_OK;

        buffer_init(&json, HOOK_JSON_MAX);
        buffer_append_text(&json, "{" URL ",\"headers\":{\"X\":\"y\"");
        for (int i = 1; i < HOOK_MAX_HEADERS + extra; i++)
            buffer_append_format(&json, ",\"X-%d\":\"y\"", i);
        buffer_append_text(&json, "}}");
        hook = NULL;
        assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), expected);
        hook_free(hook);
        buffer_clear(&json);
        buffer_append_text(&json, "{" URL ",\"description\":\"");
        for (int i = 0; i < HOOK_DESCRIPTION_MAX + extra; i++)
            buffer_append_text(&json, "🐎");
        buffer_append_text(&json, "\"}");
        hook = NULL;
        assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), expected);
        hook_free(hook);
        buffer_clear(&json);
        buffer_append_text(&json, "{" URL ",\"verificationSignature\":\"");
        for (int i = 0; i < HOOK_SIGNATURE_MAX + extra; i++)
            buffer_append_char(&json, '~');
        buffer_append_text(&json, "\"}");
        hook = NULL;
        assert_int_equal(hook_parse(BYTES("main"), buffer_bytes(&json), &hook, &why), expected);
        hook_free(hook);
        buffer_release(&json);
    }
}

static void older_secrets_may_have_an_end(void **state)
{
    struct hook *hook =
        parse("{" URL ",\"secret\":[\"" SECRET_2 "\"," ENDS("1667634537257") ",\"" SECRET_1 "\"]}");

    (void)state;
    assert_int_equal(hook->secrets_len, 3);
    assert_int_equal(hook->secrets[0].until_ms, 0);
    assert_int_equal(hook->secrets[1].until_ms, 1667634537257);
    assert_int_equal(hook->secrets[2].until_ms, 0);
    assert_memory_equal(hook->secrets[1].key, hook->secrets[2].key, hook->secrets[2].key_len);
    assert_int_equal(hook->secrets[1].key_len, 24);
    hook_free(hook);
}

/* The expected values come from another program: SHA-256 over url, NUL, signature, NUL, keys and,
 * of one with an Authorization, NUL and its value. */
static void fingerprints_follow_url_and_credentials(void **state)
{
    static const struct {
        const char *json;
        const char *fingerprint;
    } rows[] = {
        {"{" URL "}", "0ecbac1bbee71e56"},
        {"{" URL ",\"format\":\"bare\",\"enabled\":false,\"timeout\":\"5s\"}", "0ecbac1bbee71e56"},
        {"{" URL ",\"rateLimit\":\"1/s\"}", "0ecbac1bbee71e56"},
        {"{" URL ",\"verificationSignature\":\"9JOLCJUVylQxxdhX\",\"secret\":[\"" SECRET_2
         "\"," ENDS("1") "]}",
         "3a8015336da72695"},
        {"{" URL ",\"verificationSignature\":\"9JOLCJUVylQxxdhX\"}", "6a844be25ad8291b"},
        {"{" URL ",\"verificationSignature\":\"9JOLCJUVylQxxdhX\",\"secret\":[\"" SECRET_1
         "\",\"" SECRET_2 "\"]}",
         "5e107660afd9ca57"},
        {"{" URL ",\"verificationSignature\":\"9JOLCJUVylQxxdhX\",\"secret\":[\"" SECRET_2
         "\",\"" SECRET_1 "\"]}",
         "3a8015336da72695"},
        {"{" URL ",\"headers\":{\"X-Room\":\"438\"}}", "0ecbac1bbee71e56"},
        {"{" URL ",\"headers\":{\"X-Room\":\"438\",\"authorization\":\" Bearer one \"}}",
         "f3cf51ae055a3875"},
        {"{" URL ",\"transport\":\"partner\"}", "c72454fc8899ede1"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hook *hook = parse(rows[i].json);

        assert_string_equal(hook->fingerprint, rows[i].fingerprint);
        hook_free(hook);
    }
}

static void formats_have_names(void **state)
{
    (void)state;
    assert_string_equal(hook_format_name(HOOK_FORMAT_SPIKA), "spika");
    assert_string_equal(hook_format_name(HOOK_FORMAT_BARE), "bare");
    assert_string_equal(hook_format_name(HOOK_FORMAT_STANDARD), "standard");
    assert_string_equal(hook_format_name(HOOK_FORMAT_TEMPLATE), "template");
    hook_free(NULL);
}

static void formats_that_are_templates_have_one(void **state)
{
    static const struct {
        const char *json;
        enum hook_format format;
        bool has_template;
        const char *own;
    } rows[] = {
        {"{" URL ",\"format\":\"slack\"}", HOOK_FORMAT_SLACK, true, NULL},
        {"{" URL ",\"format\":\"discord\"}", HOOK_FORMAT_DISCORD, true, NULL},
        {"{" URL ",\"format\":\"mattermost\"}", HOOK_FORMAT_MATTERMOST, true, NULL},
        {"{" URL ",\"format\":\"cloudevents\"}", HOOK_FORMAT_CLOUDEVENTS, false, NULL},
        {"{" URL ",\"template\":[ \"{{type}}\", 1e2 ]}", HOOK_FORMAT_TEMPLATE, true,
         "[\"{{type}}\",100.0]"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct hook *hook = parse(rows[i].json);

        assert_int_equal(hook->format, rows[i].format);
        assert_int_equal(hook->template != NULL, rows[i].has_template);
        if (rows[i].own)
            assert_string_equal(hook->template_json, rows[i].own);
        else
            assert_null(hook->template_json);
        hook_free(hook);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_enough),
        cmocka_unit_test(every_key_is_taken_over),
        cmocka_unit_test(problems_are_named),
        cmocka_unit_test(ids_are_names),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(older_secrets_may_have_an_end),
        cmocka_unit_test(fingerprints_follow_url_and_credentials),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(formats_that_are_templates_have_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
