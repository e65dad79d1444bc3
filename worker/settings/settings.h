/*
 * Settings. One table in table.c makes the flag (--max-in-flight), the environment
 * variable (ROOMHOOK_MAX_IN_FLIGHT), the key of the file (max-in-flight), the range check, --help,
 * --print-settings and the table in docs. Order of precedence: flag, environment, file, default. A
 * list given by one source replaces that of a lower one as a whole.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "contract/address_guard.h"
#include "contract/bytes.h"
#include "contract/keys.h"
#include "contract/redis_address.h"

#define RETRY_SCHEDULE_MAX 64
#define PERMANENT_STATUS_MAX 64
#define PROCESSES_MAX 64
#define PROCESSES_AUTO 0

struct settings {
    struct redis_address redis;    /* redis; its password may come from redis-password-file */
    char redis_password_file[512]; /* "" for none; the credential's path when that was used */
    char redis_ca[512];            /* for rediss://; "" for the system's certificates */
    char redis_cert[512];          /* "" for none */
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
    int64_t retry_schedule_ms[RETRY_SCHEDULE_MAX];
    size_t retry_schedule_len;
    int64_t retry_jitter_percent;               /* "20%" */
    int permanent_status[PERMANENT_STATUS_MAX]; /* each 400..599 */
    size_t permanent_status_len;
    int64_t max_age_ms;
    int64_t retry_after_max_ms;
    int64_t disable_after_ms; /* 0: never */
    int64_t dead_max;
    int64_t dead_max_bytes;
    int64_t max_event_bytes;
    int64_t max_response_bytes;
    int64_t processes; /* 1..PROCESSES_MAX, or PROCESSES_AUTO */
    int64_t heartbeat_ttl_ms;
    int64_t poison_after;
    int64_t drain_timeout_ms;
    bool core_dumps;
    enum log_level log_level;
    enum log_format log_format;
    char ca_file[512]; /* the trusted certificates of receivers */
};

enum settings_action {
    SETTINGS_RUN,
    SETTINGS_CHECK,          /* --check: everything is valid; exit 0 */
    SETTINGS_PRINT,          /* --print-settings */
    SETTINGS_PRINT_MARKDOWN, /* --print-settings-table: what docs/ shows */
    SETTINGS_HELP,           /* --help */
    SETTINGS_VERSION         /* --version */
};

/*
 * Reads file (--config PATH or ROOMHOOK_CONFIG), environment and flags. 0, or -1 with *why naming
 * the setting, its value, where it came from and what is allowed, and the outputs untouched. A
 * connect-timeout above timeout is an error too, a schedule that exceeds max-age is a warning (see
 * settings_warning). Behind SETTINGS_HELP, _VERSION and _PRINT_MARKDOWN the settings are the
 * defaults.
 */
int settings_read(int argc, char **argv, char **environment, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error_text *why);

/* A sentence about something allowed but doubtful, or NULL; n counts from 0. */
const char *settings_warning(const struct settings *settings, int n, struct error_text *storage);

/* As a settings file; user and password of Redis are left out. */
void settings_print(const struct settings *settings, FILE *out);

void settings_print_markdown(FILE *out); /* the table of all settings for docs/ */
void settings_help(FILE *out);

#endif
