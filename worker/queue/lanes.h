/*
 * What waits in Redis: finding lanes that are worth a look, and claiming of lanes what is due.
 *
 * It looks when the earliest lane is due that it knows of, as the last look or lanes_hint said, at
 * most every 0.8 s and at least 5 ms apart, while there is room for more lanes. A look reserves
 * what it finds for a second. A claim leases deliveries: their outcomes are stored by settle, and
 * a lease that runs out gives its delivery to another worker.
 */
#ifndef QUEUE_LANES_H
#define QUEUE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "contract/lane.h"
#include "queue/queue.h"

#define FENCE_SIZE (CONSUMER_NAME_SIZE + 24)
#define LANES_CLAIM_MAX 64 /* lanes in one claim */

/* A lane that a look found. Views are borrowed for the call. */
struct due_lane {
    struct bytes name;
    bool is_shut; /* its gate is open or disabled */
};

enum claim_mode {
    CLAIM_DUE,     /* what is due, as far as its gate allows */
    CLAIM_ALL,     /* whatever its gate and time, to be buried */
    CLAIM_OVERFLOW /* the same, what is over lane_max: the oldest never-tried ones first */
};

/* What is wished of a lane. */
struct lane_wish {
    char lane[LANE_SIZE];
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE]; /* "-": its hook is not known */
    enum claim_mode mode;
    size_t count;
    int64_t lease_ms;
    int64_t max_age_ms;
    int64_t interval_us; /* of a hook with a rate; 0: none */
    int64_t lane_max;
    void *context; /* the caller's */
};

enum lane_word {
    LANE_FREE,   /* nothing keeps it back */
    LANE_EMPTY,  /* nothing is left in it */
    LANE_PROBE,  /* its hook is open, and what came is the probe */
    LANE_GATED,  /* its gate keeps the rest back */
    LANE_UNKNOWN /* the claim was not answered */
};

struct lane_answer {
    enum lane_word word;
    size_t taken;
    int64_t next_in_ms;        /* until it is worth a claim; INT64_MAX: nothing is left */
    int64_t first_place_in_us; /* of a hook with a rate, of the first one taken; may be negative */
};

/* A claimed delivery. Views are borrowed for the call. */
struct claimed_delivery {
    const struct lane_wish *wish;
    const struct lane_answer *answer; /* of its lane */
    struct bytes id;
    int expired_leases;
    bool is_over_age;
    bool has_record;
    struct bytes record;
    bool has_document; /* of one that is shared, and was found */
    struct bytes document;
    char fence[FENCE_SIZE];
    int64_t lease_until_ms; /* monotonic, on the safe side */
};

struct lanes_config {
    size_t (*room)(void *context);      /* how many more lanes a look may bring; 0: do not look */
    size_t (*shut_room)(void *context); /* the same of those whose gate is shut; 0: others only */
    void (*due)(void *context, const struct due_lane *lane);
    void (*claimed)(void *context, const struct claimed_delivery *claimed);
    /* After all of its deliveries. wish is the caller's copy. */
    void (*answered)(void *context, const struct lane_wish *wish, const struct lane_answer *answer);
    void *context;
};

struct lanes;

struct lanes *lanes_new(struct loop *loop, struct queue *queue, const struct lanes_config *config);
void lanes_free(struct lanes *lanes); /* NULL allowed */

void lanes_up(struct lanes *lanes);                  /* the link is up */
void lanes_hint(struct lanes *lanes, int64_t in_ms); /* something will be due in so long */
void lanes_kick(struct lanes *lanes);                /* there may be room again */
/* The lane's hook was changed: the lane is due if it has a gate, once lanes_recheck sends that. */
void lanes_hook_changed(struct lanes *lanes, struct bytes lane);
void lanes_recheck(struct lanes *lanes);
void lanes_stop(struct lanes *lanes);             /* look and claim no more */
bool lanes_is_stopped(const struct lanes *lanes); /* nothing is under way either */

/* Claims of up to LANES_CLAIM_MAX lanes, none of them twice. Copied. Each is answered, at once when
 * nothing can be sent. */
void lanes_claim(struct lanes *lanes, const struct lane_wish *wishes, size_t len);

/* A fence that was never used before. */
void lanes_fence(struct lanes *lanes, char out[FENCE_SIZE]);

#endif
