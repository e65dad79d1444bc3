/*
 * The attempt logs of a room's hooks: finding and reading them.
 */
#ifndef ADMIN_LOG_READ_H
#define ADMIN_LOG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/session.h"
#include "contract/lane.h"

#define LOG_LANES_MAX 1000

/* A lane's log, and how far it was read. */
struct log_lane {
    char name[LANE_SIZE];
    char last[RH_STREAM_ID_SIZE]; /* the newest entry that was read; "" for none */
    int64_t oldest_ms;            /* the first entry that it still has; 0: it has none */
    bool is_foreign;              /* its key is no stream: there is nothing to be read */
};

/* Zeroed: none. */
struct log_lanes {
    struct log_lane *list;
    size_t len;
    size_t cap;
};

/* Which entries are wanted. */
struct log_filter {
    const char *event_id; /* NULL: of all events */
    bool failed_only;     /* not those that were delivered or skipped */
    bool has_before;      /* only older ones than this: */
    uint64_t before_ms, before_seq;
};

struct log_entry {
    int64_t at_ms;
    uint64_t seq;
    const char *lane; /* borrowed from log_lanes */
    char *texts;      /* the fields below lie in it */
    struct bytes event_id, outcome, reason, error, answer;
    int64_t attempt, status, took_ms;
};

/* Oldest first. */
struct log_entries {
    struct log_entry *list;
    size_t len;
    size_t cap;
};

/* Adds those of the room, or, with hook (an id, or ":" and 16 hex), one, that are not there yet.
 * False with the failure reported. What log_entries borrow is not valid any more. */
bool log_lanes_find(struct session *session, const struct room_id *room, const char *hook,
                    struct log_lanes *lanes);
void log_lanes_release(struct log_lanes *lanes);

/* Adds what came since the last time, of what there was before at most the newest limit entries of
 * all. False with the failure reported. */
bool log_read(struct session *session, struct log_lanes *lanes, const struct log_filter *filter,
              size_t limit, struct log_entries *entries);

void log_entries_clear(struct log_entries *entries);
void log_entries_release(struct log_entries *entries);

#endif
