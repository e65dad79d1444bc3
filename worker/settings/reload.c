#include "settings/reload.h"

#include <stdio.h>
#include <string.h>

#include "settings/source.h"

static bool same(const struct setting *setting, const struct settings *a, const struct settings *b)
{
    char text[SETTING_TEXT_SIZE];
    char other[SETTING_TEXT_SIZE];

    if (setting_items(setting, a) != setting_items(setting, b))
        return false;
    for (size_t i = 0; i < setting_items(setting, a); i++) {
        if (strcmp(setting_format(setting, a, i, text), setting_format(setting, b, i, other)) != 0)
            return false;
    }
    return true;
}

static void add_name(char *names, size_t size, const char *name)
{
    size_t len = strlen(names);

    (void)snprintf(names + len, size - len, "%s%s", len > 0 ? ", " : "", name);
}

/* What the file has no say in is as it is. The password's file may be one that nobody named. */
static void keep(const struct settings *settings, struct settings_draft *draft)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        if (!setting_is_outranked(settings, i))
            continue;
        setting_copy(setting, settings, &draft->settings);
        draft->origins[setting->offset] = SETTING_FLAG;
    }
    if (draft->settings.redis_password_file[0] == '\0')
        memcpy(draft->settings.redis_password_file, settings->redis_password_file,
               sizeof(draft->settings.redis_password_file));
}

static void take(const struct settings *read, struct settings *settings,
                 struct settings_changes *changes)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        if (same(setting, read, settings))
            continue;
        if (setting->reloads) {
            setting_copy(setting, read, settings);
            add_name(changes->taken, sizeof(changes->taken), setting->name);
        } else {
            add_name(changes->later, sizeof(changes->later), setting->name);
        }
    }
}

static bool are_same_transports(const struct settings *a, const struct settings *b)
{
    if (a->transports_len != b->transports_len)
        return false;
    for (size_t i = 0; i < a->transports_len; i++) {
        if (!transport_is_same(&a->transports[i], &b->transports[i]))
            return false;
    }
    return true;
}

static void take_transports(const struct settings *read, struct settings *settings,
                            struct settings_changes *changes)
{
    if (are_same_transports(read, settings))
        return;
    memcpy(settings->transports, read->transports, sizeof(settings->transports));
    settings->transports_len = read->transports_len;
    add_name(changes->taken, sizeof(changes->taken), "transport");
}

int settings_reload(struct settings *settings, struct settings_changes *ret_changes,
                    struct error_text *why)
{
    struct settings_draft draft;
    int result = 0;

    settings_draft_init(&draft);
    if (settings->config_file[0] != '\0')
        result = settings_file_read(settings->config_file, &draft, why);
    if (result == 0) {
        keep(settings, &draft);
        result = settings_draft_check(&draft, why);
    }
    if (result == 0) {
        *ret_changes = (struct settings_changes){.taken = ""};
        take(&draft.settings, settings, ret_changes);
        take_transports(&draft.settings, settings, ret_changes);
    }
    explicit_bzero(&draft, sizeof(draft)); /* may hold a password */
    return result;
}
