/*
 * Transports: what some hooks are reached by, so that keys need not lie in Redis. A section of the
 * settings file each:
 *
 *   [transport partner]
 *   cert = /etc/roomhook/partner.pem
 *   key = /etc/roomhook/partner.key
 */
#ifndef SETTINGS_TRANSPORT_H
#define SETTINGS_TRANSPORT_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdio.h>

#include "contract/bytes.h"
#include "contract/proxy.h"

#define TRANSPORTS_MAX 16
#define TRANSPORT_PATH_SIZE 256

struct transport {
    char name[RH_NAME_MAX + 1];
    char cert[TRANSPORT_PATH_SIZE]; /* ours, for the receiver; "" for none; PEM */
    char key[TRANSPORT_PATH_SIZE];
    char ca_file[TRANSPORT_PATH_SIZE]; /* "": the setting's; so is the proxy */
    bool has_proxy;
    struct proxy_address proxy;
};

/* Adds one of this section, "transport NAME". NULL with *why. */
struct transport *transport_begin(struct transport *transports, size_t *len, struct bytes section,
                                  struct error_text *why);

/* Takes a line of the section. -1 with *why. */
int transport_set(struct transport *transport, struct bytes name, struct bytes value,
                  struct error_text *why);

bool transport_is_same(const struct transport *a, const struct transport *b);
void transport_print(const struct transport *transport, FILE *out);

#endif
