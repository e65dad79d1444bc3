/*
 * What Redis and the way to it can do wrong, and what that means: the same words, verdicts and
 * counters for both clients. Pure.
 */
#ifndef REDIS_FAULT_H
#define REDIS_FAULT_H

#include <roomhook/status.h>
#include <stdbool.h>

#include "base/counters.h"
#include "redis/reply.h"

enum redis_fault {
    FAULT_NONE,
    /* Of the connection; also the fault of a reply that never came. */
    FAULT_UNREACHABLE, /* it could not be made */
    FAULT_LOST,        /* it broke */
    FAULT_TIMEOUT,     /* no answer by the deadline */
    /* Refusals: error replies, known by their first words. */
    FAULT_LOADING,     /* Redis reads its data set */
    FAULT_READONLY,    /* a replica, perhaps since a moment ago */
    FAULT_NOAUTH,      /* no password, or a wrong one */
    FAULT_NOSCRIPT,    /* send the script's text */
    FAULT_NOGROUP,     /* stream or group are gone: make them again */
    FAULT_OOM,         /* Redis is full */
    FAULT_MISCONF,     /* it cannot write its files */
    FAULT_BUSY,        /* a script runs for too long */
    FAULT_CLUSTERDOWN, /* a cluster that cannot serve the key now */
    FAULT_NOREPLICAS,  /* too few replicas are connected */
    FAULT_MAXCLIENTS,  /* too many clients are connected */
    FAULT_NOPERM,      /* our user may not do that */
    FAULT_WRONGTYPE,   /* the key is something else */
    FAULT_EXECABORT,   /* a transaction was refused */
    FAULT_OTHER,       /* any other */
    FAULTS
};

/* FAULT_NONE for a reply that is no error; FAULT_LOST for NULL. */
enum redis_fault redis_fault_of(const struct reply *reply);

const char *redis_fault_name(enum redis_fault fault); /* "misconf": the counter is redis_misconf */
enum counter redis_fault_counter(enum redis_fault fault);

/* True when only a new connection can heal it. */
bool redis_fault_needs_reconnect(enum redis_fault fault);

/* True when others of its kind may go on beside it: it is one of the key that was asked for. */
bool redis_fault_is_of_a_key(enum redis_fault fault);

/* What an operator can do about a refusal. */
const char *redis_fault_advice(enum redis_fault fault);

/* Of a refusal: RH_ERR_FULL, RH_ERR_BUSY when it passes by itself, else RH_ERR_REFUSED. */
enum rh_status redis_fault_status(enum redis_fault fault);

#endif
