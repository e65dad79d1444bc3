/*
 * The kinds of settings: how one value, or one item of a list, is read, written and described.
 */
#ifndef SETTINGS_KIND_H
#define SETTINGS_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "contract/bytes.h"
#include "settings/settings.h"
#include "settings/table.h"

#define SETTING_TEXT_SIZE 640 /* room for any value of one item, and for any "what is allowed" */

struct setting_kind {
    const char *value_name; /* for --help */
    size_t item_size;       /* of a list's item in struct settings */
    bool is_secret;         /* a value may hold a password: it is never shown */
    int (*parse)(const struct setting *setting, struct bytes text, void *item,
                 struct error_text *why);
    void (*format)(const struct setting *setting, const void *item, char *out, size_t size);
    void (*allowed)(const struct setting *setting, char *out, size_t size);
};

extern const struct setting_kind kind_integer;  /* int64_t */
extern const struct setting_kind kind_duration; /* int64_t, ms */
extern const struct setting_kind kind_size;     /* int64_t */
extern const struct setting_kind kind_percent;  /* int64_t */
extern const struct setting_kind kind_status;   /* int */
extern const struct setting_kind kind_bool;     /* bool */
extern const struct setting_kind kind_choice;   /* an enum */
extern const struct setting_kind kind_queue;    /* char[] */
extern const struct setting_kind kind_path;     /* char[], as big as the setting's max + 1 */
extern const struct setting_kind kind_redis;    /* struct redis_address */
extern const struct setting_kind kind_address;  /* struct address_rule */

#endif
