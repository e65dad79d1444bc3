/*
 * Looks at Redis, the queue and its workers for the doctor. Reads only, in pages that hold nobody
 * up. Each returns false when Redis cannot be asked (any more), with the failure reported.
 */
#ifndef ADMIN_DOCTOR_READ_H
#define ADMIN_DOCTOR_READ_H

#include "admin/doctor/facts.h"
#include "admin/doctor/findings.h"
#include "admin/session.h"

#define DOCTOR_WORKERS_MAX 1000 /* found by their keys */

/* Workers that have no consumer yet, as the walk over the keys finds them. */
struct worker_names {
    char names[DOCTOR_WORKERS_MAX][CONSUMER_NAME_SIZE];
    size_t len;
};

bool doctor_read_redis(struct session *session, struct doctor_facts *facts);
bool doctor_read_queue(struct session *session, struct doctor_facts *facts);
bool doctor_read_walks(struct session *session, struct doctor_facts *facts);
bool doctor_read_tasks(struct session *session, struct doctor_facts *facts);
bool doctor_read_lanes(struct session *session, struct doctor_facts *facts);

/* facts->workers.list is to be freed. */
bool doctor_read_workers(struct session *session, struct doctor_facts *facts,
                         const struct worker_names *names);

/* Walks over all keys of the queue. There may be very many hooks, so they are judged on the way. */
bool doctor_read_rooms(struct session *session, struct doctor_facts *facts,
                       struct findings *findings, struct worker_names *ret_names);

#endif
