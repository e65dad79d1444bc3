#include "settings/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/certificate_file.h"
#include "base/file_mark.h"
#include "base/spelling.h"
#include "contract/parse.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define FIELD(field) .offset = offsetof(struct settings, field)
#define MEMBER(field) (((struct settings *)NULL)->field)
#define TEXT_FIELD(field) FIELD(field), .max = sizeof(MEMBER(field)) - 1
#define LIST_FIELD(items, len)                                                  \
    FIELD(items), .list_len_offset = offsetof(struct settings, len),            \
                  .list_max = sizeof(MEMBER(items)) / sizeof(MEMBER(items)[0]), \
                  .item_size = sizeof(MEMBER(items)[0])

static const char *const automatic[] = {"auto", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const attempt_logs[] = {"all", "failures", "off", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};

/* A row is read as a row. */
/* clang-format off */
const struct setting settings_table[] = {
    {.group = "Queue", .name = "redis", .kind = KIND_REDIS, FIELD(redis),
     .default_text = REDIS_DEFAULT_ADDRESS,
     .help = "where Redis is: a redis://, rediss:// (TLS), unix:// or redis+sentinel:// URL"},
    {.group = "Queue", .name = "redis-password-file", .kind = KIND_PATH,
     TEXT_FIELD(redis_password_file), .default_text = "",
     .help = "file with the Redis password; default: $CREDENTIALS_DIRECTORY/redis-password"},
    {.group = "Queue", .name = "sentinel-password-file", .kind = KIND_PATH,
     TEXT_FIELD(sentinel_password_file), .default_text = "",
     .help = "file with the password of the Sentinels, if they have one"},
    {.group = "Queue", .name = "redis-ca", .kind = KIND_PATH, TEXT_FIELD(redis_ca),
     .default_text = "",
     .help = "CA certificates for rediss://, a PEM file; default: the system's"},
    {.group = "Queue", .name = "redis-cert", .kind = KIND_PATH, TEXT_FIELD(redis_cert),
     .default_text = "", .help = "client certificate for rediss://, a PEM file; needs redis-key"},
    {.group = "Queue", .name = "redis-key", .kind = KIND_PATH, TEXT_FIELD(redis_key),
     .default_text = "", .help = "the key of redis-cert, a PEM file, not encrypted"},
    {.group = "Queue", .name = "queue", .kind = KIND_QUEUE, FIELD(queue),
     .default_text = "webhooks", .help = "queue to work on; the group is always \"workers\""},

    {.group = "Deliveries", .name = "max-in-flight", .kind = KIND_INTEGER, FIELD(max_in_flight),
     .min = 1, .max = 65536, .default_text = "512", .help = "concurrent requests, in total"},
    {.group = "Deliveries", .name = "max-per-origin", .kind = KIND_INTEGER, FIELD(max_per_origin),
     .min = 1, .max = 65536, .default_text = "64",
     .help = "concurrent requests to one scheme, host and port"},
    {.group = "Deliveries", .name = "max-per-address", .kind = KIND_INTEGER,
     FIELD(max_per_address), .min = 1, .max = 65536, .default_text = "128",
     .help = "concurrent requests to one IPv4 address or IPv6 /56, whatever its names"},
    {.group = "Deliveries", .name = "max-per-endpoint", .kind = KIND_INTEGER,
     FIELD(max_per_endpoint), .min = 1, .max = 65536, .default_text = "16",
     .help = "concurrent requests to one URL"},
    {.group = "Deliveries", .name = "timeout", .kind = KIND_DURATION, FIELD(timeout_ms),
     .min = 100, .max = 5 * MINUTE, .default_text = "15s",
     .help = "deadline of a request, from the name lookup to the answer"},
    {.group = "Deliveries", .name = "connect-timeout", .kind = KIND_DURATION,
     FIELD(connect_timeout_ms), .min = 100, .max = 5 * MINUTE, .default_text = "5s",
     .help = "deadline for connecting, at most timeout"},
    {.group = "Deliveries", .name = "max-event-bytes", .kind = KIND_SIZE, FIELD(max_event_bytes),
     .min = KIB, .max = 16 * MIB, .default_text = "256k",
     .help = "larger events become dead letters"},
    {.group = "Deliveries", .name = "max-response-bytes", .kind = KIND_SIZE,
     FIELD(max_response_bytes), .min = KIB, .max = 16 * MIB, .default_text = "64k",
     .help = "how many bytes of an answer are read"},

    {.group = "Receivers", .name = "allow-address", .reloads = true,
     .kind = KIND_ADDRESS,
     LIST_FIELD(allow_address, allow_address_len), .default_text = "none",
     .help = "private addresses that webhooks may reach; may be given again"},
    {.group = "Receivers", .name = "https-only", .kind = KIND_BOOL, FIELD(https_only),
     .default_text = "no", .help = "refuse webhooks over plain http"},
    {.group = "Receivers", .name = "proxy", .kind = KIND_PROXY, FIELD(proxy), .default_text = "",
     .help = "proxy that webhooks go through"},
    {.group = "Receivers", .name = "proxy-password-file", .kind = KIND_PATH,
     TEXT_FIELD(proxy_password_file), .default_text = "",
     .help = "file with the password of the proxy's user"},
    {.group = "Receivers", .name = "no-proxy", .kind = KIND_EXCEPTION,
     LIST_FIELD(no_proxy, no_proxy_len), .default_text = "none",
     .help = "receivers that are connected to directly; a name includes all names below it"},
    {.group = "Receivers", .name = "ca-file", .kind = KIND_PATH, TEXT_FIELD(ca_file), .min = 1,
     .default_text = "/etc/ssl/certs/ca-certificates.crt",
     .help = "CA certificates that receivers are verified with"},

    {.group = "Retries", .name = "retry-schedule", .reloads = true,
     .kind = KIND_DURATION,
     LIST_FIELD(retry_schedule_ms, retry_schedule_len), .list_min = 1,
     .min = 1, .max = 30 * DAY, .default_text = "5s,5m,30m,2h,5h,10h,14h,20h,24h",
     .help = "delay after the 1st, 2nd, ... failed attempt; after the last it is a dead letter"},
    {.group = "Retries", .name = "retry-jitter", .reloads = true,
     .kind = KIND_PERCENT,
     FIELD(retry_jitter_percent), .max = 100, .default_text = "20%",
     .help = "random variation of a delay"},
    {.group = "Retries", .name = "retry-after-max", .reloads = true,
     .kind = KIND_DURATION,
     FIELD(retry_after_max_ms), .min = SECOND, .max = 30 * DAY, .default_text = "24h",
     .help = "longest Retry-After that is honoured"},
    {.group = "Retries", .name = "max-age", .reloads = true,
     .kind = KIND_DURATION, FIELD(max_age_ms),
     .min = SECOND, .max = 365 * DAY, .default_text = "5d",
     .help = "older deliveries are not retried"},
    {.group = "Retries", .name = "disable-after", .reloads = true,
     .kind = KIND_DURATION, FIELD(disable_after_ms),
     .min = 0, .max = 365 * DAY, .default_text = "5d",
     .help = "a hook that fails for this long without a success is disabled; 0 for never"},
    {.group = "Retries", .name = "success-status", .reloads = true,
     .kind = KIND_STATUS,
     LIST_FIELD(success_status, success_status_len), .min = 300,
     .max = 599, .default_text = "none",
     .help = "statuses besides 200 to 299 that count as delivered"},
    {.group = "Retries", .name = "permanent-status", .reloads = true,
     .kind = KIND_STATUS,
     LIST_FIELD(permanent_status, permanent_status_len), .min = 300,
     .max = 599, .default_text = "400,405,411,413,414,415,422,431,501",
     .help = "statuses that make a delivery a dead letter at once"},

    {.group = "Dead letters", .name = "dead-max", .reloads = true,
     .kind = KIND_INTEGER, FIELD(dead_max), .min = 1,
     .max = 1000000000, .default_text = "100000",
     .help = "dead letters that are kept, the newest"},
    {.group = "Dead letters", .name = "lane-max", .reloads = true,
     .kind = KIND_INTEGER, FIELD(lane_max), .min = 1,
     .max = 1000000000, .default_text = "1000000",
     .help = "deliveries waiting for one hook; beyond, the oldest untried is a dead letter"},
    {.group = "Dead letters", .name = "dead-max-bytes", .reloads = true,
     .kind = KIND_SIZE, FIELD(dead_max_bytes),
     .min = MIB, .max = 1024 * GIB, .default_text = "1g",
     .help = "memory that dead letters may use"},

    {.group = "Alerts", .name = "alert-url", .kind = KIND_URL, TEXT_FIELD(alert_url),
     .default_text = "",
     .help = "where to report hooks that fail or are disabled, and dead letters"},
    {.group = "Alerts", .name = "alert-secret-file", .kind = KIND_PATH,
     TEXT_FIELD(alert_secret_file), .default_text = "",
     .help = "file with the secret (whsec_...) that signs alerts"},

    {.group = "Attempt log", .name = "attempt-log", .reloads = true,
     .kind = KIND_CHOICE, FIELD(attempt_log),
     .words = attempt_logs, .default_text = "all",
     .help = "attempts whose outcome is kept in Redis, for each hook"},
    {.group = "Attempt log", .name = "attempt-log-per-hook", .reloads = true,
     .kind = KIND_INTEGER, FIELD(attempt_log_per_hook), .min = 1,
     .max = 100000, .default_text = "200",
     .help = "attempts that are kept of each hook, at least; the newest"},
    {.group = "Attempt log", .name = "attempt-log-max-bytes", .reloads = true,
     .kind = KIND_SIZE, FIELD(attempt_log_max_bytes),
     .min = MIB, .max = 1024 * GIB, .default_text = "128m",
     .help = "memory that all logs may use; those written longest ago are deleted first"},

    {.group = "Resend", .name = "keep-delivered", .reloads = true,
     .kind = KIND_DURATION, FIELD(keep_delivered_ms),
     .min = 0, .max = 30 * DAY, .default_text = "0",
     .help = "how long delivered events are kept for `roomhook resend`; 0: not at all"},
    {.group = "Resend", .name = "keep-delivered-max-bytes", .reloads = true,
     .kind = KIND_SIZE, FIELD(keep_delivered_max_bytes),
     .min = MIB, .max = 1024 * GIB, .default_text = "256m",
     .help = "memory that kept events may use; the oldest are deleted first"},

    {.group = "Worker", .name = "processes", .kind = KIND_INTEGER, FIELD(processes),
     .words = automatic, .min = 1, .max = PROCESSES_MAX, .default_text = "1",
     .help = "worker processes, each with all limits above; auto: one per available processor"},
    {.group = "Worker", .name = "heartbeat-ttl", .kind = KIND_DURATION, FIELD(heartbeat_ttl_ms),
     .min = 3 * SECOND, .max = 5 * MINUTE, .default_text = "15s",
     .help = "a worker silent for this long is dead: others take over its deliveries"},
    {.group = "Worker", .name = "poison-after", .reloads = true,
     .kind = KIND_INTEGER, FIELD(poison_after),
     .min = 1, .max = 100, .default_text = "5",
     .help = "isolated runs after which an event that crashes workers becomes a dead letter"},
    {.group = "Worker", .name = "drain-timeout", .reloads = true,
     .kind = KIND_DURATION, FIELD(drain_timeout_ms),
     .min = 0, .max = HOUR, .default_text = "30s",
     .help = "time for requests in flight to finish when the worker is stopped"},
    {.group = "Worker", .name = "alive-file", .kind = KIND_PATH, TEXT_FIELD(alive_file),
     .default_text = "",
     .help = "file to write every 5 s while the event loop runs, for --alive"},
    {.group = "Worker", .name = "core-dumps", .kind = KIND_BOOL, FIELD(core_dumps),
     .default_text = "no",
     .help = "allow core dumps and debuggers; a dump holds messages and secrets"},
    {.group = "Worker", .name = "log-level", .reloads = true,
     .kind = KIND_CHOICE, FIELD(log_level),
     .words = log_levels, .default_text = "info",
     .help = "least severe level that is logged"},
    {.group = "Worker", .name = "log-format", .reloads = true,
     .kind = KIND_CHOICE, FIELD(log_format),
     .words = log_formats, .default_text = "logfmt", .help = "format of log lines"},
};
/* clang-format on */

const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

_Static_assert(sizeof(settings_table) / sizeof(settings_table[0]) <= 64,
               "a row has a bit of settings.outranked");

bool setting_is_outranked(const struct settings *settings, size_t row)
{
    return (settings->outranked >> row & 1) != 0;
}

const struct setting *setting_find(struct bytes name)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (bytes_equal_text(name, settings_table[i].name))
            return &settings_table[i];
    }
    return NULL;
}

const char *setting_nearest(struct bytes name)
{
    struct spelling spelling = spelling_of(name);

    for (size_t i = 0; i < settings_count; i++)
        spelling_offer(&spelling, settings_table[i].name);
    return spelling.nearest;
}

const char *setting_variable(const struct setting *setting, char out[SETTING_VARIABLE_SIZE])
{
    size_t len = (size_t)snprintf(out, SETTING_VARIABLE_SIZE, "ROOMHOOK_%s", setting->name);

    for (size_t i = 0; i < len; i++) {
        if (out[i] == '-')
            out[i] = '_';
        else if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    }
    return out;
}

/* --- what is allowed but doubtful --- */

/* Each says whether there is something to warn of, and says it in *text. */
typedef bool (*warning_fn)(const struct settings *settings, struct error_text *text);

static bool warn_schedule_exceeds_age(const struct settings *settings, struct error_text *text)
{
    int64_t sum_ms = 0; /* at most 64 delays of 30 days */
    char sum[32];
    char max_age[32];

    for (size_t i = 0; i < settings->retry_schedule_len; i++)
        sum_ms += settings->retry_schedule_ms[i];
    if (sum_ms <= settings->max_age_ms)
        return false;
    if (sum_ms > HOUR)
        sum_ms -= sum_ms % HOUR; /* else it might be shown in seconds */
    error_text_set(
        text,
        "retry-schedule adds up to %s or more, but max-age ends a delivery after %s: the last "
        "attempts are never made",
        format_duration(sum_ms, sum, sizeof(sum)),
        format_duration(settings->max_age_ms, max_age, sizeof(max_age)));
    return true;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static bool warn_password_in_clear(const struct settings *settings, struct error_text *text)
{
    const struct redis_address *redis = &settings->redis;
    char address[400];

    if (redis->password[0] == '\0' || redis->path[0] != '\0' || redis->tls ||
        is_loopback(redis->host.name))
        return false;
    error_text_set(text, "the Redis password goes over the network in clear to %s",
                   redis_address_describe(redis, address, sizeof(address)));
    return true;
}

static bool warn_everything_allowed(const struct settings *settings, struct error_text *text)
{
    for (size_t i = 0; i < settings->allow_address_len; i++) {
        if (settings->allow_address[i].prefix_len > 0)
            continue;
        error_text_set(text,
                       "allow-address holds %s: webhooks may reach every private address, this "
                       "machine included",
                       settings->allow_address[i].is_ipv4 ? "0.0.0.0/0" : "::/0");
        return true;
    }
    return false;
}

static bool warn_ca_file_useless(const struct settings *settings, struct error_text *text)
{
    int certificates = certificate_file_count(settings->ca_file);
    char shown[128];

    if (certificates > 0)
        return false;
    error_text_set(text, "ca-file \"%s\" %s: no webhook over https can be delivered",
                   bytes_printable(bytes_of(settings->ca_file), shown, sizeof(shown)),
                   certificates < 0 ? "cannot be read"
                                    : "holds no certificates, or one that is not valid");
    return true;
}

static bool warn_unknown_variables(const struct settings *settings, struct error_text *text)
{
    if (settings->unknown_variables.text[0] == '\0')
        return false;
    error_text_set(text, "no settings: %s", settings->unknown_variables.text);
    return true;
}

static bool warn_readable(const char *name, const char *path, struct error_text *text)
{
    char shown[128];

    if (path[0] == '\0' || !file_is_open_to_all(path))
        return false;
    error_text_set(text, "%s \"%s\" holds a secret, and every user of this machine may read it",
                   name, bytes_printable(bytes_of(path), shown, sizeof(shown)));
    return true;
}

static bool warn_password_file_readable(const struct settings *settings, struct error_text *text)
{
    return warn_readable("redis-password-file", settings->redis_password_file, text);
}

static bool warn_sentinel_file_readable(const struct settings *settings, struct error_text *text)
{
    return warn_readable("sentinel-password-file", settings->sentinel_password_file, text);
}

static bool warn_key_readable(const struct settings *settings, struct error_text *text)
{
    return warn_readable("redis-key", settings->redis_key, text);
}

static bool warn_proxy_password_readable(const struct settings *settings, struct error_text *text)
{
    return warn_readable("proxy-password-file", settings->proxy_password_file, text);
}

static bool warn_transport_key_readable(const struct settings *settings, struct error_text *text)
{
    for (size_t i = 0; i < settings->transports_len; i++) {
        if (warn_readable("key", settings->transports[i].key, text))
            return true;
    }
    return false;
}

static bool warn_environment_proxy(const struct settings *settings, struct error_text *text)
{
    if (settings->environment_proxy[0] == '\0' || settings->proxy.origin[0] != '\0')
        return false;
    error_text_set(text, "%s in the environment is not used: the setting is proxy",
                   settings->environment_proxy);
    return true;
}

/* When the password came from there. */
static bool warn_config_readable(const struct settings *settings, struct error_text *text)
{
    const struct redis_address *redis = &settings->redis;
    bool holds_one =
        (redis->password[0] != '\0' && settings->redis_password_file[0] == '\0') ||
        (redis->sentinel_password[0] != '\0' && settings->sentinel_password_file[0] == '\0');
    return holds_one &&
           !setting_is_outranked(settings,
                                 (size_t)(setting_find(BYTES("redis")) - settings_table)) &&
           warn_readable("config", settings->config_file, text);
}

const char *settings_warning(const struct settings *settings, int n, struct error_text *storage)
{
    static const warning_fn warnings[] = {
        warn_schedule_exceeds_age,    warn_password_in_clear,      warn_everything_allowed,
        warn_ca_file_useless,         warn_password_file_readable, warn_key_readable,
        warn_proxy_password_readable, warn_environment_proxy,      warn_transport_key_readable,
        warn_config_readable,         warn_unknown_variables,      warn_sentinel_file_readable,
    };

    for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
        if (warnings[i](settings, storage) && n-- == 0)
            return storage->text;
    }
    return NULL;
}
