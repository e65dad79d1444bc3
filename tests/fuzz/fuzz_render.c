/*
 * Any bytes as an event, decoded and rendered for a hook; the first byte picks encoding and hook.
 * The body must be JSON that holds the event's parts as they are, the headers must be whole lines,
 * and the signature must be what another way of computing it gives.
 */
#include "fuzz.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_scan.h"
#include "http/render.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define NOW_S 1614265330
#define READ_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_ANY)

static const char *const hooks[] = {
    "{\"url\":\"https://host/\"}",
    "{\"url\":\"https://host/\",\"verificationSignature\":\"a\\\"b\\\\c\"}",
    "{\"url\":\"https://host/\",\"format\":\"bare\",\"secret\":\"" SECRET "\"}",
    "{\"url\":\"https://host/\",\"format\":\"cloudevents\"}",
    "{\"url\":\"https://host/\",\"format\":\"standard\",\"headers\":{\"X-A\":\"a: b\"}}",
};

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* Compact JSON: what is scanned comes out as it is. */
static bool is_compact(struct bytes text)
{
    struct json_scan scan;
    char *out = malloc(text.len + 1);
    bool same;

    must(out != NULL);
    json_scan_init(&scan, text, out, RH_EVENT_MAX_DEPTH + 2);
    (void)json_scan_value(&scan);
    same = json_scan_end(&scan) && (size_t)((char *)scan.out - out) == text.len &&
           memcmp(out, text.data, text.len) == 0;
    free(out);
    return same;
}

/* NULL also for JSON that jansson cannot hold: large numbers, halves of surrogate pairs, NUL in
 * keys. */
static json_t *read_json(struct bytes text)
{
    must(is_compact(text));
    return json_loadb(text.data, text.len, READ_FLAGS, NULL);
}

static void check_part(const json_t *data, const char *name, struct bytes part)
{
    json_t *expected = part.len > 0 ? read_json(part) : NULL;

    must((json_object_get(data, name) != NULL) == (part.len > 0));
    must(!expected || json_equal(json_object_get(data, name), expected));
    json_decref(expected);
}

static void check_body(struct bytes body, const struct event *event, const struct hook *hook)
{
    json_t *root = read_json(body);
    const json_t *data = hook->format == HOOK_FORMAT_BARE ? root : json_object_get(root, "data");
    const char *signature = json_string_value(
        json_object_get(json_object_get(root, "headers"), "Verification-Signature"));

    must(bytes_is_utf8(body) && !memchr(body.data, '\n', body.len));
    if (!root)
        return;
    must(json_is_object(data));
    check_part(data, "message", event->message);
    check_part(data, "fromUser", event->from_user);
    check_part(data, "room", event->room);
    must((signature != NULL) == (hook->verification_signature != NULL));
    must(!signature || strcmp(signature, hook->verification_signature) == 0);
    if (hook->format == HOOK_FORMAT_STANDARD)
        must(strlen(json_string_value(json_object_get(root, "timestamp"))) >= 24);
    json_decref(root);
}

static void check_signature(const char *value, struct bytes body, const struct hook_secret *secret)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char encoded[128] = "v1,";
    unsigned digest_len = 0;
    struct buffer text;

    buffer_init(&text, body.len + 64);
    buffer_append_format(&text, "id.%d.", NOW_S);
    buffer_append_bytes(&text, body);
    must(HMAC(EVP_sha256(), secret->key, (int)secret->key_len, (const unsigned char *)text.data,
              text.len, digest, &digest_len) != NULL);
    EVP_EncodeBlock(encoded + 3, digest, (int)digest_len);
    must(strcmp((const char *)encoded, value) == 0);
    buffer_release(&text);
}

static void check_headers(const struct request *request, const struct hook *hook)
{
    const char *text = request->header_text.data;
    size_t at = 0;
    bool is_signed = false;

    must(request->headers_len <= REQUEST_HEADERS_MAX);
    for (size_t i = 0; i < request->headers_len; i++) {
        const char *line = text + request->header_at[i];

        must(request->header_at[i] == at && !strpbrk(line, "\r\n") && strstr(line, ": "));
        at += strlen(line) + 1;
        if (strncmp(line, "webhook-signature: ", 19) != 0)
            continue;
        is_signed = true;
        check_signature(line + 19, buffer_bytes(&request->body), &hook->secrets[0]);
    }
    must(at == request->header_text.len && is_signed == (hook->secrets_len > 0));
}

static void check_rendered(const struct event *event, const char *hook_json)
{
    struct hook *hook = NULL;
    struct error_text why;
    struct request request;
    struct render_input input = {
        .event = event, .event_id = BYTES("id"), .queued_at_ms = 1, .now_s = NOW_S, .attempt = 1};

    must(hook_parse(BYTES("main"), bytes_of(hook_json), &hook, &why) == HOOK_OK);
    input.hook = hook;
    request_init(&request, SIZE_MAX / 4);
    must(render(&input, &request) == 0);
    check_body(buffer_bytes(&request.body), event, hook);
    check_headers(&request, hook);
    request_release(&request);
    hook_free(hook);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event event;
    struct error_text why;

    if (size == 0 || event_decode(data[0] & 1 ? RH_MSGPACK : RH_JSON,
                                  (struct bytes){(const char *)data + 1, size - 1}, &event, &why))
        return 0;
    check_rendered(&event, hooks[(data[0] >> 1) % (sizeof(hooks) / sizeof(hooks[0]))]);
    event_release(&event);
    return 0;
}
