/*
 * The deliveries that wait in a lane, with what is known of each.
 */
#ifndef ADMIN_LANE_RECORD_H
#define ADMIN_LANE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/session.h"
#include "contract/lane.h"

/* Texts are "" and numbers 0 where there is none. Printable. */
struct lane_record {
    char id[DELIVERY_ID_SIZE]; /* as it is in the lane */
    char
        stream_id[RH_STREAM_ID_SIZE]; /* of its event; of an id that is none, what there is of it */
    char event_id[RH_NAME_MAX + 1];
    int64_t score_ms; /* when it is due, or the lease ends */
    int64_t attempts;
    int64_t first_attempt_ms;
    int64_t last_attempt_ms;
    int64_t status; /* of the last attempt */
    char error[160];
    char worker[CONSUMER_NAME_SIZE]; /* holds it */
    int64_t expired_leases;
    bool has_record;
    bool is_shared; /* its document is stored once for several */
    int64_t bytes;  /* of its record */
};

/* Reads up to SESSION_BATCH deliveries from rank first on, as their scores order them. False with
 * the failure reported. */
bool lane_records_read(struct session *session, const char *lane, int64_t first, size_t most,
                       struct lane_record ret_records[SESSION_BATCH], size_t *ret_len);

void lane_record_put_json(struct buffer *line, const struct lane_record *record);

#endif
