/*
 * The HTTP clients: one for hooks without a transport, and one for each transport of the settings.
 * A client has its own connections, sessions of TLS and certificate, so that what is known by one
 * is never used by another.
 */
#ifndef DELIVERY_TRANSPORTS_H
#define DELIVERY_TRANSPORTS_H

#include "http/client.h"
#include "settings/settings.h"

struct transports {
    const struct settings *settings; /* outlives it */
    struct http_client *main;
    struct http_client *named[TRANSPORTS_MAX]; /* as settings->transports */
    size_t len;
};

/* Zeroed before. main: the client without a transport. -1 with *why. */
int transports_init(struct transports *transports, struct loop *loop,
                    const struct settings *settings, const struct http_client_config *main,
                    struct error_text *why);
void transports_release(struct transports *transports);

/* NULL: the settings have none of this name. name NULL: the one without. */
struct http_client *transports_find(const struct transports *transports, const char *name);

void transports_look(struct transports *transports); /* at files that may have changed */

#endif
