/* hook list: a room's hooks, their credentials' presence, and what workers learnt about them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/hook/store.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/table.h"
#include "contract/hook.h"
#include "contract/parse.h"

static const struct flag_spec list_specs[] = {
    {"room", "N", "the room; needed", false},
    {NULL, NULL, NULL, false},
};

static const struct table_column columns[] = {
    {.title = "ID", .least = 8},
    {.title = "STATE"},
    {.title = "FORMAT", .is_optional = true},
    {.title = "SECRETS", .is_optional = true},
    {.title = "LIMITS", .least = 8, .is_optional = true},
    {.title = "HEADERS", .least = 8, .is_optional = true},
    {.title = "SIGNATURE", .is_optional = true},
    {.title = "URL", .least = 20},
    {.title = "WHY", .least = 16},
};

struct listing {
    struct cli *cli;
    int64_t room_id;
    int64_t now_ms; /* of Redis */
    struct table table;
    struct buffer line;
};

/* Adds what is in the line as the next cell. */
static void add_line(struct listing *listing)
{
    table_add(&listing->table, buffer_bytes(&listing->line));
    buffer_clear(&listing->line);
}

static void put_limit(struct buffer *line, const char *name, int64_t ms)
{
    char text[32];

    if (ms > 0)
        buffer_append_format(line, "%s%s %s", line->len > 0 ? ", " : "", name,
                             format_duration(ms, text, sizeof(text)));
}

/* "10/s, timeout 5s, max-age 1h" */
static void put_limits(struct buffer *line, const struct hook *hook)
{
    buffer_append_text(line, hook->rate_limit);
    put_limit(line, "timeout", hook->timeout_ms);
    put_limit(line, "max-age", hook->max_age_ms);
}

/* Their values may be passwords. */
static void put_header_names(struct buffer *line, const struct hook *hook)
{
    for (size_t i = 0; i < hook->headers_len; i++) {
        const char *header = hook->headers[i];
        buffer_append_text(line, i > 0 ? ", " : "");
        buffer_append(line, header, strcspn(header, ":"));
    }
}

static void add_row(struct listing *listing, const struct hook *hook,
                    const struct hook_state *state)
{
    enum hook_condition condition =
        hook->enabled ? hook_state_condition(state, listing->now_ms) : HOOK_DISABLED;
    struct table *table = &listing->table;

    table_add(table, bytes_of(hook->id));
    table_add_toned(table, bytes_of(condition == HOOK_FINE ? "ok" : hook_condition_name(condition)),
                    hook_condition_tone(condition));
    table_add(table, bytes_of(hook_format_name(hook->format)));
    table_add_number(table, (int64_t)hook->secrets_len);
    put_limits(&listing->line, hook);
    add_line(listing);
    put_header_names(&listing->line, hook);
    add_line(listing);
    table_add(table, bytes_of(hook->verification_signature));
    table_add(table, bytes_of(hook->url_text));
    if (hook->enabled)
        hook_state_put_why(&listing->line, state, condition);
    add_line(listing);
}

static void put_duration(struct buffer *line, const char *name, int64_t ms)
{
    char text[32];

    if (ms > 0)
        object_put_text(line, name, bytes_of(format_duration(ms, text, sizeof(text))));
}

static int print_object(struct listing *listing, const struct hook *hook,
                        const struct hook_state *state)
{
    struct buffer *line = &listing->line;

    object_begin(line);
    object_put_int(line, "room", listing->room_id);
    object_put_text(line, "id", bytes_of(hook->id));
    object_put_text(line, "url", bytes_of(hook->url_text));
    object_put_text(line, "format", bytes_of(hook_format_name(hook->format)));
    object_put_bool(line, "enabled", hook->enabled);
    if (hook->verification_signature)
        object_put_text(line, "verificationSignature", bytes_of(hook->verification_signature));
    object_put_int(line, "secrets", (int64_t)hook->secrets_len);
    object_put_int(line, "headers", (int64_t)hook->headers_len);
    put_duration(line, "maxAge", hook->max_age_ms);
    put_duration(line, "timeout", hook->timeout_ms);
    if (hook->rate_limit[0] != '\0')
        object_put_text(line, "rateLimit", bytes_of(hook->rate_limit));
    hook_state_put_json(line, state, hook_state_condition(state, listing->now_ms));
    return object_print(line);
}

/* A hook nobody can use, for instance one set by hand. */
static int add_invalid(struct listing *listing, struct bytes id, const char *why)
{
    struct table *table = &listing->table;
    if (listing->cli->json) {
        char state[320];

        (void)snprintf(state, sizeof(state), "not valid: %s", why);
        object_begin(&listing->line);
        object_put_int(&listing->line, "room", listing->room_id);
        object_put_text(&listing->line, "id", id);
        object_put_text(&listing->line, "state", bytes_of(state));
        return object_print(&listing->line);
    }
    table_add(table, id);
    table_add_toned(table, BYTES("not valid"), TONE_ERROR);
    for (size_t i = 0; i < 6; i++)
        table_add(table, BYTES(""));
    table_add(table, bytes_of(why));
    return 0;
}

/* 0, or -1 with the failure told. */
static int add_hook(struct listing *listing, struct bytes id, struct bytes json)
{
    struct hook *hook;
    struct hook_state state;
    struct error_text why;
    int result = 0;

    int problem = hook_parse(id, json, &hook, &why);
    if (problem != HOOK_OK)
        return add_invalid(listing, id, why.text);
    if (!hook_store_read(listing->cli, hook, listing->room_id, &state)) {
        hook_free(hook);
        return -1;
    }
    if (listing->cli->json)
        result = print_object(listing, hook, &state);
    else
        add_row(listing, hook, &state);
    hook_free(hook);
    return result;
}

static int list(struct listing *listing, const struct reply *pairs)
{
    table_init(&listing->table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i + 1 < reply_len(pairs); i += 2) {
        if (add_hook(listing, reply_text(reply_at(pairs, i)), reply_text(reply_at(pairs, i + 1))) <
            0)
            return CLI_FAILED;
    }
    if (!listing->cli->json && table_print(&listing->table) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static int run_list(struct cli *cli)
{
    struct listing listing = {.cli = cli};
    char room_key[KEY_SIZE];
    struct reply *pairs;

    if (cli_room(cli, &listing.room_id) != CLI_DONE)
        return CLI_USAGE;
    const struct bytes args[] = {BYTES("HGETALL"),
                                 bytes_of(keys_room(&cli->keys, listing.room_id, room_key))};
    if (!cli_server_time(cli, &listing.now_ms) || !cli_ask(cli, args, 2, &pairs))
        return CLI_FAILED;
    buffer_init(&listing.line, HOOK_JSON_MAX);
    int result = list(&listing, pairs);
    table_release(&listing.table);
    buffer_release(&listing.line);
    reply_free(pairs);
    return result;
}

const struct command command_hook_list = {
    .name = "hook list",
    .operands = "",
    .summary = "Lists a room's hooks. Secrets are counted, never shown.",
    .details =
        "STATE is ok, failing (no success since a failure), open (it failed so often that only\n"
        "probes are sent), paused by its receiver, disabled, or not valid. LIMITS are its rate\n"
        "limit, timeout and max-age, HEADERS the names of its own headers. On a terminal what\n"
        "does not fit is left out or cut.\n",
    .flags = list_specs,
    .run = run_list,
};
