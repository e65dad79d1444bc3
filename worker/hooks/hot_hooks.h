/*
 * Hooks of which lately more deliveries were due than could be sent, so that claiming more of them
 * would be in vain and would keep others waiting. Pure.
 */
#ifndef HOOKS_HOT_HOOKS_H
#define HOOKS_HOT_HOOKS_H

#include <roomhook/event.h>
#include <stddef.h>
#include <stdint.h>

#define HOT_HOOKS_MAX 64
#define HOT_FOR_MS 10000 /* since the last time it had too many */

struct hot_hook {
    int64_t room_id;
    char hook_id[RH_NAME_MAX + 1];
    int64_t until_ms;
};

struct hot_hooks {
    struct hot_hook hooks[HOT_HOOKS_MAX];
    size_t len;
};

/* It has too many now. When the list is full the one that had so longest ago is forgotten. */
void hot_hooks_note(struct hot_hooks *hot, int64_t room_id, const char *hook_id, int64_t now_ms);

/* NULL: it is not hot. */
struct hot_hook *hot_hooks_find(struct hot_hooks *hot, int64_t room_id, const char *hook_id);

void hot_hooks_forget_old(struct hot_hooks *hot, int64_t now_ms);

#endif
