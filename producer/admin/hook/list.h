/*
 * The hooks of a room, with what workers learnt about each.
 */
#ifndef ADMIN_HOOK_LIST_H
#define ADMIN_HOOK_LIST_H

#include "admin/hook/state.h"
#include "admin/session.h"
#include "contract/hook.h"

struct hook_listed {
    struct bytes id;                  /* empty when the room's key is no hash */
    const struct hook *hook;          /* NULL: it is not valid, for instance one set by hand */
    const struct stored_state *state; /* of this URL and these credentials */
    const char *why;                  /* it is not valid */
};

/* Called for each. 0 to go on, or -1: no memory. */
typedef int hook_listed_fn(void *context, const struct hook_listed *listed);

/* False with the failure reported. */
bool hooks_list(struct session *session, const struct room_id *room, hook_listed_fn *fn,
                void *context);

#endif
