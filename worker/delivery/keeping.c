#include "delivery/keeping.h"

#define HOOKS_TEXT_MAX (32u << 10) /* of the most hooks that an event can have */

static bool is_kept(const struct entry *entry)
{
    return entry->cause == NULL && !entry->is_test && !entry->is_resent &&
           entry->event.room_id.len > 0;
}

static void add_hook(struct buffer *hooks, const struct delivery *delivery)
{
    if (delivery->outcome != OUTCOME_DELIVERED || delivery->detaching)
        return;
    if (hooks->len > 0)
        buffer_append_char(hooks, ' ');
    buffer_append_text(hooks, delivery->hook_id);
}

static void add_hooks(struct buffer *hooks, const struct settlement *settlement)
{
    const struct delivery *delivery = settlement->owner;
    const struct entry *entry = settlement->owner;
    if (settlement->kind == SETTLE_LEASED) {
        add_hook(hooks, delivery);
        return;
    }
    TAILQ_FOREACH(delivery, &entry->deliveries, link)
        add_hook(hooks, delivery);
}

void keeping_note(struct pipeline *pipeline, const struct settlement *settlement)
{
    const struct delivery *delivery = settlement->owner;
    const struct entry *entry =
        settlement->kind == SETTLE_LEASED ? delivery->entry : settlement->owner;
    struct buffer hooks;
    if (!keep_is_on(pipeline->keep) || !is_kept(entry))
        return;
    buffer_init(&hooks, HOOKS_TEXT_MAX);
    add_hooks(&hooks, settlement);
    const struct keep_note note = {
        .stream = entry->stream,
        .room = entry->event.room_id.text,
        .hooks = buffer_bytes(&hooks),
        .event = {.encoding = entry->encoding,
                  .event_id = entry->event_id,
                  .traceparent = entry->traceparent,
                  .document = entry->document},
    };
    if (note.hooks.len > 0)
        keep_add(pipeline->keep, &note);
    buffer_release(&hooks);
}
