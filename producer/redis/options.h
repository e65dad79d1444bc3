/*
 * Where Redis is, by the flags and environment variables that the command line and the web service
 * have in common.
 */
#ifndef REDIS_OPTIONS_H
#define REDIS_OPTIONS_H

#include <stdbool.h>

#include "base/flags.h"
#include "contract/keys.h"
#include "contract/redis_address.h"
#include "redis/tls.h"

/* The rows of the flags, for the programs' tables. */
#define REDIS_OPTIONS_SPECS                                                                        \
    {"redis", "URL", "where Redis is (ROOMHOOK_REDIS; default " REDIS_DEFAULT_ADDRESS ")", false}, \
        {"redis-password-file", "FILE", "its password (ROOMHOOK_REDIS_PASSWORD_FILE)", false},     \
        {"sentinel-password-file", "FILE",                                                         \
         "password of the Sentinels, if any (ROOMHOOK_SENTINEL_PASSWORD_FILE)", false},            \
        {"redis-ca", "FILE", "CA certificates for TLS; default the system's (ROOMHOOK_REDIS_CA)",  \
         false},                                                                                   \
        {"redis-cert", "FILE", "client certificate, if Redis requires one (ROOMHOOK_REDIS_CERT)",  \
         false},                                                                                   \
        {"redis-key", "FILE", "the certificate's key (ROOMHOOK_REDIS_KEY)", false},                \
    {                                                                                              \
        "queue", "NAME", "the queue (ROOMHOOK_QUEUE; default webhooks)", false                     \
    }

struct redis_options {
    const char *url;                    /* without the passwords of files */
    const char *password_file;          /* NULL: none */
    const char *sentinel_password_file; /* the same */
    struct redis_address address;       /* to be wiped */
    struct tls_files tls;
    struct keys keys;
};

typedef void redis_options_warn_fn(void *context, const char *text);

#define REDIS_OPTIONS_USAGE (-1) /* what was given is not valid */
#define REDIS_OPTIONS_FILE (-2)  /* the password file cannot be used */

/* 0, or one of these with *why. Texts are borrowed from the flags and the environment. */
int redis_options_read(const struct flags *flags, redis_options_warn_fn *warn, void *context,
                       struct redis_options *ret_options, struct error_text *why);

/* A flag's value: given, else from the environment (empty means not set), else fallback. */
const char *redis_options_value(const struct flags *flags, const char *flag, const char *variable,
                                const char *fallback);

/* Warns of each variable that is nearly one of ours. more are the program's own besides those
 * above, NULL at the end; or NULL. Others are left alone: workers have more of them. */
void redis_options_warn_of_variables(char **environment, const char *const *more,
                                     redis_options_warn_fn *warn, void *context);

#endif
