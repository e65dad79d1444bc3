/* log: what became of a message, and what a hook's receiver answered. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/human_text.h"
#include "admin/log/json.h"
#include "cli/cli.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/parse.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 100000
#define FOLLOW_MS 500
#define FIND_EVERY 10         /* looks for logs that are new, in rounds of following */
#define OBJECT_MAX (40 << 10) /* five texts, of which each byte takes six at most */

static const struct flag_spec log_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"hook", "ID", "only of this hook; for an inline hook \":\" and 16 hex digits", false},
    {"event", "ID", "the last attempt of this event for each hook", false},
    {"failed", NULL, "only attempts that failed", false},
    {"limit", "N", "how many, the newest; default 20", false},
    {"follow", NULL, "print new attempts until Ctrl-C", false},
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "WHEN"},
    {.title = "HOOK", .least = 8},
    {.title = "EVENT", .least = 12},
    {.title = "OUTCOME"},
    {.title = "ATTEMPT"},
    {.title = "STATUS"},
    {.title = "TOOK"},
    {.title = "ERROR", .least = 12},
};

struct asked {
    struct room_id room;
    const char *hook;
    struct log_filter filter;
    int64_t limit;
    bool follows;
};

struct listing {
    struct cli *cli;
    int64_t now_ms; /* of Redis */
    struct buffer line;
};

/* --- an entry --- */

static enum tone tone_of(const struct log_entry *entry)
{
    if (bytes_equal_text(entry->outcome, "delivered"))
        return TONE_OK;
    if (bytes_equal_text(entry->outcome, "dead"))
        return TONE_ERROR;
    return bytes_equal_text(entry->outcome, "retry") ? TONE_WARNING : TONE_PLAIN;
}

static void add_number(struct table *table, int64_t number)
{
    if (number > 0)
        table_add_number(table, number);
    else
        table_add(table, BYTES(""));
}

static void add_took(struct table *table, const struct log_entry *entry)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRId64 "ms", entry->took_ms);
    table_add(table, entry->attempt > 0 ? bytes_of(text) : BYTES(""));
}

static void add_why(struct table *table, const struct log_entry *entry)
{
    char reason[64];
    char error[256];
    char why[sizeof(reason) + sizeof(error) + 2];

    (void)snprintf(why, sizeof(why), "%s%s%s",
                   bytes_printable(entry->reason, reason, sizeof(reason)),
                   entry->reason.len > 0 && entry->error.len > 0 ? ": " : "",
                   bytes_printable(entry->error, error, sizeof(error)));
    table_add(table, bytes_of(why));
}

static void add_row(struct table *table, const struct log_entry *entry, int64_t now_ms)
{
    char when[HUMAN_TEXT_SIZE];

    table_add(table, bytes_of(human_when(entry->at_ms, now_ms, when)));
    table_add(table, bytes_of(log_entry_hook(entry)));
    table_add(table, entry->event_id);
    table_add_toned(table, entry->outcome, tone_of(entry));
    add_number(table, entry->attempt);
    add_number(table, entry->status);
    add_took(table, entry);
    add_why(table, entry);
}

static int print_object(struct listing *listing, const struct asked *asked,
                        const struct log_entry *entry)
{
    struct buffer *line = &listing->line;

    object_begin(line);
    log_entry_put_json(line, &asked->room, entry);
    return object_print(line);
}

/* --- many --- */

/* Is a later entry of the same lane there? Of an event only the last attempt counts. */
static bool is_outdated(const struct log_entries *entries, size_t i)
{
    for (size_t later = i + 1; later < entries->len; later++) {
        if (strcmp(entries->list[later].lane, entries->list[i].lane) == 0)
            return true;
    }
    return false;
}

static int print_entries(struct listing *listing, const struct asked *asked,
                         const struct log_entries *entries)
{
    struct table table;
    int result = 0;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < entries->len && result == 0; i++) {
        if (asked->filter.event_id && !asked->follows && is_outdated(entries, i))
            continue;
        if (listing->cli->json)
            result = print_object(listing, asked, &entries->list[i]);
        else
            add_row(&table, &entries->list[i], listing->now_ms);
    }
    if (result == 0 && !listing->cli->json && entries->len > 0)
        result = table_print(&table);
    table_release(&table);
    (void)fflush(stdout);
    return result == 0 ? CLI_DONE : cli_failed("out of memory");
}

/* Nothing to show may mean that it is too old, or that no log is kept. */
static int nothing(const struct listing *listing, const struct asked *asked,
                   const struct log_lanes *lanes)
{
    char when[HUMAN_TEXT_SIZE];
    int64_t oldest_ms = 0;

    for (size_t i = 0; i < lanes->len; i++) {
        int64_t of_lane = lanes->list[i].oldest_ms;
        if (of_lane > 0 && (oldest_ms == 0 || of_lane < oldest_ms))
            oldest_ms = of_lane;
    }
    if (oldest_ms == 0)
        return cli_failed("no attempt is logged for room %s; it may wait (roomhook lane list), or "
                          "workers keep no log (attempt-log)",
                          asked->room.text);
    if (asked->filter.event_id)
        return cli_failed("no attempt of event %s is logged for room %s; the oldest entry is of %s",
                          asked->filter.event_id, asked->room.text,
                          human_when(oldest_ms, listing->now_ms, when));
    return CLI_DONE; /* none that failed */
}

static int follow(struct listing *listing, const struct asked *asked, struct log_lanes *lanes,
                  struct log_entries *entries)
{
    struct interrupt interrupt;
    int result = CLI_DONE;

    if (interrupt_open(&interrupt) != 0)
        return cli_failed("no descriptor for signals");
    for (int round = 1; result == CLI_DONE && !interrupt_wait(&interrupt, FOLLOW_MS); round++) {
        log_entries_clear(entries); /* they borrow from lanes */
        if (round % FIND_EVERY == 0 &&
            !log_lanes_find(&listing->cli->session, &asked->room, asked->hook, lanes))
            result = CLI_FAILED;
        else if (!session_server_time(&listing->cli->session, &listing->now_ms) ||
                 !log_read(&listing->cli->session, lanes, &asked->filter, LIMIT_MAX, entries))
            result = CLI_FAILED;
        else if (entries->len > 0)
            result = print_entries(listing, asked, entries);
    }
    interrupt_close(&interrupt);
    return result;
}

/* Workers replace such a key when they write to it. */
static void warn_of_foreign(const struct log_lanes *lanes)
{
    for (size_t i = 0; i < lanes->len; i++) {
        if (lanes->list[i].is_foreign)
            cli_warn("the log of lane %s is not a stream, it was not read", lanes->list[i].name);
    }
}

static int show(struct listing *listing, const struct asked *asked)
{
    struct log_lanes lanes = {.list = NULL};
    struct log_entries entries = {.list = NULL};
    int result = CLI_FAILED;

    if (session_server_time(&listing->cli->session, &listing->now_ms) &&
        log_lanes_find(&listing->cli->session, &asked->room, asked->hook, &lanes) &&
        log_read(&listing->cli->session, &lanes, &asked->filter, (size_t)asked->limit, &entries)) {
        warn_of_foreign(&lanes);
        result = print_entries(listing, asked, &entries);
        if (result == CLI_DONE && asked->follows)
            result = follow(listing, asked, &lanes, &entries);
        else if (result == CLI_DONE && entries.len == 0)
            result = nothing(listing, asked, &lanes);
    }
    log_entries_release(&entries);
    log_lanes_release(&lanes);
    return result;
}

static int run_log(struct cli *cli)
{
    struct listing listing = {.cli = cli};
    const char *limit = flags_value(&cli->flags, "limit");
    struct asked asked = {
        .hook = flags_value(&cli->flags, "hook"),
        .filter = {.event_id = flags_value(&cli->flags, "event"),
                   .failed_only = flags_has(&cli->flags, "failed")},
        .limit = LIMIT_DEFAULT,
        .follows = flags_has(&cli->flags, "follow"),
    };
    char lane[LANE_SIZE];
    struct lane_parts parts;

    if (cli_room(cli, &asked.room) != CLI_DONE)
        return CLI_USAGE;
    if (limit && parse_int64(bytes_of(limit), 1, LIMIT_MAX, &asked.limit) < 0)
        return cli_usage(cli, "--limit is a number from 1 to %d", LIMIT_MAX);
    if (asked.filter.event_id)
        asked.limit = LIMIT_MAX;
    if (asked.hook &&
        (snprintf(lane, sizeof(lane), "%s/%s", asked.room.text, asked.hook) >= (int)sizeof(lane) ||
         lane_split(bytes_of(lane), &parts) != 0))
        return cli_usage(cli, "--hook is an id, or \":\" and 16 hex digits");
    buffer_init(&listing.line, OBJECT_MAX);
    int result = show(&listing, &asked);
    buffer_release(&listing.line);
    return result;
}

const struct command command_log = {
    .name = "log",
    .operands = "",
    .summary = "Shows recent attempts: whether a message was delivered, and the answers.",
    .details =
        "Workers keep the newest attempts of each hook (attempt-log) for 7 days. With --event\n"
        "the exit status is 1 if no attempt of it is known. OUTCOME is delivered, retry (it\n"
        "failed and is retried), dead (a dead letter) or skipped (nothing was sent); ERROR says\n"
        "why. --json adds the answers to failed attempts.\n",
    .flags = log_specs,
    .run = run_log,
};
