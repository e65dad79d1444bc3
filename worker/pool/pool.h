/*
 * A pool: the process that was started is the parent of as many workers as `processes` says. It
 * starts them, restarts those that crash, stops them and waits for them, and speaks to
 * the service manager for all.
 *
 * The parent has no connection and no descriptor of its own, and reads nothing that a stranger
 * wrote. It forks before any library has state or threads, so that a worker is what a lone one is;
 * the settings are in its memory already. Workers of a pool know nothing of one another: they meet
 * in Redis, as those of different machines do.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/notify.h"
#include "settings/settings.h"

/* How many processes the settings ask for, on this machine. */
int pool_processes(const struct settings *settings);

/* Runs until all workers have ended: after SIGTERM or SIGINT, or when one said at its start that it
 * cannot run (pool/rules.h). A second signal ends them at once. The exit code is the worst of the
 * workers'. Returns in each worker too, with the worker's own. */
int pool_run(struct settings *settings, const struct notify_request *notify, int processes);

#endif
