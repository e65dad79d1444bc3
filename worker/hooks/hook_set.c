#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/registry.h"

void hook_set_keep(struct hook_set *set)
{
    set->references++;
}

void hook_set_drop(struct hook_set *set)
{
    if (set == NULL || --set->references > 0)
        return;
    for (size_t i = 0; i < set->len; i++)
        hook_free(set->slots[i].hook);
    free(set);
}

struct hook_slot *hook_set_find(struct hook_set *set, struct bytes id)
{
    for (size_t i = 0; i < set->len; i++) {
        if (bytes_equal_text(id, set->slots[i].id))
            return &set->slots[i];
    }
    return NULL;
}

struct hook_set *hook_set_inline(const struct event *event)
{
    size_t len = event->inline_hooks_len;
    struct hook_set *set = calloc(1, sizeof(*set) + len * sizeof(set->slots[0]));
    if (set == NULL)
        return NULL;
    set->references = 1;
    set->len = len;
    for (size_t i = 0; i < len; i++) {
        struct hook_slot *slot = &set->slots[i];
        struct error_text why = {""};
        snprintf(slot->id, sizeof(slot->id), "inline-%zu", i);
        slot->problem = hook_parse(bytes_of(slot->id), event->inline_hooks[i], &slot->hook, &why);
        snprintf(slot->why, sizeof(slot->why), "%.199s", why.text);
        slot->disabled = slot->hook != NULL && !slot->hook->enabled;
        if (slot->problem == HOOK_NO_MEMORY) {
            hook_set_drop(set);
            return NULL;
        }
    }
    return set;
}
