/* lane drop: makes dead letters of what waits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/dead/filter.h"
#include "admin/lane/drop.h"
#include "admin/lane/look.h"
#include "cli/cli.h"
#include "cli/lane/select.h"
#include "cli/terminal/confirm.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"
#include "contract/parse.h"

#define IDS_A_PAGE 500
#define ARGS_MAX (3 + 9 + SESSION_BATCH + 2 + SESSION_BATCH)

static const struct flag_spec drop_specs[] = {
    {"all", NULL, "of all lanes that match the filters", false},
    LANE_SELECT_SPECS,
    {"since", "2h|DATE", "only what was sent since then: an age, or an ISO 8601 time in UTC",
     false},
    {"before", "30d|DATE", "only what was sent before then", false},
    {"limit", "N", "at most this many, the next first", false},
    {"dry-run", NULL, "only count them", false},
    {"yes", NULL, "do not ask for confirmation", false},
    {NULL, NULL, NULL, false},
};

struct dropping {
    struct cli *cli;
    int64_t since_ms;
    int64_t before_ms; /* what is sent later is not meant */
    int64_t limit;
    bool only_count;
    const char *url;           /* of the lane's hook */
    int64_t done;              /* dropped, or counted */
    int64_t held;              /* left to the workers that hold them, in this walk over a lane */
    int64_t first_ms, last_ms; /* when the counted ones were sent */
    bool stopped;
    struct interrupt interrupt;
    struct progress progress;
};

/* --- a lane --- */

static bool drop_ids(struct dropping *dropping, const char *lane, const struct bytes *ids,
                     size_t len)
{
    struct reply *reply;
    size_t handled;

    for (size_t at = 0; at < len && !dropping->stopped; at += handled) {
        size_t n = len - at < SESSION_BATCH ? len - at : SESSION_BATCH;
        if (!lane_drop(&dropping->cli->session, lane, dropping->url, ids + at, n, &reply))
            return false;
        handled = reply_len(reply);
        for (size_t i = 0; i < handled; i++) {
            dropping->done += reply_int(reply_at(reply, i)) == 1;
            dropping->held += reply_int(reply_at(reply, i)) == 0;
        }
        reply_free(reply);
        if (handled == 0) {
            cli_failed("Redis dropped nothing of lane %s", lane);
            return false;
        }
        progress_show(&dropping->progress, (uint64_t)dropping->done);
        dropping->stopped = interrupted(&dropping->interrupt);
    }
    return true;
}

static void count(struct dropping *dropping, int64_t sent_ms)
{
    if (dropping->done++ == 0)
        dropping->first_ms = dropping->last_ms = sent_ms;
    if (sent_ms < dropping->first_ms)
        dropping->first_ms = sent_ms;
    if (sent_ms > dropping->last_ms)
        dropping->last_ms = sent_ms;
}

/* Those of a page that are meant; counts them, or gives them to be dropped. */
static size_t choose(struct dropping *dropping, const struct reply *page,
                     struct bytes ids[IDS_A_PAGE])
{
    size_t len = 0;

    for (size_t i = 0; i < reply_len(page) && i < IDS_A_PAGE; i++) {
        struct bytes id = reply_text(reply_at(page, i));
        int64_t sent_ms = lane_sent_ms(id);
        if (dropping->done + (int64_t)len >= dropping->limit)
            break;
        if (sent_ms < dropping->since_ms || sent_ms >= dropping->before_ms)
            continue; /* an id that is none was never sent */
        if (dropping->only_count)
            count(dropping, sent_ms);
        else
            ids[len++] = id;
    }
    return len;
}

/* Once over a lane, in the order of the scores. */
static bool walk(struct dropping *dropping, const char *lane)
{
    struct bytes ids[IDS_A_PAGE];
    char lane_key[KEY_SIZE];
    char from[24], to[24];
    int64_t at = 0;
    size_t looked = 1;

    dropping->held = 0;
    while (looked > 0 && !dropping->stopped && dropping->done < dropping->limit) {
        struct reply *page;
        (void)snprintf(from, sizeof(from), "%" PRId64, at);
        (void)snprintf(to, sizeof(to), "%" PRId64, at + IDS_A_PAGE - 1);
        const struct bytes args[] = {
            BYTES("ZRANGE"), bytes_of(keys_lane(&dropping->cli->session.keys, lane, lane_key)),
            bytes_of(from), bytes_of(to)};
        if (!session_ask(&dropping->cli->session, args, 4, &page))
            return false;
        int64_t before = dropping->done;
        looked = reply_len(page);
        size_t len = choose(dropping, page, ids);
        bool ok = drop_ids(dropping, lane, ids, len);
        reply_free(page);
        if (!ok)
            return false;
        at += (int64_t)looked - (dropping->only_count ? 0 : dropping->done - before);
        dropping->stopped |= interrupted(&dropping->interrupt);
    }
    return true;
}

/* While workers take of the lane, others move up past a walk: it is done when a walk drops none. */
static bool drop_lane(struct dropping *dropping, const char *lane)
{
    int64_t before;

    do {
        before = dropping->done;
        if (!walk(dropping, lane))
            return false;
    } while (!dropping->only_count && !dropping->stopped && dropping->done > before &&
             dropping->done < dropping->limit);
    return true;
}

/* --- all of them --- */

static bool each_lane(struct dropping *dropping, const struct lanes_found *found, int64_t *ret_held)
{
    *ret_held = 0;
    for (size_t i = 0; i < found->len && !dropping->stopped; i++) {
        struct lane_look look;
        if (dropping->done >= dropping->limit)
            break;
        if (!lanes_look(&dropping->cli->session, &found->list[i], 1, 0, &look))
            return false;
        dropping->url = look.url;
        bool ok = drop_lane(dropping, found->list[i].name);
        lanes_look_release(&look, 1);
        *ret_held += dropping->held;
        if (!ok)
            return false;
    }
    return true;
}

/* Says what it will be, and asks where it can. */
static bool agree(struct dropping *dropping, const struct lanes_found *found, bool ask)
{
    char first[32], last[32];

    if (dropping->done == 0)
        return true;
    (void)fprintf(stderr, "%" PRId64 " deliver%s in %zu lane%s, sent from %s to %s\n",
                  dropping->done, dropping->done == 1 ? "y" : "ies", found->len,
                  found->len == 1 ? "" : "s",
                  format_iso8601(dropping->first_ms, first, sizeof(first)),
                  format_iso8601(dropping->last_ms, last, sizeof(last)));
    return !ask || !confirm_is_possible() ||
           confirm(&dropping->interrupt, "Make dead letters of them?");
}

static int print_result(const struct dropping *dropping, int64_t held, bool dry_run)
{
    struct buffer line;

    if (!dropping->cli->json) {
        (void)printf("%" PRId64 " %sdropped\n", dropping->done, dry_run ? "would be " : "");
        if (held > 0)
            (void)printf("%" PRId64 " left to the workers that hold them\n", held);
        return CLI_DONE;
    }
    buffer_init(&line, 256);
    object_begin(&line);
    object_put_int(&line, dry_run ? "would_drop" : "dropped", dropping->done);
    if (!dry_run)
        object_put_int(&line, "held", held);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int drop(struct dropping *dropping, const struct lanes_found *found)
{
    bool dry_run = flags_has(&dropping->cli->flags, "dry-run");
    bool ask = !dry_run && !flags_has(&dropping->cli->flags, "yes");
    int64_t held;

    dropping->only_count = true;
    bool ok = each_lane(dropping, found, &held);
    if (ok && !dropping->stopped && !agree(dropping, found, ask))
        return cli_failed("nothing was dropped");
    if (ok && !dropping->stopped && !dry_run) {
        dropping->only_count = false;
        dropping->done = 0;
        ok = each_lane(dropping, found, &held);
    }
    if (!ok || dropping->stopped)
        return cli_failed("%s: %" PRId64 " dropped; run it again to continue",
                          ok ? "interrupted" : "stopped",
                          dropping->only_count ? INT64_C(0) : dropping->done);
    return print_result(dropping, held, dry_run);
}

/* --- the command --- */

static int read_time(const struct cli *cli, const char *flag, int64_t now_ms, int64_t *ret_ms)
{
    const char *given = flags_value(&cli->flags, flag);

    if (given && dead_time_parse(bytes_of(given), now_ms, ret_ms) < 0)
        return cli_usage(cli,
                         "--%s is an age up to 3650d, like 2h, or a UTC time like "
                         "2022-11-04T08:28:57Z",
                         flag);
    return CLI_DONE;
}

static int read_flags(struct cli *cli, struct dropping *dropping,
                      struct lane_selection *ret_selection)
{
    const char *limit = flags_value(&cli->flags, "limit");
    bool all = flags_has(&cli->flags, "all");

    if (lane_selection_read(cli, ret_selection) != CLI_DONE)
        return CLI_USAGE;
    if (all && cli->flags.operands_len > 0)
        return cli_usage(cli, "give a LANE, or --all");
    if (!all && ret_selection->exact[0] == '\0')
        return cli_usage(cli, "give a LANE, --room and --hook, or --all");
    dropping->limit = INT64_MAX;
    if (limit && parse_int64(bytes_of(limit), 1, INT64_MAX, &dropping->limit) < 0)
        return cli_usage(cli, "--limit is a number from 1");
    return CLI_DONE;
}

static int run_drop(struct cli *cli)
{
    struct dropping dropping = {.cli = cli};
    struct lane_selection selection;
    struct lanes_found found;

    int result = read_flags(cli, &dropping, &selection);
    if (result != CLI_DONE)
        return result;
    if (!session_server_time(&cli->session, &dropping.before_ms))
        return CLI_FAILED;
    int64_t now_ms = dropping.before_ms++;
    if (read_time(cli, "since", now_ms, &dropping.since_ms) != CLI_DONE ||
        read_time(cli, "before", now_ms, &dropping.before_ms) != CLI_DONE)
        return CLI_USAGE;
    if (!lanes_find(&cli->session, &selection, LANE_LIMIT_MAX, &found))
        return CLI_FAILED;
    if (interrupt_open(&dropping.interrupt) < 0) {
        free(found.list);
        return cli_failed("cannot watch for signals");
    }
    progress_begin(&dropping.progress, "dropped", cli->json);
    result = drop(&dropping, &found);
    progress_end(&dropping.progress);
    interrupt_close(&dropping.interrupt);
    free(found.list);
    return result;
}

const struct command command_lane_drop = {
    .name = "lane drop",
    .operands = "[LANE]",
    .summary = "Makes dead letters of waiting deliveries, with reason dropped.",
    .details =
        "Of one lane (LANE, or --room and --hook), or of --all that match. It prints how many\n"
        "there are, and asks for confirmation if standard input and error are a terminal;\n"
        "elsewhere, as in cron, it does not ask. Deliveries that a worker holds, or that are\n"
        "added meanwhile, are not dropped. roomhook dead replay brings them back.\n",
    .flags = drop_specs,
    .run = run_drop,
};
