/*
 * Whose turn it is: limits of places for attempts (of the process, of an address, of an origin, of
 * a URL), shared fairly by the lanes that want one. Pure bookkeeping; time is an argument, always
 * of the same monotonic clock: in the worker loop_run_ms, which stands still while the worker is
 * not given a processor, for no receiver is late by that.
 *
 * A lane is one hook's deliveries. It has a class, by how long its attempts hold their places, and
 * a concurrency that adapts to its receiver (concurrency.h). Its line is what waits for it in this
 * process: short, what it takes within CAPACITY_SOON_MS. What else waits for it waits in Redis, its
 * backlog, of which only a hint is known here.
 *
 * Rings. A lane that wants a place and is refused one waits in one ring: that of the limit that
 * refused it (the widest is asked first) and of its class. A ring is rooms in turn, each a list of
 * its lanes in turn, so a room with many hooks has the turns of one. Rings hold lanes, not
 * deliveries: a lane with a backlog and an empty line waits like any other, and when its turn comes
 * it is given the place first and the caller claims for it. No arrival passes lanes of its class
 * that wait at one of its limits.
 *
 * Turns. A free place goes to the first of quick, stale, medium, untried, slow that holds less than
 * a quarter of the limit; if none does, to the first of them that may start. A stale lane was quick
 * when it was last heard of, half a second ago or longer: it may have turned since, as hooks of one
 * receiver do together, so those that were quick just now go before it. Untried and slow ones start
 * only while together they hold less than seven eighths of each of their limits. A slow lane has
 * one attempt at a time while a lane waits at one of its limits.
 *
 * Cuts. An attempt is late when it has taken over 1 s, unless it started as slow while slow ones
 * held less than a quarter of each of its limits and no status has come. The oldest late attempt is
 * given up when a lane that is not slow has waited 50 ms at a limit that is full: for an untried
 * lane in any case, also when untried and slow ones hold their seven eighths, so that new lanes
 * come soon beside new ones that hang; for others while slow ones hold over a quarter. For a quick
 * or stale lane also one that started as such and has taken over 250 ms, while medium ones hold
 * over a quarter.
 *
 * Places kept for what was claimed: arrivals share a further limit of in_flight - kept places, to
 * which the same rules apply.
 *
 * A path, that is the limits an attempt counts in, is fixed when it starts. Limits exist while
 * a lane that is remembered, or an attempt, has them.
 *
 * Each call costs O(1), amortised. No call fails for lack of memory but capacity_new and
 * capacity_lane; capacity_learn_address then learns nothing.
 *
 * One turn of the caller: capacity_tick; then capacity_next until NOTHING, capacity_to_cut, and
 * again from capacity_next while something was cut.
 */
#ifndef CAPACITY_CAPACITY_H
#define CAPACITY_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define CAPACITY_SOON_MS 20
#define CAPACITY_LANES_MAX 16384 /* remembered without anything here: the longest unused go first */
#define CAPACITY_RINGS_MAX 4096  /* lanes in rings */
#define CAPACITY_ROUND_MIN 8     /* deliveries claimed for a lane at a time, ... */
#define CAPACITY_ROUND_MAX 64    /* ... four times its concurrency ... */
#define CAPACITY_ROUND_MS 200    /* ... and at most what it takes in so long; at least one */

enum capacity_class {
    CAPACITY_UNTRIED, /* none of its attempts has ended */
    CAPACITY_QUICK,   /* gives a place back within 100 ms */
    CAPACITY_STALE,   /* quick, but no attempt of it has ended for 500 ms: no lane's own class */
    CAPACITY_MEDIUM,  /* within 1 s */
    CAPACITY_SLOW,
    CAPACITY_CLASSES
};

struct capacity_limits {
    size_t in_flight;
    size_t per_address;
    size_t per_origin;
    size_t per_endpoint; /* of a URL; also the most a lane's concurrency grows to */
    size_t first;        /* concurrency of a lane of which nothing is known: 2 */
    size_t kept;         /* of in_flight: arrivals leave this many to what was claimed */
};

struct capacity;
struct capacity_lane;
struct capacity_limit;

enum capacity_state {
    CAPACITY_OUT = 0, /* the state of a zeroed waiter */
    CAPACITY_IN_LINE,
    CAPACITY_IN_FLIGHT
};

enum capacity_level {
    CAPACITY_LEVEL_URL,
    CAPACITY_LEVEL_ORIGIN,
    CAPACITY_LEVEL_ADDRESS,
    CAPACITY_LEVEL_ARRIVALS,
    CAPACITY_LEVEL_PROCESS,
    CAPACITY_LEVELS
};

/* Private: the place of an attempt in each limit of its path. */
struct capacity_place {
    struct capacity_limit *limit[CAPACITY_LEVELS]; /* NULL: not in its path */
    TAILQ_ENTRY(capacity_place) late[CAPACITY_LEVELS];
    TAILQ_ENTRY(capacity_place) fresh; /* of all attempts of less than 1 s: oldest first */
    TAILQ_ENTRY(capacity_place) young; /* of those that started as quick, of less than 250 ms */
    int64_t since_ms;
    enum capacity_class started_as;
    enum capacity_class counts_as;
    uint32_t generation; /* of the lane's path */
    bool is_taken;
    bool is_borrowed; /* it started as slow, beyond the slow quarter of one of its limits */
    bool has_status;
    bool is_fresh;
    bool is_young;
    bool is_late;
};

/* One delivery. Embedded in the caller's object, zeroed before its first use. */
struct capacity_waiter {
    enum capacity_state state;
    struct capacity_lane *lane; /* NULL while OUT */
    bool claimed;        /* it came from its lane in Redis: set by the caller before it is queued */
    bool is_behind;      /* what is before it in Redis is not here yet; private */
    bool only_protected; /* cut twice before: starts as slow, only within the slow quarter; same */
    int64_t since_ms;    /* when it began to wait, or its attempt */
    TAILQ_ENTRY(capacity_waiter) link; /* in its lane's line */
    struct capacity_place place;
};

/* How an attempt ended. How long it held its place decides the lane's class: a slower one at once,
 * four quicker ones in a row. */
enum capacity_news {
    CAPACITY_NO_NEWS = 0, /* nothing was sent, or it says nothing: nothing is learnt */
    CAPACITY_SUCCESS,     /* the lane earns a higher concurrency */
    CAPACITY_ANSWER,      /* no success, but it answers */
    CAPACITY_BUSY,        /* it answered that it fails or has too much: half its concurrency */
    CAPACITY_SILENCE,     /* no answer before something broke: half its concurrency */
    CAPACITY_TIMEOUT,     /* the same, after the whole timeout: slow */
    CAPACITY_CUT          /* given up for others: slow, its concurrency stays */
};

/* What is known of a lane's deliveries that wait in Redis, in the order of how much it is. */
enum capacity_backlog {
    CAPACITY_BACKLOG_NONE,
    CAPACITY_BACKLOG_LATER, /* one never tried waits behind a gate: arrivals go behind it */
    CAPACITY_BACKLOG_NOW    /* something can be claimed */
};

/* NULL: no memory. Places of a limit are at least one. */
struct capacity *capacity_new(const struct capacity_limits *limits);

/* NULL is allowed. Forgets waiters without touching their owners. */
void capacity_free(struct capacity *capacity);

/*
 * The lane of this name ("438/main"; what is before the last '/' is its room), known from before or
 * new. url and origin name two of its limits; NULL for both while they are not known (an inline
 * hook whose deliveries were only seen in Redis): then it keeps those it has, or has but the
 * process's. Others than before: what was learnt about the lane is forgotten, attempts under way
 * keep their limits and teach nothing. The pointer is valid until the next call of capacity_lane,
 * unless something of the lane is here (in line, in flight, on its way to Redis, claimed for, in a
 * ring). NULL: no
 * memory; a lane of that name is then as it was.
 */
struct capacity_lane *capacity_lane(struct capacity *capacity, const char *name, const char *url,
                                    const char *origin);
struct capacity_lane *capacity_lane_find(struct capacity *capacity, const char *name); /* or NULL */

/* An arrival. True: it is in line, and starts within about capacity_patience_ms or waits its turn
 * at one of its limits. What this process wrote into the lane, and will have claimed with its next
 * claim, goes before it. False: write it into its lane, because its line is full, more than that
 * waits before it in Redis, or the lane is held or restricted. */
bool capacity_offer(struct capacity *capacity, struct capacity_lane *lane,
                    struct capacity_waiter *waiter, int64_t now_ms);

/* How long an arrival that is in line may keep its caller from reading on: longer where places are
 * given back quickly, for a lane in Redis costs more than a moment. */
int64_t capacity_patience_ms(const struct capacity_waiter *waiter);

/* One that was claimed: always into the line, whatever its length. */
void capacity_queue(struct capacity *capacity, struct capacity_lane *lane,
                    struct capacity_waiter *waiter, int64_t now_ms);

/* In flight, but nothing was sent: back to the front of its line. The lane waits at the limit that
 * is full (the address given to capacity_led_to before, if it is that); if none is known to
 * be, it is held for CAPACITY_SOON_MS, so that it does not start again at once. */
void capacity_requeue(struct capacity *capacity, struct capacity_waiter *waiter, int64_t now_ms);

/* Takes a waiter out, from whatever state; OUT afterwards. news: of an attempt that ended. */
void capacity_leave(struct capacity *capacity, struct capacity_waiter *waiter,
                    enum capacity_news news, int64_t now_ms);

/* The status of an attempt has come, its body has not ended: once late, it can be cut even within
 * the slow quarter, for its outcome is known. */
void capacity_status_came(struct capacity *capacity, struct capacity_waiter *waiter);

/* The address that attempts of the lane's origin lead to now, any text. A hint: the client has the
 * limit itself. Nothing while the origin is not known. */
void capacity_learn_address(struct capacity *capacity, struct capacity_lane *lane,
                            const char *address);

/* The same, learnt from the connection of an attempt, which counts there from now on: it may have
 * started before the address was known, or have been led elsewhere. */
void capacity_led_to(struct capacity *capacity, struct capacity_waiter *waiter,
                     const char *address);

/* A delivery is on its way to its lane in Redis: arrivals go behind it, and no claim finds it yet.
 * Then it is there; backlog: what that makes it, if it is not more already. */
void capacity_note_coming(struct capacity *capacity, struct capacity_lane *lane);
void capacity_note_come(struct capacity *capacity, struct capacity_lane *lane,
                        enum capacity_backlog backlog);

void capacity_set_backlog(struct capacity *capacity, struct capacity_lane *lane,
                          enum capacity_backlog backlog);

/* Nothing of the lane starts or is claimed before then, in this process: its own shortage. 0 ends
 * it. It may end up to CAPACITY_SOON_MS late. */
void capacity_hold(struct capacity *capacity, struct capacity_lane *lane, int64_t until_ms);

/* At most this many of the lane at a time: 1 while its hook is open (a probe); 0: as many as it
 * earns. */
void capacity_restrict(struct capacity *capacity, struct capacity_lane *lane, size_t most);

enum capacity_what {
    CAPACITY_NOTHING,
    CAPACITY_START, /* waiter is in flight now: send it */
    CAPACITY_CLAIM  /* claim at most `most` of lane, then call capacity_claimed */
};

struct capacity_step {
    enum capacity_what what;
    struct capacity_waiter *waiter;
    struct capacity_lane *lane;
    size_t most; /* one round: see CAPACITY_ROUND_MIN */
};

/* What is next; to be called until it is NOTHING, after anything that happened. A claim is given
 * when a lane's turn comes and its line is empty (then the place is promised to it, and counts as
 * in flight, until capacity_claimed), and ahead of that when less than half a round is in line and
 * the lane is refused nowhere. One claim at a time for a lane. */
struct capacity_step capacity_next(struct capacity *capacity, int64_t now_ms);

/* The claim was answered (or failed): what came was queued before this call. A promised place goes
 * to the head of the line, by the next call of capacity_next, or back. backlog: what Redis still
 * had then; what capacity_set_backlog was given since the claim may be more. */
void capacity_claimed(struct capacity *capacity, struct capacity_lane *lane,
                      enum capacity_backlog backlog);

/* Notices attempts that became late, lanes that waited long, holds that ended. When to call again
 * at the latest: in this many ms, at least 1; -1: not before something else happens. */
int64_t capacity_tick(struct capacity *capacity, int64_t now_ms);

/* An attempt to give up for others, or NULL. It is still in flight, its lane is slow from now on:
 * cancel it, and leave or requeue it, then call capacity_next until NOTHING and ask again. */
struct capacity_waiter *capacity_to_cut(struct capacity *capacity);

/* For the caller's decisions. */
bool capacity_ever_succeeded(const struct capacity_lane *lane); /* since its path is what it is */
const char *capacity_lane_name(const struct capacity_lane *lane);
size_t capacity_places(const struct capacity *capacity); /* free ones of the process */
/* What lanes that have something in Redis take within CAPACITY_SOON_MS; nothing of those that wait
 * their turn at a limit. */
size_t capacity_soon(const struct capacity *capacity);
size_t capacity_ring_room(const struct capacity *capacity); /* lanes that may still enter a ring */

#endif
