/*
 * A bulk task as {Q}:tasks has it: what is to be done in steps, and how far it is. Pure.
 */
#ifndef ADMIN_TASK_TASK_H
#define ADMIN_TASK_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "contract/room.h"

#define TASK_WORD_SIZE 32
#define TASK_ERROR_SIZE 160
#define TASK_RECORD_MAX 4096
#define TASK_TOTAL_UNKNOWN (-1)

enum task_state {
    TASK_RUNNING,
    TASK_DONE,
    TASK_CANCELLED,
    TASK_INVALID /* its record cannot be read; only the id is known */
};

/* Times are ms by Redis' clock. Texts that do not apply are "". */
struct task {
    char id[RH_STREAM_ID_SIZE];
    enum task_state state;
    char what[TASK_WORD_SIZE]; /* "replay", or what another version knows */
    char by[TASK_WORD_SIZE];   /* the role of the token that made it */
    struct room_id room;       /* of the filter; len 0: any */
    char hook[RH_NAME_MAX + 1];
    char reason[TASK_WORD_SIZE];
    char from[RH_STREAM_ID_SIZE + 1];   /* the first entry that is meant, as for XRANGE */
    char until[RH_STREAM_ID_SIZE];      /* the last one */
    char cursor[RH_STREAM_ID_SIZE + 1]; /* where to go on, as from, or "(" and an id */
    int64_t rate;                       /* a second; 0: no limit */
    int64_t total;                      /* or TASK_TOTAL_UNKNOWN */
    int64_t done;
    int64_t skipped; /* left out: cannot be replayed */
    int64_t failed;
    int64_t made_at;
    int64_t ended_at; /* 0: it runs */
    int64_t next_at;  /* no step before */
    int64_t lease_until;
    int64_t fence;
    char error[TASK_ERROR_SIZE]; /* of the last step, printable */
    int64_t error_at;
};

/* Reads a record. What is not one gives TASK_INVALID, with the id if that is one. */
void task_parse(struct bytes id, struct bytes record, struct task *ret_task);

/* As it is stored. */
void task_put_record(struct buffer *out, const struct task *task);

/* Appends an object: the record for those who ask, at now_ms. */
void task_put_json(struct buffer *out, const struct task *task, int64_t now_ms);

const char *task_state_name(enum task_state state); /* "running" */

#endif
