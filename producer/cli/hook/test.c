/* hook test: sends one event to one hook, through the queue and a worker, and shows its outcome. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/hook/change.h"
#include "cli/hook/describe.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli_lua.h"
#include "contract/json_read.h"
#include "contract/parse.h"
#include "contract/test_event.h"

#define POLL_MS 50
#define WAIT_MS 30000
#define WAIT_LEAST_MS 1000
#define DOCUMENT_MAX 1024
#define OBJECT_MAX 4096

/* What became of it; the texts borrow from reply. */
struct tested {
    char stream_id[RH_STREAM_ID_SIZE]; /* "" when no event was sent */
    json_t *reply;                     /* NULL: none came */
    const char *outcome;
    const char *error;
    int64_t now_ms;
};

static const struct flag_spec test_specs[] = {
    {"room", "ROOM", "the room; needed", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {"wait", "TIME", "how long to wait for the outcome, up to 1m; default 30s", false},
    {NULL, NULL, NULL, false},
};

static int read_wait(const struct cli *cli, int64_t *ret_ms)
{
    const char *text = flags_value(&cli->flags, "wait");

    *ret_ms = WAIT_MS;
    if (text && parse_duration_ms(bytes_of(text), WAIT_LEAST_MS, TEST_EVENT_MAX_AGE_MS, ret_ms) < 0)
        return cli_usage(cli, "--wait is not a time from 1s to 1m, like 30s");
    return CLI_DONE;
}

/* --- what Redis is asked; each false with the failure told --- */

static bool ask_any_worker(struct cli *cli, bool *ret_any)
{
    char begin[KEY_SIZE];
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_look_workers),
                                 BYTES("2"),
                                 bytes_of(cli->keys.events),
                                 bytes_of(cli->keys.leader),
                                 BYTES(KEYS_GROUP),
                                 bytes_of(keys_worker(&cli->keys, "", begin))};
    struct reply *reply;

    *ret_any = false;
    if (!cli_ask(cli, args, 7, &reply))
        return false;
    for (size_t i = 0; i < reply_len(reply); i++)
        *ret_any = *ret_any || reply_int(reply_at(reply_at(reply, i), 3)) > 0; /* its PTTL */
    reply_free(reply);
    return true;
}

static void put_document(struct buffer *out, const struct hook_target *target, int64_t now_ms)
{
    buffer_append_text(out, "{\"type\":\"" TEST_EVENT_TYPE "\",\"message\":{\"roomId\":");
    room_id_put_json(out, &target->room);
    buffer_append_format(out,
                         ",\"type\":\"text\","
                         "\"body\":{\"text\":\"A test of webhook %s, sent by hand\"},"
                         "\"createdAt\":%" PRId64 ",\"test\":true},"
                         "\"fromUser\":{\"displayName\":\"Roomhook\"}}",
                         target->id, now_ms);
}

static bool add_event(struct cli *cli, const struct hook_target *target, struct tested *tested)
{
    struct buffer document;
    struct reply *reply;

    buffer_init(&document, DOCUMENT_MAX);
    put_document(&document, target, tested->now_ms);
    const struct bytes args[] = {BYTES("XADD"),
                                 bytes_of(cli->keys.events),
                                 BYTES("*"),
                                 BYTES("hook"),
                                 bytes_of(target->id),
                                 BYTES(TEST_EVENT_FIELD),
                                 BYTES(TEST_EVENT_VALUE),
                                 BYTES("json"),
                                 buffer_bytes(&document)};
    bool failed = buffer_failed(&document);
    if (failed)
        (void)cli_failed("out of memory");
    bool asked = !failed && cli_ask(cli, args, 9, &reply);
    buffer_release(&document);
    if (!asked)
        return false;
    bool added = bytes_copy_text(reply_text(reply), tested->stream_id, sizeof(tested->stream_id));
    reply_free(reply);
    if (!added)
        (void)cli_failed("Redis gave an id that is none");
    return added;
}

static bool ask_reply(struct cli *cli, struct tested *tested)
{
    char key[KEY_SIZE];
    const struct bytes args[] = {BYTES("GET"),
                                 bytes_of(keys_reply(&cli->keys, tested->stream_id, key))};
    struct error_text why;
    struct reply *reply;
    bool no_memory;

    if (!cli_ask(cli, args, 2, &reply))
        return false;
    if (!reply_is_nil(reply)) {
        tested->reply = json_read(reply_text(reply), JSON_NUL_ALLOWED, &no_memory, &why);
        if (!tested->reply)
            (void)cli_failed("the worker's reply cannot be read: %s", why.text);
    }
    bool asked = reply_is_nil(reply) || tested->reply;
    reply_free(reply);
    return asked;
}

/* Is the event still in the stream: not taken, or not concluded? */
static bool ask_open(struct cli *cli, const struct tested *tested, bool *ret_open)
{
    const struct bytes id = bytes_of(tested->stream_id);
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(cli->keys.events), id, id};
    struct reply *reply;

    if (!cli_ask(cli, args, 4, &reply))
        return false;
    *ret_open = reply_len(reply) > 0;
    reply_free(reply);
    return true;
}

static bool wait_for_reply(struct cli *cli, struct tested *tested, int64_t timeout_ms)
{
    struct interrupt interrupt;
    bool stopped = false;

    if (interrupt_open(&interrupt) < 0) {
        (void)cli_failed("signals cannot be held back");
        return false;
    }
    bool asked = ask_reply(cli, tested);
    for (int64_t left_ms = timeout_ms; asked && !tested->reply && !stopped; left_ms -= POLL_MS) {
        stopped = left_ms <= 0 || interrupt_wait(&interrupt, POLL_MS);
        asked = ask_reply(cli, tested);
    }
    interrupt_close(&interrupt);
    return asked;
}

/* --- what is shown --- */

static struct bytes text_of(const struct tested *tested, const char *name)
{
    return json_text_of(json_object_get(tested->reply, name));
}

static int64_t number_of(const struct tested *tested, const char *name)
{
    return json_integer_value(json_object_get(tested->reply, name));
}

static int print_object(const struct hook_target *target, const struct tested *tested)
{
    static const char *const texts[] = {"reason", "answer"};
    static const char *const numbers[] = {"status", "ms"};
    struct buffer line;

    buffer_init(&line, OBJECT_MAX);
    object_begin(&line);
    object_put_room(&line, "room", &target->room);
    object_put_text(&line, "hook", bytes_of(target->id));
    object_put_text(&line, "outcome", bytes_of(tested->outcome));
    if (tested->error[0] != '\0')
        object_put_text(&line, "error", bytes_of(tested->error));
    for (size_t i = 0; i < 2; i++) {
        if (json_object_get(tested->reply, numbers[i]))
            object_put_int(&line, numbers[i], number_of(tested, numbers[i]));
        if (json_object_get(tested->reply, texts[i]))
            object_put_text(&line, texts[i], text_of(tested, texts[i]));
    }
    if (tested->stream_id[0] != '\0')
        object_put_text(&line, "id", bytes_of(tested->stream_id));
    int printed = object_print(&line);
    buffer_release(&line);
    return printed;
}

static void print_number(const struct tested *tested, const char *name, const char *unit)
{
    if (json_object_get(tested->reply, name))
        (void)printf("%-22s %" PRId64 "%s\n", name, number_of(tested, name), unit);
}

static void print_rows(const struct tested *tested)
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
                        const struct tested *tested)
{
    if (!cli->json)
        print_rows(tested);
    else if (print_object(target, tested) < 0)
        return cli_failed("out of memory");
    return strcmp(tested->outcome, TEST_EVENT_DELIVERED) == 0 ? CLI_DONE : CLI_FAILED;
}

/* --- the test --- */

static bool run_event(struct cli *cli, const struct hook_target *target, int64_t wait_ms,
                      struct tested *tested)
{
    bool open;

    if (!add_event(cli, target, tested) || !wait_for_reply(cli, tested, wait_ms))
        return false;
    if (tested->reply) {
        const char *outcome = json_string_value(json_object_get(tested->reply, "outcome"));
        const char *error = json_string_value(json_object_get(tested->reply, "error"));
        tested->outcome = outcome ? outcome : "unknown";
        tested->error = error ? error : "";
        return true;
    }
    if (!ask_open(cli, tested, &open))
        return false;
    tested->outcome = "unknown";
    tested->error = open ? "no worker has taken it yet, or its attempt is under way"
                         : "a worker took it, and sent no reply";
    return true;
}

static int run_test(struct cli *cli)
{
    struct hook_target target;
    struct tested tested = {.stream_id = "", .outcome = TEST_EVENT_NOT_SENT, .error = ""};
    int64_t wait_ms;
    bool any;

    int result = hook_target_init(cli, &target);
    if (result == CLI_DONE)
        result = read_wait(cli, &wait_ms);
    if (result != CLI_DONE)
        return result;
    if (!ask_any_worker(cli, &any) || !cli_server_time(cli, &tested.now_ms))
        return CLI_FAILED;
    if (!any)
        tested.error = "no worker is alive";
    else if (!run_event(cli, &target, wait_ms, &tested))
        result = CLI_FAILED;
    if (result == CLI_DONE)
        result = print_tested(cli, &target, &tested);
    json_decref(tested.reply);
    return result;
}

const struct command command_hook_test = {
    .name = "hook test",
    .operands = "",
    .summary = "Sends a test event to a hook and prints what its receiver answered.",
    .details =
        "The event goes through the queue and a worker, to this hook only, whatever events the\n"
        "hook wants, its rate, or whether it fails or is paused; it has type webhook.test. There\n"
        "is one attempt, and nothing is left behind of one that fails. Prints the status, how\n"
        "long it took and the first line of the answer, or why nothing was sent; fails unless\n"
        "the answer was a success.\n",
    .flags = test_specs,
    .run = run_test,
};
