/* hook list: a room's hooks, their credentials' presence, and what workers learnt about them. */
#include <inttypes.h>
#include <stdio.h>

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

static const char *const titles[] = {"ID",      "FORMAT", "ENABLED", "SIGNATURE",
                                     "SECRETS", "URL",    "STATE"};

struct listing {
    struct cli *cli;
    int64_t room_id;
    int64_t now_ms; /* of Redis */
    struct table table;
    struct buffer line;
};

static void add_row(struct listing *listing, const struct hook *hook,
                    const struct hook_state *state)
{
    char secrets[24];
    struct table *table = &listing->table;

    (void)snprintf(secrets, sizeof(secrets), "%zu", hook->secrets_len);
    table_add(table, bytes_of(hook->id));
    table_add(table, bytes_of(hook_format_name(hook->format)));
    table_add(table, hook->enabled ? BYTES("yes") : BYTES("no"));
    table_add(table, bytes_of(hook->verification_signature));
    table_add(table, bytes_of(secrets));
    table_add(table, bytes_of(hook->url_text));
    hook_state_put_text(&listing->line, state, hook_state_condition(state, listing->now_ms));
    table_add(table, buffer_bytes(&listing->line));
    buffer_clear(&listing->line);
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
    char state[320];

    (void)snprintf(state, sizeof(state), "not valid: %s", why);
    if (listing->cli->json) {
        object_begin(&listing->line);
        object_put_int(&listing->line, "room", listing->room_id);
        object_put_text(&listing->line, "id", id);
        object_put_text(&listing->line, "state", bytes_of(state));
        return object_print(&listing->line);
    }
    table_add(table, id);
    for (size_t i = 0; i < 5; i++)
        table_add(table, BYTES(""));
    table_add(table, bytes_of(state));
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
    table_init(&listing->table, titles, sizeof(titles) / sizeof(titles[0]));
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
    .details = "",
    .flags = list_specs,
    .run = run_list,
};
