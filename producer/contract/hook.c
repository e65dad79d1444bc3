#include "contract/hook.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "contract/json_read.h"
#include "contract/json_text.h"
#include "contract/parse.h"
#include "contract/utf8.h"

#define MAX_AGE_MIN_MS 1000
#define TIMEOUT_MIN_MS 100
#define DURATION_MAX_MS INT64_C(315360000000) /* ten years: more cannot be a wish, only a slip */

/* --- one reader for each key; each returns an enum hook_problem and sets why --- */

typedef int (*read_key_fn)(struct hook *hook, json_t *value, struct error_text *why);

static int out_of_memory(struct error_text *why)
{
    error_text_set(why, "out of memory");
    return HOOK_NO_MEMORY;
}

static int read_url(struct hook *hook, json_t *value, struct error_text *why)
{
    if (!json_is_string(value)) {
        error_text_set(why, "url: must be a string");
        return HOOK_BAD;
    }
    if (url_parse(json_text_of(value), &hook->url, why))
        return HOOK_BAD_URL;
    hook->url_text = strdup(json_string_value(value));
    return hook->url_text ? HOOK_OK : out_of_memory(why);
}

static int read_signature(struct hook *hook, json_t *value, struct error_text *why)
{
    struct bytes text = json_text_of(value);
    bool visible = json_is_string(value) && text.len > 0 && text.len <= HOOK_SIGNATURE_MAX;

    for (size_t i = 0; visible && i < text.len; i++)
        visible = text.data[i] > 0x20 && text.data[i] < 0x7f;
    if (!visible) {
        error_text_set(why, "verificationSignature: must be 1..%d visible ASCII characters",
                       HOOK_SIGNATURE_MAX);
        return HOOK_BAD;
    }
    hook->verification_signature = strdup(text.data);
    return hook->verification_signature ? HOOK_OK : out_of_memory(why);
}

/* Of a reader in another file: 0, -1 or -2. */
static int problem_of(int result)
{
    if (result == 0)
        return HOOK_OK;
    return result == -2 ? HOOK_NO_MEMORY : HOOK_BAD;
}

static int read_secrets(struct hook *hook, json_t *value, struct error_text *why)
{
    return problem_of(hook_secrets_read(value, &hook->secrets, &hook->secrets_len, why));
}

static int read_types(struct hook *hook, json_t *value, struct error_text *why)
{
    return problem_of(hook_types_read(hook, value, why));
}

static int read_description(struct hook *hook, json_t *value, struct error_text *why)
{
    struct bytes rest = json_text_of(value);
    bool is_valid = json_is_string(value) && rest.len > 0;

    for (int i = 0; is_valid && rest.len > 0; i++) {
        uint32_t code;
        size_t len = utf8_first(rest, &code);

        rest = (struct bytes){rest.data + len, rest.len - len};
        is_valid = i < HOOK_DESCRIPTION_MAX && !utf8_is_control(code);
    }
    if (!is_valid) {
        error_text_set(why, "description: must be 1..%d characters, without control characters",
                       HOOK_DESCRIPTION_MAX);
        return HOOK_BAD;
    }
    hook->description = strdup(json_string_value(value));
    return hook->description ? HOOK_OK : out_of_memory(why);
}

static int read_transport(struct hook *hook, json_t *value, struct error_text *why)
{
    if (!json_is_string(value) || !parse_is_name(json_text_of(value))) {
        error_text_set(why, "transport: must be 1..%d of A-Z a-z 0-9 _ -", RH_NAME_MAX);
        return HOOK_BAD;
    }
    hook->transport = strdup(json_string_value(value));
    return hook->transport ? HOOK_OK : out_of_memory(why);
}

static int read_format(struct hook *hook, json_t *value, struct error_text *why)
{
    return problem_of(hook_format_read(value, &hook->format, why));
}

static int read_template(struct hook *hook, json_t *value, struct error_text *why)
{
    static const struct template_rules rules = {0};
    int result = template_parse(value, &rules, &hook->template, why);
    struct buffer text;

    if (result != 0)
        return problem_of(result);
    buffer_init(&text, TEMPLATE_BYTES_MAX);
    (void)json_put_value(&text, value, TEMPLATE_DEPTH_MAX);
    hook->template_json = buffer_take(&text);
    return hook->template_json ? HOOK_OK : out_of_memory(why);
}

/* What comes of format and template together. */
static int finish_format(struct hook *hook, const json_t *root, struct error_text *why)
{
    if (!hook->template_json)
        return problem_of(hook_format_template(hook->format, &hook->template, why));
    if (json_object_get(root, "format")) {
        error_text_set(why, "template: a hook with a template has no format");
        return HOOK_BAD;
    }
    hook->format = HOOK_FORMAT_TEMPLATE;
    return HOOK_OK;
}

/* Two spellings of one name would reach the receiver as one header with both values. */
static bool has_header(const struct hook *hook, struct bytes name)
{
    for (char **line = hook->headers; *line; line++) {
        if (strlen(*line) > name.len && (*line)[name.len] == ':' &&
            bytes_equal_nocase((struct bytes){*line, name.len}, name))
            return true;
    }
    return false;
}

static int read_one_header(struct hook *hook, struct bytes name, json_t *value,
                           struct error_text *why)
{
    char shown[80];
    struct buffer line;
    char *text;

    if (!json_is_string(value)) {
        error_text_set(why, "headers: the value of \"%s\" must be a string",
                       bytes_printable(name, shown, sizeof(shown)));
        return HOOK_BAD;
    }
    if (hook_header_check(name, json_text_of(value), why))
        return HOOK_BAD;
    if (has_header(hook, name)) {
        error_text_set(why, "headers: \"%s\" is given twice",
                       bytes_printable(name, shown, sizeof(shown)));
        return HOOK_BAD;
    }
    buffer_init(&line, name.len + 2 + HOOK_MAX_HEADER_VALUE);
    buffer_append_bytes(&line, name);
    buffer_append_text(&line, ": ");
    buffer_append_bytes(&line, hook_header_trim(json_text_of(value)));
    text = buffer_take(&line);
    if (!text)
        return out_of_memory(why);
    hook->headers[hook->headers_len++] = text;
    return HOOK_OK;
}

static int read_headers(struct hook *hook, json_t *value, struct error_text *why)
{
    size_t len = json_object_size(value);

    if (!json_is_object(value) || len > HOOK_MAX_HEADERS) {
        error_text_set(why, "headers: must be an object of at most %d headers", HOOK_MAX_HEADERS);
        return HOOK_BAD;
    }
    hook->headers = calloc(len + 1, sizeof(*hook->headers)); /* NULL behind the last */
    if (!hook->headers)
        return out_of_memory(why);
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
        struct bytes name = {json_object_iter_key(at), json_object_iter_key_len(at)};
        int problem = read_one_header(hook, name, json_object_iter_value(at), why);

        if (problem)
            return problem;
    }
    return HOOK_OK;
}

static int read_enabled(struct hook *hook, json_t *value, struct error_text *why)
{
    if (!json_is_boolean(value)) {
        error_text_set(why, "enabled: must be true or false");
        return HOOK_BAD;
    }
    hook->enabled = json_is_true(value);
    return HOOK_OK;
}

static int read_max_age(struct hook *hook, json_t *value, struct error_text *why)
{
    if (json_is_string(value) &&
        !parse_duration_ms(json_text_of(value), MAX_AGE_MIN_MS, DURATION_MAX_MS, &hook->max_age_ms))
        return HOOK_OK;
    error_text_set(why, "maxAge: must be a duration from \"1s\" to \"3650d\"");
    return HOOK_BAD;
}

static int read_timeout(struct hook *hook, json_t *value, struct error_text *why)
{
    if (json_is_string(value) &&
        !parse_duration_ms(json_text_of(value), TIMEOUT_MIN_MS, DURATION_MAX_MS, &hook->timeout_ms))
        return HOOK_OK;
    error_text_set(why, "timeout: must be a duration from \"100ms\" to \"3650d\"");
    return HOOK_BAD;
}

static int read_accept_status(struct hook *hook, json_t *value, struct error_text *why)
{
    size_t len = json_array_size(value); /* 0 of what is no list */
    bool is_valid = len >= 1 && len <= HOOK_ACCEPT_STATUS_MAX;

    for (size_t i = 0; is_valid && i < len; i++) {
        json_int_t status = json_integer_value(json_array_get(value, i)); /* 0 of others */

        is_valid = status >= HOOK_STATUS_LEAST && status <= HOOK_STATUS_MOST;
        hook->accept_status[i] = (int)status;
    }
    if (!is_valid) {
        error_text_set(why, "acceptStatus: must be a list of 1 to %d HTTP statuses from %d to %d",
                       HOOK_ACCEPT_STATUS_MAX, HOOK_STATUS_LEAST, HOOK_STATUS_MOST);
        return HOOK_BAD;
    }
    hook->accept_status_len = len;
    return HOOK_OK;
}

static int read_rate_limit(struct hook *hook, json_t *value, struct error_text *why)
{
    struct bytes text = json_text_of(value);

    if (json_is_string(value) && bytes_copy_text(text, hook->rate_limit, HOOK_RATE_TEXT_SIZE) &&
        !parse_rate_us(text, HOOK_RATE_MAX, &hook->rate_interval_us))
        return HOOK_OK;
    error_text_set(why, "rateLimit: must be like \"10/s\": 1 to %d, then /s, /m or /h",
                   HOOK_RATE_MAX);
    return HOOK_BAD;
}

static const struct hook_key {
    const char *name;
    read_key_fn read;
} hook_keys[] = {
    {"url", read_url},
    {"verificationSignature", read_signature},
    {"secret", read_secrets},
    {"format", read_format},
    {"template", read_template},
    {"headers", read_headers},
    {"enabled", read_enabled},
    {"maxAge", read_max_age},
    {"timeout", read_timeout},
    {"types", read_types},
    {"description", read_description},
    {"acceptStatus", read_accept_status},
    {"rateLimit", read_rate_limit},
    {"transport", read_transport},
};

#define HOOK_KEYS_LEN (sizeof(hook_keys) / sizeof(hook_keys[0]))

/* --- the whole hook --- */

static int read_key(struct hook *hook, struct bytes key, json_t *value, struct error_text *why)
{
    char shown[80];

    for (size_t i = 0; i < HOOK_KEYS_LEN; i++) {
        if (bytes_equal_text(key, hook_keys[i].name))
            return hook_keys[i].read(hook, value, why);
    }
    error_text_set(
        why,
        "unknown key \"%s\"; allowed are url, verificationSignature, secret, format, template, "
        "headers, types, description, enabled, maxAge, timeout, acceptStatus, rateLimit, transport",
        bytes_printable(key, shown, sizeof(shown)));
    return HOOK_BAD;
}

static int read_keys(struct hook *hook, json_t *root, struct error_text *why)
{
    if (!json_is_object(root)) {
        error_text_set(why, "the hook must be a JSON object");
        return HOOK_BAD;
    }
    for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
        struct bytes key = {json_object_iter_key(at), json_object_iter_key_len(at)};
        int problem = read_key(hook, key, json_object_iter_value(at), why);

        if (problem)
            return problem;
    }
    if (!hook->url_text) {
        error_text_set(why, "url: is missing");
        return HOOK_BAD;
    }
    return finish_format(hook, root, why);
}

/* The header line that holds credentials by its definition, or NULL. */
static const char *authorization(const struct hook *hook)
{
    static const char name[] = "Authorization: ";

    for (size_t i = 0; i < hook->headers_len; i++) {
        if (strncasecmp(hook->headers[i], name, sizeof(name) - 1) == 0)
            return hook->headers[i] + sizeof(name) - 1;
    }
    return NULL;
}

/* SHA-256 over url, NUL, signature, NUL, the keys and, behind a NUL, the value of Authorization if
 * it has one, and, behind a byte 1, its transport: a hook that was changed starts with a clean
 * shared state, and one who registers another's URL does not share it. */
static int set_fingerprint(struct hook *hook, struct error_text *why)
{
    const char *signature = hook->verification_signature ? hook->verification_signature : "";
    EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
    const char *header = authorization(hook);
    unsigned char digest[EVP_MAX_MD_SIZE];
    bool done = sha256 && EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(sha256, hook->url_text, strlen(hook->url_text) + 1) == 1 &&
                EVP_DigestUpdate(sha256, signature, strlen(signature) + 1) == 1;

    for (size_t i = 0; done && i < hook->secrets_len; i++)
        done = EVP_DigestUpdate(sha256, hook->secrets[i].key, hook->secrets[i].key_len) == 1;
    if (done && header)
        done = EVP_DigestUpdate(sha256, "", 1) == 1 &&
               EVP_DigestUpdate(sha256, header, strlen(header)) == 1;
    if (done && hook->transport)
        done = EVP_DigestUpdate(sha256, "\1", 1) == 1 &&
               EVP_DigestUpdate(sha256, hook->transport, strlen(hook->transport)) == 1;
    done = done && EVP_DigestFinal_ex(sha256, digest, NULL) == 1;
    EVP_MD_CTX_free(sha256);
    if (!done)
        return out_of_memory(why);
    for (size_t i = 0; 2 * i + 1 < sizeof(hook->fingerprint); i++)
        snprintf(hook->fingerprint + 2 * i, 3, "%02x", digest[i]);
    return HOOK_OK;
}

/* Parses into hook, which may be left half-filled. */
static int fill_hook(struct hook *hook, struct bytes id, struct bytes json, struct error_text *why)
{
    bool no_memory;
    json_t *root;
    int problem;

    hook->enabled = true;
    if (!parse_is_name(id) || !bytes_copy_text(id, hook->id, sizeof(hook->id))) {
        error_text_set(why, "the hook's id must be 1..%d of A-Z a-z 0-9 _ -", RH_NAME_MAX);
        return HOOK_BAD;
    }
    if (json.len > HOOK_JSON_MAX) {
        error_text_set(why, "the hook has %zu bytes, at most %d are allowed", json.len,
                       HOOK_JSON_MAX);
        return HOOK_BAD;
    }
    root = json_read(json, JSON_NUL_REFUSED, &no_memory, why);
    if (!root)
        return no_memory ? HOOK_NO_MEMORY : HOOK_BAD;
    problem = read_keys(hook, root, why);
    json_decref(root);
    return problem ? problem : set_fingerprint(hook, why);
}

int hook_parse(struct bytes id, struct bytes json, struct hook **ret_hook, struct error_text *why)
{
    struct hook *hook = calloc(1, sizeof(*hook));
    int problem;

    if (!hook)
        return out_of_memory(why);
    problem = fill_hook(hook, id, json, why);
    if (problem) {
        hook_free(hook);
        return problem;
    }
    *ret_hook = hook;
    return HOOK_OK;
}

static void wipe_text(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void hook_free(struct hook *hook)
{
    if (!hook)
        return;
    wipe_text(hook->url_text); /* may hold a token */
    wipe_text(hook->verification_signature);
    hook_secrets_free(hook->secrets, hook->secrets_len);
    for (size_t i = 0; i < hook->headers_len; i++)
        wipe_text(hook->headers[i]); /* may be an Authorization */
    free(hook->headers);
    for (size_t i = 0; i < hook->types_len; i++)
        free(hook->types[i]);
    free(hook->types);
    free(hook->description);
    free(hook->transport);
    template_free(hook->template);
    wipe_text(hook->template_json);
    free(hook);
}
