/* resend: sending again what was delivered, and what a receiver lost all the same. */
#include "admin/resend/resend.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin/dead/filter.h"
#include "cli/cli.h"
#include "cli/terminal/confirm.h"
#include "cli/terminal/json_output.h"
#include "contract/parse.h"

#define STEPS_PER_SECOND 10 /* with --rate: small steps, so that the rate is even */
#define TIME_SIZE 32
#define SHOWN_SIZE 40

static const struct flag_spec resend_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"hook", "ID", "only what was delivered to this hook", false},
    {"since", "2h|DATE", "what was delivered since then: an age, or an ISO 8601 time in UTC",
     false},
    {"until", "1h|DATE", "and before then; default now", false},
    {"after", "ID", "what comes after this kept event, where an earlier run stopped", false},
    {"rate", "N/s", "at most this many a second", false},
    {"dry-run", NULL, "only count them", false},
    {"yes", NULL, "do not ask for confirmation", false},
    {NULL, NULL, NULL, false},
};

struct resending {
    struct cli *cli;
    struct resend_range range;
    const char *after; /* NULL: from since on */
    int64_t rate;      /* deliveries a second; 0: no limit */
    bool dry_run;
    struct resend resend;
    struct interrupt interrupt;
    struct progress progress;
    int64_t started_ms;
    bool stopped;  /* by an interrupt */
    bool declined; /* by the answer to the question */
};

/* --- flags --- */

static int read_time(const struct cli *cli, const char *flag, int64_t now_ms, int64_t *ret_ms)
{
    const char *given = flags_value(&cli->flags, flag);
    char shown[SHOWN_SIZE];

    if (!given || dead_time_parse(bytes_of(given), now_ms, ret_ms) == 0)
        return CLI_DONE;
    return cli_usage(cli,
                     "--%s is %s: give an age up to 3650d, like 2h, or a UTC time like "
                     "2022-11-04T08:28:57Z",
                     flag, bytes_printable(bytes_of(given), shown, sizeof(shown)));
}

static int check_range(const struct cli *cli, const struct resend_range *range)
{
    char since[TIME_SIZE];
    char until[TIME_SIZE];

    if (!resend_range_problem(range))
        return CLI_DONE;
    return cli_usage(cli, "--since (%s) is not earlier than --until (%s)",
                     format_iso8601(range->since_ms, since, sizeof(since)),
                     format_iso8601(range->until_ms, until, sizeof(until)));
}

static int read_flags(struct resending *resending)
{
    const struct cli *cli = resending->cli;
    struct resend_range *range = &resending->range;
    uint64_t ms;
    uint64_t seq;
    int64_t now_ms;

    *range = (struct resend_range){.until_ms = RESEND_NO_END};
    resending->after = flags_value(&cli->flags, "after");
    resending->dry_run = flags_has(&cli->flags, "dry-run");
    if (cli_room(cli, &range->room) != CLI_DONE ||
        cli_name(cli, "hook", &range->hook) != CLI_DONE ||
        cli_rate(cli, &resending->rate) != CLI_DONE)
        return CLI_USAGE;
    if (!flags_has(&cli->flags, "since") && !resending->after)
        return cli_usage(cli, "give --since, like --since 1h");
    if (resending->after && parse_stream_id(bytes_of(resending->after), &ms, &seq) < 0)
        return cli_usage(cli, "--after is like 1667548137257-0");
    if (!session_server_time(&resending->cli->session, &now_ms))
        return CLI_FAILED;
    if (read_time(cli, "since", now_ms, &range->since_ms) != CLI_DONE ||
        read_time(cli, "until", now_ms, &range->until_ms) != CLI_DONE)
        return CLI_USAGE;
    return check_range(cli, range);
}

/* --- what there is --- */

static const char *plural(int64_t n)
{
    return n == 1 ? "y" : "ies";
}

static void print_left_out(const struct resend_counts *counts)
{
    if (counts->removed > 0)
        (void)fprintf(stderr, "%" PRId64 " deliver%s to hooks that were removed: not sent\n",
                      counts->removed, plural(counts->removed));
    if (counts->gone > 0)
        (void)fprintf(stderr,
                      "%" PRId64 " deliver%s without a document, which was deleted: not "
                      "sent\n",
                      counts->gone, plural(counts->gone));
    if (counts->unreadable > 0)
        (void)fprintf(stderr, "%" PRId64 " kept by something else than a worker: not sent\n",
                      counts->unreadable);
}

/* Says what will be sent, and asks where it can. False: failure reported. */
static bool agree(struct resending *resending)
{
    struct resend_counts counts;

    if (!resend_count(&resending->resend, &counts))
        return false;
    if (resending->dry_run) {
        resending->resend.counts = counts;
        return true;
    }
    if (counts.deliveries > 0 && !resending->cli->json)
        (void)fprintf(stderr, "%" PRId64 " deliver%s of %" PRId64 " event%s\n", counts.deliveries,
                      plural(counts.deliveries), counts.events, counts.events == 1 ? "" : "s");
    if (counts.deliveries > 0 && !flags_has(&resending->cli->flags, "yes") && confirm_is_possible())
        resending->declined = !confirm(&resending->interrupt, "Send them again?");
    return true;
}

/* --- sending --- */

static int64_t step_len(const struct resending *resending)
{
    int64_t len = resending->rate / STEPS_PER_SECOND;

    if (resending->rate == 0 || len > RESEND_STEP)
        return RESEND_STEP;
    return len > 0 ? len : 1;
}

/* Waits until the next step is due; true when interrupted. */
static bool pace(const struct resending *resending)
{
    if (resending->rate == 0)
        return interrupted(&resending->interrupt);
    int64_t sent = resending->resend.counts.deliveries;
    int64_t due_ms = resending->started_ms + sent * 1000 / resending->rate;
    return interrupt_wait(&resending->interrupt, due_ms - progress_now_ms());
}

/* False: failure reported. */
static bool send_all(struct resending *resending)
{
    struct resend *resend = &resending->resend;

    resending->started_ms = progress_now_ms();
    while (!resend->ended) {
        resending->stopped = pace(resending);
        if (resending->stopped)
            return true;
        if (!resend_step(resend, false, step_len(resending)))
            return false;
        progress_show(&resending->progress, (uint64_t)resend->counts.deliveries);
    }
    return true;
}

/* --- the end --- */

static int print_json(const struct resending *resending)
{
    const struct resend *resend = &resending->resend;
    struct buffer line;

    buffer_init(&line, 1024);
    object_begin(&line);
    object_put_room(&line, "room", &resend->range.room);
    object_put_int(&line, "deliveries", resend->counts.deliveries);
    object_put_int(&line, "events", resend->counts.events);
    object_put_int(&line, "removed", resend->counts.removed);
    object_put_int(&line, "gone", resend->counts.gone);
    object_put_int(&line, "unreadable", resend->counts.unreadable);
    object_put_bool(&line, "dry_run", resending->dry_run);
    object_put_bool(&line, "done", resending->dry_run || resend->ended);
    if (resend->cursor[0] != '\0' && !resend->ended)
        object_put_text(&line, "after", bytes_of(resend->cursor));
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int stopped_at(const struct resending *resending)
{
    const struct resend *resend = &resending->resend;
    const char *why = resending->stopped ? "interrupted" : "stopped";

    if (resend->cursor[0] == '\0')
        return cli_failed("%s: 0 resent; run it again", why);
    return cli_failed("%s: %" PRId64 " resent; to continue, run it again with --after %s", why,
                      resend->counts.deliveries, resend->cursor);
}

static int summary(const struct resending *resending, bool sent)
{
    const struct resend *resend = &resending->resend;

    if (resending->declined)
        return cli_failed("nothing was resent");
    if (resending->cli->json && print_json(resending) != CLI_DONE)
        return CLI_FAILED;
    if (!sent || resending->stopped)
        return stopped_at(resending);
    if (resending->cli->json)
        return CLI_DONE;
    print_left_out(&resend->counts);
    (void)printf("%" PRId64 " %sresent\n", resend->counts.deliveries,
                 resending->dry_run ? "would be " : "");
    return CLI_DONE;
}

static int run(struct resending *resending)
{
    struct resend *resend = &resending->resend;
    bool sent = true;

    if (!resend_begin(resend, &resending->cli->session, &resending->range, resending->after) ||
        !agree(resending))
        return CLI_FAILED;
    if (!resending->dry_run && !resending->declined) {
        progress_begin(&resending->progress, "resent", false);
        sent = send_all(resending);
        progress_end(&resending->progress);
    }
    return summary(resending, sent);
}

static int run_resend(struct cli *cli)
{
    struct resending resending = {.cli = cli};

    int result = read_flags(&resending);
    if (result != CLI_DONE)
        return result;
    if (interrupt_open(&resending.interrupt) < 0)
        return cli_failed("cannot watch for signals");
    result = run(&resending);
    interrupt_close(&resending.interrupt);
    return result;
}

const struct command command_resend = {
    .name = "resend",
    .operands = "",
    .summary = "Sends delivered events of a room again, for a receiver that lost them.",
    .details =
        "Needs workers with keep-delivered. Each event is sent to each hook that took it, with\n"
        "its original webhook-id, and with all retries. It prints the number first and asks for\n"
        "confirmation if standard input and error are a terminal. Ctrl-C stops between steps and\n"
        "prints how to continue. What is delivered meanwhile is not sent again, nor is what was\n"
        "sent again kept again: as long as an event is kept, give --since of its first delivery.\n",
    .flags = resend_specs,
    .run = run_resend,
};
