/*
 * Settings: a field of struct settings and a row of the table for each. The row makes the flag
 * (--max-in-flight), the environment variable (ROOMHOOK_MAX_IN_FLIGHT), the key of the file
 * (max-in-flight), the range check, --help, --print-settings and the table in docs.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "contract/address_guard.h"
#include "contract/bytes.h"
#include "contract/keys.h"
#include "contract/proxy.h"
#include "contract/redis_address.h"
#include "settings/kind.h"
#include "settings/transport.h"

#define RETRY_SCHEDULE_MAX 64
#define STATUSES_MAX 64
#define PROCESSES_MAX 64
#define PROCESSES_AUTO 0

struct settings {
    struct redis_address redis;       /* redis; its password may come from redis-password-file */
    char redis_password_file[512];    /* "" for none; the credential's path when that was used */
    char sentinel_password_file[512]; /* "" for none */
    char redis_ca[512];               /* for rediss://; "" for the system's certificates */
    char redis_cert[512];             /* "" for none */
    char redis_key[512];
    char queue[RH_NAME_MAX + 1]; /* queue */
    int64_t max_in_flight;       /* 1..65536 */
    int64_t max_per_origin;
    int64_t max_per_address;
    int64_t max_per_endpoint;
    int64_t timeout_ms;         /* 100ms..5m */
    int64_t connect_timeout_ms; /* 100ms..timeout */
    struct address_rule allow_address[ADDRESS_RULES_MAX];
    size_t allow_address_len;
    bool https_only;
    struct proxy_address proxy;
    struct proxy_exception no_proxy[PROXY_EXCEPTIONS_MAX];
    size_t no_proxy_len;
    char proxy_password_file[512];             /* "" for none */
    char proxy_password[REDIS_CREDENTIAL_MAX]; /* from there */
    int64_t retry_schedule_ms[RETRY_SCHEDULE_MAX];
    size_t retry_schedule_len;
    int64_t retry_jitter_percent;     /* "20%" */
    int success_status[STATUSES_MAX]; /* each 300..599; so is each permanent one */
    size_t success_status_len;
    int permanent_status[STATUSES_MAX];
    size_t permanent_status_len;
    int64_t max_age_ms;
    int64_t retry_after_max_ms;
    int64_t disable_after_ms; /* 0: never */
    int64_t lane_max;
    int64_t dead_max;
    int64_t dead_max_bytes;
    int64_t max_event_bytes;
    int64_t max_response_bytes;
    char alert_url[1024];        /* "" for none */
    char alert_secret_file[512]; /* "" for none */
    int attempt_log;             /* enum attempt_log_what of queue/attempt_log.h */
    int64_t attempt_log_per_hook;
    int64_t attempt_log_max_bytes;
    int64_t keep_delivered_ms; /* 0: not at all */
    int64_t keep_delivered_max_bytes;
    int64_t processes; /* 1..PROCESSES_MAX, or PROCESSES_AUTO */
    int64_t heartbeat_ttl_ms;
    int64_t poison_after;
    int64_t drain_timeout_ms;
    char alive_file[512]; /* "" for none */
    bool core_dumps;
    enum log_level log_level;
    enum log_format log_format;
    char ca_file[512];                           /* the trusted certificates of receivers */
    struct transport transports[TRANSPORTS_MAX]; /* sections of the settings file */
    size_t transports_len;
    char config_file[512];               /* they were read from, besides; "" for none */
    char environment_proxy[32];          /* a variable that names one, or "" */
    struct error_text unknown_variables; /* "ROOMHOOK_QUEU (ROOMHOOK_QUEUE?), …", or "" */
    uint64_t outranked; /* bit n: row n was given by a flag or a variable, before the file */
};

extern const struct setting settings_table[];
extern const size_t settings_count; /* its rows */

/* Was the setting of this row given by a flag or a variable? */
bool setting_is_outranked(const struct settings *settings, size_t row);

/* NULL when there is none of that name. */
const struct setting *setting_find(struct bytes name);

/* The setting's name that is nearest to a mistyped one, or NULL when none is near. */
const char *setting_nearest(struct bytes name);

#define SETTING_VARIABLE_SIZE 64 /* room for any variable's name */

/* ROOMHOOK_MAX_IN_FLIGHT */
const char *setting_variable(const struct setting *setting, char out[SETTING_VARIABLE_SIZE]);

/* A sentence about something allowed but doubtful, or NULL; n counts from 0. */
const char *settings_warning(const struct settings *settings, int n, struct error_text *storage);

#endif
