#include "cli/send/wait.h"

#include <stdio.h>
#include <string.h>

#include "admin/hook/store.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "contract/event_codec.h"
#include "contract/hook.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define POLL_MS 100
#define LETTERS_MAX "1000" /* since the event was sent; among more its own is not looked for */
#define EVENT_ID_SIZE 300

enum outcome {
    OUTCOME_DELIVERED,
    OUTCOME_SKIPPED,
    OUTCOME_DEAD,
    OUTCOME_WAITS,
    OUTCOME_UNKNOWN /* workers have not taken the event yet, or are delivering it */
};

struct waiting {
    struct cli *cli;
    const struct sent_event *event;
    char event_id[EVENT_ID_SIZE];
    char stream[LANE_STREAM_SIZE]; /* the id, padded as deliveries have it */
    int64_t sent_ms;
    int failed; /* an exit code */
};

/* --- what Redis knows; each false with the failure reported --- */

/* Still there: not read, or not settled. */
static bool ask_open(const struct waiting *waiting, bool *ret_open)
{
    const struct bytes id = bytes_of(waiting->event->stream_id);
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(waiting->cli->session.keys.events), id,
                                 id};
    struct reply *reply;

    if (!session_ask(&waiting->cli->session, args, 4, &reply))
        return false;
    *ret_open = reply_len(reply) > 0;
    reply_free(reply);
    return true;
}

static bool ask_waits(const struct waiting *waiting, const char *hook_id, bool *ret_waits)
{
    char id[DELIVERY_ID_SIZE];
    const struct bytes args[] = {BYTES("HEXISTS"), bytes_of(waiting->cli->session.keys.deliveries),
                                 bytes_of(delivery_id(waiting->stream, hook_id, id))};
    struct reply *reply;

    if (!session_ask(&waiting->cli->session, args, 3, &reply))
        return false;
    *ret_waits = reply_int(reply) == 1;
    reply_free(reply);
    return true;
}

static struct bytes field_of(const struct reply *letter, const char *name)
{
    const struct reply *fields = reply_at(letter, 1);

    for (size_t i = 0; i + 1 < reply_len(fields); i += 2) {
        if (bytes_equal_text(reply_text(reply_at(fields, i)), name))
            return reply_text(reply_at(fields, i + 1));
    }
    return (struct bytes){NULL, 0};
}

/* Why it is a dead letter; "" when it is none. */
static bool ask_dead(const struct waiting *waiting, const char *hook_id, struct error_text *ret_why)
{
    char since[32];
    char reason[32];
    char error[160];
    struct reply *reply;

    (void)snprintf(since, sizeof(since), "%lld", (long long)waiting->sent_ms);
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(waiting->cli->session.keys.dead),
                                 bytes_of(since), BYTES("+"),
                                 BYTES("COUNT"),  BYTES(LETTERS_MAX)};
    ret_why->text[0] = '\0';
    if (!session_ask(&waiting->cli->session, args, 6, &reply))
        return false;
    for (size_t i = 0; i < reply_len(reply) && ret_why->text[0] == '\0'; i++) {
        const struct reply *letter = reply_at(reply, i);
        if (bytes_equal_text(field_of(letter, "event_id"), waiting->event_id) &&
            (field_of(letter, "hook").len == 0 || hook_id[0] == '\0' ||
             bytes_equal_text(field_of(letter, "hook"), hook_id)))
            error_text_set(ret_why, "%s: %s",
                           bytes_printable(field_of(letter, "reason"), reason, sizeof(reason)),
                           bytes_printable(field_of(letter, "error"), error, sizeof(error)));
    }
    reply_free(reply);
    return true;
}

/* --- what comes of it --- */

static void print_outcome(struct waiting *waiting, const char *hook_id, enum outcome outcome,
                          const char *why)
{
    static const char *const names[] = {"delivered", "skipped", "dead", "waits", "unknown"};
    struct buffer line;

    if (outcome > OUTCOME_SKIPPED)
        waiting->failed = CLI_FAILED;
    if (!waiting->cli->json) {
        (void)printf("%-22s %s%s%s\n", hook_id[0] != '\0' ? hook_id : "-", names[outcome],
                     why[0] != '\0' ? ", " : "", why);
        return;
    }
    buffer_init(&line, 1024);
    object_begin(&line);
    object_put_text(&line, "hook", bytes_of(hook_id));
    object_put_text(&line, "outcome", bytes_of(names[outcome]));
    object_put_text(&line, "why", bytes_of(why));
    if (object_print(&line) < 0)
        waiting->failed = cli_failed("out of memory");
    buffer_release(&line);
}

/* What left nothing behind was delivered, unless its hook is disabled, or takes no such events.
 * *ret_skipped says which; "" when neither. */
static bool ask_skipped(const struct waiting *waiting, struct bytes id, struct bytes json,
                        const char **ret_skipped)
{
    struct hook *hook;
    struct stored_state state;
    struct error_text why;

    *ret_skipped = "";
    if (hook_parse(id, json, &hook, &why) != HOOK_OK)
        return true;
    bool asked = hook_store_read(&waiting->cli->session, hook, waiting->event->room, &state);
    if (asked && (!hook->enabled || state.disabled))
        *ret_skipped = "the hook is disabled";
    else if (!hook_takes_type(hook, BYTES(EVENT_DEFAULT_TYPE)))
        *ret_skipped = "the hook does not take events " EVENT_DEFAULT_TYPE;
    hook_free(hook);
    return asked;
}

static bool ask_outcome(const struct waiting *waiting, struct bytes id, struct bytes json,
                        enum outcome *ret_outcome, struct error_text *ret_why)
{
    char hook_id[RH_NAME_MAX + 1];
    bool waits;
    const char *skipped;

    (void)bytes_copy_text(id, hook_id, sizeof(hook_id));
    ret_why->text[0] = '\0';
    if (!ask_waits(waiting, hook_id, &waits) || (!waits && !ask_dead(waiting, hook_id, ret_why)) ||
        !ask_skipped(waiting, id, json, &skipped))
        return false;
    if (waits) {
        *ret_outcome = OUTCOME_WAITS;
        error_text_set(ret_why, "see roomhook lane show");
    } else if (ret_why->text[0] != '\0') {
        *ret_outcome = OUTCOME_DEAD;
    } else if (skipped[0] != '\0') {
        *ret_outcome = OUTCOME_SKIPPED;
        error_text_set(ret_why, "%s", skipped);
    } else {
        *ret_outcome = OUTCOME_DELIVERED;
    }
    return true;
}

static bool is_for(const struct waiting *waiting, struct bytes id)
{
    return !waiting->event->hook || bytes_equal_text(id, waiting->event->hook);
}

/* Is there a hook that the event still waits for? */
static bool ask_any_waits(const struct waiting *waiting, const struct reply *hooks, bool *ret_waits)
{
    char hook_id[RH_NAME_MAX + 1];

    *ret_waits = false;
    for (size_t i = 0; i + 1 < reply_len(hooks) && !*ret_waits; i += 2) {
        struct bytes id = reply_text(reply_at(hooks, i));
        if (is_for(waiting, id) && bytes_copy_text(id, hook_id, sizeof(hook_id)) &&
            !ask_waits(waiting, hook_id, ret_waits))
            return false;
    }
    return true;
}

static bool print_no_hook(struct waiting *waiting)
{
    struct error_text why;

    if (!ask_dead(waiting, "", &why))
        return false;
    if (why.text[0] != '\0')
        print_outcome(waiting, "", OUTCOME_DEAD, why.text);
    else
        print_outcome(waiting, "", OUTCOME_SKIPPED, "the room has no hook");
    return true;
}

static bool print_all(struct waiting *waiting, const struct reply *hooks)
{
    size_t printed = 0;

    for (size_t i = 0; i + 1 < reply_len(hooks); i += 2) {
        struct bytes id = reply_text(reply_at(hooks, i));
        char shown[RH_NAME_MAX + 1];
        enum outcome outcome;
        struct error_text why;
        if (!is_for(waiting, id))
            continue;
        if (!ask_outcome(waiting, id, reply_text(reply_at(hooks, i + 1)), &outcome, &why))
            return false;
        print_outcome(waiting, bytes_printable(id, shown, sizeof(shown)), outcome, why.text);
        printed++;
    }
    return printed > 0 || print_no_hook(waiting);
}

/* Until nothing waits, or time is up. *ret_open: the event is still there. */
static bool wait_for(struct waiting *waiting, const struct reply *hooks, int64_t timeout_ms,
                     bool *ret_open)
{
    struct interrupt interrupt;
    bool waits = true;
    bool stopped = false;

    if (interrupt_open(&interrupt) < 0) {
        (void)cli_failed("signals cannot be held back");
        return false;
    }
    bool asked = true;
    for (int64_t left_ms = timeout_ms; asked && waits && !stopped; left_ms -= POLL_MS) {
        asked = ask_open(waiting, ret_open) && (*ret_open || ask_any_waits(waiting, hooks, &waits));
        waits = *ret_open || waits;
        stopped = waits && (left_ms <= 0 || interrupt_wait(&interrupt, POLL_MS));
    }
    interrupt_close(&interrupt);
    return asked;
}

static int run(struct waiting *waiting, int64_t timeout_ms)
{
    char room_key[KEY_SIZE];
    const struct bytes args[] = {
        BYTES("HGETALL"),
        bytes_of(keys_room(&waiting->cli->session.keys, waiting->event->room, room_key))};
    struct reply *hooks;
    bool open = true;

    if (!session_ask(&waiting->cli->session, args, 2, &hooks))
        return CLI_FAILED;
    bool asked = wait_for(waiting, hooks, timeout_ms, &open);
    if (asked && open)
        print_outcome(waiting, "", OUTCOME_UNKNOWN,
                      "no worker has taken it yet, or it is being delivered");
    else if (asked)
        asked = print_all(waiting, hooks);
    reply_free(hooks);
    return asked ? waiting->failed : CLI_FAILED;
}

int send_wait(struct cli *cli, const struct sent_event *event, int64_t timeout_ms)
{
    struct waiting waiting = {.cli = cli, .event = event};
    int64_t ms;
    int64_t seq;
    const char *dash = strchr(event->stream_id, '-');

    if (!dash ||
        parse_int64((struct bytes){event->stream_id, (size_t)(dash - event->stream_id)}, 0,
                    INT64_MAX, &ms) < 0 ||
        parse_int64(bytes_of(dash + 1), 0, INT64_MAX, &seq) < 0)
        return cli_failed("Redis gave an id that is none");
    waiting.sent_ms = ms;
    (void)lane_stream((uint64_t)ms, (uint64_t)seq, waiting.stream);
    (void)snprintf(waiting.event_id, sizeof(waiting.event_id), "%s%s",
                   event->event_id ? "" : "msg_",
                   event->event_id ? event->event_id : event->stream_id);
    return run(&waiting, timeout_ms);
}
