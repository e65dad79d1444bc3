#include "delivery/arrival.h"

#include <stdio.h>

#include "base/backoff.h"
#include "base/log.h"
#include "contract/event_room.h"
#include "contract/kept_event.h"
#include "contract/parse.h"
#include "contract/test_event.h"
#include "delivery/admit.h"
#include "delivery/conclude.h"
#include "delivery/settlement.h"

#define HOOKS_MEMORY 16 /* events that count for how many hooks one has */
#define LOOKUP_AGAIN_FIRST_MS 200
#define LOOKUP_AGAIN_MAX_MS 10000

bool arrival_knows(void *context, struct bytes id)
{
    const struct pipeline *pipeline = context;
    return entries_know(&pipeline->entries, id);
}

/* In Redis it stays pending, and reclaim brings it back; or its lease runs out. */
static void give_up(struct pipeline *pipeline, struct entry *entry)
{
    log_at(LOG_ERROR, "out_of_memory", log_text("entry", entry->stream_id));
    settlement_forget(pipeline, entry);
}

void arrival_leave(struct pipeline *pipeline, struct entry *entry)
{
    if (entry->source == SOURCE_LANE && entry->open > 0)
        conclude_back(pipeline, TAILQ_FIRST(&entry->deliveries));
    else
        settlement_forget(pipeline, entry);
}

/* --- from an event to its deliveries --- */

static void name_lane(struct delivery *delivery)
{
    const struct event *event = &delivery->entry->event;
    if (delivery->lane[0] != '\0')
        return; /* it was claimed of it */
    if (event->has_inline_hooks && delivery->slot != NULL && delivery->slot->hook != NULL)
        lane_of_inline(delivery->slot->hook, &event->room_id, delivery->lane);
    else
        lane_of(&event->room_id, delivery->hook_id, delivery->lane);
}

static int add(struct pipeline *pipeline, struct entry *entry, struct hook_set *set,
               struct hook_slot *slot, const char *hook_id)
{
    struct delivery *delivery = delivery_new(&pipeline->entries, entry, set, slot, hook_id);
    if (delivery == NULL)
        return -1;
    name_lane(delivery);
    return 0;
}

static int add_all(struct pipeline *pipeline, struct entry *entry, struct hook_set *set)
{
    if (entry->only_hook[0] != '\0')
        return add(pipeline, entry, set, hook_set_find(set, bytes_of(entry->only_hook)),
                   entry->only_hook);
    for (size_t i = 0; i < set->len; i++) {
        if (add(pipeline, entry, set, &set->slots[i], set->slots[i].id) != 0)
            return -1;
    }
    return 0;
}

static void note_hooks(struct pipeline *pipeline, size_t len)
{
    double now = len > 0 ? (double)len : 1;
    pipeline->read_at_ms = loop_now_ms();
    pipeline->hooks_an_event += (now - pipeline->hooks_an_event) / HOOKS_MEMORY;
}

static void open_entry(struct pipeline *pipeline, struct entry *entry, struct hook_set *set)
{
    if (add_all(pipeline, entry, set) != 0) {
        give_up(pipeline, entry);
        return;
    }
    entry_move(&pipeline->entries, entry, ENTRY_OPEN);
    note_hooks(pipeline, entry->open);
    if (entry->open == 0) {
        conclude_without_hook(pipeline, entry);
        settlement_of_entry(pipeline, entry);
        return;
    }
    /* Admitting may settle the entry; the copy of the count says when to stop. */
    size_t left = entry->open;
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    while (left-- > 0) {
        struct delivery *next = TAILQ_NEXT(delivery, link);
        admit_arrival(pipeline, delivery);
        delivery = next;
    }
}

/* --- its hooks --- */

/* Not "no hooks": it waits until the question is answered, but not here, where it would hold room
 * and, in time, all of it. */
static void hooks_unknown(struct pipeline *pipeline, struct entry *entry)
{
    int64_t now = loop_now_ms();
    if (now - pipeline->left_at_ms > 2 * LOOKUP_AGAIN_MAX_MS)
        pipeline->lookup_failures = 0;
    pipeline->left_at_ms = now;
    if (!pipeline->draining && !loop_timer_is_armed(&pipeline->ask_timer))
        loop_timer_arm(&pipeline->ask_timer,
                       backoff_exponential(LOOKUP_AGAIN_FIRST_MS, LOOKUP_AGAIN_MAX_MS,
                                           pipeline->lookup_failures++,
                                           backoff_random(&pipeline->random)));
    settlement_forget(pipeline, entry);
}

void arrival_ask_again(void *context)
{
    struct pipeline *pipeline = context;
    intake_take_again(pipeline->intake);
}

static void on_hooks(void *context, struct hook_set *set);

/* What says no may be older than the event: somebody may have set or enabled a hook just before it
 * was sent. So "no" is only taken from what was read since. */
static bool says_no(const struct entry *entry, struct hook_set *set)
{
    if (entry->only_hook[0] != '\0') {
        const struct hook_slot *slot = hook_set_find(set, bytes_of(entry->only_hook));
        return slot == NULL || slot->hook == NULL || slot->disabled;
    }
    for (size_t i = 0; i < set->len; i++) {
        if (set->slots[i].hook == NULL || set->slots[i].disabled)
            return true;
    }
    return set->len == 0;
}

static void on_hooks(void *context, struct hook_set *set)
{
    struct entry *entry = context;
    struct pipeline *pipeline = entry->pipeline;
    if (set == NULL) {
        hooks_unknown(pipeline, entry);
    } else if (!entry->asked_anew && says_no(entry, set)) {
        entry->asked_anew = true;
        registry_look_up(pipeline->registry, &entry->event.room_id, REGISTRY_ANEW, entry->arrived,
                         &entry->query, on_hooks, entry);
    } else {
        open_entry(pipeline, entry, set);
    }
}

static void find_hooks(struct pipeline *pipeline, struct entry *entry)
{
    entry_move(&pipeline->entries, entry, ENTRY_LOOKING_UP);
    if (!entry->event.has_inline_hooks) {
        registry_look_up(pipeline->registry, &entry->event.room_id,
                         entry->by_reader ? REGISTRY_READER : REGISTRY_CONTROL, entry->arrived,
                         &entry->query, on_hooks, entry);
        return;
    }
    struct hook_set *set = hook_set_inline(&entry->event);
    if (set == NULL) {
        give_up(pipeline, entry);
        return;
    }
    registry_recall_inline(pipeline->registry, &entry->event, set);
    open_entry(pipeline, entry, set);
    hook_set_drop(set);
}

/* --- decoding --- */

/* One letter for the whole event; of a delivery that waited, for that. */
static void bury(struct pipeline *pipeline, struct entry *entry, enum dead_reason reason,
                 const char *error)
{
    struct letter_cause cause = {.reason = reason, .error = error};
    if (entry->source == SOURCE_LANE) {
        conclude_dead(pipeline, TAILQ_FIRST(&entry->deliveries), reason, error);
        return;
    }
    *(entry->encoding == RH_JSON ? &cause.json : &cause.msgpack) = entry->document;
    settlement_bury(pipeline, entry, &cause);
}

/* A claimed delivery's hook that came with its event. False: no memory. */
static bool find_inline_hook(struct delivery *delivery)
{
    struct hook_set *set = hook_set_inline(&delivery->entry->event);
    if (set == NULL)
        return false;
    delivery->set = set;
    delivery->slot = hook_set_find(set, bytes_of(delivery->hook_id));
    return true;
}

/* It was claimed before its hook's rate was known: once more, at that rate. */
static bool lacks_place(struct pipeline *pipeline, const struct delivery *delivery)
{
    const struct hook *hook = delivery->slot == NULL ? NULL : delivery->slot->hook;
    if (hook == NULL || !delivery->entry->event.has_inline_hooks || hook->rate_interval_us == 0)
        return false;
    rates_note(&pipeline->inline_rates, delivery->lane, hook->rate_interval_us);
    return delivery->not_before_ms == 0 && !delivery->is_probe;
}

static void open_claimed(struct pipeline *pipeline, struct entry *entry)
{
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    entry_move(&pipeline->entries, entry, ENTRY_DETACHED);
    if (delivery->set == NULL && entry->event.has_inline_hooks && !find_inline_hook(delivery))
        give_up(pipeline, entry);
    else if (lacks_place(pipeline, delivery))
        conclude_back(pipeline, delivery);
    else
        admit_claimed(pipeline, delivery);
}

void arrival_run(struct pipeline *pipeline, struct entry *entry)
{
    struct error_text why = {""};
    int problem = event_decode(entry->encoding, entry->document, &entry->event, &why);
    if (problem == EVENT_NO_MEMORY) {
        give_up(pipeline, entry);
    } else if (problem != EVENT_OK) {
        bury(pipeline, entry, DEAD_MALFORMED, why.text);
    } else if (entry->event.hops >= EVENT_HOPS_LOOP) {
        error_text_set(&why, "%d webhooks led to this event, %d are allowed: it is a loop",
                       entry->event.hops, EVENT_HOPS_LOOP - 1);
        bury(pipeline, entry, DEAD_LOOP, why.text);
    } else if (entry->source == SOURCE_LANE) {
        open_claimed(pipeline, entry);
    } else {
        find_hooks(pipeline, entry);
    }
}

void arrival_run_or_quarantine(struct pipeline *pipeline, struct entry *entry, int limit)
{
    entry->is_suspect = entry->claims >= limit;
    if (!entry->is_suspect && pipeline->running_alone == NULL) {
        arrival_run(pipeline, entry);
        return;
    }
    /* It was on its way when that began. */
    if (pipeline->draining || (!entry->is_suspect && entry->source == SOURCE_LANE)) {
        arrival_leave(pipeline, entry);
        return;
    }
    if (entry->is_suspect)
        log_at(LOG_WARN, "suspect", log_text("entry", entry->stream_id),
               log_int("claims", entry->claims), log_text("do", "runs alone"));
    entry_move(&pipeline->entries, entry, ENTRY_QUARANTINED);
    pipeline_arm(pipeline);
}

/* --- a stream entry --- */

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
    entry->is_resent = bytes_equal_text(read->resent, RESENT_VALUE);
    if (read->test.data != NULL) {
        if (!bytes_equal_text(read->test, TEST_EVENT_VALUE) || entry->only_hook[0] == '\0') {
            error_text_set(why, "test must be " TEST_EVENT_VALUE ", beside a hook");
            return false;
        }
        entry->is_test = true;
    }
    return true;
}

/* It only helps to find an event in traces: an invalid one is no reason not to deliver. */
static void read_traceparent(const struct pipeline *pipeline, struct entry *entry,
                             struct bytes traceparent)
{
    if (traceparent.data == NULL || parse_traceparent(traceparent, entry->traceparent) == 0)
        return;
    counters_add(pipeline->queue->counters, COUNTER_TRACEPARENT_DROPPED, 1);
    log_at(LOG_DEBUG, "traceparent_dropped", log_text("entry", entry->stream_id));
}

/* Everything about an entry that can be judged without decoding it. */
static bool check(const struct pipeline *pipeline, struct entry *entry,
                  const struct stream_entry *read, enum dead_reason *ret_reason,
                  struct error_text *why)
{
    size_t max = (size_t)pipeline->settings->max_event_bytes;
    *ret_reason = DEAD_MALFORMED;
    if ((read->json.data == NULL) == (read->msgpack.data == NULL)) {
        error_text_set(why, read->json.data == NULL
                                ? "the entry has neither a field json nor a field msgpack"
                                : "the entry has both a field json and a field msgpack");
        return false;
    }
    if (!read_fields(entry, read, why))
        return false;
    if (entry->document.len > max || read->too_large_bytes > 0) {
        size_t len =
            read->too_large_bytes > 0 ? (size_t)read->too_large_bytes : entry->document.len;
        *ret_reason = DEAD_TOO_LARGE;
        error_text_set(why, "the event has %zu bytes, allowed are %zu", len, max);
        return false;
    }
    return true;
}

void arrival_of_entry(void *context, const struct stream_entry *read)
{
    struct pipeline *pipeline = context;
    struct error_text why = {""};
    enum dead_reason reason;
    if (arrival_knows(pipeline, read->id))
        return;
    bool is_msgpack = read->json.data == NULL;
    struct entry *entry =
        entry_new(&pipeline->entries, SOURCE_STREAM, read->id, is_msgpack ? RH_MSGPACK : RH_JSON,
                  is_msgpack ? read->msgpack : read->json);
    if (entry == NULL) {
        log_at(LOG_ERROR, "out_of_memory", log_bytes("entry", read->id));
        return;
    }
    entry->pipeline = pipeline;
    entry->claims = read->claims;
    entry->arrived = registry_stamp(pipeline->registry);
    entry->by_reader = read->by_reader;
    read_traceparent(pipeline, entry, read->traceparent);
    if (!entry_remember(&pipeline->entries, entry)) {
        give_up(pipeline, entry);
    } else if (check(pipeline, entry, read, &reason, &why)) {
        arrival_run_or_quarantine(pipeline, entry, SUSPECT_CLAIMS);
    } else {
        struct letter_cause cause = {reason, why.text, read->json, read->msgpack};
        (void)event_find_room(entry->encoding, entry->document, &entry->event.room_id);
        settlement_bury(pipeline, entry, &cause);
    }
}
