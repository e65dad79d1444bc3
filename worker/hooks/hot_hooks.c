#include "hooks/hot_hooks.h"

#include <stdio.h>
#include <string.h>

struct hot_hook *hot_hooks_find(struct hot_hooks *hot, int64_t room_id, const char *hook_id)
{
    for (size_t i = 0; i < hot->len; i++) {
        struct hot_hook *hook = &hot->hooks[i];

        if (hook->room_id == room_id && strcmp(hook->hook_id, hook_id) == 0)
            return hook;
    }
    return NULL;
}

/* A place for one more. */
static struct hot_hook *replace_oldest(struct hot_hooks *hot)
{
    struct hot_hook *oldest = &hot->hooks[0];

    if (hot->len < HOT_HOOKS_MAX)
        return &hot->hooks[hot->len++];
    for (size_t i = 1; i < hot->len; i++) {
        if (hot->hooks[i].until_ms < oldest->until_ms)
            oldest = &hot->hooks[i];
    }
    return oldest;
}

void hot_hooks_note(struct hot_hooks *hot, int64_t room_id, const char *hook_id, int64_t now_ms)
{
    struct hot_hook *hook = hot_hooks_find(hot, room_id, hook_id);

    if (!hook) {
        hook = replace_oldest(hot);
        *hook = (struct hot_hook){.room_id = room_id};
        (void)snprintf(hook->hook_id, sizeof(hook->hook_id), "%s", hook_id);
    }
    hook->until_ms = now_ms + HOT_FOR_MS;
}

void hot_hooks_forget_old(struct hot_hooks *hot, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < hot->len; i++) {
        if (hot->hooks[i].until_ms > now_ms)
            hot->hooks[kept++] = hot->hooks[i];
    }
    hot->len = kept;
}
