/* status: how the queue is, once or again and again. */
#include "admin/status/read.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status/text.h"
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
    for (size_t i = 0; i < RATES; i++) {
        buffer_append_char(out, i > 0 ? ',' : '{');
        json_put_string(out, bytes_of(rates_names[i]));
        buffer_append_char(out, ':');
        json_put_real(out, rates->per_second[i]);
    }
    buffer_append_char(out, '}');
}

static void put_null(struct buffer *out, const struct status *status)
{
    (void)status;
    buffer_append_text(out, "null");
}

typedef void (*put_fn)(struct buffer *out, const struct status *status);

static void put_nested(struct buffer *out, const char *name, put_fn put,
                       const struct status *status)
{
    object_put_json(out, name, BYTES(""));
    put(out, status);
}

/* Below 0 it is not known, or there is none. */
static void put_number(struct buffer *out, const char *name, int64_t number)
{
    if (number >= 0)
        object_put_int(out, name, number);
    else
        object_put_json(out, name, BYTES("null"));
}

static void put_missing(struct buffer *out, const struct status *status)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < status->missing.len; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        json_put_string(out, bytes_of(status->missing.names[i]));
    }
    buffer_append_char(out, ']');
}

static int print_json(const struct cli *cli, const struct status *status, const struct rates *rates)
{
    struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    object_begin(&line);
    object_put_text(&line, "queue", bytes_of(cli->session.keys.queue));
    object_put_int(&line, "time_ms", status->now_ms);
    put_number(&line, "backlog", status->backlog);
    put_number(&line, "in_flight", status->in_flight);
    put_number(&line, "oldest_event_ms", status->oldest_age_ms);
    put_number(&line, "deliveries_waiting", status->waiting.deliveries);
    put_number(&line, "oldest_waiting_ms", status_waiting_age_ms(status));
    put_number(&line, "lanes_waiting", status->waiting.lanes);
    put_number(&line, "lanes_due", status->waiting.lanes_due);
    put_number(&line, "lanes_shut", status->waiting.lanes_shut);
    put_number(&line, "dead", status->dead);
    if (status->missing.len > 0)
        put_nested(&line, "rights_missing", put_missing, status);
    put_nested(&line, "workers", status->knows_workers ? put_workers : put_null, status);
    put_nested(&line, "pools", status->knows_workers ? put_pools : put_null, status);
    put_nested(&line, "counters", status->knows_counters ? put_counters : put_null, status);
    if (rates->known) {
        object_put_json(&line, "per_second", BYTES(""));
        put_rates(&line, rates);
    }
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

/* --- the command --- */

/* What the terminal has room for, so that the top stays there. */
static int redraw_text(const struct cli *cli, const struct screen *screen,
                       const struct status *status, const struct rates *rates)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return cli_failed("out of memory");
    int result = status_text(cli, status, rates, out, screen);
    bool failed = fclose(out) != 0;
    if (failed)
        result = cli_failed("out of memory");
    (void)fputs("\033[H\033[J", stdout);
    if (result == CLI_DONE)
        screen_put_top(stdout, screen, text);
    free(text);
    return result;
}

static int look(struct cli *cli, struct rates *rates, bool redraw)
{
    struct screen screen = screen_of_stdout();
    struct status status;
    int result = CLI_DONE;

    if (!status_read(&cli->session, &status))
        return CLI_FAILED;
    rates_update(rates, &status);
    bool is_whole = status.missing.len == 0;
    if (cli->json)
        result = print_json(cli, &status, rates);
    else if (redraw)
        result = redraw_text(cli, &screen, &status, rates);
    else
        result = status_text(cli, &status, rates, stdout, &screen);
    status_release(&status);
    (void)fflush(stdout);
    return result == CLI_DONE && !is_whole ? CLI_FAILED : result;
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
        "for in those that are due first. Times are Redis' own. What the user of Redis has no\n"
        "right to see is shown as ?, in JSON null, with the right that is missing; then the\n"
        "exit status is 1.\n",
    .flags = status_specs,
    .run = run_status,
};
