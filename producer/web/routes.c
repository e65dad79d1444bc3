/* The table. */
#include "web/api_attention.h"
#include "web/api_dead.h"
#include "web/api_hook.h"
#include "web/api_lane.h"
#include "web/api_log.h"
#include "web/api_read.h"
#include "web/api_resend.h"
#include "web/api_tasks.h"
#include "web/call.h"
#include "web/route.h"

/* --- parameters --- */

#define NONE         \
    {                \
        .name = NULL \
    }
#define LIMIT                                                                                    \
    {                                                                                            \
        "limit", PARAMETER_NUMBER, 1, CALL_LIMIT_MAX, "how many, 1 to 500; without it 50", false \
    }
#define ITERATOR                                                                                \
    {                                                                                           \
        "iterator", PARAMETER_LETTER, 0, 0, "where to go on, as the last answer gave it", false \
    }
#define CURSOR                                                                                  \
    {                                                                                           \
        "iterator", PARAMETER_CURSOR, 0, 0, "where to go on, as the last answer gave it", false \
    }
#define PLACE                                                                                  \
    {                                                                                          \
        "iterator", PARAMETER_PLACE, 0, 0, "where to go on, as the last answer gave it", false \
    }
#define RANK                                                                            \
    {                                                                                   \
        "iterator", PARAMETER_NUMBER, 0, INT64_MAX, "as the last answer gave it", false \
    }
#define SHUT                                                                                   \
    {                                                                                          \
        "shut", PARAMETER_FLAG, 0, 0,                                                          \
            "true: only of hooks that are open or disabled by workers; false: only of others", \
            false                                                                              \
    }
#define FAILED                                                          \
    {                                                                   \
        "failed", PARAMETER_FLAG, 0, 0, "true: only what failed", false \
    }
#define STATE                                                                    \
    {                                                                            \
        "state", PARAMETER_STATE, 0, 0,                                          \
            "only with this one: open, failing, disabled, paused or slow", false \
    }
#define STEP                                                                                  \
    {                                                                                         \
        "step", PARAMETER_NUMBER, 1, 1440, "minutes between points, 1 to 1440; without it 1", \
            false                                                                             \
    }
#define POINTS                                                                         \
    {                                                                                  \
        "points", PARAMETER_NUMBER, 2, 500, "how many, 2 to 500; without it 60", false \
    }
#define DOCUMENT                                                        \
    {                                                                   \
        "document", PARAMETER_FLAG, 0, 0, "true: with its event", false \
    }
#define ROOM_FILTER                                                           \
    {                                                                         \
        "room", PARAMETER_ROOM, 0, 0, "only of this room; a room's id", false \
    }
#define HOOK_FILTER                                                                        \
    {                                                                                      \
        "hook", PARAMETER_HOOK, 0, 0, "only of this hook; an id of A-Z a-z 0-9 _ -", false \
    }
#define REASON_FILTER                                                                    \
    {                                                                                    \
        "reason", PARAMETER_REASON, 0, 0, "only with this reason, like exhausted", false \
    }
#define SINCE                                                                                      \
    {                                                                                              \
        "since", PARAMETER_TIME, 0, 0, "only what died since then: an age like 2h, or a UTC time", \
            false                                                                                  \
    }
#define BEFORE                                                                        \
    {                                                                                 \
        "before", PARAMETER_TIME, 0, 0, "only what died before then; as since", false \
    }
#define LETTERS HOOK_FILTER, REASON_FILTER, SINCE, BEFORE
#define DRY_RUN                                                                \
    {                                                                          \
        "dry_run", PARAMETER_FLAG, 0, 0, "true: only count; else false", false \
    }
#define EXPECT                                                                                  \
    {                                                                                           \
        "expect", PARAMETER_NUMBER, 0, INT64_MAX,                                               \
            "how many there should be, from 0; another count is answered 409, nothing is done", \
            false                                                                               \
    }
#define CREATE                                                                                   \
    {                                                                                            \
        "create", PARAMETER_FLAG, 0, 0, "true: one that is there already is answered 409", false \
    }
#define DELIVERED_SINCE                                                                         \
    {                                                                                           \
        "since", PARAMETER_TIME, 0, 0,                                                          \
            "what was delivered since then: an age like 2h, or a UTC time", .is_required = true \
    }
#define DELIVERED_UNTIL                                                         \
    {                                                                           \
        "until", PARAMETER_TIME, 0, 0, "and before then; without it now", false \
    }
#define RATE                                                                                       \
    {                                                                                              \
        "rate", PARAMETER_RATE, 1, 1000000, "at most this many a second, like 50/s: makes a task", \
            false                                                                                  \
    }
#define KEEP                                                                      \
    {                                                                             \
        "keep", PARAMETER_DURATION, 0, 365 * 24 * 3600 * INT64_C(1000),           \
            "how long the old secrets sign yet: 0 to 365d, without it 24h", false \
    }
#define EXPIRES                                                     \
    {                                                               \
        "expires", PARAMETER_DURATION, 1000, 3600 * INT64_C(1000),  \
            "how long it is valid: 1s to 1h, without it 15m", false \
    }

/* --- rows --- */

#define ONE(path_, name_, run_, answer_, about_, ...)                                              \
    {                                                                                              \
        .method = "GET", .path = (path_), .name = (name_), .about = (about_), .right = RIGHT_READ, \
        .run = (run_), .answer = (answer_), .parameters = {                                        \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define LIST(path_, name_, run_, answer_, about_, ...)                                             \
    {                                                                                              \
        .method = "GET", .path = (path_), .name = (name_), .about = (about_), .right = RIGHT_READ, \
        .run = (run_), .answer = (answer_), .is_list = true, .parameters = {                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define ACT(path_, name_, run_, answer_, about_, ...)                                              \
    {                                                                                              \
        .method = "POST", .path = (path_), .name = (name_), .about = (about_), .right = RIGHT_ACT, \
        .run = (run_), .answer = (answer_), .parameters = {                                        \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define BULK(path_, name_, run_, about_, ...)                                                      \
    {                                                                                              \
        .method = "POST", .path = (path_), .name = (name_), .about = (about_), .right = RIGHT_ACT, \
        .run = (run_), .answer = "Moved", .makes_task = true, .parameters = {                      \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define DROP(path_, name_, run_, about_)                                         \
    {                                                                            \
        .method = "DELETE", .path = (path_), .name = (name_), .about = (about_), \
        .right = RIGHT_ACT, .run = (run_), .status = 204                         \
    }
#define EDIT(method_, path_, name_, run_, about_, ...)                                             \
    {                                                                                              \
        .method = (method_), .path = (path_), .name = (name_), .about = (about_),                  \
        .right = RIGHT_ACT, .run = (run_), .body = "HookChange", .answer = "Hook", .parameters = { \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

#define ALL_LETTERS "/v1/dead-letters"
#define ROOM_LETTERS "/v1/rooms/{room}/dead-letters"
#define HOOKS "/v1/rooms/{room}/hooks"
#define HOOK HOOKS "/{hook}"
#define LANES "/v1/rooms/{room}/lanes"
#define TASKS "/v1/rooms/{room}/tasks"

const struct route routes[] = {
    {.method = "GET",
     .path = "/v1/service",
     .name = "getService",
     .answer = "Service",
     .about = "What this service is, and what the token allows.",
     .right = RIGHT_ANY,
     .source = SOURCE_SERVICE},
    {.method = "GET",
     .path = "/v1/status",
     .name = "getStatus",
     .answer = "Status",
     .about = "How the queue is; at most a second old.",
     .right = RIGHT_READ,
     .source = SOURCE_STATUS},
    {.method = "GET",
     .path = "/v1/workers",
     .name = "listWorkers",
     .answer = "Worker",
     .is_list = true,
     .about = "The workers that are alive, with their heartbeats.",
     .right = RIGHT_READ,
     .source = SOURCE_WORKERS},
    {.method = "POST",
     .path = "/v1/rooms/{room}/tokens",
     .name = "makeRoomToken",
     .answer = "Token",
     .status = 201,
     .right = RIGHT_TOKEN,
     .source = SOURCE_TOKEN,
     .about = "Makes a token that sees and does only what is this room's.",
     .parameters = {EXPIRES}},
    ONE("/v1/doctor", "getDoctor", api_doctor, "Findings",
        "What is wrong, and what to do. Looks at the whole queue.", NONE),

    LIST("/v1/history", "getHistory", api_history, "Point",
         "What happened, and how much there was, the oldest first. A step that nothing is known of "
         "is left out.",
         STEP, POINTS),
    LIST("/v1/happened", "listHappened", api_happened, "Happened",
         "What happened lately to hooks and workers, the newest first; as many as fit into an "
         "answer.",
         LIMIT),
    ONE("/v1/attention", "getAttention", api_attention, "Attention",
        "The hooks that need attention: open, failing, disabled by workers, paused or slow; the "
        "worst first.",
        LIMIT, STATE),

    LIST("/v1/hooks", "listHooks", api_hooks, "Hook",
         "The hooks of all rooms, in no order. A page holds whole rooms, so it may be longer than "
         "limit, or empty.",
         LIMIT, CURSOR),
    LIST(HOOKS, "listRoomHooks", api_room_hooks, "Hook",
         "The hooks of a room, with what workers learnt about them.", NONE),
    ONE(HOOK, "getHook", api_hook, "Hook", "A hook.", NONE),
    LIST(HOOK "/deliveries", "listAttempts", api_hook_deliveries, "Attempt",
         "What attempts for a hook came to, the newest first.", LIMIT, ITERATOR, FAILED),
    LIST(
        "/v1/rooms/{room}/messages/{event}", "getMessage", api_message, "Attempt",
        "What became of a message: attempts for all hooks of its room, the newest first; none when "
        "nothing is known of it.",
        LIMIT, ITERATOR),
    EDIT("PUT", HOOK, "putHook", api_put_one_hook,
         "Registers a hook, or replaces all of it. \"auto\" as secret or verificationSignature "
         "makes one, which is in this answer only.",
         CREATE),
    EDIT("PATCH", HOOK, "patchHook", api_patch_hook,
         "Changes some keys of a hook (RFC 7396: null removes one), headers one by one, a "
         "template as a whole. \"auto\" as in PUT.",
         NONE),
    DROP(HOOK, "removeHook", api_remove_hook,
         "Removes a hook; what waits for it becomes dead letters."),
    ACT(HOOK "/enable", "enableHook", api_enable_hook, "Hook", "Takes a disabled hook up again.",
        NONE),
    ACT(HOOK "/disable", "disableHook", api_disable_hook, "Hook",
        "Stops deliveries to a hook; what waits becomes dead letters.", NONE),
    ACT(HOOK "/resume", "resumeHook", api_resume_hook, "Resumed",
        "Forgets that it failed or was paused; what waits is due now.", NONE),
    ACT(HOOK "/rotate", "rotateHook", api_rotate_hook, "Hook",
        "Gives it a new secret, which is in this answer only; the old one signs beside it for a "
        "while.",
        KEEP),
    ACT(HOOK "/test", "testHook", api_test_hook, "Tested",
        "Sends a test event and waits for its outcome, up to 30 s.", NONE),

    LIST("/v1/lanes", "listLanes", api_lanes, "Lane",
         "What waits, by hook; those that are looked at next first.", LIMIT, PLACE, SHUT),
    LIST(LANES, "listRoomLanes", api_lanes, "Lane", "What waits for the hooks of a room.", LIMIT,
         PLACE),
    LIST(LANES "/{lane}/deliveries", "listDeliveries", api_lane_deliveries, "Delivery",
         "What waits for a hook, the next one first. A lane is a hook's id, or \":\" and 16 hex of "
         "one that came with its events.",
         LIMIT, RANK),

    LIST(ALL_LETTERS, "listDeadLetters", api_letters, "DeadLetter",
         "Dead letters, the newest first.", LIMIT, ITERATOR, ROOM_FILTER, LETTERS),
    ONE(ALL_LETTERS "/{letter}", "getDeadLetter", api_letter, "DeadLetter", "One dead letter.",
        DOCUMENT),
    BULK(ALL_LETTERS "/replay", "replayDeadLetters", api_replay,
         "Puts letters back on the queue. With a rate, or when it takes seconds, as a task.",
         ROOM_FILTER, LETTERS, DRY_RUN, EXPECT, RATE),
    BULK(ALL_LETTERS "/purge", "purgeDeadLetters", api_purge,
         "Deletes letters for good. With a rate, or when it takes seconds, as a task.", ROOM_FILTER,
         LETTERS, DRY_RUN, EXPECT, RATE),
    ACT(ALL_LETTERS "/{letter}/replay", "replayDeadLetter", api_replay_letter, "Moved",
        "Puts one letter back on the queue.", NONE),
    DROP(ALL_LETTERS "/{letter}", "purgeDeadLetter", api_purge_letter,
         "Deletes one letter for good."),
    LIST(ROOM_LETTERS, "listRoomDeadLetters", api_letters, "DeadLetter",
         "Dead letters of a room, the newest first.", LIMIT, ITERATOR, LETTERS),
    ONE(ROOM_LETTERS "/{letter}", "getRoomDeadLetter", api_letter, "DeadLetter",
        "One dead letter of a room.", DOCUMENT),
    BULK(ROOM_LETTERS "/replay", "replayRoomDeadLetters", api_replay,
         "Puts letters of a room back on the queue. With a rate, or when it takes seconds, as a "
         "task.",
         LETTERS, DRY_RUN, EXPECT, RATE),
    BULK(ROOM_LETTERS "/purge", "purgeRoomDeadLetters", api_purge,
         "Deletes letters of a room for good. With a rate, or when it takes seconds, as a task.",
         LETTERS, DRY_RUN, EXPECT, RATE),
    ACT(ROOM_LETTERS "/{letter}/replay", "replayRoomDeadLetter", api_replay_letter, "Moved",
        "Puts one letter back on the queue.", NONE),
    DROP(ROOM_LETTERS "/{letter}", "purgeRoomDeadLetter", api_purge_letter,
         "Deletes one letter for good."),

    BULK("/v1/rooms/{room}/resend", "resend", api_resend,
         "Sends kept delivered events of a room again, as a task, to the hooks that took them.",
         HOOK_FILTER, DELIVERED_SINCE, DELIVERED_UNTIL, DRY_RUN, EXPECT, RATE),

    LIST("/v1/tasks", "listTasks", api_tasks, "Task",
         "Bulk tasks: those that run, then the newest. Those that ended are kept for 7 days, at "
         "most 100.",
         LIMIT, RANK),
    ONE("/v1/tasks/{task}", "getTask", api_task, "Task", "A bulk task, and how far it is.", NONE),
    ACT("/v1/tasks/{task}/cancel", "cancelTask", api_cancel_task, "Task",
        "Cancels a task. What it has done stays done.", NONE),
    LIST(TASKS, "listRoomTasks", api_tasks, "Task",
         "Bulk tasks of a room: those that run, then the newest.", LIMIT, RANK),
    ONE(TASKS "/{task}", "getRoomTask", api_task, "Task", "A bulk task of a room.", NONE),
    ACT(TASKS "/{task}/cancel", "cancelRoomTask", api_cancel_task, "Task",
        "Cancels a task of a room. A token of the room cancels none that an operator made.", NONE),
};

const size_t routes_len = sizeof(routes) / sizeof(routes[0]);
