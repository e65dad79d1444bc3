/*
 * One worker process: its connections, liveness, pipeline and drain on one loop.
 */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "process/notify.h"
#include "process/slots.h"
#include "settings/settings.h"

/* Runs until it is told to stop by SIGTERM or SIGINT. The exit code: 0 when everything was stored,
 * 1 when it could not start (the log tells why) or something stays pending. A second signal exits
 * at once, but in a pool, where the parent sees to that. notify: the service manager to be told.
 * place: in a pool, else NULL; there SIGTERM and SIGINT are blocked until somebody listens. */
int worker_run(struct settings *settings, const struct notify_request *notify,
               const struct pool_place *place);

#endif
