#include "http/render.h"

#include <roomhook/version.h>
#include <string.h>

#include "contract/json_text.h"
#include "contract/parse.h"
#include "contract/signature.h"

#define AROUND_DATA_SIZE 1024 /* what put_body adds, above all the signature, escaped */
#define OWN_HEADERS_SIZE 1024 /* all of put_headers' before the hook's own, four signatures long */

/* The hook's own headers with name, ": ", value and NUL, and as much as a header more for ours. */
#define HEADER_TEXT_MAX ((HOOK_MAX_HEADERS + 1) * (64 + 2 + HOOK_MAX_HEADER_VALUE + 1))

void request_init(struct request *request, size_t body_max)
{
    *request = (struct request){.headers_len = 0};
    buffer_init(&request->body, body_max);
    buffer_init(&request->header_text, HEADER_TEXT_MAX);
}

void request_release(struct request *request)
{
    buffer_wipe(&request->body);
    buffer_wipe(&request->header_text);
    request->headers_len = 0;
}

static void wipe_and_clear(struct buffer *buffer)
{
    if (buffer->len > 0)
        explicit_bzero(buffer->data, buffer->len);
    buffer_clear(buffer);
}

void request_clear(struct request *request)
{
    wipe_and_clear(&request->body);
    wipe_and_clear(&request->header_text);
    request->headers_len = 0;
}

/* Appends `"name":` and the part, unless the event has none. */
static void put_part(struct buffer *body, const char *name, struct bytes part)
{
    if (part.len == 0)
        return;
    buffer_append_text(body, name);
    buffer_append_bytes(body, part);
}

static void put_data(struct buffer *body, const struct event *event)
{
    put_part(body, "{\"message\":", event->message);
    put_part(body, ",\"fromUser\":", event->from_user);
    put_part(body, ",\"room\":", event->room);
    buffer_append_char(body, '}');
}

static void put_spika(struct buffer *body, const struct render_input *input)
{
    const char *signature = input->hook->verification_signature;

    buffer_append_text(body, "{\"data\":");
    put_data(body, input->event);
    buffer_append_text(body, ",\"headers\":{\"Content-Type\":\"application/json\"");
    if (signature) {
        buffer_append_text(body, ",\"Verification-Signature\":");
        json_put_string(body, bytes_of(signature));
    }
    buffer_append_text(body, "}}");
}

static struct template_values values_of(const struct render_input *input)
{
    return (struct template_values){input->event, input->event_id, input->queued_at_ms};
}

static void put_when(struct buffer *body, const struct render_input *input)
{
    struct template_values values = values_of(input);
    char when[32];

    buffer_append_text(body, format_iso8601(template_when_ms(&values), when, sizeof(when)));
}

static void put_standard(struct buffer *body, const struct render_input *input)
{
    buffer_append_text(body, "{\"type\":");
    json_put_string(body, input->event->type);
    buffer_append_text(body, ",\"timestamp\":\"");
    put_when(body, input);
    buffer_append_text(body, "\",\"data\":");
    put_data(body, input->event);
    buffer_append_char(body, '}');
}

/* A relative reference. Of a room's characters only one has a meaning in a path of a URI. */
static void put_source(struct buffer *body, struct bytes room)
{
    buffer_append_text(body, room.len > 0 ? "/rooms/" : "/rooms");
    for (size_t i = 0; i < room.len; i++) {
        if (room.data[i] == '#')
            buffer_append_text(body, "%23");
        else
            buffer_append_char(body, room.data[i]);
    }
}

/* Version 1.0 of the specification, structured. */
static void put_cloudevent(struct buffer *body, const struct render_input *input)
{
    buffer_append_text(body, "{\"specversion\":\"1.0\",\"id\":");
    json_put_string(body, input->event_id);
    buffer_append_text(body, ",\"source\":\"");
    put_source(body, room_id_bytes(&input->event->room_id));
    buffer_append_text(body, "\",\"type\":");
    json_put_string(body, input->event->type);
    buffer_append_text(body, ",\"time\":\"");
    put_when(body, input);
    buffer_append_text(body, "\",\"datacontenttype\":\"application/json\",\"data\":");
    put_data(body, input->event);
    buffer_append_char(body, '}');
}

static void put_template(struct buffer *body, const struct render_input *input)
{
    struct template_values values = values_of(input);

    template_render(input->hook->template, &values, body);
}

static void put_body(struct buffer *body, const struct render_input *input)
{
    switch (input->hook->format) {
    case HOOK_FORMAT_SPIKA:
        put_spika(body, input);
        break;
    case HOOK_FORMAT_BARE:
        put_data(body, input->event);
        break;
    case HOOK_FORMAT_STANDARD:
        put_standard(body, input);
        break;
    case HOOK_FORMAT_CLOUDEVENTS:
        put_cloudevent(body, input);
        break;
    case HOOK_FORMAT_SLACK:
    case HOOK_FORMAT_DISCORD:
    case HOOK_FORMAT_MATTERMOST:
    case HOOK_FORMAT_TEMPLATE:
        put_template(body, input);
        break;
    }
}

/* Starts a line; what is appended to the returned buffer until header_end belongs to it. */
static struct buffer *header_begin(struct request *request, const char *start)
{
    request->header_at[request->headers_len++] = request->header_text.len;
    buffer_append_text(&request->header_text, start);
    return &request->header_text;
}

static void header_end(struct request *request)
{
    buffer_append_char(&request->header_text, '\0');
}

static void put_line(struct request *request, const char *line)
{
    header_begin(request, line);
    header_end(request);
}

static void put_header(struct request *request, const char *start, struct bytes value)
{
    buffer_append_bytes(header_begin(request, start), value);
    header_end(request);
}

static int put_headers(struct request *request, const struct render_input *input)
{
    const struct hook *hook = input->hook;

    put_line(request, hook->format == HOOK_FORMAT_CLOUDEVENTS
                          ? "Content-Type: application/cloudevents+json"
                          : "Content-Type: application/json");
    if (hook->verification_signature)
        put_header(request, "Verification-Signature: ", bytes_of(hook->verification_signature));
    put_line(request, "User-Agent: Roomhook/" RH_VERSION);
    put_header(request, "webhook-id: ", input->event_id);
    buffer_append_int64(header_begin(request, "webhook-timestamp: "), input->now_s);
    header_end(request);
    put_header(request, "webhook-event: ", input->event->type);
    buffer_append_int64(header_begin(request, "webhook-attempt: "), input->attempt);
    header_end(request);
    if (hook->secrets_len > 0) {
        if (signature_append(header_begin(request, "webhook-signature: "), hook->secrets,
                             hook->secrets_len, input->event_id, input->now_s,
                             buffer_bytes(&request->body)))
            return -1;
        header_end(request);
    }
    if (input->event->hops > 0) {
        buffer_append_int64(header_begin(request, "webhook-hops: "), input->event->hops);
        header_end(request);
    }
    if (input->traceparent.len > 0)
        put_header(request, "traceparent: ", input->traceparent);
    for (size_t i = 0; i < hook->headers_len; i++)
        put_line(request, hook->headers[i]);
    return 0;
}

/* In one go: a buffer that grows leaves copies of what it held behind. */
static void reserve(const struct render_input *input, struct request *request)
{
    const struct event *event = input->event;
    const struct hook *hook = input->hook;
    size_t headers = OWN_HEADERS_SIZE;

    for (size_t i = 0; i < hook->headers_len; i++)
        headers += strlen(hook->headers[i]) + 1;
    buffer_reserve(&request->body, event->message.len + event->from_user.len + event->room.len +
                                       event->type.len + AROUND_DATA_SIZE);
    buffer_reserve(&request->header_text, headers);
}

int render(const struct render_input *input, struct request *request)
{
    request_clear(request);
    reserve(input, request);

    put_body(&request->body, input);
    if (buffer_failed(&request->body))
        return -1;
    if (put_headers(request, input))
        return -1;
    return buffer_failed(&request->header_text) ? -1 : 0;
}
