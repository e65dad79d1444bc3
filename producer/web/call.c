#include "web/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/dead/filter.h"
#include "admin/hook/state.h"
#include "admin/lane/find.h"
#include "admin/task/task.h"
#include "contract/dead_letter.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define BODY_TYPE "application/json"
#define SHOWN_SIZE 48

/* --- decoding --- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *at, of an escape too; moves *at to its last character. -1: the escape is wrong. */
static int decode_byte(struct bytes text, size_t *at)
{
    if (text.data[*at] != '%')
        return (unsigned char)text.data[*at];
    int high = *at + 2 < text.len ? hex_value(text.data[*at + 1]) : -1;
    int low = *at + 2 < text.len ? hex_value(text.data[*at + 2]) : -1;
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Percent-decoded, NUL-terminated, in call->text. NULL: an escape is wrong, is NUL, or the text
 * too long. */
static const char *decode(struct call *call, struct bytes text)
{
    char *out = call->text + call->text_len;
    size_t len = 0;

    if (text.len + 1 > sizeof(call->text) - call->text_len)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        int c = decode_byte(text, &i);
        if (c <= 0)
            return NULL;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    call->text_len += len + 1;
    return out;
}

/* --- parameters --- */

static bool is_lane_hook(struct bytes text)
{
    if (text.len > 0 && text.data[0] == ':')
        return text.len == HOOK_FINGERPRINT_SIZE &&
               strspn(text.data + 1, "0123456789abcdef") == text.len - 1;
    return parse_is_name(text);
}

/* Does a value fit its kind? Times are left to the handler, which knows what time it is. */
static bool is_valid(const struct parameter *parameter, struct bytes value)
{
    enum hook_condition condition;
    enum dead_reason reason;
    struct lane_place place;
    struct room_id room;
    int64_t number;
    uint64_t cursor;
    uint64_t seq;

    switch (parameter->kind) {
    case PARAMETER_NUMBER:
        return parse_int64(value, parameter->min, parameter->max, &number) == 0;
    case PARAMETER_FLAG:
        return bytes_equal_text(value, "true") || bytes_equal_text(value, "false");
    case PARAMETER_ROOM:
        return room_id_of_text(value, &room) == 0;
    case PARAMETER_HOOK:
        return parse_is_name(value);
    case PARAMETER_LANE:
        return is_lane_hook(value);
    case PARAMETER_REASON:
        return dead_reason_parse(value, &reason) == 0;
    case PARAMETER_STATE:
        return hook_condition_parse(value, &condition) == 0;
    case PARAMETER_DURATION:
        return parse_duration_ms(value, parameter->min, parameter->max, &number) == 0;
    case PARAMETER_PLACE:
        return lane_place_parse(value, &place) == 0;
    case PARAMETER_CURSOR:
        return parse_uint64(value, UINT64_MAX, &cursor) == 0;
    case PARAMETER_LETTER:
        return parse_stream_id(value, &cursor, &seq) == 0;
    case PARAMETER_RATE:
        return parse_rate(value, &number) == 0;
    case PARAMETER_TIME:
        return value.len > 0;
    }
    return false;
}

static void refuse_value(struct call *call, const struct parameter *parameter)
{
    answer_refuse(&call->answer, 400, "parameter", "parameter %s is not valid: %s", parameter->name,
                  parameter->about);
}

static const struct parameter *find_parameter(const struct route *route, struct bytes name,
                                              size_t *ret_index)
{
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i].name != NULL; i++) {
        if (bytes_equal_text(name, route->parameters[i].name)) {
            *ret_index = i;
            return &route->parameters[i];
        }
    }
    return NULL;
}

static void refuse_name(struct call *call, struct bytes name)
{
    char shown[SHOWN_SIZE];
    struct buffer allowed;

    buffer_init(&allowed, 160);
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && call->route->parameters[i].name != NULL; i++)
        buffer_append_format(&allowed, "%s%s", i > 0 ? ", " : "", call->route->parameters[i].name);
    answer_refuse(&call->answer, 400, "parameter", "parameter \"%s\" is not known here; there %s%s",
                  bytes_printable(name, shown, sizeof(shown)), allowed.len > 0 ? "is " : "is none",
                  allowed.len > 0 && !buffer_failed(&allowed) ? allowed.data : "");
    buffer_release(&allowed);
}

static bool read_parameter(struct call *call, struct bytes pair)
{
    const char *equals = memchr(pair.data, '=', pair.len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair.data) : pair.len;
    struct bytes name = {pair.data, name_len};
    struct bytes value = {pair.data + name_len, 0};
    size_t index = 0;

    if (equals != NULL)
        value = (struct bytes){equals + 1, pair.len - name_len - 1};
    const struct parameter *parameter = find_parameter(call->route, name, &index);
    if (parameter == NULL) {
        refuse_name(call, name);
        return false;
    }
    if (call->values[index] != NULL) {
        answer_refuse(&call->answer, 400, "parameter", "parameter %s is given twice",
                      parameter->name);
        return false;
    }
    call->values[index] = decode(call, value);
    if (call->values[index] == NULL || !is_valid(parameter, bytes_of(call->values[index]))) {
        refuse_value(call, parameter);
        return false;
    }
    return true;
}

static bool read_query(struct call *call, struct bytes query)
{
    while (query.len > 0) {
        const char *end = memchr(query.data, '&', query.len);
        struct bytes pair = {query.data, end != NULL ? (size_t)(end - query.data) : query.len};
        size_t used = pair.len + (end != NULL ? 1 : 0);
        query = (struct bytes){query.data + used, query.len - used};
        if (pair.len > 0 && !read_parameter(call, pair))
            return false;
    }
    return true;
}

/* --- the path --- */

static bool read_event(struct call *call, struct bytes event)
{
    const char *text;

    if (event.data == NULL ||
        ((text = decode(call, event)) != NULL && parse_is_name(bytes_of(text)) &&
         bytes_copy_text(bytes_of(text), call->event_id, sizeof(call->event_id))))
        return true;
    answer_refuse(&call->answer, 400, "event",
                  "an event's id must be 1 to %d characters of A-Z a-z 0-9 _ -", RH_NAME_MAX);
    return false;
}

/* The id of a letter or a task. */
static bool read_stream_id(struct call *call, struct bytes id, const char *name,
                           char out[RH_STREAM_ID_SIZE])
{
    const char *text;
    uint64_t ms;
    uint64_t seq;

    if (id.data == NULL ||
        ((text = decode(call, id)) != NULL && parse_stream_id(bytes_of(text), &ms, &seq) == 0 &&
         bytes_copy_text(bytes_of(text), out, RH_STREAM_ID_SIZE)))
        return true;
    answer_refuse(&call->answer, 400, name, "a %s's id is like 1667548137257-0", name);
    return false;
}

static bool read_path(struct call *call, struct bytes path)
{
    struct bytes room = route_part(call->route, path, "room");
    struct bytes hook = route_part(call->route, path, "hook");
    struct bytes lane = route_part(call->route, path, "lane");
    struct bytes id = hook.data != NULL ? hook : lane;
    const char *text;

    if (room.data != NULL &&
        ((text = decode(call, room)) == NULL || room_id_of_text(bytes_of(text), &call->room) < 0)) {
        answer_refuse(&call->answer, 400, "room", "the room must be %s", ROOM_ID_ALLOWED);
        return false;
    }
    if (id.data != NULL &&
        ((text = decode(call, id)) == NULL ||
         !(hook.data != NULL ? parse_is_name(bytes_of(text)) : is_lane_hook(bytes_of(text))) ||
         !bytes_copy_text(bytes_of(text), call->hook_id, sizeof(call->hook_id)))) {
        answer_refuse(&call->answer, 400, "hook",
                      "the hook's id must be 1 to %d characters of A-Z a-z 0-9 _ -%s", RH_NAME_MAX,
                      hook.data != NULL ? "" : ", or \":\" and 16 hex digits");
        return false;
    }
    return read_stream_id(call, route_part(call->route, path, "letter"), "letter",
                          call->letter_id) &&
           read_stream_id(call, route_part(call->route, path, "task"), "task", call->task_id) &&
           read_event(call, route_part(call->route, path, "event"));
}

/* --- the body --- */

static bool is_json_type(struct bytes type)
{
    size_t len = sizeof(BODY_TYPE) - 1;

    return type.len >= len &&
           bytes_equal_nocase((struct bytes){type.data, len}, BYTES(BODY_TYPE)) &&
           (type.len == len || type.data[len] == ';' || type.data[len] == ' ');
}

static bool read_body(struct call *call, struct bytes body, struct bytes type)
{
    struct error_text why;
    bool no_memory;

    if (call->route->body == NULL) {
        if (body.len == 0)
            return true;
        answer_refuse(&call->answer, 400, "body", "there is no body here");
        return false;
    }
    if (!is_json_type(type)) {
        answer_refuse(&call->answer, 415, "body", "the body must be of type " BODY_TYPE);
        return false;
    }
    call->body = json_read(body, JSON_NUL_REFUSED, &no_memory, &why);
    if (json_is_object(call->body))
        return true;
    if (call->body != NULL)
        answer_refuse(&call->answer, 400, "body", "the body must be a JSON object");
    else
        answer_refuse(&call->answer, no_memory ? 503 : 400, "body",
                      "the body must be a JSON object: %s", why.text);
    return false;
}

bool call_read(struct call *call, struct bytes path, struct bytes query, struct bytes body,
               struct bytes content_type)
{
    return read_path(call, path) && read_query(call, query) && read_body(call, body, content_type);
}

bool call_is_complete(struct call *call)
{
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && call->route->parameters[i].name != NULL; i++) {
        const struct parameter *parameter = &call->route->parameters[i];
        if (!parameter->is_required || call->values[i] != NULL)
            continue;
        answer_refuse(&call->answer, 400, "parameter", "parameter %s is needed: %s",
                      parameter->name, parameter->about);
        return false;
    }
    return true;
}

void call_release(struct call *call)
{
    json_decref(call->body);
    call->body = NULL;
}

/* --- asking --- */

const char *call_value(const struct call *call, const char *name)
{
    size_t index = 0;

    return find_parameter(call->route, bytes_of(name), &index) != NULL ? call->values[index] : NULL;
}

bool call_flag(const struct call *call, const char *name)
{
    const char *value = call_value(call, name);

    return value != NULL && strcmp(value, "true") == 0;
}

int64_t call_number(const struct call *call, const char *name, int64_t otherwise)
{
    const char *value = call_value(call, name);
    int64_t number = otherwise;

    if (value != NULL)
        (void)parse_int64(bytes_of(value), INT64_MIN, INT64_MAX, &number);
    return number;
}

bool call_time(const struct call *call, struct session *session, const char *name, int64_t now_ms,
               int64_t *ret_ms)
{
    const char *value = call_value(call, name);

    if (value == NULL || dead_time_parse(bytes_of(value), now_ms, ret_ms) == 0)
        return true;
    session_refused(session, ADMIN_INVALID,
                    "parameter %s is not valid: an age up to 3650d, like 2h, or a UTC time like "
                    "2022-11-04T08:28:57Z",
                    name);
    return false;
}

void call_rate(const struct call *call, int64_t *ret_rate)
{
    const char *value = call_value(call, "rate");

    if (value != NULL)
        (void)parse_rate(bytes_of(value), ret_rate);
}
