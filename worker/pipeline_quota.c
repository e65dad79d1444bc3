#include <stdio.h>

#include "pipeline_internal.h"

/*
 * A receiver that was away for long has a heap of deliveries that are all due. Claiming them in
 * their order would keep the retries of others waiting, or end in nothing but deferrals. So once a
 * claimed delivery had to be deferred, or more were due than there was room for, of its hook only
 * as many are claimed as can be sent now, and the others are put off.
 */

#define SPREAD_EACH_MS 10 /* a heap of n comes back within n times this */
#define SPREAD_LEAST_MS 500
#define SPREAD_MOST_MS 10000
#define BUSY_MS 250

void pipeline_note_hot(struct pipeline *pipeline, const struct delivery *delivery)
{
    const struct event *event = &delivery->entry->event;
    if (delivery->leased && event->has_room_id && !event->has_inline_hooks)
        hot_hooks_note(&pipeline->hot, event->room_id, delivery->hook_id, loop_now_ms());
}

static void set_quota(struct pipeline *pipeline, struct retry_quota *quota)
{
    const struct hook_slot *slot;
    char origin[URL_ORIGIN_SIZE];
    quota->push_ms = BUSY_MS;
    if (!registry_peek(pipeline->registry, quota->room_id, quota->hook_id, &slot)) {
        quota->quota = 1; /* finds out what became of it */
        return;
    }
    if (slot == NULL || slot->hook == NULL || slot->disabled) {
        quota->quota = INT32_MAX; /* nothing is sent: they all end */
        return;
    }
    switch (hook_state_gate(&slot->state, loop_now_ms(), &quota->push_ms)) {
    case HOOK_WAIT:
        quota->quota = 0;
        break;
    case HOOK_PROBE:
        quota->quota = 1;
        break;
    case HOOK_GO:
        url_origin(&slot->hook->url, origin);
        quota->quota = capacity_free_slots(pipeline->capacity, slot->hook->url_text, origin);
        break;
    }
}

size_t pipeline_quotas(void *context, struct retry_quota out[RETRY_QUOTAS_MAX])
{
    _Static_assert(HOT_HOOKS_MAX <= RETRY_QUOTAS_MAX, "each hot hook has a quota");
    struct pipeline *pipeline = context;
    hot_hooks_forget_old(&pipeline->hot, loop_now_ms());
    for (size_t i = 0; i < pipeline->hot.len; i++) {
        const struct hot_hook *hook = &pipeline->hot.hooks[i];
        int64_t spread = (int64_t)hook->pushed * SPREAD_EACH_MS;
        out[i].room_id = hook->room_id;
        snprintf(out[i].hook_id, sizeof(out[i].hook_id), "%s", hook->hook_id);
        set_quota(pipeline, &out[i]);
        out[i].spread_ms = spread < SPREAD_LEAST_MS  ? SPREAD_LEAST_MS
                           : spread > SPREAD_MOST_MS ? SPREAD_MOST_MS
                                                     : spread;
    }
    return pipeline->hot.len;
}

void pipeline_on_pushed(void *context, const struct retry_quota *quota, size_t count)
{
    struct pipeline *pipeline = context;
    struct hot_hook *hook = hot_hooks_find(&pipeline->hot, quota->room_id, quota->hook_id);
    if (hook == NULL)
        return;
    hook->pushed = count;
    if (count > 0)
        hot_hooks_note(&pipeline->hot, quota->room_id, quota->hook_id, loop_now_ms());
}
