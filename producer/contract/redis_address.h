/*
 * Where Redis is:
 *
 *   redis://[[user]:password@]host[:port][/db]     port 6379, db 0
 *   rediss://…                                      the same over TLS
 *   unix:///path/to/socket[?db=n]                   user and password as ?user=…&password=…
 *   redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/db][?…]
 *                                                   ask these Sentinels (port 26379) for the
 *                                                   address of the master of this name, at every
 *                                                   connect; user and password are for Redis,
 *                                                   those of the Sentinels are
 *                                                   ?sentinel-user=…&sentinel-password=…
 *   rediss+sentinel://…                             the same, Redis and Sentinels over TLS
 *
 * User and password are percent-decoded. A user may stand alone ("user@host") when its password
 * comes from elsewhere. host may be a bracketed IPv6 address.
 */
#ifndef CONTRACT_REDIS_ADDRESS_H
#define CONTRACT_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

#define REDIS_DEFAULT_ADDRESS "redis://127.0.0.1:6379/0"
#define REDIS_CREDENTIAL_MAX 512

#define REDIS_SENTINELS_MAX 8

struct redis_host {
    char name[256]; /* an IPv6 address without its brackets */
    uint16_t port;
};

struct redis_address {
    bool tls;
    struct redis_host host; /* name "" for a unix socket or Sentinels */
    struct redis_host sentinels[REDIS_SENTINELS_MAX];
    int sentinels_len;                        /* 0: host or path is Redis itself */
    char master[65];                          /* "" without Sentinels: [A-Za-z0-9_.-]+ */
    char path[108];                           /* "" unless a unix socket; sun_path's size */
    char user[REDIS_CREDENTIAL_MAX];          /* "" for the default user */
    char password[REDIS_CREDENTIAL_MAX];      /* "" for none */
    int db;                                   /* 0..65535 */
    char sentinel_user[REDIS_CREDENTIAL_MAX]; /* as user and password, for the Sentinels */
    char sentinel_password[REDIS_CREDENTIAL_MAX];
};

/* 0, or -1 with *why set; the password is never quoted in it. */
int redis_address_parse(struct bytes text, struct redis_address *ret_address,
                        struct error_text *why);

/* scheme://host:port/db without user and password, for logs and messages. 400 bytes hold any but a
 * long list of Sentinels, which is cut. */
const char *redis_address_describe(const struct redis_address *address, char *out, size_t size);

#endif
