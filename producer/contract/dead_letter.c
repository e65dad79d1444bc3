#include "contract/dead_letter.h"

static const char *const names[DEAD_REASONS] = {
    [DEAD_EXHAUSTED] = "exhausted",
    [DEAD_EXPIRED] = "expired",
    [DEAD_REJECTED] = "rejected",
    [DEAD_GONE] = "gone",
    [DEAD_BLOCKED] = "blocked",
    [DEAD_BAD_URL] = "bad-url",
    [DEAD_BAD_HOOK] = "bad-hook",
    [DEAD_MALFORMED] = "malformed",
    [DEAD_TOO_LARGE] = "too-large",
    [DEAD_POISON] = "poison",
    [DEAD_LOOP] = "loop",
    [DEAD_HOOK_REMOVED] = "hook-removed",
    [DEAD_HOOK_DISABLED] = "hook-disabled",
    [DEAD_OVERFLOW] = "overflow",
    [DEAD_DROPPED] = "dropped",
};

const char *dead_reason_name(enum dead_reason reason)
{
    return names[reason];
}

int dead_reason_parse(struct bytes text, enum dead_reason *ret)
{
    for (size_t i = 0; i < DEAD_REASONS; i++) {
        if (bytes_equal_text(text, names[i])) {
            *ret = (enum dead_reason)i;
            return 0;
        }
    }
    return -1;
}
