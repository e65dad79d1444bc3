/*
 * An entry of an attempt log as JSON.
 */
#ifndef ADMIN_LOG_JSON_H
#define ADMIN_LOG_JSON_H

#include "admin/log/read.h"

const char *log_entry_hook(const struct log_entry *entry); /* its hook's id, or ":" and 16 hex */

/* As members of an object. */
void log_entry_put_json(struct buffer *out, const struct room_id *room,
                        const struct log_entry *entry);

#endif
