#include "base/loop.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/file_mark.h"
#include "base/run_delay.h"

#define LOOP_SIGNALS_MAX 8
#define RESOLVER_FILE "/etc/resolv.conf"
#define HOSTS_FILE "/etc/hosts"

struct loop_signal {
    struct event *event;
    loop_fn *fn;
    void *context;
};

struct loop {
    struct event_base *base;
    struct evdns_base *dns;
    struct file_mark resolver_file;
    struct file_mark hosts_file;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    int signals_len;
    struct timeval turn; /* libevent's time of this turn: the same all through it */
    int64_t turn_began_ns;
    int64_t longest_turn_ns;
};

struct loop_watch {
    struct loop *loop;
    struct event *event;
    int descriptor;
    short interest;
    loop_watch_fn *fn;
    void *context;
};

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct clock {
    int64_t read_ns; /* the last time that was read */
    bool in_callback;
    struct run_delay delay;
};

/* In a callback the time is that of its beginning: it is asked for some twenty times a delivery. */
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables) */
static struct clock now;

static int64_t read_now_ns(void)
{
    now.read_ns = clock_ns(CLOCK_MONOTONIC);
    return now.read_ns;
}

int64_t loop_fresh_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static int64_t now_ns(void)
{
    return now.in_callback ? now.read_ns : read_now_ns();
}

int64_t loop_now_ms(void)
{
    return now_ns() / 1000000;
}

int64_t loop_run_ms(void)
{
    return (now_ns() - now.delay.missed_ns) / 1000000;
}

int64_t loop_wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

uint64_t loop_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        return seed;
    /* Early at the start of a machine: workers that begin together differ by their process. */
    return (uint64_t)clock_ns(CLOCK_MONOTONIC) ^ (uint64_t)getpid() << 40;
}

void loop_callback_begins(struct loop *loop)
{
    struct timeval turn;
    event_base_gettimeofday_cached(loop->base, &turn);
    if (turn.tv_sec != loop->turn.tv_sec || turn.tv_usec != loop->turn.tv_usec) {
        int64_t gap_ns = read_now_ns() - loop->turn_began_ns;
        if (gap_ns >= RUN_DELAY_GAP_NS)
            run_delay_look(&now.delay, gap_ns, RUN_DELAY_FILE);
        loop->turn = turn;
        loop->turn_began_ns = now.read_ns;
    }
    now.in_callback = true; /* which begins when the one before it in the turn ended */
}

void loop_callback_ends(struct loop *loop)
{
    int64_t turn_ns = read_now_ns() - loop->turn_began_ns;
    now.in_callback = false;
    if (turn_ns > loop->longest_turn_ns)
        loop->longest_turn_ns = turn_ns;
}

int64_t loop_take_lag_ms(struct loop *loop)
{
    int64_t lag_ms = loop->longest_turn_ns / 1000000;
    loop->longest_turn_ns = 0;
    return lag_ms;
}

static struct timeval to_timeval(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();
    if (loop != NULL && config != NULL) {
        /* The coarse clock would make timers up to 4 ms late. */
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
        loop->base = event_base_new_with_config(config);
    }
    if (config != NULL)
        event_config_free(config);
    if (loop != NULL && loop->base == NULL) {
        free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    for (int i = 0; i < loop->signals_len; i++)
        event_free(loop->signals[i].event);
    if (loop->dns != NULL)
        evdns_base_free(loop->dns, 1);
    /* A connection that was freed while a callback or a look-up of it was due goes when that has
     * run; nobody of ours is called, everything of ours is released. */
    (void)event_base_loop(loop->base, EVLOOP_NONBLOCK);
    event_base_free(loop->base);
    free(loop);
}

int loop_run(struct loop *loop)
{
    return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -1 : 0;
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

/* All are looked at: each mark is to remember what there is now. */
static bool dns_files_changed(struct loop *loop)
{
    bool resolver = file_mark_changed(&loop->resolver_file, RESOLVER_FILE);
    bool hosts = file_mark_changed(&loop->hosts_file, HOSTS_FILE);
    return resolver || hosts;
}

struct evdns_base *loop_dns(struct loop *loop)
{
    bool changed = dns_files_changed(loop);
    if (loop->dns == NULL) {
        loop->dns = evdns_base_new(loop->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        /* "rEdIs" is another name to the name servers of some container engines */
        if (loop->dns)
            evdns_base_set_option(loop->dns, "randomize-case:", "0");
    } else if (changed) { /* look-ups under way go on, by the new name servers */
        evdns_base_clear_nameservers_and_suspend(loop->dns);
        evdns_base_search_clear(loop->dns);
        evdns_base_clear_host_addresses(loop->dns);
        (void)evdns_base_resolv_conf_parse(loop->dns, DNS_OPTIONS_ALL, RESOLVER_FILE);
        (void)evdns_base_load_hosts(loop->dns, HOSTS_FILE);
        evdns_base_resume(loop->dns);
    }
    return loop->dns;
}

static void on_timer(evutil_socket_t descriptor, short what, void *arg)
{
    struct loop_timer *timer = arg;
    struct loop *loop = timer->loop; /* the callback may free the timer */
    (void)descriptor;
    (void)what;
    loop_callback_begins(loop);
    timer->fn(timer->context);
    loop_callback_ends(loop);
}

int loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_fn *fn, void *context)
{
    timer->loop = loop;
    timer->fn = fn;
    timer->context = context;
    timer->event = evtimer_new(loop->base, on_timer, timer);
    return timer->event == NULL ? -1 : 0;
}

void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms)
{
    struct timeval delay = to_timeval(delay_ms);
    evtimer_add(timer->event, &delay);
}

void loop_timer_disarm(struct loop_timer *timer)
{
    evtimer_del(timer->event);
}

bool loop_timer_is_armed(const struct loop_timer *timer)
{
    return evtimer_pending(timer->event, NULL) != 0;
}

void loop_timer_release(struct loop_timer *timer)
{
    if (timer->event != NULL)
        event_free(timer->event);
    timer->event = NULL;
}

static void on_turn(evutil_socket_t descriptor, short what, void *arg)
{
    struct loop_turn *turn = arg;
    struct loop *loop = turn->loop;
    (void)descriptor;
    (void)what;
    loop_callback_begins(loop);
    turn->fn(turn->context);
    loop_callback_ends(loop);
}

int loop_turn_init(struct loop *loop, struct loop_turn *turn, loop_fn *fn, void *context)
{
    turn->loop = loop;
    turn->fn = fn;
    turn->context = context;
    turn->event = event_new(loop->base, -1, 0, on_turn, turn);
    return turn->event == NULL ? -1 : 0;
}

void loop_turn_arm(struct loop_turn *turn)
{
    event_active(turn->event, EV_TIMEOUT, 0);
}

void loop_turn_release(struct loop_turn *turn)
{
    if (turn->event != NULL)
        event_free(turn->event);
    turn->event = NULL;
}

static void on_watch(evutil_socket_t descriptor, short what, void *arg)
{
    struct loop_watch *watch = arg;
    struct loop *loop = watch->loop;
    loop_callback_begins(loop);
    watch->fn(watch->context, descriptor, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
    loop_callback_ends(loop);
}

struct loop_watch *loop_watch_new(struct loop *loop, loop_watch_fn *fn, void *context)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    watch->loop = loop;
    watch->descriptor = -1;
    watch->fn = fn;
    watch->context = context;
    return watch;
}

static int make_event(struct loop_watch *watch, int descriptor, short interest)
{
    if (watch->event == NULL)
        watch->event = event_new(watch->loop->base, descriptor, interest, on_watch, watch);
    else if (event_assign(watch->event, watch->loop->base, descriptor, interest, on_watch, watch) !=
             0)
        return -1;
    return watch->event == NULL ? -1 : 0;
}

int loop_watch_set(struct loop_watch *watch, int descriptor, bool read, bool write)
{
    short interest = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0) | EV_PERSIST);
    if (watch->descriptor != descriptor || watch->interest != interest) {
        loop_watch_rest(watch);
        watch->descriptor = -1;
        if (make_event(watch, descriptor, interest) != 0)
            return -1;
        watch->descriptor = descriptor;
        watch->interest = interest;
    }
    return (read || write) ? event_add(watch->event, NULL) : 0;
}

void loop_watch_rest(struct loop_watch *watch)
{
    if (watch->event != NULL)
        event_del(watch->event);
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->event != NULL)
        event_free(watch->event);
    free(watch);
}

static void on_signal(evutil_socket_t signal_number, short what, void *arg)
{
    struct loop_signal *handler = arg;
    (void)signal_number;
    (void)what;
    handler->fn(handler->context);
}

int loop_on_signal(struct loop *loop, int signal_number, loop_fn *fn, void *context)
{
    if (loop->signals_len == LOOP_SIGNALS_MAX)
        return -1;
    struct loop_signal *handler = &loop->signals[loop->signals_len];
    handler->fn = fn;
    handler->context = context;
    handler->event = evsignal_new(loop->base, signal_number, on_signal, handler);
    if (handler->event == NULL)
        return -1;
    loop->signals_len++;
    return evsignal_add(handler->event, NULL);
}
