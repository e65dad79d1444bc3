/*
 * What honest hooks get while hostile ones share their limits: 70 s of virtual time a scenario, one
 * worker of the default limits. Each prints a line of figures. SCENARIO runs one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define SECONDS 70
#define NO_TARGET INT64_MAX

/* --- receivers --- */

static struct receiver good(double low_s, double high_s)
{
    return (struct receiver){.kind = RECEIVER_GOOD, .a = low_s, .b = high_s};
}

static struct receiver constant(double seconds)
{
    return (struct receiver){.kind = RECEIVER_CONST, .a = seconds};
}

/* --- who is there --- */

enum where_from {
    ORIGIN,  /* on the origin of the healthy hooks */
    ADDRESS, /* on 40 others at its address */
    WIDE,    /* on 40 origins of 40 addresses */
    OWN      /* each on an address of its own */
};

/* Of hostile ones: 200 hooks, 100 events a second in all, where nothing else is said. */
struct crowd {
    const char *prefix;
    struct receiver receiver;
    size_t hooks;
    double rate;
    bool at_the_start;
    double later_s; /* than others begin */
    bool once;      /* an event for each, and no more */
    enum where_from where;
    bool one_room;
    bool one_url;
    unsigned burst; /* of each hook, at the start */
    enum group group;
};

static void add_crowd(struct world *world, const struct crowd *given)
{
    const struct crowd *crowd = &(struct crowd){.prefix = given->prefix ? given->prefix : "x",
                                                .receiver = given->receiver,
                                                .hooks = given->hooks ? given->hooks : 200,
                                                .rate = given->rate > 0 ? given->rate : 100,
                                                .where = given->where,
                                                .one_room = given->one_room,
                                                .one_url = given->one_url,
                                                .group = given->group};
    struct source source = {.lanes = crowd->hooks,
                            .rate = crowd->rate,
                            .start = given->at_the_start ? 0 : 1 + given->later_s,
                            .most = given->once ? crowd->hooks : 0,
                            .is_even = true,
                            .all_at_once = crowd->one_room,
                            .burst = given->burst};

    for (size_t i = 0; i < crowd->hooks; i++) {
        char room[32], address[32], path[32];
        unsigned port = 1;
        size_t lane;

        (void)snprintf(path, sizeof(path), "%s%zu", crowd->prefix, i);
        (void)snprintf(room, sizeof(room), "%s", crowd->one_room ? crowd->prefix : path);
        (void)snprintf(address, sizeof(address), "A");
        if (crowd->where == ADDRESS || crowd->where == WIDE)
            port = 100 + (unsigned)i % 40;
        if (crowd->where == WIDE)
            (void)snprintf(address, sizeof(address), "W%zu", i % 40);
        if (crowd->where == OWN)
            (void)snprintf(address, sizeof(address), "%s", path);
        lane = world_lane(world, room, address, port, crowd->one_url ? "good0" : path,
                          crowd->receiver, crowd->group);
        if (i == 0)
            source.first = lane;
    }
    world_source(world, &source);
}

static void add_one(struct world *world, const char *room, const char *address, unsigned port,
                    const char *path, struct receiver receiver, enum group group, double rate,
                    double start)
{
    struct source source = {.lanes = 1, .rate = rate, .start = start};

    source.first = world_lane(world, room, address, port, path, receiver, group);
    world_source(world, &source);
}

static void add_healthy(struct world *world, const char *url, struct receiver receiver)
{
    for (int i = 0; i < 3; i++) {
        char room[8], path[16];

        (void)snprintf(room, sizeof(room), "h%d", i);
        (void)snprintf(path, sizeof(path), "good%d", i);
        add_one(world, room, "A", 1, url ? url : path, receiver, HEALTHY, 20, 0);
    }
    add_one(world, "ha", "A", 99, "good", good(.002, .05), ELSEWHERE, 20, 0);
    add_one(world, "he", "B", 99, "good", good(.002, .05), ELSEWHERE, 20, 0);
}

/* Each second 20 new rooms that hang, and an honest one. */
static void add_newcomers(struct world *world)
{
    for (int second = 1; second < 60; second++) {
        char room[32];

        for (int k = 0; k < 20; k++) {
            (void)snprintf(room, sizeof(room), "x%d.%d", second, k);
            add_one(world, room, "A", 1, room, constant(15), HOSTILE, 1, second + k / 20.0);
        }
        (void)snprintf(room, sizeof(room), "n%d", second);
        add_one(world, room, "A", 1, room, good(.002, .05), NEWCOMER, 5, second + .5);
    }
}

/* --- scenarios --- */

struct target {
    double in_time; /* at least, % */
    int64_t p99_ms; /* at most, of those */
    size_t cuts;    /* at most, of honest ones */
    double again;   /* at most, % of honest ones sent twice */
};

struct scenario {
    const char *name;
    bool no_healthy;
    const char *healthy_url;
    struct receiver healthy; /* zeroed: 2 to 50 ms */
    bool newcomers;
    struct crowd crowds[3];
    struct target target;
    double special_done; /* of SPECIAL: at least, % */
};

/* As it may be when hooks that are known turn bad together: until they are late nothing tells. */
#define FIRST_BEHAVED 1700

static const struct scenario scenarios[] = {
    {.name = "none", .target = {100, 20, 0, 0}},
#define ATTACK(...)                   \
    {                                 \
        .group = HOSTILE, __VA_ARGS__ \
    }
#define SPECIALS(...)                                                      \
    {                                                                      \
        .prefix = "s", .at_the_start = true, .group = SPECIAL, __VA_ARGS__ \
    }
#define NEW                                                                                   \
    {                                                                                         \
        .prefix = "n", .receiver = {.kind = RECEIVER_GOOD, .a = .002, .b = .05}, .hooks = 20, \
        .rate = 10, .later_s = 1, .once = true, .group = NEWCOMER                             \
    }
#define SLOW14 .receiver = {.kind = RECEIVER_CONST, .a = 14}
#define HANG .receiver = {.kind = RECEIVER_CONST, .a = 15}
#define DRIP .receiver = {.kind = RECEIVER_DRIP}
#define FLIP .receiver = {.kind = RECEIVER_FLIP, .n = 20, .c = 14}
#define AT(bad) .receiver = {.kind = RECEIVER_AT, .a = 20, .c = (bad)}
#define MIX(part) .receiver = {.kind = RECEIVER_MIX, .a = (part), .c = 14}
#define CONST(s) .receiver = {.kind = RECEIVER_CONST, .a = (s)}
    {.name = "slow14", .crowds = {ATTACK(SLOW14)}, .target = {100, 1500, 0, 0}},
    {.name = "hang", .crowds = {ATTACK(HANG)}, .target = {100, 1500, 0, 0}},
    {.name = "drip", .crowds = {ATTACK(DRIP)}, .target = {100, 1500, 0, 0}},
    {.name = "room256",
     .crowds = {ATTACK(SLOW14, .hooks = 256, .rate = 4, .one_room = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "oneurl",
     .healthy_url = "good0",
     .crowds = {ATTACK(SLOW14, .one_url = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "hangurl",
     .healthy_url = "good0",
     .crowds = {ATTACK(HANG, .one_url = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "flipurl",
     .healthy_url = "good0",
     .crowds = {ATTACK(FLIP, .one_url = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "flip7url",
     .healthy_url = "good0",
     .crowds = {ATTACK(.receiver = {.kind = RECEIVER_FLIP, .n = 7, .c = 3, .back = true},
                       .one_url = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "togetherurl",
     .healthy_url = "good0",
     .crowds = {ATTACK(AT(15), .one_url = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "new",
     .no_healthy = true,
     .crowds = {ATTACK(SLOW14, .once = true), NEW},
     .target = {100, 1500, 0, 0}},
    {.name = "newdrip",
     .no_healthy = true,
     .crowds = {ATTACK(DRIP, .once = true), NEW},
     .target = {100, 1500, 0, 0}},
    {.name = "newaddress",
     .no_healthy = true,
     .crowds = {ATTACK(HANG, .once = true, .where = ADDRESS, .hooks = 400, .rate = 200), NEW},
     .target = {100, 1500, 0, 0}},
    {.name = "address", .crowds = {ATTACK(SLOW14, .where = ADDRESS)}, .target = {100, 1500, 0, 0}},
    {.name = "wide", .crowds = {ATTACK(SLOW14, .where = WIDE)}, .target = {100, 1500, 0, 0}},
    {.name = "flip", .crowds = {ATTACK(FLIP)}, .target = {100, 1500, 0, 0}},
    {.name = "fliphot",
     .crowds = {ATTACK(FLIP, .rate = 1000)},
     .target = {100, FIRST_BEHAVED, 0, 0}},
    {.name = "flipclock",
     .crowds = {ATTACK(.receiver = {.kind = RECEIVER_CLOCK, .a = 3, .b = 8, .c = 14})},
     .target = {100, 1500, 0, 0}},
    {.name = "fliproom",
     .crowds = {ATTACK(FLIP, .hooks = 256, .rate = 4, .one_room = true)},
     .target = {100, 1500, 0, 0}},
    {.name = "nowthen", .crowds = {ATTACK(MIX(.05))}, .target = {100, 1500, 0, 0}},
    {.name = "nowthenhot", .crowds = {ATTACK(MIX(.05), .rate = 1000)}, .target = {100, 1500, 0, 0}},
    {.name = "together", .crowds = {ATTACK(AT(15))}, .target = {100, 1500, 0, 0}},
    {.name = "togetherhot",
     .crowds = {ATTACK(AT(15), .rate = 400)},
     .target = {100, FIRST_BEHAVED, 0, 0}},
    {.name = "churn", .newcomers = true, .target = {100, 1500, 0, 0}},
    {.name = "stealth", .crowds = {ATTACK(CONST(.95))}, .target = {100, 1500, 0, 0}},
    {.name = "widetogether",
     .crowds = {ATTACK(AT(15), .hooks = 600, .rate = 1000, .where = WIDE)},
     .target = {100, 1500, 0, 0}},
    {.name = "fliphigh",
     .crowds = {ATTACK(AT(14), .hooks = 10, .rate = 1000)},
     .target = {100, 1500, 0, 0}},
    {.name = "hang300",
     .crowds = {ATTACK(HANG, .hooks = 300, .rate = 250)},
     .target = {100, 1500, 0, 0}},
    {.name = "mixed",
     .crowds = {ATTACK(SLOW14, .hooks = 70, .rate = 50),
                ATTACK(DRIP, .hooks = 70, .rate = 50, .prefix = "d"),
                ATTACK(HANG, .hooks = 70, .rate = 50, .prefix = "e")},
     .target = {100, 1500, 0, 0}},
    {.name = "flip7x3s",
     .crowds = {ATTACK(.receiver = {.kind = RECEIVER_FLIP, .n = 7, .c = 3, .back = true},
                       .rate = 300)},
     .target = {100, 1500, 0, 0}},
    {.name = "1percent", .crowds = {ATTACK(MIX(.01), .rate = 1000)}, .target = {100, 1500, 0, 0}},
    {.name = "300ms", .crowds = {ATTACK(CONST(.3), .rate = 400)}, .target = {100, 1500, 0, 0}},
    {.name = "fastfail",
     .crowds = {ATTACK(.receiver = {.kind = RECEIVER_FAIL, .a = .005})},
     .target = {100, 1500, 0, 0}},
    {.name = "slow14-m",
     .healthy = {.kind = RECEIVER_GOOD, .a = .1, .b = .4},
     .crowds = {ATTACK(SLOW14)},
     .target = {100, 1500, 0, 0}},
    {.name = "stall",
     .crowds = {SPECIALS(.receiver = {.kind = RECEIVER_STALL, .a = 20, .b = 23}, .hooks = 100,
                         .rate = 400)},
     .target = {100, 1500, 200, 1},
     .special_done = 99.9},
    {.name = "heavy90",
     .crowds = {SPECIALS(.receiver = {.kind = RECEIVER_HEAVY, .a = .04, .b = 1.2}, .hooks = 100,
                         .rate = 700)},
     .target = {100, 1500, 0, 0},
     .special_done = 99},
    {.name = "slow2many",
     .no_healthy = true,
     .crowds = {SPECIALS(CONST(2), .hooks = 20, .rate = 25)},
     .target = {100, NO_TARGET, 0, 0},
     .special_done = 95},
    {.name = "busy",
     .crowds = {SPECIALS(.receiver = {.kind = RECEIVER_GOOD, .a = .05, .b = .05}, .hooks = 1,
                         .rate = 500)},
     .target = {100, 1500, 0, 0},
     .special_done = 66},
    {.name = "coldmix",
     .no_healthy = true,
     .crowds = {{.prefix = "h",
                 .at_the_start = true,
                 .receiver = {.kind = RECEIVER_GOOD, .a = .002, .b = .05},
                 .hooks = 500,
                 .rate = 1000,
                 .burst = 5,
                 .where = WIDE,
                 .group = HEALTHY},
                ATTACK(SLOW14, .at_the_start = true, .burst = 5)},
     .target = {100, 1500, 0, 0}},
    {.name = "share1000",
     .no_healthy = true,
     .crowds = {{.prefix = "h",
                 .at_the_start = true,
                 .receiver = {.kind = RECEIVER_GOOD, .a = .002, .b = .05},
                 .hooks = 1000,
                 .rate = 2000,
                 .group = HEALTHY}},
     .target = {100, 1500, 0, 0}},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

static const struct world_config at_once = {
    .limits = {512, 128, 64, 16, 2, 0}, .seconds = SECONDS, .seed = 1, .trip_us = 1000};

static void add_all(struct world *world, const struct scenario *scenario)
{
    bool other = scenario->healthy.kind != RECEIVER_NONE;

    if (!scenario->no_healthy)
        add_healthy(world, scenario->healthy_url, other ? scenario->healthy : good(.002, .05));
    if (scenario->newcomers)
        add_newcomers(world);
    for (size_t i = 0; i < sizeof(scenario->crowds) / sizeof(*scenario->crowds); i++)
        if (scenario->crowds[i].receiver.kind != RECEIVER_NONE)
            add_crowd(world, &scenario->crowds[i]);
}

static void print(const struct world *world, const char *name)
{
    static const char *const groups[] = {"h", "o", "n", "s", "x"};

    printf("%-12s", name);
    for (enum group group = HEALTHY; group < GROUPS; group++) {
        const struct figures *figures = world_figures(world, group);

        if (figures->offered > 0)
            printf(" | %s %.1f %% p50 %ld p99 %ld max %ld ms %zu/%zu done cut %zu again %zu",
                   groups[group], world_in_time(figures), world_delay_ms(figures, .5),
                   world_delay_ms(figures, .99), world_delay_ms(figures, 1), figures->done,
                   figures->offered, figures->cuts, figures->again);
    }
    printf("\n");
}

static void check(const struct world *world, const struct scenario *scenario)
{
    const struct target *target = &scenario->target;
    size_t offered = 0, cuts = 0, again = 0;

    for (enum group group = HEALTHY; group < HOSTILE; group++) {
        const struct figures *figures = world_figures(world, group);

        offered += figures->offered;
        cuts += figures->cuts;
        again += figures->again;
        if (group == SPECIAL)
            continue;
        assert_true(world_in_time(figures) >= target->in_time);
        assert_true(world_delay_ms(figures, .99) <= target->p99_ms);
    }
    assert_true(cuts <= target->cuts);
    assert_true(100 * (double)again <= target->again * (double)offered);
    assert_true((double)world_figures(world, SPECIAL)->done >=
                scenario->special_done / 100 * (double)world_figures(world, SPECIAL)->offered);
}

static void run(const struct world_config *config, const char *only)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct world *world;

        if (only && strcmp(only, scenarios[i].name) != 0)
            continue;
        world = world_new(config);
        add_all(world, &scenarios[i]);
        world_run(world);
        print(world, scenarios[i].name);
        check(world, &scenarios[i]);
        world_free(world);
    }
}

static void as_simulated(void **unused)
{
    (void)unused;
    run(&at_once, getenv("SCENARIO"));
}

static void as_deployed(void **unused)
{
    struct world_config config = at_once;

    (void)unused;
    config.limits.kept = 128;
    run(&config, getenv("SCENARIO"));
}

static void all_in_redis(void **unused)
{
    struct world_config config = at_once;

    (void)unused;
    config.limits.kept = 128;
    config.all_in_redis = true;
    run(&config, getenv("SCENARIO"));
}

/* A backlog of one hook: claims come in time to keep all places of its URL busy. */
static void backlog_keeps_places_busy(void **unused)
{
    static const double answers_s[] = {.001, .005, .05};
    struct world_config config = at_once;

    (void)unused;
    config.seconds = 20;
    config.all_in_redis = true;
    for (size_t i = 0; i < sizeof(answers_s) / sizeof(*answers_s); i++) {
        double possible = 16 / answers_s[i];
        struct receiver receiver = {.kind = RECEIVER_CONST, .a = answers_s[i]};
        struct source source = {.lanes = 1, .rate = .01, .burst = (unsigned)(possible * 15)};
        struct world *world = world_new(&config);
        const struct figures *figures = world_figures(world, SPECIAL);
        double took_s;

        source.first = world_lane(world, "s", "A", 1, "s", receiver, SPECIAL);
        world_source(world, &source);
        world_run(world);
        took_s = (double)world_delay_ms(figures, 1) / 1000;
        printf("backlog, answers after %.3f s: %.3f of what its places take, %zu claims\n",
               answers_s[i], (double)figures->started / took_s / possible, world_claims(world));
        assert_true(figures->started >= source.burst);
        assert_true((double)figures->started / took_s >= .95 * possible);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_simulated),
        cmocka_unit_test(as_deployed),
        cmocka_unit_test(all_in_redis),
        cmocka_unit_test(backlog_keeps_places_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
