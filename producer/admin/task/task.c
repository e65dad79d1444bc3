#include "admin/task/task.h"

#include <jansson.h>
#include <string.h>

#include "contract/json_object.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define NUMBER_MAX (INT64_C(1) << 53) /* Lua's numbers are exact up to it */

static const char *const state_names[] = {
    [TASK_RUNNING] = "running",
    [TASK_DONE] = "done",
    [TASK_CANCELLED] = "cancelled",
    [TASK_INVALID] = "invalid",
};

const char *task_state_name(enum task_state state)
{
    return state_names[state];
}

/* --- reading --- */

static bool read_number(const json_t *record, const char *name, int64_t *ret_number)
{
    const json_t *member = json_object_get(record, name);

    if (!json_is_integer(member) || json_integer_value(member) < 0 ||
        json_integer_value(member) >= NUMBER_MAX)
        return false;
    *ret_number = json_integer_value(member);
    return true;
}

/* A number that may be left out: then *ret_number stays. */
static bool read_optional(const json_t *record, const char *name, int64_t *ret_number)
{
    return json_object_get(record, name) == NULL || read_number(record, name, ret_number);
}

/* The same for text, printable ASCII. */
static bool read_text(const json_t *record, const char *name, char *out, size_t size)
{
    const json_t *member = json_object_get(record, name);
    struct bytes text = json_text_of(member);

    if (member == NULL)
        return true;
    if (!json_is_string(member) || !bytes_copy_text(text, out, size))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

/* What XRANGE takes as a start: "-", a time, an id, or "(" and an id. */
static bool is_start(const char *text)
{
    struct bytes rest = bytes_of(text);
    uint64_t ms;
    uint64_t seq;

    if (strcmp(text, "-") == 0 || parse_uint64(rest, UINT64_MAX, &ms) == 0)
        return true;
    if (rest.len > 0 && rest.data[0] == '(')
        rest = (struct bytes){rest.data + 1, rest.len - 1};
    return parse_stream_id(rest, &ms, &seq) == 0;
}

static bool read_state(const json_t *record, struct task *task)
{
    struct bytes name = json_text_of(json_object_get(record, "state"));

    for (int state = TASK_RUNNING; state < TASK_INVALID; state++) {
        if (bytes_equal_text(name, state_names[state])) {
            task->state = (enum task_state)state;
            return true;
        }
    }
    return false;
}

static bool read_filter(const json_t *record, struct task *task)
{
    const json_t *room = json_object_get(record, "room");

    return (room == NULL || room_id_of_text(json_text_of(room), &task->room) == 0) &&
           read_text(record, "hook", task->hook, sizeof(task->hook)) &&
           (task->hook[0] == '\0' || parse_is_name(bytes_of(task->hook))) &&
           read_text(record, "reason", task->reason, sizeof(task->reason));
}

static bool read_range(const json_t *record, struct task *task)
{
    uint64_t ms;
    uint64_t seq;

    return read_text(record, "from", task->from, sizeof(task->from)) && is_start(task->from) &&
           read_text(record, "cursor", task->cursor, sizeof(task->cursor)) &&
           is_start(task->cursor) && read_text(record, "until", task->until, sizeof(task->until)) &&
           parse_stream_id(bytes_of(task->until), &ms, &seq) == 0;
}

static bool read_numbers(const json_t *record, struct task *task)
{
    return read_number(record, "rate", &task->rate) && task->rate <= PARSE_RATE_MAX &&
           read_number(record, "done", &task->done) &&
           read_number(record, "skipped", &task->skipped) &&
           read_number(record, "failed", &task->failed) &&
           read_number(record, "made_at", &task->made_at) &&
           read_number(record, "next_at", &task->next_at) &&
           read_number(record, "lease_until", &task->lease_until) &&
           read_number(record, "fence", &task->fence) &&
           read_optional(record, "total", &task->total) &&
           read_optional(record, "ended_at", &task->ended_at) &&
           read_optional(record, "error_at", &task->error_at);
}

static bool read_record(const json_t *record, struct task *task)
{
    return json_is_object(record) && read_state(record, task) &&
           read_text(record, "what", task->what, sizeof(task->what)) && task->what[0] != '\0' &&
           read_text(record, "by", task->by, sizeof(task->by)) && read_filter(record, task) &&
           read_range(record, task) && read_numbers(record, task) &&
           read_text(record, "error", task->error, sizeof(task->error));
}

void task_parse(struct bytes id, struct bytes record, struct task *ret_task)
{
    struct task task = {.total = TASK_TOTAL_UNKNOWN};
    json_t *json = NULL;
    uint64_t ms;
    uint64_t seq;

    if (parse_stream_id(id, &ms, &seq) == 0 && record.len <= TASK_RECORD_MAX)
        json = json_loadb(record.data != NULL ? record.data : "", record.len,
                          JSON_REJECT_DUPLICATES, NULL);
    if (!read_record(json, &task))
        task = (struct task){.state = TASK_INVALID};
    json_decref(json);
    (void)bytes_printable(id, task.id, sizeof(task.id));
    *ret_task = task;
}

/* --- writing --- */

static void put_optional(struct buffer *out, const char *name, const char *text)
{
    if (text[0] != '\0')
        object_put_text(out, name, bytes_of(text));
}

static void put_filter(struct buffer *out, const struct task *task)
{
    put_optional(out, "hook", task->hook);
    put_optional(out, "reason", task->reason);
    object_put_text(out, "from", bytes_of(task->from));
    object_put_text(out, "until", bytes_of(task->until));
}

static void put_counts(struct buffer *out, const struct task *task)
{
    object_put_int(out, "done", task->done);
    object_put_int(out, "skipped", task->skipped);
    object_put_int(out, "failed", task->failed);
    object_put_int(out, "made_at", task->made_at);
    if (task->ended_at > 0)
        object_put_int(out, "ended_at", task->ended_at);
}

static void put_error(struct buffer *out, const struct task *task)
{
    if (task->error[0] == '\0')
        return;
    object_put_text(out, "error", bytes_of(task->error));
    object_put_int(out, "error_at", task->error_at);
}

void task_put_record(struct buffer *out, const struct task *task)
{
    object_begin(out);
    object_put_text(out, "what", bytes_of(task->what));
    object_put_text(out, "state", bytes_of(task_state_name(task->state)));
    object_put_text(out, "by", bytes_of(task->by));
    if (task->room.len > 0)
        object_put_text(out, "room", room_id_bytes(&task->room));
    put_filter(out, task);
    object_put_text(out, "cursor", bytes_of(task->cursor));
    object_put_int(out, "rate", task->rate);
    if (task->total != TASK_TOTAL_UNKNOWN)
        object_put_int(out, "total", task->total);
    put_counts(out, task);
    object_put_int(out, "next_at", task->next_at);
    object_put_int(out, "lease_until", task->lease_until);
    object_put_int(out, "fence", task->fence);
    put_error(out, task);
    object_end(out);
}

static void put_number_or_null(struct buffer *out, const char *name, bool is_known, int64_t number)
{
    if (is_known)
        object_put_int(out, name, number);
    else
        object_put_json(out, name, BYTES("null"));
}

void task_put_json(struct buffer *out, const struct task *task, int64_t now_ms)
{
    object_begin(out);
    object_put_text(out, "id", bytes_of(task->id));
    object_put_text(out, "state", bytes_of(task_state_name(task->state)));
    if (task->state != TASK_INVALID) {
        object_put_text(out, "what", bytes_of(task->what));
        object_put_text(out, "by", bytes_of(task->by));
        if (task->room.len > 0)
            object_put_room(out, "room", &task->room);
        put_filter(out, task);
        put_number_or_null(out, "rate", task->rate > 0, task->rate);
        put_number_or_null(out, "total", task->total != TASK_TOTAL_UNKNOWN, task->total);
        put_counts(out, task);
        object_put_bool(out, "leased", task->state == TASK_RUNNING && task->lease_until > now_ms);
        put_error(out, task);
    }
    object_end(out);
}
