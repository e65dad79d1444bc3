#include <string.h>
#include <unistd.h>

#include "contract/parse.h"
#include "settings/settings.h"

#define HOUR_MS INT64_C(3600000)

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
    if (sum_ms > HOUR_MS)
        sum_ms -= sum_ms % HOUR_MS; /* else it might be told in seconds */
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

static bool warn_ca_file_unreadable(const struct settings *settings, struct error_text *text)
{
    char shown[128];

    if (access(settings->ca_file, R_OK) == 0)
        return false;
    error_text_set(text, "ca-file \"%s\" cannot be read: no webhook over https can be delivered",
                   bytes_printable(bytes_of(settings->ca_file), shown, sizeof(shown)));
    return true;
}

const char *settings_warning(const struct settings *settings, int n, struct error_text *storage)
{
    static const warning_fn warnings[] = {
        warn_schedule_exceeds_age,
        warn_password_in_clear,
        warn_everything_allowed,
        warn_ca_file_unreadable,
    };

    for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
        if (warnings[i](settings, storage) && n-- == 0)
            return storage->text;
    }
    return NULL;
}
