/*
 * Reports the state of a program to the service manager, by the protocol of sd_notify(3): one
 * datagram with a few words, to the socket that the manager named. The manager restarts a program
 * whose loop hangs (WatchdogSec), and knows when it is ready and why it takes long to start or to
 * stop. Where a manager runs a command instead, the same is written to a file (alive_file.h).
 *
 * The protocol is documented as stable, and this is all of it that is needed. libsystemd would
 * bring its compression and crypto libraries into a process that talks to strangers.
 *
 * Each message has the whole state, so that one that was lost does not matter: nothing is waited
 * for, and a manager that does not read cannot stop the loop.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/loop.h"
#include "contract/bytes.h"

#define NOTIFY_TEXT_SIZE 256

/* What the manager asked for. */
struct notify_request {
    struct sockaddr_un address;
    socklen_t address_len; /* 0: nobody listens */
    int64_t watchdog_ms;   /* 0: no watchdog */
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. -1 with *why when the first or second is not
 * usable: then nothing is sent. */
int notify_request_read(struct notify_request *ret_request, struct error_text *why);

/* How often to send. */
int64_t notify_tick_ms(const struct notify_request *request);

/* One message, by a socket that is closed again: for a pool's parent, which has no loop, and which
 * leaves no descriptor to its children. */
void notify_send(const struct notify_request *request, const char *text);

struct notify;

/* Makes the message: lines of NAME=value, joined by '\n'. */
typedef void notify_put_fn(void *context, char text[NOTIFY_TEXT_SIZE]);

/* Sends a message now and at each tick of the loop. request may be a zeroed one: then none is sent.
 * alive_file: "" for none. NULL: no memory or descriptor. */
struct notify *notify_new(struct loop *loop, const struct notify_request *request,
                          const char *alive_file, notify_put_fn *put, void *context);
void notify_free(struct notify *notify); /* NULL allowed */

void notify_now(struct notify *notify); /* something changed */

#endif
