#include "queue/record.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "contract/json_read.h"
#include "contract/json_text.h"
#include "contract/parse.h"

/* --- encode --- */

static void put_number(struct buffer *out, const char *key, int64_t value)
{
    if (value == 0)
        return;
    buffer_append_text(out, key);
    buffer_append_int64(out, value);
}

static void put_text(struct buffer *out, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    buffer_append_text(out, key);
    json_put_untrusted(out, bytes_of(value));
}

void record_encode(const struct record *record, struct buffer *out)
{
    const struct history *history = &record->history;

    buffer_append_text(out, "{\"lane\":");
    json_put_untrusted(out, bytes_of(record->lane));
    put_text(out, ",\"event_id\":", record->event_id);
    put_number(out, ",\"attempts\":", history->attempts);
    put_number(out, ",\"first_attempt_at\":", history->first_attempt_ms);
    put_number(out, ",\"last_attempt_at\":", history->last_attempt_ms);
    put_number(out, ",\"status\":", history->status);
    put_text(out, ",\"error\":", history->error);
    put_number(out, ",\"cuts\":", history->cuts);
    put_number(out, ",\"resent\":", record->is_resent ? 1 : 0);
    put_text(out, ",\"traceparent\":", record->traceparent);
    put_text(out, ",\"encoding\":", record->encoding == RH_MSGPACK ? "msgpack" : "json");
    buffer_append_char(out, '}');
}

/* --- decode --- */

/* Reads an integer; absent leaves *ret alone. */
static int get_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret,
                      struct error_text *why)
{
    const json_t *value = json_object_get(object, key);

    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        error_text_set(why, "the record's \"%s\" is not an integer in its range", key);
        return -1;
    }
    *ret = json_integer_value(value);
    return 0;
}

static int get_count(const json_t *object, const char *key, int *ret, struct error_text *why)
{
    int64_t number = *ret;

    if (get_number(object, key, 0, INT_MAX, &number, why))
        return -1;
    *ret = (int)number;
    return 0;
}

/* Reads a string; absent gives the empty view. The view lives as long as object. */
static int get_text(const json_t *object, const char *key, struct bytes *ret,
                    struct error_text *why)
{
    const json_t *value = json_object_get(object, key);

    if (value && !json_is_string(value)) {
        error_text_set(why, "the record's \"%s\" is not a string", key);
        return -1;
    }
    *ret = value ? (struct bytes){json_string_value(value), json_string_length(value)}
                 : (struct bytes){"", 0};
    return 0;
}

/* Reads a name of out's size; required or it may be absent. */
static int get_name(const json_t *object, const char *key, bool required, char *out, size_t size,
                    struct error_text *why)
{
    struct bytes text;

    if (get_text(object, key, &text, why))
        return -1;
    if (text.len == 0 && !required)
        return 0;
    if (!parse_is_name(text) || !bytes_copy_text(text, out, size)) {
        error_text_set(why, "the record's \"%s\" is not a name of 1 to %d characters", key,
                       RH_NAME_MAX);
        return -1;
    }
    return 0;
}

static int get_error(const json_t *object, struct history *history, struct error_text *why)
{
    struct bytes text;

    if (get_text(object, "error", &text, why))
        return -1;
    /* Words for people: a text too long is cut, in front of a character. */
    if (text.len > RECORD_ERROR_SIZE - 1) {
        text.len = RECORD_ERROR_SIZE - 1;
        while (text.len > 0 && (text.data[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    (void)bytes_copy_text(text, history->error, sizeof(history->error));
    return 0;
}

static int get_traceparent(const json_t *object, struct record *record, struct error_text *why)
{
    struct bytes text;

    if (get_text(object, "traceparent", &text, why))
        return -1;
    if (text.len == 0)
        return 0;
    if (parse_traceparent(text, record->traceparent)) {
        error_text_set(why, "the record's \"traceparent\" is not a W3C trace context");
        return -1;
    }
    return 0;
}

static int get_encoding(const json_t *object, struct record *record, struct error_text *why)
{
    struct bytes text;

    if (get_text(object, "encoding", &text, why))
        return -1;
    if (bytes_equal_text(text, "json")) {
        record->encoding = RH_JSON;
    } else if (bytes_equal_text(text, "msgpack")) {
        record->encoding = RH_MSGPACK;
    } else {
        error_text_set(why, "the record's \"encoding\" is neither \"json\" nor \"msgpack\"");
        return -1;
    }
    return 0;
}

static int get_history(const json_t *object, struct history *history, struct error_text *why)
{
    if (get_count(object, "attempts", &history->attempts, why) ||
        get_count(object, "cuts", &history->cuts, why) ||
        get_count(object, "status", &history->status, why) ||
        get_number(object, "first_attempt_at", 0, INT64_MAX, &history->first_attempt_ms, why) ||
        get_number(object, "last_attempt_at", 0, INT64_MAX, &history->last_attempt_ms, why))
        return -1;
    return get_error(object, history, why);
}

static int get_lane(const json_t *object, struct record *record, struct error_text *why)
{
    struct bytes text;
    struct lane_parts parts;

    if (get_text(object, "lane", &text, why))
        return -1;
    if (lane_split(text, &parts) || !bytes_copy_text(text, record->lane, sizeof(record->lane))) {
        error_text_set(why, "the record's \"lane\" is not <room>/<hook>");
        return -1;
    }
    return 0;
}

static int get_rest(const json_t *object, struct record *record, struct error_text *why)
{
    int resent = 0;

    if (get_count(object, "resent", &resent, why))
        return -1;
    record->is_resent = resent > 0;
    if (get_name(object, "event_id", false, record->event_id, sizeof(record->event_id), why) ||
        get_history(object, &record->history, why) || get_traceparent(object, record, why))
        return -1;
    return get_encoding(object, record, why);
}

/* NULL with *ret_problem and *why. */
static json_t *read_object(struct bytes line, int *ret_problem, struct error_text *why)
{
    struct error_text problem = {"it is a list"};
    bool no_memory = false;
    json_t *object = json_read(line, JSON_NUL_REFUSED, &no_memory, &problem);

    if (json_is_object(object))
        return object;
    error_text_set(why, "the record does not begin with a JSON object: %s", problem.text);
    json_decref(object);
    *ret_problem = no_memory ? RECORD_NO_MEMORY : RECORD_BAD;
    return NULL;
}

int record_decode(struct bytes text, struct record *ret_record, struct error_text *why)
{
    struct record record = {.is_shared = true};
    const char *end = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
    struct bytes line = text;
    int problem = RECORD_BAD;

    if (end) {
        line.len = (size_t)(end - text.data);
        record.is_shared = false;
        record.document = (struct bytes){end + 1, text.len - line.len - 1};
    }
    if (line.len > RECORD_META_MAX) {
        error_text_set(why, "the record has no first line of at most %d bytes", RECORD_META_MAX);
        return RECORD_BAD;
    }
    json_t *object = read_object(line, &problem, why);
    if (!object)
        return problem;
    if (get_lane(object, &record, why) == 0 && get_rest(object, &record, why) == 0) {
        *ret_record = record;
        problem = RECORD_OK;
    }
    json_decref(object);
    return problem;
}

/* Contract 1 had integers only. */
static int get_old_room(const json_t *object, struct room_id *room_id, struct error_text *why)
{
    int64_t number = 0;

    if (!json_object_get(object, "room"))
        return 0;
    if (get_number(object, "room", INT64_MIN, INT64_MAX, &number, why))
        return -1;
    room_id_of_int64(number, room_id);
    return 0;
}

int record_decode_old(struct bytes line, struct record *ret_record, struct record_hook *ret_hook,
                      struct error_text *why)
{
    struct record record = {.is_shared = false};
    struct record_hook hook = {0};
    int problem = RECORD_BAD;
    json_t *object = read_object(line, &problem, why);

    if (!object)
        return problem;
    if (get_old_room(object, &hook.room_id, why) == 0 &&
        get_name(object, "hook", true, hook.hook_id, sizeof(hook.hook_id), why) == 0 &&
        get_rest(object, &record, why) == 0) {
        *ret_record = record;
        *ret_hook = hook;
        problem = RECORD_OK;
    }
    json_decref(object);
    return problem;
}
