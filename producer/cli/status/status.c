/* status: how the queue is, once or again and again. */
#include "admin/status/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status/text.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"
#include "contract/parse.h"

#define INTERVAL_DEFAULT_MS 2000
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 3600000
#define LINE_MAX_BYTES ((size_t)16 << 20)

static const struct flag_spec status_specs[] = {
    {"watch", NULL, "refresh, with rates, until Ctrl-C", false},
    {"interval", "DURATION", "how often; default 2s", false},
    {NULL, NULL, NULL, false},
};

static int print_json(const struct cli *cli, const struct status *status, const struct rates *rates)
{
    struct buffer line;

    buffer_init(&line, LINE_MAX_BYTES);
    status_put_json(&line, cli->session.keys.queue, status, rates);
    int printed = object_print_whole(&line);
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

/* A look that fails is reported and repeated: Redis may be restarting. */
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
    .summary = "Shows backlog, events in flight, waiting deliveries, dead letters and workers.",
    .details =
        "Backlog are unread events; oldest is the age of the oldest event that is unread or in\n"
        "flight. Waiting are deliveries that wait for a retry or for their turn, because their\n"
        "hook is paused or cannot take more at once; their oldest is by its event. Each waits\n"
        "in the lane of its hook; a lane is due when a worker should look at it now, and shut\n"
        "when its hook is open or disabled by workers. Of more than 400 lanes the oldest is\n"
        "searched in those that are due first. Times are those of Redis. What the Redis user\n"
        "has no right to see is shown as ?, in JSON null, with the missing right; then the exit\n"
        "status is 1.\n",
    .flags = status_specs,
    .run = run_status,
};
