/*
 * Removing a hook of a room. Workers bury what waits for it.
 */
#ifndef ADMIN_HOOK_REMOVE_H
#define ADMIN_HOOK_REMOVE_H

#include "admin/hook/change.h"

/* ADMIN_MISSING when there was none, and nothing was left of one. Else the failure is reported. */
enum admin_result hook_remove(struct session *session, const struct hook_target *target);

#endif
