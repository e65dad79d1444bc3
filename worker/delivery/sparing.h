/*
 * Which of the lines that say what becomes of deliveries are written at level info: of each kind a
 * few at once, then one every ten seconds that says how many were left out. So one delivery that is
 * tried by hand is seen, and a busy queue does not fill the disk. Pure.
 */
#ifndef DELIVERY_SPARING_H
#define DELIVERY_SPARING_H

#include <stdbool.h>
#include <stdint.h>

#define SPARING_BURST 10
#define SPARING_EVERY_MS 10000

enum sparing_kind {
    SPARING_DELIVERED,
    SPARING_NO_HOOK,
    SPARING_DISABLED,
    SPARING_TYPE,
    SPARING_KINDS
};

/* Of one kind. Zeroed: nothing was written yet. */
struct sparing {
    int64_t used;     /* of the burst */
    int64_t since_ms; /* as of when */
    int64_t unlogged; /* since the last that was written */
};

/* May one more be written? Then *ret_unlogged is how many were left out before it. */
bool sparing_allows(struct sparing *sparing, int64_t now_ms, int64_t *ret_unlogged);

#endif
