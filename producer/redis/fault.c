#include "redis/fault.h"

#include <string.h>

static const struct {
    enum rh_status status; /* 0: an operator must act */
    bool reconnect;
    bool of_a_key;
} kinds[FAULTS] = {
    [FAULT_LOADING] = {.status = RH_ERR_BUSY, .reconnect = true},
    [FAULT_READONLY] = {.status = RH_ERR_BUSY, .reconnect = true},
    [FAULT_NOAUTH] = {.reconnect = true},
    [FAULT_OOM] = {.status = RH_ERR_FULL},
    [FAULT_MISCONF] = {.status = RH_ERR_BUSY},
    [FAULT_BUSY] = {.status = RH_ERR_BUSY},
    [FAULT_CLUSTERDOWN] = {.status = RH_ERR_BUSY},
    [FAULT_NOREPLICAS] = {.status = RH_ERR_BUSY},
    [FAULT_MAXCLIENTS] = {.status = RH_ERR_BUSY, .reconnect = true},
    [FAULT_WRONGTYPE] = {.of_a_key = true},
    [FAULT_OTHER] = {.of_a_key = true},
};

_Static_assert(COUNTER_REDIS_OTHER - COUNTER_REDIS_UNREACHABLE == FAULT_OTHER - FAULT_UNREACHABLE,
               "counters of faults are in the order of faults");

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
        {"CLUSTERDOWN", FAULT_CLUSTERDOWN},
        {"TRYAGAIN", FAULT_CLUSTERDOWN},
        {"NOREPLICAS", FAULT_NOREPLICAS},
        {"ERR max number of clients", FAULT_MAXCLIENTS},
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

enum counter redis_fault_counter(enum redis_fault fault)
{
    return (enum counter)(COUNTER_REDIS_UNREACHABLE + (fault - FAULT_UNREACHABLE));
}

const char *redis_fault_name(enum redis_fault fault)
{
    return counter_name(redis_fault_counter(fault)) + strlen("redis_");
}

const char *redis_fault_advice(enum redis_fault fault)
{
    switch (fault) {
    case FAULT_NOPERM:
        return "give the worker's user the rights that docs/operations.md lists";
    case FAULT_NOREPLICAS:
        return "bring the replicas back, or lower min-replicas-to-write";
    case FAULT_READONLY:
        return "give the address of the master, or of the Sentinels";
    case FAULT_MISCONF:
        return "make room on the disk of Redis, and look at its log";
    case FAULT_OOM:
        return "find what fills Redis, or raise its maxmemory";
    case FAULT_WRONGTYPE:
        return "find the key that has another type with roomhook doctor";
    default:
        return "look at the error, and run roomhook doctor";
    }
}

bool redis_fault_needs_reconnect(enum redis_fault fault)
{
    return kinds[fault].reconnect;
}

bool redis_fault_is_of_a_key(enum redis_fault fault)
{
    return kinds[fault].of_a_key;
}

enum rh_status redis_fault_status(enum redis_fault fault)
{
    return kinds[fault].status != RH_OK ? kinds[fault].status : RH_ERR_REFUSED;
}
