/*
 * One request to the API, from its route to its answer: what it asks for, checked, and what a
 * thread fills in. Handlers run in a thread and touch nothing but their call and session.
 */
#ifndef WEB_CALL_H
#define WEB_CALL_H

#include <jansson.h>

#include "admin/session.h"
#include "contract/hook.h"
#include "contract/room.h"
#include "web/answer.h"
#include "web/jobs.h"
#include "web/route.h"
#include "web/token.h"

#define CALL_VALUES_SIZE 4096 /* of all parameters, decoded */
#define CALL_LIMIT_DEFAULT 50
#define CALL_LIMIT_MAX 500

struct call {
    struct job job; /* first */
    const struct route *route;
    struct access access;
    struct room_id room; /* of the path; len 0: it has none */
    char hook_id[RH_NAME_MAX + 1];
    char letter_id[RH_STREAM_ID_SIZE];
    char task_id[RH_STREAM_ID_SIZE];
    char event_id[RH_NAME_MAX + 1];
    const char *values[ROUTE_PARAMETERS_MAX]; /* in the order of the route's; NULL: not given */
    char text[CALL_VALUES_SIZE];              /* what they point into */
    size_t text_len;
    json_t *body; /* an object; NULL: the route has none */
    struct answer answer;
    void *context; /* the service's */
};

/* Reads path, parameters and body. False: the answer is made. */
bool call_read(struct call *call, struct bytes path, struct bytes query, struct bytes body,
               struct bytes content_type);

/* Is every parameter there that is needed? False: the answer is made. To be asked after the rights:
 * a refusal says nothing of what is missing. */
bool call_is_complete(struct call *call);
void call_release(struct call *call); /* all but the answer */

const char *call_value(const struct call *call, const char *name); /* NULL: not given */
bool call_flag(const struct call *call, const char *name);         /* given as true */
/* A time, which stays when it is not given; false with the failure reported. */
bool call_time(const struct call *call, struct session *session, const char *name, int64_t now_ms,
               int64_t *ret_ms);
void call_rate(const struct call *call, int64_t *ret_rate); /* the same for "rate" */
int64_t call_number(const struct call *call, const char *name, int64_t otherwise);

#endif
