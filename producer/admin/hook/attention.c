#include "admin/hook/attention.h"

#include <string.h>

#include "admin/scan.h"

static const int rank[] = {
    [HOOK_OPEN] = 0, [HOOK_FAILING] = 1, [HOOK_DISABLED] = 2, [HOOK_PAUSED] = 3, [HOOK_FINE] = 4,
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

static void look_at(struct attention *attention, struct bytes lane, struct bytes json)
{
    struct attention_hook hook;
    struct stored_state state;
    struct lane_parts parts;

    hook_state_parse(json, &state);
    hook.condition = hook_state_condition(&state, attention->now_ms);
    hook.since_ms = hook_state_since_ms(&state, hook.condition);
    if (hook.condition != HOOK_FINE && lane_split(lane, &parts) == 0 && !parts.is_inline &&
        bytes_copy_text(lane, hook.lane, sizeof(hook.lane)))
        attention_add(attention, &hook);
}

bool attention_find(struct session *session, size_t most, enum hook_condition only,
                    struct attention *ret_attention)
{
    const struct reply *pairs;
    struct scan scan;
    int64_t looked = 0;
    int more = 0;

    *ret_attention = (struct attention){.most = most, .only = only};
    if (!session_server_time(session, &ret_attention->now_ms))
        return false;
    scan_begin(&scan, session, BYTES("HSCAN"), session->keys.hooks_state, "*");
    while (looked < ATTENTION_LOOKED_MAX && (more = scan_next(&scan, &pairs)) > 0) {
        for (size_t i = 0; i + 1 < reply_len(pairs); i += 2, looked++)
            look_at(ret_attention, reply_text(reply_at(pairs, i)),
                    reply_text(reply_at(pairs, i + 1)));
    }
    scan_end(&scan);
    ret_attention->is_cut = more > 0;
    return more >= 0;
}
