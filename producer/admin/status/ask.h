/*
 * Questions of status to Redis, many in one round trip. One that the user has no right to is no
 * failure: the others are shown.
 */
#ifndef ADMIN_STATUS_ASK_H
#define ADMIN_STATUS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/session.h"

#define STATUS_QUERY_ARGS_MAX 6
#define STATUS_RIGHTS_MAX 24
#define STATUS_UNKNOWN INT64_C(-2) /* in place of a number that Redis does not tell */

struct status_query {
    const char *right;                        /* that it needs: "+xlen" */
    struct bytes args[STATUS_QUERY_ARGS_MAX]; /* up to the first whose data is NULL */
};

struct status_answer {
    struct reply *reply; /* NULL: a missing stream or group, or it is refused */
    bool is_refused;
};

/* What the user lacks, each once. */
struct status_rights {
    const char *names[STATUS_RIGHTS_MAX];
    size_t len;
    bool of_keys; /* a key is refused, not a command */
};

/* Asks all of these. False: the first failure is reported. The caller releases the answers in any
 * case. */
bool status_ask(struct session *session, const struct status_query *queries, size_t len,
                struct status_answer ret_answers[], struct status_rights *missing);
void status_free_answers(struct status_answer *answers, size_t len);

int64_t status_number(const struct status_answer *answer); /* or STATUS_UNKNOWN */
int64_t status_sum(int64_t a, int64_t b);                  /* unknown when one of them is */

/* For queries whose number is not known before: append each, then get as many. */
bool status_append(struct session *session, const struct status_query *query);
bool status_get(struct session *session, const char *right, struct status_answer *ret_answer,
                struct status_rights *missing);

#endif
