/*
 * The Lua scripts in worker/scripts, embedded by the build. Each file tells its keys, arguments and
 * reply at its top.
 */
#ifndef QUEUE_SCRIPTS_H
#define QUEUE_SCRIPTS_H

#include "redis/script.h"

enum script_number {
    SCRIPT_ACKNOWLEDGE,      /* delete what leaves nothing behind */
    SCRIPT_ADOPT,            /* take up own pending entries */
    SCRIPT_SETTLE_ENTRIES,   /* store outcomes of entries, then acknowledge them */
    SCRIPT_CLAIM_RETRIES,    /* lease what is due */
    SCRIPT_SETTLE_RETRIES,   /* store outcomes of leased retries */
    SCRIPT_HOLD_LEASES,      /* keep leases whose outcomes cannot be stored yet */
    SCRIPT_HEARTBEAT,        /* say that this worker lives */
    SCRIPT_OPEN_QUEUE,       /* make stream and group, check the contract */
    SCRIPT_HOOK_STATE,       /* share what was learnt about hooks */
    SCRIPT_HOOK_STATES,      /* read it */
    SCRIPT_PERMIT,           /* may a delivery be attempted now? */
    SCRIPT_COUNT,            /* add to the counters */
    SCRIPT_REAP,             /* take over from a dead worker */
    SCRIPT_SWEEP,            /* find what no other rule does */
    SCRIPT_TRIM_DEAD,        /* keep dead letters within dead-max-bytes */
    SCRIPT_PRUNE_HOOK_STATE, /* forget old pauses */
    SCRIPT_LONE_RUN,         /* count a run of a suspect entry */
    SCRIPT_LONE_LEASE,       /* lease a suspect delivery anew before its run */
    SCRIPT_LEAVE,            /* say goodbye */
    SCRIPTS
};

struct scripts {
    struct redis_script script[SCRIPTS];
};

int scripts_init(struct scripts *scripts); /* -1: no SHA-1 */

#endif
