#include "delivery/sparing.h"

bool sparing_allows(struct sparing *sparing, int64_t now_ms, int64_t *ret_unlogged)
{
    int64_t earned = (now_ms - sparing->since_ms) / SPARING_EVERY_MS;
    if (sparing->used == 0 || earned >= sparing->used) {
        sparing->used = 0;
        sparing->since_ms = now_ms;
    } else {
        sparing->used -= earned;
        sparing->since_ms += earned * SPARING_EVERY_MS;
    }
    if (sparing->used == SPARING_BURST) {
        sparing->unlogged++;
        return false;
    }
    sparing->used++;
    *ret_unlogged = sparing->unlogged;
    sparing->unlogged = 0;
    return true;
}
