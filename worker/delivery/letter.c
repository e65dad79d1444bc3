#include "delivery/letter.h"

#include <stdio.h>
#include <stdlib.h>
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

static void put_letter(struct redis_args *args, const struct letter *letter)
{
    redis_args_text(args, "dead");
    redis_args_int(args, (int64_t)letter->len * 2);
    for (size_t i = 0; i < letter->len; i++) {
        redis_args_text(args, letter->fields[i].name);
        redis_args_copy(args, letter->fields[i].value);
    }
}

const char *letter_document_field(enum rh_encoding encoding)
{
    return encoding == RH_MSGPACK ? "msgpack" : "json";
}

static struct bytes cut(struct bytes text, size_t most)
{
    return (struct bytes){text.data, text.len < most ? text.len : most};
}

/* The fields of a letter that its event and the worker give. */
static void add_event(struct letter *letter, const struct entry *entry)
{
    add(letter, "event_id", bytes_of(entry->event_id));
    add_time(letter, "queued_at", entry->queued_at_ms, letter->queued_at);
}

void letter_of_delivery(struct redis_args *args, const struct delivery *delivery,
                        const char *consumer, bool with_document)
{
    const struct entry *entry = delivery->entry;
    const struct history *history = &delivery->history;
    struct letter letter = {.len = 0};
    add(&letter, "reason", bytes_of(dead_reason_name(delivery->reason)));
    add(&letter, "error", bytes_of(history->error));
    if (history->status != 0)
        add_number(&letter, "status", history->status, letter.status);
    add_number(&letter, "attempts", history->attempts, letter.attempts);
    add(&letter, "room", room_id_bytes(&entry->event.room_id));
    add(&letter, "hook", bytes_of(delivery->hook_id));
    if (delivery->slot != NULL && delivery->slot->hook != NULL)
        add(&letter, "url", bytes_of(delivery->slot->hook->url_text));
    add_event(&letter, entry);
    add_time(&letter, "first_attempt_at", history->first_attempt_ms, letter.first_at);
    add_time(&letter, "last_attempt_at", history->last_attempt_ms, letter.last_at);
    add(&letter, "worker", bytes_of(consumer));
    add_response(&letter, &delivery->response);
    add(&letter, "location", buffer_bytes(&delivery->location));
    add(&letter, "traceparent", bytes_of(entry->traceparent));
    if (entry->is_unreadable)
        add(&letter, "record", cut(entry->document, LETTER_RECORD_KEPT));
    else if (with_document && entry->document.len > 0)
        put(&letter, letter_document_field(entry->encoding), entry->document);
    put_letter(args, &letter);
    buffer_release(&letter.response);
}

/* A document that is too large is kept in part. */
static struct bytes kept(const struct letter_cause *cause, struct bytes document)
{
    return cause->reason == DEAD_TOO_LARGE ? cut(document, DEAD_DOCUMENT_KEPT) : document;
}

static struct bytes copy_to(char **at, struct bytes text)
{
    struct bytes copy = {*at, text.len};
    if (text.data == NULL)
        return text;
    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

struct letter_cause *letter_cause_copy(const struct letter_cause *cause)
{
    struct bytes json = kept(cause, cause->json);
    struct bytes msgpack = kept(cause, cause->msgpack);
    size_t error_size = strlen(cause->error) + 1;
    struct letter_cause *copy = malloc(sizeof(*copy) + error_size + json.len + msgpack.len);
    if (copy == NULL)
        return NULL;
    char *at = (char *)(copy + 1);
    *copy = *cause;
    copy->error = copy_to(&at, (struct bytes){cause->error, error_size}).data;
    copy->json = copy_to(&at, json);
    copy->msgpack = copy_to(&at, msgpack);
    return copy;
}

void letter_of_entry(struct redis_args *args, const struct entry *entry,
                     const struct letter_cause *cause, const char *consumer)
{
    struct letter letter = {.len = 0};
    struct bytes documents[2] = {cause->json, cause->msgpack};
    add(&letter, "reason", bytes_of(dead_reason_name(cause->reason)));
    add(&letter, "error", bytes_of(cause->error));
    add(&letter, "room", room_id_bytes(&entry->event.room_id));
    add(&letter, "hook", bytes_of(entry->only_hook));
    add_event(&letter, entry);
    add(&letter, "worker", bytes_of(consumer));
    add(&letter, "traceparent", bytes_of(entry->traceparent));
    for (int i = 0; i < 2; i++) {
        if (documents[i].data != NULL)
            put(&letter, i == 0 ? "json" : "msgpack", documents[i]);
    }
    put_letter(args, &letter);
}
