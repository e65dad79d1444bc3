/*
 * What a lane waits for. Pure.
 */
#ifndef ADMIN_LANE_CONDITION_H
#define ADMIN_LANE_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/hook/gate.h"
#include "contract/hook.h"

enum lane_condition {
    LANE_DUE,      /* a worker is to take of it now */
    LANE_WAITS,    /* its next retry is due later, or workers hold what it has */
    LANE_PAUSED,   /* the receiver asked for rest */
    LANE_OPEN,     /* its hook keeps failing: single probes are sent */
    LANE_RATE,     /* it had its places at its rate */
    LANE_DISABLED, /* what waits is to be buried */
    LANE_REMOVED,  /* the same */
    LANE_BROKEN    /* no lane: a claim heals that */
};

const char *lane_condition_name(enum lane_condition condition); /* "paused" */

struct lane_facts {
    bool is_broken; /* its key is of another type */
    bool has_hook;  /* of a registered one: it is there */
    bool is_inline; /* or it came with its events, or it is not known which one it is */
    bool is_disabled;
    const char *fingerprint; /* of its hook; NULL: not known */
    struct gate gate;
    int64_t head_ms; /* when the first of it is due */
};

enum lane_condition lane_condition_of(const struct lane_facts *facts, int64_t now_ms);

#endif
