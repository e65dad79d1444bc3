/*
 * What the files of capacity share. Each calls only those below it:
 *   capacity.c   what the caller says, and what is next
 *   facts.c      what the caller knows of lanes, and asks
 *   cut.c        which attempt is given up for others
 *   ages.c       what becomes late, or has waited long, or is held no more
 *   lanes.c      lanes: found, made, forgotten; where each belongs
 *   lines.c      how much a lane may have here
 *   rings.c      lanes that wait at a limit
 *   places.c     attempts in the limits of their path
 *   limits.c     limits: found, made, forgotten; what they admit
 *   classes.c    what a lane's attempts teach
 */
#ifndef CAPACITY_INTERNAL_H
#define CAPACITY_INTERNAL_H

#include "capacity/capacity.h"
#include "capacity/concurrency.h"

/* A failed HASH_ADD leaves hh.tbl NULL instead of ending the process. The hash function is not the
 * default one because that falls through in a switch, which clang warns of. */
#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#define QUICK_MS 100      /* an attempt of a quick lane takes at most so long, ... */
#define QUICK_LATE_MS 250 /* ... or counts as medium from then on */
#define LATE_MS 1000      /* from then on any attempt counts as slow */
#define PATIENCE_MS 50    /* a lane waits so long before another's attempt is cut for it */
#define STALE_MS 500      /* what a lane's last attempt has shown counts so long */

/* The rings of a limit: one for each class, and one for lanes whose next may only start within the
 * slow quarter. */
#define RING_PROTECTED CAPACITY_CLASSES
#define RINGS (CAPACITY_CLASSES + 1)

#define TURN_BUCKETS 4096 /* a power of two */

#define WHEEL_SLOT_MS 16
#define WHEEL_SLOTS 256

TAILQ_HEAD(lanes, capacity_lane);
TAILQ_HEAD(waiters, capacity_waiter);
TAILQ_HEAD(places, capacity_place);
TAILQ_HEAD(limits, capacity_limit);
TAILQ_HEAD(turns, turn);

enum late {
    LATE_SLOW,
    LATE_MEDIUM, /* started as quick or stale */
    LATES
};

struct room {
    UT_hash_handle hh;
    size_t lanes;
    char name[];
};

/* The turn of one room in one ring. There are as many of them as lanes, made and freed with these,
 * so that entering a ring never needs memory. */
struct turn {
    TAILQ_ENTRY(turn) link;     /* in its ring, or among the unused */
    LIST_ENTRY(turn) neighbour; /* in its bucket */
    const struct capacity_limit *limit;
    const struct room *room;
    int ring;
    struct lanes lanes;
};

LIST_HEAD(turn_bucket, turn);

struct capacity_limit {
    UT_hash_handle hh;
    enum capacity_level level;
    size_t references; /* of lanes, places, origins; of lanes that wait here */
    size_t places;
    size_t in_flight;
    size_t counts[CAPACITY_CLASSES]; /* of in_flight */
    struct turns rings[RINGS];
    size_t waiting_len;    /* lanes in its rings */
    size_t waiting[RINGS]; /* of these */
    size_t patient[RINGS]; /* of waiting: for PATIENCE_MS */
    struct lanes capped;   /* slow lanes with an attempt, while others wait here */
    struct places late[LATES];
    struct capacity_limit *address; /* of an origin: where it leads to; or NULL */
    bool is_dirty;                  /* a lane in its rings may be able to start */
    bool is_suspect;                /* one of its late attempts may have to be cut */
    TAILQ_ENTRY(capacity_limit) dirty;
    TAILQ_ENTRY(capacity_limit) suspect;
    char name[];
};

enum where {
    NOWHERE, /* what it has is in flight, or waits for its own attempts, or is held */
    IDLE,    /* it has nothing here */
    READY,   /* to be tried */
    IN_RING,
    CAPPED,
    GRANTED /* its claim was answered: the promised place is for its line's head */
};

#define OWED_UNKNOWN SIZE_MAX

struct capacity_lane {
    UT_hash_handle hh;
    struct room *room;
    struct capacity_limit *url; /* NULL while not known, as is origin */
    struct capacity_limit *origin;

    /* What its attempts taught. */
    uint32_t generation; /* of its url and origin */
    enum capacity_class class;
    unsigned quicker; /* successive attempts that were quicker than its class */
    double hold_ms;   /* a moving average; 0: none has ended */
    int64_t ended_ms; /* the last of them */
    bool has_succeeded;
    struct concurrency concurrency;

    /* What it has. */
    struct waiters line;
    size_t line_len;
    struct waiters behind; /* arrivals that wait until what was before them is claimed */
    size_t behind_len;
    size_t in_flight;
    enum capacity_backlog backlog;
    size_t coming; /* deliveries on their way to it in Redis */
    size_t owed;   /* written there by this process and not claimed; or OWED_UNKNOWN */
    bool is_claiming;
    bool has_news; /* its backlog was set while it was claiming */
    struct capacity_place promise;
    size_t most; /* at a time; 0: what it earns */
    size_t soon; /* its part of the sum of all lanes */

    /* Where it is. */
    enum where where;
    TAILQ_ENTRY(capacity_lane) link; /* idle, ready, granted, of its turn, or capped */
    struct capacity_limit *at;       /* IN_RING, CAPPED */
    int ring;
    struct turn *turn;
    bool is_patient;
    int64_t entered_ms;
    TAILQ_ENTRY(capacity_lane) entered; /* IN_RING and not yet patient */
    bool is_held;
    int64_t held_slot;
    TAILQ_ENTRY(capacity_lane) held;
    char name[];
};

struct capacity {
    struct capacity_limits limits;
    int64_t now_ms; /* in the last turn */
    struct capacity_limit *process;
    struct capacity_limit *arrivals; /* NULL when no place is kept */
    struct capacity_limit *named[CAPACITY_LEVELS];
    struct capacity_lane *lanes;
    struct room *rooms;

    struct lanes idle; /* the longest unused first */
    struct lanes ready;
    struct lanes granted;
    struct lanes entered; /* the longest waiting first */
    struct places fresh;
    struct places young;
    struct limits dirty;
    struct limits suspect;
    struct turns unused;
    struct turn_bucket turns[TURN_BUCKETS];
    struct lanes wheel[WHEEL_SLOTS];
    int64_t wheel_slot; /* the last one that was seen */

    size_t idle_len;
    size_t rings_len;
    size_t held_len;
    size_t soon; /* what lanes in Redis give to take within CAPACITY_SOON_MS */
};

struct path {
    struct capacity_limit *limit[CAPACITY_LEVELS]; /* NULL: not in it */
};

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t minus(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

/* --- classes.c --- */

void classes_forget(struct capacity_lane *lane, size_t first);
void classes_make_slow(struct capacity_lane *lane);

/* An attempt began at began_ms and ended now. max: the most its concurrency grows to. */
void classes_learn(struct capacity_lane *lane, enum capacity_news news, int64_t began_ms,
                   int64_t now_ms, size_t max);

/* --- limits.c --- */

/* Found or made, with one reference more. NULL: no memory. */
struct capacity_limit *limit_get(struct capacity *capacity, enum capacity_level level,
                                 const char *name, size_t places);
void limit_unref(struct capacity *capacity, struct capacity_limit *limit); /* NULL is allowed */

bool limit_admits(const struct capacity_limit *limit, int ring);
size_t limit_quarter(const struct capacity_limit *limit);
size_t limit_seven_eighths(const struct capacity_limit *limit);

void limit_make_dirty(struct capacity *capacity, struct capacity_limit *limit);
void limit_suspect(struct capacity *capacity, struct capacity_limit *limit);
void limit_clear_dirty(struct capacity *capacity, struct capacity_limit *limit);
void limit_clear_suspect(struct capacity *capacity, struct capacity_limit *limit);

/* --- places.c --- */

void place_take(struct capacity_place *place, const struct path *path, enum capacity_class class,
                int64_t now_ms);
void place_watch(struct capacity *capacity, struct capacity_place *place); /* an attempt's */
/* It counts at this address, which may be NULL, instead of where it did. */
void place_lead(struct capacity *capacity, struct capacity_place *place,
                struct capacity_limit *address);
void place_give_back(struct capacity *capacity, struct capacity_place *place);
void place_be_medium(struct capacity *capacity, struct capacity_place *place);
void place_be_slow(struct capacity *capacity, struct capacity_place *place);
void place_status_came(struct capacity *capacity, struct capacity_place *place);
struct capacity_waiter *place_waiter(struct capacity_place *place);

/* --- rings.c --- */

/* True: the lane is in that ring. False: rings are full and its line is empty. */
bool ring_enter(struct capacity *capacity, struct capacity_lane *lane, struct capacity_limit *limit,
                int ring, int64_t now_ms);
void ring_leave(struct capacity *capacity, struct capacity_lane *lane);

/* The lane whose turn it is at a limit, taken out of its ring; NULL: none may start. */
struct capacity_lane *ring_next(struct capacity *capacity, struct capacity_limit *limit);

void ring_enter_capped(struct capacity_lane *lane, struct capacity_limit *limit);
void ring_leave_capped(struct capacity *capacity, struct capacity_lane *lane);

/* --- lines.c --- */

/* Where it waits if it is refused; but a lane keeps its turn when it becomes stale as it waits. */
int lane_ring(const struct capacity *capacity, const struct capacity_lane *lane);
struct path lane_path(const struct capacity *capacity, const struct capacity_lane *lane);

/* Attempts, and the place that is promised. */
size_t lane_busy(const struct capacity_lane *lane);

bool lane_wants_place(const struct capacity *capacity, const struct capacity_lane *lane);

/* A limit of its path where others wait, for which it makes room as a slow lane; or NULL. */
struct capacity_limit *lane_capped_by(const struct capacity_lane *lane, const struct path *path);

/* Something of it is in Redis, or on its way there or from there: arrivals come after that. */
bool lane_has_before(const struct capacity_lane *lane);
void lane_follow(struct capacity_lane *lane); /* nothing is before those behind: into the line */
size_t lane_soon(const struct capacity *capacity, const struct capacity_lane *lane);
int64_t lane_patience_ms(const struct capacity_lane *lane);
size_t lane_line_max(const struct capacity *capacity, const struct capacity_lane *lane);

/* What is claimed for it at a time; 0 while it has no place free and takes less than one. */
size_t lane_round(const struct capacity *capacity, const struct capacity_lane *lane);

/* A claim is due ahead of its turn. */
bool lane_claims_ahead(const struct capacity *capacity, const struct capacity_lane *lane);

/* --- lanes.c --- */

/* Puts the lane where it belongs, after any change. */
void lane_settle(struct capacity *capacity, struct capacity_lane *lane);
void lane_count_soon(struct capacity *capacity, struct capacity_lane *lane); /* part of settle */
void lane_move(struct capacity *capacity, struct capacity_lane *lane, enum where where);
void lane_hold(struct capacity *capacity, struct capacity_lane *lane, int64_t until_ms);
void lane_forget_all(struct capacity *capacity);

#endif
