#include "cli/hook/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/terminal/json_output.h"
#include "contract/json_text.h"
#include "contract/parse.h"

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
static void put_accept_status(struct buffer *out, const struct hook *hook)
{
    for (size_t i = 0; i < hook->accept_status_len; i++)
        buffer_append_format(out, "%s%d", i > 0 ? "," : "", hook->accept_status[i]);
}

/* "message.created,reaction.*" */
static void put_types(struct buffer *out, const struct hook *hook)
{
    for (size_t i = 0; i < hook->types_len; i++)
        buffer_append_format(out, "%s%s", i > 0 ? "," : "", hook->types[i]);
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
    if (hook->description)
        object_put_text(line, "description", bytes_of(hook->description));
    object_put_text(line, "url", bytes_of(hook->url_text));
    object_put_text(line, "format", bytes_of(hook_format_name(hook->format)));
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
        put_accept_status(line, hook);
        buffer_append_char(line, ']');
    }
    if (hook->rate_limit[0] != '\0')
        object_put_text(line, "rateLimit", bytes_of(hook->rate_limit));
}

/* --- rows --- */

void hook_print_row(const char *name, const char *value)
{
    (void)printf("%-22s %s\n", name, value);
}

static void print_number(const char *name, int64_t number)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    hook_print_row(name, text);
}

static void print_duration(const char *name, int64_t ms)
{
    char text[NUMBER_SIZE];

    if (ms > 0)
        hook_print_row(name, format_duration(ms, text, sizeof(text)));
}

/* What put writes; no row when it writes nothing. */
static int print_list(const char *name, const struct hook *hook,
                      void (*put)(struct buffer *out, const struct hook *hook))
{
    struct buffer text;

    buffer_init(&text, HOOK_JSON_MAX);
    put(&text, hook);
    bool failed = buffer_failed(&text);
    if (!failed && text.len > 0)
        hook_print_row(name, text.data);
    buffer_release(&text);
    return failed ? -1 : 0;
}

int hook_print(const struct room_id *room, const struct hook *hook, bool shows_signature)
{
    hook_print_row("room", room->text);
    hook_print_row("id", hook->id);
    if (hook->description)
        hook_print_row("description", hook->description);
    hook_print_row("url", hook->url_text);
    hook_print_row("format", hook_format_name(hook->format));
    if (!hook->enabled)
        hook_print_row("enabled", "no");
    if (hook->verification_signature)
        hook_print_row("verificationSignature", hook_signature_shown(hook, shows_signature));
    if (hook->secrets_len > 0)
        print_number("secrets", (int64_t)hook->secrets_len);
    if (hook->rate_limit[0] != '\0')
        hook_print_row("rateLimit", hook->rate_limit);
    print_duration("timeout", hook->timeout_ms);
    print_duration("maxAge", hook->max_age_ms);
    if (print_list("types", hook, put_types) < 0 ||
        print_list("acceptStatus", hook, put_accept_status) < 0)
        return -1;
    return print_list("headers", hook, hook_put_header_names);
}
