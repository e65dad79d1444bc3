/*
 * Which dead letters a command is about. Pure.
 */
#ifndef ADMIN_DEAD_FILTER_H
#define ADMIN_DEAD_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/flags.h"
#include "contract/bytes.h"
#include "contract/room.h"

/* The rows of the filters' flags, for the tables of several commands. */
#define DEAD_FILTER_SPECS                                                                         \
    {"room", "ROOM", "only of this room", false}, {"hook", "ID", "only of this hook", false},     \
        {"reason", "NAME", "only with this reason, like exhausted", false},                       \
        {"since", "2h|DATE", "only what died since then: an age, or an ISO 8601 time in UTC",     \
         false},                                                                                  \
    {                                                                                             \
        "before", "30d|DATE", "only what died before then: older than that, or an ISO 8601 time", \
            false                                                                                 \
    }

#define DEAD_NO_END INT64_MAX

/* The times are left to the scan: letters are in the order of their death. */
struct dead_filter {
    struct room_id room; /* its len is 0: any */
    const char *hook;    /* NULL: any */
    const char *reason;  /* NULL: any */
    int64_t since_ms;    /* the first that is meant; 0: any */
    int64_t before_ms;   /* the first that is meant no more; DEAD_NO_END: any */
};

/* Reads the filters' flags. now_ms is Redis' time. 0, or -1 with *why. */
int dead_filter_read(struct dead_filter *ret_filter, const struct flags *flags, int64_t now_ms,
                     struct error_text *why);

bool dead_filter_given(const struct flags *flags); /* is any of the flags given? */

/* Does a letter with these fields match? Empty when it has none. The times are not
 * looked at. */
bool dead_filter_matches(const struct dead_filter *filter, struct bytes room, struct bytes hook,
                         struct bytes reason);

/* "2h" before now_ms, or "2022-11-04[T08:28[:57[.257]]][Z]". 0 or -1. */
int dead_time_parse(struct bytes text, int64_t now_ms, int64_t *ret_ms);

#endif
