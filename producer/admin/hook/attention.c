#include "admin/hook/attention.h"

#include <string.h>

#include "admin/hook/known.h"

static const int rank[] = {
    [HOOK_OPEN] = 0,   [HOOK_FAILING] = 1, [HOOK_DISABLED] = 2,
    [HOOK_PAUSED] = 3, [HOOK_SLOW] = 4,    [HOOK_FINE] = 5,
};

static bool is_before(const struct attention_hook *one, const struct attention_hook *other)
{
    if (rank[one->condition] != rank[other->condition])
        return rank[one->condition] < rank[other->condition];
    if (one->since_ms != other->since_ms)
        return one->since_ms < other->since_ms;
    return strcmp(one->lane, other->lane) < 0;
}

void attention_add(struct attention *attention, const struct attention_hook *hook)
{
    size_t at = attention->len;

    attention->counts[hook->condition]++;
    if (attention->only != HOOK_FINE && attention->only != hook->condition)
        return;
    while (at > 0 && is_before(hook, &attention->list[at - 1]))
        at--;
    if (at > 0 && strcmp(attention->list[at - 1].lane, hook->lane) == 0) {
        attention->counts[hook->condition]--; /* a walk may meet it twice */
        return;
    }
    if (at == attention->most)
        return;
    size_t moved =
        attention->len < attention->most ? attention->len - at : attention->most - 1 - at;
    memmove(&attention->list[at + 1], &attention->list[at], moved * sizeof(*hook));
    attention->list[at] = *hook;
    attention->len += attention->len < attention->most;
}

static bool look_at(void *context, struct bytes lane, struct bytes learnt, struct bytes recent)
{
    struct attention *attention = context;
    struct attention_hook hook;
    struct stored_state state;
    struct lane_parts parts;

    hook_state_read(learnt, recent, NULL, &state);
    hook.condition = hook_state_condition(&state, attention->now_ms);
    hook.since_ms = hook_state_since_ms(&state, hook.condition);
    if (hook.condition != HOOK_FINE && lane_split(lane, &parts) == 0 && !parts.is_inline &&
        bytes_copy_text(lane, hook.lane, sizeof(hook.lane)))
        attention_add(attention, &hook);
    return true;
}

bool attention_find(struct session *session, size_t most, enum hook_condition only,
                    struct attention *ret_attention)
{
    *ret_attention = (struct attention){.most = most, .only = only};
    return session_server_time(session, &ret_attention->now_ms) &&
           hooks_known_each(session, "*", ATTENTION_LOOKED_MAX, look_at, ret_attention,
                            &ret_attention->is_cut);
}
