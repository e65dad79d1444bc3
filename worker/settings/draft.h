/*
 * Settings while they are being read: starts with the defaults, takes values from the settings
 * file, the environment and the flags, in this order, and remembers where each came from.
 */
#ifndef SETTINGS_DRAFT_H
#define SETTINGS_DRAFT_H

#include "contract/bytes.h"
#include "settings/settings.h"
#include "settings/table.h"

enum setting_origin {
    SETTING_DEFAULT,
    SETTING_FILE,
    SETTING_ENVIRONMENT,
    SETTING_FLAG
};

struct setting_source {
    enum setting_origin origin;
    const char *file; /* when origin is SETTING_FILE: its path and the line */
    int line;
};

struct settings_draft {
    struct settings settings;
    enum setting_origin origins[SETTINGS_COUNT]; /* in the order of the table */
};

void settings_draft_init(struct settings_draft *draft);

/*
 * Takes a value. A list given again by the same source grows, one given by a later source starts
 * anew. 0, or -1 with *why naming setting, value, source and what is allowed.
 */
int settings_draft_set(struct settings_draft *draft, const struct setting *setting,
                       struct bytes text, const struct setting_source *source,
                       struct error_text *why);

#define SETTINGS_PATH_SIZE 72

/* A path for a message: printable, of a long one its end, which tells most; returns out. */
const char *settings_path_shown(const char *path, char out[SETTINGS_PATH_SIZE]);

enum setting_origin settings_draft_origin(const struct settings_draft *draft, const char *name);

/*
 * What no single row can tell: connect-timeout fits into timeout. A connect-timeout nobody gave is
 * lowered to it. 0, or -1 with *why told.
 */
int settings_draft_check(struct settings_draft *draft, struct error_text *why);

#endif
