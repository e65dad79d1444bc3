#include "delivery/entries.h"

#include <stdlib.h>
#include <string.h>

#include "contract/parse.h"

void entries_init(struct entries *entries)
{
    *entries = (struct entries){0};
    for (int i = 0; i < ENTRY_STATES; i++)
        TAILQ_INIT(&entries->of_state[i]);
    for (int i = 0; i < DELIVERY_STATES; i++)
        TAILQ_INIT(&entries->deliveries[i]);
    for (int i = 0; i < DETACHES; i++)
        TAILQ_INIT(&entries->timed[i]);
}

/* --- entries --- */

struct entry *entry_new(struct entries *entries, enum entry_source source, struct bytes stream_id,
                        enum rh_encoding encoding, struct bytes document)
{
    struct entry *entry = calloc(1, sizeof(*entry) + document.len + 1);
    uint64_t ms = 0;
    uint64_t seq = 0;
    if (entry == NULL)
        return NULL;
    if (!bytes_copy_text(stream_id, entry->stream_id, sizeof(entry->stream_id)) ||
        parse_stream_id(stream_id, &ms, &seq) != 0) {
        free(entry);
        return NULL;
    }
    char *copy = (char *)(entry + 1);
    if (document.len > 0)
        memcpy(copy, document.data, document.len);
    entry->document = (struct bytes){copy, document.len};
    entry->encoding = encoding;
    entry->source = source;
    entry->queued_at_ms = (int64_t)ms;
    lane_stream(ms, seq, entry->stream);
    TAILQ_INIT(&entry->deliveries);
    entry->settlement.id = bytes_of(entry->stream_id);
    entry->settlement.owner = entry;
    char *at = write_text(entry->event_id, "msg_", 4);
    *write_text(at, entry->stream_id, sizeof(entry->stream_id) - 1) = '\0';
    TAILQ_INSERT_TAIL(&entries->of_state[ENTRY_NEW], entry, of_state);
    entries->len++;
    return entry;
}

void entry_move(struct entries *entries, struct entry *entry, enum entry_state state)
{
    bool of_stream = entry->source == SOURCE_STREAM;
    if (of_stream && entry->state == ENTRY_LOOKING_UP)
        entries->looking_up--;
    if (of_stream && state == ENTRY_LOOKING_UP)
        entries->looking_up++;
    TAILQ_REMOVE(&entries->of_state[entry->state], entry, of_state);
    entry->state = state;
    TAILQ_INSERT_TAIL(&entries->of_state[state], entry, of_state);
}

void entry_free(struct entries *entries, struct entry *entry)
{
    while (!TAILQ_EMPTY(&entry->deliveries))
        delivery_free(entries, TAILQ_FIRST(&entry->deliveries));
    entry_forget(entries, entry);
    entry_keep(entry);
    registry_cancel(&entry->query);
    entry_move(entries, entry, ENTRY_NEW);
    TAILQ_REMOVE(&entries->of_state[ENTRY_NEW], entry, of_state);
    entries->len--;
    if (entry->event.has_inline_hooks) /* their secrets; entry_new made the copy */
        explicit_bzero((char *)(entry + 1), entry->document.len);
    event_release(&entry->event);
    free(entry->cause);
    free(entry);
}

bool entries_know(const struct entries *entries, struct bytes stream_id)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, entries->table, stream_id.data, stream_id.len, entry);
    return entry != NULL;
}

bool entry_remember(struct entries *entries, struct entry *entry)
{
    HASH_ADD(hh, entries->table, stream_id, strlen(entry->stream_id), entry);
    entry->in_table = entries_know(entries, bytes_of(entry->stream_id));
    return entry->in_table;
}

void entry_forget(struct entries *entries, struct entry *entry)
{
    if (entry->in_table && entries->table != NULL)
        HASH_DEL(entries->table, entry);
    entry->in_table = false;
}

void entry_detach_at(struct entries *entries, struct entry *entry, enum detach kind, int64_t at_ms)
{
    struct entry_list *list = &entries->timed[kind];
    if (entry->timed_in == list || entry->timed_in == &entries->timed[DETACH_SOON])
        return;
    entry_keep(entry);
    entry->detach_at_ms = at_ms;
    entry->timed_in = list;
    TAILQ_INSERT_TAIL(list, entry, timed);
}

void entry_keep(struct entry *entry)
{
    if (entry->timed_in != NULL)
        TAILQ_REMOVE(entry->timed_in, entry, timed);
    entry->timed_in = NULL;
}

/* --- deliveries --- */

static void enlist(struct entries *entries, struct delivery *delivery)
{
    entries->deliveries_len[delivery->state][delivery->entry->source]++;
    TAILQ_INSERT_TAIL(&entries->deliveries[delivery->state], delivery, of_state);
}

static void delist(struct entries *entries, struct delivery *delivery)
{
    entries->deliveries_len[delivery->state][delivery->entry->source]--;
    TAILQ_REMOVE(&entries->deliveries[delivery->state], delivery, of_state);
}

struct delivery *delivery_new(struct entries *entries, struct entry *entry, struct hook_set *set,
                              struct hook_slot *slot, const char *hook_id)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    if (delivery == NULL)
        return NULL;
    delivery->entry = entry;
    delivery->set = set;
    delivery->slot = slot;
    if (set != NULL)
        hook_set_keep(set);
    *write_text(delivery->hook_id, hook_id, sizeof(delivery->hook_id) - 1) = '\0';
    delivery_id(entry->stream, delivery->hook_id, delivery->id);
    buffer_init(&delivery->response, DEAD_RESPONSE_MAX);
    buffer_init(&delivery->location, DEAD_LOCATION_MAX);
    delivery->settlement.id = bytes_of(delivery->id);
    delivery->settlement.lane = delivery->lane;
    delivery->settlement.fence = delivery->fence;
    delivery->settlement.owner = delivery;
    TAILQ_INSERT_TAIL(&entry->deliveries, delivery, link);
    entry->open++;
    enlist(entries, delivery);
    return delivery;
}

/* It is not under way any more. */
static void close_delivery(struct entries *entries, struct delivery *delivery)
{
    delivery->entry->open--;
    entries->probes -= delivery->is_probe ? 1 : 0;
}

void delivery_set_probe(struct entries *entries, struct delivery *delivery)
{
    delivery->is_probe = true;
    entries->probes++;
}

void delivery_move(struct entries *entries, struct delivery *delivery, enum delivery_state state)
{
    delist(entries, delivery);
    if (state == DELIVERY_CONCLUDED && delivery->state != DELIVERY_CONCLUDED)
        close_delivery(entries, delivery);
    delivery->state = state;
    enlist(entries, delivery);
}

void delivery_free(struct entries *entries, struct delivery *delivery)
{
    struct entry *entry = delivery->entry;
    if (delivery->state != DELIVERY_CONCLUDED)
        close_delivery(entries, delivery);
    delist(entries, delivery);
    TAILQ_REMOVE(&entry->deliveries, delivery, link);
    hook_set_drop(delivery->set);
    buffer_release(&delivery->response);
    buffer_release(&delivery->location);
    free(delivery);
}

struct delivery *delivery_of(struct capacity_waiter *waiter)
{
    return (struct delivery *)((char *)waiter - offsetof(struct delivery, waiter));
}

size_t entries_queued(const struct entries *entries)
{
    return entries->deliveries_len[DELIVERY_QUEUED][SOURCE_STREAM] +
           entries->deliveries_len[DELIVERY_QUEUED][SOURCE_LANE];
}

size_t entries_unstarted(const struct entries *entries)
{
    return entries->looking_up + entries->deliveries_len[DELIVERY_NEW][SOURCE_STREAM] +
           entries->deliveries_len[DELIVERY_QUEUED][SOURCE_STREAM];
}
