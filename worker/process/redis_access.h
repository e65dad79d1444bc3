/*
 * How Redis is reached: the address with the passwords of its files, and TLS with its files. They
 * are read again before a connect when they changed, so that passwords and certificates can be
 * replaced under a running worker. What cannot be read is logged, and what was read before stays in
 * use.
 */
#ifndef PROCESS_REDIS_ACCESS_H
#define PROCESS_REDIS_ACCESS_H

#include "base/file_mark.h"
#include "settings/settings.h"

struct ssl_ctx_st;

/* Zeroed but for settings, whose passwords are replaced. */
struct redis_access {
    struct settings *settings;
    struct ssl_ctx_st *tls; /* NULL without TLS; another one after a renewal */
    struct file_mark password;
    struct file_mark sentinel_password;
    struct file_mark files[3];
    struct error_text reported; /* "": all could be read */
};

int redis_access_init(struct redis_access *access, struct error_text *why); /* -1 with *why */
void redis_access_renew(struct redis_access *access);
void redis_access_release(struct redis_access *access);

#endif
