#include "admin/lane/condition.h"

const char *lane_condition_name(enum lane_condition condition)
{
    static const char *const names[] = {
        [LANE_DUE] = "due",         [LANE_WAITS] = "waits",       [LANE_PAUSED] = "paused",
        [LANE_OPEN] = "open",       [LANE_RATE] = "rate",         [LANE_DISABLED] = "disabled",
        [LANE_REMOVED] = "removed", [LANE_BROKEN] = "not a lane",
    };

    return names[condition];
}

enum lane_condition lane_condition_of(const struct lane_facts *facts, int64_t now_ms)
{
    static const enum lane_condition of_gate[GATE_KINDS] = {
        [GATE_PAUSED] = LANE_PAUSED, [GATE_PAUSED_OPEN] = LANE_PAUSED, [GATE_OPEN] = LANE_OPEN,
        [GATE_RATE] = LANE_RATE,     [GATE_DISABLED] = LANE_DISABLED,
    };

    if (facts->is_broken)
        return LANE_BROKEN;
    if (!facts->is_inline && !facts->has_hook)
        return LANE_REMOVED;
    if (facts->is_disabled)
        return LANE_DISABLED;
    if (gate_is_shut(&facts->gate, facts->fingerprint, now_ms))
        return of_gate[facts->gate.kind];
    return facts->head_ms <= now_ms ? LANE_DUE : LANE_WAITS;
}
