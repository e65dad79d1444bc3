/*
 * The Lua scripts in worker/scripts, embedded by the build. Each file lists its keys, arguments and
 * reply at its top.
 */
#ifndef QUEUE_SCRIPTS_H
#define QUEUE_SCRIPTS_H

#include "redis/script.h"

enum script_number {
    SCRIPT_ACKNOWLEDGE,    /* delete what leaves nothing behind */
    SCRIPT_RECLAIM_OWN,    /* take up own pending entries */
    SCRIPT_SETTLE_STREAM,  /* store outcomes of entries, then acknowledge them */
    SCRIPT_SETTLE_LEASED,  /* store outcomes of leased deliveries */
    SCRIPT_HOLD_LEASES,    /* keep leases whose outcomes cannot be stored yet */
    SCRIPT_LOOK,           /* find lanes that are due */
    SCRIPT_CLAIM,          /* lease what is due in lanes */
    SCRIPT_RECHECK,        /* make lanes due whose hooks were changed */
    SCRIPT_UPGRADE,        /* of contract 1 to ours, when no worker of contract 1 lives */
    SCRIPT_HEAL_KEYS,      /* remove keys of a wrong type */
    SCRIPT_HEARTBEAT,      /* say that this worker lives */
    SCRIPT_OPEN_QUEUE,     /* make stream and group, check the contract */
    SCRIPT_GATE,           /* store what was learnt about hooks, and their gates */
    SCRIPT_HOOK_STATES,    /* read it */
    SCRIPT_COUNT,          /* add to the counters */
    SCRIPT_RECLAIM_DEAD,   /* take over from a dead worker */
    SCRIPT_RECLAIM_STUCK,  /* take over what a living worker forgot */
    SCRIPT_ACCOUNT,        /* count what others deleted */
    SCRIPT_TIDY_DEAD,      /* keep dead letters within their caps */
    SCRIPT_PRUNE,          /* forget what is over of hooks and gates */
    SCRIPT_WALK,           /* read a page of what waits */
    SCRIPT_HEAL,           /* add what is missing of it */
    SCRIPT_CONVERT_LOOK,   /* read a page of what waits as contract 1 has it */
    SCRIPT_CONVERT,        /* bring it into lanes */
    SCRIPT_QUARANTINE_RUN, /* count a run of a suspect entry */
    SCRIPT_LOG_ATTEMPTS,   /* write what attempts came to into the logs of lanes */
    SCRIPT_LOG_TIDY,       /* keep these logs within their bytes */
    SCRIPT_KEEP,           /* keep documents of delivered events */
    SCRIPT_KEEP_TIDY,      /* delete what was kept for long enough */
    SCRIPT_ALERT,          /* report what is new of hooks to alert-url */
    SCRIPT_HISTORY,        /* add a snapshot to the history */
    SCRIPT_LEAVE,          /* deregister */
    SCRIPTS
};

struct scripts {
    struct redis_script script[SCRIPTS];
};

int scripts_init(struct scripts *scripts); /* -1: no SHA-1 */

#endif
