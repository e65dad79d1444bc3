#include "delivery/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/parse.h"

struct entry *entry_new(struct bytes stream_id, enum rh_encoding encoding, struct bytes document)
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
    entry->queued_at_ms = (int64_t)ms;
    TAILQ_INIT(&entry->deliveries);
    entry->settlement.id = entry->stream_id;
    entry->settlement.owner = entry;
    snprintf(entry->event_id, sizeof(entry->event_id), "msg_%s", entry->stream_id);
    return entry;
}

void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    while (!TAILQ_EMPTY(&entry->deliveries))
        delivery_free(TAILQ_FIRST(&entry->deliveries));
    if (entry->event.has_inline_hooks) /* their secrets; entry_new made the copy */
        explicit_bzero((char *)(entry + 1), entry->document.len);
    event_release(&entry->event);
    redis_args_release(&entry->settlement.args);
    free(entry);
}

struct delivery *delivery_new(struct entry *entry, struct hook_set *set, struct hook_slot *slot,
                              const char *hook_id)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    if (delivery == NULL)
        return NULL;
    delivery->entry = entry;
    delivery->set = set;
    delivery->slot = slot;
    if (set != NULL)
        hook_set_keep(set);
    snprintf(delivery->hook_id, sizeof(delivery->hook_id), "%s", hook_id);
    snprintf(delivery->id, sizeof(delivery->id), "%s/%s", entry->stream_id, delivery->hook_id);
    buffer_init(&delivery->response, DEAD_RESPONSE_MAX);
    delivery->settlement.id = delivery->id;
    delivery->settlement.owner = delivery;
    TAILQ_INSERT_TAIL(&entry->deliveries, delivery, link);
    entry->open++;
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    permits_cancel(&delivery->permit);
    struct entry *entry = delivery->entry;
    if (delivery->outcome == OUTCOME_NONE)
        entry->open--;
    registry_cancel(&delivery->query);
    TAILQ_REMOVE(&entry->deliveries, delivery, link);
    hook_set_drop(delivery->set);
    buffer_release(&delivery->response);
    redis_args_release(&delivery->settlement.args);
    free(delivery);
}

int delivery_split_id(struct bytes id, struct bytes *ret_stream_id, struct bytes *ret_hook)
{
    const char *slash = id.len > 0 ? memchr(id.data, '/', id.len) : NULL;
    uint64_t ms;
    uint64_t seq;
    if (slash == NULL)
        return -1;
    struct bytes stream_id = {id.data, (size_t)(slash - id.data)};
    struct bytes hook = {slash + 1, id.len - stream_id.len - 1};
    if (parse_stream_id(stream_id, &ms, &seq) != 0 || !parse_is_name(hook))
        return -1;
    *ret_stream_id = stream_id;
    *ret_hook = hook;
    return 0;
}
