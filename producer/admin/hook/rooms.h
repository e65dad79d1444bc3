/*
 * The rooms that have hooks.
 */
#ifndef ADMIN_HOOK_ROOMS_H
#define ADMIN_HOOK_ROOMS_H

#include "admin/session.h"

struct rooms {
    struct room_id *ids; /* in their order */
    size_t len;
    size_t cap;
};

/* Walks over all keys of the database. False with the failure reported, and nothing to release. */
bool rooms_find(struct session *session, struct rooms *ret_rooms);
void rooms_release(struct rooms *rooms);

#endif
