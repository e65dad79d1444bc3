/*
 * The HTTP clients: one for hooks without a transport, and one for each transport of the settings.
 * A client has its own connections, sessions of TLS and certificate, so that what is known by one
 * is never used by another.
 */
#ifndef DELIVERY_TRANSPORTS_H
#define DELIVERY_TRANSPORTS_H

#include <sys/queue.h>

#include "http/client.h"
#include "settings/settings.h"

struct transport_client;
TAILQ_HEAD(transport_clients, transport_client);

struct transports {
    struct loop *loop;
    const struct settings *settings; /* outlives it */
    struct http_client_config config;
    struct http_client *main;
    struct transport_clients named;
    struct transport_clients retired; /* their last transfers are under way */
};

/* Zeroed before. config: of the client without a transport. -1 with *why. */
int transports_init(struct transports *transports, struct loop *loop,
                    const struct settings *settings, const struct http_client_config *config,
                    struct error_text *why);
void transports_release(struct transports *transports); /* also of a zeroed one */

/* NULL: the settings have none of this name. name NULL: the one without. */
struct http_client *transports_find(const struct transports *transports, const char *name);

/* The settings changed. What is under way ends as it began. */
void transports_changed(struct transports *transports);

void transports_look(struct transports *transports); /* at files that may have changed */

#endif
