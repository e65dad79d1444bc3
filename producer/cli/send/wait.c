#include "cli/send/wait.h"

#include <stdio.h>
#include <string.h>

#include "admin/hook/store.h"
#include "admin/status/ask.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "contract/event_codec.h"
#include "contract/hook.h"
#include "contract/lane.h"
#include "contract/parse.h"

#define POLL_MS 100
#define LETTERS_PAGE 1000
#define LETTERS_PAGE_TEXT "1000"
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
    uint64_t sent_ms;
    uint64_t sent_seq;
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

/* Has a worker read it? If not, somebody else deleted what is no longer there. */
static bool is_read(const struct waiting *waiting, const struct reply *groups)
{
    for (size_t i = 0; i < reply_len(groups); i++) {
        const struct reply *group = reply_at(groups, i);
        uint64_t ms;
        uint64_t seq;
        if (bytes_equal_text(reply_text(reply_value(group, "name")), KEYS_GROUP) &&
            parse_stream_id(reply_text(reply_value(group, "last-delivered-id")), &ms, &seq) == 0)
            return ms > waiting->sent_ms || (ms == waiting->sent_ms && seq >= waiting->sent_seq);
    }
    return false;
}

/* Why an event that is no longer there may never have been delivered; "" when a worker read it. */
static bool ask_deleted(const struct waiting *waiting, const char **ret_why)
{
    struct session *session = &waiting->cli->session;
    const struct status_query query = {
        "+xinfo|groups", {BYTES("XINFO"), BYTES("GROUPS"), bytes_of(session->keys.events)}};
    struct status_answer answer = {0};
    struct status_rights missing = {0};
    bool asked = status_ask(session, &query, 1, &answer, &missing);

    *ret_why = "";
    if (answer.is_refused)
        *ret_why = "without the right +xinfo|groups it is not seen whether a worker read it";
    else if (!is_read(waiting, answer.reply))
        *ret_why = "it was deleted from the stream before a worker read it";
    status_free_answers(&answer, 1);
    return asked;
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

/* Is this letter of the event, and of the hook? One without a hook is of all of them. */
static bool is_of(const struct waiting *waiting, const char *hook_id, const struct reply *letter)
{
    struct bytes hook = reply_text(reply_value(letter, "hook"));

    return bytes_equal_text(reply_text(reply_value(letter, "event_id")), waiting->event_id) &&
           (hook.len == 0 || hook_id[0] == '\0' || bytes_equal_text(hook, hook_id));
}

static void set_why(struct error_text *why, const struct reply *letter)
{
    char reason[32];
    char error[160];

    error_text_set(
        why, "%s: %s",
        bytes_printable(reply_text(reply_value(letter, "reason")), reason, sizeof(reason)),
        bytes_printable(reply_text(reply_value(letter, "error")), error, sizeof(error)));
}

/* Why it is a dead letter; "" when it is none. */
static bool ask_dead(const struct waiting *waiting, const char *hook_id, struct error_text *ret_why)
{
    char since[RH_STREAM_ID_SIZE + 1];
    size_t letters = LETTERS_PAGE;

    (void)snprintf(since, sizeof(since), "%llu", (unsigned long long)waiting->sent_ms);
    ret_why->text[0] = '\0';
    while (letters == LETTERS_PAGE && ret_why->text[0] == '\0') {
        const struct bytes args[] = {BYTES("XRANGE"), bytes_of(waiting->cli->session.keys.dead),
                                     bytes_of(since), BYTES("+"),
                                     BYTES("COUNT"),  BYTES(LETTERS_PAGE_TEXT)};
        struct reply *reply;
        if (!session_ask(&waiting->cli->session, args, 6, &reply))
            return false;
        letters = reply_len(reply);
        for (size_t i = 0; i < letters && ret_why->text[0] == '\0'; i++) {
            const struct reply *letter = reply_at(reply, i);
            if (is_of(waiting, hook_id, reply_at(letter, 1)))
                set_why(ret_why, reply_at(letter, 1));
            since[0] = '('; /* behind this one */
            (void)bytes_copy_text(reply_text(reply_at(letter, 0)), since + 1, sizeof(since) - 1);
        }
        reply_free(reply);
    }
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

/* What a worker read, and left nothing behind, was delivered, unless its hook is disabled, or takes
 * no such events. *ret_skipped says which; "" when neither. */
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
    const char *why = "";

    if (!session_ask(&waiting->cli->session, args, 2, &hooks))
        return CLI_FAILED;
    bool asked = wait_for(waiting, hooks, timeout_ms, &open);
    if (asked && open)
        why = "no worker has taken it yet, or it is being delivered";
    else if (asked)
        asked = ask_deleted(waiting, &why);
    if (asked && why[0] != '\0')
        print_outcome(waiting, "", OUTCOME_UNKNOWN, why);
    else if (asked)
        asked = print_all(waiting, hooks);
    reply_free(hooks);
    return asked ? waiting->failed : CLI_FAILED;
}

int send_wait(struct cli *cli, const struct sent_event *event, int64_t timeout_ms)
{
    struct waiting waiting = {.cli = cli, .event = event};

    if (parse_stream_id(bytes_of(event->stream_id), &waiting.sent_ms, &waiting.sent_seq) < 0)
        return cli_failed("Redis gave an id that is none");
    (void)lane_stream(waiting.sent_ms, waiting.sent_seq, waiting.stream);
    (void)snprintf(waiting.event_id, sizeof(waiting.event_id), "%s%s",
                   event->event_id ? "" : "msg_",
                   event->event_id ? event->event_id : event->stream_id);
    return run(&waiting, timeout_ms);
}
