#include "admin/lane/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/lane/find.h"
#include "admin_lua.h"
#include "contract/json_object.h"
#include "contract/json_read.h"
#include "contract/parse.h"

static int64_t number_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? value : 0;
}

static void read_line(struct bytes line, struct lane_record *record)
{
    json_t *json = json_loadb(line.data ? line.data : "", line.len, 0, NULL);

    record->attempts = number_of(json, "attempts");
    record->first_attempt_ms = number_of(json, "first_attempt_at");
    record->last_attempt_ms = number_of(json, "last_attempt_at");
    record->status = number_of(json, "status");
    bytes_printable(json_text_of(json_object_get(json, "error")), record->error,
                    sizeof(record->error));
    bytes_printable(json_text_of(json_object_get(json, "event_id")), record->event_id,
                    sizeof(record->event_id));
    json_decref(json);
}

/* What is before the first mark; all of it when there is none. */
static struct bytes until(struct bytes text, char mark)
{
    const char *end = text.len > 0 ? memchr(text.data, mark, text.len) : NULL;

    return end ? (struct bytes){text.data, (size_t)(end - text.data)} : text;
}

/* "<consumer>:<number> <expired leases> <place>"; "-" for the first: nobody holds it. */
static void read_lease(struct bytes lease, struct lane_record *record)
{
    struct bytes fence = until(lease, ' ');

    if (fence.len == lease.len)
        return;
    struct bytes rest = {fence.data + fence.len + 1, lease.len - fence.len - 1};
    (void)parse_int64(until(rest, ' '), 0, INT64_MAX, &record->expired_leases);
    if (!bytes_equal_text(fence, "-"))
        bytes_printable(until(fence, ':'), record->worker, sizeof(record->worker));
}

static void read_record(const struct reply *reply, struct lane_record *record)
{
    char hook_id[RH_NAME_MAX + 1];
    struct bytes id = reply_text(reply_at(reply, 0));

    *record = (struct lane_record){0};
    bytes_printable(id, record->id, sizeof(record->id));
    if (delivery_split(id, record->stream_id, hook_id) < 0)
        bytes_printable(id, record->stream_id, sizeof(record->stream_id));
    record->score_ms = lane_score_ms(reply_text(reply_at(reply, 1)));
    record->has_record = !reply_is_nil(reply_at(reply, 2));
    record->bytes = reply_int(reply_at(reply, 3));
    record->is_shared = record->has_record && reply_int(reply_at(reply, 4)) == 0;
    read_line(reply_text(reply_at(reply, 2)), record);
    read_lease(reply_text(reply_at(reply, 5)), record);
    if (record->has_record && record->event_id[0] == '\0')
        (void)snprintf(record->event_id, sizeof(record->event_id), "msg_%s", record->stream_id);
    if (!record->has_record)
        (void)snprintf(record->error, sizeof(record->error), "it has no record");
}

bool lane_records_read(struct session *session, const char *lane, int64_t first, size_t most,
                       struct lane_record ret_records[SESSION_BATCH], size_t *ret_len)
{
    char lane_key[KEY_SIZE];
    char from[24];
    char to[24];
    struct reply *reply;

    (void)snprintf(from, sizeof(from), "%" PRId64, first);
    (void)snprintf(to, sizeof(to), "%" PRId64, first + (int64_t)most - 1);
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_look_lane),
                                 BYTES("3"),
                                 bytes_of(keys_lane(&session->keys, lane, lane_key)),
                                 bytes_of(session->keys.deliveries),
                                 bytes_of(session->keys.leases),
                                 bytes_of(from),
                                 bytes_of(to)};
    if (!session_ask(session, args, sizeof(args) / sizeof(args[0]), &reply))
        return false;
    *ret_len = reply_len(reply) < most ? reply_len(reply) : most;
    for (size_t i = 0; i < *ret_len; i++)
        read_record(reply_at(reply, i), &ret_records[i]);
    reply_free(reply);
    return true;
}

static void put_number(struct buffer *line, const char *name, int64_t value)
{
    if (value > 0)
        object_put_int(line, name, value);
}

static void put_text(struct buffer *line, const char *name, const char *value)
{
    if (value[0] != '\0')
        object_put_text(line, name, bytes_of(value));
}

void lane_record_put_json(struct buffer *line, const struct lane_record *record)
{
    object_put_text(line, "id", bytes_of(record->id));
    object_put_text(line, "entry", bytes_of(record->stream_id));
    put_text(line, "event", record->event_id);
    object_put_int(line, "attempts", record->attempts);
    object_put_int(line, "next_at", record->score_ms);
    put_number(line, "first_attempt_at", record->first_attempt_ms);
    put_number(line, "last_attempt_at", record->last_attempt_ms);
    put_number(line, "status", record->status);
    put_text(line, "error", record->error);
    put_text(line, "worker", record->worker);
    put_number(line, "expired_leases", record->expired_leases);
    if (record->has_record) {
        object_put_bool(line, "shared", record->is_shared);
        object_put_int(line, "bytes", record->bytes);
    }
}
