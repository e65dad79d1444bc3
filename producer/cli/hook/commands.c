/* hook set, rotate, enable, disable, remove: changes of a room's hooks. */
#include "contract/hook.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "admin/hook/actions.h"
#include "admin/hook/address.h"
#include "admin/hook/change.h"
#include "admin/hook/remove.h"
#include "admin/hook/store.h"
#include "cli/cli.h"
#include "cli/hook/edit.h"
#include "cli/hook/print.h"
#include "cli/hook/resume.h"
#include "cli/hook/target.h"
#include "cli/terminal/json_output.h"
#include "contract/json_text.h"
#include "contract/parse.h"

static const struct flag_spec target_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {NULL, NULL, NULL, false},
};

static const struct flag_spec rotate_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {"keep", "DURATION", "how long old secrets stay active; default 24h, 0 for not at all", false},
    {NULL, NULL, NULL, false},
};

/* --- set --- */

static enum admin_result change_by_flags(const struct session *session, struct hook_target *target,
                                         json_t *hook, void *context)
{
    const struct flags *flags = context;
    struct error_text why;

    if (hook_edit(hook, flags, target->secret, &why) < 0)
        return session_refused(session, ADMIN_INVALID, "%s", why.text);
    return ADMIN_DONE;
}

static void warn_about(const struct hook *hook)
{
    bool is_local = strcmp(hook->url.host, "localhost") == 0 ||
                    strcmp(hook->url.host, "::1") == 0 || strncmp(hook->url.host, "127.", 4) == 0;
    struct error_text why;

    if (hook_address_judge(&hook->url, &why) != HOOK_ADDRESS_FINE)
        cli_warn("workers refuse this URL, unless their settings open it: %s", why.text);
    if (!hook->url.https && !is_local)
        (void)fputs("roomhook: warning: http:// shows messages and the verification signature "
                    "to everybody on the way\n",
                    stderr);
}

static int print_object(const struct hook_target *target, const struct hook *hook)
{
    char old_until[32];
    struct buffer line;

    buffer_init(&line, HOOK_JSON_MAX);
    object_begin(&line);
    hook_put_json(&line, &target->room, hook, true);
    if (target->secret[0] != '\0')
        object_put_text(&line, "secret", bytes_of(target->secret));
    if (target->old_until_ms > 0)
        object_put_text(
            &line, "oldSecretUntil",
            bytes_of(format_iso8601(target->old_until_ms, old_until, sizeof(old_until))));
    if (target->waiting > 0)
        object_put_int(&line, "waiting", target->waiting);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed;
}

static int print_rows(const struct hook_target *target, const struct hook *hook)
{
    char old_until[32];

    if (hook_print(&target->room, hook, true) < 0)
        return -1;
    if (target->secret[0] != '\0')
        hook_print_row("secret", target->secret);
    if (target->old_until_ms > 0)
        hook_print_row("oldSecretUntil",
                       format_iso8601(target->old_until_ms, old_until, sizeof(old_until)));
    if (target->waiting > 0)
        (void)printf("%-22s %" PRId64 "%s\n", "waiting", target->waiting,
                     target->is_due ? ", due now" : "");
    return 0;
}

/* All that is stored, and what this command made. */
static int print_hook(const struct cli *cli, const struct hook_target *target,
                      const struct hook *hook)
{
    int printed = cli->json ? print_object(target, hook) : print_rows(target, hook);

    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static int run_set(struct cli *cli)
{
    struct hook_target target;
    struct hook *hook = NULL;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = cli_exit(hook_change(&cli->session, &target, change_by_flags, &cli->flags,
                                      HOOK_STORE_FORGET, &hook));
    target.is_due = result == CLI_DONE && target.is_other && target.waiting > 0;
    if (target.is_due && !hook_store_make_due(&cli->session, &target.room, target.id))
        result = cli_failed("the hook is stored, but its retries wait until they are due");
    if (result == CLI_DONE) {
        warn_about(hook);
        result = print_hook(cli, &target, hook);
    }
    hook_free(hook);
    explicit_bzero(&target, sizeof(target));
    return result;
}

/* --- rotate --- */

static int read_keep(const struct cli *cli, struct hook_target *target)
{
    const char *text = flags_value(&cli->flags, "keep");

    target->keep_ms = HOOK_KEEP_DEFAULT_MS;
    if (text && parse_duration_ms(bytes_of(text), 0, HOOK_KEEP_MAX_MS, &target->keep_ms) < 0)
        return cli_usage(cli, "--keep must be a time from 0 to 365d, like 24h");
    return CLI_DONE;
}

static int run_rotate(struct cli *cli)
{
    struct hook_target target;
    struct hook *hook = NULL;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = read_keep(cli, &target);
    if (result == CLI_DONE)
        result = cli_exit(hook_replace_secret(&cli->session, &target, &hook));
    if (result == CLI_DONE)
        result = print_hook(cli, &target, hook);
    hook_free(hook);
    explicit_bzero(&target, sizeof(target));
    return result;
}

/* --- enable, disable, remove --- */

static int run_enable(struct cli *cli)
{
    struct hook_target target;
    struct hook *hook = NULL;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = cli_exit(hook_enable(&cli->session, &target, &hook));
    if (result == CLI_DONE)
        result = hook_resume_deliveries(cli, &target.room, target.id, target.waiting);
    hook_free(hook);
    return result;
}

static int run_disable(struct cli *cli)
{
    struct hook_target target;
    struct hook *hook = NULL;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = cli_exit(hook_disable(&cli->session, &target, &hook));
    hook_free(hook);
    return result;
}

static int run_remove(struct cli *cli)
{
    struct hook_target target;

    int result = hook_target_read(cli, &target);
    if (result != CLI_DONE)
        return result;
    return cli_exit(hook_remove(&cli->session, &target));
}

const struct command command_hook_set = {
    .name = "hook set",
    .operands = "",
    .summary = "Registers or changes a webhook of a room, and prints what is stored.",
    .details =
        "An existing hook keeps what is not given, including its signature and secret. A\n"
        "generated secret (--secret auto) is printed only once. To replace a secret without a\n"
        "gap use hook rotate. If its URL or credentials change, deliveries that wait for it are\n"
        "retried now.\n",
    .flags = hook_edit_specs,
    .run = run_set,
};

const struct command command_hook_rotate = {
    .name = "hook rotate",
    .operands = "",
    .summary = "Gives a hook a new secret; the old one stays active for a while.",
    .details =
        "The new secret is printed only once. Requests carry a signature with each until the\n"
        "old secret expires, so that the receiver can change over without a gap. After a theft\n"
        "use --keep 0.\n",
    .flags = rotate_specs,
    .run = run_rotate,
};

const struct command command_hook_enable = {
    .name = "hook enable",
    .operands = "",
    .summary = "Enables a disabled or paused hook; waiting deliveries are sent within seconds.",
    .details = "",
    .flags = target_specs,
    .run = run_enable,
};

const struct command command_hook_disable = {
    .name = "hook disable",
    .operands = "",
    .summary = "Stops deliveries to a hook; waiting ones become dead letters.",
    .details = "",
    .flags = target_specs,
    .run = run_disable,
};

const struct command command_hook_remove = {
    .name = "hook remove",
    .operands = "",
    .summary = "Removes a hook; waiting deliveries become dead letters.",
    .details = "",
    .flags = target_specs,
    .run = run_remove,
};
