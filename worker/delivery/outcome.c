#include "delivery/outcome.h"

#include <stdio.h>
#include <string.h>

#include "contract/json_text.h"
#include "contract/parse.h"

#define LETTER_FIELDS_MAX 20
#define TIME_SIZE 32
#define NUMBER_SIZE 24

/* A dead letter in the making. The texts it points to live until it is put. */
struct letter {
    struct {
        const char *name;
        struct bytes value;
    } fields[LETTER_FIELDS_MAX];
    size_t len;
    char room[NUMBER_SIZE];
    char status[NUMBER_SIZE];
    char attempts[NUMBER_SIZE];
    char queued_at[TIME_SIZE];
    char first_at[TIME_SIZE];
    char last_at[TIME_SIZE];
    struct buffer response;
};

static void put(struct letter *letter, const char *name, struct bytes value)
{
    if (letter->len == LETTER_FIELDS_MAX)
        return;
    letter->fields[letter->len].name = name;
    letter->fields[letter->len].value = value;
    letter->len++;
}

static void add(struct letter *letter, const char *name, struct bytes value)
{
    if (value.len > 0)
        put(letter, name, value);
}

static void add_number(struct letter *letter, const char *name, int64_t value, char *storage)
{
    snprintf(storage, NUMBER_SIZE, "%lld", (long long)value);
    add(letter, name, bytes_of(storage));
}

static void add_time(struct letter *letter, const char *name, int64_t unix_ms, char *storage)
{
    if (unix_ms > 0)
        add(letter, name, bytes_of(format_iso8601(unix_ms, storage, TIME_SIZE)));
}

/* The answer's bytes as JSON would escape them, without the quotes. */
static void add_response(struct letter *letter, const struct buffer *response)
{
    buffer_init(&letter->response, 6 * DEAD_RESPONSE_MAX + 2);
    if (response->len == 0)
        return;
    json_put_untrusted(&letter->response, buffer_bytes(response));
    if (!buffer_failed(&letter->response))
        add(letter, "response",
            (struct bytes){letter->response.data + 1, letter->response.len - 2});
}

/* "dead" fields_len field value …; the caller puts what more arguments belong to it. */
static void put_letter(struct redis_args *args, const struct letter *letter, int64_t more)
{
    redis_args_text(args, "dead");
    redis_args_int(args, (int64_t)letter->len * 2 + more);
    for (size_t i = 0; i < letter->len; i++) {
        redis_args_text(args, letter->fields[i].name);
        redis_args_copy(args, letter->fields[i].value);
    }
}

static const char *document_field(enum rh_encoding encoding)
{
    return encoding == RH_MSGPACK ? "msgpack" : "json";
}

/* A document outlives its settlement: it is not copied. */
static void put_document(struct redis_args *args, const struct entry *entry)
{
    redis_args_text(args, document_field(entry->encoding));
    redis_args_borrow(args, entry->document);
}

static void put_dead(struct redis_args *args, const struct delivery *delivery,
                     const struct outcome_stamp *stamp)
{
    const struct entry *entry = delivery->entry;
    const struct history *history = &delivery->history;
    struct letter letter = {.len = 0};
    add(&letter, "reason", bytes_of(dead_reason_name(delivery->reason)));
    add(&letter, "error", bytes_of(history->error));
    if (history->status != 0)
        add_number(&letter, "status", history->status, letter.status);
    add_number(&letter, "attempts", history->attempts, letter.attempts);
    if (entry->event.has_room_id)
        add_number(&letter, "room", entry->event.room_id, letter.room);
    add(&letter, "hook", bytes_of(delivery->hook_id));
    if (delivery->slot != NULL && delivery->slot->hook != NULL)
        add(&letter, "url", bytes_of(delivery->slot->hook->url_text));
    add(&letter, "event_id", bytes_of(entry->event_id));
    add_time(&letter, "queued_at", entry->queued_at_ms, letter.queued_at);
    add_time(&letter, "first_attempt_at", history->first_attempt_ms, letter.first_at);
    add_time(&letter, "last_attempt_at", history->last_attempt_ms, letter.last_at);
    add(&letter, "worker", bytes_of(stamp->consumer));
    add_response(&letter, &delivery->response);
    add(&letter, "traceparent", bytes_of(entry->traceparent));
    put_letter(args, &letter, delivery->leased ? 2 : 0);
    if (delivery->leased)
        put_document(args, entry);
    buffer_release(&letter.response);
}

/* "retry" delay and the record's lines; with a fence the record is born leased. The outcomes of an
 * entry name the delivery and share the entry's document, that of a leased one brings its own. */
static void put_record(struct redis_args *args, const struct delivery *delivery, int64_t delay_ms,
                       const char *fence)
{
    const struct entry *entry = delivery->entry;
    struct record record = {
        .has_room = entry->event.has_room_id,
        .room_id = entry->event.room_id,
        .history = delivery->history,
        .encoding = entry->encoding,
    };
    struct buffer lines;
    snprintf(record.fence, sizeof(record.fence), "%s", fence);
    snprintf(record.hook, sizeof(record.hook), "%s", delivery->hook_id);
    if (entry->own_event_id)
        snprintf(record.event_id, sizeof(record.event_id), "%s", entry->event_id);
    snprintf(record.traceparent, sizeof(record.traceparent), "%s", entry->traceparent);
    buffer_init(&lines, RECORD_META_MAX);
    record_encode(&record, &lines);
    args->failed = args->failed || buffer_failed(&lines);
    redis_args_text(args, "retry");
    if (!delivery->leased)
        redis_args_text(args, delivery->id);
    redis_args_int(args, delay_ms);
    redis_args_copy(args, buffer_bytes(&lines));
    if (delivery->leased)
        redis_args_borrow(args, entry->document);
    buffer_release(&lines);
}

/* The delay counts from the outcome, not from its settling beside slower ones. */
static int64_t delay_left(const struct delivery *delivery, const struct outcome_stamp *stamp)
{
    int64_t waited = stamp->now_ms - delivery->concluded_at_ms;
    return delivery->delay_ms > waited ? delivery->delay_ms - waited : 0;
}

static bool leaves_something(const struct delivery *delivery)
{
    return delivery->outcome != OUTCOME_DELIVERED;
}

int outcome_of_entry(struct entry *entry, const struct outcome_stamp *stamp)
{
    struct redis_args *args = &entry->settlement.args;
    const struct delivery *delivery;
    int64_t count = 0;
    TAILQ_FOREACH(delivery, &entry->deliveries, link)
        count += leaves_something(delivery) ? 1 : 0;
    entry->settlement.kind = count == 0 ? SETTLE_ACK : SETTLE_ENTRY;
    redis_args_release(args);
    redis_args_init(args);
    if (count == 0)
        return 0;
    put_document(args, entry);
    redis_args_int(args, count);
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        if (delivery->outcome == OUTCOME_NONE)
            put_record(args, delivery, stamp->lease_ms, delivery->fence);
        else if (delivery->outcome == OUTCOME_RETRY)
            put_record(args, delivery, delay_left(delivery, stamp), "-");
        else if (delivery->outcome == OUTCOME_DEAD)
            put_dead(args, delivery, stamp);
    }
    return redis_args_failed(args) ? -1 : 0;
}

int outcome_of_delivery(struct delivery *delivery, const struct outcome_stamp *stamp)
{
    struct redis_args *args = &delivery->settlement.args;
    delivery->settlement.kind = SETTLE_RETRY;
    redis_args_release(args);
    redis_args_init(args);
    redis_args_text(args, delivery->fence);
    if (delivery->releasing)
        redis_args_text(args, "release");
    else if (delivery->outcome == OUTCOME_RETRY)
        put_record(args, delivery, delay_left(delivery, stamp), "-");
    else if (delivery->outcome == OUTCOME_DEAD)
        put_dead(args, delivery, stamp);
    else
        redis_args_text(args, "done");
    return redis_args_failed(args) ? -1 : 0;
}

int outcome_bury(struct entry *entry, enum dead_reason reason, const char *error, struct bytes json,
                 struct bytes msgpack, const struct outcome_stamp *stamp)
{
    struct redis_args *args = &entry->settlement.args;
    struct letter letter = {.len = 0};
    struct bytes documents[2] = {json, msgpack};
    add(&letter, "reason", bytes_of(dead_reason_name(reason)));
    add(&letter, "error", bytes_of(error));
    if (entry->event.has_room_id)
        add_number(&letter, "room", entry->event.room_id, letter.room);
    add(&letter, "hook", bytes_of(entry->only_hook));
    add(&letter, "event_id", bytes_of(entry->event_id));
    add_time(&letter, "queued_at", entry->queued_at_ms, letter.queued_at);
    add(&letter, "worker", bytes_of(stamp->consumer));
    add(&letter, "traceparent", bytes_of(entry->traceparent));
    for (int i = 0; i < 2; i++) {
        if (reason == DEAD_TOO_LARGE && documents[i].len > DEAD_DOCUMENT_KEPT)
            documents[i].len = DEAD_DOCUMENT_KEPT;
        if (documents[i].data != NULL)
            put(&letter, i == 0 ? "json" : "msgpack", documents[i]);
    }
    entry->settlement.kind = SETTLE_ENTRY;
    redis_args_release(args);
    redis_args_init(args);
    redis_args_text(args, ""); /* the letter's own fields hold the documents */
    redis_args_text(args, "");
    redis_args_int(args, 1);
    put_letter(args, &letter, 0);
    return redis_args_failed(args) ? -1 : 0;
}

/* Line 1 is the claim script's: our fence, a space and a number. */
void outcome_of_unreadable(struct bytes delivery_id, struct bytes record, const char *error,
                           const struct outcome_stamp *stamp, struct redis_args *args)
{
    const char *space = record.len > 0 ? memchr(record.data, ' ', record.len) : NULL;
    const char *line_end = record.len > 0 ? memchr(record.data, '\n', record.len) : NULL;
    size_t fence_len = space == NULL ? 0 : (size_t)(space - record.data);
    size_t rest_at = line_end == NULL ? record.len : (size_t)(line_end - record.data) + 1;
    size_t rest_len = record.len - rest_at;
    struct bytes stream_id;
    struct bytes hook;
    struct letter letter = {.len = 0};
    add(&letter, "reason", bytes_of(dead_reason_name(DEAD_MALFORMED)));
    add(&letter, "error", bytes_of(error));
    if (delivery_split_id(delivery_id, &stream_id, &hook) == 0) {
        uint64_t ms = 0;
        uint64_t seq = 0;
        add(&letter, "hook", hook);
        (void)parse_stream_id(stream_id, &ms, &seq);
        add_time(&letter, "queued_at", (int64_t)ms, letter.queued_at);
    }
    add(&letter, "worker", bytes_of(stamp->consumer));
    if (rest_len > DEAD_RECORD_KEPT)
        rest_len = DEAD_RECORD_KEPT;
    add(&letter, "record", (struct bytes){record.data + rest_at, rest_len});
    redis_args_copy(args, delivery_id);
    redis_args_copy(args, (struct bytes){record.data, fence_len});
    put_letter(args, &letter, 0);
}
