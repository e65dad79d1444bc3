#include "redis/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define NAME_AT (sizeof("redis_") - 1) /* where a fault's name begins in that of its counter */

struct kind {
    enum counter counter;
    bool reconnect; /* heals by a new connection only */
    bool of_a_key;  /* others of its kind may go on beside it: told apart by what was asked */
};

static const struct kind kinds[FAULTS] = {
    [FAULT_UNREACHABLE] = {.counter = COUNTER_REDIS_UNREACHABLE},
    [FAULT_LOST] = {.counter = COUNTER_REDIS_LOST},
    [FAULT_TIMEOUT] = {.counter = COUNTER_REDIS_TIMEOUT},
    [FAULT_LOADING] = {.counter = COUNTER_REDIS_LOADING, .reconnect = true},
    [FAULT_READONLY] = {.counter = COUNTER_REDIS_READONLY, .reconnect = true},
    [FAULT_NOAUTH] = {.counter = COUNTER_REDIS_NOAUTH, .reconnect = true},
    [FAULT_NOSCRIPT] = {.counter = COUNTER_REDIS_NOSCRIPT},
    [FAULT_NOGROUP] = {.counter = COUNTER_REDIS_NOGROUP},
    [FAULT_OOM] = {.counter = COUNTER_REDIS_OOM},
    [FAULT_MISCONF] = {.counter = COUNTER_REDIS_MISCONF},
    [FAULT_BUSY] = {.counter = COUNTER_REDIS_BUSY},
    [FAULT_NOPERM] = {.counter = COUNTER_REDIS_NOPERM},
    [FAULT_WRONGTYPE] = {.counter = COUNTER_REDIS_WRONGTYPE, .of_a_key = true},
    [FAULT_EXECABORT] = {.counter = COUNTER_REDIS_EXECABORT},
    [FAULT_OTHER] = {.counter = COUNTER_REDIS_OTHER, .of_a_key = true},
};

static bool begins_with_words(struct bytes text, const char *words)
{
    struct bytes w = bytes_of(words);
    if (text.len < w.len || !bytes_equal((struct bytes){text.data, w.len}, w))
        return false;
    return text.len == w.len || text.data[w.len] == ' ';
}

enum redis_fault redis_fault_of(const struct reply *reply)
{
    static const struct {
        const char *words;
        enum redis_fault fault;
    } known[] = {
        {"LOADING", FAULT_LOADING},
        {"READONLY", FAULT_READONLY},
        {"MASTERDOWN", FAULT_READONLY},
        {"NOAUTH", FAULT_NOAUTH},
        {"WRONGPASS", FAULT_NOAUTH},
        {"NOSCRIPT", FAULT_NOSCRIPT},
        {"NOGROUP", FAULT_NOGROUP},
        {"UNBLOCKED", FAULT_NOGROUP},
        {"OOM", FAULT_OOM},
        {"MISCONF", FAULT_MISCONF},
        {"BUSY", FAULT_BUSY},
        {"NOPERM", FAULT_NOPERM},
        {"WRONGTYPE", FAULT_WRONGTYPE},
        {"EXECABORT", FAULT_EXECABORT},
        {"ERR no such key", FAULT_NOGROUP}, /* XINFO, instead of NOGROUP */
        {"ERR The user executing the script can't", FAULT_NOPERM},
        {"ERR ACL failure in script:", FAULT_NOPERM}, /* the same, from Redis 7.2 on */
    };
    struct bytes text = reply_error_text(reply);
    if (reply == NULL)
        return FAULT_LOST;
    if (!reply_is_error(reply))
        return FAULT_NONE;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (begins_with_words(text, known[i].words))
            return known[i].fault;
    }
    return FAULT_OTHER;
}

const char *redis_fault_name(enum redis_fault fault)
{
    return counter_name(kinds[fault].counter) + NAME_AT;
}

bool redis_fault_needs_reconnect(enum redis_fault fault)
{
    return kinds[fault].reconnect;
}

void redis_faults_count(struct redis_faults *faults, enum redis_fault fault)
{
    counters_add(faults->counters, kinds[fault].counter, 1);
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
    const char *which = kinds[fault].of_a_key ? about : "";
    struct redis_complaint *complaint = find(faults, fault, which);
    char words[200];
    if (complaint == NULL) {
        if (faults->open_len == REDIS_FAULTS_OPEN_MAX)
            return; /* so many are enough to see; the counters go on */
        complaint = &faults->open[faults->open_len++];
        *complaint = (struct redis_complaint){.fault = fault, .began_ms = now_ms};
        snprintf(complaint->about, sizeof(complaint->about), "%s", which);
        log_at(LOG_WARN, "redis_refuses", log_text("fault", redis_fault_name(fault)),
               log_text("what", about),
               log_text("error", bytes_printable(reply_error_text(reply), words, sizeof(words))));
    }
    complaint->last_ms = now_ms;
    complaint->times++;
}

void redis_faults_look(struct redis_faults *faults, int64_t now_ms)
{
    for (size_t i = faults->open_len; i-- > 0;) {
        const struct redis_complaint *complaint = &faults->open[i];
        if (now_ms - complaint->last_ms < REDIS_FAULT_QUIET_MS)
            continue;
        log_at(LOG_INFO, "redis_accepts", log_text("fault", redis_fault_name(complaint->fault)),
               log_text("what", complaint->about), log_int("refusals", complaint->times),
               log_int("lasted_ms", complaint->last_ms - complaint->began_ms));
        faults->open[i] = faults->open[--faults->open_len];
    }
}
