#include "cli/hook/tone.h"

enum tone hook_condition_tone(enum hook_condition condition)
{
    static const enum tone tones[] = {
        [HOOK_FINE] = TONE_OK,         [HOOK_SLOW] = TONE_WARNING, [HOOK_PAUSED] = TONE_WARNING,
        [HOOK_FAILING] = TONE_WARNING, [HOOK_OPEN] = TONE_ERROR,   [HOOK_DISABLED] = TONE_ERROR,
    };

    return tones[condition];
}

enum tone lane_condition_tone(enum lane_condition condition)
{
    static const enum tone tones[] = {
        [LANE_DUE] = TONE_OK,        [LANE_WAITS] = TONE_PLAIN,  [LANE_PAUSED] = TONE_WARNING,
        [LANE_OPEN] = TONE_ERROR,    [LANE_RATE] = TONE_PLAIN,   [LANE_DISABLED] = TONE_ERROR,
        [LANE_REMOVED] = TONE_ERROR, [LANE_BROKEN] = TONE_ERROR,
    };

    return tones[condition];
}
