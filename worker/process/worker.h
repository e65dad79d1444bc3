/*
 * One worker process: its connections, liveness, pipeline and drain on one loop.
 */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "base/notify.h"
#include "process/slots.h"
#include "settings/settings.h"

/* Runs until SIGTERM or SIGINT. The exit code: 0 when everything was stored,
 * 1 when it could not start (the log says why) or something stays pending. A second signal exits
 * at once, except in a pool, where the parent does that. notify: the service manager. place: in a
 * pool, else NULL; there SIGTERM and SIGINT are blocked until they have handlers. */
int worker_run(struct settings *settings, const struct notify_request *notify,
               const struct pool_place *place);

#endif
