#include "admin/hook/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/json_object.h"
#include "contract/json_text.h"
#include "contract/parse.h"
#include "contract/utf8.h"

#define NUMBER_SIZE 32

static void put_limit(struct buffer *out, const char *name, int64_t ms)
{
    char text[NUMBER_SIZE];

    if (ms > 0)
        buffer_append_format(out, "%s%s %s", out->len > 0 ? ", " : "", name,
                             format_duration(ms, text, sizeof(text)));
}

void hook_put_limits(struct buffer *out, const struct hook *hook)
{
    buffer_append_text(out, hook->rate_limit);
    put_limit(out, "timeout", hook->timeout_ms);
    put_limit(out, "max-age", hook->max_age_ms);
}

static struct bytes header_name(const struct hook *hook, size_t i)
{
    return (struct bytes){hook->headers[i], strcspn(hook->headers[i], ":")};
}

void hook_put_header_names(struct buffer *out, const struct hook *hook)
{
    for (size_t i = 0; i < hook->headers_len; i++) {
        buffer_append_text(out, i > 0 ? ", " : "");
        buffer_append_bytes(out, header_name(hook, i));
    }
}

/* "302,303" */
void hook_put_accept_status(struct buffer *out, const struct hook *hook)
{
    for (size_t i = 0; i < hook->accept_status_len; i++)
        buffer_append_format(out, "%s%d", i > 0 ? "," : "", hook->accept_status[i]);
}

/* "message.created,reaction.*" */
void hook_put_types(struct buffer *out, const struct hook *hook)
{
    for (size_t i = 0; i < hook->types_len; i++)
        buffer_append_format(out, "%s%s", i > 0 ? "," : "", hook->types[i]);
}

void hook_put_template(struct buffer *out, const struct hook *hook)
{
    struct bytes rest = bytes_of(hook->template_json);

    while (rest.len > 0) {
        uint32_t code;
        size_t used = utf8_first(rest, &code);

        if (code >= 0x10000)
            buffer_append_format(out, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10),
                                 0xdc00 + (code & 0x3ff));
        else if (code >= 0x7f)
            buffer_append_format(out, "\\u%04x", code);
        else
            buffer_append(out, rest.data, used);
        rest = (struct bytes){rest.data + used, rest.len - used};
    }
}

/* --- JSON --- */

static void put_duration(struct buffer *line, const char *name, int64_t ms)
{
    char text[NUMBER_SIZE];

    if (ms > 0)
        object_put_text(line, name, bytes_of(format_duration(ms, text, sizeof(text))));
}

static void put_headers(struct buffer *line, const struct hook *hook)
{
    object_put_int(line, "headers", (int64_t)hook->headers_len);
    if (hook->headers_len == 0)
        return;
    object_put_json(line, "headerNames", BYTES("["));
    for (size_t i = 0; i < hook->headers_len; i++) {
        buffer_append_text(line, i > 0 ? "," : "");
        json_put_untrusted(line, header_name(hook, i));
    }
    buffer_append_char(line, ']');
}

const char *hook_signature_shown(const struct hook *hook, bool shows_signature)
{
    return shows_signature || !hook->verification_signature ? hook->verification_signature : "****";
}

void hook_put_json(struct buffer *line, const struct room_id *room, const struct hook *hook,
                   bool shows_signature)
{
    object_put_room(line, "room", room);
    object_put_text(line, "id", bytes_of(hook->id));
    if (hook->transport)
        object_put_text(line, "transport", bytes_of(hook->transport));
    if (hook->description)
        object_put_text(line, "description", bytes_of(hook->description));
    object_put_text(line, "url", bytes_of(hook->url_text));
    object_put_text(line, "format", bytes_of(hook_format_name(hook->format)));
    if (hook->template_json)
        object_put_json(line, "template", bytes_of(hook->template_json));
    object_put_bool(line, "enabled", hook->enabled);
    if (!shows_signature)
        object_put_bool(line, "signature", hook->verification_signature != NULL);
    else if (hook->verification_signature)
        object_put_text(line, "verificationSignature", bytes_of(hook->verification_signature));
    object_put_int(line, "secrets", (int64_t)hook->secrets_len);
    put_headers(line, hook);
    put_duration(line, "maxAge", hook->max_age_ms);
    put_duration(line, "timeout", hook->timeout_ms);
    if (hook->types_len > 0) {
        object_put_json(line, "types", BYTES("["));
        for (size_t i = 0; i < hook->types_len; i++)
            buffer_append_format(line, "%s\"%s\"", i > 0 ? "," : "", hook->types[i]);
        buffer_append_char(line, ']');
    }
    if (hook->accept_status_len > 0) {
        object_put_json(line, "acceptStatus", BYTES("["));
        hook_put_accept_status(line, hook);
        buffer_append_char(line, ']');
    }
    if (hook->rate_limit[0] != '\0')
        object_put_text(line, "rateLimit", bytes_of(hook->rate_limit));
}

enum hook_condition hook_condition_of(const struct hook *hook, const struct stored_state *state,
                                      int64_t now_ms)
{
    return hook->enabled ? hook_state_condition(state, now_ms) : HOOK_DISABLED;
}

void hook_put_state(struct buffer *line, const struct hook *hook, const struct stored_state *state,
                    int64_t now_ms)
{
    hook_state_put_json(line, state, hook_condition_of(hook, state, now_ms));
}
