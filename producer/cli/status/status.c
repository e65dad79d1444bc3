/* status: how the queue is, once or again and again. */
#include "cli/status/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal/human_text.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"
#include "contract/json_text.h"
#include "contract/parse.h"

#define INTERVAL_DEFAULT_MS 2000
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
#define LINE_MAX_BYTES ((size_t)16 << 20)
#define HEARTBEAT_DEPTH 8

static const struct flag_spec status_specs[] = {
    {"watch", NULL, "again and again, with rates, until Ctrl-C", false},
    {"interval", "DURATION", "how often; default 2s", false},
    {NULL, NULL, NULL, false},
};

/* Counters whose change in a second --watch shows. */
static const char *const rated[] = {"events", "delivered", "retries", "dead"};

#define RATED (sizeof(rated) / sizeof(rated[0]))

/* What the last look saw, for rates. */
struct rates {
    int64_t at_ms; /* of Redis; 0: no look before */
    int64_t counters[RATED];
    double per_second[RATED];
    bool known;
};

static void rates_update(struct rates *rates, const struct status *status)
{
    int64_t elapsed_ms = status->now_ms - rates->at_ms;

    rates->known = rates->at_ms > 0 && elapsed_ms > 0;
    for (size_t i = 0; i < RATED; i++) {
        int64_t now = status_counter(status, rated[i]);
        if (rates->known)
            rates->per_second[i] = (double)(now - rates->counters[i]) * 1000.0 / (double)elapsed_ms;
        rates->counters[i] = now;
    }
    rates->at_ms = status->now_ms;
}

/* Of the oldest event that a delivery waits of; -1 when none waits. */
static int64_t waiting_age_ms(const struct status *status)
{
    int64_t oldest_ms = status->waiting.oldest_ms;

    if (oldest_ms == 0)
        return -1;
    return oldest_ms < status->now_ms ? status->now_ms - oldest_ms : 0;
}

/* --- JSON --- */

static void put_counters(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i + 1 < reply_len(status->counters); i += 2) {
        if (i > 0)
            buffer_append_char(out, ',');
        json_put_untrusted(out, reply_text(reply_at(status->counters, i)));
        buffer_append_char(out, ':');
        buffer_append_int64(out, reply_int(reply_at(status->counters, i + 1)));
    }
    buffer_append_char(out, '}');
}

/* The heartbeat as it is, when it is JSON. */
static void put_heartbeat(struct buffer *out, struct bytes text)
{
    json_t *json = json_loadb(text.data, text.len, 0, NULL);

    if (!json || json_put_value(out, json, HEARTBEAT_DEPTH) < 0)
        buffer_append_text(out, "null");
    json_decref(json);
}

static void put_workers(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->workers_len; i++) {
        buffer_append_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_put_untrusted(out, status->workers[i].name);
        buffer_append_text(out, ",\"heartbeat\":");
        put_heartbeat(out, reply_text(status->workers[i].heartbeat));
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
}

static void put_pools(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->pools.len; i++) {
        const struct status_pool *pool = &status->pools.list[i];
        buffer_append_text(out, i > 0 ? "," : "");
        object_begin(out);
        object_put_text(out, "host", bytes_of(pool->host));
        object_put_int(out, "pid", pool->pid);
        object_put_int(out, "processes", pool->processes);
        object_put_int(out, "alive", pool->alive);
        object_put_int(out, "restarts", pool->restarts);
        object_put_int(out, "in_flight", pool->in_flight);
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
}

static void put_rates(struct buffer *out, const struct rates *rates)
{
    for (size_t i = 0; i < RATED; i++) {
        buffer_append_char(out, i > 0 ? ',' : '{');
        json_put_string(out, bytes_of(rated[i]));
        buffer_append_char(out, ':');
        json_put_real(out, rates->per_second[i]);
    }
    buffer_append_char(out, '}');
}

typedef void (*put_fn)(struct buffer *out, const struct status *status);

static void put_nested(struct buffer *out, const char *name, put_fn put,
                       const struct status *status)
{
    object_put_json(out, name, BYTES(""));
    put(out, status);
}

static void put_age(struct buffer *out, const char *name, int64_t age_ms)
{
    if (age_ms >= 0)
        object_put_int(out, name, age_ms);
    else
        object_put_json(out, name, BYTES("null"));
}

static int print_json(const struct cli *cli, const struct status *status, const struct rates *rates)
{
    struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    object_begin(&line);
    object_put_text(&line, "queue", bytes_of(cli->keys.queue));
    object_put_int(&line, "time_ms", status->now_ms);
    object_put_int(&line, "backlog", status->backlog);
    object_put_int(&line, "in_flight", status->in_flight);
    put_age(&line, "oldest_event_ms", status->oldest_age_ms);
    object_put_int(&line, "deliveries_waiting", status->waiting.deliveries);
    put_age(&line, "oldest_waiting_ms", waiting_age_ms(status));
    object_put_int(&line, "lanes_waiting", status->waiting.lanes);
    object_put_int(&line, "lanes_due", status->waiting.lanes_due);
    object_put_int(&line, "lanes_shut", status->waiting.lanes_shut);
    object_put_int(&line, "dead", status->dead);
    put_nested(&line, "workers", put_workers, status);
    put_nested(&line, "pools", put_pools, status);
    put_nested(&line, "counters", put_counters, status);
    if (rates->known) {
        object_put_json(&line, "per_second", BYTES(""));
        put_rates(&line, rates);
    }
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

/* --- text --- */

/* Members of the heartbeat that are text or numbers: "host=a pid=7". */
static void print_heartbeat(struct bytes text)
{
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    const char *key;
    json_t *value;

    json_object_foreach(json, key, value) {
        char shown[128];
        (void)printf("  %s=", bytes_printable(bytes_of(key), shown, sizeof(shown)));
        if (json_is_integer(value))
            (void)printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
            (void)fputs(bytes_printable(bytes_of(json_string_value(value)), shown, sizeof(shown)),
                        stdout);
    }
    json_decref(json);
}

static void print_pools(const struct status_pools *pools)
{
    for (size_t i = 0; i < pools->len; i++) {
        const struct status_pool *pool = &pools->list[i];
        (void)printf("pool        %s/%" PRId64 ": %" PRId64 " of %" PRId64
                     " workers alive, restarts %" PRId64 ", in flight %" PRId64 "\n",
                     pool->host, pool->pid, pool->alive, pool->processes, pool->restarts,
                     pool->in_flight);
    }
}

static void print_waiting(const struct status *status)
{
    const struct status_waiting *waiting = &status->waiting;
    char age[HUMAN_TEXT_SIZE];

    (void)printf("waiting     %" PRId64, waiting->deliveries);
    if (waiting->oldest_ms > 0)
        (void)printf(", the oldest %s", human_age(waiting_age_ms(status), age));
    (void)printf("\nlanes       %" PRId64 ", %" PRId64 " due, %" PRId64 " shut\n", waiting->lanes,
                 waiting->lanes_due, waiting->lanes_shut);
}

static void print_text(const struct cli *cli, const struct status *status,
                       const struct rates *rates)
{
    char text[512];
    char age[HUMAN_TEXT_SIZE];

    (void)printf("queue       %s on %s at %s\n", cli->keys.queue,
                 redis_address_describe(&cli->address, text, sizeof(text) - 64),
                 format_iso8601(status->now_ms, text + sizeof(text) - 64, 64));
    (void)printf("backlog     %" PRId64 "\n", status->backlog);
    (void)printf("in flight   %" PRId64 "\n", status->in_flight);
    (void)printf("oldest      %s\n",
                 status->oldest_age_ms >= 0 ? human_age(status->oldest_age_ms, age) : "-");
    print_waiting(status);
    (void)printf("dead        %" PRId64 "\n", status->dead);
    (void)printf("workers     %zu alive\n", status->workers_len);
    for (size_t i = 0; i < status->workers_len; i++) {
        (void)printf("  %s", bytes_printable(status->workers[i].name, text, sizeof(text)));
        print_heartbeat(reply_text(status->workers[i].heartbeat));
        (void)putchar('\n');
    }
    print_pools(&status->pools);
    if (reply_len(status->counters) > 0)
        (void)puts("counters");
    for (size_t i = 0; i + 1 < reply_len(status->counters); i += 2) {
        bytes_printable(reply_text(reply_at(status->counters, i)), text, sizeof(text));
        (void)printf("  %-16s %" PRId64 "\n", text, reply_int(reply_at(status->counters, i + 1)));
    }
    for (size_t i = 0; rates->known && i < RATED; i++)
        (void)printf("%s%s %.1f", i > 0 ? ", " : "a second    ", rated[i], rates->per_second[i]);
    if (rates->known)
        (void)putchar('\n');
}

/* --- the command --- */

static int look(struct cli *cli, struct rates *rates, bool redraw)
{
    struct status status;
    int result = CLI_DONE;

    if (!status_read(cli, &status))
        return CLI_FAILED;
    rates_update(rates, &status);
    if (cli->json) {
        result = print_json(cli, &status, rates);
    } else {
        if (redraw)
            (void)fputs("\033[H\033[J", stdout);
        print_text(cli, &status, rates);
    }
    status_release(&status);
    (void)fflush(stdout);
    return result;
}

/* A look that fails is told and tried again: Redis may be restarting. */
static int watch(struct cli *cli, struct rates *rates, int64_t interval_ms)
{
    bool redraw = !cli->json && isatty(STDOUT_FILENO);
    struct interrupt interrupt;

    if (interrupt_open(&interrupt) < 0)
        return cli_failed("cannot watch for signals");
    int64_t due_ms = progress_now_ms();
    do {
        (void)look(cli, rates, redraw);
        if (!cli->json && !redraw)
            (void)putchar('\n');
        due_ms += interval_ms;
        if (due_ms < progress_now_ms()) /* do not catch up on looks that took too long */
            due_ms = progress_now_ms();
    } while (!ferror(stdout) && !interrupt_wait(&interrupt, due_ms - progress_now_ms()));
    interrupt_close(&interrupt);
    return CLI_DONE;
}

static int run_status(struct cli *cli)
{
    const char *interval = flags_value(&cli->flags, "interval");
    int64_t interval_ms = INTERVAL_DEFAULT_MS;
    struct rates rates = {0};

    if (interval &&
        parse_duration_ms(bytes_of(interval), INTERVAL_MIN_MS, INTERVAL_MAX_MS, &interval_ms) < 0)
        return cli_usage(cli, "--interval is a duration from 100ms to 1h, like 2s");
    if (interval && !flags_has(&cli->flags, "watch"))
        return cli_usage(cli, "--interval goes with --watch");
    if (flags_has(&cli->flags, "watch"))
        return watch(cli, &rates, interval_ms);
    return look(cli, &rates, false);
}

const struct command command_status = {
    .name = "status",
    .operands = "",
    .summary = "Shows backlog, events under way, what waits, dead letters and workers.",
    .details =
        "Backlog are events nobody has read yet, oldest is the age of the oldest event that is\n"
        "unread or under way. Waiting are deliveries: for a retry, or for their turn, because\n"
        "their hook rests or cannot take more at once; the oldest by its event. Each waits in\n"
        "the lane of its hook; a lane is due when a worker is to look at it now, and shut when\n"
        "its hook is open, disabled or removed. Of more than 400 lanes the oldest is looked\n"
        "for in those that are due first. Times are Redis' own.\n",
    .flags = status_specs,
    .run = run_status,
};
