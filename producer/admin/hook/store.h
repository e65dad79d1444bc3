/*
 * What workers learnt about hooks ({Q}:hooks-state, {Q}:gates), read and forgotten, and what waits
 * for them. Each change is announced to the workers ({Q}:hooks-changed), else they would go
 * by what they know for seconds more.
 */
#ifndef ADMIN_HOOK_STORE_H
#define ADMIN_HOOK_STORE_H

#include "admin/hook/state.h"
#include "admin/session.h"
#include "contract/hook.h"

/* Each returns false with the failure reported. */

/* Reads a hook's state; zeroed when workers know nothing of this URL and these credentials. */
bool hook_store_read(struct session *session, const struct hook *hook, const struct room_id *room,
                     struct stored_state *ret_state);

enum hook_store_change {
    HOOK_STORE_FORGET, /* what workers learnt, whatever URL and credentials the hook had */
    HOOK_STORE_RESUME, /* the same; workers read the hook again in any case */
    HOOK_STORE_LOOK    /* nothing; but workers look at what waits */
};

struct hook_store_found {
    bool known;      /* something was learnt */
    int64_t waiting; /* deliveries */
};

/* One step, however much waits: after it nothing keeps back what waits for its turn, and workers
 * look at the hook's lane at once. */
bool hook_store_change(struct session *session, const struct room_id *room, const char *hook_id,
                       enum hook_store_change change, struct hook_store_found *ret_found);

/* Makes the hook's retries due now, hundreds at a time. Those that a worker holds stay as they
 * are. */
bool hook_store_make_due(struct session *session, const struct room_id *room, const char *hook_id);

#endif
