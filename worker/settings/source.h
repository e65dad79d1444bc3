/*
 * Settings while they are being read: a draft starts with the defaults, takes values from the
 * settings file, the environment and the flags, in this order, and remembers where each came from.
 *
 * The settings file has lines of "name = value", comments behind '#' or ';'. A list may be given in
 * several lines, they add up.
 */
#ifndef SETTINGS_SOURCE_H
#define SETTINGS_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "contract/bytes.h"
#include "settings/settings.h"

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
    uint8_t origins[sizeof(struct settings)]; /* an enum setting_origin, at its value's offset */
};

void settings_draft_init(struct settings_draft *draft);

/*
 * Takes a value. A list given again by the same source grows, one given by a later source starts
 * again from nothing. 0, or -1 with *why naming setting, value, source and what is allowed.
 */
int settings_draft_set(struct settings_draft *draft, const struct setting *setting,
                       struct bytes text, const struct setting_source *source,
                       struct error_text *why);

#define SETTINGS_PATH_SIZE 72

/* A path for a message: printable, of a long one its end, which says most; returns out. */
const char *settings_path_shown(const char *path, char out[SETTINGS_PATH_SIZE]);

/*
 * What no single row can tell: connect-timeout fits into timeout. A connect-timeout nobody gave is
 * lowered to it. 0, or -1 with *why.
 */
int settings_draft_check(struct settings_draft *draft, struct error_text *why);

/* --- the settings file --- */

#define SETTINGS_FILE_MAX 65536    /* bytes */
#define SETTINGS_FILE_LINE_MAX 197 /* what inih has room for in a line */

/* Takes what a file's text sets; name is the file's, for messages. 0, or -1 with *why. */
int settings_file_parse(struct bytes text, const char *name, struct settings_draft *draft,
                        struct error_text *why);

/* Reads and takes a file. 0, or -1 with *why. */
int settings_file_read(const char *path, struct settings_draft *draft, struct error_text *why);

/* Reads up to size bytes of a file. How many, or -1 with errno set. */
ssize_t file_read_start(const char *path, char *out, size_t size);

#endif
