/*
 * Counting and logging of faults (redis/fault.h), for all links of a worker. A kind of refusal is
 * logged once when it begins, and once when there was none for a while: so a fault that hits every
 * command, or that comes and goes, is still one line. Each kind has a counter of its own.
 *
 * Links log themselves when they are lost and made (redis/link.h).
 */
#ifndef REDIS_LINK_FAULTS_H
#define REDIS_LINK_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "redis/fault.h"

#define REDIS_FAULT_ABOUT_SIZE 160
#define REDIS_FAULT_QUIET_MS 20000 /* longer than anything waits before it asks Redis again */
#define REDIS_FAULTS_OPEN_MAX 16

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

void redis_faults_count(struct redis_faults *faults, enum redis_fault fault);

/* Logs a refusal, unless it was logged; about says what was refused. */
void redis_faults_complain(struct redis_faults *faults, const struct reply *reply,
                           const char *about, int64_t now_ms);

/* The refusal that came last and does not heal by itself; NULL when there was none lately. */
const struct redis_complaint *redis_faults_last(const struct redis_faults *faults, int64_t now_ms);

/* To be called now and then: logs what is over. */
void redis_faults_look(struct redis_faults *faults, int64_t now_ms);

#endif
