#include <errno.h>
#include <string.h>
#include <time.h>

#include "http/client_internal.h"
#include "http/retry_after.h"

static bool is_local_errno(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* libcurl has no code for it; its English is all there is. */
static bool no_resolver_thread(const struct http_transfer *transfer)
{
    return strstr(transfer->error, "thread failed to start") != NULL;
}

/* A pooled connection that ended as we asked: libcurl has tried some more of them by itself, and
 * found them dead too. What becomes of a fresh one is another matter. */
static bool died_in_pool(const struct http_transfer *transfer, CURLcode code)
{
    return (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING) &&
           transfer->asked && transfer->opened_len == 0 && transfer->all_header_bytes == 0;
}

/* No local port is left for connections to there. Over IPv6 the same number means that this machine
 * has no IPv6. */
static bool no_local_port(const struct http_transfer *transfer)
{
    long error = 0;
    return !transfer->tried_ipv6 &&
           curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error) == CURLE_OK &&
           error == EADDRNOTAVAIL;
}

static enum attempt_end end_of_connect(const struct http_transfer *transfer, CURLcode code)
{
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return no_resolver_thread(transfer) ? ATTEMPT_LOCAL : ATTEMPT_DNS;
    return is_local_errno(transfer->socket_errno) || no_local_port(transfer) ? ATTEMPT_LOCAL
                                                                             : ATTEMPT_CONNECT;
}

/* How a transfer without a final status ended. */
static enum attempt_end end_of(const struct http_transfer *transfer, CURLcode code)
{
    if (transfer->blocked) /* a name that exists inside is to look like one that does not exist */
        return transfer->host_is_address ? ATTEMPT_BLOCKED : ATTEMPT_DNS;
    if (transfer->dirty || died_in_pool(transfer, code))
        return ATTEMPT_DIRTY;
    if (transfer->no_lookup)
        return ATTEMPT_NO_LOOKUP;
    if (transfer->crowded)
        return ATTEMPT_CROWDED;
    if (proxy_refused(transfer))
        return ATTEMPT_CONNECT;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return ATTEMPT_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return end_of_connect(transfer, code);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return ATTEMPT_TLS;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
        return ATTEMPT_LOCAL;
    case CURLE_OUT_OF_MEMORY:
        /* A receiver can cause this code by one huge header. */
        return transfer->asked ? ATTEMPT_BROKEN : ATTEMPT_LOCAL;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
        /* The first of these is also the code for an answer that is not HTTP. */
        return transfer->asked ? ATTEMPT_BROKEN : ATTEMPT_BAD_URL;
    default:
        return ATTEMPT_BROKEN;
    }
}

static void tell_error(const struct http_transfer *transfer, enum attempt_end end, CURLcode code,
                       char *out, size_t size)
{
    const char *detail = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);
    char clean[120];
    if (end == ATTEMPT_BLOCKED) {
        snprintf(out, size, "the address is not allowed"); /* which one is nobody's business */
    } else if (end == ATTEMPT_DNS) {
        snprintf(out, size, "%s: the name leads to no address that webhooks may reach",
                 attempt_end_name(end));
    } else if (end == ATTEMPT_BAD_URL) {
        snprintf(out, size, "the URL is not allowed");
    } else if (end == ATTEMPT_NO_LOOKUP) {
        snprintf(out, size, "too many names are being looked up");
    } else if (end == ATTEMPT_CROWDED) {
        snprintf(out, size, "too many requests are under way to its address");
    } else if (transfer->not_http) {
        snprintf(out, size, "%s: the answer is not HTTP/1", attempt_end_name(end));
    } else {
        const char *reason = tls_reason(detail);
        bytes_printable(bytes_of(reason != NULL ? reason : detail), clean, sizeof(clean));
        snprintf(out, size, "%s: %s", attempt_end_name(end), clean);
    }
}

/* Of the final answer: libcurl keeps those of informational ones apart. Several say as little as
 * "5, 10": NULL, as when there is none. */
static const char *only_header(CURL *easy, const char *name)
{
    struct curl_header *header;
    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        header->amount != 1)
        return NULL;
    return header->value;
}

/* CURLINFO_RETRY_AFTER reads dates of other forms, and from libcurl 8.12 on is no more than six
 * hours. */
static int64_t asked_delay_ms(CURL *easy)
{
    const char *value = only_header(easy, "Retry-After");
    return value == NULL ? 0 : retry_after_ms(value, time(NULL));
}

void transfer_result(struct http_transfer *transfer, CURLcode code, struct http_result *ret_result)
{
    long status = 0;
    curl_off_t sent = 0;
    *ret_result = (struct http_result){0};
    ret_result->duration_ms = loop_now_ms() - transfer->started_at_ms;
    ret_result->reused = transfer->opened_len == 0;
    ret_result->response = (struct bytes){transfer->response, transfer->response_len};
    if (!transfer->started || transfer->bad_url) {
        ret_result->attempt.end = transfer->bad_url ? ATTEMPT_BAD_URL : ATTEMPT_LOCAL;
        tell_error(transfer, ret_result->attempt.end, code, ret_result->error,
                   sizeof(ret_result->error));
        return;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    ret_result->attempt.request_sent = sent == (curl_off_t)transfer->request.body.len;
    if (status >= 200 && !transfer->not_http) {
        ret_result->attempt.end = ATTEMPT_ANSWERED;
        ret_result->attempt.status = (int)status;
        ret_result->attempt.retry_after_ms = asked_delay_ms(transfer->easy);
        if (status < 400 && status >= 300)
            ret_result->location = bytes_of(only_header(transfer->easy, "Location"));
        return;
    }
    ret_result->attempt.end = end_of(transfer, code);
    tell_error(transfer, ret_result->attempt.end, code, ret_result->error,
               sizeof(ret_result->error));
}
