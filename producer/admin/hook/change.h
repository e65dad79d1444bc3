/*
 * Changing one hook in Redis: read, changed, checked as a worker will check it, and stored only if
 * nobody else changed it meanwhile; else once more from the beginning.
 */
#ifndef ADMIN_HOOK_CHANGE_H
#define ADMIN_HOOK_CHANGE_H

#include <jansson.h>

#include "admin/hook/store.h"
#include "admin/session.h"
#include "contract/hook.h"

/* The hook a command is about, and what has become of it. */
struct hook_target {
    struct room_id room;
    const char *id;
    char room_key[KEY_SIZE];
    char secret[HOOK_SECRET_TEXT_SIZE]; /* made by this command, else "" */
    int64_t keep_ms;                    /* rotate: how long the old secrets sign yet */
    int64_t now_ms;                     /* rotate: on the clock of Redis */
    int64_t old_until_ms;               /* rotate: when the last old secret ends; 0: none is left */
    bool is_other;                      /* the hook has another URL or other credentials now */
    int64_t waiting;                    /* deliveries that wait for it */
    bool is_due;                        /* set: all of these are due now */
};

/* Zeroed but for which hook it is; id is borrowed. */
void hook_target_init(const struct session *session, struct hook_target *target,
                      const struct room_id *room, const char *id);

/* Reports it: ADMIN_MISSING. */
enum admin_result hook_target_missing(const struct session *session,
                                      const struct hook_target *target);

/* Changes a hook read from Redis, an empty object when there is none. Other than ADMIN_DONE: the
 * failure is reported. May be called again for another state of the hook. */
typedef enum admin_result hook_change_fn(const struct session *session, struct hook_target *target,
                                         json_t *hook, void *context);

/* Reads, changes and stores a hook, then changes what is known about it. ADMIN_DONE with what was
 * stored, for hook_free; else the failure is reported. */
enum admin_result hook_change(struct session *session, struct hook_target *target,
                              hook_change_fn *change, void *context, enum hook_store_change then,
                              struct hook **ret_hook);

#endif
