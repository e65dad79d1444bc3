/*
 * What keeps the deliveries of a hook back, as a value of {Q}:gates: "<not before ms> <kind>
 * <fingerprint>". Pure.
 */
#ifndef ADMIN_HOOK_GATE_H
#define ADMIN_HOOK_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

enum gate_kind {
    GATE_NONE,
    GATE_PAUSED,
    GATE_PAUSED_OPEN, /* paused, and open behind that */
    GATE_OPEN,
    GATE_RATE,
    GATE_DISABLED,
    GATE_KINDS
};

struct gate {
    enum gate_kind kind;
    int64_t at_ms; /* nothing passes before; at an open gate then one, the probe */
    char fingerprint[16];
};

/* -1: it is of no known form, and ret_gate is none. */
int gate_parse(struct bytes text, struct gate *ret_gate);

/* Does it keep anything back? Not if it is over, of another fingerprint (NULL: any), or further
 * away than such a gate can be: from before a clock went back. */
bool gate_is_shut(const struct gate *gate, const char *fingerprint, int64_t now_ms);

#endif
