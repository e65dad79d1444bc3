/*
 * Tells a service manager how the worker is, by the protocol of sd_notify(3): one datagram with a
 * few words, to the socket that the manager named. The manager restarts a worker whose loop has
 * hung (WatchdogSec), and knows when it is ready and why it takes long to start or to stop.
 *
 * The protocol is documented as stable, and this is all of it that is needed. libsystemd would
 * bring its compression and crypto libraries into a process that talks to strangers.
 *
 * Each message tells the whole state, so that one that was lost does not matter: nothing is waited
 * for, and a manager that does not read cannot stop the loop.
 */
#ifndef PROCESS_NOTIFY_H
#define PROCESS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/loop.h"
#include "contract/bytes.h"
#include "process/state.h"

/* What the manager asked for. */
struct notify_request {
    struct sockaddr_un address;
    socklen_t address_len; /* 0: nobody listens */
    int64_t watchdog_ms;   /* 0: no watchdog */
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. -1 with *why when the first or second is not
 * usable: then nothing is sent. */
int notify_request_read(struct notify_request *ret_request, struct error_text *why);

/* How often to tell. */
int64_t notify_tick_ms(const struct notify_request *request);

struct notify_words {
    enum process_state state;
    const char *detail; /* behind the state, like ", 2 of 3 workers"; short */
    size_t in_flight;
    bool turns; /* false: something hangs, so the watchdog is not fed */
};

/* One message, by a socket that is closed again: for a pool's parent, which has no loop, and which
 * leaves no descriptor to its children. */
void notify_say(const struct notify_request *request, const struct notify_words *words);

struct notify;

/* Begins in PROCESS_STARTING. in_flight is asked for the status text. NULL: no memory or
 * descriptor. request may be a zeroed one; then nothing is sent. */
struct notify *notify_new(struct loop *loop, const struct notify_request *request,
                          size_t (*in_flight)(void *context), void *context);
void notify_free(struct notify *notify); /* NULL allowed */

void notify_change(struct notify *notify, enum process_state state);

#endif
