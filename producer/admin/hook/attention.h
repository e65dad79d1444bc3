/*
 * The hooks of all rooms that need somebody's attention, by what workers learnt and how their
 * newest attempts ended: open, failing, disabled by workers, paused, or slow.
 */
#ifndef ADMIN_HOOK_ATTENTION_H
#define ADMIN_HOOK_ATTENTION_H

#include "admin/hook/state.h"
#include "admin/session.h"
#include "contract/lane.h"

#define ATTENTION_KEPT_MAX 500
#define ATTENTION_LOOKED_MAX 200000 /* hooks that something is known of */

struct attention_hook {
    char lane[LANE_SIZE];
    enum hook_condition condition;
    int64_t since_ms;
};

struct attention {
    struct attention_hook list[ATTENTION_KEPT_MAX]; /* the worst first, then that of longest ago */
    size_t len;
    size_t most;              /* how many are kept */
    enum hook_condition only; /* of these; HOOK_FINE: of all */
    int64_t counts[HOOK_DISABLED + 1];
    bool is_cut; /* there are more than were looked at */
    int64_t now_ms;
};

/* Large. Finds them; those of hooks that came with their events are left out. False with the
 * failure reported. */
bool attention_find(struct session *session, size_t most, enum hook_condition only,
                    struct attention *ret_attention);

/* Puts one where it belongs, when it belongs to the worst. Pure. */
void attention_add(struct attention *attention, const struct attention_hook *hook);

#endif
