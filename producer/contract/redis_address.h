/*
 * Where Redis is:
 *
 *   redis://[[user]:password@]host[:port][/db]     port 6379, db 0
 *   rediss://…                                      the same over TLS
 *   unix:///path/to/socket[?db=n]                   user and password as ?user=…&password=…
 *
 * User and password are percent-decoded. host may be a bracketed IPv6 address.
 */
#ifndef CONTRACT_REDIS_ADDRESS_H
#define CONTRACT_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define REDIS_DEFAULT_ADDRESS "redis://127.0.0.1:6379/0"
#define REDIS_CREDENTIAL_MAX 512

struct redis_address {
    bool tls;
    char host[256]; /* "" for a unix socket */
    uint16_t port;
    char path[108];                      /* "" unless a unix socket; sun_path's size */
    char user[REDIS_CREDENTIAL_MAX];     /* "" for the default user */
    char password[REDIS_CREDENTIAL_MAX]; /* "" for none */
    int db;                              /* 0..65535 */
};

/* 0, or -1 with *why told; the password is never quoted in it. */
int redis_address_parse(struct bytes text, struct redis_address *ret_address,
                        struct error_text *why);

/* scheme://host:port/db without user and password, for logs and messages. At least 400 bytes. */
const char *redis_address_describe(const struct redis_address *address, char *out, size_t size);

#endif
