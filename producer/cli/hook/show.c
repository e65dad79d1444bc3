/* hook show: one hook, what workers learnt about it, and how much waits for it. */
#include <inttypes.h>
#include <stdio.h>

#include "admin/hook/change.h"
#include "admin/hook/store.h"
#include "admin/human_text.h"
#include "cli/cli.h"
#include "cli/hook/print.h"
#include "cli/hook/target.h"
#include "cli/terminal/json_output.h"
#include "contract/hook.h"
#include "contract/lane.h"

static const struct flag_spec show_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    HOOK_SHOW_SECRETS_FLAG,
    {NULL, NULL, NULL, false},
};

struct shown_hook {
    const struct hook *hook;
    bool shows_signature;
    struct stored_state state;
    int64_t waiting; /* deliveries */
    int64_t now_ms;  /* of Redis */
};

static bool read_waiting(struct cli *cli, const struct hook_target *target, int64_t *ret_waiting)
{
    char lane[LANE_SIZE];
    char lane_key[KEY_SIZE];
    struct reply *reply;

    keys_lane(&cli->session.keys, lane_of(&target->room, target->id, lane), lane_key);
    const struct bytes args[] = {BYTES("ZCARD"), bytes_of(lane_key)};
    if (!session_ask(&cli->session, args, 2, &reply))
        return false;
    *ret_waiting = reply_int(reply);
    reply_free(reply);
    return true;
}

static int print_object(const struct hook_target *target, const struct shown_hook *shown)
{
    struct buffer line;

    buffer_init(&line, HOOK_JSON_MAX);
    object_begin(&line);
    hook_put_json(&line, &target->room, shown->hook, shown->shows_signature);
    hook_put_state(&line, shown->hook, &shown->state, shown->now_ms);
    object_put_int(&line, "waiting", shown->waiting);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed;
}

static void print_when(const char *name, int64_t at_ms, int64_t now_ms)
{
    char when[HUMAN_TEXT_SIZE];

    if (at_ms > 0)
        hook_print_row(name, human_when(at_ms, now_ms, when));
}

static void print_state(const struct shown_hook *shown)
{
    const struct stored_state *state = &shown->state;
    enum hook_condition condition = hook_condition_of(shown->hook, state, shown->now_ms);
    struct buffer why;

    hook_print_row("state", hook_condition_name(condition));
    if (condition == HOOK_FINE)
        return;
    print_when("since", hook_state_since_ms(state, condition), shown->now_ms);
    print_when("next", hook_state_next_ms(state, condition), shown->now_ms);
    if (state->failures > 0)
        (void)printf("%-22s %" PRId64 "\n", "failures", state->failures);
    buffer_init(&why, 1024);
    hook_state_put_why(&why, state, condition);
    if (why.len > 0 && !buffer_failed(&why))
        hook_print_row("why", why.data);
    buffer_release(&why);
}

static int print_rows(const struct hook_target *target, const struct shown_hook *shown)
{
    if (hook_print(&target->room, shown->hook, shown->shows_signature) < 0)
        return -1;
    print_state(shown);
    (void)printf("%-22s %" PRId64 "\n", "waiting", shown->waiting);
    return 0;
}

static int show(struct cli *cli, const struct hook_target *target, const struct hook *hook)
{
    struct shown_hook shown = {.hook = hook,
                               .shows_signature = flags_has(&cli->flags, "show-secrets")};

    if (!hook_store_read(&cli->session, hook, &target->room, &shown.state) ||
        !read_waiting(cli, target, &shown.waiting) ||
        !session_server_time(&cli->session, &shown.now_ms))
        return CLI_FAILED;
    int printed = cli->json ? print_object(target, &shown) : print_rows(target, &shown);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int run_show(struct cli *cli)
{
    struct hook_target target;
    struct hook *hook = NULL;
    struct error_text why;
    struct reply *reply;

    int result = hook_target_read(cli, &target);
    if (result != CLI_DONE)
        return result;
    const struct bytes args[] = {BYTES("HGET"), bytes_of(target.room_key), bytes_of(target.id)};
    if (!session_ask(&cli->session, args, 3, &reply))
        return CLI_FAILED;
    if (reply_is_nil(reply))
        result = cli_exit(hook_target_missing(&cli->session, &target));
    else if (hook_parse(bytes_of(target.id), reply_text(reply), &hook, &why) != HOOK_OK)
        result =
            cli_failed("room %s hook %s is not valid: %s", target.room.text, target.id, why.text);
    else
        result = show(cli, &target, hook);
    hook_free(hook);
    reply_free(reply);
    return result;
}

const struct command command_hook_show = {
    .name = "hook show",
    .operands = "",
    .summary = "Shows a hook, its state, and how many deliveries wait for it.",
    .details =
        "Secrets are counted, its signature is masked, the names of its own headers are shown.\n",
    .flags = show_specs,
    .run = run_show,
};
