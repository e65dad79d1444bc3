#include <string.h>

#include "contract/hook.h"

#define NAME_MAX_LEN 64

/*
 * Names a hook may not set; those ending in '*' stand for all that start so. What HTTP uses to
 * frame a message or to route it could smuggle a second request; what Roomhook sends itself must
 * not be forged; what proxies add is believed by the servers behind them, which would take the
 * request for another one or its sender for somebody else; the metadata names make a cloud's
 * metadata service answer a request it would else refuse.
 */
static const char *const denied_names[] = {
    /* framing, connection and routing */
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
    "Proxy", /* CGI makes it HTTP_PROXY: CVE-2016-5385 */
    "Proxy-*",
    /* what the body is, and which part or coding of the answer is wanted */
    "Content-Type",
    "Content-Encoding",
    "Content-Range",
    "Range",
    "If-Range",
    "Accept-Encoding",
    /* set by Roomhook */
    "User-Agent",
    "Verification-Signature",
    "webhook-*",
    "traceparent",
    "tracestate",
    /* another method, path, host or sender than the request has */
    "X-HTTP-Method*",
    "X-Method-Override",
    "X-Original-*",
    "X-Rewrite-*",
    "X-Forwarded*",
    "Forwarded",
    "X-Host",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Azure-ClientIP",
    "X-Azure-SocketIP",
    "X-Override-URL",
    "X-Envoy-*",
    "X-Remote-*",
    "Remote-*",
    "Client-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "Fly-Client-IP",
    "CF-Connecting-IP*",
    /* a browser's session */
    "Cookie",
    "Cookie2",
    /* metadata services */
    "Metadata",
    "Metadata-*",
    "X-aws-ec2-metadata-token*",
    "X-Google-Metadata-Request",
    "X-aliyun-ecs-metadata-token*",
};

/* An underscore is as good as a hyphen: CGI and what came after it take both for one name. */
static bool name_matches(struct bytes name, struct bytes pattern)
{
    char folded[NAME_MAX_LEN];

    if (pattern.data[pattern.len - 1] == '*') {
        pattern.len--;
        name.len = name.len < pattern.len ? name.len : pattern.len;
    }
    if (name.len != pattern.len || name.len > sizeof(folded))
        return false;
    for (size_t i = 0; i < name.len; i++)
        folded[i] = name.data[i] == '_' ? '-' : name.data[i];
    return bytes_equal_nocase((struct bytes){folded, name.len}, pattern);
}

/* A token of RFC 9110 §5.6.2. */
static bool is_token(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return name.len > 0;
}

static int check_value(struct bytes value, const char *shown_name, struct error_text *why)
{
    if (value.len == 0 || value.len > HOOK_MAX_HEADER_VALUE) {
        /* An empty one would not be sent at all: libcurl takes it as an order to leave the
         * header out. */
        error_text_set(why, "headers: the value of \"%s\" has %zu bytes, 1..%d are allowed",
                       shown_name, value.len, HOOK_MAX_HEADER_VALUE);
        return -1;
    }
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        /* A line break here would start a header of the stranger's own. */
        if ((c < 0x20 || c > 0x7e) && c != '\t') {
            error_text_set(why,
                           "headers: the value of \"%s\" may hold only printable ASCII and tabs",
                           shown_name);
            return -1;
        }
    }
    return 0;
}

int hook_header_check(struct bytes name, struct bytes value, struct error_text *why)
{
    char shown[NAME_MAX_LEN + 1];

    bytes_printable(name, shown, sizeof(shown));
    if (name.len > NAME_MAX_LEN || !is_token(name)) {
        error_text_set(why, "headers: \"%s\" is not a header name of 1..%d characters", shown,
                       NAME_MAX_LEN);
        return -1;
    }
    for (size_t i = 0; i < sizeof(denied_names) / sizeof(denied_names[0]); i++) {
        if (name_matches(name, bytes_of(denied_names[i]))) {
            error_text_set(why, "headers: \"%s\" may not be set by a hook", shown);
            return -1;
        }
    }
    return check_value(hook_header_trim(value), shown, why);
}

struct bytes hook_header_trim(struct bytes value)
{
    while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = (struct bytes){value.data + 1, value.len - 1};
    while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}
