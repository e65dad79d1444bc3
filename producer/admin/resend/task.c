#include "admin/resend/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/task/store.h"
#include "admin_lua.h"

#define LAST_SEQ "18446744073709551615" /* the last id of a millisecond */
#define NUMBER_SIZE 24

void resend_task_of(const struct resend *resend, int64_t total, struct task *ret_task)
{
    const struct resend_range *range = &resend->range;
    struct task task = {.room = range->room, .total = total};

    (void)snprintf(task.what, sizeof(task.what), "%s", RESEND_TASK);
    (void)snprintf(task.hook, sizeof(task.hook), "%s", range->hook ? range->hook : "");
    (void)snprintf(task.from, sizeof(task.from), "%" PRId64, range->since_ms);
    memcpy(task.cursor, task.from, sizeof(task.cursor));
    (void)snprintf(task.until, sizeof(task.until), "%" PRId64 "-" LAST_SEQ, range->until_ms - 1);
    *ret_task = task;
}

bool resend_task_step(struct session *session, struct task *task, size_t max, bool *ret_held)
{
    const struct keys *keys = &session->keys;
    char room_key[KEY_SIZE];
    char fence[NUMBER_SIZE];
    char most[NUMBER_SIZE];
    struct reply *reply;

    (void)snprintf(fence, sizeof(fence), "%" PRId64, task->fence);
    (void)snprintf(most, sizeof(most), "%zu", max);
    const struct bytes args[] = {BYTES("EVAL"),
                                 BYTES(lua_task_resend),
                                 BYTES("5"),
                                 bytes_of(keys->delivered),
                                 bytes_of(keys->delivered_documents),
                                 bytes_of(keys_room(keys, &task->room, room_key)),
                                 bytes_of(keys->events),
                                 bytes_of(keys->tasks),
                                 bytes_of(task->cursor),
                                 bytes_of(task->until),
                                 room_id_bytes(&task->room),
                                 bytes_of(task->hook),
                                 BYTES(RESEND_LOOKED_AT),
                                 bytes_of(most),
                                 bytes_of(task->id),
                                 bytes_of(fence)};
    if (!session_ask(session, args, sizeof(args) / sizeof(args[0]), &reply))
        return false;
    *ret_held = task_update(task, reply);
    reply_free(reply);
    return true;
}
