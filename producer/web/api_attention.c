#include "web/api_attention.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "admin/hook/attention.h"
#include "admin/hook/describe.h"
#include "admin/hook/store.h"
#include "base/loop.h"
#include "contract/json_object.h"
#include "web/api_list.h"
#include "web/api_read.h"

#define KEPT_FACTOR 10 /* finding takes at most a tenth of the time of one thread */
#define KEPT_MAX_MS 10000

/* What was found for each state that can be asked for alone; HOOK_FINE: for all. */
struct kept_attention {
    pthread_mutex_t mutex;
    struct {
        struct attention attention;
        int64_t found_at_ms;
        int64_t until_ms; /* it is good; 0: there is none */
    } of[HOOK_DISABLED + 1];
};

/* A process serves one queue. */
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables) */
static struct kept_attention found = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Requests that come meanwhile wait for it, and share it. It is kept for the longer the longer it
 * took: not at all where few hooks fail. */
static bool find(struct session *session, enum hook_condition only, struct attention *ret_attention)
{
    bool ok = true;

    pthread_mutex_lock(&found.mutex);
    int64_t before_ms = loop_now_ms();
    if (before_ms >= found.of[only].until_ms) {
        ok = attention_find(session, ATTENTION_KEPT_MAX, only, &found.of[only].attention);
        int64_t now_ms = loop_now_ms();
        int64_t kept_ms = KEPT_FACTOR * (now_ms - before_ms);
        found.of[only].found_at_ms = now_ms;
        found.of[only].until_ms = ok ? now_ms + (kept_ms < KEPT_MAX_MS ? kept_ms : KEPT_MAX_MS) : 0;
    }
    if (ok) {
        *ret_attention = found.of[only].attention;
        ret_attention->now_ms += loop_now_ms() - found.of[only].found_at_ms;
    }
    pthread_mutex_unlock(&found.mutex);
    return ok;
}

static bool ask_waiting(struct session *session, const char *lane, int64_t *ret_waiting)
{
    char key[KEY_SIZE];
    const struct bytes args[] = {BYTES("ZCARD"), bytes_of(keys_lane(&session->keys, lane, key))};
    struct reply *reply;

    if (!session_ask(session, args, 2, &reply))
        return false;
    *ret_waiting = reply_int(reply);
    reply_free(reply);
    return true;
}

/* As it is stored. */
static bool ask_hook(struct session *session, const struct lane_parts *parts,
                     struct reply **ret_reply)
{
    char key[KEY_SIZE];
    const struct bytes args[] = {BYTES("HGET"),
                                 bytes_of(keys_room(&session->keys, &parts->room, key)),
                                 bytes_of(parts->hook_id)};

    return session_ask(session, args, 3, ret_reply);
}

static void put_invalid(struct call *call, const struct lane_parts *parts, const char *why)
{
    list_next(&call->answer);
    object_begin(&call->answer.body);
    api_put_invalid(&call->answer.body, &parts->room, bytes_of(parts->hook_id), why);
    object_end(&call->answer.body);
}

/* Nothing when it is well by now. */
static bool put_hook(struct call *call, struct session *session, const struct attention *attention,
                     const struct attention_hook *one, const struct hook *hook)
{
    struct stored_state state;
    struct lane_parts parts;
    int64_t waiting;

    (void)lane_split(bytes_of(one->lane), &parts);
    if (!hook_store_read(session, hook, &parts.room, &state) ||
        !ask_waiting(session, one->lane, &waiting))
        return false;
    if (hook_condition_of(hook, &state, attention->now_ms) == HOOK_FINE)
        return true;
    list_next(&call->answer);
    object_begin(&call->answer.body);
    api_put_hook(&call->answer.body, &parts.room, hook, &state, attention->now_ms, false);
    object_put_int(&call->answer.body, "waiting", waiting);
    object_end(&call->answer.body);
    return true;
}

static bool put_one(struct call *call, struct session *session, const struct attention *attention,
                    const struct attention_hook *one)
{
    struct hook *hook = NULL;
    struct lane_parts parts;
    struct error_text why;
    struct reply *reply;
    bool ok = true;

    if (lane_split(bytes_of(one->lane), &parts) != 0)
        return true;
    if (!ask_hook(session, &parts, &reply))
        return false;
    if (!reply_is_nil(reply)) { /* else it was removed */
        if (hook_parse(bytes_of(parts.hook_id), reply_text(reply), &hook, &why) == HOOK_OK)
            ok = put_hook(call, session, attention, one, hook);
        else
            put_invalid(call, &parts, why.text);
    }
    hook_free(hook);
    reply_free(reply);
    return ok;
}

static void put_counts(struct buffer *out, const struct attention *attention)
{
    int64_t total = 0;

    object_put_json(out, "counts", BYTES("{"));
    for (int condition = HOOK_FINE + 1; condition <= HOOK_DISABLED; condition++) {
        object_put_int(out, hook_condition_name((enum hook_condition)condition),
                       attention->counts[condition]);
        total += attention->counts[condition];
    }
    object_end(out);
    object_put_int(out, "total", total);
    object_put_bool(out, "complete", !attention->is_cut);
}

void api_attention(struct call *call, struct session *session)
{
    struct attention *attention = malloc(sizeof(*attention));
    const char *state = call_value(call, "state");
    enum hook_condition only = HOOK_FINE;
    struct buffer *out = &call->answer.body;
    bool ok;

    if (attention == NULL) {
        session_failed(session, "out of memory");
        return;
    }
    list_begin(&call->answer);
    if (state != NULL)
        (void)hook_condition_parse(bytes_of(state), &only); /* it was checked */
    size_t limit = (size_t)call_number(call, "limit", CALL_LIMIT_DEFAULT);
    ok = find(session, only, attention);
    for (size_t i = 0; ok && i < attention->len && i < limit && !list_is_full(&call->answer); i++)
        ok = put_one(call, session, attention, &attention->list[i]);
    if (ok) {
        buffer_append_char(out, ']');
        put_counts(out, attention);
        object_end(out);
    }
    free(attention);
}
