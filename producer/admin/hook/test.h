/*
 * One event for one hook, sent by hand through the queue and a worker, to see what its receiver
 * answers (contract/test_event.h).
 */
#ifndef ADMIN_HOOK_TEST_H
#define ADMIN_HOOK_TEST_H

#include <jansson.h>

#include "admin/hook/change.h"
#include "contract/test_event.h"

#define HOOK_TEST_WAIT_MS 30000

/* What became of it; the texts are literals or borrowed from reply. */
struct hook_tested {
    char stream_id[RH_STREAM_ID_SIZE]; /* "" when no event was sent */
    json_t *reply;                     /* NULL: none came */
    const char *outcome;
    const char *error; /* "" for none */
    int64_t now_ms;    /* of Redis */
};

/* Waits for ms; true: give up. */
typedef bool hook_test_pause_fn(void *context, int64_t ms);

/* Sends it and waits for its outcome. True with *ret_tested to be released; false with the failure
 * reported. */
bool hook_test(struct session *session, const struct hook_target *target, int64_t wait_ms,
               hook_test_pause_fn *pause, void *context, struct hook_tested *ret_tested);
void hook_tested_release(struct hook_tested *tested);

/* As members of an object. */
void hook_tested_put_json(struct buffer *line, const struct hook_target *target,
                          const struct hook_tested *tested);

#endif
