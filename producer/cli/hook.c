/* hook set, enable, disable, remove: changes of a room's hooks. */
#include "hook.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_lua.h"
#include "hook_edit.h"
#include "hook_resume.h"
#include "hook_store.h"
#include "json_output.h"
#include "json_text.h"

#define JSON_DEPTH 8  /* a hook has two levels */
#define SWAP_TRIES 20 /* somebody else changes the same hook at the same moment, again and again */

static const struct option_spec target_specs[] = {
    {"room", "N", "the room; needed", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {NULL, NULL, NULL, false},
};

/* The hook a command is about, and what has become of it. */
struct target {
    int64_t room_id;
    const char *id;
    char room[24]; /* room_id as text */
    char room_key[KEY_SIZE];
    char secret[HOOK_SECRET_TEXT_SIZE]; /* made by this command, else "" */
};

/* Changes a hook read from Redis, an empty object when there is none. CLI_DONE or an exit code. */
typedef int (*change_fn)(struct cli *cli, struct target *target, json_t *hook);

static int target_init(const struct cli *cli, struct target *target)
{
    *target = (struct target){0};
    if (cli_room(cli, &target->room_id) != CLI_DONE || cli_name(cli, "id", &target->id) != CLI_DONE)
        return CLI_USAGE;
    if (!target->id)
        target->id = "main";
    (void)snprintf(target->room, sizeof(target->room), "%" PRId64, target->room_id);
    keys_room(&cli->keys, target->room_id, target->room_key);
    return CLI_DONE;
}

static int no_such_hook(const struct target *target)
{
    return cli_failed("room %" PRId64 " has no hook %s", target->room_id, target->id);
}

/* Stores new in place of old. 1, 0 when another one is stored by now, -1 with the failure told. */
static int swap(struct cli *cli, const struct target *target, struct bytes old, struct bytes new)
{
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_hook_swap),
                                 BYTES("2"),
                                 bytes_of(target->room_key),
                                 bytes_of(cli->keys.hooks_changed),
                                 bytes_of(target->room),
                                 bytes_of(target->id),
                                 old,
                                 new};
    struct answer *answer;

    if (!cli_ask(cli, args, 9, &answer))
        return -1;
    int swapped = answer_int(answer) == 1 ? 1 : 0;
    answer_free(answer);
    return swapped;
}

/* The hook's new JSON, checked as a worker will check it. */
static int write_hook(struct cli *cli, const struct target *target, json_t *hook,
                      struct buffer *out, struct hook **ret_hook)
{
    struct error_text why;

    if (json_put_value(out, hook, JSON_DEPTH) < 0 || buffer_failed(out))
        return cli_failed("the hook is deeper or longer than a hook may be");
    if (hook_parse(bytes_of(target->id), buffer_bytes(out), ret_hook, &why) != HOOK_OK)
        return cli_usage(cli, "not stored, the hook would not be valid: %s", why.text);
    return CLI_DONE;
}

/* Changes what was read and tries to store it. *ret_hook is left alone when somebody was faster. */
static int change_once(struct cli *cli, struct target *target, change_fn change, struct bytes old,
                       struct hook **ret_hook)
{
    struct buffer new;
    struct hook *hook = NULL;
    int result;

    json_t *json = old.len > 0 ? json_loadb(old.data, old.len, 0, NULL) : json_object();
    if (!json_is_object(json)) {
        json_decref(json);
        return cli_failed("the stored hook is not a JSON object: remove it first");
    }
    buffer_init(&new, HOOK_JSON_MAX);
    result = change(cli, target, json);
    if (result == CLI_DONE)
        result = write_hook(cli, target, json, &new, &hook);
    int swapped = result == CLI_DONE ? swap(cli, target, old, buffer_bytes(&new)) : -1;
    if (swapped == 1) {
        *ret_hook = hook;
    } else {
        hook_free(hook);
        if (swapped < 0 && result == CLI_DONE)
            result = CLI_FAILED;
    }
    json_decref(json);
    buffer_release(&new);
    return result;
}

/* Reads, changes and stores a hook, then forgets what workers learnt about it where clear_state. */
static int change_hook(struct cli *cli, struct target *target, change_fn change, bool clear_state,
                       struct hook **ret_hook)
{
    const struct bytes args[] = {BYTES("HGET"), bytes_of(target->room_key), bytes_of(target->id)};
    int64_t forgotten;

    for (int i = 0; i < SWAP_TRIES; i++) {
        struct hook *hook = NULL;
        struct answer *answer;
        if (!cli_ask(cli, args, 3, &answer))
            return CLI_FAILED;
        int result = change_once(cli, target, change, answer_text(answer), &hook);
        answer_free(answer);
        if (result != CLI_DONE)
            return result;
        if (!hook)
            continue;
        if (clear_state && !hook_store_forget(cli, target->room_id, target->id, &forgotten)) {
            hook_free(hook);
            return cli_failed(
                "the hook is stored, but what workers learnt about it is not cleared");
        }
        *ret_hook = hook;
        return CLI_DONE;
    }
    return cli_failed("the hook is being changed by somebody else all the time");
}

/* --- set --- */

static int change_by_flags(struct cli *cli, struct target *target, json_t *hook)
{
    struct error_text why;

    if (hook_edit(hook, &cli->options, target->secret, &why) < 0)
        return cli_usage(cli, "%s", why.text);
    return CLI_DONE;
}

static void warn_about(const struct hook *hook)
{
    bool is_local = strcmp(hook->url.host, "localhost") == 0 ||
                    strcmp(hook->url.host, "::1") == 0 || strncmp(hook->url.host, "127.", 4) == 0;

    if (!hook->url.https && !is_local)
        (void)fputs("roomhook: warning: http:// shows messages and the verification signature "
                    "to everybody on the way\n",
                    stderr);
}

static int print_hook(const struct cli *cli, const struct target *target, const struct hook *hook)
{
    const struct {
        const char *name;
        const char *value; /* left out when empty */
    } rows[] = {
        {"id", hook->id},
        {"url", hook->url_text},
        {"format", hook_format_name(hook->format)},
        {"verificationSignature", hook->verification_signature ? hook->verification_signature : ""},
        {"secret", target->secret}};
    struct buffer line;

    if (!cli->json)
        (void)printf("%-22s %" PRId64 "\n", "room", target->room_id);
    buffer_init(&line, HOOK_JSON_MAX);
    object_begin(&line);
    object_put_int(&line, "room", target->room_id);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value[0] == '\0')
            continue;
        if (!cli->json)
            (void)printf("%-22s %s\n", rows[i].name, rows[i].value);
        object_put_text(&line, rows[i].name, bytes_of(rows[i].value));
    }
    int printed = cli->json ? object_print(&line) : 0;
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int run_set(struct cli *cli)
{
    struct target target;
    struct hook *hook = NULL;

    int result = target_init(cli, &target);
    if (result == CLI_DONE)
        result = change_hook(cli, &target, change_by_flags, true, &hook);
    if (result == CLI_DONE) {
        warn_about(hook);
        result = print_hook(cli, &target, hook);
    }
    hook_free(hook);
    explicit_bzero(&target, sizeof(target));
    return result;
}

/* --- enable, disable, remove --- */

static int set_enabled(const struct target *target, json_t *hook, bool enabled)
{
    if (json_object_size(hook) == 0)
        return no_such_hook(target);
    if (json_object_set_new(hook, "enabled", json_boolean(enabled)) < 0)
        return cli_failed("out of memory");
    return CLI_DONE;
}

static int change_to_enabled(struct cli *cli, struct target *target, json_t *hook)
{
    (void)cli;
    return set_enabled(target, hook, true);
}

static int change_to_disabled(struct cli *cli, struct target *target, json_t *hook)
{
    (void)cli;
    return set_enabled(target, hook, false);
}

static int run_enable(struct cli *cli)
{
    struct target target;
    struct hook *hook = NULL;

    int result = target_init(cli, &target);
    if (result == CLI_DONE)
        result = change_hook(cli, &target, change_to_enabled, true, &hook);
    if (result == CLI_DONE)
        result = hook_resume_deliveries(cli, target.room_id, target.id);
    hook_free(hook);
    return result;
}

static int run_disable(struct cli *cli)
{
    struct target target;
    struct hook *hook = NULL;

    int result = target_init(cli, &target);
    if (result == CLI_DONE)
        result = change_hook(cli, &target, change_to_disabled, false, &hook);
    hook_free(hook);
    return result;
}

static int run_remove(struct cli *cli)
{
    struct target target;
    struct answer *answer;
    int64_t forgotten;

    int result = target_init(cli, &target);
    if (result != CLI_DONE)
        return result;
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_hook_remove),
                                 BYTES("2"),
                                 bytes_of(target.room_key),
                                 bytes_of(cli->keys.hooks_changed),
                                 bytes_of(target.room),
                                 bytes_of(target.id)};
    if (!cli_ask(cli, args, 7, &answer))
        return CLI_FAILED;
    bool removed = answer_int(answer) == 1;
    answer_free(answer);
    /* Also when there was none: an earlier try may have been interrupted here, or the hook was
     * removed by hand. */
    if (!hook_store_forget(cli, target.room_id, target.id, &forgotten))
        return CLI_FAILED;
    return removed || forgotten > 0 ? CLI_DONE : no_such_hook(&target);
}

const struct command command_hook_set = {
    .name = "hook set",
    .operands = "",
    .summary = "Registers a webhook of a room, or changes one, and prints its signature.",
    .details =
        "An existing hook keeps what is not given, its signature and secret included. A secret\n"
        "that was made (--secret auto) is printed this once. To replace a secret without a gap\n"
        "give both: --secret auto --secret whsec_<the old one>.\n",
    .options = hook_edit_specs,
    .run = run_set,
};

const struct command command_hook_enable = {
    .name = "hook enable",
    .operands = "",
    .summary = "Takes a disabled or paused hook up again; what waits for it comes within seconds.",
    .details = "",
    .options = target_specs,
    .run = run_enable,
};

const struct command command_hook_disable = {
    .name = "hook disable",
    .operands = "",
    .summary = "Stops deliveries to a hook; those that wait for a retry become dead letters.",
    .details = "",
    .options = target_specs,
    .run = run_disable,
};

const struct command command_hook_remove = {
    .name = "hook remove",
    .operands = "",
    .summary = "Removes a hook; deliveries that wait for a retry become dead letters.",
    .details = "",
    .options = target_specs,
    .run = run_remove,
};
