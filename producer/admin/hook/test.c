#include "admin/hook/test.h"

#include <inttypes.h>
#include <stdio.h>

#include "admin_lua.h"
#include "contract/json_object.h"
#include "contract/json_read.h"

#define POLL_MS 50
#define DOCUMENT_MAX 1024

/* --- what Redis is asked; each false with the failure reported --- */

static bool ask_any_worker(struct session *session, bool *ret_any)
{
    char begin[KEY_SIZE];
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_look_workers),
                                 BYTES("2"),
                                 bytes_of(session->keys.events),
                                 bytes_of(session->keys.leader),
                                 BYTES(KEYS_GROUP),
                                 bytes_of(keys_worker(&session->keys, "", begin))};
    struct reply *reply;

    *ret_any = false;
    if (!session_ask(session, args, 7, &reply))
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

static bool add_event(struct session *session, const struct hook_target *target,
                      struct hook_tested *tested)
{
    struct buffer document;
    struct reply *reply;

    buffer_init(&document, DOCUMENT_MAX);
    put_document(&document, target, tested->now_ms);
    const struct bytes args[] = {BYTES("XADD"),
                                 bytes_of(session->keys.events),
                                 BYTES("*"),
                                 BYTES("hook"),
                                 bytes_of(target->id),
                                 BYTES(TEST_EVENT_FIELD),
                                 BYTES(TEST_EVENT_VALUE),
                                 BYTES("json"),
                                 buffer_bytes(&document)};
    bool failed = buffer_failed(&document);
    if (failed)
        (void)session_failed(session, "out of memory");
    bool asked = !failed && session_ask(session, args, 9, &reply);
    buffer_release(&document);
    if (!asked)
        return false;
    bool added = bytes_copy_text(reply_text(reply), tested->stream_id, sizeof(tested->stream_id));
    reply_free(reply);
    if (!added)
        (void)session_failed(session, "Redis gave an id that is none");
    return added;
}

static bool ask_reply(struct session *session, struct hook_tested *tested)
{
    char key[KEY_SIZE];
    const struct bytes args[] = {BYTES("GET"),
                                 bytes_of(keys_reply(&session->keys, tested->stream_id, key))};
    struct error_text why;
    struct reply *reply;
    bool no_memory;

    if (!session_ask(session, args, 2, &reply))
        return false;
    if (!reply_is_nil(reply)) {
        tested->reply = json_read(reply_text(reply), JSON_NUL_ALLOWED, &no_memory, &why);
        if (!tested->reply)
            (void)session_failed(session, "the worker's reply cannot be read: %s", why.text);
    }
    bool asked = reply_is_nil(reply) || tested->reply;
    reply_free(reply);
    return asked;
}

/* Is the event still in the stream: not taken, or not concluded? */
static bool ask_open(struct session *session, const struct hook_tested *tested, bool *ret_open)
{
    const struct bytes id = bytes_of(tested->stream_id);
    const struct bytes args[] = {BYTES("XRANGE"), bytes_of(session->keys.events), id, id};
    struct reply *reply;

    if (!session_ask(session, args, 4, &reply))
        return false;
    *ret_open = reply_len(reply) > 0;
    reply_free(reply);
    return true;
}

static bool wait_for_reply(struct session *session, struct hook_tested *tested, int64_t timeout_ms,
                           hook_test_pause_fn *pause, void *context)
{
    bool stopped = false;

    bool asked = ask_reply(session, tested);
    for (int64_t left_ms = timeout_ms; asked && !tested->reply && !stopped; left_ms -= POLL_MS) {
        stopped = left_ms <= 0 || pause(context, POLL_MS);
        asked = ask_reply(session, tested);
    }
    return asked;
}

static bool run_event(struct session *session, const struct hook_target *target, int64_t wait_ms,
                      hook_test_pause_fn *pause, void *context, struct hook_tested *tested)
{
    bool open;

    if (!add_event(session, target, tested) ||
        !wait_for_reply(session, tested, wait_ms, pause, context))
        return false;
    if (tested->reply) {
        const char *outcome = json_string_value(json_object_get(tested->reply, "outcome"));
        const char *error = json_string_value(json_object_get(tested->reply, "error"));
        tested->outcome = outcome ? outcome : "unknown";
        tested->error = error ? error : "";
        return true;
    }
    if (!ask_open(session, tested, &open))
        return false;
    tested->outcome = "unknown";
    tested->error = open ? "no worker has taken it yet, or its attempt is under way"
                         : "a worker took it, and sent no reply";
    return true;
}

bool hook_test(struct session *session, const struct hook_target *target, int64_t wait_ms,
               hook_test_pause_fn *pause, void *context, struct hook_tested *ret_tested)
{
    struct hook_tested tested = {.stream_id = "", .outcome = TEST_EVENT_NOT_SENT, .error = ""};
    bool any;

    bool asked = ask_any_worker(session, &any) && session_server_time(session, &tested.now_ms);
    if (asked && !any)
        tested.error = "no worker is alive";
    else if (asked)
        asked = run_event(session, target, wait_ms, pause, context, &tested);
    if (asked)
        *ret_tested = tested;
    else
        hook_tested_release(&tested);
    return asked;
}

void hook_tested_release(struct hook_tested *tested)
{
    json_decref(tested->reply);
    tested->reply = NULL;
}

void hook_tested_put_json(struct buffer *line, const struct hook_target *target,
                          const struct hook_tested *tested)
{
    static const char *const texts[] = {"reason", "answer"};
    static const char *const numbers[] = {"status", "ms"};

    object_put_room(line, "room", &target->room);
    object_put_text(line, "hook", bytes_of(target->id));
    object_put_text(line, "outcome", bytes_of(tested->outcome));
    if (tested->error[0] != '\0')
        object_put_text(line, "error", bytes_of(tested->error));
    for (size_t i = 0; i < 2; i++) {
        const json_t *number = json_object_get(tested->reply, numbers[i]);
        const json_t *text = json_object_get(tested->reply, texts[i]);
        if (number)
            object_put_int(line, numbers[i], json_integer_value(number));
        if (text)
            object_put_text(line, texts[i], json_text_of(text));
    }
    if (tested->stream_id[0] != '\0')
        object_put_text(line, "id", bytes_of(tested->stream_id));
}
