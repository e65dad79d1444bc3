#include <stdio.h>

#include "delivery/pipeline_internal.h"

/*
 * A receiver that was away for long has a heap of deliveries that are all due. Claiming them in
 * their order would keep the retries of others waiting, or end in nothing but deferrals. So once a
 * claimed delivery had to be deferred, or more were due than there was room for, of its hook only
 * as many are claimed as can be sent now, and the others are put off.
 */

#define EACH_US 10000 /* what is put off comes back so far apart while its pace is not known */
#define BUSY_MS 250   /* and not before */

void pipeline_note_hot(struct pipeline *pipeline, const struct delivery *delivery)
{
    const struct event *event = &delivery->entry->event;
    if (delivery->leased && event->has_room_id && !event->has_inline_hooks)
        hot_hooks_note(&pipeline->hot, event->room_id, delivery->hook_id, loop_now_ms());
}

static void set_quota(struct pipeline *pipeline, struct retry_quota *quota)
{
    const struct hook_slot *slot;
    struct capacity_pace pace;
    char origin[URL_ORIGIN_SIZE];
    quota->push_ms = BUSY_MS;
    quota->each_us = EACH_US;
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
        quota->quota = capacity_soon(pipeline->capacity, slot->hook->url_text, origin);
        pace = capacity_pace_of(pipeline->capacity, slot->hook->url_text, loop_now_ms());
        quota->push_ms = pace.each_us > 0 ? pace.silent_ms : BUSY_MS + pace.silent_ms;
        quota->each_us = pace.each_us > 0 ? pace.each_us : EACH_US;
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
        out[i].room_id = hook->room_id;
        snprintf(out[i].hook_id, sizeof(out[i].hook_id), "%s", hook->hook_id);
        set_quota(pipeline, &out[i]);
    }
    return pipeline->hot.len;
}

void pipeline_on_pushed(void *context, const struct retry_quota *quota, size_t count)
{
    struct pipeline *pipeline = context;
    struct hot_hook *hook = hot_hooks_find(&pipeline->hot, quota->room_id, quota->hook_id);
    if (hook == NULL)
        return;
    if (count > 0)
        hot_hooks_note(&pipeline->hot, quota->room_id, quota->hook_id, loop_now_ms());
}
