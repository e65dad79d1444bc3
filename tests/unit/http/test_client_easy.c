/*
 * What libcurl is told before a request: every option with its value, and no other. The linker
 * sends calls of curl_easy_setopt and curl_easy_init here (-Wl,--wrap); no request goes out.
 */
#define CURL_DISABLE_TYPECHECK 1 /* or curl_easy_setopt is a macro */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "http/client_internal.h"

#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define OPTIONS_MAX 100
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Of every kind: a number, a text or another pointer, a function. */
struct value {
    int64_t number;
    const void *pointer;
    void (*function)(void);
};

static struct {
    struct {
        CURLoption option;
        struct value value;
    } told[OPTIONS_MAX]; /* to the latest handle, in order */
    size_t told_len;
    size_t calls;      /* with all handles */
    size_t refused_at; /* so many-th call that libcurl refuses; 0: none */
} record;

CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);
CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);

CURLU *__real_curl_url(void);
CURLU *__wrap_curl_url(void);
CURLUcode __real_curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned flags);
CURLUcode __wrap_curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned flags);
CURLUcode __real_curl_url_get(const CURLU *url, CURLUPart part, char **ret_text, unsigned flags);
CURLUcode __wrap_curl_url_get(const CURLU *url, CURLUPart part, char **ret_text, unsigned flags);

/* The so many-th call about a URL finds no memory; 0: none. */
static int short_at;

static bool is_short(void)
{
    return short_at > 0 && --short_at == 0;
}

CURLU *__wrap_curl_url(void)
{
    return is_short() ? NULL : __real_curl_url();
}

CURLUcode __wrap_curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned flags)
{
    return is_short() ? CURLUE_OUT_OF_MEMORY : __real_curl_url_set(url, part, text, flags);
}

CURLUcode __wrap_curl_url_get(const CURLU *url, CURLUPart part, char **ret_text, unsigned flags)
{
    return is_short() ? CURLUE_OUT_OF_MEMORY : __real_curl_url_get(url, part, ret_text, flags);
}

CURL *__wrap_curl_easy_init(void)
{
    record.told_len = 0;
    return __real_curl_easy_init();
}

static CURLcode pass_on(CURL *easy, CURLoption option, const struct value *value)
{
    if (option < CURLOPTTYPE_OBJECTPOINT)
        return __real_curl_easy_setopt(easy, option, (long)value->number);
    if (option < CURLOPTTYPE_FUNCTIONPOINT)
        return __real_curl_easy_setopt(easy, option, value->pointer);
    if (option < CURLOPTTYPE_OFF_T)
        return __real_curl_easy_setopt(easy, option, value->function);
    return __real_curl_easy_setopt(easy, option, (curl_off_t)value->number);
}

CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    struct value value = {0};
    va_list rest;

    va_start(rest, option);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        value.number = va_arg(rest, long);
    else if (option < CURLOPTTYPE_FUNCTIONPOINT)
        value.pointer = va_arg(rest, const void *);
    else if (option < CURLOPTTYPE_OFF_T)
        value.function = va_arg(rest, void (*)(void));
    else
        value.number = va_arg(rest, curl_off_t);
    va_end(rest);
    if (++record.calls == record.refused_at)
        return CURLE_UNKNOWN_OPTION;
    assert_true(record.told_len < OPTIONS_MAX);
    record.told[record.told_len].option = option;
    record.told[record.told_len++].value = value;
    return pass_on(easy, option, &value);
}

/* --- the client --- */

static struct address_guard guard;
static struct loop *loop;
static struct http_client *client;

static struct http_client *client_for(bool https_only)
{
    struct http_client_config config = {.guard = &guard,
                                        .ca_file = CA_FILE,
                                        .max_transfers = 2,
                                        .max_per_address = 2,
                                        .max_response_bytes = 1024,
                                        .max_body_bytes = 1024,
                                        .https_only = https_only};
    struct error_text why;

    http_client_free(client);
    client = http_client_new(loop, &config, &why);
    assert_non_null(client);
    return client;
}

static void never_called(void *context, const struct http_result *result)
{
    (void)context;
    (void)result;
    fail();
}

/* Up to the moment before libcurl is given it. */
static struct http_transfer *start(struct http_client *with, const char *text, bool fresh)
{
    struct event event = {.message = BYTES("{\"roomId\":1}")};
    struct hook hook = {.format = HOOK_FORMAT_BARE};
    struct render_input input = {.event = &event, .hook = &hook, .event_id = BYTES("id")};
    struct http_transfer *transfer = http_transfer_new(with);
    struct error_text why;
    struct url url;
    struct http_target target = {.url_text = text,
                                 .url = &url,
                                 .timeout_ms = 7000,
                                 .connect_timeout_ms = 3000,
                                 .fresh = fresh};

    if (!transfer)
        return NULL;
    assert_int_equal(url_parse(bytes_of(text), &url, &why), 0);
    assert_int_equal(render(&input, http_transfer_request(transfer)), 0);
    http_transfer_start(transfer, &target, never_called, NULL);
    return transfer;
}

static int set_up(void **state)
{
    (void)state;
    memset(&record, 0, sizeof(record));
    loop = loop_new();
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_client_free(client);
    client = NULL;
    loop_free(loop);
    return 0;
}

/* --- what is expected --- */

static const char *name_of(CURLoption option)
{
    const struct curl_easyoption *found = curl_easy_option_by_id(option);

    return found ? found->name : "?";
}

/* It is told it just once: a second value would be the one that counts. */
static struct value told(CURLoption option)
{
    struct value value = {0};
    size_t times = 0;

    for (size_t i = 0; i < record.told_len; i++) {
        if (record.told[i].option != option)
            continue;
        value = record.told[i].value;
        times++;
    }
    if (times != 1)
        fail_msg("%s was told %zu times", name_of(option), times);
    return value;
}

static const struct {
    CURLoption option;
    int64_t value;
} numbers[] = {
    /* what a stranger's URL must not switch on */
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_MAXREDIRS, 0},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSL_SESSIONID_CACHE, 0},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    /* what keeps the loop and the memory */
    {CURLOPT_CA_CACHE_TIMEOUT, 3600},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 200},
    {CURLOPT_BUFFERSIZE, 16384},
    {CURLOPT_DNS_CACHE_TIMEOUT, 15},
    {CURLOPT_MAXAGE_CONN, 15},
    {CURLOPT_MAXLIFETIME_CONN, 300},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_TCP_NODELAY, 1},
    /* the request */
    {CURLOPT_POST, 1},
    {CURLOPT_TIMEOUT_MS, 7000},
    {CURLOPT_CONNECTTIMEOUT_MS, 3000},
    {CURLOPT_FRESH_CONNECT, 0},
    {CURLOPT_POSTFIELDSIZE_LARGE, sizeof("{\"message\":{\"roomId\":1}}") - 1},
};

static const struct {
    CURLoption option;
    const char *value;
} texts[] = {
    {CURLOPT_PROTOCOLS_STR, "https"},
    {CURLOPT_REDIR_PROTOCOLS_STR, "https"},
    {CURLOPT_PROXY, ""},
    {CURLOPT_NOPROXY, "*"},
    {CURLOPT_CAINFO, CA_FILE},
    {CURLOPT_CAPATH, NULL},
};

#define CALLBACK(function) ((void (*)(void))(function))

/* What connections are given, which outlive transfers, is the client. */
static const struct {
    CURLoption function;
    void (*value)(void);
    CURLoption data;
    bool outlives;
} callbacks[] = {
    {CURLOPT_OPENSOCKETFUNCTION, CALLBACK(on_open_socket), CURLOPT_OPENSOCKETDATA, false},
    {CURLOPT_PREREQFUNCTION, CALLBACK(on_before_request), CURLOPT_PREREQDATA, false},
    {CURLOPT_RESOLVER_START_FUNCTION, CALLBACK(on_lookup), CURLOPT_RESOLVER_START_DATA, false},
    {CURLOPT_WRITEFUNCTION, CALLBACK(on_body), CURLOPT_WRITEDATA, false},
    {CURLOPT_HEADERFUNCTION, CALLBACK(on_header), CURLOPT_HEADERDATA, false},
    {CURLOPT_CLOSESOCKETFUNCTION, CALLBACK(on_close_socket), CURLOPT_CLOSESOCKETDATA, true},
    {CURLOPT_SSL_CTX_FUNCTION, CALLBACK(on_ssl_context), CURLOPT_SSL_CTX_DATA, true},
};

/* That are looked at one by one below. */
#define OTHERS 6

static void check_options(const struct http_transfer *transfer)
{
    for (size_t i = 0; i < LEN(numbers); i++) {
        if (told(numbers[i].option).number != numbers[i].value)
            fail_msg("%s is %lld", name_of(numbers[i].option),
                     (long long)told(numbers[i].option).number);
    }
    for (size_t i = 0; i < LEN(texts); i++) {
        const char *text = told(texts[i].option).pointer;

        if (text ? !texts[i].value || strcmp(text, texts[i].value) != 0 : texts[i].value != NULL)
            fail_msg("%s is %s", name_of(texts[i].option), text ? text : "NULL");
    }
    for (size_t i = 0; i < LEN(callbacks); i++) {
        const void *data = callbacks[i].outlives ? (const void *)transfer->client : transfer;

        if (told(callbacks[i].function).function != callbacks[i].value ||
            told(callbacks[i].data).pointer != data)
            fail_msg("%s is another one", name_of(callbacks[i].function));
    }
    assert_ptr_equal(told(CURLOPT_PRIVATE).pointer, transfer);
    assert_ptr_equal(told(CURLOPT_ERRORBUFFER).pointer, transfer->error);
    assert_ptr_equal(told(CURLOPT_CURLU).pointer, transfer->url->curl);
    assert_ptr_equal(told(CURLOPT_URL).pointer, transfer->url->text);
    assert_ptr_equal(told(CURLOPT_POSTFIELDS).pointer, transfer->request.body.data);
    assert_ptr_equal(told(CURLOPT_HTTPHEADER).pointer, transfer->headers);
}

/* --- tests --- */

static void each_option_has_its_value(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);

    (void)state;
    assert_non_null(transfer);
    assert_true(transfer->started);
    assert_false(transfer->bad_url);
    check_options(transfer);
}

/* ACCEPT_ENCODING, cookies, credentials: what is not named must not be set. */
static void no_other_option_is_set(void **state)
{
    size_t known = LEN(numbers) + LEN(texts) + 2 * LEN(callbacks) + OTHERS;
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);

    (void)state;
    check_options(transfer); /* each just once, so that the count says it all */
    assert_int_equal(record.told_len, known);
}

static void plain_http_is_a_protocol_unless_https_only(void **state)
{
    struct http_transfer *transfer = start(client_for(false), "http://host.example/hook", false);

    (void)state;
    assert_true(transfer->started && !transfer->bad_url);
    assert_string_equal(told(CURLOPT_PROTOCOLS_STR).pointer, "http,https");
    assert_string_equal(told(CURLOPT_REDIR_PROTOCOLS_STR).pointer, "https");
    transfer = start(client_for(true), "http://host.example/hook", false);
    assert_true(transfer->bad_url);
}

static void a_fresh_connection_is_asked_for(void **state)
{
    (void)state;
    start(client_for(true), "https://host.example/hook", true);
    assert_int_equal(told(CURLOPT_FRESH_CONNECT).number, 1);
}

/* Renewed or not, whatever the version of libcurl. */
static void a_handle_that_is_used_again_has_all_options(void **state)
{
    struct http_transfer *first = start(client_for(true), "https://host.example/hook", false);
    struct http_transfer *second;

    (void)state;
    http_transfer_cancel(first);
    if (curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100)
        return; /* what was told the first time still counts: nothing to see */
    second = start(client, "https://host.example/hook", false);
    assert_ptr_equal(second, first);
    check_options(second);
}

static void what_has_passed_is_taken_off_both_timeouts(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);

    (void)state;
    record.told_len = 0;
    assert_int_equal(transfer_set_timeouts(transfer, 5000), 0);
    assert_int_equal(told(CURLOPT_TIMEOUT_MS).number, 2000);
    assert_int_equal(told(CURLOPT_CONNECTTIMEOUT_MS).number, 2000);
    assert_int_equal(transfer_set_timeouts(transfer, 7000), -1); /* 0 would be no limit */
    assert_int_equal(transfer_set_timeouts(transfer, 7001), -1);
}

static void an_option_that_libcurl_refuses_stops_the_request(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);
    size_t calls = record.calls;

    (void)state;
    assert_true(transfer->started);
    for (size_t i = 1; i <= calls; i++) {
        record.calls = 0;
        record.refused_at = i;
        transfer = start(client_for(true), "https://host.example/hook", false);
        if (transfer && transfer->started)
            fail_msg("call %zu was refused, and the request is sent", i);
    }
}

/* But for Accept, which filters in front of receivers look for. */
static void headers_of_libcurl_are_left_out(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);
    const struct curl_slist *line = transfer->headers;
    size_t lines = 0;
    bool no_expect = false;

    (void)state;
    for (; line; line = line->next, lines++)
        no_expect = no_expect || strcmp(line->data, "Expect:") == 0;
    assert_int_equal(lines, transfer->request.headers_len + 1);
    assert_true(no_expect);
}

static void openssl_comes_back_after_each_record(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    (void)state;
    assert_non_null(context);
    assert_true(SSL_CTX_get_mode(context) & SSL_MODE_AUTO_RETRY); /* OpenSSL's own choice */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    assert_int_equal(on_ssl_context(transfer->easy, context, client), CURLE_OK);
    assert_false(SSL_CTX_get_mode(context) & SSL_MODE_AUTO_RETRY);
    assert_false(SSL_CTX_get_read_ahead(context));
    assert_true(SSL_CTX_get_options(context) & SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
    SSL_CTX_free(context);
}

static void tls_1_2_is_spoken_with_ecdhe_only(void **state)
{
    struct http_transfer *transfer = start(client_for(true), "https://host.example/hook", false);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    STACK_OF(SSL_CIPHER) * suites;

    (void)state;
    assert_non_null(context);
    assert_int_equal(on_ssl_context(transfer->easy, context, client), CURLE_OK);
    suites = SSL_CTX_get_ciphers(context);
    assert_true(sk_SSL_CIPHER_num(suites) > 3);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        int exchange = SSL_CIPHER_get_kx_nid(suite);

        assert_true(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
        assert_int_not_equal(SSL_CIPHER_get_auth_nid(suite), NID_auth_null);
    }
    SSL_CTX_free(context);
}

/* The URL that libcurl gets must be the one that was checked. */
static void a_url_that_libcurl_reads_otherwise_is_not_used(void **state)
{
    static const char *const others[] = {
        "http://host.example/",       "https://other.example/",       "https://host.example:444/",
        "https://user@host.example/", "https://host.example.attack/", "ftp://host.example/",
        "http://host.example:443/",
    };
    struct http_transfer *transfer = http_transfer_new(client_for(false));
    struct error_text why;
    struct url url;
    struct http_target target = {.url = &url, .timeout_ms = 1000, .connect_timeout_ms = 1000};

    (void)state;
    assert_int_equal(url_parse(BYTES("https://host.example/"), &url, &why), 0);
    target.url_text = "https://HOST.example:443/path";
    assert_int_equal(transfer_prepare(transfer, &target), 0);
    assert_false(transfer->bad_url);
    for (size_t i = 0; i < LEN(others); i++) {
        target.url_text = others[i];
        assert_int_equal(transfer_prepare(transfer, &target), 0);
        if (!transfer->bad_url)
            fail_msg("%s is used", others[i]);
    }
    http_transfer_drop(transfer);
}

static void an_ipv6_host_is_compared_as_an_address(void **state)
{
    struct http_transfer *transfer = http_transfer_new(client_for(false));
    struct error_text why;
    struct url url;
    struct http_target target = {.url = &url, .timeout_ms = 1000, .connect_timeout_ms = 1000};

    (void)state;
    assert_int_equal(url_parse(BYTES("https://[2600::1]/"), &url, &why), 0);
    target.url_text = "https://[2600:0:0:0:0:0:0:1]/";
    assert_int_equal(transfer_prepare(transfer, &target), 0);
    assert_false(transfer->bad_url);
    target.url_text = "https://[2600::2]/";
    assert_int_equal(transfer_prepare(transfer, &target), 0);
    assert_true(transfer->bad_url);
    target.url_text = "https://host.example/";
    assert_int_equal(transfer_prepare(transfer, &target), 0);
    assert_true(transfer->bad_url);
    http_transfer_drop(transfer);
}

/* It would be a dead letter bad-url. */
static void no_memory_for_a_url_is_no_bad_url(void **state)
{
    (void)state;
    for (int i = 1; i <= 5; i++) {
        struct http_transfer *transfer;

        short_at = i;
        transfer = start(client_for(true), "https://host.example/hook", false);
        assert_int_equal(short_at, 0); /* it was reached */
        if (transfer->started || transfer->bad_url)
            fail_msg("call %d: %s", i, transfer->bad_url ? "a bad URL" : "started");
    }
}

static void addresses_need_no_look_up(void **state)
{
    (void)state;
    assert_true(start(client_for(true), "https://93.184.216.34/", false)->host_is_address);
    assert_true(start(client_for(true), "https://[2600::1]/", false)->host_is_address);
    assert_false(start(client_for(true), "https://host.example/", false)->host_is_address);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_option_has_its_value),
        TEST(no_other_option_is_set),
        TEST(plain_http_is_a_protocol_unless_https_only),
        TEST(a_fresh_connection_is_asked_for),
        TEST(a_handle_that_is_used_again_has_all_options),
        TEST(what_has_passed_is_taken_off_both_timeouts),
        TEST(an_option_that_libcurl_refuses_stops_the_request),
        TEST(headers_of_libcurl_are_left_out),
        TEST(openssl_comes_back_after_each_record),
        TEST(tls_1_2_is_spoken_with_ecdhe_only),
        TEST(a_url_that_libcurl_reads_otherwise_is_not_used),
        TEST(an_ipv6_host_is_compared_as_an_address),
        TEST(no_memory_for_a_url_is_no_bad_url),
        TEST(addresses_need_no_look_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
