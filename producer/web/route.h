/*
 * The table of routes: from it come the dispatch, the rights, the checks of parameters, and the
 * description that is served as /openapi.json.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"
#include "web/answer.h"

#define ROUTE_PARAMETERS_MAX 10

struct call;
struct session;

enum parameter_kind {
    PARAMETER_NUMBER, /* from min to max */
    PARAMETER_FLAG,   /* true or false */
    PARAMETER_ROOM,
    PARAMETER_HOOK, /* an id */
    PARAMETER_LANE, /* an id, or ":" and 16 hex */
    PARAMETER_REASON,
    PARAMETER_STATE,    /* of a hook that needs attention */
    PARAMETER_TIME,     /* an age, or an ISO 8601 time */
    PARAMETER_DURATION, /* from min to max, ms */
    PARAMETER_PLACE,    /* of a lane among all, as an answer gave it */
    PARAMETER_CURSOR,   /* of a scan, the same */
    PARAMETER_LETTER,   /* the id of a dead letter, the same */
    PARAMETER_RATE      /* this many a second */
};

struct parameter {
    const char *name; /* NULL ends a list */
    enum parameter_kind kind;
    int64_t min;
    int64_t max;
    const char *about;
    bool is_required;
};

enum route_right {
    RIGHT_ANY, /* whatever the token allows */
    RIGHT_READ,
    RIGHT_ACT,  /* operate, and only with --actions */
    RIGHT_TOKEN /* operate, and not by a token for one room */
};

enum route_source {
    SOURCE_THREAD,  /* run, in a thread */
    SOURCE_STATUS,  /* the snapshot */
    SOURCE_WORKERS, /* the same */
    SOURCE_SERVICE, /* what the service is, and what the token allows */
    SOURCE_TOKEN    /* made by the service itself */
};

struct route {
    const char *method;
    const char *path; /* "/v1/rooms/{room}/hooks/{hook}" */
    const char *name; /* operationId */
    const char *about;
    enum route_right right;
    enum route_source source;
    void (*run)(struct call *call, struct session *session);
    const char *body;   /* the schema of its body; NULL: it has none */
    const char *answer; /* the schema of its answer */
    bool makes_task;    /* or it goes on as a task: 202, with the task */
    bool is_list;       /* the answer is {data, iterator, done} of these */
    int status;         /* of success; 0: 200 */
    struct parameter parameters[ROUTE_PARAMETERS_MAX];
};

extern const struct route routes[];
extern const size_t routes_len;

/* The route; NULL: *ret_allow is a list of methods when there is one of that path, else "". HEAD
 * is answered as GET. */
const struct route *route_find(struct bytes method, struct bytes path,
                               char ret_allow[ANSWER_ALLOW_SIZE]);

/* The part of the path that stands for a name in the pattern, "room"; still encoded. No data: the
 * pattern has none. */
struct bytes route_part(const struct route *route, struct bytes path, const char *name);

#endif
