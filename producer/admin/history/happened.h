/*
 * What happened lately: hooks that opened, were disabled or recovered, workers that came and went,
 * another leader.
 */
#ifndef ADMIN_HISTORY_HAPPENED_H
#define ADMIN_HISTORY_HAPPENED_H

#include "admin/session.h"

/* Puts the newest ones into out, newest first, each as an object; next(context) comes before each,
 * false ends it. False with the failure reported. */
bool happened_put(struct session *session, int64_t limit, bool (*next)(void *context),
                  void *context, struct buffer *out);

#endif
