/*
 * The event loop: timers, descriptors, signals and the clock. The only header through which the
 * worker sees libevent (redis_link uses its bufferevents besides). One loop a process, one thread.
 *
 * Lifetimes: a timer, watch or turn is embedded in its owner, initialised once, and must be
 * released before its memory goes. Callbacks run from loop_run only, never from inside an arm or
 * change call.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;
struct evdns_base;

struct loop;

typedef void loop_fn(void *context);
typedef void loop_watch_fn(void *context, int descriptor, bool readable, bool writable);

struct loop *loop_new(void); /* NULL: out of memory or descriptors */
void loop_free(struct loop *loop);
int loop_run(struct loop *loop); /* until loop_stop; -1 when the loop itself fails */
void loop_stop(struct loop *loop);

/*
 * The longest turn since the last call: so long nobody else was served. A turn is everything that
 * was due when the loop looked. Callbacks that reach us by another way than the types below, those
 * of bufferevents, say themselves when they begin and end.
 */
int64_t loop_take_lag_ms(struct loop *loop);
void loop_callback_begins(struct loop *loop);
void loop_callback_ends(struct loop *loop);

/* CLOCK_MONOTONIC, for every waiting: the same throughout a callback; and read again, for what must
 * not be done after its time although the process was stalled meanwhile. */
int64_t loop_now_ms(void);
int64_t loop_fresh_ms(void);
/* The same less what the process missed, for lack of a processor: for what peers are blamed for. */
int64_t loop_run_ms(void);
int64_t loop_wall_ms(void); /* CLOCK_REALTIME: for what is stored or sent */

/* A number to begin a random sequence with: another one at each call, in each process. */
uint64_t loop_seed(void);

struct event_base *loop_base(struct loop *loop); /* for redis_link */
struct evdns_base *loop_dns(struct loop *loop); /* NULL: no memory, or no file that names servers */

/* A one-shot timer. */
struct loop_timer {
    struct loop *loop;
    struct event *event;
    loop_fn *fn;
    void *context;
};

int loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_fn *fn, void *context);
void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms); /* replaces an earlier arming */
void loop_timer_disarm(struct loop_timer *timer);
bool loop_timer_is_armed(const struct loop_timer *timer);
void loop_timer_release(struct loop_timer *timer); /* also of a zeroed one */

/* Once more this turn, after the callbacks that are due now: for work that may not be done inside a
 * library's callback. Arming twice runs once. */
struct loop_turn {
    struct loop *loop;
    struct event *event;
    loop_fn *fn;
    void *context;
};

int loop_turn_init(struct loop *loop, struct loop_turn *turn, loop_fn *fn, void *context);
void loop_turn_arm(struct loop_turn *turn);
void loop_turn_release(struct loop_turn *turn);

/* A descriptor that somebody else owns and will close only after loop_watch_rest or
 * loop_watch_free. A watch that rests may be set again, for the same one or another. */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *loop, loop_watch_fn *fn, void *context);
int loop_watch_set(struct loop_watch *watch, int descriptor, bool read, bool write);
void loop_watch_rest(struct loop_watch *watch);
void loop_watch_free(struct loop_watch *watch);

int loop_on_signal(struct loop *loop, int signal_number, loop_fn *fn, void *context);

#endif
