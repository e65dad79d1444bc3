/*
 * What is still to be called back when the loop ends. LeakSanitizer tells what was left behind.
 */
#define _GNU_SOURCE 1
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>

#include "base/loop.h"

#define MISSED_MS 20
#define DEFERRED (BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)

static void on_data(struct bufferevent *io, void *context)
{
    (void)io;
    (void)context;
    fail_msg("called after it was freed");
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    (void)what;
    on_data(io, context);
}

/* Redis answered at the very moment the worker gave up. */
static void free_callbacks_that_are_due_are_dropped(void **unused)
{
    struct loop *loop = loop_new();
    int ends[2];
    struct bufferevent *io;

    (void)unused;
    assert_non_null(loop);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    io = bufferevent_socket_new(loop_base(loop), ends[0], DEFERRED);
    assert_non_null(io);
    bufferevent_setcb(io, on_data, on_data, on_event, NULL);
    bufferevent_enable(io, EV_READ | EV_WRITE);
    bufferevent_trigger(io, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
    bufferevent_trigger_event(io, BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
    bufferevent_free(io);
    loop_free(loop);
    close(ends[1]);
}

/* The name of Redis was being looked up. */
static void free_look_up_under_way_is_dropped(void **unused)
{
    struct loop *loop = loop_new();
    struct bufferevent *io;

    (void)unused;
    assert_non_null(loop);
    assert_non_null(loop_dns(loop));
    evdns_base_clear_nameservers_and_suspend(loop_dns(loop));
    assert_int_equal(evdns_base_nameserver_ip_add(loop_dns(loop), "127.0.0.1:9"), 0);
    evdns_base_resume(loop_dns(loop));
    io = bufferevent_socket_new(loop_base(loop), -1, DEFERRED);
    assert_non_null(io);
    bufferevent_setcb(io, on_data, on_data, on_event, NULL);
    assert_int_equal(
        bufferevent_socket_connect_hostname(io, loop_dns(loop), AF_UNSPEC, "redis.invalid", 6379),
        0);
    bufferevent_free(io);
    loop_free(loop);
}

static void on_never(void *context)
{
    (void)context;
    fail_msg("called by loop_free");
}

static void free_nothing_of_ours_is_called(void **unused)
{
    struct loop *loop = loop_new();
    struct loop_timer timer;
    struct loop_turn turn;

    (void)unused;
    assert_non_null(loop);
    assert_int_equal(loop_timer_init(loop, &timer, on_never, NULL), 0);
    assert_int_equal(loop_turn_init(loop, &turn, on_never, NULL), 0);
    loop_timer_arm(&timer, 0);
    loop_turn_arm(&turn);
    loop_timer_release(&timer);
    loop_turn_release(&turn);
    loop_free(loop);
    loop_free(NULL);
}

/* Copies of one process, as a pool's workers are, must not choose alike. */
static void seed_is_another_one_in_each_process(void **unused)
{
    uint64_t seeds[8] = {0};
    int ends[2];

    (void)unused;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 8; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            uint64_t seed = loop_seed();
            _exit(write(ends[1], &seed, sizeof(seed)) == (ssize_t)sizeof(seed) ? 0 : 1);
        }
        assert_int_equal(read(ends[0], &seeds[i], sizeof(seeds[i])), sizeof(seeds[i]));
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        for (int before = 0; before < i; before++)
            assert_true(seeds[before] != seeds[i]);
    }
    close(ends[0]);
    close(ends[1]);
}

struct starved {
    struct loop *loop;
    struct loop_timer timer;
    int64_t lag_ms; /* of what counts as run behind what passed, at the beginning */
    int64_t until_ms;
};

/* Turns with gaps between them, until one was longer than it should be. */
static void on_gap(void *context)
{
    struct starved *starved = context;

    if (loop_now_ms() - loop_run_ms() - starved->lag_ms >= MISSED_MS ||
        loop_now_ms() > starved->until_ms)
        loop_stop(starved->loop);
    else
        loop_timer_arm(&starved->timer, 25);
}

static bool notices_what_it_missed(void)
{
    struct starved starved = {.loop = loop_new()};
    const struct sched_param none = {0};

    if (!starved.loop || loop_timer_init(starved.loop, &starved.timer, on_gap, &starved) != 0 ||
        sched_setscheduler(0, SCHED_IDLE, &none) != 0)
        return false;
    starved.lag_ms = loop_now_ms() - loop_run_ms();
    starved.until_ms = loop_now_ms() + 20000;
    loop_timer_arm(&starved.timer, 25);
    loop_run(starved.loop);
    return loop_now_ms() - loop_run_ms() - starved.lag_ms >= MISSED_MS;
}

/* Of a process that another one keeps from its processor. */
static void time_without_a_processor_is_not_run(void **unused)
{
    cpu_set_t processor;
    int status = 0;

    (void)unused;
    if (access("/proc/self/schedstat", R_OK) != 0)
        skip(); /* then nothing is deducted */
    CPU_ZERO(&processor);
    CPU_SET((size_t)sched_getcpu(), &processor);
    pid_t busy = fork();
    assert_true(busy >= 0);
    if (busy == 0) {
        alarm(60);
        (void)sched_setaffinity(0, sizeof(processor), &processor);
        for (volatile int n = 0;; n = !n)
            ;
    }
    pid_t starved = fork();
    assert_true(starved >= 0);
    if (starved == 0)
        _exit(sched_setaffinity(0, sizeof(processor), &processor) == 0 && notices_what_it_missed()
                  ? 0
                  : 1);
    assert_int_equal(waitpid(starved, &status, 0), starved);
    kill(busy, SIGKILL);
    waitpid(busy, NULL, 0);
    assert_int_equal(status, 0);
}

static void on_address(int result, char type, int count, int ttl, void *addresses, void *context)
{
    (void)result, (void)type, (void)count, (void)ttl, (void)addresses, (void)context;
}

/* The name server of Podman knows a name in its own case only. */
static void names_are_looked_up_as_they_are_spelled(void **unused)
{
    static const char label[] = "\x1a"
                                "abcdefghijklmnopqrstuvwxyz";
    struct loop *loop = loop_new();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    char name[32], query[512];

    (void)unused;
    assert_non_null(loop);
    assert_int_equal(bind(server, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &len), 0);
    snprintf(name, sizeof(name), "127.0.0.1:%u", ntohs(address.sin_port));
    evdns_base_clear_nameservers_and_suspend(loop_dns(loop));
    assert_int_equal(evdns_base_nameserver_ip_add(loop_dns(loop), name), 0);
    evdns_base_resume(loop_dns(loop));
    assert_non_null(
        evdns_base_resolve_ipv4(loop_dns(loop), &label[1], DNS_QUERY_NO_SEARCH, on_address, NULL));
    event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
    ssize_t got = recv(server, query, sizeof(query), 0);
    assert_non_null(memmem(query, got > 0 ? (size_t)got : 0, label, sizeof(label)));
    loop_free(loop);
    close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_callbacks_that_are_due_are_dropped),
        cmocka_unit_test(free_look_up_under_way_is_dropped),
        cmocka_unit_test(free_nothing_of_ours_is_called),
        cmocka_unit_test(names_are_looked_up_as_they_are_spelled),
        cmocka_unit_test(time_without_a_processor_is_not_run),
        cmocka_unit_test(seed_is_another_one_in_each_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
