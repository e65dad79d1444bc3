#include "admin/resend/resend.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin_lua.h"
#include "contract/parse.h"

#define FROM_SIZE (RH_STREAM_ID_SIZE + 1)

const char *resend_range_problem(const struct resend_range *range)
{
    return range->since_ms < range->until_ms ? NULL : "since is not earlier than until";
}

/* --- what there is --- */

static bool ask_int(struct session *session, const struct bytes *args, size_t args_len,
                    int64_t *ret_number)
{
    struct reply *reply;

    if (!session_ask(session, args, args_len, &reply))
        return false;
    *ret_number = reply_int(reply);
    reply_free(reply);
    return true;
}

static bool check_kept(struct session *session)
{
    const struct bytes args[] = {BYTES("EXISTS"), bytes_of(session->keys.delivered)};
    int64_t exists;

    if (!ask_int(session, args, 2, &exists))
        return false;
    if (exists == 0)
        (void)session_refused(session, ADMIN_CONFLICT,
                              "no delivered events are kept: set keep-delivered in the settings of "
                              "the workers, like keep-delivered = 24h, to keep them from then on");
    return exists > 0;
}

static bool is_inline(const char *hook)
{
    return strncmp(hook, "inline-", 7) == 0;
}

static bool check_hook(struct session *session, const struct resend_range *range)
{
    char key[KEY_SIZE];
    const struct bytes room = bytes_of(keys_room(&session->keys, &range->room, key));
    const struct bytes args[] = {BYTES("HEXISTS"), room, bytes_of(range->hook ? range->hook : "")};
    int64_t exists;

    if (!range->hook || is_inline(range->hook))
        return true;
    if (!ask_int(session, args, 3, &exists))
        return false;
    if (exists == 0)
        (void)session_refused(session, ADMIN_MISSING, "room %s has no hook %s", range->room.text,
                              range->hook);
    return exists > 0;
}

/* Nothing of it is kept: is it because there is no such room? */
static bool check_room(const struct resend *resend)
{
    const struct resend_range *range = &resend->range;
    char key[KEY_SIZE];
    const struct bytes args[] = {BYTES("EXISTS"),
                                 bytes_of(keys_room(&resend->session->keys, &range->room, key))};
    int64_t exists;

    if (!ask_int(resend->session, args, 2, &exists))
        return false;
    if (exists == 0 && resend->counts.events == 0)
        (void)session_refused(resend->session, ADMIN_MISSING,
                              "room %s has no hooks, and nothing of it is kept", range->room.text);
    return exists > 0 || resend->counts.events > 0;
}

bool resend_begin(struct resend *resend, struct session *session, const struct resend_range *range,
                  const char *after)
{
    *resend = (struct resend){.session = session, .range = *range};
    if (!check_kept(session) || !check_hook(session, range))
        return false;
    if (range->until_ms == RESEND_NO_END) {
        if (!session_server_time(session, &resend->range.until_ms))
            return false;
        resend->range.until_ms++; /* with what was delivered in this very ms */
    }
    resend->ended = resend->range.until_ms <= 0;
    if (after)
        (void)bytes_copy_text(bytes_of(after), resend->cursor, sizeof(resend->cursor));
    return true;
}

/* --- steps --- */

static void read_counts(struct resend *resend, const struct reply *reply)
{
    struct resend_counts *counts = &resend->counts;

    counts->events += reply_int(reply_at(reply, 1));
    counts->deliveries += reply_int(reply_at(reply, 2));
    counts->gone += reply_int(reply_at(reply, 3));
    counts->removed += reply_int(reply_at(reply, 4));
    counts->unreadable += reply_int(reply_at(reply, 5));
}

bool resend_step(struct resend *resend, bool dry_run, int64_t limit)
{
    const struct keys *keys = &resend->session->keys;
    const struct resend_range *range = &resend->range;
    char room_key[KEY_SIZE];
    char from[FROM_SIZE];
    char to[FROM_SIZE];
    char most[24];
    struct reply *reply;

    if (resend->ended)
        return true;
    /* A bare time is for XRANGE the first id of that millisecond, or the last one. */
    if (resend->cursor[0] != '\0')
        (void)snprintf(from, sizeof(from), "(%s", resend->cursor);
    else
        (void)snprintf(from, sizeof(from), "%" PRId64, range->since_ms);
    (void)snprintf(to, sizeof(to), "%" PRId64, range->until_ms - 1);
    (void)snprintf(most, sizeof(most), "%" PRId64, dry_run ? 0 : limit);
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_resend),
                                 BYTES("4"),
                                 bytes_of(keys->delivered),
                                 bytes_of(keys->delivered_documents),
                                 bytes_of(keys_room(keys, &range->room, room_key)),
                                 bytes_of(keys->events),
                                 bytes_of(from),
                                 bytes_of(to),
                                 room_id_bytes(&range->room),
                                 bytes_of(range->hook ? range->hook : ""),
                                 BYTES(RESEND_LOOKED_AT),
                                 bytes_of(most)};
    if (!session_ask(resend->session, args, sizeof(args) / sizeof(args[0]), &reply))
        return false;
    struct bytes last = reply_text(reply_at(reply, 0));
    resend->ended = last.len == 0 || !bytes_copy_text(last, resend->cursor, sizeof(resend->cursor));
    read_counts(resend, reply);
    reply_free(reply);
    return true;
}

bool resend_count(struct resend *resend, struct resend_counts *ret_counts)
{
    struct resend counting = *resend;

    counting.counts = (struct resend_counts){0};
    while (!counting.ended) {
        if (!resend_step(&counting, true, 0))
            return false;
    }
    *ret_counts = counting.counts;
    return counting.counts.events > 0 || check_room(resend);
}
