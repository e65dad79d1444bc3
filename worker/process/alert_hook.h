/*
 * The hook that alerts go to, made of the settings alert-url and alert-secret-file.
 */
#ifndef PROCESS_ALERT_HOOK_H
#define PROCESS_ALERT_HOOK_H

#include "contract/bytes.h"
#include "contract/lane.h"
#include "settings/settings.h"

struct alert_hook {
    struct buffer json;   /* as in an event; empty: nobody is alerted. It may hold a secret */
    char lane[LANE_SIZE]; /* where its deliveries wait */
};

/* 0, or -1 with *why: the secret cannot be read, or is none. Release it in either case. */
int alert_hook_make(const struct settings *settings, struct alert_hook *ret_hook,
                    struct error_text *why);
void alert_hook_release(struct alert_hook *hook); /* also of a zeroed one */

#endif
