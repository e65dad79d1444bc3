/* hook state: the hooks of all rooms that something was learnt about. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/hook/known.h"
#include "admin/hook/state.h"
#include "admin/human_text.h"
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
    {"failing", NULL, "only those that are failing, open or disabled", false},
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

struct found {
    char lane[LANE_SIZE];
    struct lane_parts parts;
    struct stored_state state;
};

struct states {
    struct cli *cli;
    int64_t now_ms; /* of Redis */
    bool failing_only;
    struct found *rows;
    size_t rows_len;
    size_t rows_cap;
    struct progress progress;
    struct table table;
    struct buffer line;
};

/* --- collecting --- */

static bool is_wanted(const struct states *states, const struct stored_state *state)
{
    enum hook_condition condition = hook_state_condition(state, states->now_ms);

    if (!states->failing_only)
        return condition != HOOK_FINE;
    return condition == HOOK_FAILING || condition == HOOK_OPEN || condition == HOOK_DISABLED ||
           (condition == HOOK_PAUSED && state->failing_since_ms > 0);
}

/* False with the failure reported. */
static bool keep(struct states *states, const struct found *row)
{
    if (states->rows_len == STATES_MAX) {
        cli_failed("more than %d hooks have a state: take --room", STATES_MAX);
        return false;
    }
    if (states->rows_len == states->rows_cap) {
        size_t cap = states->rows_cap > 0 ? states->rows_cap * 2 : 64;
        struct found *rows = reallocarray(states->rows, cap, sizeof(*rows));
        if (!rows) {
            cli_failed("out of memory");
            return false;
        }
        states->rows = rows;
        states->rows_cap = cap;
    }
    states->rows[states->rows_len++] = *row;
    return true;
}

static bool look_at(void *context, struct bytes lane, struct bytes learnt, struct bytes recent)
{
    struct states *states = context;
    struct found row;

    hook_state_read(learnt, recent, NULL, &row.state);
    if (lane_split(lane, &row.parts) != 0 || !bytes_copy_text(lane, row.lane, LANE_SIZE) ||
        !is_wanted(states, &row.state))
        return true;
    progress_show(&states->progress, states->rows_len + 1);
    return keep(states, &row);
}

/* By room, those without one first, then by hook. */
static int compare(const void *a, const void *b)
{
    const struct found *one = a;
    const struct found *other = b;

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
            continue;
        states->rows[len++] = states->rows[i];
    }
    states->rows_len = len;
}

/* Finds all that are wanted, sorted. False with the failure reported. */
static bool collect(struct states *states, const char *pattern)
{
    bool is_cut;

    progress_begin(&states->progress, "found", false);
    bool found =
        hooks_known_each(&states->cli->session, pattern, INT64_MAX, look_at, states, &is_cut);
    progress_end(&states->progress);
    sort(states);
    return found;
}

/* --- printing --- */

/* What the state's hook is by now. */
enum registered {
    REGISTERED_YES,
    REGISTERED_CHANGED, /* with another URL or other credentials, or not valid */
    REGISTERED_REMOVED,
    REGISTERED_INLINE /* it came with its events */
};

static enum registered look_at_hook(const struct found *row, const struct reply *stored,
                                    char ret_origin[URL_ORIGIN_SIZE])
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
        strcmp(lane_fingerprint(hook, fingerprint), row->state.fingerprint) == 0) {
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
static const char *hook_of(const struct found *row)
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

static void add_row(struct states *states, const struct found *row, enum registered registered,
                    const char *origin)
{
    const struct stored_state *state = &row->state;
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

static int print_object(struct states *states, const struct found *row, enum registered registered,
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
    hook_state_put_json(line, &row->state, hook_state_condition(&row->state, states->now_ms));
    object_put_text(line, "registered", bytes_of(words[registered]));
    if (registered == REGISTERED_YES)
        object_put_text(line, "origin", bytes_of(origin));
    return object_print(line);
}

/* stored is the hook of that id, as it is now. 0, or -1: no memory. */
static int show(struct states *states, const struct found *row, const struct reply *stored)
{
    char origin[URL_ORIGIN_SIZE] = "";

    enum registered registered = look_at_hook(row, stored, origin);
    if (states->cli->json)
        return print_object(states, row, registered, origin);
    add_row(states, row, registered, origin);
    return 0;
}

/* Asks for the hooks of some rows in one go and shows them. 0, or -1 with the failure reported. */
static int show_some(struct states *states, const struct found *rows, size_t len)
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
    int result = collect(&states, pattern) ? show_all(&states) : CLI_FAILED;
    states_release(&states);
    return result;
}

const struct command command_hook_state = {
    .name = "hook state",
    .operands = "",
    .summary = "Shows the failing hooks of all rooms: since when, why, and the next attempt.",
    .details =
        "A hook is disabled by workers (it answered 410 (gone), or failed for too long), open\n"
        "(it failed so often that only probes are sent, the next at NEXT), paused by its\n"
        "receiver until NEXT, failing (3 of its last 10 attempts failed, or all), or slow (half\n"
        "of its last deliveries took more than a second). hook resume resets that. Healthy hooks\n"
        "are not shown.\n",
    .flags = state_specs,
    .run = run_state,
};
