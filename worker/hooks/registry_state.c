#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "contract/lane.h"
#include "hooks/registry_internal.h"

#define TELL_EVERY_MS 1000 /* what is not urgent */
#define TELL_MAX 64        /* hooks in one script */

static void on_tell_timer(void *context);

int registry_state_init(struct registry *registry)
{
    TAILQ_INIT(&registry->by_age);
    return loop_timer_init(registry->loop, &registry->tell_timer, on_tell_timer, registry) == 0 &&
                   loop_turn_init(registry->loop, &registry->tell_turn, on_tell_timer, registry) ==
                       0
               ? 0
               : -1;
}

static void health_free(struct registry *registry, struct hook_health *health)
{
    if (registry->healths != NULL) /* the analyser does not see that it is in there */
        HASH_DEL(registry->healths, health);
    TAILQ_REMOVE(&registry->by_age, health, link);
    registry->untold -= health->is_untold ? 1 : 0;
    free(health);
}

void registry_state_release(struct registry *registry)
{
    while (registry->healths != NULL)
        health_free(registry, registry->healths);
    loop_timer_release(&registry->tell_timer);
    loop_turn_release(&registry->tell_turn);
}

/* --- whose state --- */

struct hook_ref hook_ref_of(const struct event *event, const struct hook_slot *slot)
{
    return (struct hook_ref){
        .is_inline = event->has_inline_hooks, .room_id = &event->room_id, .slot = slot};
}

static const char *lane_of_ref(const struct hook_ref *ref, char out[LANE_SIZE])
{
    const struct hook *hook = ref->slot->hook;
    if (ref->is_inline)
        return lane_of_inline(hook, ref->room_id, out);
    return lane_of(ref->room_id, hook->id, out);
}

static struct hook_health *find_by_lane(const struct registry *registry, const char *lane)
{
    struct hook_health *health = NULL;
    if (registry->healths != NULL)
        HASH_FIND_STR(registry->healths, lane, health);
    return health;
}

static bool is_of(const char *fingerprint, const struct hook *hook)
{
    char now[HOOK_STATE_FINGERPRINT_SIZE];
    return strcmp(fingerprint, lane_fingerprint(hook, now)) == 0;
}

static struct hook_health *health_find(const struct registry *registry, const struct hook_ref *ref)
{
    char lane[LANE_SIZE];
    struct hook_health *health =
        registry->healths == NULL ? NULL : find_by_lane(registry, lane_of_ref(ref, lane));
    return health != NULL && is_of(health->fingerprint, ref->slot->hook) ? health : NULL;
}

static struct hook_health *health_add(struct registry *registry, const struct hook_ref *ref,
                                      const char *lane)
{
    const struct hook *hook = ref->slot->hook;
    struct hook_health *health = calloc(1, sizeof(*health) + strlen(lane) + 1);
    if (health == NULL)
        return NULL;
    memcpy(health->lane, lane, strlen(lane) + 1);
    HASH_ADD_STR(registry->healths, lane, health);
    if (health->hh.tbl == NULL) {
        free(health);
        return NULL;
    }
    breaker_init(&health->breaker, loop_now_ms());
    health->is_inline = ref->is_inline;
    health->room_id = *ref->room_id;
    snprintf(health->hook_id, sizeof(health->hook_id), "%s", hook->id);
    lane_fingerprint(hook, health->fingerprint);
    health->max_age_ms = registry->rules.max_age_ms;
    if (hook->max_age_ms > 0 && hook->max_age_ms < health->max_age_ms)
        health->max_age_ms = hook->max_age_ms;
    health->interval_us = hook->rate_interval_us;
    return health;
}

static struct hook_health *health_get(struct registry *registry, const struct hook_ref *ref)
{
    char storage[LANE_SIZE];
    const char *lane = lane_of_ref(ref, storage);
    struct hook_health *health = find_by_lane(registry, lane);
    if (health != NULL && !is_of(health->fingerprint, ref->slot->hook)) {
        health_free(registry, health); /* the hook is another one now */
        health = NULL;
    }
    if (health == NULL) {
        health = health_add(registry, ref, lane);
        if (health == NULL)
            return NULL;
    } else {
        TAILQ_REMOVE(&registry->by_age, health, link);
    }
    TAILQ_INSERT_TAIL(&registry->by_age, health, link);
    if (HASH_COUNT(registry->healths) > REGISTRY_FAILING_MAX)
        health_free(registry, TAILQ_FIRST(&registry->by_age));
    return health;
}

/* The hook as it is cached now, if it still is the one the attempt went to. */
static struct hook_slot *cached_slot(struct hook_set *set, const struct hook *hook)
{
    struct hook_slot *slot = set == NULL ? NULL : hook_set_find(set, bytes_of(hook->id));
    bool same = slot != NULL && slot->hook != NULL &&
                strcmp(slot->hook->fingerprint, hook->fingerprint) == 0;
    return same ? slot : NULL;
}

/* NULL: they are not cached. */
static struct hook_set *cached_set(struct registry *registry, const struct hook_ref *ref)
{
    const struct registry_room *room =
        ref->is_inline ? NULL : registry_find_room(registry, ref->room_id);
    return room == NULL ? NULL : room->set;
}

/* The hook was changed or removed while the attempt ran: its answer says nothing about the present
 * one, and the gate of the former hook is no gate of the lane's. */
static bool was_changed(struct registry *registry, const struct hook_ref *ref)
{
    struct hook_set *set = cached_set(registry, ref);
    return set != NULL && cached_slot(set, ref->slot->hook) == NULL;
}

/* NULL: nothing is known. */
static struct hook_state *state_of(struct registry *registry, const struct hook_ref *ref)
{
    if (ref->is_inline) {
        struct hook_health *health = health_find(registry, ref);
        return health == NULL ? NULL : &health->state;
    }
    struct hook_slot *slot = cached_slot(cached_set(registry, ref), ref->slot->hook);
    return slot == NULL ? NULL : &slot->state;
}

void registry_recall_inline(const struct registry *registry, const struct event *event,
                            struct hook_set *set)
{
    for (size_t i = 0; registry->healths != NULL && i < set->len; i++) {
        struct hook_ref ref = {
            .is_inline = true, .room_id = &event->room_id, .slot = &set->slots[i]};
        const struct hook_health *health =
            set->slots[i].hook == NULL ? NULL : health_find(registry, &ref);
        if (health != NULL)
            set->slots[i].state = health->state;
    }
}

/* --- telling the others --- */

static void note_untold(struct registry *registry, struct hook_health *health, bool urgent)
{
    registry->untold += health->is_untold ? 0 : 1;
    health->is_untold = true;
    if (urgent)
        loop_turn_arm(&registry->tell_turn);
    else if (!loop_timer_is_armed(&registry->tell_timer))
        loop_timer_arm(&registry->tell_timer, TELL_EVERY_MS);
}

static void on_told(void *context, const struct reply *reply)
{
    (void)context;
    /* Ignoring a failure: the next attempt teaches the same again. */
    for (size_t i = 0; i < reply_len(reply); i++)
        log_at(LOG_WARN, "hook_disabled", log_bytes("hook", reply_text(reply_at(reply, i))),
               log_text("reason", "failing"));
}

/* The arguments of gate.lua: its keys grow with its items, so the two are gathered apart. */
struct news_args {
    struct redis_args keys;
    struct redis_args items;
};

static void args_begin(const struct registry *registry, struct news_args *args)
{
    const struct keys *keys = &registry->queue->keys;
    redis_args_init(&args->keys);
    redis_args_init(&args->items);
    redis_args_text(&args->items, registry->queue->consumer);
    redis_args_text(&args->keys, keys->hooks_state);
    redis_args_text(&args->keys, keys->hooks_changed);
    redis_args_text(&args->keys, keys->happened);
    redis_args_text(&args->keys, keys->gates);
    redis_args_text(&args->keys, keys->lanes);
    redis_args_text(&args->keys, keys->lanes_shut);
}

static struct redis_args *args_hook(const struct registry *registry, struct news_args *args,
                                    const struct hook_health *health, const char *kind)
{
    char key[KEY_SIZE];
    redis_args_copy(&args->keys, bytes_of(keys_lane(&registry->queue->keys, health->lane, key)));
    if (health->is_inline)
        redis_args_text(&args->items, "");
    else
        redis_args_copy(&args->items, room_id_bytes(&health->room_id));
    redis_args_copy(&args->items, bytes_of(health->hook_id));
    redis_args_copy(&args->items, bytes_of(health->fingerprint));
    redis_args_int(&args->items, health->max_age_ms);
    redis_args_text(&args->items, kind);
    return &args->items;
}

static int args_send(struct registry *registry, struct news_args *args)
{
    int keys_len = (int)args->keys.len;
    redis_args_append(&args->keys, &args->items);
    int sent = queue_call(registry->queue, SCRIPT_GATE, keys_len, &args->keys, on_told, NULL);
    redis_args_release(&args->keys);
    redis_args_release(&args->items);
    return sent;
}

static void args_health(const struct registry *registry, struct news_args *args,
                        const struct hook_health *health)
{
    struct redis_args *items;
    int64_t now = loop_now_ms();
    if (health->ok) {
        items = args_hook(registry, args, health, "ok");
        redis_args_int(items, now - health->ok_at_ms);
        redis_args_int(items, health->interval_us);
    }
    if (health->failures == 0)
        return;
    items = args_hook(registry, args, health, "failed");
    redis_args_int(items, now - health->failed_at_ms);
    redis_args_int(items, health->failures);
    redis_args_int(items, health->status);
    redis_args_copy(items, bytes_of(health->error));
    redis_args_int(items, health->opens);
    redis_args_int(items, health->probe_ms);
    redis_args_int(items, registry->rules.disable_after_ms);
}

/* Nothing to tell, and nothing that only this worker knows. */
static void forget_if_quiet(struct registry *registry, struct hook_health *health)
{
    int64_t now = loop_now_ms();
    if (!health->is_told && !health->is_untold && hook_state_is_clear(&health->state, now) &&
        breaker_is_quiet(&health->breaker, now))
        health_free(registry, health);
}

static void set_shared(struct registry *registry, struct hook_health *health)
{
    health->is_told = health->failures > 0;
    health->ok = false;
    health->failures = 0;
    health->opens = 0;
    health->is_untold = false;
    registry->untold--;
    forget_if_quiet(registry, health);
}

/* Those who have something to tell; the last to fail are at the end of the list. */
static size_t tell_some(struct registry *registry)
{
    struct hook_health *health;
    struct hook_health *next;
    struct hook_health *some[TELL_MAX];
    struct news_args args;
    size_t len = 0;
    args_begin(registry, &args);
    for (health = TAILQ_LAST(&registry->by_age, hook_healths);
         health != NULL && len < TELL_MAX && len < registry->untold; health = next) {
        next = TAILQ_PREV(health, hook_healths, link);
        if (!health->is_untold)
            continue;
        args_health(registry, &args, health);
        some[len++] = health;
    }
    if (args_send(registry, &args) != 0)
        return 0;
    for (size_t i = 0; i < len; i++)
        set_shared(registry, some[i]);
    return len;
}

static void on_tell_timer(void *context)
{
    struct registry *registry = context;
    while (registry->untold > 0 && tell_some(registry) > 0)
        continue;
    if (registry->untold > 0)
        loop_timer_arm(&registry->tell_timer, TELL_EVERY_MS);
}

void registry_report_now(struct registry *registry)
{
    on_tell_timer(registry);
}

/* --- what attempts tell --- */

/* Sends what the others have to know at once. */
static void send_one(struct registry *registry, const struct hook_ref *ref, const char *kind,
                     int64_t pause_ms)
{
    const struct hook_health *health = health_get(registry, ref);
    struct news_args args;
    if (health == NULL)
        return; /* no memory: the next attempt teaches the same */
    args_begin(registry, &args);
    struct redis_args *items = args_hook(registry, &args, health, kind);
    if (pause_ms > 0)
        redis_args_int(items, pause_ms);
    (void)args_send(registry, &args);
}

void registry_pause(struct registry *registry, const struct hook_ref *ref, int64_t pause_ms)
{
    int64_t until_ms = loop_now_ms() + pause_ms;
    struct hook_state *state = state_of(registry, ref);
    if (was_changed(registry, ref) || (state != NULL && state->paused_until_ms >= until_ms))
        return;
    send_one(registry, ref, "pause", pause_ms);
    state = state_of(registry, ref);
    if (state != NULL) {
        state->paused_until_ms = until_ms;
        state->changed_at_ms = loop_now_ms();
    }
}

void registry_gone(struct registry *registry, const struct hook_ref *ref)
{
    struct hook_slot *slot = cached_slot(cached_set(registry, ref), ref->slot->hook);
    if (was_changed(registry, ref) || (slot != NULL && slot->disabled))
        return;
    if (slot != NULL)
        slot->disabled = true;
    send_one(registry, ref, "gone", 0);
}

static void log_breaker(const struct hook_ref *ref, const char *msg, int opens, int64_t probe_ms,
                        const char *error)
{
    char origin[URL_ORIGIN_SIZE];
    url_origin(&ref->slot->hook->url, origin);
    log_at(LOG_WARN, msg, log_bytes("room", room_id_bytes(ref->room_id)),
           log_text("hook", ref->slot->hook->id), log_text("origin", origin),
           log_int("opens", opens), log_int("probe_ms", probe_ms), log_text("error", error));
}

/* True when it was open. */
static bool close_breaker(const struct hook_ref *ref, struct hook_state *state)
{
    if (state == NULL || state->opens == 0)
        return false;
    state->opens = 0;
    state->changed_at_ms = loop_now_ms();
    log_breaker(ref, "breaker_closed", 0, 0, "");
    return true;
}

/* A success, or as good as one: what was not shared yet need not be. */
static void begin_anew(struct registry *registry, struct hook_health *health, bool urgent)
{
    health->failures = 0;
    health->opens = 0;
    health->ok = true;
    health->ok_at_ms = loop_now_ms();
    note_untold(registry, health, urgent);
}

void registry_succeeded(struct registry *registry, const struct hook_ref *ref, bool had_failed)
{
    if (registry->healths == NULL && !had_failed && !ref->slot->state.is_failing &&
        ref->slot->state.opens == 0)
        return;
    if (was_changed(registry, ref))
        return;
    struct hook_state *state = state_of(registry, ref);
    bool others_know = had_failed || (state != NULL && state->is_failing);
    struct hook_health *health =
        others_know ? health_get(registry, ref) : health_find(registry, ref);
    bool was_open = close_breaker(ref, state);
    if (state != NULL)
        state->is_failing = false;
    if (health == NULL)
        return;
    breaker_succeeded(&health->breaker, loop_now_ms());
    if (others_know || health->is_told || health->failures > 0)
        begin_anew(registry, health, was_open);
    forget_if_quiet(registry, health);
}

void registry_answered(struct registry *registry, const struct hook_ref *ref)
{
    struct hook_health *health;
    if (close_breaker(ref, state_of(registry, ref)) && (health = health_get(registry, ref)) != NULL)
        begin_anew(registry, health, true);
}

static void open_breaker(struct registry *registry, const struct hook_ref *ref,
                         struct hook_health *health, struct hook_state *state)
{
    health->opens = state == NULL || state->opens >= INT16_MAX ? 1 : state->opens + 1;
    health->probe_ms = breaker_probe_ms(health->opens, backoff_random(&registry->random));
    if (state != NULL) {
        state->opens = health->opens;
        state->changed_at_ms = loop_now_ms();
    }
    if (health->opens == 1)
        counters_add(registry->queue->counters, COUNTER_BREAKER_OPENED, 1);
    log_breaker(ref, "breaker_open", health->opens, health->probe_ms, health->error);
}

void registry_failed(struct registry *registry, const struct hook_ref *ref,
                     const struct hook_failure *failure)
{
    struct hook_health *health = was_changed(registry, ref) ? NULL : health_get(registry, ref);
    struct hook_state *state = state_of(registry, ref);
    if (health == NULL)
        return; /* of another hook; or no memory: it will fail again */
    health->failures++;
    health->failed_at_ms = loop_now_ms();
    health->status = failure->status;
    snprintf(health->error, sizeof(health->error), "%s", failure->error);
    if (state != NULL)
        state->is_failing = true;
    /* While it is open only probes tell something new. */
    bool is_open = state != NULL && state->opens > 0;
    bool opens = failure->was_probe ||
                 (!is_open && breaker_failed(&health->breaker, failure->timed_out, loop_now_ms()));
    if (opens)
        open_breaker(registry, ref, health, state);
    note_untold(registry, health, opens);
}

void registry_probe_again(struct registry *registry, const char *lane, const char *fingerprint,
                          int64_t max_age_ms, int64_t in_ms)
{
    struct news_args args;
    char key[KEY_SIZE];
    args_begin(registry, &args);
    redis_args_copy(&args.keys, bytes_of(keys_lane(&registry->queue->keys, lane, key)));
    redis_args_text(&args.items, ""); /* no news: nobody has to know at once */
    redis_args_text(&args.items, "");
    redis_args_copy(&args.items, bytes_of(fingerprint));
    redis_args_int(&args.items, max_age_ms);
    redis_args_text(&args.items, "probe");
    redis_args_int(&args.items, in_ms);
    (void)args_send(registry, &args); /* else the gate opens when the lease ends */
}

bool registry_is_clear(struct registry *registry, const struct hook_ref *ref)
{
    const struct hook_state *state = state_of(registry, ref);
    return state == NULL || hook_state_is_clear(state, loop_now_ms());
}

static struct hook_state *state_of_lane(struct registry *registry, const char *lane)
{
    struct lane_parts parts;
    if (lane_split(bytes_of(lane), &parts) != 0)
        return NULL;
    if (parts.is_inline) {
        struct hook_health *health = find_by_lane(registry, lane);
        return health == NULL ? NULL : &health->state;
    }
    const struct registry_room *room = registry_find_room(registry, &parts.room);
    struct hook_slot *slot = room == NULL || room->set == NULL
                                 ? NULL
                                 : hook_set_find(room->set, bytes_of(parts.hook_id));
    return slot == NULL ? NULL : &slot->state;
}

void registry_lane_is_free(struct registry *registry, const char *lane, int64_t asked_at_ms)
{
    struct hook_state *state = state_of_lane(registry, lane);
    if (state == NULL || hook_state_is_clear(state, loop_now_ms()) ||
        state->changed_at_ms >= asked_at_ms)
        return;
    state->opens = 0;
    state->paused_until_ms = 0;
}
