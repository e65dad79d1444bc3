#include "settings/draft.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "contract/parse.h"
#include "settings/value.h"

void settings_draft_init(struct settings_draft *draft)
{
    const struct setting_source source = {.origin = SETTING_DEFAULT};
    struct error_text why;

    memset(draft, 0, sizeof(*draft));
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        struct bytes text = bytes_of(settings_table[i].default_text);
        int rc = settings_draft_set(draft, &settings_table[i], text, &source, &why);

        assert(rc == 0);
        (void)rc;
    }
}

const char *settings_path_shown(const char *path, char out[SETTINGS_PATH_SIZE])
{
    static const char cut[] = "…";
    size_t cut_len = sizeof(cut) - 1;
    size_t len = strlen(path);

    if (len < SETTINGS_PATH_SIZE)
        return bytes_printable(bytes_of(path), out, SETTINGS_PATH_SIZE);
    path += len - (SETTINGS_PATH_SIZE - cut_len - 1);
    memcpy(out, cut, cut_len);
    bytes_printable(bytes_of(path), out + cut_len, SETTINGS_PATH_SIZE - cut_len);
    return out;
}

static const char *describe_source(const struct setting *setting,
                                   const struct setting_source *source, char *out, size_t size)
{
    char path[SETTINGS_PATH_SIZE];
    char variable[SETTING_VARIABLE_SIZE];

    switch (source->origin) {
    case SETTING_FILE:
        snprintf(out, size, "%s:%d", settings_path_shown(source->file, path), source->line);
        break;
    case SETTING_ENVIRONMENT:
        snprintf(out, size, "environment %s", setting_variable(setting, variable));
        break;
    case SETTING_FLAG:
        snprintf(out, size, "flag");
        break;
    case SETTING_DEFAULT:
        snprintf(out, size, "default");
        break;
    }
    return out;
}

int settings_draft_set(struct settings_draft *draft, const struct setting *setting,
                       struct bytes text, const struct setting_source *source,
                       struct error_text *why)
{
    enum setting_origin *origin = &draft->origins[setting - settings_table];
    bool is_again = *origin == source->origin;
    struct error_text detail;
    char value[48];
    char place[96];

    if (setting_is_list(setting) && !is_again)
        setting_clear(setting, &draft->settings);
    *origin = source->origin;
    if (source->origin == SETTING_FILE && is_again && !setting_is_list(setting))
        error_text_set(&detail, "is given twice in this file");
    else if (setting_parse(setting, text, &draft->settings, &detail) == 0)
        return 0;
    describe_source(setting, source, place, sizeof(place));
    if (setting->kind->is_secret)
        error_text_set(why, "%s (%s): %s", setting->name, place, detail.text);
    else
        error_text_set(why, "%s \"%s\" (%s): %s", setting->name,
                       bytes_printable(text, value, sizeof(value)), place, detail.text);
    return -1;
}

enum setting_origin settings_draft_origin(const struct settings_draft *draft, const char *name)
{
    const struct setting *setting = setting_find(bytes_of(name));

    assert(setting);
    return draft->origins[setting - settings_table];
}

static int check_tls(const struct settings *settings, struct error_text *why)
{
    bool has_cert = settings->redis_cert[0] != '\0';
    bool has_files = has_cert || settings->redis_key[0] != '\0' || settings->redis_ca[0] != '\0';

    if (has_cert != (settings->redis_key[0] != '\0'))
        error_text_set(why, "redis-cert and redis-key must be given together");
    else if (has_files && !settings->redis.tls)
        error_text_set(why, "redis-ca, redis-cert and redis-key are for rediss:// and "
                            "rediss+sentinel://, but redis does not begin so");
    else
        return 0;
    return -1;
}

int settings_draft_check(struct settings_draft *draft, struct error_text *why)
{
    struct settings *settings = &draft->settings;
    char connect_timeout[32];
    char timeout[32];

    if (check_tls(settings, why))
        return -1;
    if (settings->connect_timeout_ms <= settings->timeout_ms)
        return 0;
    if (settings_draft_origin(draft, "connect-timeout") == SETTING_DEFAULT) {
        settings->connect_timeout_ms = settings->timeout_ms;
        return 0;
    }
    format_duration(settings->connect_timeout_ms, connect_timeout, sizeof(connect_timeout));
    format_duration(settings->timeout_ms, timeout, sizeof(timeout));
    error_text_set(why, "connect-timeout \"%s\" must be at most timeout, which is \"%s\"",
                   connect_timeout, timeout);
    return -1;
}
