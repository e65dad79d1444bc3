#include "admin/dead/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/dead/move.h"
#include "admin/task/store.h"
#include "admin_lua.h"
#include "contract/dead_letter.h"

#define NUMBER_SIZE 24
#define PAGE_MIN 10 /* not all letters of a page match */

/* What one step is about. */
struct step {
    struct bytes ids[SESSION_BATCH];
    size_t ids_len;
    int64_t skipped;
    char cursor[DEAD_CURSOR_SIZE]; /* behind it */
    bool is_last;
};

void dead_task_of(const struct dead_scan *scan, const char *what, struct task *ret_task)
{
    const struct dead_filter *filter = scan->filter;
    struct task task = {.total = TASK_TOTAL_UNKNOWN, .room = filter->room};

    (void)snprintf(task.what, sizeof(task.what), "%s", what);
    (void)snprintf(task.hook, sizeof(task.hook), "%s", filter->hook ? filter->hook : "");
    (void)snprintf(task.reason, sizeof(task.reason), "%s", filter->reason ? filter->reason : "");
    memcpy(task.from, scan->start, sizeof(task.from));
    memcpy(task.cursor, scan->from, sizeof(task.cursor));
    (void)snprintf(task.until, sizeof(task.until), "%s", scan->to);
    *ret_task = task;
}

/* Of a page's letters that match, the first max that can be moved. */
static void choose(struct step *step, const struct dead_scan *scan, bool replays,
                   const struct dead_entry *entries, size_t len, size_t max)
{
    size_t i;

    for (i = 0; i < len && step->ids_len < max; i++) {
        if (replays && dead_is_cut(&entries[i]))
            step->skipped++;
        else
            step->ids[step->ids_len++] = entries[i].id;
    }
    step->is_last = i == len && scan->ended;
    if (i == len)
        memcpy(step->cursor, scan->from, sizeof(step->cursor));
    else
        (void)snprintf(step->cursor, sizeof(step->cursor), "(%.*s", (int)entries[i - 1].id.len,
                       entries[i - 1].id.data);
}

static bool move(struct session *session, struct task *task, const struct step *step, bool replays,
                 bool *ret_held)
{
    const struct keys *keys = &session->keys;
    char fence[NUMBER_SIZE];
    char skipped[NUMBER_SIZE];
    char kept[NUMBER_SIZE];
    struct reply *reply;

    (void)snprintf(fence, sizeof(fence), "%" PRId64, task->fence);
    (void)snprintf(skipped, sizeof(skipped), "%" PRId64, step->skipped);
    (void)snprintf(kept, sizeof(kept), "%d", DEAD_DOCUMENT_KEPT);
    struct bytes args[14 + SESSION_BATCH] = {
        BYTES("EVAL"),
        replays ? BYTES(lua_task_replay) : BYTES(lua_task_purge),
        BYTES("5"),
        bytes_of(keys->dead),
        bytes_of(keys->events),
        bytes_of(keys->dead_by_room),
        bytes_of(keys->dead_bytes),
        bytes_of(keys->tasks),
        bytes_of(kept),
        bytes_of(task->id),
        bytes_of(fence),
        bytes_of(step->cursor),
        step->is_last ? BYTES("1") : BYTES("0"),
        bytes_of(skipped),
    };
    memcpy(args + 14, step->ids, step->ids_len * sizeof(*step->ids));
    if (!session_ask(session, args, 14 + step->ids_len, &reply))
        return false;
    *ret_held = task_update(task, reply);
    reply_free(reply);
    return true;
}

bool dead_task_step(struct session *session, struct task *task, size_t max, bool *ret_held)
{
    const struct dead_filter filter = {.room = task->room,
                                       .hook = task->hook[0] != '\0' ? task->hook : NULL,
                                       .reason = task->reason[0] != '\0' ? task->reason : NULL,
                                       .before_ms = DEAD_NO_END};
    struct dead_scan scan = {.session = session,
                             .filter = &filter,
                             .order = DEAD_OLDEST_FIRST,
                             .page_max = max < PAGE_MIN ? PAGE_MIN : max};
    bool replays = strcmp(task->what, DEAD_TASK_REPLAY) == 0;
    struct dead_entry entries[SESSION_BATCH];
    struct step step = {.ids_len = 0};
    size_t len = 0;

    if (max > SESSION_BATCH)
        max = SESSION_BATCH;
    if (scan.page_max > SESSION_BATCH)
        scan.page_max = SESSION_BATCH;
    memcpy(scan.from, task->cursor, sizeof(scan.from));
    memcpy(scan.to, task->until, sizeof(task->until));
    int more = dead_scan_next(&scan, entries, &len);
    bool moved = more >= 0;
    if (moved) {
        choose(&step, &scan, replays, entries, len, max);
        moved = move(session, task, &step, replays, ret_held);
    }
    dead_scan_end(&scan);
    return moved;
}
