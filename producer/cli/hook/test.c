/* hook test: sends one event to one hook, through the queue and a worker, and shows its outcome. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "admin/hook/test.h"
#include "cli/cli.h"
#include "cli/hook/print.h"
#include "cli/hook/target.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define WAIT_LEAST_MS 1000
#define OBJECT_MAX 4096

static const struct flag_spec test_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {"wait", "TIME", "how long to wait for the outcome, up to 1m; default 30s", false},
    {NULL, NULL, NULL, false},
};

static int read_wait(const struct cli *cli, int64_t *ret_ms)
{
    const char *text = flags_value(&cli->flags, "wait");

    *ret_ms = HOOK_TEST_WAIT_MS;
    if (text && parse_duration_ms(bytes_of(text), WAIT_LEAST_MS, TEST_EVENT_MAX_AGE_MS, ret_ms) < 0)
        return cli_usage(cli, "--wait is not a time from 1s to 1m, like 30s");
    return CLI_DONE;
}

/* --- what is shown --- */

static struct bytes text_of(const struct hook_tested *tested, const char *name)
{
    return json_text_of(json_object_get(tested->reply, name));
}

static int64_t number_of(const struct hook_tested *tested, const char *name)
{
    return json_integer_value(json_object_get(tested->reply, name));
}

static int print_object(const struct hook_target *target, const struct hook_tested *tested)
{
    struct buffer line;

    buffer_init(&line, OBJECT_MAX);
    object_begin(&line);
    hook_tested_put_json(&line, target, tested);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed;
}

static void print_number(const struct hook_tested *tested, const char *name, const char *unit)
{
    if (json_object_get(tested->reply, name))
        (void)printf("%-22s %" PRId64 "%s\n", name, number_of(tested, name), unit);
}

static void print_rows(const struct hook_tested *tested)
{
    hook_print_row("outcome", tested->outcome);
    if (tested->error[0] != '\0')
        hook_print_row("error", tested->error);
    print_number(tested, "status", "");
    print_number(tested, "ms", "");
    if (text_of(tested, "answer").len > 0) {
        (void)printf("%-22s ", "answer");
        print_value(text_of(tested, "answer"));
    }
    if (tested->stream_id[0] != '\0')
        hook_print_row("event", tested->stream_id);
}

static int print_tested(const struct cli *cli, const struct hook_target *target,
                        const struct hook_tested *tested)
{
    if (!cli->json)
        print_rows(tested);
    else if (print_object(target, tested) < 0)
        return cli_failed("out of memory");
    return strcmp(tested->outcome, TEST_EVENT_DELIVERED) == 0 ? CLI_DONE : CLI_FAILED;
}

/* --- the test --- */

static bool pause_unless_interrupted(void *context, int64_t ms)
{
    return interrupt_wait(context, ms);
}

static int run_test(struct cli *cli)
{
    struct hook_target target;
    struct hook_tested tested;
    struct interrupt interrupt;
    int64_t wait_ms;

    int result = hook_target_read(cli, &target);
    if (result == CLI_DONE)
        result = read_wait(cli, &wait_ms);
    if (result != CLI_DONE)
        return result;
    if (interrupt_open(&interrupt) < 0)
        return cli_failed("signals cannot be held back");
    bool asked =
        hook_test(&cli->session, &target, wait_ms, pause_unless_interrupted, &interrupt, &tested);
    interrupt_close(&interrupt);
    if (!asked)
        return CLI_FAILED;
    result = print_tested(cli, &target, &tested);
    hook_tested_release(&tested);
    return result;
}

const struct command command_hook_test = {
    .name = "hook test",
    .operands = "",
    .summary = "Sends a test event to a hook and prints the answer of its receiver.",
    .details =
        "The event, of type webhook.test, goes through the queue and a worker to this hook\n"
        "only, regardless of its types, its rate limit, and whether it fails or is paused.\n"
        "There is one attempt; a failed one is not retried and leaves no dead letter. Prints\n"
        "the status, the time taken and the first line of the answer, or why nothing was sent.\n"
        "Exit status 0 only if the answer was a success.\n",
    .flags = test_specs,
    .run = run_test,
};
