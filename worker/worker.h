/*
 * One worker process: its connections, liveness, pipeline and drain on one loop.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "notify.h"
#include "settings.h"

/* Runs until it is told to stop by SIGTERM or SIGINT. The exit code: 0 when everything was stored,
 * 1 when it could not start (the log tells why) or something stays pending. A second signal exits
 * at once. notify: the service manager to be told. */
int worker_run(const struct settings *settings, const struct notify_request *notify);

#endif
