#include "queue/record.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "contract/json_read.h"
#include "contract/json_text.h"
#include "contract/parse.h"

#define RECORD_HOLDER_MAX (RECORD_FENCE_SIZE + 12) /* line 1: a fence, a space and an int */

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

    buffer_append_text(out, record->fence[0] ? record->fence : "-");
    buffer_append_char(out, ' ');
    buffer_append_int64(out, record->claims);
    buffer_append_text(out, "\n{");
    if (record->has_room) {
        buffer_append_text(out, "\"room\":");
        buffer_append_int64(out, record->room_id);
        buffer_append_char(out, ',');
    }
    buffer_append_text(out, "\"hook\":");
    json_put_untrusted(out, bytes_of(record->hook));
    put_text(out, ",\"event_id\":", record->event_id);
    put_number(out, ",\"attempts\":", history->attempts);
    put_number(out, ",\"deferrals\":", history->deferrals);
    put_number(out, ",\"first_attempt_at\":", history->first_attempt_ms);
    put_number(out, ",\"last_attempt_at\":", history->last_attempt_ms);
    put_number(out, ",\"status\":", history->status);
    put_text(out, ",\"error\":", history->error);
    put_number(out, ",\"slot_at\":", history->slot_ms);
    put_text(out, ",\"traceparent\":", record->traceparent);
    put_text(out, ",\"encoding\":", record->encoding == RH_MSGPACK ? "msgpack" : "json");
    buffer_append_text(out, "}\n");
    buffer_append_bytes(out, record->document);
}

/* --- decode --- */

/* Cuts the first line off *text. -1: no newline within max bytes. */
static int cut_line(struct bytes *text, size_t max, struct bytes *ret_line)
{
    size_t seen = text->len < max + 1 ? text->len : max + 1;
    const char *end = seen > 0 ? memchr(text->data, '\n', seen) : NULL;

    if (!end)
        return -1;
    *ret_line = (struct bytes){text->data, (size_t)(end - text->data)};
    *text = (struct bytes){end + 1, text->len - ret_line->len - 1};
    return 0;
}

/* "<fence> <claims>" */
static int decode_holder(struct bytes line, struct record *record, struct error_text *why)
{
    const char *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
    struct bytes fence, claims;
    int64_t number;

    if (!space || space == line.data) {
        error_text_set(why, "line 1 of the record is not \"<fence> <claims>\"");
        return -1;
    }
    fence = (struct bytes){line.data, (size_t)(space - line.data)};
    claims = (struct bytes){space + 1, line.len - fence.len - 1};
    if (!bytes_copy_text(fence, record->fence, sizeof(record->fence))) {
        error_text_set(why, "the record's fence is longer than %d bytes or holds a NUL",
                       RECORD_FENCE_SIZE - 1);
        return -1;
    }
    if (bytes_equal_text(fence, "-"))
        record->fence[0] = '\0';
    if (parse_int64(claims, 0, INT_MAX, &number)) {
        error_text_set(why, "the record's claims are not a number from 0 to %d", INT_MAX);
        return -1;
    }
    record->claims = (int)number;
    return 0;
}

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
    if (!parse_is_traceparent(text) ||
        !bytes_copy_text(text, record->traceparent, sizeof(record->traceparent))) {
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
        get_count(object, "deferrals", &history->deferrals, why) ||
        get_count(object, "status", &history->status, why) ||
        get_number(object, "first_attempt_at", 0, INT64_MAX, &history->first_attempt_ms, why) ||
        get_number(object, "last_attempt_at", 0, INT64_MAX, &history->last_attempt_ms, why) ||
        get_number(object, "slot_at", 0, INT64_MAX, &history->slot_ms, why))
        return -1;
    return get_error(object, history, why);
}

static int get_all(const json_t *object, struct record *record, struct error_text *why)
{
    record->has_room = json_object_get(object, "room") != NULL;
    if (get_number(object, "room", INT64_MIN, INT64_MAX, &record->room_id, why) ||
        get_name(object, "hook", true, record->hook, sizeof(record->hook), why) ||
        get_name(object, "event_id", false, record->event_id, sizeof(record->event_id), why) ||
        get_history(object, &record->history, why) || get_traceparent(object, record, why))
        return -1;
    return get_encoding(object, record, why);
}

static int decode_meta(struct bytes line, struct record *record, struct error_text *why)
{
    struct error_text problem = {"it is a list"};
    bool no_memory = false;
    json_t *object = json_read(line, JSON_NUL_REFUSED, &no_memory, &problem);
    int failed;

    if (!json_is_object(object)) {
        error_text_set(why, "line 2 of the record is not a JSON object: %s", problem.text);
        json_decref(object);
        return no_memory ? RECORD_NO_MEMORY : RECORD_BAD;
    }
    failed = get_all(object, record, why);
    json_decref(object);
    return failed;
}

int record_decode(struct bytes text, struct record *ret_record, struct error_text *why)
{
    struct record record = {.claims = 0};
    struct bytes line;
    int problem;

    if (cut_line(&text, RECORD_HOLDER_MAX, &line)) {
        error_text_set(why, "the record has no line 1 of at most %d bytes", RECORD_HOLDER_MAX);
        return RECORD_BAD;
    }
    if (decode_holder(line, &record, why))
        return RECORD_BAD;
    if (cut_line(&text, RECORD_META_MAX, &line)) {
        error_text_set(why, "the record has no line 2 of at most %d bytes", RECORD_META_MAX);
        return RECORD_BAD;
    }
    problem = decode_meta(line, &record, why);
    if (problem != RECORD_OK)
        return problem;
    record.document = text;
    *ret_record = record;
    return RECORD_OK;
}
