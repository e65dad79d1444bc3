#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "contract/parse.h"
#include "delivery/pipeline_internal.h"

#define HOOKS_MEMORY 16 /* events that count for how many hooks one has */

bool pipeline_knows(void *context, struct bytes id)
{
    const struct pipeline *pipeline = context;
    struct entry *entry = NULL;
    HASH_FIND(hh, pipeline->table, id.data, id.len, entry);
    return entry != NULL;
}

/* False: the table could not grow. */
static bool remember(struct pipeline *pipeline, struct entry *entry)
{
    HASH_ADD(hh, pipeline->table, stream_id, strlen(entry->stream_id), entry);
    entry->in_table = pipeline_knows(pipeline, bytes_of(entry->stream_id));
    return entry->in_table;
}

void pipeline_forget_entry(struct pipeline *pipeline, struct entry *entry)
{
    if (entry->in_table && pipeline->table != NULL)
        HASH_DEL(pipeline->table, entry);
    entry->in_table = false;
}

static void load_add(struct pipeline *pipeline, const struct entry *entry, size_t n)
{
    if (entry->settled)
        pipeline->retry_load += n;
    else
        pipeline->stream_load += n;
}

static void load_sub(struct pipeline *pipeline, const struct entry *entry, size_t n)
{
    if (entry->settled)
        pipeline->retry_load -= n;
    else
        pipeline->stream_load -= n;
}

/* --- from an entry to its deliveries --- */

struct delivery *pipeline_add_delivery(struct pipeline *pipeline, struct entry *entry,
                                       struct hook_set *set, struct hook_slot *slot, const char *id)
{
    struct delivery *delivery = delivery_new(entry, set, slot, id);
    if (delivery == NULL)
        return NULL;
    TAILQ_INSERT_TAIL(&pipeline->unfinished, delivery, all);
    pipeline->unfinished_len++;
    delivery->counted_as_retry = entry->settled;
    load_add(pipeline, entry, 1);
    return delivery;
}

/* The entry is forgotten here. In Redis it stays pending, and adoption brings it back; or its lease
 * runs out. */
void pipeline_let_go(struct pipeline *pipeline, struct entry *entry)
{
    struct delivery *delivery;
    TAILQ_FOREACH(delivery, &entry->deliveries, link) {
        TAILQ_REMOVE(&pipeline->unfinished, delivery, all);
        pipeline->unfinished_len--;
        load_sub(pipeline, entry, 1);
    }
    if (entry->awaits_hooks)
        load_sub(pipeline, entry, 1);
    pipeline_finish_entry(pipeline, entry);
}

static void give_up(struct pipeline *pipeline, struct entry *entry)
{
    log_at(LOG_ERROR, "out_of_memory", log_text("entry", entry->stream_id));
    pipeline_let_go(pipeline, entry);
}

/* Draining: what has not started goes to other workers, at once where Redis can be told so. */
void pipeline_leave_to_others(struct pipeline *pipeline, struct entry *entry)
{
    if (!entry->settled)
        pipeline_let_go(pipeline, entry);
    else if (entry->open > 0)
        pipeline_hand_back(pipeline, TAILQ_FIRST(&entry->deliveries));
}

static int add_all(struct pipeline *pipeline, struct entry *entry, struct hook_set *set)
{
    if (entry->only_hook[0] != '\0') {
        struct hook_slot *slot = hook_set_find(set, bytes_of(entry->only_hook));
        return pipeline_add_delivery(pipeline, entry, set, slot, entry->only_hook) == NULL ? -1 : 0;
    }
    for (size_t i = 0; i < set->len; i++) {
        if (pipeline_add_delivery(pipeline, entry, set, &set->slots[i], set->slots[i].id) == NULL)
            return -1;
    }
    return 0;
}

static void note_hooks(struct pipeline *pipeline, size_t len)
{
    double now = len > 0 ? (double)len : 1;
    pipeline->hooks_an_event += (now - pipeline->hooks_an_event) / HOOKS_MEMORY;
}

static void on_hooks_of_entry(struct pipeline *pipeline, struct entry *entry, struct hook_set *set)
{
    size_t len = entry->only_hook[0] != '\0' ? 1 : set->len;
    if (pipeline_is_crowded(pipeline, len)) {
        pipeline_hold_in_crowd(pipeline, entry, len);
        return;
    }
    if (add_all(pipeline, entry, set) != 0) {
        give_up(pipeline, entry);
        return;
    }
    note_hooks(pipeline, len);
    entry->awaits_hooks = false;
    load_sub(pipeline, entry, 1);
    if (entry->open == 0) {
        counters_add(pipeline->config.queue->counters, COUNTER_NO_HOOK, 1);
        pipeline_submit_entry(pipeline, entry);
        loop_turn_arm(&pipeline->refill);
        return;
    }
    pipeline_admit_all(pipeline, entry);
}

static void on_hooks_of_retry(struct pipeline *pipeline, struct entry *entry, struct hook_set *set)
{
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    delivery->slot = hook_set_find(set, bytes_of(delivery->hook_id));
    delivery->set = set;
    hook_set_keep(set);
    pipeline_admit_all(pipeline, entry);
}

/* Not "no hooks": it waits until the question is answered, but not here, where it would hold room
 * and, in time, all of it. */
static void hooks_unknown(struct pipeline *pipeline, struct entry *entry)
{
    if (entry->settled && entry->open == 0)
        return; /* handed back meanwhile */
    if (pipeline->draining) {
        pipeline_leave_to_others(pipeline, entry);
    } else if (entry->settled) {
        pipeline_defer(pipeline, TAILQ_FIRST(&entry->deliveries), 0);
    } else {
        pipeline->let_go_at_ms = loop_now_ms();
        if (!loop_timer_is_armed(&pipeline->ask_timer))
            loop_timer_arm(&pipeline->ask_timer, LOOKUP_AGAIN_MS);
        pipeline_let_go(pipeline, entry);
    }
}

void pipeline_ask_again(void *context)
{
    struct pipeline *pipeline = context;
    int64_t left = pipeline->let_go_at_ms + LOOKUP_AGAIN_MS - loop_now_ms();
    intake_adopt(pipeline->intake, STREAM_ENTRY_ARRIVES_MS);
    if (left > 0) /* some came later, and are too young now */
        loop_timer_arm(&pipeline->ask_timer, left);
}

static void on_hooks(void *context, struct hook_set *set);

/* A room without hooks may have got one just before the event was sent. */
static void ask_anew(struct pipeline *pipeline, struct entry *entry)
{
    entry->asked_anew = true;
    registry_look_up(pipeline->registry, entry->event.room_id, REGISTRY_ANEW, entry->arrived,
                     &entry->query, on_hooks, entry);
}

static void on_hooks(void *context, struct hook_set *set)
{
    struct entry *entry = context;
    struct pipeline *pipeline = entry->pipeline;
    if (set == NULL)
        hooks_unknown(pipeline, entry);
    else if (set->len == 0 && !entry->asked_anew)
        ask_anew(pipeline, entry);
    else if (entry->settled)
        on_hooks_of_retry(pipeline, entry, set);
    else
        on_hooks_of_entry(pipeline, entry, set);
}

void pipeline_find_hooks(struct pipeline *pipeline, struct entry *entry)
{
    if (!entry->event.has_inline_hooks) {
        enum registry_source source = entry->hooks_by;
        entry->hooks_by = REGISTRY_CONTROL; /* when it is looked up again, much later */
        registry_look_up(pipeline->registry, entry->event.room_id, source, entry->arrived,
                         &entry->query, on_hooks, entry);
        return;
    }
    struct hook_set *set = hook_set_inline(&entry->event);
    if (set == NULL) {
        give_up(pipeline, entry);
        return;
    }
    registry_recall_inline(pipeline->registry, &entry->event, set);
    if (entry->settled)
        on_hooks_of_retry(pipeline, entry, set);
    else
        on_hooks_of_entry(pipeline, entry, set);
    hook_set_drop(set);
}

/* --- arrival of a stream entry --- */

/* Copies the small fields. False with *why when one is not as it must be. */
static bool read_fields(struct entry *entry, const struct stream_entry *read,
                        struct error_text *why)
{
    char shown[80];
    if (read->event_id.data != NULL) {
        if (!parse_is_name(read->event_id)) {
            error_text_set(why, "id \"%s\": allowed are 1 to 64 of A-Z a-z 0-9 _ -",
                           bytes_printable(read->event_id, shown, sizeof(shown)));
            return false;
        }
        bytes_copy_text(read->event_id, entry->event_id, sizeof(entry->event_id));
        entry->own_event_id = true;
    }
    if (read->hook.data != NULL) {
        if (!parse_is_name(read->hook)) {
            error_text_set(why, "hook \"%s\": allowed are 1 to 64 of A-Z a-z 0-9 _ -",
                           bytes_printable(read->hook, shown, sizeof(shown)));
            return false;
        }
        bytes_copy_text(read->hook, entry->only_hook, sizeof(entry->only_hook));
    }
    if (read->traceparent.data != NULL) {
        if (!parse_is_traceparent(read->traceparent)) {
            error_text_set(why, "traceparent \"%s\" is not in the form of W3C Trace Context",
                           bytes_printable(read->traceparent, shown, sizeof(shown)));
            return false;
        }
        bytes_copy_text(read->traceparent, entry->traceparent, sizeof(entry->traceparent));
    }
    return true;
}

/* Everything about an entry that can be judged without decoding it. */
static bool check_entry(const struct pipeline *pipeline, struct entry *entry,
                        const struct stream_entry *read, enum dead_reason *ret_reason,
                        struct error_text *why)
{
    size_t max = (size_t)pipeline->config.settings->max_event_bytes;
    *ret_reason = DEAD_MALFORMED;
    if ((read->json.data == NULL) == (read->msgpack.data == NULL)) {
        error_text_set(why, read->json.data == NULL
                                ? "the entry has neither a field json nor a field msgpack"
                                : "the entry has both a field json and a field msgpack");
        return false;
    }
    if (!read_fields(entry, read, why))
        return false;
    if (entry->document.len > max) {
        *ret_reason = DEAD_TOO_LARGE;
        error_text_set(why, "the event has %zu bytes, allowed are %zu", entry->document.len, max);
        return false;
    }
    return true;
}

/* One letter for the whole event; of a waiting delivery, for that. */
static void bury_event(struct pipeline *pipeline, struct entry *entry, enum dead_reason reason,
                       const char *why)
{
    struct bytes none = {NULL, 0};
    bool json = entry->encoding == RH_JSON;
    if (entry->settled)
        pipeline_bury_delivery(pipeline, TAILQ_FIRST(&entry->deliveries), reason, why);
    else
        pipeline_bury(pipeline, entry, reason, why, json ? entry->document : none,
                      json ? none : entry->document);
}

void pipeline_run_entry(struct pipeline *pipeline, struct entry *entry)
{
    struct error_text why = {""};
    int problem = event_decode(entry->encoding, entry->document, &entry->event, &why);
    if (problem == EVENT_NO_MEMORY) {
        give_up(pipeline, entry);
        return;
    }
    if (problem != EVENT_OK) {
        bury_event(pipeline, entry, DEAD_MALFORMED, why.text);
        return;
    }
    if (entry->event.hops >= EVENT_HOPS_LOOP) {
        error_text_set(&why, "%d webhooks led to this event, %d are allowed: it goes round",
                       entry->event.hops, EVENT_HOPS_LOOP - 1);
        bury_event(pipeline, entry, DEAD_LOOP, why.text);
        return;
    }
    if (!entry->settled) {
        entry->awaits_hooks = true;
        load_add(pipeline, entry, 1);
    }
    pipeline_find_hooks(pipeline, entry);
}

void pipeline_run_or_hold(struct pipeline *pipeline, struct entry *entry)
{
    if (pipeline_is_suspect(entry))
        pipeline_hold_suspect(pipeline, entry);
    else
        pipeline_run_entry(pipeline, entry);
}

void pipeline_on_entry(void *context, const struct stream_entry *read)
{
    struct pipeline *pipeline = context;
    struct error_text why = {""};
    enum dead_reason reason;
    if (pipeline_knows(pipeline, read->id))
        return;
    bool is_msgpack = read->json.data == NULL;
    struct entry *entry = entry_new(read->id, is_msgpack ? RH_MSGPACK : RH_JSON,
                                    is_msgpack ? read->msgpack : read->json);
    if (entry == NULL || !remember(pipeline, entry)) {
        log_at(LOG_ERROR, "out_of_memory", log_bytes("entry", read->id));
        entry_free(entry);
        return;
    }
    TAILQ_INSERT_TAIL(&pipeline->everything, entry, every);
    entry->pipeline = pipeline;
    entry->arrived = registry_stamp(pipeline->registry);
    entry->hooks_by = read->by_reader ? REGISTRY_READER : REGISTRY_CONTROL;
    entry->claims = read->claims;
    if (check_entry(pipeline, entry, read, &reason, &why))
        pipeline_run_or_hold(pipeline, entry);
    else
        pipeline_bury(pipeline, entry, reason, why.text, read->json, read->msgpack);
}
