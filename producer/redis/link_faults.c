#include "redis/link_faults.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

void redis_faults_count(struct redis_faults *faults, enum redis_fault fault)
{
    counters_add(faults->counters, redis_fault_counter(fault), 1);
    counters_add(faults->counters, COUNTER_REDIS_ERRORS, 1);
}

static struct redis_complaint *find(struct redis_faults *faults, enum redis_fault fault,
                                    const char *about)
{
    for (size_t i = 0; i < faults->open_len; i++) {
        struct redis_complaint *complaint = &faults->open[i];
        if (complaint->fault == fault && strcmp(complaint->about, about) == 0)
            return complaint;
    }
    return NULL;
}

void redis_faults_complain(struct redis_faults *faults, const struct reply *reply,
                           const char *about, int64_t now_ms)
{
    enum redis_fault fault = redis_fault_of(reply);
    const char *which = redis_fault_is_of_a_key(fault) ? about : "";
    struct redis_complaint *complaint = find(faults, fault, which);
    char words[200];
    if (complaint == NULL) {
        if (faults->open_len == REDIS_FAULTS_OPEN_MAX)
            return; /* this many are enough to see; the counters go on */
        complaint = &faults->open[faults->open_len++];
        *complaint = (struct redis_complaint){.fault = fault, .began_ms = now_ms};
        snprintf(complaint->about, sizeof(complaint->about), "%s", which);
        log_at(LOG_WARN, "redis_error", log_text("fault", redis_fault_name(fault)),
               log_text("what", about),
               log_text("error", bytes_printable(reply_error_text(reply), words, sizeof(words))));
    }
    complaint->last_ms = now_ms;
    complaint->times++;
}

const struct redis_complaint *redis_faults_last(const struct redis_faults *faults, int64_t now_ms)
{
    const struct redis_complaint *last = NULL;
    for (size_t i = 0; i < faults->open_len; i++) {
        const struct redis_complaint *complaint = &faults->open[i];
        if (complaint->fault == FAULT_NOSCRIPT || complaint->fault == FAULT_NOGROUP ||
            now_ms - complaint->last_ms >= REDIS_FAULT_QUIET_MS)
            continue;
        if (last == NULL || complaint->last_ms > last->last_ms)
            last = complaint;
    }
    return last;
}

void redis_faults_look(struct redis_faults *faults, int64_t now_ms)
{
    for (size_t i = faults->open_len; i-- > 0;) {
        const struct redis_complaint *complaint = &faults->open[i];
        if (now_ms - complaint->last_ms < REDIS_FAULT_QUIET_MS)
            continue;
        log_at(LOG_INFO, "redis_recovered", log_text("fault", redis_fault_name(complaint->fault)),
               log_text("what", complaint->about), log_int("refusals", complaint->times),
               log_int("lasted_ms", complaint->last_ms - complaint->began_ms));
        faults->open[i] = faults->open[--faults->open_len];
    }
}
