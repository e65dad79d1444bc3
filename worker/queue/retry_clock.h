/*
 * Claims deliveries whose time has come. It sleeps until the earliest due time it knows of, told by
 * the claim script or by retry_clock_hint, at most 0.8 s, at least 5 ms: no fixed polling.
 */
#ifndef QUEUE_RETRY_CLOCK_H
#define QUEUE_RETRY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "queue/queue.h"

/* A claimed delivery; views are borrowed for the call. */
struct claimed_retry {
    struct bytes delivery_id;
    struct bytes record;    /* as record.h tells, with our fence */
    int64_t lease_until_ms; /* monotonic, on the safe side */
    bool more_are_due;      /* than there was room for */
};

/* A hook of which more deliveries are due than can be sent: at most so many are claimed, the others
 * are due again in push_ms and later, each_us apart. */
struct retry_quota {
    int64_t room_id;
    char hook_id[RH_NAME_MAX + 1];
    size_t quota;
    int64_t push_ms;
    int64_t each_us;
};

#define RETRY_QUOTAS_MAX 64

struct retry_clock;

struct retry_clock_config {
    struct queue *queue;
    int64_t lease_ms;
    size_t (*room)(void *context); /* how many retries may be claimed now */
    void (*retry)(void *context, const struct claimed_retry *retry);
    size_t (*quotas)(void *context, struct retry_quota out[RETRY_QUOTAS_MAX]);
    void (*pushed)(void *context, const struct retry_quota *quota, size_t count); /* put off */
    void *context;
};

struct retry_clock *retry_clock_new(struct loop *loop, const struct retry_clock_config *config);
void retry_clock_free(struct retry_clock *clock); /* NULL allowed */

void retry_clock_up(struct retry_clock *clock); /* the link is up */
void retry_clock_hint(struct retry_clock *clock,
                      int64_t in_ms);                         /* something will be due in so long */
void retry_clock_kick(struct retry_clock *clock);             /* there may be room again */
void retry_clock_stop(struct retry_clock *clock);             /* claim no more */
bool retry_clock_is_stopped(const struct retry_clock *clock); /* no claim is under way either */

/* A number never used before in this process, for fence tokens "<consumer>:<number>". */
int64_t retry_clock_fence_number(struct retry_clock *clock);

#endif
