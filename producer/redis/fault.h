/*
 * What Redis and the way to it can do wrong. Each kind has a counter of its own. An operator is
 * told of a kind of refusal once when it begins, and once when there was none for a while: so a
 * fault that hits every command, or that comes and goes, is still one line.
 *
 * Connections tell of themselves when they are lost and made (redis/link.h).
 */
#ifndef REDIS_FAULT_H
#define REDIS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "redis/reply.h"

#define REDIS_FAULT_ABOUT_SIZE 160
#define REDIS_FAULT_QUIET_MS 20000 /* longer than anything waits before it asks Redis again */
#define REDIS_FAULTS_OPEN_MAX 16

enum redis_fault {
    FAULT_NONE,
    /* Of the connection; also the fault of a reply that never came. */
    FAULT_UNREACHABLE, /* it could not be made */
    FAULT_LOST,        /* it broke */
    FAULT_TIMEOUT,     /* no answer by the deadline */
    /* Refusals: error replies, told by their first word. */
    FAULT_LOADING,   /* Redis reads its data set */
    FAULT_READONLY,  /* a replica, perhaps since a moment ago */
    FAULT_NOAUTH,    /* no password, or a wrong one */
    FAULT_NOSCRIPT,  /* send the script's text */
    FAULT_NOGROUP,   /* stream or group are gone: make them again */
    FAULT_OOM,       /* Redis is full */
    FAULT_MISCONF,   /* it cannot write its files */
    FAULT_BUSY,      /* a script runs for too long */
    FAULT_NOPERM,    /* our user may not do that */
    FAULT_WRONGTYPE, /* the key is something else */
    FAULT_EXECABORT, /* a transaction was refused */
    FAULT_OTHER,     /* any other */
    FAULTS
};

/* One that goes on. */
struct redis_complaint {
    enum redis_fault fault;
    char about[REDIS_FAULT_ABOUT_SIZE]; /* "" when it is one of all of Redis */
    int64_t began_ms;
    int64_t last_ms;
    int64_t times;
};

/* Zeroed but for counters, which must outlive it. */
struct redis_faults {
    struct counters *counters;
    struct redis_complaint open[REDIS_FAULTS_OPEN_MAX];
    size_t open_len;
};

/* FAULT_NONE for a reply that is no error; FAULT_LOST for NULL. */
enum redis_fault redis_fault_of(const struct reply *reply);

const char *redis_fault_name(enum redis_fault fault); /* "misconf": the counter is redis_misconf */

/* True when only a new connection can heal it. */
bool redis_fault_needs_reconnect(enum redis_fault fault);

void redis_faults_count(struct redis_faults *faults, enum redis_fault fault);

/* Tells of a refusal, unless it was told; what was refused is told by about. */
void redis_faults_complain(struct redis_faults *faults, const struct reply *reply,
                           const char *about, int64_t now_ms);

/* To be called now and then: tells what is over. */
void redis_faults_look(struct redis_faults *faults, int64_t now_ms);

#endif
