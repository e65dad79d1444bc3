/*
 * Dead letters put back on the queue, or deleted for good, by their ids. Each is one step in Redis:
 * what others did with a letter meanwhile is found out, and no harm.
 */
#ifndef ADMIN_DEAD_MOVE_H
#define ADMIN_DEAD_MOVE_H

#include "admin/dead/scan.h"
#include "admin/session.h"

/* Replays up to SESSION_BATCH letters. *ret_events has for each the id that its event has in the
 * stream now, why it is left where it is, or nothing when there is no such letter. The caller's.
 * False with the failure reported. */
bool dead_replay(struct session *session, const struct bytes *ids, size_t ids_len,
                 struct reply **ret_events);

/* The same for deleting: 1 for each that was there. */
bool dead_purge(struct session *session, const struct bytes *ids, size_t ids_len,
                struct reply **ret_purged);

/* Is only the beginning of its document there? Then it cannot be replayed. */
bool dead_is_cut(const struct dead_entry *entry);

#endif
