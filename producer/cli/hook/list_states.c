/* hook state: the hooks of all rooms that something was learnt about. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/hook/state.h"
#include "admin/human_text.h"
#include "admin/scan.h"
#include "cli/cli.h"
#include "cli/hook/tone.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/table.h"
#include "contract/hook.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define STATES_MAX 1000000 /* they are sorted, so all of them wait in memory */

static const struct flag_spec state_specs[] = {
    {"room", "ROOM", "only of this room", false},
    {"failing", NULL, "only those without a success since they failed, and disabled ones", false},
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "ROOM", .least = 12},
    {.title = "ID", .least = 8},
    {.title = "STATE"},
    {.title = "SINCE"},
    {.title = "NEXT"},
    {.title = "ORIGIN", .least = 16, .is_optional = true},
    {.title = "FAILURES", .is_optional = true},
    {.title = "WHY", .least = 16},
};

/* One field of hooks-state. */
struct learnt {
    char lane[LANE_SIZE];
    struct lane_parts parts;
    char *json;
};

struct states {
    struct cli *cli;
    int64_t now_ms; /* of Redis */
    bool failing_only;
    struct learnt *rows;
    size_t rows_len;
    size_t rows_cap;
    struct table table;
    struct buffer line;
};

/* --- collecting --- */

static bool is_wanted(const struct states *states, struct bytes json)
{
    struct stored_state state;

    hook_state_parse(json, &state);
    enum hook_condition condition = hook_state_condition(&state, states->now_ms);

    if (!states->failing_only)
        return condition != HOOK_FINE;
    return state.failing_since_ms > 0 || condition == HOOK_OPEN || condition == HOOK_DISABLED;
}

/* 0, or -1 with the failure reported. */
static int keep(struct states *states, struct learnt row, struct bytes json)
{
    if (states->rows_len == STATES_MAX) {
        cli_failed("more than %d hooks have a state: take --room", STATES_MAX);
        return -1;
    }
    if (states->rows_len == states->rows_cap) {
        size_t cap = states->rows_cap > 0 ? states->rows_cap * 2 : 64;
        struct learnt *rows = reallocarray(states->rows, cap, sizeof(*rows));
        if (!rows) {
            cli_failed("out of memory");
            return -1;
        }
        states->rows = rows;
        states->rows_cap = cap;
    }
    row.json = strndup(json.data, json.len);
    if (!row.json) {
        cli_failed("out of memory");
        return -1;
    }
    states->rows[states->rows_len++] = row;
    return 0;
}

static int keep_page(struct states *states, const struct reply *pairs)
{
    for (size_t i = 0; i + 1 < reply_len(pairs); i += 2) {
        struct bytes json = reply_text(reply_at(pairs, i + 1));
        struct learnt row = {.json = NULL};

        struct bytes lane = reply_text(reply_at(pairs, i));
        if (lane_split(lane, &row.parts) == 0 && bytes_copy_text(lane, row.lane, LANE_SIZE) &&
            is_wanted(states, json) && keep(states, row, json) < 0)
            return -1;
    }
    return 0;
}

/* By room, those without one first, then by hook. */
static int compare(const void *a, const void *b)
{
    const struct learnt *one = a;
    const struct learnt *other = b;

    bool has_room[2] = {one->parts.room.len > 0, other->parts.room.len > 0};
    int order = 0;

    if (has_room[0] && has_room[1])
        order = room_id_compare(&one->parts.room, &other->parts.room);
    else if (has_room[0] != has_room[1])
        order = has_room[0] ? 1 : -1;
    return order != 0 ? order : strcmp(one->lane, other->lane);
}

/* A scan may bring a field twice. */
static void sort(struct states *states)
{
    size_t len = 0;

    if (states->rows_len > 0)
        qsort(states->rows, states->rows_len, sizeof(*states->rows), compare);
    for (size_t i = 0; i < states->rows_len; i++) {
        if (len > 0 && compare(&states->rows[len - 1], &states->rows[i]) == 0)
            free(states->rows[i].json);
        else
            states->rows[len++] = states->rows[i];
    }
    states->rows_len = len;
}

/* Reads all that are wanted, sorted. 0, or -1 with the failure reported. */
static int collect(struct states *states, const char *pattern)
{
    const struct reply *pairs;
    struct progress progress;
    struct scan scan;
    int more;

    scan_begin(&scan, &states->cli->session, BYTES("HSCAN"), states->cli->session.keys.hooks_state,
               pattern);
    progress_begin(&progress, "found", false);
    while ((more = scan_next(&scan, &pairs)) > 0) {
        if (keep_page(states, pairs) < 0) {
            more = -1;
            break;
        }
        progress_show(&progress, states->rows_len);
    }
    progress_end(&progress);
    scan_end(&scan);
    sort(states);
    return more;
}

/* --- printing --- */

/* What the state's hook is by now. */
enum registered {
    REGISTERED_YES,
    REGISTERED_CHANGED, /* with another URL or other credentials, or not valid */
    REGISTERED_REMOVED,
    REGISTERED_INLINE /* it came with its events */
};

static enum registered look_at_hook(const struct learnt *row, const struct stored_state *state,
                                    const struct reply *stored, char ret_origin[URL_ORIGIN_SIZE])
{
    struct hook *hook = NULL;
    struct error_text why;
    char fingerprint[HOOK_STATE_FINGERPRINT_SIZE];
    enum registered registered = REGISTERED_CHANGED;

    if (row->parts.is_inline)
        return REGISTERED_INLINE;
    if (reply_is_nil(stored))
        return REGISTERED_REMOVED;
    if (hook_parse(bytes_of(row->parts.hook_id), reply_text(stored), &hook, &why) == HOOK_OK &&
        strcmp(lane_fingerprint(hook, fingerprint), state->fingerprint) == 0) {
        url_origin(&hook->url, ret_origin);
        registered = REGISTERED_YES;
    }
    hook_free(hook);
    return registered;
}

static void add_time(struct states *states, int64_t when_ms)
{
    char when[HUMAN_TEXT_SIZE];

    table_add(&states->table, bytes_of(human_when(when_ms, states->now_ms, when)));
}

/* The hook's id, of an inline one ":" and its fingerprint. */
static const char *hook_of(const struct learnt *row)
{
    return strchr(row->lane, '/') + 1;
}

/* What is known of a hook that is another one by now is over: what forgets it. */
static void put_why(struct states *states, const struct stored_state *state,
                    enum hook_condition condition, enum registered registered)
{
    if (registered == REGISTERED_CHANGED)
        buffer_append_text(&states->line, "changed: hook resume forgets this");
    else if (registered == REGISTERED_REMOVED)
        buffer_append_text(&states->line, "removed: hook remove forgets this");
    else
        hook_state_put_why(&states->line, state, condition);
}

static void add_row(struct states *states, const struct learnt *row,
                    const struct stored_state *state, enum registered registered,
                    const char *origin)
{
    enum hook_condition condition = hook_state_condition(state, states->now_ms);
    struct table *table = &states->table;

    table_add(table, room_id_bytes(&row->parts.room));
    table_add(table, bytes_of(hook_of(row)));
    table_add_toned(table, bytes_of(hook_condition_name(condition)),
                    hook_condition_tone(condition));
    add_time(states, hook_state_since_ms(state, condition));
    add_time(states, hook_state_next_ms(state, condition));
    table_add(table, registered == REGISTERED_INLINE ? BYTES("inline") : bytes_of(origin));
    table_add_number(table, state->failures);
    put_why(states, state, condition, registered);
    table_add(table, buffer_bytes(&states->line));
    buffer_clear(&states->line);
}

static int print_object(struct states *states, const struct learnt *row,
                        const struct stored_state *state, enum registered registered,
                        const char *origin)
{
    static const char *const words[] = {[REGISTERED_YES] = "yes",
                                        [REGISTERED_CHANGED] = "changed",
                                        [REGISTERED_REMOVED] = "removed",
                                        [REGISTERED_INLINE] = "inline"};
    struct buffer *line = &states->line;

    object_begin(line);
    if (row->parts.room.len > 0)
        object_put_room(line, "room", &row->parts.room);
    object_put_text(line, "id", bytes_of(hook_of(row)));
    hook_state_put_json(line, state, hook_state_condition(state, states->now_ms));
    object_put_text(line, "registered", bytes_of(words[registered]));
    if (registered == REGISTERED_YES)
        object_put_text(line, "origin", bytes_of(origin));
    return object_print(line);
}

/* stored is the hook of that id, as it is now. 0, or -1: no memory. */
static int show(struct states *states, const struct learnt *row, const struct reply *stored)
{
    char origin[URL_ORIGIN_SIZE] = "";
    struct stored_state state;

    hook_state_parse(bytes_of(row->json), &state);
    enum registered registered = look_at_hook(row, &state, stored, origin);
    if (states->cli->json)
        return print_object(states, row, &state, registered, origin);
    add_row(states, row, &state, registered, origin);
    return 0;
}

/* Asks for the hooks of some rows in one go and shows them. 0, or -1 with the failure reported. */
static int show_some(struct states *states, const struct learnt *rows, size_t len)
{
    struct cli *cli = states->cli;
    char room_key[KEY_SIZE];
    struct reply *stored;

    for (size_t i = 0; i < len; i++) {
        const struct bytes args[] = {
            BYTES("HGET"), bytes_of(keys_room(&cli->session.keys, &rows[i].parts.room, room_key)),
            bytes_of(rows[i].parts.hook_id)};
        if (redis_append(cli->session.redis, args, 3) != RH_OK) {
            session_redis_failed(&cli->session);
            return -1;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (redis_get(cli->session.redis, &stored) != RH_OK) {
            session_redis_failed(&cli->session);
            return -1;
        }
        int shown = show(states, &rows[i], stored);
        reply_free(stored);
        if (shown < 0) {
            cli_failed("out of memory");
            return -1;
        }
    }
    return 0;
}

static int show_all(struct states *states)
{
    size_t n;

    table_init(&states->table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t at = 0; at < states->rows_len; at += n) {
        n = states->rows_len - at < SESSION_BATCH ? states->rows_len - at : SESSION_BATCH;
        if (show_some(states, &states->rows[at], n) < 0)
            return CLI_FAILED;
    }
    if (!states->cli->json && table_print(&states->table) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static void states_release(struct states *states)
{
    for (size_t i = 0; i < states->rows_len; i++)
        free(states->rows[i].json);
    free(states->rows);
    table_release(&states->table);
    buffer_release(&states->line);
}

static int run_state(struct cli *cli)
{
    struct states states = {.cli = cli, .failing_only = flags_has(&cli->flags, "failing")};
    char pattern[ROOM_ID_MAX + 3] = "*";
    struct room_id room;

    if (flags_has(&cli->flags, "room")) {
        if (cli_room(cli, &room) != CLI_DONE)
            return CLI_USAGE;
        (void)snprintf(pattern, sizeof(pattern), "%s/*", room.text);
    }
    if (!session_server_time(&cli->session, &states.now_ms))
        return CLI_FAILED;
    buffer_init(&states.line, HOOK_JSON_MAX);
    int result = collect(&states, pattern) == 0 ? show_all(&states) : CLI_FAILED;
    states_release(&states);
    return result;
}

const struct command command_hook_state = {
    .name = "hook state",
    .operands = "",
    .summary = "Shows the failing hooks of all rooms: since when, why, and the next attempt.",
    .details =
        "A hook is failing (no success since a failure), open (it failed so often that only\n"
        "probes are sent, the next at NEXT), paused by its receiver until NEXT, or disabled by\n"
        "workers: it answered 410 (gone), or failed for too long. hook resume resets that.\n"
        "Healthy hooks are not shown.\n",
    .flags = state_specs,
    .run = run_state,
};
